//! `reboot`: restarts the target and waits until it is back.

use std::time::{Duration, Instant};

use data::{Map, Value};

use super::{ActionCall, wait_for_connection};
use crate::task::attempts;
use crate::trouble::Trouble;

pub(super) const ARGS: &[&str] = &[
    "pre_reboot_delay",
    "post_reboot_delay",
    "reboot_timeout",
    "connect_timeout",
    "test_command",
    "msg",
    "search_paths",
    "boot_time_command",
    "reboot_command",
];

/// The number that the kernel draws at each boot.
const BOOT_ID: &str = "cat /proc/sys/kernel/random/boot_id";

/// Reboots, waits for a new boot id and for `test_command` to succeed.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let (connection, _) = call.connection()?;
    drop(connection);
    if call.keywords.connection.as_deref() == Some("local") {
        return Err(Trouble::failed("Running reboot with local connection would reboot the control node.")
            .with("rebooted", false)
            .with("elapsed", 0));
    }
    if call.keywords.check {
        return Ok(Map::from([
            ("changed", Value::from(true)),
            ("elapsed", 0.into()),
            ("rebooted", true.into()),
        ]));
    }
    let seconds = |name: &str, default: f64| -> Result<Duration, Trouble> {
        Ok(Duration::from_secs_f64(call.number(name)?.unwrap_or(default).clamp(0.0, 1e9)))
    };
    let start = Instant::now();
    let ident = call.text("boot_time_command").unwrap_or_else(|| BOOT_ID.into());
    let before = say(call, &ident)?;
    let delay = seconds("pre_reboot_delay", 0.0)?.as_secs();
    let command = call.text("reboot_command").unwrap_or_else(|| {
        let msg = call.text("msg").unwrap_or_else(|| "Reboot initiated by Ansible".into());
        format!("shutdown -r +{} {}", delay.div_ceil(60), modules::process::quote(&msg))
    });
    // The session may well break before the answer comes.
    let _ = say(call, &command);
    let limit = seconds("reboot_timeout", 600.0)?;
    await_new_boot(call, &ident, &before, start + limit)?;
    attempts::pause(seconds("post_reboot_delay", 0.0)?, &call.job.shared.options.interrupt);
    let test = call.text("test_command").unwrap_or_else(|| "whoami".into());
    while say(call, &test).is_err() {
        if start.elapsed() > limit {
            return Err(timed_out(start));
        }
        attempts::pause(Duration::from_secs(1), &call.job.shared.options.interrupt);
    }
    Ok(Map::from([
        ("changed", Value::from(true)),
        ("elapsed", start.elapsed().as_secs().into()),
        ("rebooted", true.into()),
    ]))
}

fn await_new_boot(call: &ActionCall<'_>, ident: &str, before: &str, end: Instant) -> Result<(), Trouble> {
    let begin = Instant::now();
    loop {
        attempts::pause(Duration::from_secs(1), &call.job.shared.options.interrupt);
        wait_for_connection::wait(
            call,
            end.saturating_duration_since(Instant::now()),
            Duration::from_secs(1),
        )
        .map_err(|_| timed_out(begin))?;
        if say(call, ident).is_ok_and(|now| now != before) {
            return Ok(());
        }
        if Instant::now() >= end || call.job.shared.options.interrupt.is_set() {
            return Err(timed_out(begin));
        }
    }
}

fn timed_out(begin: Instant) -> Trouble {
    Trouble::failed("Timed out waiting for last boot time check")
        .with("rebooted", true)
        .with("elapsed", begin.elapsed().as_secs())
}

/// What a shell command prints; one that fails is an error.
fn say(call: &ActionCall<'_>, command: &str) -> Result<String, Trouble> {
    let result = call.module("shell", Map::from([("_raw_params", command)]), Vec::new())?;
    match result.get("rc") {
        Some(rc) if *rc == Value::from(0) => {
            Ok(result.get_str("stdout").unwrap_or_default().trim().to_owned())
        }
        _ => {
            Err(Trouble::failed(format!("`{command}` failed on the target"))
                .with("result", Value::Map(result)))
        }
    }
}
