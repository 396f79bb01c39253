//! Frames: a magic word, a kind, whose and which request, a bounded length, then that many bytes.

use std::io::{self, Read, Write};

/// Begins every frame, so that a stream polluted by a shell's start-up files is noticed.
const MAGIC: [u8; 4] = *b"\xf5TBX";
const HEADER: usize = 17;

/// The longest payload of one frame, checked before memory is taken for it.
pub const MAX_PAYLOAD: usize = 16 * 1024 * 1024;
/// The longest message, joined from several frames.
pub const MAX_MESSAGE: usize = 256 * 1024 * 1024;

/// What a frame's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A [`super::Hello`]: the first frame of an agent.
    Hello = 1,
    /// A [`super::Request`].
    Request = 2,
    /// A [`super::Reply`].
    Reply = 3,
    /// Bytes of a file on its way.
    Chunk = 4,
    /// The beginning of a message too long for one frame; the rest follows.
    Part = 5,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Hello,
            2 => Self::Request,
            3 => Self::Reply,
            4 => Self::Chunk,
            5 => Self::Part,
            _ => return None,
        })
    }
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What the payload is.
    pub kind: Kind,
    /// Whose it is: 0 for the login agent, others for the users it became.
    pub context: u32,
    /// Which request it belongs to.
    pub request: u32,
    /// The payload.
    pub payload: Vec<u8>,
}

/// Why a stream cannot be read any further.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Something else wrote to the channel.
    #[error("the host sent something that is not from the agent: `{}`", seen.escape_debug())]
    Polluted {
        /// The beginning of what came.
        seen: String,
    },
    /// A length beyond what is allowed.
    #[error("a frame of {0} bytes is longer than the {MAX_PAYLOAD} allowed")]
    TooLong(usize),
    /// A kind nobody knows.
    #[error("a frame has the unknown kind {0}")]
    UnknownKind(u8),
    /// The stream ended in the middle of a frame.
    #[error("the stream ended in the middle of a frame")]
    Truncated,
    /// The payload is not what its kind says.
    #[error("a frame's content cannot be read: {0}")]
    Payload(String),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

struct Header {
    kind: Kind,
    context: u32,
    request: u32,
    length: usize,
}

impl Header {
    fn to_bytes(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4] = self.kind as u8;
        bytes[5..9].copy_from_slice(&self.context.to_le_bytes());
        bytes[9..13].copy_from_slice(&self.request.to_le_bytes());
        bytes[13..].copy_from_slice(&u32::try_from(self.length).unwrap_or(u32::MAX).to_le_bytes());
        bytes
    }
}

/// Writes [`Kind::Chunk`] frames, each read straight into the memory from which it is written.
pub struct ChunkWriter {
    context: u32,
    request: u32,
    bytes: Vec<u8>,
    filled: usize,
}

impl ChunkWriter {
    /// For content of this request.
    pub fn new(context: u32, request: u32) -> Self {
        Self { context, request, bytes: Vec::new(), filled: 0 }
    }

    /// Reads the next chunk, of at most `limit` bytes; gives its size, which is less only at the reader's end.
    ///
    /// # Errors
    /// If reading fails.
    pub fn fill(&mut self, reader: &mut impl Read, limit: usize) -> io::Result<usize> {
        let limit = limit.min(MAX_PAYLOAD);
        self.bytes.resize(HEADER + limit, 0);
        self.filled = read_up_to(reader, &mut self.bytes[HEADER..])?;
        Ok(self.filled)
    }

    /// The chunk that was read last.
    pub fn payload(&self) -> &[u8] {
        self.bytes.get(HEADER..HEADER + self.filled).unwrap_or_default()
    }

    /// Writes the chunk that was read last, and flushes.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_to(&mut self, writer: &mut impl Write) -> Result<(), FrameError> {
        let header =
            Header { kind: Kind::Chunk, context: self.context, request: self.request, length: self.filled };
        self.bytes[..HEADER].copy_from_slice(&header.to_bytes());
        writer.write_all(&self.bytes[..HEADER + self.filled])?;
        writer.flush()?;
        Ok(())
    }
}

