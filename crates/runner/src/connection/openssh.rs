//! Hosts over the system's `ssh`, for what only it can do: jump hosts, proxy commands, its own configuration, certificates, FIDO, Kerberos;
//! and for large content, which it encrypts faster.

use std::process::Command;
use std::time::Duration;

use data::Text;
use tempfile::TempDir;

use super::askpass::Askpass;
use super::carrier::{Carrier, Interrupt};
use super::child::{ChildPipes, Role};
use super::raw::quote;
use super::transport::Transport;
use super::{ConnectionError, ConnectionSettings, Unreachable};

/// Starts one `ssh` a command.
pub(crate) struct OpenSshCarrier {
    /// The host's name in the inventory.
    pub(super) host: String,
    pub(super) program: String,
    /// Everything before the command.
    pub(super) words: Vec<String>,
    /// Passwords and passphrases, each with a word of the question that it answers.
    pub(super) secrets: Vec<(String, Text)>,
    /// The only question that is answered, where one is named.
    pub(super) prompt: Option<String>,
    pub(super) silence: Duration,
    /// Files that the words name; they go with the carrier.
    pub(super) _files: Option<TempDir>,
    pub(super) askpass: Option<Askpass>,
}

impl OpenSshCarrier {
    pub(crate) fn new(settings: &ConnectionSettings) -> Self {
        let mut words = options(settings);
        if let Some(jump) = &settings.jump {
            words.extend(["-o".to_owned(), format!("ProxyCommand={}", proxy_command(jump))]);
        }
        words.extend(["-T".into(), "--".into(), settings.address.clone()]);
        Self {
            host: settings.host.clone(),
            program: settings.ssh_program.clone(),
            words,
            secrets: passwords(settings),
            prompt: settings.password_prompt.clone(),
            silence: settings.silence,
            _files: None,
            askpass: None,
        }
    }

    fn unreachable(&self, cause: Unreachable) -> ConnectionError {
        ConnectionError::Unreachable { host: self.host.clone(), cause: Box::new(cause) }
    }

    /// Answers the questions of an `ssh`, if we know the answers.
    fn prepare(&mut self, ssh: &mut Command) -> Result<(), Unreachable> {
        if self.secrets.is_empty() {
            return Ok(());
        }
        if self.askpass.is_none() {
            let made = Askpass::new(self.secrets.clone(), self.prompt.clone()).map_err(|error| {
                Unreachable::Settings {
                    detail: format!("the password cannot be handed to `ssh`: {error}"),
                    help: "let the temporary folder be written, or use a key".into(),
                }
            });
            self.askpass = Some(made?);
        }
        if let Some(askpass) = &self.askpass {
            askpass.prepare(ssh);
        }
        Ok(())
    }
}

/// The passwords of all hosts on the way, each with whose it is.
fn passwords(settings: &ConnectionSettings) -> Vec<(String, Text)> {
    let hosts = std::iter::successors(Some(settings), |settings| settings.jump.as_deref());
    hosts
        .filter_map(|settings| {
            let user = settings.user.clone().unwrap_or_else(super::ssh::own_name);
            Some((format!("{user}@{}", settings.address), settings.password.clone()?))
        })
        .collect()
}

/// All that an `ssh` to a host is told about it. OpenSSH takes the first word on a matter, so that ours do not override the user's.
fn options(settings: &ConnectionSettings) -> Vec<String> {
    let mut words = settings.ssh_words.clone();
    let mut option = |text: String| words.extend(["-o".to_owned(), text]);
    option(format!("ConnectTimeout={}", settings.timeout.as_secs().max(1)));
    option(format!("StrictHostKeyChecking={}", settings.host_key_check.word()));
    option(format!("ServerAliveInterval={}", (settings.silence.as_secs() / 3).max(1)));
    option("ServerAliveCountMax=3".into());
    if let Some(port) = settings.port {
        option(format!("Port={port}"));
    }
    if let Some(user) = &settings.user {
        option(format!("User={user}"));
    }
    for key in &settings.private_keys {
        option(format!("IdentityFile=\"{}\"", key.display()));
    }
    if settings.password.is_none() {
        // Nobody could answer.
        option("BatchMode=yes".into());
    } else {
        option("NumberOfPasswordPrompts=1".into());
    }
    words
}

