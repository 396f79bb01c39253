//! A conversation with an agent: requests out, messages in, contexts of other users, content by hash.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use data::{Map, Text};
use modules::wire::{
    BUILD, BecomeError, BecomeRequest, Decoder, FrameError, Hello, Kind, Message, Messages, Reply, Request,
    send,
};
use sha2::{Digest, Sha256};

use super::content::bulk::Bulk;
use super::transport::{Transport, for_message};
use super::{Become, BecomeFailure, Call, ConnectionError, Each, Fetched, Watch};

/// Content up to this size travels inside the request that needs it.
pub(super) const INLINE: u64 = 256 * 1024;
/// How long a canceled task may take to end before the session is given up.
const GRACE: Duration = Duration::from_secs(5);

/// A running agent on the other side of a transport. After an error of the session (see [`ConnectionError::ends_session`]) it is of no
/// more use.
pub(crate) struct AgentSession {
    host: String,
    address: String,
    pub(super) transport: Box<dyn Transport>,
    decoder: Decoder,
    messages: Messages,
    pub(super) silence: Duration,
    timeout: Duration,
    become_told: Option<Duration>,
    last_request: u32,
    contexts: HashMap<Become, u32>,
    last_context: u32,
    pub(super) sent: HashSet<(u32, String)>,
    doing: String,
    last_used: Instant,
    /// Another connection for large content, where there can be one.
    pub(super) bulk: Option<Bulk>,
}

/// Whose session it is and how patient.
pub(crate) struct Terms<'a> {
    /// The host's name in the inventory.
    pub(crate) host: &'a str,
    /// Its address, for messages.
    pub(crate) address: &'a str,
    /// Silence after which it counts as gone.
    pub(crate) silence: Duration,
    /// How long a become may take.
    pub(crate) timeout: Duration,
    /// The same where it is told.
    pub(crate) become_told: Option<Duration>,
}

impl AgentSession {
    /// Begins with the agent's hello; `seen` is what it has said already.
    pub(crate) fn open(
        transport: Box<dyn Transport>,
        seen: &[u8],
        terms: &Terms<'_>,
    ) -> Result<Self, ConnectionError> {
        let mut session = Self {
            host: terms.host.to_owned(),
            address: terms.address.to_owned(),
            transport,
            decoder: Decoder::default(),
            messages: Messages::default(),
            silence: terms.silence,
            timeout: terms.timeout,
            become_told: terms.become_told,
            last_request: 0,
            contexts: HashMap::new(),
            last_context: 0,
            sent: HashSet::new(),
            doing: "the start of the agent".into(),
            last_used: Instant::now(),
            bulk: None,
        };
        session.decoder.push(seen);
        let message = session.receive(Some(Instant::now() + terms.timeout.max(terms.silence)))?;
        let hello: Hello = session.decoded(&message)?;
        if message.kind != Kind::Hello || hello.build != BUILD {
            return Err(session.protocol(format!(
                "the agent's file was built from other sources (`{}`, this program is `{BUILD}`): build both again",
                hello.build
            )));
        }
        Ok(session)
    }

    /// The host's name in the inventory.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Its address, as it is reached from here.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Runs a module.
    pub(crate) fn run(&mut self, call: &Call, watch: Watch<'_>) -> Result<Map, ConnectionError> {
        let context = self.context_of(call.become_as.as_ref())?;
        self.doing.clone_from(&call.request.module);
        let deadline = call.timeout.map(|limit| Instant::now() + limit);
        let request = self.request_of(call, context)?;
        loop {
            let id = self.ask(context, &request)?;
            match self.answer(id, context, deadline, call.timeout, watch)? {
                Reply::Result(result) => return Ok(result),
                Reply::Need { sha256 } => self.give(context, &sha256, &call.contents)?,
                Reply::Failed { message } if context != 0 => return Err(self.context_ended(context, message)),
                other => return Err(self.unexpected(&other)),
            }
        }
    }

