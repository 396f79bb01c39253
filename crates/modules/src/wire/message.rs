//! What the frames say.

use std::collections::HashMap;
use std::io::{Read, Write};

use data::{Map, Text};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::codec::{Frame, FrameError, Kind, MAX_MESSAGE, MAX_PAYLOAD, read_frame};
use crate::{LaidFile, Progress, RunRequest};

/// The agent's first word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Its [`super::BUILD`].
    pub build: String,
    /// Its process id on the host.
    pub pid: u32,
    /// The user id it runs as.
    pub uid: u32,
    /// That user's name.
    pub user: String,
}

/// What the controller asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Run a module. Ends with [`Reply::Result`], or with [`Reply::Need`] if content is missing.
    Run(Box<RunRequest>),
    /// Content of this hash and size follows in [`Kind::Chunk`] frames of the same request. Ends with [`Reply::Stored`].
    Blob {
        /// Lower-case hex SHA-256.
        sha256: String,
        /// Bytes.
        size: u64,
    },
    /// As [`Self::Blob`], but for an agent of the same user on another connection, which takes it over by [`Self::Adopt`]. Ends with
    /// [`Reply::Laid`].
    Lay {
        /// Lower-case hex SHA-256.
        sha256: String,
        /// Bytes.
        size: u64,
    },
    /// Content that another agent of the same user laid down lies in this file. Ends with [`Reply::Stored`].
    Adopt {
        /// Lower-case hex SHA-256.
        sha256: String,
        /// The file.
        file: LaidFile,
    },
    /// Which of this content is not here? Ends with [`Reply::Need`].
    Offer {
        /// Lower-case hex SHA-256 of each.
        sha256: Vec<String>,
    },
    /// Send a file: [`Reply::File`], then [`Kind::Chunk`] frames, then [`Reply::FileEnd`].
    Fetch {
        /// Its path on the host.
        path: String,
    },
    /// Start an agent of another user. Ends with [`Reply::Became`] or [`Reply::BecomeFailed`].
    Become(Box<BecomeRequest>),
    /// End a context made by [`Request::Become`]. Ends with [`Reply::Done`].
    Leave {
        /// Its id.
        context: u32,
    },
    /// Stop the request of this id, in the context of this frame. No reply of its own: the stopped request ends with its result.
    Cancel {
        /// Its id.
        request: u32,
    },
    /// Are you there? Ends with [`Reply::Pong`], even while a module runs.
    Ping,
    /// End, with all children. The stream ends.
    Shutdown,
}

/// What the agent answers. All but [`Reply::Progress`] and [`Reply::File`] end a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// Something worth showing before the result is there.
    Progress(Progress),
    /// A module's result, with Ansible's fields.
    Result(Map),
    /// Content that must be sent first; empty if none.
    Need {
        /// Lower-case hex SHA-256 of each.
        sha256: Vec<String>,
    },
    /// Content is here.
    Stored,
    /// Content lies in this file.
    Laid(LaidFile),
    /// A file begins.
    File {
        /// Bytes, as far as known before reading.
        size: u64,
        /// Permission bits.
        mode: u32,
    },
    /// A file has ended.
    FileEnd {
        /// Lower-case hex SHA-256 of what was sent.
        sha256: String,
        /// Bytes sent.
        size: u64,
    },
    /// The agent of the other user is there.
    Became(Hello),
    /// It could not be started.
    BecomeFailed(BecomeError),
    /// The answer to a ping.
    Pong,
    /// Done; nothing to say.
    Done,
    /// The request could not be carried out.
    Failed {
        /// Why.
        message: String,
    },
}

impl Reply {
    /// Whether the request goes on after this reply.
    pub fn is_interim(&self) -> bool {
        matches!(self, Self::Progress(_) | Self::File { .. })
    }
}

/// How to become another user, as `become_method` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BecomeMethod {
    /// `sudo`
    Sudo,
    /// `su`
    Su,
    /// `doas`
    Doas,
}

impl BecomeMethod {
    /// The method of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.rsplit('.').next()? {
            "sudo" => Self::Sudo,
            "su" => Self::Su,
            "doas" => Self::Doas,
            _ => return None,
        })
    }

    /// Its name, which is also the program's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sudo => "sudo",
            Self::Su => "su",
            Self::Doas => "doas",
        }
    }
}

/// Whom to become and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BecomeRequest {
    /// The id of the new context; not 0, not in use.
    pub context: u32,
    /// The way.
    pub method: BecomeMethod,
    /// `become_user`
    pub user: String,
    /// `become_exe`, if not the method's own program.
    pub program: Option<String>,
    /// `become_flags`, if not the method's own.
    pub flags: Option<Vec<String>>,
    /// `become_password`; goes to the program through a pipe and nowhere else.
    pub password: Option<Text>,
    /// What `su` asks for a password with, if the user knows better.
    pub prompts: Vec<String>,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
}

/// Why another user could not be become.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum BecomeError {
    /// A password is wanted and none was given.
    #[error("Missing {method} password")]
    MissingPassword {
        /// The method's name.
        method: String,
    },
    /// The password was not taken.
    #[error("Incorrect {method} password")]
    WrongPassword {
        /// The method's name.
        method: String,
    },
    /// Nothing came of it in time.
    #[error("Timeout ({seconds}s) waiting for privilege escalation prompt: {output}")]
    Timeout {
        /// Seconds waited.
        seconds: u64,
        /// What it said until then.
        output: String,
    },
    /// The method's program is not on the host.
    #[error("`{program}` is not on the host")]
    NoProgram {
        /// Its name.
        program: String,
    },
    /// The user may not, does not exist, or the like: the program's own words.
    #[error("{message}")]
    Refused {
        /// What it said.
        message: String,
    },
}

