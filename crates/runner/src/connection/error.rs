//! What can go wrong between the controller and a host, in Ansible's words for results and with a cure for each.

use std::path::PathBuf;
use std::time::Duration;

use data::{Diagnose, Diagnostic, Map, Value};

use super::{AgentFailure, BecomeFailure, Unreachable};

/// A task could not be brought to a host, or its answer not back.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectionError {
    /// No session with the host; nothing of the task ran.
    #[error("Failed to connect to the host via ssh: {cause}")]
    Unreachable {
        /// The host's name in the inventory.
        host: String,
        /// Why.
        cause: Box<Unreachable>,
    },
    /// The session broke while a task ran; whether the task took effect is not known.
    #[error("Failed to connect to the host via ssh: connection to {address} was lost: {detail}")]
    Lost {
        /// The host's name in the inventory.
        host: String,
        /// The address of the session.
        address: String,
        /// What was seen.
        detail: String,
    },
    /// The host is there, but another user could not be become.
    #[error("{cause}")]
    Become {
        /// The host's name in the inventory.
        host: String,
        /// Why.
        cause: BecomeFailure,
    },
    /// The agent could not be placed or started on the host.
    #[error("the agent could not be started: {cause}")]
    Agent {
        /// The host's name in the inventory.
        host: String,
        /// Why.
        cause: AgentFailure,
    },
    /// The agent ended while it ran a task; the session is alive.
    #[error("the agent stopped while it ran `{module}`: {detail}")]
    AgentLost {
        /// The host's name in the inventory.
        host: String,
        /// What it was doing.
        module: String,
        /// Its last words, or how it ended.
        detail: String,
    },
    /// The other side broke the rules of the wire.
    #[error("the agent's answer is not understood: {detail}")]
    Protocol {
        /// The host's name in the inventory.
        host: String,
        /// Which rule.
        detail: String,
    },
    /// The task's own `timeout` passed.
    #[error("Timed out after {} second(s).", .limit.as_secs())]
    Timeout {
        /// The host's name in the inventory.
        host: String,
        /// The limit.
        limit: Duration,
    },
    /// A file on the controller that was to be sent, or a fetched one that was to be written, failed.
    #[error("{path}: {detail}")]
    LocalFile {
        /// The file on the controller.
        path: PathBuf,
        /// The system's words.
        detail: String,
    },
    /// A file on the host that was to be fetched could not be read.
    #[error("{detail}")]
    RemoteFile {
        /// The host's name in the inventory.
        host: String,
        /// The file on the host.
        path: String,
        /// The host's words.
        detail: String,
        /// Whether there simply is no such file.
        missing: bool,
    },
    /// The run was interrupted by the user.
    #[error("interrupted")]
    Interrupted {
        /// The host's name in the inventory.
        host: String,
    },
}

impl ConnectionError {
    /// Whether Ansible counts the host as unreachable (and runs nothing more there) rather than the task as failed.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Lost { .. }
                | Self::Become { cause: BecomeFailure::Timeout { .. }, .. }
        )
    }

    /// Whether the session it happened in is of no more use.
    pub(crate) fn ends_session(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Lost { .. }
                | Self::AgentLost { .. }
                | Self::Protocol { .. }
                | Self::Agent { .. }
                | Self::Interrupted { .. }
        )
    }

    /// Whether a new session may do better: the network's faults, not wrong keys, passwords or settings.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Lost { .. } => true,
            Self::Unreachable { cause, .. } => matches!(
                **cause,
                Unreachable::Refused { .. }
                    | Unreachable::Timeout { .. }
                    | Unreachable::Network { .. }
                    | Unreachable::Handshake { .. }
                    | Unreachable::Dns { .. }
            ),
            _ => false,
        }
    }

    /// The task's result in Ansible's form: `unreachable` or `failed`, and `msg`.
    pub fn to_result(&self) -> Map {
        let kind = if self.is_unreachable() { "unreachable" } else { "failed" };
        let message = match self {
            Self::Timeout { .. } | Self::RemoteFile { .. } => self.to_string(),
            _ => format!("Task failed: {self}"),
        };
        Map::from([(kind, Value::from(true)), ("changed", Value::from(false)), ("msg", Value::from(message))])
    }
}

