//! `community.general.timezone`: the time zone of the host and of its hardware clock.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use data::Map;

use crate::facts::managers;
use crate::process::{self, Command};
use crate::{Arg, Args, Context, Diff, Failure, ModuleSpec, Outcome, Rules, atomic_write};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "timezone",
    collection: "community.general",
    summary: "Configure timezone setting",
    args: &[
        Arg::str("name").help("The time zone, such as `Europe/Berlin`."),
        Arg::str("hwclock")
            .aliases(&["rtc"])
            .choices(&["UTC", "local"])
            .help("Whether the hardware clock keeps UTC or local time."),
    ],
    rules: Rules { required_one_of: &[&["hwclock", "name"]], ..Rules::NONE },
    run,
    ..ModuleSpec::DEFAULTS
};

const ZONES: &str = "/usr/share/zoneinfo";

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    if let Some(name) = args.opt_str("name") {
        let inside = !name.split('/').any(|part| part == ".." || part.is_empty());
        if !inside || !Path::new(ZONES).join(name).is_file() {
            return Err(Failure::new(format!("given timezone \"{name}\" is not available")));
        }
    }
    let (mut before, mut after) = (Map::new(), Map::new());
    let mut compare = |key: &'static str, current: String, wanted: Option<&str>| {
        let differs = wanted.is_some_and(|wanted| wanted != current);
        after.insert(key, wanted.unwrap_or(&current));
        before.insert(key, current);
        differs
    };
    let zone = compare("name", current_zone(), args.opt_str("name"));
    let clock = compare("hwclock", current_clock(), args.opt_str("hwclock"));
    if !context.check {
        if let Some(name) = args.opt_str("name").filter(|_| zone) {
            set_zone(name, context)?;
        }
        if let Some(kind) = args.opt_str("hwclock").filter(|_| clock) {
            set_clock(kind, context)?;
        }
    }
    // What nobody asked for is not shown.
    for key in ["name", "hwclock"].into_iter().filter(|key| !args.has(key)) {
        before.remove(key);
        after.remove(key);
    }
    Ok(Outcome::new(zone || clock).with_diff(Diff::properties(before, after)))
}

/// The zone that `/etc/localtime` links to, or that `/etc/timezone` names; `n/a` if neither tells.
fn current_zone() -> String {
    let link = fs::read_link("/etc/localtime").ok().map(|target| target.to_string_lossy().into_owned());
    let linked = link.and_then(|target| Some(target.split_once("zoneinfo/")?.1.to_owned()));
    let named = || fs::read_to_string("/etc/timezone").ok().map(|text| text.trim().to_owned());
    linked.or_else(named).unwrap_or_else(|| "n/a".to_owned())
}

/// The third line of `/etc/adjtime`: UTC unless it says LOCAL.
fn current_clock() -> String {
    let text = fs::read_to_string("/etc/adjtime").unwrap_or_default();
    if text.lines().nth(2).map(str::trim) == Some("LOCAL") { "local" } else { "UTC" }.to_owned()
}

fn set_zone(name: &str, context: &mut Context) -> Result<(), Failure> {
    if managers::booted_by_systemd()
        && let Some(program) = process::find_program("timedatectl", context)
    {
        let output = Command::new(program).args(["set-timezone", name]).plain_language().run(context)?;
        if output.ok() {
            return name_zone(name);
        }
        // A host without its time service still has the link that all programs read.
    }
    let fail = |error: std::io::Error| Failure::new(format!("could not set the time zone: {error}"));
    let new = Path::new("/etc/localtime.new");
    let _ = fs::remove_file(new);
    symlink(Path::new(ZONES).join(name), new).map_err(fail)?;
    fs::rename(new, "/etc/localtime").map_err(fail)?;
    name_zone(name)
}

/// Debian keeps the name in a file too.
fn name_zone(name: &str) -> Result<(), Failure> {
    let path = Path::new("/etc/timezone");
    let old = fs::read_to_string(path).unwrap_or_default();
    if path.exists() && old.trim() != name {
        atomic_write::write(path, format!("{name}\n").as_bytes(), true)
    } else {
        Ok(())
    }
}

fn set_clock(kind: &str, context: &mut Context) -> Result<(), Failure> {
    if managers::booted_by_systemd()
        && let Some(program) = process::find_program("timedatectl", context)
    {
        let local = if kind == "local" { "yes" } else { "no" };
        return Command::new(program)
            .args(["set-local-rtc", local])
            .plain_language()
            .run_ok(context)
            .map(drop);
    }
    let program = process::require_program("hwclock", context)?;
    let option = if kind == "local" { "--localtime" } else { "--utc" };
    Command::new(program).args(["--systohc", option]).plain_language().run_ok(context).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RunRequest, run_local};

    #[test]
    fn zones_outside_the_database_are_refused() {
        for name in ["No/Where", "../../etc/passwd", "/etc/passwd"] {
            let result = run_local(&RunRequest::new("timezone", Map::from([("name", name)])));
            assert_eq!(
                result.get_str("msg"),
                Some(format!("given timezone \"{name}\" is not available").as_str())
            );
        }
    }

    #[test]
    fn the_current_zone_needs_no_change() {
        let name = current_zone();
        if Path::new(ZONES).join(&name).is_file() {
            let result = run_local(&RunRequest::new("timezone", Map::from([("name", name)])));
            assert_eq!(result.get("changed"), Some(&data::Value::from(false)));
        }
    }
}
