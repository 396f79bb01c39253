//! The ways to a host: in this process, by libssh2, by the system's `ssh`; and other users there, by child agents.
//!
//! A [`Connection`] opens at its first use and is kept for the run. It serves one task at a time; further callers wait.

mod agent_file;
mod askpass;
mod bootstrap;
mod carrier;
mod child;
mod container;
mod content;
mod error;
mod failure;
mod host;
mod local;
mod openssh;
mod passphrases;
mod pool;
mod privilege;
mod raw;
mod session;
mod settings;
mod ssh;
mod ssh_args;
mod ssh_config;
mod transport;
mod unreachable;

use std::io::Write;
use std::time::Duration;

use data::Map;

pub use askpass::asked as asked_for_password;
pub use content::{Content, ContentHash, FanOut, Part};
pub use error::ConnectionError;
pub use failure::{AgentFailure, BecomeFailure};
pub use modules::wire::BecomeMethod;
pub use modules::{Progress, RunRequest};
pub use pool::Connections;
pub use privilege::Become;
pub use settings::{BecomeKeywords, ConnectionDefaults, ConnectionSettings, Engine, Way};
pub use ssh_args::HostKeyCheck;
pub use unreachable::{ShownKey, Unreachable};

/// One host, reached one way.
pub trait Connection: Send + Sync {
    /// Runs a module and gives its result in Ansible's form (a module that fails is a result with `failed`, not an error).
    ///
    /// `watch` gets what the module prints while it runs.
    ///
    /// # Errors
    /// The host cannot be reached, the user cannot be become, or the session broke; see [`ConnectionError::to_result`].
    fn run(&self, call: &Call, watch: Watch<'_>) -> Result<Map, ConnectionError>;

    /// Runs modules in order, sending several before the first has answered, so that they cost one round trip together. All are of one
    /// user, have no limit of time, and need no content beyond what travels inside a request. `each` gets the results in order; where it
    /// says false, those that have not begun are called off.
    fn run_ahead(&self, calls: &[Call], each: Each<'_>) {
        for (at, call) in calls.iter().enumerate() {
            if !each(at, self.run(call, &mut |_| ())) {
                return;
            }
        }
    }

    /// Whether [`Self::run_ahead`] is worth it: whether there is a line between us and the host.
    fn is_remote(&self) -> bool {
        false
    }

    /// Runs a shell command without the agent (`raw`, `script` on hosts where nothing can be placed).
    ///
    /// # Errors
    /// As [`Self::run`]. A command that fails is a result.
    fn raw(&self, command: &str, become_as: Option<&Become>) -> Result<RawOutput, ConnectionError>;

    /// Copies a file of the host into `sink`.
    ///
    /// # Errors
    /// As [`Self::run`]; [`ConnectionError::RemoteFile`] if it cannot be read there.
    fn fetch(
        &self,
        path: &str,
        become_as: Option<&Become>,
        sink: &mut dyn Write,
    ) -> Result<Fetched, ConnectionError>;

    /// Ends the session; the next call opens a new one (`meta: reset_connection`, after a reboot).
    fn reset(&self);

    /// Breaks off whatever runs, from another thread; that call and all later ones fail with [`ConnectionError::Interrupted`].
    fn interrupt(&self);
}

/// A module call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The module, its rendered arguments, and how to run it.
    pub request: RunRequest,
    /// Content the arguments refer to by its hash. Small content is sent along, large content only if the module finds that it needs it.
    pub contents: Vec<Content>,
    /// Who runs it.
    pub become_as: Option<Become>,
    /// The task's `timeout:`.
    pub timeout: Option<Duration>,
}

impl Call {
    /// Whether it can go out before an earlier one has answered: no limit of time to watch, nothing to be sent on demand.
    pub(crate) fn can_go_ahead(&self) -> bool {
        let size: u64 = self.contents.iter().map(Content::size).sum();
        self.timeout.is_none() && self.request.job.is_none() && size <= session::INLINE
    }

    /// A call of a module with these arguments as the login user.
    pub fn new(module: impl Into<String>, args: Map) -> Self {
        Self { request: RunRequest::new(module, args), contents: Vec::new(), become_as: None, timeout: None }
    }
}

/// Receives the results of several calls, each with its place among them; says whether to go on.
pub type Each<'a> = &'a mut dyn FnMut(usize, Result<Map, ConnectionError>) -> bool;

/// Receives what a module prints while it runs.
pub type Watch<'a> = &'a mut dyn FnMut(Progress);

/// How a shell command ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawOutput {
    /// The exit code; 128 and the signal's number if one ended it.
    pub rc: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

/// What is known of a fetched file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Bytes.
    pub size: u64,
    /// SHA-256 of what was written into the sink.
    pub sha256: ContentHash,
    /// Its permission bits on the host.
    pub mode: u32,
}
