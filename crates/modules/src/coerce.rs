//! From what the user wrote to what an argument's type wants, as Ansible's `AnsibleModule` converts
//! (`module_utils/common/validation.py` describes each rule).

use data::{List, Map, Text, Value, json, literal, python};

use crate::ArgType;
use crate::accounts;

/// How a variable of the target's environment is found.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Converts a value to a type. The error is the end of Ansible's sentence "... we were unable to convert to TYPE: ERROR".
/// Text that still holds a template passes as it is: its value is not known yet.
pub(crate) fn coerce(value: &Value, kind: ArgType, environment: Environment) -> Result<Value, String> {
    if let Value::Str(text) = value
        && text.is_template()
        && (text.contains("{{") || text.contains("{%"))
    {
        return Ok(value.clone());
    }
    match kind {
        ArgType::Raw => Ok(value.clone()),
        ArgType::Str => Ok(Value::Str(text(value))),
        ArgType::Path => {
            let text = text(value);
            Ok(Value::Str(text.with_chars(expand_path(&text, environment))))
        }
        ArgType::Bool => boolean(value),
        ArgType::Int => integer(value),
        ArgType::Float => float(value),
        ArgType::List => list(value),
        ArgType::Dict => dictionary(value),
        ArgType::Json => json_text(value),
        ArgType::Bytes => size(value, false),
        ArgType::Bits => size(value, true),
    }
}

/// The Python type of a value as Ansible's messages print it: `<class 'list'>`.
fn class_of(value: &Value) -> String {
    format!("<class '{}'>", value.kind().python_name())
}

fn text(value: &Value) -> Text {
    match value {
        Value::Str(text) => text.clone(),
        Value::Null => Text::plain(""),
        other => Text::plain(python::str(other)),
    }
}

const TRUE_WORDS: &[&str] = &["y", "yes", "on", "1", "true", "t"];
const FALSE_WORDS: &[&str] = &["n", "no", "off", "0", "false", "f"];

/// The boolean that Ansible reads in a word; `None` if it is none.
pub fn boolean_word(word: &str) -> Option<bool> {
    let word = word.trim().to_lowercase();
    if TRUE_WORDS.contains(&word.as_str()) {
        Some(true)
    } else if FALSE_WORDS.contains(&word.as_str()) {
        Some(false)
    } else {
        None
    }
}

fn boolean(value: &Value) -> Result<Value, String> {
    let flag = match value {
        Value::Bool(flag) => Some(*flag),
        Value::Int(0) => Some(false),
        Value::Int(1) => Some(true),
        Value::Float(number) if *number == 0.0 => Some(false),
        Value::Float(number) if *number == 1.0 => Some(true),
        Value::Str(text) => boolean_word(text),
        Value::Int(_) | Value::Float(_) => None,
        other => return Err(format!("{} cannot be converted to a bool", class_of(other))),
    };
    flag.map(Value::Bool).ok_or_else(|| {
        let words = TRUE_WORDS.iter().chain(FALSE_WORDS).map(|word| format!("'{word}'")).collect::<Vec<_>>();
        format!(
            "The value '{}' is not a valid boolean. Valid booleans include: {}",
            python::str(value),
            words.join(", ")
        )
    })
}

fn integer(value: &Value) -> Result<Value, String> {
    let fail = || Err(format!("\"{}\" cannot be converted to an int", python::repr(value)));
    match value {
        Value::Int(_) => Ok(value.clone()),
        Value::Bool(flag) => Ok(Value::Int(i128::from(*flag))),
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e30 => {
            Ok(Value::Int(*number as i128))
        }
        Value::Str(text) => {
            let digits = text.trim().replace('_', "");
            if let Ok(number) = digits.parse::<i128>() {
                return Ok(Value::Int(number));
            }
            match digits.parse::<f64>() {
                Ok(number) if number.is_finite() && number.fract() == 0.0 && number.abs() < 1e30 => {
                    Ok(Value::Int(number as i128))
                }
                _ => fail(),
            }
        }
        _ => fail(),
    }
}

