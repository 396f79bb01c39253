//! `validate_argument_spec`: a role's arguments against its specification.

use data::{List, Map, Value};
use playbook::boolean;

use super::ActionCall;
use crate::finalized::shown;
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
    let mut errors = Vec::new();
    check_all(spec, &given, "", &mut errors);
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

/// Checks the options of one level; `path` names where they stand.
fn check_all(spec: &Map, given: &Map, path: &str, errors: &mut Vec<String>) {
    let found = if path.is_empty() { String::new() } else { format!(" found in {path}") };
    let mut missing: Vec<String> = spec
        .iter()
        .filter(|(name, option)| {
            let required = option.get("required").and_then(boolean).unwrap_or(false);
            required && value_of(given, &name.to_string(), option).is_none()
        })
        .map(|(name, _)| name.to_string())
        .collect();
    missing.sort();
    if !missing.is_empty() {
        errors.push(format!("missing required arguments: {}{found}", missing.join(", ")));
    }
    for (name, option) in spec.iter() {
        let name = name.to_string();
        let needed = option.get("required").and_then(boolean).unwrap_or(false)
            || option.get("default").is_some_and(|default| !default.is_null());
        if let Some(value) = value_of(given, &name, option).filter(|value| needed || !value.is_null()) {
            check(&name, value, option, path, errors);
        }
    }
    if !path.is_empty() {
        refuse_unknown(spec, given, path, errors);
    }
}

fn value_of<'a>(given: &'a Map, name: &str, option: &Value) -> Option<&'a Value> {
    given.get(name).or_else(|| {
        let aliases = option.get("aliases").and_then(Value::as_list)?;
        aliases.iter().filter_map(Value::as_str).find_map(|alias| given.get(alias))
    })
}

fn refuse_unknown(spec: &Map, given: &Map, path: &str, errors: &mut Vec<String>) {
    let is_known = |name: &str| {
        spec.iter().any(|(known, option)| {
            let aliases = option.get("aliases").and_then(Value::as_list);
            known.as_str() == Some(name)
                || aliases.is_some_and(|list| list.iter().any(|alias| alias.as_str() == Some(name)))
        })
    };
    let unknown: Vec<String> = given
        .keys()
        .map(ToString::to_string)
        .filter(|name| !is_known(name))
        .map(|name| format!("{path}.{name}"))
        .collect();
    if !unknown.is_empty() {
        let known: Vec<String> = spec.keys().map(ToString::to_string).collect();
        errors.push(format!("{}. Supported parameters include: {}.", unknown.join(", "), known.join(", ")));
    }
}

/// Type, choices and inner options of one argument.
fn check(name: &str, value: &Value, option: &Value, path: &str, errors: &mut Vec<String>) {
    let kind = option.get("type").and_then(Value::as_str).unwrap_or("str");
    let found = if path.is_empty() { String::new() } else { format!(" found in '{path}'") };
    if !fits(value, kind) {
        let python = value.kind().python_name();
        let shown = shown(value).unwrap_or_else(|| data::python::repr(value));
        errors.push(format!(
            "argument '{name}' is of type {python}{found} and we were unable to convert to {kind}: {}",
            conversion(kind, python, &shown)
        ));
        return;
    }
    let items = match value {
        Value::List(list) if kind == "list" => list.clone(),
        single => List::new(vec![single.clone()]),
    };
    if let (Some(elements), Value::List(list)) = (option.get("elements").and_then(Value::as_str), value) {
        for item in list.iter().filter(|item| !fits(item, elements)) {
            let python = item.kind().python_name();
            let shown = shown(item).unwrap_or_else(|| data::python::repr(item));
            errors.push(format!(
                "Elements value for option '{name}'{found} is of type {python} and we were unable to convert to {elements}: {}",
                conversion(elements, python, &shown)
            ));
        }
    }
    if let Some(choices) = option.get("choices").and_then(Value::as_list) {
        for item in items.iter().filter(|item| !choices.contains(item)) {
            let words: Vec<String> = choices.iter().map(data::python::str).collect();
            let many = if kind == "list" { "one or more of" } else { "one of" };
            errors.push(format!(
                "value of {name} must be {many}: {}, got: {}{found}",
                words.join(", "),
                data::python::str(item)
            ));
        }
    }
    if let Some(Value::Map(options)) = option.get("options") {
        let inner = if path.is_empty() { name.to_owned() } else { format!("{path} -> {name}") };
        for item in items.iter().filter_map(Value::as_map) {
            check_all(options, item, &inner, errors);
        }
    }
}

