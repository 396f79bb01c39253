//! `debug`: shows a message or the value of an expression.

use data::{Map, Value};

use super::{ActionCall, expression};
use crate::trouble::Trouble;

/// Gives `msg`, or the expression with its value. With `verbosity` above that of the run it is skipped.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    if call.args.contains_key("msg") && call.args.contains_key("var") {
        return Err(Trouble::raised("parameters are mutually exclusive: msg|var"));
    }
    let threshold = call.number("verbosity")?.unwrap_or(0.0);
    if threshold > f64::from(call.job.shared.options.verbosity) {
        return Ok(Map::from([
            ("skipped_reason", Value::from("Verbosity threshold not met.")),
            ("skipped", true.into()),
            ("failed", false.into()),
        ]));
    }
    let mut result = Map::new();
    match call.args.get("var") {
        Some(var) => {
            let (name, value) = evaluate(call, var)?;
            result.insert(name, value);
        }
        None => {
            let msg = call.args.get("msg").cloned().unwrap_or_else(|| "Hello world!".into());
            result.insert("msg", msg);
        }
    }
    result.insert("_ansible_verbose_always", true);
    result.insert("failed", false);
    result.insert("changed", false);
    Ok(result)
}

fn evaluate(call: &ActionCall<'_>, var: &Value) -> Result<(String, Value), Trouble> {
    let Some(text) = expression(var) else {
        return Ok((data::python::str(var), call.resolve(var)?));
    };
    let name = match call.scope.resolve(var) {
        Ok(Value::Str(rendered)) if text.contains("{{") => rendered.into_template(),
        Err(error) if text.contains("{{") => {
            return Err(Trouble::argument("ansible.builtin.debug", "var", &error));
        }
        _ => text,
    };
    let value = match call.job.shared.engine.evaluate(&name, &call.scope.context()) {
        Ok(value) => value,
        Err(error) if error.is_undefined() => replaced(&error.to_string()).into(),
        Err(error) => return Err(Trouble::template(error)),
    };
    let value = match &value {
        Value::Undefined(missing) => replaced(&missing.hint).into(),
        _ => value,
    };
    Ok((name.to_string(), value))
}

/// What stands for a value that does not exist.
fn replaced(error: &str) -> String {
    format!("<< error 1 - {error} >>")
}
