//! Arguments against a specification that a role's `argument_specs` gives: what is missing, of the wrong type, or does not go together.
//! The order of the errors and their words are ansible-core's.

use data::{List, Map, Value};
use playbook::boolean;

use crate::task::finalized::shown;

/// All mistakes, in Ansible's order.
pub(super) fn errors(spec: &Map, given: &Map) -> Vec<String> {
    let mut check = Check::default();
    check.level(spec, None, given, "");
    let Check { mut early, errors, unknown } = check;
    early.extend(errors);
    early.extend(unknown);
    early
}

#[derive(Default)]
struct Check {
    /// Told before all others: values that cannot hold options of their own.
    early: Vec<String>,
    errors: Vec<String>,
    /// Told last: options that no level has.
    unknown: Vec<String>,
}

impl Check {
    /// The options of one level. `around` is the option that holds them and says which go together; `path` names it for messages.
    fn level(&mut self, spec: &Map, around: Option<&Value>, given: &Map, path: &str) {
        let found = if path.is_empty() { String::new() } else { format!(" found in {path}") };
        self.refuse_unknown(spec, given, path);
        if let Some(around) = around {
            self.exclusive(around, given, &found);
        }
        self.missing(spec, given, &found);
        let mut values = given.clone();
        for (name, option) in spec.iter() {
            let name = name.to_string();
            let Some(value) = value_of(given, &name, option) else { continue };
            if value.is_null() && !is_needed(option) {
                continue;
            }
            match self.typed(&name, value, option, path) {
                Some(value) => drop(values.insert(name, value)),
                None => drop(values.remove(&name)),
            }
        }
        for (name, option) in spec.iter() {
            if let Some(value) = values.get(name.to_string().as_str()).filter(|value| !value.is_null()) {
                self.chosen(&name.to_string(), value, option, &found);
            }
        }
        if let Some(around) = around {
            self.together(around, &values, &found);
        }
        for (name, option) in spec.iter() {
            let Some(Value::Map(options)) = option.get("options") else { continue };
            let name = name.to_string();
            let inner = if path.is_empty() { name.clone() } else { format!("{path} -> {name}") };
            match values.get(name.as_str()) {
                Some(Value::Map(below)) => self.level(options, Some(option), below, &inner),
                Some(Value::List(items)) => {
                    items.iter().filter_map(Value::as_map).for_each(|below| {
                        self.level(options, Some(option), below, &inner);
                    });
                }
                _ => {}
            }
        }
    }

