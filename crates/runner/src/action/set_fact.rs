//! `set_fact`: variables of the host for the rest of the run.

use data::{Map, Text, Value};

use super::ActionCall;
use crate::trouble::Trouble;

/// Gives the variables as `ansible_facts`; with `cacheable` they become facts too.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let cacheable = call.flag("cacheable").unwrap_or(false);
    let mut facts = Map::new();
    for (key, value) in call.args.iter().filter(|(key, _)| key.as_str() != Some("cacheable")) {
        let name = name(call, &key.to_string())?;
        if !is_name(&name) {
            return Err(Trouble::failed(format!("Task failed: Invalid variable name '{name}'.")));
        }
        // The key as written keeps its place, for warnings about it.
        let key = if key.as_str() == Some(&name) { key.clone() } else { data::Key::from(name) };
        facts.insert(key, value.clone());
    }
    if facts.is_empty() {
        return Err(Trouble::raised(
            "No key/value pairs provided, at least one is required for this action to succeed",
        ));
    }
    Ok(Map::from([
        ("ansible_facts", Value::Map(facts)),
        ("_ansible_facts_cacheable", cacheable.into()),
        ("changed", false.into()),
    ]))
}

/// A key, which may be a template.
fn name(call: &ActionCall<'_>, key: &str) -> Result<String, Trouble> {
    if !key.contains("{{") {
        return Ok(key.to_owned());
    }
    let value = call.resolve(&Value::Str(Text::template(key, None)))?;
    Ok(data::python::str(&value))
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && chars.all(|char| char.is_alphanumeric() || char == '_')
}
