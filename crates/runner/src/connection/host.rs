//! A host that is reached by starting commands on it: opens the agent's session at the first task and keeps it; opens it anew after a loss.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use data::Map;

use super::agent_file::AgentFiles;
use super::bootstrap::{self, BootFailure};
use super::carrier::{Carrier, Interrupt};
use super::content::bulk::Bulk;
use super::raw;
use super::session::{AgentSession, Terms};
use super::{
    AgentFailure, Become, Call, Connection, ConnectionError, ConnectionSettings, Each, Fetched, RawOutput,
    Unreachable, Watch,
};

/// Pauses between tries, in seconds; the last one repeats (Ansible's: twice as long each time, at most 30 s).
const PAUSES: [u64; 6] = [0, 1, 3, 7, 15, 30];
/// Further tries when a server hangs up before it has said who it is: that is how sshd sheds load (`MaxStartups`).
const BUSY_TRIES: u32 = 3;

/// A host behind a carrier.
pub(crate) struct RemoteHost {
    starter: AgentStarter,
    state: Mutex<State>,
}

/// Starts agents on a host, over any carrier that reaches it.
#[derive(Clone)]
pub(super) struct AgentStarter {
    settings: Arc<ConnectionSettings>,
    files: Arc<AgentFiles>,
    interrupt: Interrupt,
}

struct State {
    // Before the carrier, so that the session ends first.
    session: Option<AgentSession>,
    carrier: Box<dyn Carrier>,
}

impl RemoteHost {
    pub(crate) fn new(
        settings: ConnectionSettings,
        files: Arc<AgentFiles>,
        carrier: Box<dyn Carrier>,
    ) -> Self {
        let state = Mutex::new(State { session: None, carrier });
        let starter = AgentStarter { settings: Arc::new(settings), files, interrupt: Interrupt::default() };
        Self { starter, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the agent's session, and forgets the session if that broke it.
    fn with_session<T>(
        &self,
        act: impl FnOnce(&mut AgentSession) -> Result<T, ConnectionError>,
    ) -> Result<T, ConnectionError> {
        let mut state = self.state();
        if state.session.as_mut().is_some_and(|session| !session.is_alive()) {
            self.drop_session(&mut state);
        }
        if state.session.is_none() {
            let opened = self.retried(|| self.open(&mut state));
            state.session = Some(opened.map_err(|error| self.unless_interrupted(error))?);
        }
        let session = state.session.as_mut().expect("opened above");
        act(session).map_err(|error| {
            if error.ends_session() {
                self.drop_session(&mut state);
            }
            self.unless_interrupted(error)
        })
    }

    fn drop_session(&self, state: &mut State) {
        state.session = None;
        state.carrier.close();
        self.starter.interrupt.clear();
    }

    fn open(&self, state: &mut State) -> Result<AgentSession, ConnectionError> {
        let session = self.starter.start(&mut *state.carrier)?;
        let second = state.carrier.second();
        Ok(session.with_bulk(second.map(|second| Bulk::new(self.starter.clone(), second))))
    }

    /// Tries again after faults that pass, as often as the settings say.
    fn retried<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, ConnectionError>,
    ) -> Result<T, ConnectionError> {
        let mut tries = 0;
        loop {
            let error = match attempt() {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let busy = matches!(&error, ConnectionError::Unreachable { cause, .. } if matches!(**cause, Unreachable::Handshake { .. }));
            let allowed = if busy {
                self.starter.settings.retries.max(BUSY_TRIES)
            } else {
                self.starter.settings.retries
            };
            if tries >= allowed || !error.is_passing() || self.starter.interrupt.is_wished() {
                return Err(error);
            }
            tries += 1;
            let pause = Duration::from_secs(PAUSES[(tries as usize).min(PAUSES.len() - 1)]);
            self.starter.interrupt.pause(if busy { pause / 3 } else { pause });
        }
    }

    fn unless_interrupted(&self, error: ConnectionError) -> ConnectionError {
        if self.starter.interrupt.is_wished() {
            return ConnectionError::Interrupted { host: self.starter.settings.host.clone() };
        }
        error
    }
}

impl AgentStarter {
    /// Finds the agent on the host, or places it there, and starts it.
    pub(super) fn start(&self, carrier: &mut dyn Carrier) -> Result<AgentSession, ConnectionError> {
        let started = self.start_over(carrier);
        carrier.settled();
        started
    }

    fn start_over(&self, carrier: &mut dyn Carrier) -> Result<AgentSession, ConnectionError> {
        let settings = &self.settings;
        let mut transport =
            carrier.start(&bootstrap::command(&self.files, settings.ephemeral), &self.interrupt)?;
        // A slow machine may take a while to unpack; the connect itself has had its own limit.
        let patience = settings.timeout.max(settings.silence);
        let seen =
            bootstrap::start_agent(&mut *transport, &self.files, patience).map_err(
                |failure| match failure {
                    BootFailure::Broken(error) => self.lost(&error),
                    BootFailure::Agent(cause @ AgentFailure::Shell { .. }) => {
                        let ending = transport.ending();
                        if ending.carrier_lost {
                            return self.unreachable(Unreachable::Program { detail: ending.words });
                        }
                        ConnectionError::Agent { host: settings.host.clone(), cause }
                    }
                    BootFailure::Agent(cause) => {
                        ConnectionError::Agent { host: settings.host.clone(), cause }
                    }
                },
            )?;
        let terms = Terms {
            host: &settings.host,
            address: &settings.address,
            silence: settings.silence,
            timeout: settings.become_timeout,
            become_told: settings.become_told(),
        };
        AgentSession::open(transport, &seen, &terms)
    }

    /// Whether the user has wished to stop.
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupt.is_wished()
    }

    fn unreachable(&self, cause: Unreachable) -> ConnectionError {
        ConnectionError::Unreachable { host: self.settings.host.clone(), cause: Box::new(cause) }
    }

    fn lost(&self, error: &io::Error) -> ConnectionError {
        let detail = match error.kind() {
            io::ErrorKind::TimedOut => "no answer in time".to_owned(),
            _ => error.to_string(),
        };
        ConnectionError::Lost {
            host: self.settings.host.clone(),
            address: self.settings.address.clone(),
            detail,
        }
    }
}

impl Connection for RemoteHost {
    fn run(&self, call: &Call, watch: Watch<'_>) -> Result<Map, ConnectionError> {
        self.with_session(|session| session.run(call, watch))
    }