    /// Runs modules of one user, all sent before the first has answered. An error is of the session, and of all that have no result yet.
    pub(crate) fn run_ahead(&mut self, calls: &[Call], each: Each<'_>) -> Result<(), ConnectionError> {
        let Some(first) = calls.first() else { return Ok(()) };
        let context = self.context_of(first.become_as.as_ref())?;
        self.doing.clone_from(&first.request.module);
        let mut ids = Vec::with_capacity(calls.len());
        for call in calls {
            let request = self.request_of(call, context)?;
            ids.push(self.ask(context, &request)?);
        }
        for (at, id) in ids.iter().enumerate() {
            let result = match self.answer(*id, context, None, None, &mut |_| ())? {
                Reply::Result(result) => Ok(result),
                Reply::Failed { message } if context != 0 => {
                    return Err(self.context_ended(context, message));
                }
                other => return Err(self.unexpected(&other)),
            };
            if !each(at, result) {
                return self.call_off(context, &ids[at + 1..]);
            }
        }
        Ok(())
    }

    /// Stops requests that are under way, and waits until they have ended.
    fn call_off(&mut self, context: u32, ids: &[u32]) -> Result<(), ConnectionError> {
        // The last first: when the one that runs hears it, those behind it must not begin.
        for id in ids.iter().rev() {
            let cancel = Request::Cancel { request: *id };
            send(&mut self.transport, Kind::Request, context, id.wrapping_add(1 << 31), &cancel)
                .map_err(|error| self.broken(error))?;
        }
        let deadline = Instant::now() + GRACE;
        for id in ids {
            self.answer(*id, context, Some(deadline), None, &mut |_| ())?;
        }
        Ok(())
    }

    /// The request of a call, with the content that travels inside it.
    fn request_of(&mut self, call: &Call, context: u32) -> Result<Request, ConnectionError> {
        let mut request = call.request.clone();
        for content in &call.contents {
            if content.size() <= INLINE && self.sent.insert((context, content.hex())) {
                request.blobs.push(self.read_whole(content)?);
            }
        }
        Ok(Request::Run(Box::new(request)))
    }

    /// Copies a file of the host into `sink`.
    pub(crate) fn fetch(
        &mut self,
        path: &str,
        become_as: Option<&Become>,
        sink: &mut dyn Write,
    ) -> Result<Fetched, ConnectionError> {
        let context = self.context_of(become_as)?;
        self.doing = "fetch".into();
        let id = self.ask(context, &Request::Fetch { path: path.to_owned() })?;
        let (mut mode_bits, mut hasher, mut written) = (0, Sha256::new(), Ok(()));
        loop {
            let message = self.receive(None)?;
            if (message.request, message.context) != (id, context) {
                continue;
            }
            if message.kind == Kind::Chunk {
                hasher.update(&message.payload);
                // The rest must still be read, or the next task would find it.
                written = written.and_then(|()| sink.write_all(&message.payload));
                continue;
            }
            match self.decoded(&message)? {
                Reply::File { mode, .. } => mode_bits = mode,
                Reply::FileEnd { sha256, size } => {
                    written.map_err(|error| ConnectionError::LocalFile {
                        path: "the fetched copy".into(),
                        detail: error.to_string(),
                    })?;
                    let hash: [u8; 32] = hasher.finalize().into();
                    if modules::hex::encode(&hash) != sha256 {
                        return Err(self.protocol(
                            "a fetched file arrived with another hash than it was sent with".into(),
                        ));
                    }
                    return Ok(Fetched { size, sha256: hash, mode: mode_bits });
                }
                Reply::Failed { message } => return Err(self.remote_file(path, message)),
                other => return Err(self.unexpected(&other)),
            }
        }
    }

    /// Opens another connection for large content when there is some.
    pub(super) fn with_bulk(mut self, bulk: Option<Bulk>) -> Self {
        self.bulk = bulk;
        self
    }

    /// How long nothing was asked of it.
    pub(super) fn idle(&self) -> Duration {
        self.last_used.elapsed()
    }