/// The command that carries a connection through a host. `%h` and `%p` are for `ssh` to fill in, other percent signs are not.
fn proxy_command(jump: &ConnectionSettings) -> String {
    let mut words = vec![jump.ssh_program.clone()];
    words.extend(options(jump));
    if let Some(next) = &jump.jump {
        words.extend(["-o".to_owned(), format!("ProxyCommand={}", proxy_command(next))]);
    }
    let quoted: Vec<String> = words.iter().map(|word| quote(word).replace('%', "%%")).collect();
    format!("{} -W '[%h]:%p' -- {}", quoted.join(" "), quote(&jump.address))
}

impl Carrier for OpenSshCarrier {
    fn start(&mut self, command: &str, interrupt: &Interrupt) -> Result<Box<dyn Transport>, ConnectionError> {
        let mut ssh = Command::new(&self.program);
        ssh.args(&self.words).arg(command);
        self.prepare(&mut ssh).map_err(|cause| self.unreachable(cause))?;
        let pipes = ChildPipes::carrier(&mut ssh, Role::Ssh, self.silence).map_err(|error| {
            self.unreachable(Unreachable::Settings {
                detail: format!("`{}` cannot be started: {error}", self.program),
                help: "install the OpenSSH client on this machine, or set `ansible_ssh_executable`".into(),
            })
        })?;
        interrupt.add(pipes.breaker());
        Ok(Box::new(pipes))
    }

    fn close(&mut self) {}
}

#[cfg(test)]
mod tests {
    use data::Value;

    use super::*;
    use crate::connection::ConnectionDefaults;

    #[test]
    fn the_users_words_come_first_and_the_host_last() {
        let vars =
            [("ansible_ssh_common_args", "-J bastion"), ("ansible_user", "deploy"), ("ansible_port", "2222")];
        let get =
            |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| Value::from(*value));
        let settings = ConnectionSettings::from_vars("inner", &get, &ConnectionDefaults::default()).unwrap();
        let words = OpenSshCarrier::new(&settings).words;
        assert_eq!(words[..2], ["-J", "bastion"]);
        assert!(words.contains(&"User=deploy".to_owned()) && words.contains(&"Port=2222".to_owned()));
        assert_eq!(words[words.len() - 3..], ["-T", "--", "inner"]);
    }

    #[test]
    fn a_bastion_becomes_a_proxy_command_of_its_own_settings() {
        let of = |host: &'static str, user: &'static str, jump| {
            let get = move |name: &str| match name {
                "ansible_user" => Some(Value::from(user)),
                "ansible_password" => Some(Value::from(format!("of {user}"))),
                "ansible_ssh_common_args" if host == "outer" => {
                    Some(Value::from("-o UserKnownHostsFile=/k%1"))
                }
                _ => None,
            };
            let defaults = ConnectionDefaults { jump, ..Default::default() };
            ConnectionSettings::from_vars(host, &get, &defaults).unwrap()
        };
        let settings = of("inner", "app", Some(Box::new(of("outer", "gate", None))));
        let carrier = OpenSshCarrier::new(&settings);
        let proxy = carrier.words.iter().find(|word| word.starts_with("ProxyCommand=")).unwrap();
        assert!(proxy.starts_with("ProxyCommand='ssh' '-o' 'UserKnownHostsFile=/k%%1'"), "{proxy}");
        assert!(proxy.contains("'User=gate'") && proxy.ends_with("-W '[%h]:%p' -- 'outer'"), "{proxy}");
        let whose: Vec<&str> = carrier.secrets.iter().map(|(who, _)| who.as_str()).collect();
        assert_eq!(whose, ["app@inner", "gate@outer"]);
    }
}
