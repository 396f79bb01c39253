//! `gather_facts`: the facts of a host.

use data::{Map, Value};

use super::ActionCall;
use crate::trouble::Trouble;

/// Runs `setup` on the target.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let mut args = call.args.clone();
    args.remove("parallel");
    let mut result = call.module("setup", args, Vec::new())?;
    if let Some(Value::Map(facts)) = result.get("ansible_facts") {
        let mut facts = facts.clone();
        facts.insert("_ansible_facts_gathered", true);
        result.insert("ansible_facts", facts);
    }
    result.insert("_ansible_verbose_override", true);
    Ok(result)
}