    /// Takes what has come, so that the carrier answers the host's signs of life; false if the session is over.
    pub(super) fn tend(&mut self) -> bool {
        self.transport.set_patience(Duration::ZERO);
        let mut buffer = [0; 4096];
        match self.transport.read(&mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.decoder.push(&buffer[..count]);
                true
            }
            Err(error) => error.kind() == io::ErrorKind::TimedOut,
        }
    }

    /// Whether the agent is still there: at once if it has been busy lately, else by asking.
    pub(crate) fn is_alive(&mut self) -> bool {
        if let Some(bulk) = &mut self.bulk {
            bulk.rest();
        }
        if !self.tend() {
            return false;
        }
        if self.last_used.elapsed() < self.silence {
            return true;
        }
        let deadline = Some(Instant::now() + self.timeout);
        let Ok(id) = self.ask(0, &Request::Ping) else { return false };
        matches!(self.answer(id, 0, deadline, None, &mut |_| ()), Ok(Reply::Pong))
    }

    /// The context of a user, made if it is not there yet.
    pub(super) fn context_of(&mut self, become_as: Option<&Become>) -> Result<u32, ConnectionError> {
        let Some(wanted) = become_as else { return Ok(0) };
        if let Some(context) = self.contexts.get(wanted) {
            return Ok(*context);
        }
        self.doing = format!("become {}", wanted.user);
        self.last_context += 1;
        let context = self.last_context;
        let request = BecomeRequest {
            context,
            method: wanted.method,
            user: wanted.user.clone(),
            program: wanted.program.clone(),
            flags: wanted.flags.as_deref().map(super::ssh_args::split_words),
            password: wanted.password.clone().map(Text::into_secret),
            prompts: wanted.prompts.clone(),
            timeout_ms: self.timeout.as_millis() as u64,
        };
        // The agent's own limit comes first; ours is for an agent that hangs.
        let deadline = Instant::now() + self.timeout + GRACE;
        let id = self.ask(0, &Request::Become(Box::new(request)))?;
        match self.answer(id, 0, Some(deadline), Some(self.timeout), &mut |_| ())? {
            Reply::Became(hello) if hello.build == BUILD => {
                self.contexts.insert(wanted.clone(), context);
                Ok(context)
            }
            Reply::BecomeFailed(error) => Err(self.become_failed(wanted, error)),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Sends a request; gives its id.
    pub(super) fn ask(&mut self, context: u32, request: &Request) -> Result<u32, ConnectionError> {
        self.last_request = self.last_request.wrapping_add(1);
        let id = self.last_request;
        self.transport.set_patience(self.silence);
        send(&mut self.transport, Kind::Request, context, id, request).map_err(|error| self.broken(error))?;
        self.last_used = Instant::now();
        Ok(id)
    }

    /// The final reply to a request; `watch` gets what comes before. When the deadline passes, the request is canceled.
    pub(super) fn answer(
        &mut self,
        id: u32,
        context: u32,
        deadline: Option<Instant>,
        limit: Option<Duration>,
        watch: Watch<'_>,
    ) -> Result<Reply, ConnectionError> {
        let mut canceled = None;
        loop {
            let message = match self.receive(canceled.or(deadline)) {
                Err(ConnectionError::Timeout { host, .. }) if canceled.is_none() && limit.is_some() => {
                    canceled = Some(Instant::now() + GRACE);
                    let cancel = Request::Cancel { request: id };
                    let sent =
                        send(&mut self.transport, Kind::Request, context, id.wrapping_add(1 << 31), &cancel);
                    sent.map_err(|_| ConnectionError::Timeout { host, limit: limit.unwrap_or_default() })?;
                    continue;
                }
                Err(ConnectionError::Timeout { .. }) if canceled.is_some() => {
                    return Err(self.lost("it did not stop a task that took too long".into()));
                }
                other => other?,
            };
            if (message.request, message.context, message.kind) != (id, context, Kind::Reply) {
                // A late pong, or the end of what was canceled.
                continue;
            }
            self.last_used = Instant::now();
            match self.decoded(&message)? {
                Reply::Progress(progress) => watch(progress),
                _ if canceled.is_some() => {
                    return Err(ConnectionError::Timeout {
                        host: self.host.clone(),
                        limit: limit.unwrap_or_default(),
                    });
                }
                reply => return Ok(reply),
            }
        }
    }

    /// The next message. A silent agent is pinged, and counts as gone if that does not make it speak.
    fn receive(&mut self, deadline: Option<Instant>) -> Result<Message, ConnectionError> {
        let mut heard = Instant::now();
        let mut buffer = [0; 32 * 1024];
        loop {
            while let Some(frame) = self.decoder.next_frame().map_err(|error| self.broken(error))? {
                if let Some(message) = self.messages.push(frame).map_err(|error| self.broken(error))? {
                    return Ok(message);
                }
            }
            let now = Instant::now();
            let left = deadline.map_or(self.silence, |deadline| deadline.saturating_duration_since(now));
            if left.is_zero() {
                return Err(ConnectionError::Timeout { host: self.host.clone(), limit: self.timeout });
            }
            self.transport.set_patience(left.min(self.silence / 3));
            match self.transport.read(&mut buffer) {
                Ok(0) => return Err(self.ended()),
                Ok(count) => {
                    heard = Instant::now();
                    self.decoder.push(&buffer[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() != io::ErrorKind::TimedOut => {
                    return Err(self.broken(FrameError::Io(error)));
                }
                Err(_) if heard.elapsed() >= self.silence => {
                    return Err(self.lost(format!("nothing came for {} s", heard.elapsed().as_secs())));
                }
                Err(_) if deadline.is_some_and(|deadline| Instant::now() >= deadline) => {}
                Err(_) => {
                    // Its answer counts as a sign of life; nobody waits for it.
                    send(&mut self.transport, Kind::Request, 0, u32::MAX, &Request::Ping)
                        .map_err(|error| self.broken(error))?;
                }
            }
        }
    }

    fn decoded<T: serde::de::DeserializeOwned>(&self, message: &Message) -> Result<T, ConnectionError> {
        message.decode().map_err(|error| self.protocol(error.to_string()))
    }

    /// The user of a context; none is the login user.
    pub(super) fn user_of(&self, context: u32) -> Option<&Become> {
        self.contexts.iter().find(|(_, known)| **known == context).map(|(user, _)| user)
    }

    /// The agent of another user has gone; the next task starts a new one.
    fn context_ended(&mut self, context: u32, detail: String) -> ConnectionError {
        self.contexts.retain(|_, known| *known != context);
        self.sent.retain(|(known, _)| *known != context);
        ConnectionError::AgentLost { host: self.host.clone(), module: self.doing.clone(), detail }
    }

    pub(super) fn protocol(&self, detail: String) -> ConnectionError {
        ConnectionError::Protocol { host: self.host.clone(), detail }
    }

    fn lost(&self, detail: String) -> ConnectionError {
        ConnectionError::Lost { host: self.host.clone(), address: self.address.clone(), detail }
    }

    pub(super) fn unexpected(&self, reply: &Reply) -> ConnectionError {
        match reply {
            Reply::Failed { message } => self.protocol(message.clone()),
            _ => self.protocol("a reply that does not belong to the request".into()),
        }
    }

    pub(super) fn broken(&mut self, error: FrameError) -> ConnectionError {
        match error {
            FrameError::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
                self.lost(format!("no byte could be sent for {} s", self.silence.as_secs()))
            }
            FrameError::Io(error) => match self.ended() {
                // The library's own words say less than that.
                ConnectionError::Lost { .. } => self.lost(format!("the session broke off ({error})")),
                ended => ended,
            },
            other => self.protocol(other.to_string()),
        }
    }

    /// The stream is over: did the agent end, or the connection?
    fn ended(&mut self) -> ConnectionError {
        let ending = self.transport.ending();
        if ending.carrier_lost {
            return self.lost(ending.words);
        }
        ConnectionError::AgentLost {
            host: self.host.clone(),
            module: self.doing.clone(),
            detail: ending.words,
        }
    }

    fn become_failed(&self, wanted: &Become, error: BecomeError) -> ConnectionError {
        let method = wanted.method;
        let cause = match error {
            BecomeError::MissingPassword { .. } => BecomeFailure::MissingPassword { method },
            BecomeError::WrongPassword { .. } => BecomeFailure::WrongPassword { method },
            BecomeError::Timeout { output, .. } => BecomeFailure::Timeout {
                method,
                after: self.become_told,
                detail: for_message(output.as_bytes()),
            },
            BecomeError::NoProgram { .. } => BecomeFailure::NoProgram { method },
            BecomeError::Refused { message } => {
                BecomeFailure::NotAllowed { method, detail: for_message(message.as_bytes()) }
            }
        };
        ConnectionError::Become { host: self.host.clone(), cause }
    }

    fn remote_file(&self, path: &str, detail: String) -> ConnectionError {
        let missing = detail.contains("No such file");
        ConnectionError::RemoteFile { host: self.host.clone(), path: path.to_owned(), detail, missing }
    }
}

impl Drop for AgentSession {
    fn drop(&mut self) {
        // Politeness: at the end of its input the agent ends anyway.
        self.transport.set_patience(Duration::from_millis(200));
        let _ = send(&mut self.transport, Kind::Request, 0, u32::MAX, &Request::Shutdown);
    }
}
