//! A child process of ours as a [`Transport`]: the system's `ssh`, or an agent on this machine.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::transport::{Breaker, Ending, Output, Transport, for_message};

/// Standard error kept for messages; more is read and dropped.
const KEPT: usize = 16 * 1024;

/// A running child and its pipes.
pub(crate) struct ChildPipes {
    child: Arc<Mutex<Child>>,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    stderr: Option<ChildStderr>,
    said: Vec<u8>,
    patience: Duration,
    role: Role,
}

/// What a child is to the process at the other end, by which its end is told from the end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is that process.
    Itself,
    /// `ssh`, which ends with 255 for faults of its own.
    Ssh,
    /// `docker` or `podman`, which say what is wrong with the container.
    ContainerEngine,
}

impl Role {
    /// Whether rather the connection ended.
    fn is_lost(self, code: Option<i32>, said: &str) -> bool {
        match self {
            Self::Itself => false,
            Self::Ssh => code == Some(255),
            Self::ContainerEngine => {
                code == Some(125)
                    || [
                        "Error response from daemon",
                        "No such container",
                        "no container with",
                        "Cannot connect to",
                    ]
                    .iter()
                    .any(|words| said.contains(words))
            }
        }
    }
}

impl ChildPipes {
    /// Starts a program; its three streams become pipes.
    pub(crate) fn start(command: &mut Command, patience: Duration) -> io::Result<Self> {
        let mut child = data::program::start(
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()),
        )?;
        let missing = || io::Error::other("a pipe of the child is missing");
        let (stdin, stdout) =
            (child.stdin.take().ok_or_else(missing)?, child.stdout.take().ok_or_else(missing)?);
        let stderr = child.stderr.take().ok_or_else(missing)?;
        for fd in [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()] {
            fcntl_setfl(fd, fcntl_getfl(fd)? | OFlags::NONBLOCK)?;
        }
        // Fewer switches between the two processes for large content; a smaller pipe works too.
        let _ = rustix::pipe::fcntl_setpipe_size(&stdin, 1024 * 1024);
        let _ = rustix::pipe::fcntl_setpipe_size(&stdout, 1024 * 1024);
        let child = Arc::new(Mutex::new(child));
        Ok(Self {
            child,
            stdin: Some(stdin),
            stdout,
            stderr: Some(stderr),
            said: Vec::new(),
            patience,
            role: Role::Itself,
        })
    }

    /// The same for a program that only carries to another host, as `ssh` does.
    pub(crate) fn carrier(command: &mut Command, role: Role, patience: Duration) -> io::Result<Self> {
        let mut pipes = Self::start(command, patience)?;
        pipes.role = role;
        Ok(pipes)
    }

    /// Kills the child from another thread.
    pub(crate) fn breaker(&self) -> Breaker {
        let child = Arc::clone(&self.child);
        Box::new(move || {
            // An error means that it has ended already.
            let _ = child.lock().unwrap_or_else(PoisonError::into_inner).kill();
        })
    }

    /// Takes what is there of standard error.
    fn listen(&mut self, keep: usize) {
        let mut buffer = [0; 4096];
        while let Some(stderr) = &mut self.stderr {
            match stderr.read(&mut buffer) {
                Ok(0) => self.stderr = None,
                Ok(count) => {
                    let room = keep.saturating_sub(self.said.len()).min(count);
                    self.said.extend_from_slice(&buffer[..room]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.stderr = None,
            }
        }
    }

    /// The exit code, 128 and the signal's number if one ended it; none if it has not ended in time.
    fn exit_code(&mut self, deadline: Instant) -> Option<i32> {
        use std::os::unix::process::ExitStatusExt;
        loop {
            let status = self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait();
            match status {
                Ok(Some(status)) => {
                    return Some(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)));
                }
                Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
                _ => return None,
            }
        }
    }
}

