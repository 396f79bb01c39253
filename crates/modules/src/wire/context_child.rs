//! An agent of another user, started by this one: what comes for its context goes to its input, what it says comes back under its context.

use std::io::{BufReader, Read};
use std::process::{Child, ChildStdin, ChildStdout};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::codec::{Frame, FrameError, read_frame};
use super::serve::Agent;

/// How long it may take to end after its input was closed.
const GRACE: Duration = Duration::from_secs(3);
/// How much of what it writes to standard error is kept.
const KEPT: usize = 4096;
const NONE: u32 = u32::MAX;

/// A running agent of another user. Ends with its value.
pub(super) struct ContextChild {
    stdin: Option<ChildStdin>,
    process: Child,
    last_request: Arc<AtomicU32>,
}

impl ContextChild {
    /// Starts to pass on what the child says.
    pub(super) fn new(
        agent: &Arc<Agent>,
        context: u32,
        process: Child,
        stdin: ChildStdin,
        stdout: ChildStdout,
        said: Said,
    ) -> Self {
        let last_request = Arc::new(AtomicU32::new(NONE));
        let (agent, last) = (Arc::clone(agent), Arc::clone(&last_request));
        thread::spawn(move || {
            forward(&agent, context, stdout);
            let last = Some(last.load(Ordering::Acquire)).filter(|request| *request != NONE);
            agent.child_ended(context, last, &said.text());
        });
        Self { stdin: Some(stdin), process, last_request }
    }

    /// Passes on a frame of the controller; to itself the child is context 0.
    pub(super) fn send(&mut self, mut frame: Frame) -> Result<(), FrameError> {
        self.last_request.store(frame.request, Ordering::Release);
        frame.context = 0;
        match &mut self.stdin {
            Some(stdin) => frame.write_to(stdin),
            None => Err(FrameError::Truncated),
        }
    }
}

fn forward(agent: &Agent, context: u32, stdout: ChildStdout) {
    let mut reader = BufReader::with_capacity(64 * 1024, stdout);
    while let Ok(Some(mut frame)) = read_frame(&mut reader) {
        frame.context = context;
        if agent.forward(&frame).is_err() {
            return;
        }
    }
}

impl Drop for ContextChild {
    /// The end of its input tells it to end. It may run as another user, so a signal may not reach it; `sudo` passes ours on.
    fn drop(&mut self) {
        drop(self.stdin.take());
        let start = Instant::now();
        while start.elapsed() < GRACE {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(2));
        }
        let _ = self.process.kill();
        let _ = self.process.try_wait();
    }
}

/// The last of what a child wrote to standard error.
#[derive(Clone, Debug, Default)]
pub(super) struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    /// Keeps reading, so that the child never waits for us.
    pub(super) fn listen(&self, mut stderr: impl Read, mut heard: impl FnMut()) {
        let mut buffer = [0; 1024];
        while let Ok(count @ 1..) = stderr.read(&mut buffer) {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend_from_slice(&buffer[..count]);
            let excess = all.len().saturating_sub(KEPT);
            all.drain(..excess);
            drop(all);
            heard();
        }
    }

    /// What it said, without the white space around it.
    pub(super) fn text(&self) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&all).trim().to_string()
    }

    /// Forgets what was said so far.
    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
