//! Lookups that run a command on this machine: `pipe` and `lines`.

use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::process::Pid;

use crate::lookups::{Lookup, Request};
use crate::val::{Res, Val, fail};

pub(crate) const LOOKUPS: &[Lookup] = &[
    Lookup::new("pipe", |request| run(request, "pipe", |text| vec![Val::from(text.trim_end())])),
    Lookup::new("lines", |request| {
        run(request, "lines", |text| crate::methods::lines(text, false).into_iter().map(Val::from).collect())
    }),
];

/// Process groups of the commands that run.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

fn running() -> std::sync::MutexGuard<'static, Vec<Pid>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends what `pipe` and `lines` have started and what that has started: the user wants the run to stop.
pub fn stop_commands() {
    for group in running().drain(..) {
        // It may have ended by itself.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
    }
}

/// Runs a command in a process group of its own, which [`stop_commands`] ends.
fn output(mut command: Command) -> std::io::Result<Output> {
    let child = data::program::start(command.process_group(0).stdout(Stdio::piped()))?;
    let group = Pid::from_child(&child);
    running().push(group);
    let output = child.wait_with_output();
    running().retain(|other| *other != group);
    output
}

fn run(request: &mut Request<'_, '_>, name: &str, take: fn(&str) -> Vec<Val>) -> Res<Vec<Val>> {
    let mut found = Vec::new();
    let base = request.ev.ctx.search.base();
    for term in request.text_terms()? {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(&term).stdin(Stdio::null()).stderr(Stdio::inherit());
        if base.is_dir() {
            command.current_dir(base);
        }
        match output(command) {
            Ok(output) if output.status.success() => {
                found.extend(take(&String::from_utf8_lossy(&output.stdout)))
            }
            Ok(output) => {
                let code = output.status.code().unwrap_or(-1);
                return fail(format!("lookup_plugin.{name}({term}) returned {code}"));
            }
            Err(error) => return fail(format!("cannot run `{term}`: {error}")),
        }
    }
    Ok(found)
}
