//! The agent's loop: one thread reads and routes, one works, and at the end of input everything stops.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use data::Map;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::become_user::become_user;
use super::codec::{ChunkWriter, Frame, FrameError, Kind, read_frame};
use super::context_child::ContextChild;
use super::message::{Hello, Message, Messages, Reply, Request, send};
use crate::run::{Ran, run_in};
use crate::{BlobStore, Cancel, Context, Failure, Receiving, RunRequest, accounts, hex, write_behind};

/// How long a running module may take to stop after the controller has gone.
const GRACE: Duration = Duration::from_secs(3);
/// How much of a file one frame carries.
const CHUNK: usize = 256 * 1024;

/// Where an agent lives.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// A folder of its own, mode 0700, for content and temporary files.
    pub folder: PathBuf,
    /// Its own program, for agents of other users.
    pub program: PathBuf,
}

/// Serves requests until the input ends, the controller says so, or the stream is broken. On return no child is left, async jobs excepted.
///
/// # Errors
/// If the stream is broken; there is nobody left to tell but the caller.
pub fn serve(
    mut reader: impl Read,
    writer: impl Write + Send + 'static,
    options: ServeOptions,
) -> Result<(), FrameError> {
    let agent = Arc::new(Agent {
        writer: Mutex::new(Box::new(writer)),
        blobs: Arc::new(BlobStore::new(Some(options.folder.clone()))),
        children: Mutex::default(),
        running: Mutex::default(),
        options,
    });
    agent.send(Kind::Hello, 0, &hello())?;
    write_behind::allow();
    let (queue, inbox) = mpsc::channel();
    let (working, stopped) = mpsc::channel::<()>();
    let worker = Arc::clone(&agent);
    thread::spawn(move || {
        worker.work(&inbox);
        drop(working);
    });
    let result = Router { agent: &agent, queue, messages: Messages::default(), incoming: HashMap::new() }
        .run(&mut reader);
    for cancel in agent.running().values() {
        cancel.set();
    }
    agent.children().clear();
    // Ends when the worker drops its side; a module that does not stop is left to end with the process.
    let _ = stopped.recv_timeout(GRACE);
    write_behind::wait();
    result
}

fn hello() -> Hello {
    let uid = rustix::process::geteuid().as_raw();
    Hello { build: super::BUILD.to_string(), pid: std::process::id(), uid, user: accounts::user_name(uid) }
}

/// What the agent's threads share.
pub(super) struct Agent {
    writer: Mutex<Box<dyn Write + Send>>,
    blobs: Arc<BlobStore>,
    children: Mutex<HashMap<u32, ContextChild>>,
    running: Mutex<HashMap<u32, Cancel>>,
    options: ServeOptions,
}

struct Job {
    request: u32,
    cancel: Cancel,
    what: Request,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Agent {
    fn children(&self) -> MutexGuard<'_, HashMap<u32, ContextChild>> {
        lock(&self.children)
    }

