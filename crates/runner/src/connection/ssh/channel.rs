//! A command on a host over a libssh2 channel, as a [`Transport`]: reads and writes wait in `poll` on the socket, so that they can be
//! bounded in time and broken from outside.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::{BlockDirections, Channel, ErrorCode, Session};

use crate::connection::transport::{Ending, Output, Transport, for_message};

/// libssh2's "try again".
const EAGAIN: i32 = -37;
/// libssh2's "the channel was refused".
const CHANNEL_FAILURE: i32 = -21;

/// A running command. The session is in non-blocking mode as long as it lives.
pub(crate) struct SshChannel {
    session: Session,
    channel: Channel,
    socket: TcpStream,
    patience: Duration,
    /// After which a server that answers nothing counts as gone, however long the command may be silent.
    silence: Duration,
    /// What the command said on its two streams while we were writing to it.
    heard: [Vec<u8>; 2],
}

/// What is kept of a command that talks while it does not listen; a command that says more is waited for.
const HEARD: usize = 1024 * 1024;

/// Why a command was not started.
pub(crate) enum StartFailure {
    /// The server opens no further channel on this connection (`MaxSessions`).
    Full,
    /// The session is of no more use.
    Broken(io::Error),
}

impl From<io::Error> for StartFailure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl SshChannel {
    /// Starts a command; the session must be logged in.
    pub(crate) fn start(
        session: &Session,
        socket: &TcpStream,
        command: &str,
        patience: Duration,
    ) -> Result<Self, StartFailure> {
        session.set_blocking(true);
        let opened = session.channel_session();
        let full = matches!(&opened, Err(error) if error.code() == ErrorCode::Session(CHANNEL_FAILURE));
        let started = opened.and_then(|mut channel| channel.exec(command).map(|()| channel));
        session.set_blocking(false);
        let channel = started.map_err(|error| match full {
            true => StartFailure::Full,
            false => StartFailure::Broken(io::Error::other(error.message().to_owned())),
        })?;
        session.set_keepalive(true, 1);
        let socket = socket.try_clone()?;
        Ok(Self {
            session: session.clone(),
            channel,
            socket,
            patience,
            silence: patience,
            heard: Default::default(),
        })
    }

    /// Waits until the socket has news. In a long wait the server is asked for signs of life: a command may be silent, its server may not.
    fn wait(&self, deadline: Instant) -> io::Result<()> {
        let begun = Instant::now();
        loop {
            let step = deadline.min(Instant::now() + self.silence / 3);
            match self.poll(step) {
                Err(error) if error.kind() == io::ErrorKind::TimedOut && step < deadline => {
                    if begun.elapsed() >= self.silence {
                        return Err(error);
                    }
                    // Its answer wakes us; if it cannot be sent, none comes.
                    let _ = self.session.keepalive_send();
                }
                done => return done,
            }
        }
    }

