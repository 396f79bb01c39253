//! Hosts over libssh2: one session a host, one channel a command.

mod channel;
mod connect;
mod gate;
mod known_hosts;
mod login;
mod resolve;
mod second;

use std::net::{Shutdown, TcpStream};

use ssh2::Session;

use self::channel::{SshChannel, StartFailure};
use self::gate::{LOGINS, Place};
use self::second::Known;
use super::carrier::{Carrier, Interrupt, Second};
use super::passphrases::Passphrases;
use super::transport::Transport;
use super::{ConnectionError, ConnectionSettings, Unreachable};

/// A libssh2 session, opened at the first command.
pub(crate) struct SshCarrier {
    settings: ConnectionSettings,
    passphrases: Passphrases,
    open: Option<(Session, TcpStream)>,
    /// Of the last login.
    known: Option<Known>,
    /// Held from the login until what it was for has begun.
    place: Option<Place<'static>>,
}

impl SshCarrier {
    pub(crate) fn new(settings: ConnectionSettings, passphrases: Passphrases) -> Self {
        Self { settings, passphrases, open: None, known: None, place: None }
    }

    fn session(&mut self, interrupt: &Interrupt) -> Result<&(Session, TcpStream), Unreachable> {
        if self.open.is_none() {
            self.open = Some(self.connect(interrupt)?);
        }
        Ok(self.open.as_ref().expect("opened above"))
    }

    fn connect(&mut self, interrupt: &Interrupt) -> Result<(Session, TcpStream), Unreachable> {
        let reached = connect::reach(&self.settings, &LOGINS, &mut self.place)?;
        let contact = connect::contact(&self.settings, reached)?;
        if let Ok(socket) = contact.socket.try_clone() {
            // An error means that it is closed already.
            interrupt.add(Box::new(move || drop(socket.shutdown(Shutdown::Both))));
        }
        let user = self.settings.user.clone().unwrap_or_else(own_name);
        let log_in = login::log_in(&contact.session, &self.settings, &user, &self.passphrases)?;
        let peer = contact.socket.peer_addr().ok();
        self.known = peer.map(|peer| Known { peer, host_key: contact.host_key, user, log_in });
        Ok((contact.session, contact.socket))
    }

    fn unreachable(&self, cause: Unreachable) -> ConnectionError {
        ConnectionError::Unreachable { host: self.settings.host.clone(), cause: Box::new(cause) }
    }

    fn lost(&mut self, detail: String) -> ConnectionError {
        self.close();
        let (host, address) = (self.settings.host.clone(), self.settings.address.clone());
        ConnectionError::Lost { host, address, detail }
    }
}

impl Carrier for SshCarrier {
    fn start(&mut self, command: &str, interrupt: &Interrupt) -> Result<Box<dyn Transport>, ConnectionError> {
        let patience = self.settings.silence;
        let started = match self.session(interrupt) {
            Ok((session, socket)) => SshChannel::start(session, socket, command, patience),
            Err(cause) => {
                self.settled();
                return Err(self.unreachable(cause));
            }
        };
        match started {
            Ok(channel) => Ok(Box::new(channel)),
            Err(StartFailure::Broken(error)) => Err(self.lost(error.to_string())),
            Err(StartFailure::Full) => {
                // A connection of its own for this one command.
                let (session, socket) = self.connect(interrupt).map_err(|cause| self.unreachable(cause))?;
                match SshChannel::start(&session, &socket, command, patience) {
                    Ok(channel) => Ok(Box::new(channel)),
                    Err(StartFailure::Broken(error)) => Err(self.lost(error.to_string())),
                    Err(StartFailure::Full) => {
                        Err(self.lost("the server allows no session (`MaxSessions 0`)".into()))
                    }
                }
            }
        }
    }

    fn second(&self) -> Option<Second> {
        let (known, settings) = (self.known.clone()?, self.settings.clone());
        Some(Box::new(move || {
            // Where the file of keys cannot be written, the session has to do.
            let carrier = known.carrier(&settings).ok()??;
            Some(Box::new(carrier))
        }))
    }

    fn settled(&mut self) {
        self.place = None;
    }

    fn close(&mut self) {
        self.place = None;
        let Some((session, socket)) = self.open.take() else { return };
        // The goodbye must not wait for a peer that has gone.
        session.set_blocking(false);
        let _ = session.disconnect(None, "done", None);
        let _ = socket.shutdown(Shutdown::Both);
    }
}

impl Drop for SshCarrier {
    fn drop(&mut self) {
        self.close();
    }
}

/// The name of the user who runs us: what ssh logs in with if nobody says.
pub(crate) fn own_name() -> String {
    modules::accounts::user_name(rustix::process::geteuid().as_raw())
}
