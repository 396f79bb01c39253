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
                "argument 'var' is of type {kind} and we were unable to convert to str: '{}' is not a string and conversion is not \
                 allowed",
                data::python::str(var)
            )));
        }
        Some(var) => {
            let (name, value) = evaluate(call, var)?;
            if let Some(missing) = value
                .as_str()
                .and_then(|text| text.strip_prefix(MISSING))
                .and_then(|text| text.strip_suffix(" >>"))
            {
                let words = format!("Encountered 1 template error.\nerror 1 - {missing}");
                result.insert("warnings", vec![Value::from(words)]);
            }
            if value.as_str() == Some(OMITTED) {
                result.insert(
                    "warnings",
                    vec![Value::from("A template was resolved to an Omit scalar that could not be omitted.")],
                );
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

fn evaluate(call: &ActionCall<'_>, var: &Value) -> Result<(String, Value), Trouble> {
    let Some(text) = expression(var) else {
        // What a template left is its own value.
        return Ok((data::python::str(var), call.resolve(var)?));
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
    let value = match call.job.shared.engine.evaluate(&name, &call.scope.context()) {
        Ok(value) => value,
        Err(error) if error.is_undefined() => placeholder(&error.to_string()).into(),
        Err(error) => return Err(Trouble::template(error)),
    };
    let value = match &value {
        Value::Undefined(missing) => placeholder(&missing.hint).into(),
        omitted if template::is_omit(omitted) => OMITTED.into(),
        _ => value,
    };
    Ok((name.to_string(), value))
}

/// What is shown for a value that does not exist: for `omit`, which has no value either, a word of its own.
fn placeholder(error: &str) -> String {
    if error.contains("`omit` was used") { OMITTED.to_owned() } else { replaced(error) }
}

/// What stands for a variable that is `omit`.
const OMITTED: &str = "<<Omit>>";

/// How the stand-in for a value that does not exist begins.
const MISSING: &str = "<< error 1 - ";

/// What stands for a value that does not exist.
fn replaced(error: &str) -> String {
    format!("{MISSING}{error} >>")
}
