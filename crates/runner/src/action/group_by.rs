//! `group_by`: puts hosts into groups by the value of an expression.

use data::{Map, Value};

use super::ActionCall;
use crate::task::finalized::shown;
use crate::trouble::Trouble;

/// Gives the group's name and parents; the main thread changes the inventory.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let Some(key) = call.args.get("key").and_then(shown) else {
        return Err(Trouble::failed("the 'key' param is required when using group_by"));
    };
    let parents: Vec<String> = match call.args.get("parents") {
        None => vec!["all".into()],
        Some(Value::List(list)) => list.iter().filter_map(shown).collect(),
        Some(other) => shown(other).into_iter().collect(),
    };
    let name = |text: &str| text.replace(' ', "-");
    let parents: Value = parents.iter().map(|parent| Value::from(name(parent))).collect();
    Ok(Map::from([
        ("changed", Value::from(false)),
        ("add_group", name(&key).into()),
        ("parent_groups", parents),
    ]))
}
