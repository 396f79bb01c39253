//! Which names a variable can have.

use crate::{Value, python};

/// What Ansible says to those who gave a variable another name.
pub const VARIABLE_NAME_RULE: &str = "Variable names must be strings starting with a letter or underscore character, and contain only letters, numbers and \
     underscores.";

/// Whether a template can name the variable: an ASCII identifier that is not a word of the template language. Python's own words
/// (`class`, `if`) are names like others.
pub fn is_variable_name(name: &str) -> bool {
    const KEYWORDS: [&str; 7] = ["False", "None", "True", "false", "none", "not", "true"];
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !KEYWORDS.contains(&name)
}

/// Ansible's words for a value that cannot name a variable: `Invalid variable name '1' of type 'int'.`
pub fn invalid_variable_name(name: &Value) -> String {
    let shown = match name {
        Value::Str(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Null => {
            format!("name {}", python::repr(&Value::from(python::str(name))))
        }
        _ => "name".to_owned(),
    };
    match name {
        Value::Str(_) => format!("Invalid variable {shown}."),
        _ => format!("Invalid variable {shown} of type '{}'.", name.kind().python_name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_names_are_ascii_identifiers_that_templates_can_name() {
        for (name, good) in [
            ("a_1", true),
            ("_x", true),
            ("class", true),
            ("1a", false),
            ("a-b", false),
            ("a b", false),
            ("é", false),
            ("", false),
            ("not", false),
            ("True", false),
        ] {
            assert_eq!(is_variable_name(name), good, "{name}");
        }
    }

    #[test]
    fn what_is_no_name_is_told_in_ansibles_words() {
        assert_eq!(invalid_variable_name(&"a-b".into()), "Invalid variable name 'a-b'.");
        assert_eq!(invalid_variable_name(&1.into()), "Invalid variable name '1' of type 'int'.");
        assert_eq!(invalid_variable_name(&true.into()), "Invalid variable name 'True' of type 'bool'.");
        assert_eq!(invalid_variable_name(&"{{ 'x' }}".into()), "Invalid variable name \"{{ 'x' }}\".");
        let list = Value::from(vec![Value::from("a")]);
        assert_eq!(invalid_variable_name(&list), "Invalid variable name of type 'list'.");
    }
}
