//! `wait_for_connection`: waits until the target answers.

use std::time::{Duration, Instant};

use data::{Map, Value};

use super::ActionCall;
use crate::task::attempts;
use crate::task::outcome::is_true;
use crate::trouble::Trouble;

/// Tries `ping` every `sleep` seconds for `timeout` seconds, after `delay`.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    if call.keywords.check {
        return Ok(Map::from([
            ("changed", Value::from(false)),
            ("elapsed", 0.into()),
            ("skipped", true.into()),
        ]));
    }
    let seconds = |name: &str, default: f64| -> Result<Duration, Trouble> {
        Ok(Duration::from_secs_f64(call.number(name)?.unwrap_or(default).clamp(0.0, 1e9)))
    };
    let start = Instant::now();
    attempts::pause(seconds("delay", 0.0)?, &call.job.shared.options.interrupt);
    wait(call, seconds("timeout", 600.0)?, seconds("sleep", 1.0)?)?;
    Ok(Map::from([("changed", Value::from(false)), ("elapsed", start.elapsed().as_secs().into())]))
}

/// Waits until the target runs modules again.
pub(super) fn wait(call: &ActionCall<'_>, limit: Duration, sleep: Duration) -> Result<(), Trouble> {
    let end = Instant::now() + limit;
    loop {
        call.job.shared.connections.reset(call.target());
        let last = match call.module("ping", Map::new(), Vec::new()) {
            Ok(result) if !is_true(&result, "failed") => return Ok(()),
            Ok(result) => result,
            Err(trouble) => trouble.result,
        };
        if Instant::now() >= end || call.job.shared.options.interrupt.is_set() {
            let why = last.get_str("msg").unwrap_or_default();
            let elapsed = limit.as_secs();
            return Err(Trouble::failed(format!("timed out waiting for ping module test: {why}"))
                .with("elapsed", elapsed));
        }
        attempts::pause(sleep, &call.job.shared.options.interrupt);
    }
}
