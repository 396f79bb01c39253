//! Speaks to systemd through `systemctl` and reads what it says.

use std::path::PathBuf;

use data::Map;

use crate::process::{self, Command, Output};
use crate::{Context, Failure};

/// `systemctl` with the options of one task.
pub(super) struct Systemctl {
    program: PathBuf,
    options: Vec<String>,
    runtime_dir: Option<String>,
}

impl Systemctl {
    /// Finds systemctl; `options` come before every command.
    pub(super) fn new(options: Vec<String>, context: &Context) -> Result<Self, Failure> {
        let program = process::require_program("systemctl", context)?;
        // A user's manager is found through this folder, which only a login sets.
        let own = || format!("/run/user/{}", rustix::process::geteuid().as_raw());
        let runtime_dir = context.variable("XDG_RUNTIME_DIR").is_none().then(own);
        Ok(Self { program, options, runtime_dir })
    }

    /// Runs `systemctl OPTIONS ARGS`.
    pub(super) fn run(&self, args: &[&str], context: &mut Context) -> Result<Output, Failure> {
        let mut command = Command::new(&self.program).args(&self.options).args(args).plain_language();
        if let Some(folder) = &self.runtime_dir {
            command = command.env("XDG_RUNTIME_DIR", folder);
        }
        command.run(context)
    }
}

/// The properties that `systemctl show` prints. Only the values of `Exec...` properties go over several lines, in braces.
pub(super) fn parse_show(text: &str) -> Map {
    let mut properties = Map::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some((key, value)) = line.split_once('=') else { continue };
        let mut value = value.to_owned();
        if key.starts_with("Exec") && value.trim_start().starts_with('{') {
            while !value.trim_end().ends_with('}') {
                let Some(more) = lines.next() else { break };
                value.push('\n');
                value.push_str(more);
            }
        }
        properties.insert(key, value.trim());
    }
    properties
}

/// Whether systemd is not running here and only says so.
pub(super) fn was_ignored(output: &Output) -> bool {
    [output.stdout_text(), output.stderr_text()].iter().any(|text| {
        !text.contains('=') && (text.contains("ignoring request") || text.contains("ignoring command"))
    })
}

/// Whether services cannot be asked for because this is a changed root or systemd was told that it is offline.
pub(super) fn is_offline(context: &Context) -> bool {
    crate::facts::security::is_chroot() || context.variable("SYSTEMD_OFFLINE").as_deref() == Some("1")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from systemd 252, shortened; the value over two lines from Ansible's issue tracker.
    #[test]
    fn recorded_properties_are_read() {
        let text = "Type=notify\nExecStart={ path=/usr/sbin/sshd ; argv[]=/usr/sbin/sshd -D $SSHD_OPTS ; ignore_errors=no }\n\
                    ExecReload={ path=/bin/sh ; argv[]=/bin/sh -c a\n b ; ignore_errors=no }\nDescription={ odd\nActiveState=active\n";
        let properties = parse_show(text);
        assert_eq!(properties.get_str("ActiveState"), Some("active"));
        assert_eq!(properties.get_str("Description"), Some("{ odd"));
        assert!(properties.get_str("ExecReload").unwrap().ends_with("b ; ignore_errors=no }"));
        assert_eq!(properties.len(), 5);
    }
}
