//! `validate_argument_spec`: a role's arguments against its specification.

use data::{Map, Value};

use super::{ActionCall, argument_spec};
use crate::trouble::Trouble;

/// Checks the variables that the specification names; those given explicitly win over the host's.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let Some(Value::Map(spec)) = call.args.get("argument_spec") else {
        return Err(Trouble::failed("Missing required arg: argument_spec"));
    };
    let mut given = Map::new();
    for (name, _) in spec.iter() {
        let name = name.to_string();
        if let Some(value) =
            call.scope.variable(&name).map_err(Trouble::template)?.filter(|value| !value.is_undefined())
        {
            given.insert(name, value);
        }
    }
    if let Some(Value::Map(provided)) = call.args.get("provided_arguments") {
        given.extend_from(provided);
    }
    let errors = argument_spec::errors(spec, &given);
    let context = call.args.get("validate_args_context").cloned().unwrap_or_else(|| Value::Map(Map::new()));
    if errors.is_empty() {
        return Ok(Map::from([
            ("changed", Value::from(false)),
            ("msg", "The arg spec validation passed".into()),
            ("validate_args_context", context),
        ]));
    }
    let msg = format!("Validation of arguments failed:\n{}", errors.join("\n"));
    let errors: Value = errors.into_iter().map(Value::from).collect();
    Err(Trouble::failed(msg)
        .with("argument_errors", errors)
        .with("argument_spec_data", Value::Map(spec.clone()))
        .with("validate_args_context", context))
}
