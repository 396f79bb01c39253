//! What can go wrong with a lab, and what to do about it.

use std::path::PathBuf;

use data::{Diagnose, Diagnostic};

/// An error of the lab. Lab errors have no place in a user's file: they carry what Docker or the system said.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LabError {
    /// There is no `docker` command.
    #[error("the lab needs Docker, and there is no `docker` command here")]
    DockerMissing,
    /// The command is there, the daemon does not answer.
    #[error("the Docker daemon does not answer")]
    DaemonDown(String),
    /// The daemon answers, but not to this user.
    #[error("this user may not talk to the Docker daemon")]
    NotPermitted(String),
    /// `docker` is another program's way to be called.
    #[error("the command `docker` here is not Docker")]
    NotDocker(String),
    /// The daemon is older than private cgroup namespaces (20.10).
    #[error("Docker {0} is too old for the lab")]
    DockerTooOld(String),
    /// The daemon refuses every set of rights that systemd in a container can live with.
    #[error("Docker refuses the rights that systemd in a container needs")]
    RightsRefused(String),
    /// A docker command failed.
    #[error("cannot {action}")]
    Docker {
        /// What it was for: `create the network`.
        action: String,
        /// What docker said.
        detail: String,
    },
    /// A docker command did not end.
    #[error("cannot {action}: no answer in {seconds} s")]
    Hangs {
        /// What it was for.
        action: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// No registry, and no way to debootstrap.
    #[error("cannot make the lab image: no image registry answers, and {reason}")]
    NoBase {
        /// Why debootstrap is no way either.
        reason: String,
        /// What the registry said.
        registry: String,
    },
    /// Another program failed while the image was made.
    #[error("cannot make the lab image: `{program}` failed")]
    Program {
        /// Its name.
        program: String,
        /// The end of what it said.
        detail: String,
    },
    /// Every candidate range is in use.
    #[error("no address range is free for the lab's network")]
    NoRange(String),
    /// The name of the lab cannot be part of a container's name.
    #[error("`{0}` cannot be the name of a lab")]
    BadName(String),
    /// A lab of this name lives in another folder.
    #[error("a lab named `{name}` belongs to {}", .folder.display())]
    Foreign {
        /// Its name.
        name: String,
        /// Its state folder.
        folder: PathBuf,
    },
    /// There is no such lab.
    #[error("there is no lab named `{name}` here")]
    NoLab {
        /// Its name.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// There is no such host.
    #[error("the lab has no host `{name}`")]
    NoHost {
        /// The word of the user.
        name: String,
        /// Those it has.
        known: Vec<String>,
    },
    /// The host exists but is not in a state for this.
    #[error("host `{host}` is {state}")]
    WrongState {
        /// Its name.
        host: String,
        /// `stopped`, `missing`.
        state: String,
        /// What to do.
        help: String,
    },
    /// systemd did not come up.
    #[error("host `{host}` did not start in {seconds} s")]
    NotBooted {
        /// Its name.
        host: String,
        /// How long it was waited for.
        seconds: u64,
        /// What it said last.
        detail: String,
    },
    /// sshd runs but does not answer from here.
    #[error("host `{host}` runs, but its SSH port at {address} does not answer")]
    Unreachable {
        /// Its name.
        host: String,
        /// Its address.
        address: std::net::Ipv4Addr,
    },
    /// A file of the lab's state folder.
    #[error("cannot {action} {}", .path.display())]
    File {
        /// `read`, `write`.
        action: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The state file is not one of ours.
    #[error("cannot understand {}", .path.display())]
    State {
        /// Which.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// There is no OpenSSH client.
    #[error("`taskbox lab ssh` needs the `ssh` command: {0}")]
    NoSsh(std::io::Error),
}

impl LabError {
    /// What was said by others, line by line.
    fn evidence(&self) -> Vec<String> {
        let text = match self {
            Self::NotDocker(said)
            | Self::DaemonDown(said)
            | Self::NotPermitted(said)
            | Self::RightsRefused(said)
            | Self::NoRange(said) => said,
            Self::Docker { detail, .. }
            | Self::Program { detail, .. }
            | Self::NotBooted { detail, .. }
            | Self::State { detail, .. } => detail,
            Self::NoBase { registry, .. } => registry,
            Self::File { source, .. } => return vec![source.to_string()],
            Self::NoHost { known, .. } => return vec![format!("its hosts: {}", known.join(" "))],
            Self::NoLab { folder, .. } => return vec![format!("looked for {}", folder.display())],
            _ => return Vec::new(),
        };
        text.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(ToOwned::to_owned).collect()
    }

    fn help(&self) -> Option<String> {
        let help = match self {
            Self::DockerMissing => {
                "install Docker Engine 20.10 or newer (Debian, Ubuntu: `apt-get install docker.io`)"
            }
            Self::DaemonDown(_) => "start it: `systemctl start docker`",
            Self::NotPermitted(_) => "run as root, or add yourself to the group `docker` and log in again",
            Self::NotDocker(_) => {
                "install Docker Engine itself; stand-ins such as Podman lack what the lab uses"
            }
            Self::DockerTooOld(_) => "install Docker Engine 20.10 or newer",
            Self::RightsRefused(_) => "use an ordinary, not a rootless, Docker daemon",
            Self::NoBase { .. } => {
                "run `taskbox lab up` as root on Debian or Ubuntu with debootstrap, or make an image registry reachable"
            }
            Self::NoRange(_) => "remove networks that nobody uses: `docker network prune`",
            Self::BadName(_) => {
                "use at most 30 letters a-z, digits and dashes, and begin with a letter or digit"
            }
            Self::Foreign { name, .. } => {
                return Some(format!(
                    "choose another name with `--name`, or run `taskbox lab down --name {name}` in that project"
                ));
            }
            Self::NoLab { name, .. } => return Some(format!("make it: `taskbox lab up --name {name}`")),
            Self::WrongState { help, .. } => help,
            Self::NotBooted { host, .. } => {
                return Some(format!("begin again with `taskbox lab reset {host}`"));
            }
            Self::Unreachable { .. } => {
                "run taskbox where the Docker daemon runs: the lab's addresses exist only there; if it runs here, look at \
                 this machine's packet filter"
            }
            Self::State { .. } => "remove the lab with `taskbox lab down` and make it anew",
            _ => return None,
        };
        Some(help.to_owned())
    }
}

impl Diagnose for LabError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut diagnostic = Diagnostic::error(self.to_string());
        diagnostic.notes = self.evidence();
        diagnostic.helps.extend(self.help());
        vec![diagnostic]
    }
}

/// Every fallible function of the lab returns this.
pub(crate) type Result<T, E = LabError> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_what_docker_said_and_what_to_do() {
        let error = LabError::DaemonDown("Cannot connect to the Docker daemon\n\nIs it running?  \n".into());
        let diagnostic = &error.diagnostics()[0];
        assert_eq!(diagnostic.title, "the Docker daemon does not answer");
        assert_eq!(diagnostic.notes, ["Cannot connect to the Docker daemon", "Is it running?"]);
        assert_eq!(diagnostic.helps, ["start it: `systemctl start docker`"]);
    }
}
