//! `set_fact`: variables of the host for the rest of the run.

use data::{Diagnostic, Key, Map, Text, VARIABLE_NAME_RULE, Value, invalid_variable_name, is_variable_name};

use super::ActionCall;
use crate::trouble::Trouble;

/// Gives the variables as `ansible_facts`; with `cacheable` they become facts too.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let cacheable = call.flag("cacheable").unwrap_or(false);
    let mut facts = Map::new();
    for (key, value) in call.args.iter().filter(|(key, _)| key.as_str() != Some("cacheable")) {
        let name = name(call, key)?;
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

/// The name that a key gives to a variable; it may be a template.
///
/// # Errors
/// The template fails, or no variable can have that name.
pub(super) fn name(call: &ActionCall<'_>, key: &Key) -> Result<String, Trouble> {
    let written = key.as_str().filter(|text| text.contains("{{"));
    let value = match written {
        Some(text) => call.resolve(&Value::Str(Text::template(text, None)))?,
        None => key.to_value(),
    };
    match value.as_str() {
        Some(name) if is_variable_name(name) => Ok(name.to_owned()),
        _ => {
            let msg = invalid_variable_name(&value);
            let place = match key {
                Key::Str(text) => text.place(),
                _ => None,
            };
            let finding = Diagnostic::error(msg.clone()).at_opt(place, "").help(VARIABLE_NAME_RULE);
            Err(Trouble::from_finding(msg, vec![finding]))
        }
    }
}
