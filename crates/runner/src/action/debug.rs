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
    match call.args.get("var").filter(|var| !is_omitted(call, var)) {
        Some(var) if !matches!(var, Value::Str(_)) => {
            let kind = var.kind().python_name();
            return Err(Trouble::failed(format!(
                "argument 'var' is of type {kind} and we were unable to convert to _check_type_str_no_conversion: '{}' is not a \
                 string and conversion is not allowed",
                data::python::str(var)
            )));
        }
        Some(var) => {
            let (name, mut value, mut warnings) = evaluate(call, var)?;
            if template::is_omit(&value) {
                value = OMITTED.into();
                warnings.push(LEFT_OUT.to_owned());
            }
            if !warnings.is_empty() {
                result.insert("warnings", warnings.into_iter().map(Value::from).collect::<Value>());
            }
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

/// Whether a template resolves to `omit`.
fn is_omitted(call: &ActionCall<'_>, var: &Value) -> bool {
    let is_template = expression(var).is_some_and(|text| text.contains("{{"));
    is_template && call.scope.resolve(var).is_ok_and(|value| template::is_omit(&value))
}

/// The name of what is shown, its value, and warnings about what stands in it for values that do not exist.
fn evaluate(call: &ActionCall<'_>, var: &Value) -> Result<(String, Value, Vec<String>), Trouble> {
    let Some(text) = expression(var) else {
        // What a template left is its own value.
        return Ok((data::python::str(var), call.resolve(var)?, Vec::new()));
    };
    let name = match call.scope.resolve(var) {
        Ok(Value::Str(rendered)) if text.contains("{{") && rendered.is_template() => rendered,
        Ok(Value::Str(_)) if text.contains("{{") => {
            // Only what a person wrote is evaluated.
            let msg = "Task failed: Error while resolving `var` expression: Encountered untrusted template or expression.";
            return Err(Trouble::failed(msg));
        }
        Err(error) if text.contains("{{") => {
            return Err(Trouble::argument("ansible.builtin.debug", "var", &error));
        }
        _ => text,
    };
    let shown = call.job.shared.engine.evaluate_shown(&name, &call.scope.context());
    let (value, warnings) = shown.map_err(Trouble::shown_expression)?;
    Ok((name.to_string(), value, warnings))
}

/// What stands for a variable that is `omit`.
const OMITTED: &str = "<<Omit>>";
/// What Ansible says then.
const LEFT_OUT: &str =
    "The result of the `var` expression could not be omitted; a placeholder was used instead.";