    fn running(&self) -> MutexGuard<'_, HashMap<u32, Cancel>> {
        lock(&self.running)
    }

    fn send(&self, kind: Kind, request: u32, content: &impl Serialize) -> Result<(), FrameError> {
        send(&mut *lock(&self.writer), kind, 0, request, content)
    }

    fn reply(&self, request: u32, reply: &Reply) -> Result<(), FrameError> {
        self.send(Kind::Reply, request, reply)
    }

    /// Passes on a frame of a child.
    pub(super) fn forward(&self, frame: &Frame) -> Result<(), FrameError> {
        frame.write_to(&mut *lock(&self.writer))
    }

    /// A child's stream has ended: it is gone, and whoever waits for its answer must know.
    pub(super) fn child_ended(&self, context: u32, last_request: Option<u32>, said: &str) {
        let known = self.children().remove(&context).is_some();
        let Some(request) = last_request.filter(|_| known) else { return };
        let message = format!(
            "the agent of context {context} stopped; {}",
            if said.is_empty() { "it said nothing" } else { said }
        );
        let _ = send(&mut *lock(&self.writer), Kind::Reply, context, request, &Reply::Failed { message });
    }

    fn work(self: &Arc<Self>, inbox: &Receiver<Job>) {
        for job in inbox {
            let outcome = self.carry_out(&job);
            self.running().remove(&job.request);
            if outcome.is_err() {
                // The writer is broken; the reader's side notices the same.
                return;
            }
        }
    }

    fn carry_out(self: &Arc<Self>, job: &Job) -> Result<(), FrameError> {
        let reply = match &job.what {
            // Stopped while it waited behind another: it must not even begin.
            Request::Run(_) if job.cancel.is_set() => Reply::Result(Failure::new("canceled").to_result()),
            Request::Run(request) => self.run(job, request),
            Request::Fetch { path } => return self.send_file(job, path),
            Request::Become(request) => match become_user(self, request, &self.options) {
                Ok((hello, child)) => {
                    self.children().insert(request.context, child);
                    Reply::Became(hello)
                }
                Err(error) => Reply::BecomeFailed(error),
            },
            Request::Leave { context } => {
                // Taken out first: dropping it waits for the child's end, and its forwarder needs the lock.
                let child = self.children().remove(context);
                drop(child);
                Reply::Done
            }
            Request::Offer { sha256 } => Reply::Need {
                sha256: sha256.iter().filter(|name| self.blobs.get(name).is_none()).cloned().collect(),
            },
            Request::Adopt { sha256, file } => match self.blobs.adopt(sha256, file) {
                Ok(()) => Reply::Stored,
                Err(error) => Reply::Failed { message: format!("could not take over content: {error}") },
            },
            Request::Blob { .. }
            | Request::Lay { .. }
            | Request::Cancel { .. }
            | Request::Ping
            | Request::Shutdown => Reply::Done,
        };
        self.reply(job.request, &reply)
    }

    fn run(self: &Arc<Self>, job: &Job, request: &RunRequest) -> Reply {
        let (agent, id) = (Arc::clone(self), job.request);
        let mut context = Context {
            blobs: Arc::clone(&self.blobs),
            tmpdir: self.options.folder.clone(),
            program: Some(self.options.program.clone()),
            cancel: job.cancel.clone(),
            // A broken stream is noticed by the reader; progress has nobody to tell.
            progress: Box::new(move |progress| drop(agent.reply(id, &Reply::Progress(progress)))),
            ..Context::local()
        };
        match catch_unwind(AssertUnwindSafe(|| run_in(request, &mut context))) {
            Ok(Ran::Result(result)) => Reply::Result(result),
            Ok(Ran::Need(sha256)) => Reply::Need { sha256: vec![sha256] },
            Err(_) => Reply::Result(panicked(&request.module)),
        }
    }

    fn send_file(&self, job: &Job, path: &str) -> Result<(), FrameError> {
        match self.stream_file(job, path) {
            Ok(reply) => self.reply(job.request, &reply),
            Err(FrameError::Io(error)) => {
                self.reply(job.request, &Reply::Failed { message: format!("could not read {path}: {error}") })
            }
            Err(error) => Err(error),
        }
    }

    fn stream_file(&self, job: &Job, path: &str) -> Result<Reply, FrameError> {
        let mut file = File::open(path)?;
        let about = file.metadata()?;
        if !about.is_file() {
            return Ok(Reply::Failed { message: format!("{path} is not a file") });
        }
        self.reply(
            job.request,
            &Reply::File { size: about.len(), mode: about.permissions().mode() & 0o7777 },
        )?;
        let (mut hash, mut size) = (Sha256::new(), 0_u64);
        let mut chunk = ChunkWriter::new(0, job.request);
        loop {
            if job.cancel.is_set() {
                return Ok(Reply::Failed { message: "canceled".to_string() });
            }
            match chunk.fill(&mut file, CHUNK)? {
                0 => return Ok(Reply::FileEnd { sha256: hex::encode(&hash.finalize()), size }),
                count => {
                    hash.update(chunk.payload());
                    size += count as u64;
                    chunk.write_to(&mut *lock(&self.writer))?;
                }
            }
        }
    }
}

fn panicked(module: &str) -> Map {
    Failure::new(format!("the module {module} stopped on a fault of its own; this is a bug in taskbox"))
        .to_result()
}

