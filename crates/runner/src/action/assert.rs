//! `assert`: fails unless conditions hold.

use data::{Map, Value};

use super::ActionCall;
use crate::trouble::Trouble;

/// Evaluates `that` in order; the first condition that is false fails the task.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let quiet = call.flag("quiet").unwrap_or(false);
    let Some(that) = call.args.get("that") else {
        return Err(Trouble::raised("missing required arguments: that"));
    };
    let conditions = match that {
        Value::List(list) => list.to_vec(),
        // A template may stand for the whole list; any other text is one condition, with the braces that it should not have.
        Value::Str(text) if text.trim_start().starts_with("{{") => match call.resolve(that) {
            Ok(Value::List(list)) => list.into_items(),
            _ => vec![that.clone()],
        },
        other => vec![other.clone()],
    };
    for condition in &conditions {
        if call.scope.condition(condition).map_err(Trouble::condition)? {
            continue;
        }
        let fail_msg = call.args.get("fail_msg").or_else(|| call.args.get("msg"));
        let msg = fail_msg.cloned().unwrap_or_else(|| "Assertion failed".into());
        let mut trouble = Trouble::failed("").with("msg", msg).with("assertion", condition.clone());
        trouble = trouble.with("evaluated_to", false);
        if !quiet {
            trouble = trouble.with("_ansible_verbose_always", true);
        }
        return Err(trouble);
    }
    let msg = call.args.get("success_msg").cloned().unwrap_or_else(|| "All assertions passed".into());
    let mut result = Map::from([("changed", Value::from(false)), ("msg", msg)]);
    if !quiet {
        result.insert("_ansible_verbose_always", true);
    }
    Ok(result)
}
