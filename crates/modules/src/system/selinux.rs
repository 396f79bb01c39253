//! `selinux`: whether SELinux is enforced, now and after the next start, and by which policy.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::{Command, require_program};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome, atomic_write};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "selinux",
    collection: "ansible.posix",
    summary: "Change policy and state of SELinux",
    args: &[
        Arg::str("policy").help("The policy, such as `targeted`; needed unless `state` is `disabled`."),
        Arg::str("state")
            .required()
            .choices(&["enforcing", "permissive", "disabled"])
            .help("What SELinux is to do."),
        Arg::str("configfile")
            .default_str("/etc/selinux/config")
            .aliases(&["conf", "file"])
            .help("The file that says what holds after the next start."),
        Arg::bool("update_kernel_param")
            .default_bool(false)
            .help("Add or remove `selinux=0` on the kernel's command line, by grubby."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

/// Where the kernel shows SELinux, if it has it.
const KERNEL: &str = "/sys/fs/selinux";

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let file = args.path("configfile")?;
    let Ok(text) = fs::read_to_string(&file) else {
        return Err(Failure::new(format!("Unable to find file {}", file.display())).with(
            "details",
            "Please install SELinux-policy package, if this package is not installed previously.",
        ));
    };
    let state = args.str("state")?;
    let old_policy = setting(&text, "SELINUXTYPE");
    let policy = match args.opt_str("policy").filter(|policy| !policy.is_empty()) {
        Some(policy) => Some(policy.to_owned()),
        None if state == "disabled" => old_policy.clone(),
        None => return Err(Failure::new("Policy is required if state is not 'disabled'")),
    };
    let mut change = Change { args, file, text, state, msgs: Vec::new(), changed: false, reboot: false };
    change.kernel_line_is_known(context)?;
    if change.policy(policy.as_deref(), old_policy.as_deref(), context)? {
        return Ok(Outcome::changed());
    }
    change.running(context)?;
    change.configured(context)?;
    change.kernel_line(context)?;
    Ok(Outcome::new(change.changed)
        .msg(change.msgs.join(", "))
        .with("configfile", change.file.display().to_string())
        .with("policy", policy)
        .with("state", state)
        .with("reboot_required", change.reboot))
}

/// The value of `NAME=value` at the start of a line.
fn setting(text: &str, name: &str) -> Option<String> {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
        .map(|value| value.trim().to_owned())
}

/// The text with `NAME=value` in place of what was there, or at the end.
fn with_setting(text: &str, name: &str, value: &str) -> String {
    let is_it = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| if is_it(line) { format!("{name}={value}") } else { line.to_owned() })
        .collect();
    if !text.lines().any(is_it) {
        lines.push(format!("{name}={value}"));
    }
    lines.join("\n") + "\n"
}

/// What the kernel does now: `enforcing`, `permissive` or `disabled`.
fn running_state() -> &'static str {
    match fs::read_to_string(Path::new(KERNEL).join("enforce")) {
        Ok(text) if text.trim() == "1" => "enforcing",
        Ok(_) => "permissive",
        Err(_) => "disabled",
    }
}

struct Change<'a> {
    args: &'a Args,
    file: PathBuf,
    text: String,
    state: &'a str,
    msgs: Vec<String>,
    changed: bool,
    reboot: bool,
}