fn float(value: &Value) -> Result<Value, String> {
    let number = match value {
        Value::Float(number) => Some(*number),
        Value::Int(number) => Some(*number as f64),
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Str(text) => text.trim().parse::<f64>().ok(),
        _ => None,
    };
    number.map(Value::Float).ok_or_else(|| format!("{} cannot be converted to a float", class_of(value)))
}

fn list(value: &Value) -> Result<Value, String> {
    match value {
        Value::List(_) => Ok(value.clone()),
        Value::Str(text) => Ok(text.split(',').map(|item| Value::Str(text.with_chars(item))).collect()),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) => {
            Ok(Value::List(List::new(vec![Value::str(python::str(value))])))
        }
        other => Err(format!("{} cannot be converted to a list", class_of(other))),
    }
}

fn dictionary(value: &Value) -> Result<Value, String> {
    match value {
        Value::Map(_) => Ok(value.clone()),
        Value::Str(text) if text.starts_with('{') => json::parse(text)
            .ok()
            .or_else(|| literal::parse(text))
            .filter(|read| read.as_map().is_some())
            .ok_or_else(|| "unable to evaluate string as dictionary".to_string()),
        Value::Str(text) if text.contains('=') => key_value_pairs(text)
            .map(Value::Map)
            .ok_or_else(|| "unable to evaluate string in the \"key=value\" format as dictionary".to_string()),
        Value::Str(_) => Err("dictionary requested, could not parse JSON or key=value".to_string()),
        other => Err(format!("{} cannot be converted to a dict", class_of(other))),
    }
}

/// `a=1, b="x y"` as a dictionary of texts: pairs parted by commas or spaces, quotes and backslashes as a shell has them.
fn key_value_pairs(text: &str) -> Option<Map> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut quote = None;
    let mut escaped = false;
    for c in text.trim().chars() {
        if escaped {
            field.push(c);
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if quote.is_none() && (c == '\'' || c == '"') {
            quote = Some(c);
        } else if quote == Some(c) {
            quote = None;
        } else if quote.is_none() && (c == ',' || c == ' ') {
            fields.push(std::mem::take(&mut field));
        } else {
            field.push(c);
        }
    }
    fields.push(field);
    fields
        .iter()
        .filter(|field| !field.is_empty())
        .map(|field| field.split_once('=').map(|(key, item)| (key, Value::str(item))))
        .collect()
}

fn json_text(value: &Value) -> Result<Value, String> {
    match value {
        Value::Str(text) => Ok(Value::Str(text.with_chars(text.trim()))),
        Value::List(_) | Value::Map(_) => Ok(Value::from(json::write(value, &json::JsonStyle::default()))),
        other => Err(format!("{} cannot be converted to a json string", class_of(other))),
    }
}

/// The number of bytes (or bits) that a human size names; `10M` is 10 MiB, as in Ansible.
fn size(value: &Value, bits: bool) -> Result<Value, String> {
    if let Value::Int(_) = value {
        return Ok(value.clone());
    }
    let text = python::str(value);
    let text = text.trim();
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (text[..at].parse::<f64>(), text[at..].trim());
    let what = if bits { "Bit" } else { "Byte" };
    let fail = || format!("{} cannot be converted to a {what} value", class_of(value));
    let number = number.map_err(|_| fail())?;
    let factor = unit_factor(unit, if bits { 'b' } else { 'B' }).ok_or_else(fail)?;
    Ok(Value::Int((number * factor).round() as i128))
}

fn unit_factor(unit: &str, suffix: char) -> Option<f64> {
    let mut chars = unit.chars();
    let Some(first) = chars.next() else { return Some(1.0) };
    let rest = chars.as_str();
    if (first == 'b' || first == 'B') && rest.is_empty() {
        return Some(1.0);
    }
    let power = "KMGTPEZY".find(first.to_ascii_uppercase())? + 1;
    let known = rest.is_empty() || rest.chars().eq([suffix]) || rest.eq_ignore_ascii_case("ib");
    known.then(|| 1024_f64.powi(i32::try_from(power).unwrap_or(0)))
}

