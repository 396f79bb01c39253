//! `async`: a module that goes on when the connection is gone. Its result is kept in a file of `~/.ansible_async`, as Ansible keeps it.

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use data::json::{self, JsonStyle};
use data::{Map, Value};
use serde::{Deserialize, Serialize};

use crate::coerce::expand_path;
use crate::wire::{Kind, Messages, send};
use crate::{Context, Failure, RunRequest, atomic_write, run};

/// What `async` asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The job's id, such as `j12345678.42`; made by the controller, so that it knows it even if the answer is lost.
    pub id: String,
    /// How many seconds it may take.
    pub seconds: u64,
    /// `async_dir`; `~/.ansible_async` if empty.
    pub folder: String,
}

/// What the new process says when it is on its own.
const STARTED: &[u8] = b"started";

impl Job {
    /// The file of the result. An id that is no plain name is refused: it would name a file elsewhere.
    fn file(&self, context: &Context) -> Result<PathBuf, Failure> {
        job_file(&self.id, &self.folder, context)
    }
}

/// The file of a job's result.
///
/// # Errors
/// For an id that is no plain name.
pub(crate) fn job_file(id: &str, folder: &str, context: &Context) -> Result<PathBuf, Failure> {
    if id.is_empty() || id.contains('/') || id.starts_with('.') {
        return Err(Failure::new(format!("the job id `{id}` is not a name")));
    }
    let folder = if folder.is_empty() { "~/.ansible_async" } else { folder };
    Ok(Path::new(&expand_path(folder, &|name| context.variable(name))).join(id))
}

/// Starts a request in a process of its own and tells where its result will be.
///
/// # Errors
/// If the process cannot be started.
pub(crate) fn start(request: &RunRequest, job: &Job, context: &Context) -> Result<Map, Failure> {
    let file = job.file(context)?;
    let program = context
        .program
        .as_ref()
        .ok_or_else(|| Failure::new("async needs the agent, and this connection runs without one"))?;
    let failed = |error: &dyn std::fmt::Display| Failure::new(format!("could not start the job: {error}"));
    let mut child = Command::new(program)
        .arg("job")
        .envs(context.environment.iter().map(|(key, value)| (key, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(&error))?;
    if let Some(mut stdin) = child.stdin.take() {
        send(&mut stdin, Kind::Request, 0, 0, request).map_err(|error| failed(&error))?;
    }
    let mut said = Vec::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_end(&mut said).map_err(|error| failed(&error))?;
    }
    if said != STARTED {
        return Err(failed(&String::from_utf8_lossy(&said)));
    }
    // Nobody else waits for it; a thread does, so that no dead process is left while we live.
    thread::spawn(move || drop(child.wait()));
    Ok(Map::from([
        ("started", Value::from(true)),
        ("finished", false.into()),
        ("changed", true.into()),
        ("ansible_job_id", job.id.as_str().into()),
        ("results_file", file.display().to_string().into()),
    ]))
}

/// The process of a job: reads its request, says that it started, runs it, and keeps the result.
///
/// # Errors
/// If the request cannot be read or the result cannot be kept.
pub fn run_job(mut input: impl Read, output: impl Write, program: PathBuf) -> Result<(), String> {
    let message = Messages::default().read(&mut input).map_err(|error| error.to_string())?;
    let message = message.ok_or("no request came")?;
    let mut request: RunRequest = message.decode().map_err(|error| error.to_string())?;
    let job = request.job.take().ok_or("the request is no job")?;
    let context =
        Context { environment: request.environment.clone(), program: Some(program), ..Context::local() };
    let file = job.file(&context).map_err(|failure| failure.msg)?;
    let begin = || -> io::Result<()> {
        if let Some(folder) = file.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let begun = Map::from([
            ("started", Value::from(true)),
            ("finished", false.into()),
            ("ansible_job_id", job.id.as_str().into()),
        ]);
        keep(&file, &begun)?;
        // A session of its own: the end of ours does not reach it.
        rustix::process::setsid()?;
        Ok(())
    };
    begin().map_err(|error| format!("{}: {error}", file.display()))?;
    let mut output = output;
    output.write_all(STARTED).and_then(|()| output.flush()).map_err(|error| error.to_string())?;
    drop(output);
    let mut result = run_with_limit(request, context, Duration::from_secs(job.seconds));
    result.insert("started", true);
    result.insert("finished", true);
    result.insert("ansible_job_id", job.id.as_str());
    keep(&file, &result).map_err(|error| format!("{}: {error}", file.display()))
}

/// Makes standard output something else, so that who started us sees its end while we go on.
///
/// # Errors
/// If the system refuses.
pub fn detach_output(to: impl AsFd) -> io::Result<()> {
    Ok(rustix::stdio::dup2_stdout(to)?)
}

fn run_with_limit(request: RunRequest, mut context: Context, limit: Duration) -> Map {
    let cancel = context.cancel.clone();
    let (sender, receiver) = mpsc::channel();
    // Whoever gave up waiting does not listen.
    thread::spawn(move || drop(sender.send(run::run_in(&request, &mut context).into_result())));
    match receiver.recv_timeout(limit) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => {
            cancel.set();
            // Its children are ended before we are.
            let _ = receiver.recv_timeout(Duration::from_secs(5));
            Failure::new("Timeout exceeded").to_result()
        }
        Err(RecvTimeoutError::Disconnected) => {
            Failure::new("the module stopped on a fault of its own").to_result()
        }
    }
}

fn keep(file: &Path, result: &Map) -> io::Result<()> {
    let text = json::write(&Value::Map(result.clone()), &JsonStyle::default());
    atomic_write::write(file, text.as_bytes(), false).map_err(|failure| io::Error::other(failure.msg))
}
