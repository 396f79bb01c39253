//! A real agent at the other end of a pipe.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its part; this is test code outside of tests"
)]

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use data::Map;
use modules::RunRequest;
use modules::wire::{Frame, Hello, Kind, Message, Messages, Reply, Request, send};

pub(crate) struct Agent {
    pub(crate) process: Child,
    pub(crate) stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    messages: Messages,
    next: u32,
    pub(crate) hello: Hello,
}

impl Agent {
    pub(crate) fn start(folder: &Path) -> Self {
        let mut process = spawn(folder);
        let stdin = process.stdin.take();
        let mut stdout = process.stdout.take().unwrap();
        let mut messages = Messages::default();
        let first = messages.read(&mut stdout).unwrap().unwrap();
        assert_eq!(first.kind, Kind::Hello);
        Self { process, stdin, stdout, messages, next: 1, hello: first.decode().unwrap() }
    }

    pub(crate) fn send(&mut self, context: u32, request: &Request) -> u32 {
        let id = self.next;
        self.next += 1;
        send(self.stdin.as_mut().unwrap(), Kind::Request, context, id, request).unwrap();
        id
    }

    pub(crate) fn chunk(&mut self, request: u32, bytes: &[u8]) {
        let frame = Frame::new(Kind::Chunk, 0, request, bytes.to_vec());
        frame.write_to(self.stdin.as_mut().unwrap()).unwrap();
    }

    pub(crate) fn message(&mut self) -> Message {
        self.messages.read(&mut self.stdout).unwrap().expect("the agent goes on")
    }

    pub(crate) fn reply(&mut self) -> (u32, Reply) {
        let message = self.message();
        (message.request, message.decode().unwrap())
    }

    /// Sends a request and gives its last reply.
    pub(crate) fn ask(&mut self, context: u32, request: &Request) -> Reply {
        let id = self.send(context, request);
        loop {
            let message = self.message();
            assert_eq!((message.context, message.request), (context, id));
            let reply = message.decode::<Reply>().unwrap();
            if !reply.is_interim() {
                return reply;
            }
        }
    }

    pub(crate) fn run(&mut self, context: u32, module: &str, args: Map) -> Map {
        match self.ask(context, &Request::Run(Box::new(RunRequest::new(module, args)))) {
            Reply::Result(result) => result,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.process.wait();
    }
}

pub(crate) fn spawn(folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_taskbox-agent"))
        .args(["serve", "--folder"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Gives an agent these bytes and the end of input; tells how it ended and what it said.
pub(crate) fn feed(bytes: &[u8]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut process = spawn(folder.path());
    // The agent may end before it has read all.
    let _ = process.stdin.take().unwrap().write_all(bytes);
    let status = process.wait().unwrap();
    let mut said = String::new();
    process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (status.success(), said)
}