    fn poll(&self, deadline: Instant) -> io::Result<()> {
        let now = Instant::now();
        if now >= deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let flags = match self.session.block_directions() {
            BlockDirections::Outbound => PollFlags::OUT,
            BlockDirections::Both => PollFlags::IN | PollFlags::OUT,
            BlockDirections::None | BlockDirections::Inbound => PollFlags::IN,
        };
        let mut fds = [PollFd::new(&self.socket, flags)];
        let limit = Timespec::try_from(deadline - now).map_err(io::Error::other)?;
        match poll(&mut fds, Some(&limit)) {
            Ok(0) => Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => Ok(()),
            Err(error) if error == rustix::io::Errno::INTR => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Tells the command that no more input comes.
    fn finish_input(&mut self) -> io::Result<()> {
        self.persist(Channel::send_eof)
    }

    /// Takes what the command has said meanwhile, and tells whether it has closed its streams: then it will not read any more either. The
    /// library knows the end only when all before it has been read.
    fn has_ended(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        for stream in [0, 1] {
            while self.heard[stream].len() < HEARD {
                match self.channel.stream(stream as i32).read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => self.heard[stream].extend_from_slice(&buffer[..count]),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(self.channel.eof())
    }

    /// Reads both streams until the command has closed them, or until nothing came for as long as the deadline allows.
    fn drain(&mut self, stdout: &mut Vec<u8>, stderr: &mut Vec<u8>, deadline: Instant) -> io::Result<()> {
        let mut buffer = vec![0; 32 * 1024];
        stdout.append(&mut self.heard[0]);
        stderr.append(&mut self.heard[1]);
        loop {
            let mut moved = false;
            for (stream, sink) in [(0, &mut *stdout), (1, &mut *stderr)] {
                match self.channel.stream(stream).read(&mut buffer) {
                    Ok(count) => {
                        sink.extend_from_slice(&buffer[..count]);
                        moved |= count > 0;
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
            if self.channel.eof() {
                return Ok(());
            }
            if !moved {
                self.wait(deadline)?;
            }
        }
    }

    /// The exit code, 128 and the signal's number if one ended it; none if the server did not say. The command must have ended.
    fn exit_code(&mut self) -> Option<i32> {
        self.patience = self.patience.min(Duration::from_secs(5));
        self.persist(Channel::close).and_then(|()| self.persist(Channel::wait_close)).ok()?;
        if let Some(name) = self.channel.exit_signal().ok().and_then(|signal| signal.exit_signal) {
            return Some(128 + signal_number(&name));
        }
        self.channel.exit_status().ok()
    }

    /// Repeats an operation of the library until it does not say "try again".
    fn persist(&mut self, operation: impl Fn(&mut Channel) -> Result<(), ssh2::Error>) -> io::Result<()> {
        let deadline = Instant::now() + self.patience;
        loop {
            match operation(&mut self.channel) {
                Ok(()) => return Ok(()),
                Err(error) if error.code() == ErrorCode::Session(EAGAIN) => self.wait(deadline)?,
                Err(error) => return Err(io::Error::other(error.message().to_owned())),
            }
        }
    }
}

impl Read for SshChannel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.heard[0].is_empty() {
            let count = buffer.len().min(self.heard[0].len());
            buffer[..count].copy_from_slice(&self.heard[0][..count]);
            self.heard[0].drain(..count);
            return Ok(count);
        }
        let deadline = Instant::now() + self.patience;
        loop {
            match self.channel.read(buffer) {
                Ok(0) if !self.channel.eof() => self.wait(deadline)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(deadline)?,
                done => return done,
            }
        }
    }
}

impl Write for SshChannel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let deadline = Instant::now() + self.patience;
        loop {
            match self.channel.write(bytes) {
                Ok(0) if !bytes.is_empty() => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
            // Whoever has gone opens its window no more: waiting for that would end as silence of the host. While a packet is half sent the
            // library must not be asked to read, for which it may have to send.
            let sent =
                !matches!(self.session.block_directions(), BlockDirections::Outbound | BlockDirections::Both);
            if sent && self.has_ended()? {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.wait(deadline)?;
        }
    }

    /// Written bytes are on their way: the library keeps none back.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for SshChannel {
    fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    fn ending(&mut self) -> Ending {
        let mut said = Vec::new();
        let drained = self.drain(&mut Vec::new(), &mut said, Instant::now() + Duration::from_millis(500));
        let code = if drained.is_ok() { self.exit_code() } else { None };
        let said = for_message(&said);
        let words = match (said.is_empty(), code) {
            (false, _) => said,
            (true, Some(code)) => format!("it ended with exit code {code}"),
            (true, None) => "the server closed the connection".into(),
        };
        // A command that ends says how, and the library gives 0 when the server did not: then the session itself went.
        Ending { words, carrier_lost: matches!(code, None | Some(0)) }
    }

    fn finish(mut self: Box<Self>) -> io::Result<Output> {
        self.finish_input()?;
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        while !self.channel.eof() {
            let deadline = Instant::now() + self.patience;
            self.drain(&mut stdout, &mut stderr, deadline)?;
        }
        let code = self.exit_code().ok_or(io::ErrorKind::ConnectionReset)?;
        Ok(Output { stdout, stderr, code })
    }
}

/// The number of a signal by its name in RFC 4254, section 6.10.
fn signal_number(name: &str) -> i32 {
    match name {
        "HUP" => 1,
        "INT" => 2,
        "QUIT" => 3,
        "ILL" => 4,
        "ABRT" => 6,
        "FPE" => 8,
        "KILL" => 9,
        "SEGV" => 11,
        "PIPE" => 13,
        "ALRM" => 14,
        _ => 15,
    }
}
