//! This machine without a session: modules run in this process. Another user's tasks go to an agent of that user.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use data::Map;
use modules::{BlobStore, Cancel, Progress, run_local_with};
use sha2::{Digest, Sha256};

use super::agent_file::AgentFiles;
use super::carrier::{Carrier, Interrupt};
use super::child::ChildPipes;
use super::host::RemoteHost;
use super::transport::Transport;
use super::{
    AgentFailure, Become, Call, Connection, ConnectionError, ConnectionSettings, Fetched, RawOutput, Watch,
};

/// `connection: local`.
pub(crate) struct LocalHost {
    host: String,
    /// For tasks as another user and raw commands.
    others: RemoteHost,
    cancel: Cancel,
}

impl LocalHost {
    pub(crate) fn new(settings: ConnectionSettings, files: Arc<AgentFiles>) -> Self {
        let host = settings.host.clone();
        let carrier = Shell { host: host.clone(), patience: settings.silence };
        Self { host, others: RemoteHost::new(settings, files, Box::new(carrier)), cancel: Cancel::default() }
    }

    fn file_error(&self, path: &str, error: &io::Error) -> ConnectionError {
        let missing = error.kind() == io::ErrorKind::NotFound;
        ConnectionError::RemoteFile {
            host: self.host.clone(),
            path: path.into(),
            detail: error.to_string(),
            missing,
        }
    }
}

impl Connection for LocalHost {
    fn run(&self, call: &Call, watch: Watch<'_>) -> Result<Map, ConnectionError> {
        // A job needs a process that goes on without this one.
        if call.become_as.is_some() || call.request.job.is_some() {
            return self.others.run(call, watch);
        }
        let blobs = Arc::new(BlobStore::default());
        for content in &call.contents {
            content.lend_to(&blobs);
        }
        // The module runs beside us, so that its output can be shown as it comes and its time be limited.
        let (sender, progress) = mpsc::channel::<Progress>();
        let cancel = Cancel::default();
        let (request, stop) = (call.request.clone(), cancel.clone());
        let running = thread::spawn(move || {
            run_local_with(&request, blobs, stop, Box::new(move |progress| drop(sender.send(progress))))
        });
        let deadline = call.timeout.map(|limit| std::time::Instant::now() + limit);
        let mut timed_out = false;
        loop {
            // A wish to stop, and a limit, are looked at this often.
            match progress.recv_timeout(std::time::Duration::from_millis(100)) {
                Ok(progress) => watch(progress),
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    timed_out |= deadline.is_some_and(|deadline| std::time::Instant::now() >= deadline);
                    if timed_out || self.cancel.is_set() {
                        cancel.set();
                    }
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        let result = running.join();
        match (result, call.timeout.filter(|_| timed_out)) {
            _ if self.cancel.is_set() => Err(ConnectionError::Interrupted { host: self.host.clone() }),
            (_, Some(limit)) => Err(ConnectionError::Timeout { host: self.host.clone(), limit }),
            (Ok(result), None) => Ok(result),
            (Err(_), None) => Err(ConnectionError::AgentLost {
                host: self.host.clone(),
                module: call.request.module.clone(),
                detail: "a fault of the module itself".into(),
            }),
        }
    }

    fn raw(&self, command: &str, become_as: Option<&Become>) -> Result<RawOutput, ConnectionError> {
        self.others.raw(command, become_as)
    }

    fn fetch(
        &self,
        path: &str,
        become_as: Option<&Become>,
        sink: &mut dyn Write,
    ) -> Result<Fetched, ConnectionError> {
        if become_as.is_some() {
            return self.others.fetch(path, become_as, sink);
        }
        let mut file = File::open(path).map_err(|error| self.file_error(path, &error))?;
        let mode =
            file.metadata().map_err(|error| self.file_error(path, &error))?.permissions().mode() & 0o7777;
        let (mut hasher, mut size, mut buffer) = (Sha256::new(), 0, vec![0; 64 * 1024]);
        loop {
            match file.read(&mut buffer).map_err(|error| self.file_error(path, &error))? {
                0 => return Ok(Fetched { size, sha256: hasher.finalize().into(), mode }),
                count => {
                    hasher.update(&buffer[..count]);
                    size += count as u64;
                    sink.write_all(&buffer[..count]).map_err(|error| ConnectionError::LocalFile {
                        path: "the fetched copy".into(),
                        detail: error.to_string(),
                    })?;
                }
            }
        }
    }

    fn reset(&self) {
        self.others.reset();
    }

    fn interrupt(&self) {
        self.cancel.set();
        self.others.interrupt();
    }
}

/// A shell on this machine.
struct Shell {
    host: String,
    patience: std::time::Duration,
}

impl Carrier for Shell {
    fn start(&mut self, command: &str, interrupt: &Interrupt) -> Result<Box<dyn Transport>, ConnectionError> {
        let mut shell = Command::new("/bin/sh");
        let pipes = ChildPipes::start(shell.args(["-c", command]), self.patience).map_err(|error| {
            let cause = AgentFailure::Shell { detail: error.to_string() };
            ConnectionError::Agent { host: self.host.clone(), cause }
        })?;
        interrupt.add(pipes.breaker());
        Ok(Box::new(pipes))
    }

    fn close(&mut self) {}
}