    fn missing(&mut self, spec: &Map, given: &Map, found: &str) {
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
            self.errors.push(format!("missing required arguments: {}{found}", missing.join(", ")));
        }
    }

    fn refuse_unknown(&mut self, spec: &Map, given: &Map, path: &str) {
        let is_known = |name: &str| {
            spec.iter().any(|(known, option)| {
                known.as_str() == Some(name) || aliases(option).any(|alias| alias == name)
            })
        };
        let unknown: Vec<String> = given
            .keys()
            .map(ToString::to_string)
            .filter(|name| !is_known(name))
            .map(|name| match path {
                "" => name,
                path => format!("{}.{name}", path.replace(" -> ", ".")),
            })
            .collect();
        if !unknown.is_empty() {
            let mut known: Vec<String> = spec.keys().map(ToString::to_string).collect();
            known.sort();
            let others: Vec<&str> = spec.iter().flat_map(|(_, option)| aliases(option)).collect();
            let others = if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) };
            self.unknown.push(format!(
                "{}. Supported parameters include: {}{others}.",
                unknown.join(", "),
                known.join(", ")
            ));
        }
    }

    /// The value in its type; `None` after a mistake, which is noted.
    fn typed(&mut self, name: &str, value: &Value, option: &Value, path: &str) -> Option<Value> {
        let kind = option.get("type").and_then(Value::as_str).unwrap_or("str");
        let found = if path.is_empty() { String::new() } else { format!(" found in '{path}'.") };
        let has_options = option.get("options").is_some_and(Value::is_truthy);
        let python = value.kind().python_name();
        let value = match converted(value, kind) {
            Ok(value) => value,
            Err(why) => {
                self.errors.push(format!(
                    "argument '{name}' is of type {python}{found} and we were unable to convert to {kind}: {why}"
                ));
                if kind == "dict" && has_options {
                    self.early.push(why);
                    self.errors.push(format!("value of '{name}' must be of type dict or list of dicts"));
                }
                return None;
            }
        };
        let (Some(elements), Value::List(items)) = (option.get("elements").and_then(Value::as_str), &value)
        else {
            return Some(value);
        };
        let mut typed = Vec::new();
        for item in items.iter() {
            match converted(item, elements) {
                Ok(item) => typed.push(item),
                Err(why) => {
                    if elements == "dict" && has_options {
                        self.early.push(format!(
                            "Value '{}' in the sub parameter field '{name}' must be a list, not '{}'",
                            data::python::str(item),
                            class(item)
                        ));
                    }
                    self.errors.push(format!(
                        "Elements value for option '{name}'{found} is of type {} and we were unable to convert to {elements}: {why}",
                        item.kind().python_name()
                    ));
                }
            }
        }
        Some(Value::List(List::new(typed)))
    }

    fn chosen(&mut self, name: &str, value: &Value, option: &Value, found: &str) {
        let Some(choices) = option.get("choices").and_then(Value::as_list) else { return };
        let words: Vec<String> = choices.iter().map(data::python::str).collect();
        let words = words.join(", ");
        if let Value::List(items) = value {
            let wrong: Vec<String> =
                items.iter().filter(|item| !choices.contains(item)).map(data::python::str).collect();
            if !wrong.is_empty() {
                self.errors.push(format!(
                    "value of {name} must be one or more of: {words}. Got no match for: {}{found}",
                    wrong.join(", ")
                ));
            }
        } else if !choices.contains(value) {
            let got = data::python::str(value);
            self.errors.push(format!("value of {name} must be one of: {words}, got: {got}{found}"));
        }
    }

    fn exclusive(&mut self, around: &Value, given: &Map, found: &str) {
        let full: Vec<String> = groups(around, "mutually_exclusive")
            .filter(|group| group.iter().filter(|name| has(given, name)).count() > 1)
            .map(|group| group.join("|"))
            .collect();
        if !full.is_empty() {
            self.errors.push(format!("parameters are mutually exclusive: {}{found}", full.join(", ")));
        }
    }

    /// `required_together`, `required_one_of`, `required_if`, `required_by`: of each the first that is broken.
    fn together(&mut self, around: &Value, given: &Map, found: &str) {
        for group in groups(around, "required_together") {
            let there = group.iter().filter(|name| has(given, name)).count();
            if there > 0 && there < group.len() {
                self.errors.push(format!("parameters are required together: {}{found}", group.join(", ")));
                break;
            }
        }
        for group in groups(around, "required_one_of") {
            if !group.iter().any(|name| has(given, name)) {
                self.errors.push(format!("one of the following is required: {}{found}", group.join(", ")));
                break;
            }
        }
        if let Some(broken) = lists(around, "required_if").find_map(|rule| broken_if(&rule, given)) {
            self.errors.push(format!("{broken}{found}"));
        }
        let Some(Value::Map(rules)) = around.get("required_by") else { return };
        for (name, needed) in rules.iter().filter(|(name, _)| has(given, &name.to_string())) {
            let missing: Vec<String> = words(needed).into_iter().filter(|name| !has(given, name)).collect();
            if !missing.is_empty() {
                let missing = missing.join(", ");
                self.errors.push(format!("missing parameter(s) required by '{name}': {missing}{found}"));
                break;
            }
        }
    }
}

/// `[name, value, needed, any]`: what is missing when the argument has the value.
fn broken_if(rule: &List, given: &Map) -> Option<String> {
    let name = rule.first().and_then(Value::as_str)?;
    let (wanted, needed) = (rule.get(1)?, words(rule.get(2)?));
    let any = rule.get(3).and_then(boolean).unwrap_or(false);
    if given.get(name) != Some(wanted) {
        return None;
    }
    let missing: Vec<&str> = needed.iter().map(String::as_str).filter(|name| !has(given, name)).collect();
    let broken = if any { missing.len() == needed.len() } else { !missing.is_empty() };
    let which = if any { "any" } else { "all" };
    broken.then(|| {
        let wanted = data::python::str(wanted);
        format!("{name} is {wanted} but {which} of the following are missing: {}", missing.join(", "))
    })
}

