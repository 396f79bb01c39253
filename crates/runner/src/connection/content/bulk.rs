//! Large content over a connection of its own, by the system's `ssh`: libssh2 encrypts 16 bytes a call, OpenSSH whole packets.
//!
//! A second agent of the same user takes the content in, checks it and lays it down in a file, which the first one takes over. Where there
//! is no `ssh`, where it cannot log in, or shows another key than the session's, the content takes the ordinary way.

use std::time::{Duration, Instant};

use modules::LaidFile;

use crate::connection::carrier::{Carrier, Second};
use crate::connection::host::AgentStarter;
use crate::connection::session::AgentSession;
use crate::connection::{AgentFailure, Become, ConnectionError, Content};

/// Content from this size on is worth a login.
const WORTH: u64 = 64 * 1024 * 1024;
/// How long the connection is kept while there is no more such content.
const REST: Duration = Duration::from_secs(30);
/// How often the session is looked after while content takes the other way.
const TENDING: Duration = Duration::from_secs(1);

/// The other connection to a host.
pub(in crate::connection) struct Bulk {
    starter: AgentStarter,
    // Before the carrier, so that it ends first.
    session: Option<Box<AgentSession>>,
    line: Line,
}

enum Line {
    Possible(Second),
    Ready(Box<dyn Carrier>),
    /// It failed, and is not tried again: each try would be a failed login at the host.
    Refused,
}

impl Bulk {
    /// One that is opened at its first use.
    pub(in crate::connection) fn new(starter: AgentStarter, second: Second) -> Self {
        Self { starter, session: None, line: Line::Possible(second) }
    }

    /// Sends content that is worth it, and says where it lies on the host; `None` if it has to go the ordinary way. `tend` is called now and
    /// then.
    pub(in crate::connection) fn lay(
        &mut self,
        user: Option<&Become>,
        content: &Content,
        tend: &mut dyn FnMut(),
    ) -> Result<Option<LaidFile>, ConnectionError> {
        if content.size() < WORTH {
            return Ok(None);
        }
        let mut last = Instant::now();
        let mut tend = || {
            if last.elapsed() >= TENDING {
                tend();
                last = Instant::now();
            }
        };
        let laid = match self.session() {
            Ok(None) => return Ok(None),
            Ok(Some(session)) => session.lay(user, content, &mut tend),
            Err(error) => Err(error),
        };
        match laid {
            Ok(file) => Ok(Some(file)),
            Err(error) if self.is_final(&error) => Err(error),
            Err(_) => {
                (self.session, self.line) = (None, Line::Refused);
                Ok(None)
            }
        }
    }

    /// Ends a connection for which there was no use lately.
    pub(in crate::connection) fn rest(&mut self) {
        if self.session.as_ref().is_some_and(|session| session.idle() > REST) {
            self.session = None;
        }
    }

    /// The agent at the other end, started if it is not there; `None` if there cannot be one.
    fn session(&mut self) -> Result<Option<&mut AgentSession>, ConnectionError> {
        if let Line::Possible(_) = self.line
            && let Line::Possible(second) = std::mem::replace(&mut self.line, Line::Refused)
        {
            self.line = second().map_or(Line::Refused, Line::Ready);
        }
        let Line::Ready(carrier) = &mut self.line else { return Ok(None) };
        if self.session.is_none() {
            self.session = Some(Box::new(self.starter.start(&mut **carrier)?));
        }
        Ok(self.session.as_deref_mut())
    }

    /// Whether the ordinary way would not do better.
    fn is_final(&self, error: &ConnectionError) -> bool {
        self.starter.is_interrupted()
            || matches!(
                error,
                ConnectionError::LocalFile { .. }
                    | ConnectionError::Agent { cause: AgentFailure::NoSpace { .. }, .. }
            )
    }
}
