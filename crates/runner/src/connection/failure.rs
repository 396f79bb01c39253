//! Why a reachable host runs no task: another user could not be become, or the agent not be started. With a cure for each.

use std::time::Duration;

use data::Diagnostic;

use super::BecomeMethod;

/// Why another user could not be become.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BecomeFailure {
    /// A password is asked for and none is known.
    #[error("Missing {} password", .method.name())]
    MissingPassword {
        /// The program that asked.
        method: BecomeMethod,
    },
    /// The password is refused.
    #[error("Incorrect {} password", .method.name())]
    WrongPassword {
        /// The program that refused.
        method: BecomeMethod,
    },
    /// The login user may not do that.
    #[error("{} refuses: {detail}", .method.name())]
    NotAllowed {
        /// The program that refused.
        method: BecomeMethod,
        /// Its words.
        detail: String,
    },
    /// The program is not on the host.
    #[error("{}: command not found", .method.name())]
    NoProgram {
        /// The program that is missing.
        method: BecomeMethod,
    },
    /// Neither a prompt nor a start in time.
    #[error("{}: {detail}", timed_out(*.after))]
    Timeout {
        /// The program that hangs.
        method: BecomeMethod,
        /// How long was waited; none on this machine, where Ansible does not tell.
        after: Option<Duration>,
        /// What it said until then.
        detail: String,
    },
    /// It ended in some other way.
    #[error("{} ended: {detail}", .method.name())]
    Other {
        /// The program.
        method: BecomeMethod,
        /// Its words.
        detail: String,
    },
}

/// Ansible's words: of ssh, and of this machine.
fn timed_out(after: Option<Duration>) -> String {
    match after {
        Some(after) => format!("Timeout ({}s) waiting for privilege escalation prompt", after.as_secs()),
        None => "Timed out waiting for become success or become password prompt".to_owned(),
    }
}

/// Why there is no agent on a host.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AgentFailure {
    /// No agent was built for this kind of machine.
    #[error("no agent for `{machine}` machines (looked for {})", .searched.join(", "))]
    NoBuild {
        /// `uname -m`
        machine: String,
        /// The files looked for.
        searched: Vec<String>,
    },
    /// The agent that is there belongs to another build of the controller.
    #[error("the agent {path} was built from other sources than this program")]
    OtherBuild {
        /// The file.
        path: String,
    },
    /// The disk of the host is full.
    #[error("no space left on the host: {detail}")]
    NoSpace {
        /// The shell's words.
        detail: String,
    },
    /// No folder of the host can hold a program.
    #[error("no folder on the host lets the login user keep a program: {detail}")]
    NoFolder {
        /// The folders tried, with why.
        detail: String,
    },
    /// The upload arrived changed.
    #[error("the agent arrived damaged: {detail}")]
    Damaged {
        /// What was seen.
        detail: String,
    },
    /// The login shell did not come to the point.
    #[error("the login shell did not start it: {detail}")]
    Shell {
        /// What the shell said.
        detail: String,
    },
}

impl BecomeFailure {
    /// Adds what to do.
    pub(super) fn cure(&self, found: Diagnostic) -> Diagnostic {
        match self {
            Self::MissingPassword { .. } => {
                found.help("set `ansible_become_password` for the host, or start with `-K` to be asked for it")
            }
            Self::WrongPassword { method: BecomeMethod::Su, .. } => {
                found.help("correct `ansible_become_password`: `su` wants the password of the user to become")
            }
            Self::WrongPassword { .. } => found.help("correct `ansible_become_password`: it is the login user's own password"),
            Self::NotAllowed { .. } => {
                found.help("let the login user use sudo (`usermod -aG sudo USER` on Debian, `wheel` on RHEL), or log in as root")
            }
            Self::NoProgram { method } => found
                .help(format!("install `{}` on the host, set `become_method`, or log in as root", method.name())),
            Self::Timeout { .. } => found.help("look for an unusual prompt, a slow PAM module or DNS on the host; `timeout` gives more time"),
            Self::Other { method, .. } => found.help(format!("run `{}` by hand on the host to see more", method.name())),
        }
    }
}

impl AgentFailure {
    /// Adds what to do.
    pub(super) fn cure(&self, found: Diagnostic) -> Diagnostic {
        match self {
            Self::NoBuild { .. } | Self::OtherBuild { .. } => found.help(
                "build it: `cargo build --profile agent -p taskbox-agent` (for another machine add `--target`), or put the released file `taskbox-agent-<machine>` beside the program",
            ),
            Self::NoSpace { .. } => found.help("free a few megabytes in the login user's home or /var/tmp on the host"),
            Self::NoFolder { .. } => {
                found.help("give the login user a writable home, /var/tmp or /tmp that is not mounted `noexec`")
            }
            Self::Damaged { .. } => found.help("run again; if it stays, look at the host's disk and memory"),
            Self::Shell { .. } => {
                found.help("give the login user a POSIX shell, and keep its start-up files silent when no terminal is there")
            }
        }
    }
}