/// A whole message, joined from its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is; never [`Kind::Part`].
    pub kind: Kind,
    /// Whose it is.
    pub context: u32,
    /// Which request it belongs to.
    pub request: u32,
    /// Its content.
    pub payload: Vec<u8>,
}

impl Message {
    /// Its content, read as what its kind says.
    ///
    /// # Errors
    /// [`FrameError::Payload`] if it is something else.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, FrameError> {
        postcard::from_bytes(&self.payload).map_err(|error| FrameError::Payload(error.to_string()))
    }
}

/// Joins frames to messages.
#[derive(Debug, Default)]
pub struct Messages {
    parts: HashMap<(u32, u32), Vec<u8>>,
}

impl Messages {
    /// Takes a frame; gives a message if it is whole now.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if it grows beyond [`MAX_MESSAGE`].
    pub fn push(&mut self, frame: Frame) -> Result<Option<Message>, FrameError> {
        let Frame { kind, context, request, payload } = frame;
        if kind == Kind::Part {
            self.parts.entry((context, request)).or_default().extend_from_slice(&payload);
            let waiting: usize = self.parts.values().map(Vec::len).sum();
            return if waiting > MAX_MESSAGE { Err(FrameError::TooLong(waiting)) } else { Ok(None) };
        }
        let payload = match self.parts.remove(&(context, request)) {
            Some(mut begun) => {
                begun.extend_from_slice(&payload);
                begun
            }
            None => payload,
        };
        Ok(Some(Message { kind, context, request, payload }))
    }

    /// Reads frames until a message is whole; `None` at a clean end of the stream.
    ///
    /// # Errors
    /// As [`read_frame`] and [`Self::push`].
    pub fn read(&mut self, reader: &mut impl Read) -> Result<Option<Message>, FrameError> {
        while let Some(frame) = read_frame(reader)? {
            if let Some(message) = self.push(frame)? {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }
}

/// Writes a message, in parts if it is long.
///
/// # Errors
/// If the writer fails, or the message is longer than [`MAX_MESSAGE`].
pub fn send(
    writer: &mut impl Write,
    kind: Kind,
    context: u32,
    request: u32,
    content: &impl Serialize,
) -> Result<(), FrameError> {
    let mut bytes = postcard::to_stdvec(content).map_err(|error| FrameError::Payload(error.to_string()))?;
    if bytes.len() > MAX_MESSAGE {
        return Err(FrameError::TooLong(bytes.len()));
    }
    while bytes.len() > MAX_PAYLOAD {
        let rest = bytes.split_off(MAX_PAYLOAD);
        Frame::new(Kind::Part, context, request, bytes).write_to(writer)?;
        bytes = rest;
    }
    Frame::new(kind, context, request, bytes).write_to(writer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use data::Value;
    use proptest::prelude::*;

    #[test]
    fn requests_and_replies_come_back_as_they_were() {
        let request = Request::Run(Box::new(RunRequest::new("copy", Map::from([("dest", "/x")]))));
        let mut stream = Vec::new();
        send(&mut stream, Kind::Request, 3, 4, &request).unwrap();
        let message = Messages::default().read(&mut stream.as_slice()).unwrap().unwrap();
        assert_eq!((message.kind, message.context, message.request), (Kind::Request, 3, 4));
        assert_eq!(message.decode::<Request>().unwrap(), request);
    }

    #[test]
    fn a_long_message_goes_in_parts() {
        let reply = Reply::Result(Map::from([("stdout", "x".repeat(MAX_PAYLOAD + 10))]));
        let mut stream = Vec::new();
        send(&mut stream, Kind::Reply, 0, 1, &reply).unwrap();
        let mut reader = stream.as_slice();
        assert_eq!(read_frame(&mut reader).unwrap().unwrap().kind, Kind::Part);
        let message = Messages::default().read(&mut stream.as_slice()).unwrap().unwrap();
        assert_eq!(message.decode::<Reply>().unwrap(), reply);
    }

    #[test]
    fn a_password_does_not_show_in_traces() {
        let request = BecomeRequest {
            context: 1,
            method: BecomeMethod::Sudo,
            user: "root".to_string(),
            program: None,
            flags: None,
            password: Some(Text::plain("hunter2").into_secret()),
            prompts: Vec::new(),
            timeout_ms: 1000,
        };
        assert!(!format!("{request:?}").contains("hunter2"));
    }

    /// A list in a list in a list ... would end the controller by its stack.
    #[test]
    fn a_value_nested_too_deep_is_refused() {
        let mut deep = vec![5_u8];
        for _ in 0..1_000_000 {
            // `Value::List` of one item.
            deep.extend([5, 1]);
        }
        deep.push(0);
        let message = Message { kind: Kind::Reply, context: 0, request: 0, payload: deep };
        assert!(message.decode::<Value>().is_err());
    }

    proptest! {
        #[test]
        fn any_payload_is_read_without_a_panic(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let message = Message { kind: Kind::Reply, context: 0, request: 0, payload };
            let _ = message.decode::<Reply>();
            let _ = message.decode::<Request>();
            let _ = message.decode::<Hello>();
        }
    }
}