impl Change<'_> {
    /// The policy in the file; true if check mode ends here, as Ansible's does.
    fn policy(
        &mut self,
        policy: Option<&str>,
        old: Option<&str>,
        context: &mut Context,
    ) -> Result<bool, Failure> {
        let name = |policy: Option<&str>| policy.unwrap_or("None").to_owned();
        if policy == old {
            return Ok(false);
        }
        if context.check {
            return Ok(true);
        }
        let new = name(policy);
        if !Path::new("/etc/selinux").join(&new).join("policy").exists() {
            return Err(Failure::new(format!("Policy {new} does not exist in /etc/selinux/")));
        }
        // The kernel loads it at the next start; what it runs by now is what the file said.
        self.msgs.push(format!("Running SELinux policy changed from '{}' to '{new}'", name(old)));
        self.text = with_setting(&self.text, "SELINUXTYPE", &new);
        atomic_write::write(&self.file, self.text.as_bytes(), false)?;
        let file = self.file.display();
        self.msgs.push(format!(
            "SELinux policy configuration in '{file}' changed from '{}' to '{new}'",
            name(old)
        ));
        self.changed = true;
        Ok(false)
    }

    /// What the kernel does now.
    fn running(&mut self, context: &mut Context) -> Result<(), Failure> {
        let (now, state) = (running_state(), self.state);
        match (now, state) {
            _ if now == state => {}
            ("disabled", _) => {
                context.warn(format!("Reboot is required to set SELinux state to '{state}'"));
                self.reboot = true;
            }
            ("permissive", "disabled") => {
                context.warn("SELinux state change will take effect next reboot");
                self.reboot = true;
            }
            (_, "disabled") => {
                self.enforce(false, context)?;
                context.warn(format!(
                    "SELinux state temporarily changed from '{now}' to 'permissive'. State change will take effect next reboot."
                ));
                (self.changed, self.reboot) = (true, true);
            }
            _ => {
                self.enforce(state == "enforcing", context)?;
                self.msgs.push(format!("SELinux state changed from '{now}' to '{state}'"));
                self.changed = true;
            }
        }
        Ok(())
    }

    fn enforce(&self, on: bool, context: &Context) -> Result<(), Failure> {
        if context.check {
            return Ok(());
        }
        let switch = Path::new(KERNEL).join("enforce");
        fs::write(&switch, if on { "1" } else { "0" })
            .map_err(|error| Failure::io("could not write", &switch, &error))
    }

    /// What the file says of the next start.
    fn configured(&mut self, context: &Context) -> Result<(), Failure> {
        let old = setting(&self.text, "SELINUX");
        if old.as_deref() == Some(self.state) {
            return Ok(());
        }
        if !context.check {
            self.text = with_setting(&self.text, "SELINUX", self.state);
            atomic_write::write(&self.file, self.text.as_bytes(), false)?;
        }
        let old = old.unwrap_or_else(|| "None".to_owned());
        self.msgs.push(format!("Config SELinux state changed from '{old}' to '{}'", self.state));
        self.changed = true;
        Ok(())
    }

    fn kernel_line_is_known(&self, context: &Context) -> Result<(), Failure> {
        if !self.args.bool("update_kernel_param") || crate::process::find_program("grubby", context).is_some()
        {
            return Ok(());
        }
        Err(Failure::new("'grubby' command not found on host").with(
            "details",
            "In order to update the kernel command line enabled/disabled setting, the grubby package needs to be present on the system.",
        ))
    }

    /// `selinux=0` on the command lines of all kernels.
    fn kernel_line(&mut self, context: &mut Context) -> Result<(), Failure> {
        if !self.args.bool("update_kernel_param") {
            return Ok(());
        }
        let grubby = require_program("grubby", context)?;
        let told = Command::new(&grubby).arg("--info=ALL").run(context)?;
        if !told.ok() {
            return Err(Failure::new("unable to run grubby"));
        }
        let (now, wanted) = (kernel_enabled(&told.stdout_text()), self.state != "disabled");
        if now == Some(wanted) {
            return Ok(());
        }
        if !context.check {
            let option = if wanted { "--remove-args" } else { "--args" };
            let done =
                Command::new(&grubby).args(["--update-kernel=ALL", option, "selinux=0"]).run(context)?;
            if !done.ok() {
                let doing = if wanted { "remove selinux=0 from" } else { "add selinux=0 to" };
                return Err(Failure::new(format!("unable to {doing} kernel config")));
            }
        }
        let word = |on: bool| if on { "enabled" } else { "disabled" };
        let old = now.map_or("<inconsistent>", word);
        let old = if now.is_some() { word(!wanted) } else { old };
        self.msgs.push(format!("Kernel SELinux state changed from '{old}' to '{}'", word(wanted)));
        self.changed = true;
        Ok(())
    }
}

/// Whether the kernels' command lines leave SELinux on; `None` if they do not agree.
fn kernel_enabled(info: &str) -> Option<bool> {
    let lines = info.lines().filter_map(|line| line.strip_prefix("args=\"")?.strip_suffix('"'));
    let on: Vec<bool> = lines.map(|args| !args.split(' ').any(|arg| arg == "selinux=0")).collect();
    match (on.iter().any(|on| *on), on.iter().any(|on| !*on)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use data::{Map, Value};

    use super::*;
    use crate::{RunRequest, run_local};

    #[test]
    fn a_setting_is_replaced_in_its_place_or_added() {
        let text = "# SELINUX= can take\nSELINUX=enforcing\nSELINUXTYPE=targeted\n";
        assert_eq!(setting(text, "SELINUX").as_deref(), Some("enforcing"));
        assert_eq!(with_setting(text, "SELINUX", "permissive"), text.replace("=enforcing", "=permissive"));
        assert_eq!(with_setting("a\n", "SELINUX", "disabled"), "a\nSELINUX=disabled\n");
    }

    #[test]
    fn kernels_must_agree() {
        assert_eq!(kernel_enabled("index=0\nargs=\"ro quiet\"\n"), Some(true));
        assert_eq!(kernel_enabled("args=\"ro selinux=0\"\nargs=\"selinux=0\"\n"), Some(false));
        assert_eq!(kernel_enabled("args=\"ro\"\nargs=\"ro selinux=0\"\n"), None);
    }

    /// On a kernel without SELinux only the file can change; so it is on the machines that run this test.
    #[test]
    fn the_file_says_what_holds_after_the_next_start() {
        if Path::new(KERNEL).join("enforce").exists() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        fs::write(&file, "SELINUX=enforcing\nSELINUXTYPE=targeted\n").unwrap();
        let call = |check: bool| {
            let args = Map::from([("state", "disabled"), ("conf", file.to_str().unwrap())]);
            run_local(&RunRequest { check, ..RunRequest::new("ansible.posix.selinux", args) })
        };
        let expected = "Config SELinux state changed from 'enforcing' to 'disabled'";
        assert_eq!(call(true).get_str("msg"), Some(expected));
        assert!(fs::read_to_string(&file).unwrap().contains("SELINUX=enforcing"));
        assert_eq!(call(false).get_str("msg"), Some(expected));
        assert_eq!(fs::read_to_string(&file).unwrap(), "SELINUX=disabled\nSELINUXTYPE=targeted\n");
        assert_eq!(call(false).get("changed"), Some(&Value::from(false)));
    }
}