/// A path with `~`, `~user`, `$NAME` and `${NAME}` replaced; what has no value stays as written.
pub(crate) fn expand_path(path: &str, environment: Environment) -> String {
    expand_home(&expand_variables(path, environment), environment)
}

fn expand_home(path: &str, environment: Environment) -> String {
    let Some(rest) = path.strip_prefix('~') else { return path.to_string() };
    let (user, tail) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let home = if user.is_empty() {
        environment("HOME").or_else(|| accounts::current_user().map(|user| user.home))
    } else {
        accounts::user(user).map(|user| user.home)
    };
    match home {
        Some(home) => {
            let joined = format!("{}{tail}", home.trim_end_matches('/'));
            if joined.is_empty() { "/".to_string() } else { joined }
        }
        None => path.to_string(),
    }
}

fn expand_variables(path: &str, environment: Environment) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, length) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, _)) => (name, name.len() + 2),
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                (&after[..end], end)
            }
        };
        match environment(name).filter(|_| !name.is_empty()) {
            Some(value) => out.push_str(&value),
            None => out.push_str(&rest[at..=at + length]),
        }
        rest = &after[length..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        (name == "HOME").then(|| "/home/u".to_string())
    }

    fn convert(value: impl Into<Value>, kind: ArgType) -> Result<Value, String> {
        coerce(&value.into(), kind, &environment)
    }

    #[test]
    fn booleans_are_ansibles_words() {
        for (word, flag) in [("yes", true), ("Off", false), ("T", true), ("0", false), (" on ", true)] {
            assert_eq!(convert(word, ArgType::Bool), Ok(Value::from(flag)), "{word}");
        }
        assert!(
            convert("maybe", ArgType::Bool)
                .unwrap_err()
                .starts_with("The value 'maybe' is not a valid boolean")
        );
        assert!(convert(2, ArgType::Bool).is_err());
    }

    #[test]
    fn numbers_come_from_text_only_when_exact() {
        assert_eq!(convert("42", ArgType::Int), Ok(Value::from(42)));
        assert_eq!(convert("42.0", ArgType::Int), Ok(Value::from(42)));
        assert_eq!(convert("4.2", ArgType::Int), Err("\"'4.2'\" cannot be converted to an int".to_string()));
        assert_eq!(convert("1.5", ArgType::Float), Ok(Value::from(1.5)));
    }

    #[test]
    fn text_becomes_a_list_at_commas() {
        assert_eq!(
            convert("a,b c", ArgType::List),
            Ok(Value::from(vec![Value::from("a"), Value::from("b c")]))
        );
        assert_eq!(convert(5, ArgType::List), Ok(Value::from(vec![Value::from("5")])));
    }

    #[test]
    fn text_becomes_a_dictionary_as_json_or_pairs() {
        let expected = Value::from(Map::from([("a", "1"), ("b", "x y")]));
        assert_eq!(convert("a=1, b=\"x y\"", ArgType::Dict), Ok(expected.clone()));
        assert_eq!(convert("{\"a\": \"1\", \"b\": \"x y\"}", ArgType::Dict), Ok(expected));
        assert!(convert("nothing", ArgType::Dict).is_err());
    }

    #[test]
    fn paths_expand_home_and_variables() {
        for (path, expanded) in [
            ("~/a", "/home/u/a"),
            ("~", "/home/u"),
            ("$HOME/b", "/home/u/b"),
            ("${HOME}c", "/home/uc"),
            ("$NO/x", "$NO/x"),
        ] {
            assert_eq!(convert(path, ArgType::Path), Ok(Value::from(expanded)), "{path}");
        }
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(convert("10M", ArgType::Bytes), Ok(Value::from(10 * 1024 * 1024)));
        assert_eq!(convert("1.5KB", ArgType::Bytes), Ok(Value::from(1536)));
        assert_eq!(convert("1Kb", ArgType::Bits), Ok(Value::from(1024)));
        assert!(convert("ten", ArgType::Bytes).is_err());
    }

    #[test]
    fn text_that_is_still_a_template_passes() {
        let template = Value::Str(Text::template("{{ port }}", None));
        assert_eq!(convert(template.clone(), ArgType::Int), Ok(template));
    }
}