/// The reading side.
struct Router<'a> {
    agent: &'a Arc<Agent>,
    queue: Sender<Job>,
    messages: Messages,
    incoming: HashMap<u32, (Receiving, End)>,
}

/// What becomes of content that has come whole.
#[derive(Clone, Copy)]
enum End {
    /// It is for modules of this agent.
    Kept,
    /// It is for another agent.
    Laid,
}

impl Router<'_> {
    fn run(mut self, reader: &mut impl Read) -> Result<(), FrameError> {
        while let Some(frame) = read_frame(reader)? {
            if frame.context != 0 {
                self.to_child(frame)?;
                continue;
            }
            let Some(message) = self.messages.push(frame)? else { continue };
            match message.kind {
                Kind::Chunk => self.take_chunk(&message)?,
                Kind::Request => match message.decode::<Request>() {
                    Ok(Request::Shutdown) => break,
                    Ok(request) => self.take_request(message.request, request)?,
                    Err(error) => self.fail(message.request, error.to_string())?,
                },
                Kind::Hello | Kind::Reply | Kind::Part => {}
            }
        }
        Ok(())
    }

    fn fail(&self, request: u32, message: String) -> Result<(), FrameError> {
        self.agent.reply(request, &Reply::Failed { message })
    }

    fn to_child(&self, frame: Frame) -> Result<(), FrameError> {
        let (context, request) = (frame.context, frame.request);
        let sent = self.agent.children().get_mut(&context).map(|child| child.send(frame));
        if let Some(Ok(())) = sent {
            return Ok(());
        }
        // One that cannot be written to has ended; its forwarder says so for the request it knew.
        let message = format!("there is no context {context}");
        send(&mut *lock(&self.agent.writer), Kind::Reply, context, request, &Reply::Failed { message })
    }

    fn take_request(&mut self, id: u32, request: Request) -> Result<(), FrameError> {
        match request {
            Request::Ping => self.agent.reply(id, &Reply::Pong),
            Request::Cancel { request } => {
                if let Some(cancel) = self.agent.running().get(&request) {
                    cancel.set();
                }
                Ok(())
            }
            Request::Blob { sha256, size } => self.receive(id, &sha256, size, End::Kept),
            Request::Lay { sha256, size } => self.receive(id, &sha256, size, End::Laid),
            what => {
                let cancel = Cancel::default();
                self.agent.running().insert(id, cancel.clone());
                // The worker ends only when the writer is broken; the next read or write tells.
                let _ = self.queue.send(Job { request: id, cancel, what });
                Ok(())
            }
        }
    }

    fn receive(&mut self, id: u32, sha256: &str, size: u64, end: End) -> Result<(), FrameError> {
        match self.agent.blobs.receive(sha256, size) {
            Ok(receiving) => {
                self.incoming.insert(id, (receiving, end));
                self.finish_if_whole(id)
            }
            Err(error) => self.fail(id, format!("could not keep content: {error}")),
        }
    }

    /// Chunks of content that was given up are still on their way; they are passed over.
    fn take_chunk(&mut self, message: &Message) -> Result<(), FrameError> {
        let Some((receiving, _)) = self.incoming.get_mut(&message.request) else { return Ok(()) };
        if let Err(error) = receiving.push(&message.payload) {
            self.incoming.remove(&message.request);
            return self.fail(message.request, format!("could not keep content: {error}"));
        }
        self.finish_if_whole(message.request)
    }

    fn finish_if_whole(&mut self, id: u32) -> Result<(), FrameError> {
        let Some((receiving, end)) = self.incoming.remove(&id) else { return Ok(()) };
        if !receiving.is_whole() {
            self.incoming.insert(id, (receiving, end));
            return Ok(());
        }
        let blobs = &self.agent.blobs;
        let reply = match end {
            End::Kept => blobs.finish(receiving).map(|()| Reply::Stored),
            End::Laid => blobs.lay(receiving).map(Reply::Laid),
        };
        match reply {
            Ok(reply) => self.agent.reply(id, &reply),
            Err(error) => self.fail(id, error.to_string()),
        }
    }
}
