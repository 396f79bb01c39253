//! The header of an RPM package: an index of tags into a store of values, as librpm writes it.

use std::io::{self, Read};

/// The lead that nobody reads any more, but for its magic.
const LEAD: u64 = 96;
/// The intro of a header, and an entry of its index.
const ENTRY: usize = 16;
/// The most entries and bytes of a header, as librpm limits them.
const ENTRIES: u32 = 65_536;
const STORE: u32 = 256 * 1024 * 1024;

const INT16: u32 = 3;
const INT32: u32 = 4;
const INT64: u32 = 5;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const I18N: u32 = 9;

/// The two headers of a package, and where the second lies in the file.
#[derive(Debug)]
pub(super) struct Headers {
    /// The signature's.
    pub(super) signature: Header,
    /// The package's own.
    pub(super) main: Header,
    /// Its first byte, and the first after it.
    pub(super) range: (u64, u64),
}

impl Headers {
    /// Reads them from the beginning of a package; the payload is left alone.
    ///
    /// # Errors
    /// It is no RPM package, or a damaged one.
    pub(super) fn read(file: &mut impl Read) -> io::Result<Self> {
        let mut lead = [0; LEAD as usize];
        file.read_exact(&mut lead)?;
        if lead[..4] != [0xed, 0xab, 0xee, 0xdb] {
            return Err(bad("it is no RPM package"));
        }
        let signature = Header::read(file)?;
        // The signature is padded to eight bytes.
        let padding = (8 - signature.length % 8) % 8;
        io::copy(&mut file.by_ref().take(padding), &mut io::sink())?;
        let start = LEAD + signature.length + padding;
        let main = Header::read(file)?;
        let end = start + main.length;
        Ok(Self { signature, main, range: (start, end) })
    }
}

pub(super) fn bad(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_owned())
}

/// One header.
#[derive(Debug)]
pub(super) struct Header {
    index: Vec<[u8; ENTRY]>,
    store: Vec<u8>,
    /// Its length in the file.
    length: u64,
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

impl Header {
    fn read(file: &mut impl Read) -> io::Result<Self> {
        let mut intro = [0; ENTRY];
        file.read_exact(&mut intro)?;
        if intro[..3] != [0x8e, 0xad, 0xe8] {
            return Err(bad("its header is damaged"));
        }
        let (count, length) = (number(&intro[8..]), number(&intro[12..]));
        if count > ENTRIES || length > STORE {
            return Err(bad("its header is too large"));
        }
        let mut index = vec![[0; ENTRY]; count as usize];
        for entry in &mut index {
            file.read_exact(entry)?;
        }
        // Grows with what comes: a length that lies costs nothing.
        let mut store = Vec::new();
        file.by_ref().take(u64::from(length)).read_to_end(&mut store)?;
        if store.len() as u64 != u64::from(length) {
            return Err(bad("it is cut off"));
        }
        let length = ENTRY as u64 * (1 + u64::from(count)) + u64::from(length);
        Ok(Self { index, store, length })
    }

    /// A value's type, its bytes to the end of the store, and how many there are.
    fn entry(&self, tag: u32) -> Option<(u32, &[u8], usize)> {
        let entry = self.index.iter().find(|entry| number(&entry[..]) == tag)?;
        let rest = self.store.get(number(&entry[8..]) as usize..)?;
        Some((number(&entry[4..]), rest, number(&entry[12..]) as usize))
    }

    /// A text; of one in several languages the first.
    pub(super) fn text(&self, tag: u32) -> Option<String> {
        self.texts(tag).into_iter().next()
    }

    /// A list of texts, empty without the tag.
    pub(super) fn texts(&self, tag: u32) -> Vec<String> {
        let Some((kind, mut rest, count)) = self.entry(tag) else { return Vec::new() };
        if !matches!(kind, STRING | STRING_ARRAY | I18N) {
            return Vec::new();
        }
        let mut texts = Vec::new();
        while texts.len() < count {
            let Some(end) = rest.iter().position(|byte| *byte == 0) else { break };
            texts.push(String::from_utf8_lossy(&rest[..end]).into_owned());
            rest = &rest[end + 1..];
        }
        texts
    }

    /// A list of numbers, empty without the tag.
    pub(super) fn numbers(&self, tag: u32) -> Vec<u64> {
        let Some((kind, rest, count)) = self.entry(tag) else { return Vec::new() };
        let width = match kind {
            INT16 => 2,
            INT32 => 4,
            INT64 => 8,
            _ => return Vec::new(),
        };
        let whole = rest.chunks_exact(width).take(count);
        whole.map(|bytes| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))).collect()
    }
}

/// A header for tests: texts by tag.
#[cfg(test)]
pub(super) fn sample(fields: &[(u32, &str)]) -> Vec<u8> {
    let mut store = Vec::new();
    let mut index = Vec::new();
    for (tag, text) in fields {
        for number in [*tag, STRING, store.len() as u32, 1] {
            index.extend(number.to_be_bytes());
        }
        store.extend(text.as_bytes());
        store.push(0);
    }
    let mut bytes = vec![0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
    bytes.extend((fields.len() as u32).to_be_bytes());
    bytes.extend((store.len() as u32).to_be_bytes());
    bytes.extend(index);
    bytes.extend(store);
    bytes
}