/// Whether a value is of a type, or can be turned into it as Ansible does.
fn fits(value: &Value, kind: &str) -> bool {
    match (kind, value) {
        ("raw" | "json" | "jsonarg", _)
        | ("str" | "path", Value::Str(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_)) => true,
        ("str", _) => true,
        ("bool", value) => boolean(value).is_some(),
        ("int", Value::Int(_)) | ("float", Value::Int(_) | Value::Float(_)) => true,
        ("int", Value::Bool(_)) | ("float", Value::Bool(_)) => true,
        ("int", Value::Float(number)) => number.fract() == 0.0,
        ("int", Value::Str(text)) => text.trim().parse::<i128>().is_ok(),
        ("float", Value::Str(text)) => text.trim().parse::<f64>().is_ok(),
        ("list", Value::List(_) | Value::Str(_) | Value::Int(_) | Value::Float(_)) => true,
        ("dict", Value::Map(_)) => true,
        ("dict", Value::Str(text)) => text.trim_start().starts_with('{') || text.contains('='),
        ("bytes" | "bits", Value::Int(_) | Value::Str(_)) => true,
        _ => false,
    }
}

/// Why a conversion failed, in Ansible's words.
fn conversion(kind: &str, python: &str, shown: &str) -> String {
    match kind {
        "bool" => format!(
            "The value '{shown}' is not a valid boolean.  Valid booleans include: 0, 1, 'n', 'no', 'f', 'off', 'false', '0', 't', 'y', 'yes', 'on', 'true', '1'"
        ),
        "int" | "float" if python == "NoneType" => {
            format!("\"None\" cannot be converted to {}", if kind == "int" { "an int" } else { "a float" })
        }
        "int" | "float" if python == "str" => {
            let repr = data::python::repr_str(shown);
            format!("\"{repr}\" cannot be converted to {}", if kind == "int" { "an int" } else { "a float" })
        }
        "int" => format!("\"<class '{python}'> cannot be converted to an int\""),
        "float" => format!("\"<class '{python}'> cannot be converted to a float\""),
        "dict" if python == "str" => "dictionary requested, could not parse JSON or key=value".into(),
        _ => format!("<class '{python}'> cannot be converted to a {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_converted_as_ansible_does() {
        for (value, kind, good) in [
            (Value::from("3"), "int", true),
            (Value::from("x"), "int", false),
            (Value::from("yes"), "bool", true),
            (Value::from(Map::new()), "dict", true),
            (Value::from("a,b"), "list", true),
            (Value::from(vec![]), "dict", false),
        ] {
            assert_eq!(fits(&value, kind), good, "{value:?} as {kind}");
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let option = |fields: &[(&'static str, Value)]| Value::Map(fields.iter().cloned().collect());
        let spec = Map::from([
            ("a", option(&[("required", true.into())])),
            ("b", option(&[("type", "int".into())])),
            ("c", option(&[("choices", vec![Value::from("x")].into())])),
        ]);
        let mut errors = Vec::new();
        check_all(&spec, &Map::from([("b", "no"), ("c", "y")]), "", &mut errors);
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert_eq!(errors[0], "missing required arguments: a");
        assert_eq!(errors[2], "value of c must be one of: x, got: y");
    }
}