impl Frame {
    /// A frame; `payload` must not be longer than [`MAX_PAYLOAD`].
    pub fn new(kind: Kind, context: u32, request: u32, payload: Vec<u8>) -> Self {
        Self { kind, context, request, payload }
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.payload.len());
        let header = Header {
            kind: self.kind,
            context: self.context,
            request: self.request,
            length: self.payload.len(),
        };
        bytes.extend_from_slice(&header.to_bytes());
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    /// Writes and flushes it.
    ///
    /// # Errors
    /// If the writer fails, or the payload is too long.
    pub fn write_to(&self, writer: &mut impl Write) -> Result<(), FrameError> {
        if self.payload.len() > MAX_PAYLOAD {
            return Err(FrameError::TooLong(self.payload.len()));
        }
        writer.write_all(&self.to_bytes())?;
        writer.flush()?;
        Ok(())
    }
}

/// Reads one frame; `None` at a clean end of the stream.
///
/// # Errors
/// See [`FrameError`]; after one the stream is of no more use.
pub fn read_frame(reader: &mut impl Read) -> Result<Option<Frame>, FrameError> {
    let mut header = [0; HEADER];
    let mut seen = 0;
    while seen < HEADER {
        match reader.read(&mut header[seen..]) {
            Ok(0) if seen == 0 => return Ok(None),
            // Too short for a header, but perhaps long enough to tell that it is none.
            Ok(0) => return Err(pollution(&header[..seen]).unwrap_or(FrameError::Truncated)),
            Ok(count) => seen += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(error) = pollution(&header[..seen]) {
            return Err(error);
        }
    }
    let header = parse_header(&header)?;
    // What is promised may never come: more memory than this is taken only as it fills.
    let mut payload = Vec::with_capacity(header.length.min(1024 * 1024));
    reader.by_ref().take(header.length as u64).read_to_end(&mut payload)?;
    if payload.len() < header.length {
        return Err(FrameError::Truncated);
    }
    Ok(Some(Frame { kind: header.kind, context: header.context, request: header.request, payload }))
}

/// Reads until the buffer is full or the reader has no more.
fn read_up_to(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Takes bytes as they come and gives frames; for channels that do not block.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    start: usize,
}

impl Decoder {
    /// Takes bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 && self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, if all of it has come.
    ///
    /// # Errors
    /// See [`FrameError`]; after one the stream is of no more use.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let waiting = &self.buffer[self.start..];
        if let Some(error) = pollution(waiting) {
            return Err(error);
        }
        let Some(header) = waiting.first_chunk::<HEADER>() else { return Ok(None) };
        let header = parse_header(header)?;
        let Some(payload) = waiting[HEADER..].get(..header.length) else { return Ok(None) };
        let payload = payload.to_vec();
        self.start += HEADER + header.length;
        // Moving what waits to the front each time would cost the square of a long stream.
        if self.start > 1024 * 1024 || self.start == self.buffer.len() {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        Ok(Some(Frame { kind: header.kind, context: header.context, request: header.request, payload }))
    }

    /// To be asked when the stream has ended.
    ///
    /// # Errors
    /// If it ended in the middle of a frame.
    pub fn finish(&self) -> Result<(), FrameError> {
        if self.start == self.buffer.len() { Ok(()) } else { Err(FrameError::Truncated) }
    }
}

fn pollution(bytes: &[u8]) -> Option<FrameError> {
    let count = bytes.len().min(MAGIC.len());
    (bytes[..count] != MAGIC[..count]).then(|| {
        let seen = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        FrameError::Polluted { seen }
    })
}

fn parse_header(bytes: &[u8; HEADER]) -> Result<Header, FrameError> {
    let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let kind = Kind::from_byte(bytes[4]).ok_or(FrameError::UnknownKind(bytes[4]))?;
    let length = word(13) as usize;
    if length > MAX_PAYLOAD {
        return Err(FrameError::TooLong(length));
    }
    Ok(Header { kind, context: word(5), request: word(9), length })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(payload: &[u8]) -> Frame {
        Frame::new(Kind::Request, 1, 2, payload.to_vec())
    }

    #[test]
    fn greetings_of_a_shell_are_noticed_and_shown() {
        let error = read_frame(&mut &b"Welcome to server 7!\n"[..]).unwrap_err();
        assert!(error.to_string().contains("Welcome"), "{error}");
        let error = read_frame(&mut &b"hi\n"[..]).unwrap_err();
        assert!(matches!(error, FrameError::Polluted { .. }), "{error}");
    }

    #[test]
    fn a_length_beyond_the_bound_is_refused_before_it_is_read() {
        let mut bytes = frame(b"").to_bytes();
        bytes[13..17].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(read_frame(&mut bytes.as_slice()), Err(FrameError::TooLong(_))));
    }

    #[test]
    fn a_cut_stream_is_told_from_an_ended_one() {
        let bytes = frame(b"payload").to_bytes();
        for end in 1..bytes.len() {
            assert!(matches!(read_frame(&mut &bytes[..end]), Err(FrameError::Truncated)), "{end}");
        }
        assert!(matches!(read_frame(&mut &[][..]), Ok(None)));
    }

    #[test]
    fn chunks_are_frames_of_what_was_read() {
        let (mut reader, mut written) = (&b"abcdefg"[..], Vec::new());
        let mut chunk = ChunkWriter::new(1, 2);
        while chunk.fill(&mut reader, 3).unwrap() > 0 {
            chunk.write_to(&mut written).unwrap();
        }
        let mut stream = written.as_slice();
        for payload in ["abc", "def", "g"] {
            let frame = read_frame(&mut stream).unwrap().unwrap();
            assert_eq!(frame, Frame::new(Kind::Chunk, 1, 2, payload.as_bytes().to_vec()));
        }
        assert!(stream.is_empty());
    }

    #[test]
    fn a_payload_too_long_is_never_written() {
        let long = Frame::new(Kind::Chunk, 0, 0, vec![0; MAX_PAYLOAD + 1]);
        assert!(matches!(long.write_to(&mut Vec::new()), Err(FrameError::TooLong(_))));
    }

    proptest! {
        #[test]
        fn frames_survive_any_way_of_cutting_the_stream(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..10),
            cuts in prop::collection::vec(1_usize..50, 1..50),
        ) {
            let frames: Vec<Frame> = payloads.iter().map(|payload| frame(payload)).collect();
            let stream: Vec<u8> = frames.iter().flat_map(Frame::to_bytes).collect();
            let mut decoder = Decoder::default();
            let mut seen = Vec::new();
            let (mut rest, mut cuts) = (stream.as_slice(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (now, later) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                decoder.push(now);
                while let Some(frame) = decoder.next_frame().unwrap() {
                    seen.push(frame);
                }
                rest = later;
            }
            prop_assert!(decoder.finish().is_ok());
            prop_assert_eq!(seen, frames);
        }

        /// What a hostile host may send: true frames with bytes changed, cut and added anywhere. Both readers say the same of it, and
        /// neither holds more than what came and one frame.
        #[test]
        fn both_readers_agree_on_a_damaged_stream(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 1..6),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut stream: Vec<u8> = payloads.iter().flat_map(|payload| frame(payload).to_bytes()).collect();
            for (at, byte) in damage {
                let at = at.index(stream.len());
                stream[at] = byte;
            }
            stream.truncate(cut.index(stream.len()) + 1);
            let (mut reader, mut decoder) = (stream.as_slice(), Decoder::default());
            decoder.push(&stream);
            loop {
                match (read_frame(&mut reader), decoder.next_frame()) {
                    (Ok(Some(one)), Ok(Some(other))) => {
                        prop_assert!(one.payload.len() <= stream.len());
                        prop_assert_eq!(one, other);
                    }
                    (Ok(None), Ok(None)) => {
                        prop_assert!(decoder.finish().is_ok());
                        break;
                    }
                    // Without the end of the stream the decoder waits for what is missing.
                    (Err(FrameError::Truncated), Ok(None)) => {
                        prop_assert!(decoder.finish().is_err());
                        break;
                    }
                    (Err(_), Err(_)) => break,
                    (one, other) => prop_assert!(false, "{one:?} is not {other:?}"),
                }
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), good in any::<bool>()) {
            let mut stream = if good { MAGIC.to_vec() } else { Vec::new() };
            stream.extend(bytes);
            let mut reader = stream.as_slice();
            while let Ok(Some(_)) = read_frame(&mut reader) {}
            let mut decoder = Decoder::default();
            decoder.push(&stream);
            while let Ok(Some(_)) = decoder.next_frame() {}
        }
    }
}
