//! Content on its way to a host: in pieces over the session, or over another connection if it is large.

use std::io;

use modules::wire::{ChunkWriter, Reply, Request};
use modules::{LaidFile, Sum};

use crate::connection::session::AgentSession;
use crate::connection::{AgentFailure, Become, ConnectionError, Content};

/// Bytes of content in one frame.
const CHUNK: usize = 1024 * 1024;

impl AgentSession {
    /// Sends the content that the agent says it lacks.
    pub(in crate::connection) fn give(
        &mut self,
        context: u32,
        wanted: &[String],
        contents: &[Content],
    ) -> Result<(), ConnectionError> {
        for sha256 in wanted {
            let content = contents.iter().find(|content| content.hex() == *sha256);
            let content = content.ok_or_else(|| {
                self.protocol(format!("the agent wants content {sha256}, which the task does not have"))
            })?;
            match content.fan_out() {
                Some(fan_out) => self.share(context, content, sha256, fan_out)?,
                None => self.give_one(context, content)?,
            }
            self.sent.insert((context, sha256.clone()));
        }
        Ok(())
    }

    /// Sends one piece from here.
    pub(in crate::connection) fn give_one(
        &mut self,
        context: u32,
        content: &Content,
    ) -> Result<(), ConnectionError> {
        if self.give_aside(context, content)? {
            return Ok(());
        }
        let request = Request::Blob { sha256: content.hex(), size: content.size() };
        match self.send_content(context, content, &request, &mut || ())? {
            Reply::Stored => Ok(()),
            Reply::Failed { message } => Err(self.blob_failed(message)),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Sends one piece over the other connection, if there is one and it is worth it; says whether the agent has it now.
    fn give_aside(&mut self, context: u32, content: &Content) -> Result<bool, ConnectionError> {
        let Some(mut bulk) = self.bulk.take() else { return Ok(false) };
        let user = self.user_of(context).cloned();
        let laid = bulk.lay(user.as_ref(), content, &mut || {
            // Whether the session is over is seen at its next use.
            let _ = self.tend();
        });
        self.bulk = Some(bulk);
        let Some(file) = laid? else { return Ok(false) };
        let id = self.ask(context, &Request::Adopt { sha256: content.hex(), file })?;
        // What it cannot take over, such as a file of another file system, comes in the ordinary way.
        Ok(self.answer(id, context, None, None, &mut |_| ())? == Reply::Stored)
    }

    /// Sends one piece that is for another agent of the same user; `tend` is called between its chunks.
    pub(in crate::connection) fn lay(
        &mut self,
        user: Option<&Become>,
        content: &Content,
        tend: &mut dyn FnMut(),
    ) -> Result<LaidFile, ConnectionError> {
        let context = self.context_of(user)?;
        let request = Request::Lay { sha256: content.hex(), size: content.size() };
        match self.send_content(context, content, &request, tend)? {
            Reply::Laid(file) => Ok(file),
            Reply::Failed { message } => Err(self.blob_failed(message)),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Asks for something that content follows, and sends it; gives the reply.
    fn send_content(
        &mut self,
        context: u32,
        content: &Content,
        request: &Request,
        tend: &mut dyn FnMut(),
    ) -> Result<Reply, ConnectionError> {
        let id = self.ask(context, request)?;
        self.send_chunks(id, context, content, tend)?;
        self.answer(id, context, None, None, &mut |_| ())
    }

    fn send_chunks(
        &mut self,
        request: u32,
        context: u32,
        content: &Content,
        tend: &mut dyn FnMut(),
    ) -> Result<(), ConnectionError> {
        if content.wants_sums() {
            // It is asked for when the file is in its place.
            content.begin_sum(Sum::Md5);
        }
        let mut reader = content.open().map_err(|error| local_file(content, &error))?;
        let mut rest = content.size();
        let mut chunk = ChunkWriter::new(context, request);
        while rest > 0 {
            let count = chunk.fill(&mut reader, CHUNK).map_err(|error| local_file(content, &error))?;
            if count == 0 || count as u64 > rest {
                // The agent waits for the promised size, so the session cannot go on.
                let changed = io::Error::other("the file changed while it was sent");
                return Err(self.protocol(local_file(content, &changed).to_string()));
            }
            rest -= count as u64;
            self.transport.set_patience(self.silence);
            chunk.write_to(&mut self.transport).map_err(|error| self.broken(error))?;
            tend();
        }
        Ok(())
    }

    pub(in crate::connection) fn read_whole(&self, content: &Content) -> Result<Vec<u8>, ConnectionError> {
        let mut bytes = Vec::with_capacity(content.size() as usize);
        let read = content.open().and_then(|mut reader| reader.read_to_end(&mut bytes));
        read.map(|_| bytes).map_err(|error| local_file(content, &error))
    }

    fn blob_failed(&self, detail: String) -> ConnectionError {
        if detail.contains("No space left") {
            let cause = AgentFailure::NoSpace { detail };
            return ConnectionError::Agent { host: self.host().to_owned(), cause };
        }
        self.protocol(detail)
    }
}

fn local_file(content: &Content, error: &io::Error) -> ConnectionError {
    let path = content.path().map_or_else(|| "content in memory".into(), ToOwned::to_owned);
    ConnectionError::LocalFile { path, detail: error.to_string() }
}