    fn run_ahead(&self, calls: &[Call], each: Each<'_>) {
        let mut answered = 0;
        let ended = self.with_session(|session| {
            session.run_ahead(calls, &mut |at, result| {
                answered = at + 1;
                each(at, result)
            })
        });
        if let Err(error) = ended {
            // Whether the others took effect is not known: all that were under way share the fate of the session.
            for at in answered..calls.len() {
                if !each(at, Err(error.clone())) {
                    return;
                }
            }
        }
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn raw(&self, command: &str, become_as: Option<&Become>) -> Result<RawOutput, ConnectionError> {
        let mut state = self.state();
        let output = match become_as {
            None => self.retried(|| state.carrier.start(command, &self.starter.interrupt)).and_then(
                |mut transport| {
                    transport.set_patience(raw::PATIENCE);
                    transport.finish().map_err(|error| self.starter.lost(&error))
                },
            ),
            Some(user) => self
                .retried(|| state.carrier.start(&raw::become_line(user, command), &self.starter.interrupt))
                .and_then(|transport| {
                    raw::finish_as(transport, user, &self.starter.settings, |error| self.starter.lost(error))
                }),
        };
        state.carrier.settled();
        match output {
            Ok(output) => Ok(RawOutput { rc: output.code, stdout: output.stdout, stderr: output.stderr }),
            Err(error) => {
                if error.ends_session() {
                    self.drop_session(&mut state);
                }
                Err(self.unless_interrupted(error))
            }
        }
    }

    fn fetch(
        &self,
        path: &str,
        become_as: Option<&Become>,
        sink: &mut dyn Write,
    ) -> Result<Fetched, ConnectionError> {
        self.with_session(|session| session.fetch(path, become_as, sink))
    }

    fn reset(&self) {
        let mut state = self.state();
        self.drop_session(&mut state);
    }

    fn interrupt(&self) {
        self.starter.interrupt.now();
    }
}
