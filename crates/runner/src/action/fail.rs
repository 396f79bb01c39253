//! `fail`: fails with a message.

use data::Map;

use super::ActionCall;
use crate::trouble::Trouble;

/// Always fails.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let msg = call.args.get("msg").map(data::python::str);
    Err(Trouble::failed(msg.unwrap_or_else(|| "Failed as requested from task".into())))
}