impl Diagnose for ConnectionError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        vec![match self {
            Self::Unreachable { host, cause } => {
                cause.cure(Diagnostic::error(format!("host `{host}` cannot be reached")).note(cause.to_string()))
            }
            Self::Lost { host, detail, .. } => {
                Diagnostic::error(format!("the connection to host `{host}` was lost during a task"))
                    .note(detail.clone())
                    .help("look whether the host is up, then run again: what was done already is not done twice")
            }
            Self::Become { host, cause } => cause
                .cure(Diagnostic::error(format!("host `{host}`: another user could not be become")).note(cause.to_string())),
            Self::Agent { host, cause } => cause
                .cure(Diagnostic::error(format!("host `{host}`: the agent could not be started")).note(cause.to_string())),
            Self::AgentLost { host, module, detail } => {
                Diagnostic::error(format!("host `{host}`: the agent stopped while it ran `{module}`"))
                    .note(detail.clone())
                    .help("look for a full memory or a killed process in the host's journal, then run again")
            }
            Self::Protocol { host, detail } => {
                Diagnostic::error(format!("host `{host}`: the agent's answer is not understood"))
                    .note(detail.clone())
                    .help("something on the host writes into the session, or the agent's file was changed; remove `~/.cache/taskbox` there")
            }
            Self::Timeout { host, limit } => {
                Diagnostic::error(format!("host `{host}`: the task took longer than {} s", limit.as_secs()))
                    .help("raise the task's `timeout`")
            }
            Self::LocalFile { path, detail } => {
                Diagnostic::error(format!("`{}`: {detail}", path.display())).help("look whether the file on this machine is there, readable, and its disk not full")
            }
            Self::RemoteFile { host, path, detail, .. } => {
                Diagnostic::error(format!("host `{host}`: `{path}` cannot be read")).note(detail.clone()).help("correct the path, or read it with `become: true`")
            }
            Self::Interrupted { host } => Diagnostic::error(format!("host `{host}`: interrupted")).help("run again to go on"),
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::BecomeMethod;

    fn refused() -> ConnectionError {
        let cause = Unreachable::Refused { address: "127.0.0.1".into(), port: 2999 };
        ConnectionError::Unreachable { host: "h1".into(), cause: Box::new(cause) }
    }

    #[test]
    fn an_unreachable_host_gives_ansibles_result() {
        let result = refused().to_result();
        assert_eq!(
            result.get_str("msg"),
            Some(
                "Task failed: Failed to connect to the host via ssh: ssh: connect to host 127.0.0.1 port 2999: Connection refused"
            )
        );
        assert_eq!(result.get("unreachable"), Some(&Value::from(true)));
        assert_eq!(result.get("changed"), Some(&Value::from(false)));
    }

    #[test]
    fn a_wrong_become_password_fails_the_task_not_the_host() {
        let cause = BecomeFailure::WrongPassword { method: BecomeMethod::Sudo };
        let result = ConnectionError::Become { host: "h1".into(), cause }.to_result();
        assert_eq!(result.get_str("msg"), Some("Task failed: Incorrect sudo password"));
        assert_eq!(result.get("failed"), Some(&Value::from(true)));
        assert_eq!(result.get("unreachable"), None);
    }

    #[test]
    fn every_cause_comes_with_a_cure() {
        let found = refused().diagnostics();
        assert_eq!(found[0].title, "host `h1` cannot be reached");
        assert!(found[0].helps[0].contains("ansible_port"), "{:?}", found[0].helps);
    }

    #[test]
    fn only_the_networks_faults_are_worth_a_second_try() {
        assert!(refused().is_passing());
        let auth = Unreachable::Auth {
            user: "u".into(),
            address: "h".into(),
            tried: vec![],
            offers: "password".into(),
        };
        assert!(!ConnectionError::Unreachable { host: "h".into(), cause: Box::new(auth) }.is_passing());
    }
}