fn is_needed(option: &Value) -> bool {
    option.get("required").and_then(boolean).unwrap_or(false)
        || option.get("default").is_some_and(|default| !default.is_null())
}

fn aliases(option: &Value) -> impl Iterator<Item = &str> {
    let list = option.get("aliases").and_then(Value::as_list);
    list.into_iter().flat_map(|list| list.iter()).filter_map(Value::as_str)
}

fn value_of<'a>(given: &'a Map, name: &str, option: &Value) -> Option<&'a Value> {
    given.get(name).or_else(|| aliases(option).find_map(|alias| given.get(alias)))
}

fn has(given: &Map, name: &str) -> bool {
    given.get(name).is_some_and(|value| !value.is_null())
}

fn lists<'a>(around: &'a Value, rule: &str) -> impl Iterator<Item = List> + 'a {
    let list = around.get(rule).and_then(Value::as_list);
    list.into_iter().flat_map(|list| list.iter()).filter_map(|group| group.as_list().cloned())
}

/// The groups of names of a rule; one list of names alone is a group too.
fn groups<'a>(around: &'a Value, rule: &str) -> impl Iterator<Item = Vec<String>> + 'a {
    let alone = around
        .get(rule)
        .filter(|list| list.as_list().is_some_and(|list| list.iter().all(|name| name.as_str().is_some())));
    let alone = alone.map(words).filter(|names| !names.is_empty());
    alone.into_iter().chain(lists(around, rule).map(|group| words(&Value::List(group))))
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::List(list) => list.iter().filter_map(shown).collect(),
        other => shown(other).into_iter().collect(),
    }
}

/// The value in a type, as Ansible converts it.
///
/// # Errors
/// It cannot be; why, in Ansible's words.
fn converted(value: &Value, kind: &str) -> Result<Value, String> {
    let refused = |what: &str| Err(format!("<class '{}'> cannot be converted to {what}", class_path(value)));
    match kind {
        "str" | "path" | "raw" | "json" | "jsonarg" => Ok(value.clone()),
        "bool" => boolean(value).map(Value::from).ok_or_else(|| {
            format!(
                "The value '{}' is not a valid boolean. Valid booleans include: 0, 1, 'n', 'no', 'f', 'off', 'false', '0', 't', 'y', 'yes', 'on', 'true', '1'",
                data::python::str(value)
            )
        }),
        "int" => int(value).ok_or_else(|| format!("\"{}\" cannot be converted to an int", data::python::repr(value))),
        "float" => match value {
            Value::Float(_) | Value::Int(_) | Value::Bool(_) => Ok(value.clone()),
            Value::Str(text) => match text.trim().parse::<f64>() {
                Ok(number) => Ok(Value::Float(number)),
                Err(_) => refused("a float"),
            },
            _ => refused("a float"),
        },
        "list" => match value {
            Value::List(_) => Ok(value.clone()),
            Value::Str(text) => Ok(text.split(',').map(str::trim).map(Value::from).collect()),
            Value::Int(_) | Value::Float(_) => Ok(Value::List(List::new(vec![data::python::str(value).into()]))),
            _ => refused("a list"),
        },
        "dict" => match value {
            Value::Map(_) => Ok(value.clone()),
            Value::Str(text) => dict(text).ok_or_else(|| {
                "dictionary requested, could not parse JSON or key=value".to_owned()
            }),
            _ => refused("a dict"),
        },
        "bytes" | "bits" => match value {
            Value::Int(_) | Value::Float(_) => Ok(value.clone()),
            Value::Str(text) if is_size(text) => Ok(value.clone()),
            _ => refused(if kind == "bytes" { "a Byte value" } else { "a Bit value" }),
        },
        _ => Err("'NoneType' object is not callable".to_owned()),
    }
}

fn int(value: &Value) -> Option<Value> {
    match value {
        Value::Int(_) => Some(value.clone()),
        Value::Bool(flag) => Some(Value::Int((*flag).into())),
        Value::Float(number) if number.fract() == 0.0 => Some(Value::Int(*number as i128)),
        Value::Str(text) => text.trim().parse::<i128>().ok().map(Value::Int),
        _ => None,
    }
}

