//! `set_stats`: values for the end of the run.

use data::{Map, Value};

use super::ActionCall;
use super::set_fact::name;
use crate::trouble::Trouble;

/// Gives `data` with the way to count it as `ansible_stats`.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let data = match call.args.get("data") {
        None => Map::new(),
        Some(Value::Map(data)) => {
            let named = data.iter().map(|(key, value)| Ok((name(call, key)?, value.clone())));
            named.collect::<Result<Map, Trouble>>()?
        }
        Some(_) => return Err(Trouble::raised("The 'data' option needs to be a dictionary/hash")),
    };
    let stats = Map::from([
        ("data", Value::Map(data)),
        ("per_host", call.flag("per_host").unwrap_or(false).into()),
        ("aggregate", call.flag("aggregate").unwrap_or(true).into()),
    ]);
    Ok(Map::from([("changed", Value::from(false)), ("ansible_stats", Value::Map(stats))]))
}
