//! Why a host cannot be reached: in OpenSSH's words, which Ansible's results quote, and with a cure for each.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use data::Diagnostic;

/// Why no session came about.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unreachable {
    /// Nothing listens there.
    #[error("ssh: connect to host {address} port {port}: Connection refused")]
    Refused {
        /// The address tried.
        address: String,
        /// The port tried.
        port: u16,
    },
    /// No answer in time.
    #[error("ssh: connect to host {address} port {port}: Connection timed out")]
    Timeout {
        /// The address tried.
        address: String,
        /// The port tried.
        port: u16,
        /// How long was waited.
        after: Duration,
    },
    /// The name has no address.
    #[error("ssh: Could not resolve hostname {name}: {detail}")]
    Dns {
        /// The name.
        name: String,
        /// The resolver's words.
        detail: String,
    },
    /// The network said no (no route, network unreachable, reset ...).
    #[error("ssh: connect to host {address} port {port}: {detail}")]
    Network {
        /// The address tried.
        address: String,
        /// The port tried.
        port: u16,
        /// The system's words.
        detail: String,
    },
    /// Something listens, but speaks no SSH we know.
    #[error("ssh: {address} port {port}: {detail}")]
    Handshake {
        /// The address.
        address: String,
        /// The port.
        port: u16,
        /// The library's words.
        detail: String,
    },
    /// `host_key_checking` is on and the key was never seen.
    #[error("Host key verification failed: {key}, and no key of this host is known")]
    HostKeyUnknown {
        /// What the host showed.
        key: Box<ShownKey>,
        /// The file to put it into.
        file: PathBuf,
    },
    /// The key is another than the known one. Always refused.
    #[error("Host key verification failed: REMOTE HOST IDENTIFICATION HAS CHANGED: {key}")]
    HostKeyChanged {
        /// What the host showed.
        key: Box<ShownKey>,
        /// The file that knows another key.
        file: PathBuf,
    },
    /// The host let nobody in.
    #[error("{user}@{address}: Permission denied ({offers}).{}", Tried(.tried))]
    Auth {
        /// The login name.
        user: String,
        /// The address.
        address: String,
        /// What was tried and how it ended, in order.
        tried: Vec<String>,
        /// What the server offers, joined by commas.
        offers: String,
    },
    /// The system's `ssh` gave up, with its last words.
    #[error("{detail}")]
    Program {
        /// Its standard error.
        detail: String,
    },
    /// An unusable variable, key file or option of the connection.
    #[error("{detail}")]
    Settings {
        /// What is wrong with which one.
        detail: String,
        /// What to do.
        help: String,
    },
}

/// A host key as a host showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownKey {
    /// The host's name as known_hosts writes it.
    pub name: String,
    /// `ED25519`, `ECDSA`, `RSA`
    pub algorithm: &'static str,
    /// `SHA256:...`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// Its line for known_hosts.
    pub line: String,
}

impl fmt::Display for ShownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} shows the {} key {}", self.name, self.algorithm, self.fingerprint)
    }
}

/// Shows what was tried to log in.
struct Tried<'a>(&'a [String]);

impl fmt::Display for Tried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(" Nothing to try: no password, key or agent");
        }
        write!(f, " Tried: {}", self.0.join("; "))
    }
}

impl Unreachable {
    /// Adds what to do.
    pub(super) fn cure(&self, found: Diagnostic) -> Diagnostic {
        match self {
            Self::Refused { port, .. } => {
                found.help(format!("start sshd on the host, or set `ansible_port` if it does not listen on {port}"))
            }
            Self::Timeout { .. } => found.help(
                "look whether the host is on, `ansible_host` is right and no firewall drops the packets; `timeout` gives a slow host more time",
            ),
            Self::Dns { name, .. } => {
                found.help(format!("set `ansible_host` of the host to its address, or put `{name}` into DNS or /etc/hosts"))
            }
            Self::Network { .. } => found.help("look at the address in `ansible_host` and the route to it"),
            Self::Handshake { .. } => found.help(
                "look whether sshd listens on that port and is not overloaded (`MaxStartups`); servers older than OpenSSH 7.2 are not supported",
            ),
            Self::HostKeyUnknown { key, file } => found
                .note(format!("its line for known_hosts: {}", key.line))
                .help(format!(
                    "compare the fingerprint with `ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub` on the host, then add the line to `{}`",
                    file.display()
                ))
                .help("or set `ansible_ssh_common_args='-o StrictHostKeyChecking=accept-new'` to trust keys seen for the first time"),
            Self::HostKeyChanged { key, file } => found
                .note("either the host was installed anew, or someone sits between")
                .help(format!("if it was installed anew: `ssh-keygen -R '{}' -f '{}'`, then run again", key.name, file.display())),
            Self::Auth { user, .. } => found.help(format!(
                "check `ansible_user` (now `{user}`), `ansible_password` or `ansible_ssh_private_key_file`, and that the server allows one of them"
            )),
            Self::Program { .. } => found.help("run the same `ssh` by hand with `-v` to see more"),
            Self::Settings { help, .. } => found.help(help.clone()),
        }
    }
}