/// `{"a": 1}` or `a=1, b=2`.
fn dict(text: &data::Text) -> Option<Value> {
    if text.trim_start().starts_with('{') {
        return data::json::parse(text).ok().filter(|value| value.as_map().is_some());
    }
    if !text.contains('=') {
        return None;
    }
    let pairs = text.split([',', ' ']).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            pair.split_once('=').map(|(key, value)| (key.trim().to_owned(), Value::from(value.trim())))
        })
        .collect::<Option<Vec<_>>>()
        .map(|pairs| {
            Value::Map(pairs.into_iter().map(|(key, value)| (data::Key::from(key), value)).collect())
        })
}

/// `10`, `1.5 GB`, `3K`.
fn is_size(text: &str) -> bool {
    let text = text.trim();
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim();
    unit.len() < text.len() && unit.chars().next().is_none_or(|first| "BKMGTPEZYbkmgtpezy".contains(first))
}

/// The name of a value's class as ansible-core has it, for values that a user wrote.
fn class(value: &Value) -> &'static str {
    match value {
        Value::Str(_) => "_AnsibleTaggedStr",
        Value::Int(_) => "_AnsibleTaggedInt",
        Value::Float(_) => "_AnsibleTaggedFloat",
        Value::List(_) => "_AnsibleTaggedList",
        Value::Map(_) => "_AnsibleTaggedDict",
        other => other.kind().python_name(),
    }
}

fn class_path(value: &Value) -> String {
    let class = class(value);
    if class.starts_with('_') {
        format!("ansible.module_utils._internal._datatag.{class}")
    } else {
        class.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(fields: &[(&'static str, Value)]) -> Value {
        Value::Map(fields.iter().cloned().collect())
    }

    #[test]
    fn types_are_converted_as_ansible_does() {
        for (value, kind, good) in [
            (Value::from("3"), "int", true),
            (Value::from("x"), "int", false),
            (Value::from("yes"), "bool", true),
            (Value::from(Map::new()), "dict", true),
            (Value::from("a=1, b=2"), "dict", true),
            (Value::from("a,b"), "list", true),
            (Value::from(vec![]), "dict", false),
            (Value::from("1.5 GB"), "bytes", true),
            (Value::from("much"), "bytes", false),
        ] {
            assert_eq!(converted(&value, kind).is_ok(), good, "{value:?} as {kind}");
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let spec = Map::from([
            ("a", option(&[("required", true.into())])),
            ("b", option(&[("type", "int".into())])),
            ("c", option(&[("choices", vec![Value::from("x")].into())])),
        ]);
        let errors = errors(&spec, &Map::from([("b", "no"), ("c", "y")]));
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert_eq!(errors[0], "missing required arguments: a");
        assert_eq!(errors[2], "value of c must be one of: x, got: y");
    }

    #[test]
    fn options_of_options_must_go_together() {
        let names =
            |names: &[&str]| Value::from(vec![names.iter().copied().map(Value::from).collect::<Value>()]);
        let below = Map::from([
            ("m", Value::Map(Map::new())),
            ("n1", Value::Map(Map::new())),
            ("n2", Value::Map(Map::new())),
        ]);
        let spec = Map::from([(
            "d",
            option(&[
                ("type", "dict".into()),
                ("options", Value::Map(below)),
                ("mutually_exclusive", names(&["n1", "n2"])),
                ("required_together", names(&["m", "n1"])),
                ("required_one_of", names(&["m", "n2"])),
                ("required_by", Value::Map(Map::from([("n2", vec![Value::from("m")])]))),
            ]),
        )]);
        let told = |given: Map| errors(&spec, &Map::from([("d", Value::Map(given))]));
        assert_eq!(told(Map::new()), ["one of the following is required: m, n2 found in d"]);
        assert_eq!(told(Map::from([("m", "x")])), ["parameters are required together: m, n1 found in d"]);
        assert_eq!(told(Map::from([("n2", "x")])), ["missing parameter(s) required by 'n2': m found in d"]);
        assert_eq!(
            told(Map::from([("m", "x"), ("n1", "x"), ("n2", "x"), ("zz", "x")])),
            [
                "parameters are mutually exclusive: n1|n2 found in d",
                "d.zz. Supported parameters include: m, n1, n2."
            ]
        );
    }
}
