//! `seboolean`: the switches of an SELinux policy, now or for good, by `setsebool` and `semanage`.

use std::fs;
use std::path::Path;

use crate::file_attributes::selinux_enabled;
use crate::process::{Command, find_program, require_program};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "seboolean",
    collection: "ansible.posix",
    summary: "Toggles SELinux booleans",
    args: &[
        Arg::str("name").required().help("The switch."),
        Arg::bool("state").required().help("Whether it is to be on."),
        Arg::bool("persistent").default_bool(false).help("Keep it over a restart."),
        Arg::bool("ignore_selinux_state")
            .default_bool(false)
            .help("Go on where SELinux is off, as in an image that is being made."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let enabled = selinux_enabled();
    if !enabled && !args.bool("ignore_selinux_state") {
        return Err(Failure::new("SELinux is disabled on this host."));
    }
    let (name, state, persistent) = (args.str("name")?, args.bool("state"), args.bool("persistent"));
    let changed = if persistent {
        kept_value(name, context)? != Some(state)
    } else {
        enabled && value_now(name)? != state
    };
    if changed && !context.check {
        let program = require_program("setsebool", context)?;
        let mut command = Command::new(program);
        if persistent {
            command = command.arg("-P");
            if !enabled {
                // Only the store is written; there is no kernel to tell.
                command = command.arg("-N");
            }
        }
        let done = command.args([name, if state { "1" } else { "0" }]).run(context)?;
        if !done.ok() {
            let word = if state { "True" } else { "False" };
            let said = done.stderr_text();
            return Err(
                Failure::new(format!("Failed to set boolean {name} to {word}")).with("details", said.trim())
            );
        }
    }
    Ok(Outcome::new(changed).with("name", name).with("persistent", persistent).with("state", state))
}

/// The switch in the running kernel: `CURRENT PENDING` in a file of its name.
fn value_now(name: &str) -> Result<bool, Failure> {
    let path = Path::new("/sys/fs/selinux/booleans").join(name);
    let text = if name.contains('/') { None } else { fs::read_to_string(&path).ok() };
    let text = text.ok_or_else(|| Failure::new(format!("SELinux boolean {name} does not exist.")))?;
    Ok(text.split_whitespace().next() == Some("1"))
}

/// The switch in the policy's store: `NAME (now , kept) what it does`.
fn kept_value(name: &str, context: &mut Context) -> Result<Option<bool>, Failure> {
    let Some(semanage) = find_program("semanage", context) else {
        // Without the tool the store cannot be read; setting it again does no harm.
        if selinux_enabled() {
            value_now(name)?;
        }
        return Ok(None);
    };
    let told = Command::new(semanage).args(["boolean", "-l", "-n"]).plain_language().run_ok(context)?;
    let found = read_kept(&told.stdout_text(), name);
    found
        .map(Some)
        .ok_or_else(|| Failure::new(format!("SELinux boolean {name} is not defined in persistent policy")))
}

fn read_kept(list: &str, name: &str) -> Option<bool> {
    let line = list.lines().find(|line| line.split_whitespace().next() == Some(name))?;
    let values = line.split_once('(')?.1.split_once(')')?.0;
    Some(values.split(',').nth(1)?.trim() == "on")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_value_is_the_second() {
        let list = "abrt_anon_write                (off  ,  off)  Allow abrt to anon write\nhttpd_can_network_connect      (off  ,   on)  Allow httpd\n";
        assert_eq!(read_kept(list, "httpd_can_network_connect"), Some(true));
        assert_eq!(read_kept(list, "abrt_anon_write"), Some(false));
        assert_eq!(read_kept(list, "httpd"), None);
    }
}
