//! `hostname`: the name of the host, now and after a restart.

use std::fs;
use std::path::Path;

use data::Map;

use crate::facts::managers;
use crate::process::{self, Command};
use crate::{Arg, Args, Context, Diff, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "hostname",
    summary: "Manage hostname",
    args: &[
        Arg::str("name").required().help("The name; without dots, or with the domain if the host's name is to have one."),
        Arg::str("use")
            .choices(&["alpine", "debian", "freebsd", "generic", "macos", "macosx", "darwin", "openbsd", "openrc", "redhat", "sles", "solaris", "systemd"])
            .help("How to set it: through systemd or in the file of a distribution; not given: what the host has."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

/// The longest name that the kernel keeps.
const LONGEST: usize = 64;

/// Where the permanent name is kept, and how.
enum Keeper {
    /// By systemd's `hostnamectl`.
    Systemd,
    /// As the only line of this file.
    File(&'static str),
    /// As a setting in this file, with this start and end of the line.
    Setting(&'static str, &'static str, &'static str),
    /// Nowhere.
    Nobody,
}

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let name = args.str("name")?;
    if name.len() > LONGEST {
        return Err(Failure::new(format!(
            "name cannot be longer than {LONGEST} characters on systemd servers, try a shorter name"
        )));
    }
    let keeper = keeper(args.opt_str("use"))?;
    let before = current();
    let permanent = keeper.read(context)?;
    let changed = before != name || permanent.as_deref().is_some_and(|kept| kept != name);
    if !context.check {
        if permanent.is_some_and(|kept| kept != name) {
            keeper.write(name, context)?;
        }
        if current() != name {
            keeper.set_current(name, context)?;
        }
    }
    let facts = Map::from([
        ("ansible_hostname", name.split('.').next().unwrap_or(name).to_owned()),
        ("ansible_nodename", name.to_owned()),
        ("ansible_fqdn", name.to_owned()),
        ("ansible_domain", name.split_once('.').map_or("", |(_, domain)| domain).to_owned()),
    ]);
    let mut outcome = Outcome::new(changed).with("name", name).with_facts(facts);
    if changed {
        let line = |name: &str| format!("hostname = {name}\n");
        outcome = outcome.with_diff(Diff::text(line(&before), line(name)));
    }
    Ok(outcome)
}

fn current() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn keeper(asked: Option<&str>) -> Result<Keeper, Failure> {
    let there = |path: &str| Path::new(path).exists();
    Ok(match asked {
        Some("systemd") => Keeper::Systemd,
        Some("debian" | "alpine") => Keeper::File("/etc/hostname"),
        Some("sles") => Keeper::File("/etc/HOSTNAME"),
        Some("redhat") => Keeper::Setting("/etc/sysconfig/network", "HOSTNAME=", ""),
        Some("openrc") => Keeper::Setting("/etc/conf.d/hostname", "hostname=\"", "\""),
        Some("generic") => Keeper::Nobody,
        Some(other) => return Err(Failure::new(format!("`use: {other}` is for systems other than Linux"))),
        None if managers::booted_by_systemd() && there("/usr/bin/hostnamectl") => Keeper::Systemd,
        None if there("/etc/HOSTNAME") => Keeper::File("/etc/HOSTNAME"),
        None if there("/etc/conf.d/hostname") => Keeper::Setting("/etc/conf.d/hostname", "hostname=\"", "\""),
        None => Keeper::File("/etc/hostname"),
    })
}

impl Keeper {
    /// The permanent name; `None` if there is no place for one.
    fn read(&self, context: &mut Context) -> Result<Option<String>, Failure> {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Ok(match self {
            Self::Systemd => Some(hostnamectl(&["--static", "status"], context)?.trim().to_owned()),
            Self::File(path) => Some(read(path).trim().to_owned()),
            Self::Setting(path, start, end) => Some(setting(&read(path), start, end).unwrap_or_default()),
            Self::Nobody => None,
        })
    }

    fn write(&self, name: &str, context: &mut Context) -> Result<(), Failure> {
        let put = |path: &str, text: String| {
            fs::write(path, text).map_err(|error| {
                Failure::new(format!("failed to update hostname: {error}")).with("path", path)
            })
        };
        match self {
            Self::Systemd => hostnamectl(&["--pretty", "--static", "set-hostname", name], context).map(drop),
            Self::File(path) => put(path, format!("{name}\n")),
            Self::Setting(path, start, end) => {
                let text = fs::read_to_string(path).unwrap_or_default();
                put(path, with_setting(&text, start, end, name))
            }
            Self::Nobody => Ok(()),
        }
    }

    /// The name until the next restart.
    fn set_current(&self, name: &str, context: &mut Context) -> Result<(), Failure> {
        if let Self::Systemd = self {
            return hostnamectl(&["--transient", "set-hostname", name], context).map(drop);
        }
        rustix::system::sethostname(name.as_bytes()).map_err(|error| {
            Failure::new(format!("could not set the host's name: {}", std::io::Error::from(error)))
        })
    }
}

fn hostnamectl(args: &[&str], context: &mut Context) -> Result<String, Failure> {
    let program = process::require_program("hostnamectl", context)?;
    let output = Command::new(program).args(args).plain_language().run(context)?;
    let (code, stdout, stderr) = (output.code, output.stdout_text(), output.stderr_text());
    if output.ok() {
        Ok(stdout)
    } else {
        Err(Failure::new(format!("Command failed rc={code}, out={stdout}, err={stderr}")))
    }
}

fn setting(text: &str, start: &str, end: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix(start))?;
    Some(value.strip_suffix(end).unwrap_or(value).to_owned())
}

fn with_setting(text: &str, start: &str, end: &str, name: &str) -> String {
    let wanted = format!("{start}{name}{end}");
    let mut lines: Vec<&str> = text.lines().collect();
    match lines.iter_mut().find(|line| line.trim().starts_with(start)) {
        Some(line) => *line = &wanted,
        None => lines.push(&wanted),
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use data::Value;

    use super::*;
    use crate::{RunRequest, run_local};

    #[test]
    fn a_setting_is_replaced_or_added() {
        let text = "# net\nNETWORKING=yes\nHOSTNAME=old\n";
        assert_eq!(setting(text, "HOSTNAME=", "").as_deref(), Some("old"));
        assert_eq!(with_setting(text, "HOSTNAME=", "", "new"), "# net\nNETWORKING=yes\nHOSTNAME=new\n");
        assert_eq!(with_setting("", "hostname=\"", "\"", "new"), "hostname=\"new\"\n");
        assert_eq!(setting("hostname=\"a\"\n", "hostname=\"", "\"").as_deref(), Some("a"));
    }

    #[test]
    fn check_mode_shows_the_change_and_keeps_the_name() {
        let before = current();
        let args = Map::from([("name", "another-name"), ("use", "generic")]);
        let result = run_local(&RunRequest { check: true, diff: true, ..RunRequest::new("hostname", args) });
        assert_eq!(result.get("changed"), Some(&Value::from(true)));
        assert_eq!(result.get("diff").unwrap().get("after"), Some(&Value::from("hostname = another-name\n")));
        assert_eq!(current(), before);
    }

    #[test]
    fn a_name_that_is_too_long_is_refused() {
        let result = run_local(&RunRequest::new("hostname", Map::from([("name", "x".repeat(65))])));
        assert!(result.get_str("msg").unwrap().starts_with("name cannot be longer than 64 characters"));
    }
}
