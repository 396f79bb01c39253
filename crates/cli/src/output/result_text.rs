//! A result's fields as text: what Ansible leaves out, when it spreads them over lines, and secrets as stars.

use data::{Map, Text, Value, json};
use runner::{Status, TaskResult};

/// What stands for a secret.
pub(crate) const MASK: &str = "********";

/// Fields of `debug` that say nothing about what it was asked to show.
const HIDDEN_IN_DEBUG: [&str; 8] = [
    "changed",
    "failed",
    "skipped",
    "invocation",
    "skip_reason",
    "ansible_loop_var",
    "ansible_index_var",
    "ansible_loop",
];

/// An action without its collection: `debug` for `ansible.builtin.debug`.
pub(crate) fn short_action(action: &str) -> &str {
    action
        .strip_prefix("ansible.builtin.")
        .or_else(|| action.strip_prefix("ansible.legacy."))
        .unwrap_or(action)
}

/// Whether a result is always shown whole, spread over lines: what `debug` and `assert` say, unless they were skipped.
pub(crate) fn always_verbose(result: &TaskResult) -> bool {
    result.shown_whole && !matches!(result.status, Status::Skipped | Status::Unreachable)
}

/// Whether a result is shown with its fields at this number of `-v`.
pub(crate) fn is_verbose(result: &TaskResult, verbosity: u8) -> bool {
    let quiet = matches!(short_action(&result.task.action), "setup" | "gather_facts");
    (verbosity > 0 || always_verbose(result)) && !quiet
}

/// A result's fields without those that Ansible does not show at this number of `-v`.
pub(crate) fn shown_fields(result: &TaskResult, verbosity: u8) -> Map {
    let mut fields = result.result.clone();
    if verbosity < 3 {
        fields.remove("invocation");
        fields.remove("diff");
    }
    if result.status == Status::Skipped {
        // Items of a loop have been shown one by one.
        fields.remove("results");
    }
    // The line's first word says whether it failed or was skipped; warnings have been told.
    for field in ["failed", "skipped", "exception", "warnings", "deprecations"] {
        fields.remove(field);
    }
    if short_action(&result.task.action) == "debug" {
        if fields.contains_key("msg") {
            fields = fields
                .iter()
                .filter(|(key, _)| key.as_str() == Some("msg"))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
        } else {
            HIDDEN_IN_DEBUG.iter().for_each(|field| {
                fields.remove(field);
            });
        }
    }
    fields
}

/// Fields as JSON with sorted keys: on one line, or spread over lines.
pub(crate) fn as_json(fields: &Map, spread: bool) -> String {
    let style = if spread { json::JsonStyle::indented(4) } else { json::JsonStyle::default() };
    json::write(&masked(&Value::from(fields.clone())), &style.sorted().unicode())
}

/// A result's fields as the output `oneline` writes them: lines of JSON joined without anything between them.
pub(crate) fn as_tight_json(result: &TaskResult) -> String {
    let spaces = if always_verbose(result) { 4 } else { 0 };
    let fields = masked(&Value::from(shown_fields(result, 0)));
    json::write(&fields, &json::JsonStyle::indented(spaces).sorted().unicode()).replace('\n', "")
}

/// Fields as JSON with sorted keys on one line, with a blank inside of each pair of braces: how custom stats are shown.
pub(crate) fn as_spaced_json(fields: &Map) -> String {
    let text =
        json::write(&masked(&Value::from(fields.clone())), &json::JsonStyle::indented(1).sorted().unicode());
    text.replace('\n', "")
}

/// The value with every secret text replaced by stars.
pub(crate) fn masked(value: &Value) -> Value {
    match value {
        Value::Str(text) if text.is_secret() => Value::Str(Text::plain(MASK)),
        Value::List(items) => Value::List(items.iter().map(masked).collect()),
        Value::Map(map) => Value::Map(map.iter().map(|(key, value)| (key.clone(), masked(value))).collect()),
        other => other.clone(),
    }
}

/// The texts of a list field, such as `warnings`.
pub(crate) fn texts(result: &Map, field: &str) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::Map(map) => deprecation(map),
        other => data::python::str(other),
    };
    result.get(field).and_then(Value::as_list).map(|list| list.iter().map(text).collect()).unwrap_or_default()
}

/// One entry of `deprecations`: what, and when it goes.
fn deprecation(entry: &Map) -> String {
    let msg = entry.get("msg").map_or_else(String::new, data::python::str);
    match entry.get("version").filter(|version| version.is_truthy()) {
        Some(version) if entry.get_str("collection_name") == Some("ansible.builtin") => {
            let version = data::python::str(version);
            format!("{msg} This feature will be removed from ansible-core version {version}.")
        }
        _ => msg,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_inside_of_anything_become_stars() {
        let secret = Value::from(Text::plain("hunter2").into_secret());
        let fields =
            Map::from([("list", Value::from(vec![secret.clone(), Value::from(1)])), ("password", secret)]);
        assert_eq!(as_json(&fields, false), r#"{"list": ["********", 1], "password": "********"}"#);
    }

    #[test]
    fn actions_are_known_with_and_without_their_collection() {
        for (action, short) in [
            ("ansible.builtin.debug", "debug"),
            ("ansible.legacy.copy", "copy"),
            ("a.b.c", "a.b.c"),
            ("raw", "raw"),
        ] {
            assert_eq!(short_action(action), short);
        }
    }
}
