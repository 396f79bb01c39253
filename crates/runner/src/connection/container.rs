//! Containers on this machine, by `docker exec` or `podman exec`: one such process carries a command's input and output.

use std::process::Command;

use super::carrier::{Carrier, Interrupt};
use super::child::{ChildPipes, Role};
use super::transport::Transport;
use super::{ConnectionError, ConnectionSettings, Unreachable};

/// Starts one `exec` a command.
pub(crate) struct ContainerCarrier {
    settings: ConnectionSettings,
}

impl ContainerCarrier {
    pub(crate) fn new(settings: ConnectionSettings) -> Self {
        Self { settings }
    }

    /// The words after the engine's program: its own options come before `exec`.
    fn words(&self, command: &str) -> Vec<String> {
        let mut words = self.settings.ssh_words.clone();
        words.extend(["exec".into(), "-i".into()]);
        if let Some(user) = &self.settings.user {
            words.extend(["-u".into(), user.clone()]);
        }
        let container = self.settings.address.clone();
        words.extend([container, "/bin/sh".into(), "-c".into(), command.to_owned()]);
        words
    }
}

impl Carrier for ContainerCarrier {
    fn start(&mut self, command: &str, interrupt: &Interrupt) -> Result<Box<dyn Transport>, ConnectionError> {
        let program = &self.settings.ssh_program;
        let pipes = ChildPipes::carrier(
            Command::new(program).args(self.words(command)),
            Role::ContainerEngine,
            self.settings.silence,
        );
        let pipes = pipes.map_err(|error| ConnectionError::Unreachable {
            host: self.settings.host.clone(),
            cause: Box::new(Unreachable::Settings {
                detail: format!("`{program}` cannot be started: {error}"),
                help: "install the container engine on this machine, or let the inventory name another connection".into(),
            }),
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
    use crate::connection::{ConnectionDefaults, Engine, Way};

    #[test]
    fn the_variables_of_the_collections_are_heard() {
        let vars = [
            ("ansible_connection", "community.docker.docker"),
            ("ansible_host", "web-1"),
            ("ansible_user", "app"),
            ("ansible_docker_extra_args", "--host tcp://10.0.0.1"),
            ("ansible_ssh_common_args", "-J bastion"),
        ];
        let get =
            |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| Value::from(*value));
        let settings = ConnectionSettings::from_vars("web", &get, &ConnectionDefaults::default()).unwrap();
        assert_eq!(settings.way, Way::Container(Engine::Docker));
        let words = ContainerCarrier::new(settings).words("id");
        assert_eq!(words.join(" "), "--host tcp://10.0.0.1 exec -i -u app web-1 /bin/sh -c id");
    }
}
