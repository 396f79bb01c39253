//! `package` and `service`: the module that fits the host.

use data::{Map, Value};

use super::ActionCall;
use crate::trouble::Trouble;

/// Runs the host's package module: `use`, `ansible_package_use`, or what its facts name.
pub(super) fn package(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    dispatch(call, "ansible_package_use", "pkg_mgr", "package")
}

/// Runs the host's service module.
pub(super) fn service(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    dispatch(call, "ansible_service_use", "service_mgr", "service")
}

fn dispatch(call: &ActionCall<'_>, variable: &str, fact: &str, kind: &str) -> Result<Map, Trouble> {
    let mut args = call.args.clone();
    let asked = args
        .remove("use")
        .and_then(|value| crate::task::finalized::shown(&value))
        .filter(|name| name != "auto");
    let name = match asked {
        Some(name) => name,
        None => match call
            .scope
            .variable(variable)
            .map_err(Trouble::template)?
            .and_then(|value| crate::task::finalized::shown(&value))
        {
            Some(name) if name != "auto" => name,
            _ => manager(call, fact)?,
        },
    };
    if modules::find(&name).is_none() {
        return Err(Trouble::raised(format!(
            "Could not find a matching action for the \"{name}\" {kind} manager."
        )));
    }
    call.module(&name, args, Vec::new())
}

/// The manager that the host's facts name; asked of the host when they are not known.
fn manager(call: &ActionCall<'_>, fact: &str) -> Result<String, Trouble> {
    let full = format!("ansible_{fact}");
    let known = match &call.keywords.delegate_to {
        Some(host) => call.scope.for_host(host).facts().get(full.as_str()).cloned(),
        None => call.scope.facts().get(full.as_str()).cloned(),
    };
    if let Some(Value::Str(name)) = known {
        return Ok(name.to_string());
    }
    let args = Map::from([
        ("filter", Value::from(full.as_str())),
        ("gather_subset", vec![Value::from("!all"), Value::from(fact)].into()),
    ]);
    let keywords = crate::task::finalized::Finalized { async_seconds: 0, ..call.keywords.clone() };
    let asking = ActionCall { args: Map::new(), keywords: &keywords, ..call.clone() };
    let result = asking.module("setup", args, Vec::new())?;
    let facts = result.get("ansible_facts").and_then(Value::as_map);
    let name = facts.and_then(|facts| facts.get_str(&full)).filter(|name| *name != "unknown");
    name.map(str::to_owned).ok_or_else(|| {
        Trouble::raised(format!("Could not detect which {fact} the host uses: set `use`, or gather facts"))
    })
}