/// Waits until one of the descriptors, or standard error, has news.
fn wait(
    main: &[(BorrowedFd<'_>, PollFlags)],
    stderr: Option<&ChildStderr>,
    deadline: Instant,
) -> io::Result<()> {
    let now = Instant::now();
    if now >= deadline {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let mut fds: Vec<PollFd<'_>> =
        main.iter().map(|(fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)).collect();
    fds.extend(stderr.map(|stderr| PollFd::new(stderr, PollFlags::IN)));
    let limit = Timespec::try_from(deadline - now).map_err(io::Error::other)?;
    match poll(&mut fds, Some(&limit)) {
        Ok(0) => Err(io::ErrorKind::TimedOut.into()),
        Ok(_) => Ok(()),
        Err(error) if error == rustix::io::Errno::INTR => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl Read for ChildPipes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let deadline = Instant::now() + self.patience;
        loop {
            match self.stdout.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait(&[(self.stdout.as_fd(), PollFlags::IN)], self.stderr.as_ref(), deadline)?;
                    self.listen(KEPT);
                }
                done => return done,
            }
        }
    }
}

impl Write for ChildPipes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let deadline = Instant::now() + self.patience;
        loop {
            let Some(stdin) = &mut self.stdin else { return Err(io::ErrorKind::BrokenPipe.into()) };
            match stdin.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait(&[(stdin.as_fd(), PollFlags::OUT)], self.stderr.as_ref(), deadline)?;
                    self.listen(KEPT);
                }
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for ChildPipes {
    fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    fn ending(&mut self) -> Ending {
        self.stdin = None;
        let code = self.exit_code(Instant::now() + Duration::from_millis(500));
        self.listen(KEPT);
        let said = for_message(&self.said);
        let carrier_lost = self.role.is_lost(code, &said);
        let words = match (said.is_empty(), code) {
            (true, Some(code)) => format!("it ended with exit code {code}"),
            (true, None) => "it says nothing".into(),
            (false, _) => said,
        };
        Ending { words, carrier_lost }
    }

    fn finish(mut self: Box<Self>) -> io::Result<Output> {
        self.stdin = None;
        let mut stdout = Vec::new();
        self.read_to_end(&mut stdout)?;
        let deadline = Instant::now() + self.patience;
        while self.stderr.is_some() && wait(&[], self.stderr.as_ref(), deadline).is_ok() {
            self.listen(usize::MAX);
        }
        let code = self.exit_code(deadline).unwrap_or(255);
        Ok(Output { stdout, stderr: std::mem::take(&mut self.said), code })
    }
}

impl Drop for ChildPipes {
    fn drop(&mut self) {
        // At the end of its input an agent, and `ssh`, end by themselves; whoever does not is killed so that no zombie stays.
        self.stdin = None;
        if self.exit_code(Instant::now() + Duration::from_millis(300)).is_none() {
            let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> ChildPipes {
        ChildPipes::start(Command::new("sh").args(["-c", script]), Duration::from_secs(30)).unwrap()
    }

    #[test]
    fn bytes_go_through_both_ways() {
        let mut pipes = shell("cat");
        let sent = vec![7; 3 * 1024 * 1024];
        let mut seen = Vec::new();
        let mut buffer = vec![0; 65536];
        for chunk in sent.chunks(256 * 1024) {
            pipes.write_all(chunk).unwrap();
            let goal = seen.len() + chunk.len();
            while seen.len() < goal {
                let count = pipes.read(&mut buffer).unwrap();
                seen.extend_from_slice(&buffer[..count]);
            }
        }
        assert_eq!(seen, sent);
    }

    #[test]
    fn its_complaints_are_kept_for_the_message() {
        let mut pipes = shell("echo 'no such luck' >&2; exit 3");
        assert_eq!(pipes.read(&mut [0; 16]).unwrap(), 0);
        assert_eq!(pipes.ending().words, "no such luck");
    }

    #[test]
    fn a_silent_process_runs_out_of_patience() {
        let mut pipes = shell("cat");
        pipes.set_patience(Duration::from_millis(1));
        assert_eq!(pipes.read(&mut [0; 16]).unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn the_breaker_ends_a_wait() {
        let mut pipes = shell("exec cat");
        pipes.breaker()();
        assert_eq!(pipes.read(&mut [0; 16]).unwrap(), 0);
    }

    #[test]
    fn all_output_and_the_exit_code_come_at_the_end() {
        let output = Box::new(shell("echo out; echo err >&2; kill -9 $$")).finish().unwrap();
        assert_eq!(output, Output { stdout: b"out\n".to_vec(), stderr: b"err\n".to_vec(), code: 137 });
    }
}
