//! Zip archives read from their directory at the end (APPNOTE 6.3.10): stored and deflated entries, zip64, Unix modes and times.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use flate2::Crc;
use flate2::read::DeflateDecoder;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::Failure;

/// How far from the end the directory's own record may begin: its comment has at most 65535 bytes.
const TAIL: u64 = 65_535 + 22;

/// One entry.
#[derive(Clone, Debug)]
pub(super) struct ZipEntry {
    file: Arc<File>,
    /// Its name as written, with a slash at the end for a folder.
    pub(super) name: String,
    /// Bytes of its content.
    pub(super) size: u64,
    /// When it was changed, in seconds since 1970.
    pub(super) seconds: u64,
    /// Kind and permissions, if it was packed on Unix.
    pub(super) mode: Option<u32>,
    /// The content's CRC-32.
    pub(super) crc: u32,
    packed: u64,
    method: u16,
    at: u64,
    encrypted: bool,
}

impl ZipEntry {
    pub(super) fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    /// The content; an error at its end if it is not what was packed.
    pub(super) fn open(&self) -> Result<impl Read + use<>, Failure> {
        let broken =
            |error: io::Error| Failure::new(format!("could not read {} in the archive: {error}", self.name));
        if self.encrypted {
            return Err(Failure::new(format!(
                "{} in the archive is encrypted, which is not unpacked",
                self.name
            )));
        }
        let mut place = Place { file: Arc::clone(&self.file), at: self.at };
        let head: [u8; 30] = place.take_array().map_err(broken)?;
        if !head.starts_with(b"PK\x03\x04") {
            return Err(broken(io::Error::other("its head is not where the directory says")));
        }
        place.at += u64::from(u16_at(&head, 26)) + u64::from(u16_at(&head, 28));
        let packed = place.take(self.packed);
        let content: Box<dyn Read> = match self.method {
            0 => Box::new(packed),
            8 => Box::new(DeflateDecoder::new(packed)),
            other => {
                let said = format!(
                    "{} in the archive is compressed by method {other}, which is not supported",
                    self.name
                );
                return Err(Failure::new(said));
            }
        };
        Ok(Checked { content, crc: Crc::new(), left: self.size, wanted: self.crc })
    }
}

/// A file read from one place on, without moving anybody else's.
struct Place {
    file: Arc<File>,
    at: u64,
}

impl Place {
    fn take_array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl Read for Place {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = std::os::unix::fs::FileExt::read_at(&*self.file, buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Content that must have a certain length and sum.
struct Checked {
    content: Box<dyn Read>,
    crc: Crc,
    left: u64,
    wanted: u32,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(buffer)?;
        self.crc.update(&buffer[..count]);
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::other("it is longer than the directory says"))?;
        if count == 0 && !buffer.is_empty() && (self.left > 0 || self.crc.sum() != self.wanted) {
            return Err(io::Error::other("it is damaged: length or checksum is wrong"));
        }
        Ok(count)
    }
}

/// All entries of an archive, in its order.
pub(super) fn entries(mut file: File, name: &str) -> Result<Vec<ZipEntry>, Failure> {
    let broken = |error: io::Error| Failure::new(format!("could not read the archive {name}: {error}"));
    let (at, size, count) = directory(&mut file).map_err(broken)?;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(at)).map_err(broken)?;
    (&file).take(size).read_to_end(&mut bytes).map_err(broken)?;
    let file = Arc::new(file);
    let mut found = Vec::new();
    let mut rest = bytes.as_slice();
    for _ in 0..count {
        let (entry, after) = entry(&file, rest)
            .ok_or_else(|| broken(io::Error::other("its directory is cut off or damaged")))?;
        found.push(entry);
        rest = after;
    }
    Ok(found)
}

/// Where the directory is, how long it is, and how many entries it has.
fn directory(file: &mut File) -> io::Result<(u64, u64, u64)> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(TAIL);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    (&*file).take(TAIL).read_to_end(&mut tail)?;
    let missing = || io::Error::other("its directory is missing; the file may be cut off");
    let at = (0..tail.len().saturating_sub(21)).rev().find(|at| tail[*at..].starts_with(b"PK\x05\x06"));
    let at = at.ok_or_else(missing)?;
    let end = &tail[at..];
    let small = (u64::from(u32_at(end, 16)), u64::from(u32_at(end, 12)), u64::from(u16_at(end, 10)));
    let locator = at.checked_sub(20).map(|at| &tail[at..]).filter(|found| found.starts_with(b"PK\x06\x07"));
    let Some(locator) = locator else { return Ok(small) };
    let mut large = [0; 56];
    file.seek(SeekFrom::Start(u64_at(locator, 8)))?;
    (&*file).read_exact(&mut large)?;
    if !large.starts_with(b"PK\x06\x06") {
        return Err(missing());
    }
    Ok((u64_at(&large, 48), u64_at(&large, 40), u64_at(&large, 32)))
}

/// The entry that begins a piece of the directory, and what follows it.
fn entry<'a>(file: &Arc<File>, bytes: &'a [u8]) -> Option<(ZipEntry, &'a [u8])> {
    let head = bytes.get(..46).filter(|head| head.starts_with(b"PK\x01\x02"))?;
    let lengths = [28, 30, 32].map(|at| usize::from(u16_at(head, at)));
    let (name, rest) = bytes[46..].split_at_checked(lengths[0])?;
    let (extra, rest) = rest.split_at_checked(lengths[1])?;
    let (_, rest) = rest.split_at_checked(lengths[2])?;
    let unix = head[5] == 3;
    let mut found = ZipEntry {
        file: Arc::clone(file),
        name: String::from_utf8_lossy(name).into_owned(),
        size: u64::from(u32_at(head, 24)),
        seconds: dos_time(u16_at(head, 14), u16_at(head, 12)),
        mode: Some(u32_at(head, 38) >> 16).filter(|mode| unix && *mode != 0),
        crc: u32_at(head, 16),
        packed: u64::from(u32_at(head, 20)),
        method: u16_at(head, 10),
        at: u64::from(u32_at(head, 42)),
        encrypted: head[8] & 1 != 0,
    };
    found.read_extra(extra);
    Some((found, rest))
}

impl ZipEntry {
    /// Sizes beyond 4 GiB and the time in UTC stand in extra fields.
    fn read_extra(&mut self, mut extra: &[u8]) {
        while let Some((head, rest)) = extra.split_at_checked(4) {
            let Some((field, after)) = rest.split_at_checked(usize::from(u16_at(head, 2))) else { return };
            match u16_at(head, 0) {
                1 => {
                    let mut numbers = field.chunks_exact(8).map(|bytes| u64_at(bytes, 0));
                    for value in [&mut self.size, &mut self.packed, &mut self.at] {
                        if *value == u64::from(u32::MAX) {
                            *value = numbers.next().unwrap_or(*value);
                        }
                    }
                }
                0x5455 if field.len() >= 5 && field[0] & 1 != 0 => self.seconds = u64::from(u32_at(field, 1)),
                _ => {}
            }
            extra = after;
        }
    }
}

/// Local time to two seconds, as DOS wrote it.
fn dos_time(date: u16, time: u16) -> u64 {
    let part =
        |value: u16, shift: u16, bits: u16| i8::try_from(value >> shift & ((1 << bits) - 1)).unwrap_or(0);
    let year = i16::try_from(1980 + (date >> 9)).unwrap_or(1980);
    let civil = DateTime::new(
        year,
        part(date, 5, 4),
        part(date, 0, 5),
        part(time, 11, 5),
        part(time, 5, 6),
        part(time, 0, 5) * 2,
        0,
    );
    let zoned = civil.ok().and_then(|civil| civil.to_zoned(TimeZone::system()).ok());
    zoned.and_then(|zoned| u64::try_from(zoned.timestamp().as_second()).ok()).unwrap_or(0)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |two| u16::from_le_bytes([two[0], two[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::zip_writer::ZipWriter;

    fn archive() -> Vec<u8> {
        let mut zip = ZipWriter::new(Vec::new());
        zip.folder("d/", 0o755, 1_000_000_000).unwrap();
        zip.file("d/f", 0o640, 1_000_000_001, &b"hello hello hello hello"[..]).unwrap();
        zip.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Vec<ZipEntry>, Failure> {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, bytes).unwrap();
        entries(file, "a.zip")
    }

    #[test]
    fn what_was_written_is_read() {
        let found = read(&archive()).unwrap();
        assert_eq!(found.len(), 2);
        assert!(found[0].is_folder() && !found[1].is_folder());
        assert_eq!(
            (found[1].mode.unwrap() & 0o7777, found[1].seconds, found[1].size),
            (0o640, 1_000_000_001, 23)
        );
        let mut text = String::new();
        found[1].open().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello hello hello hello");
    }

    #[test]
    fn damage_is_found() {
        let whole = archive();
        assert!(read(&whole[..whole.len() - 30]).is_err());
        assert!(read(b"PK\x05\x06").is_err());
        let mut wrong = whole.clone();
        let at = whole.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        let second = at + 4 + whole[at + 4..].windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        wrong[second + 16] ^= 1;
        let mut text = String::new();
        assert!(read(&wrong).unwrap()[1].open().unwrap().read_to_string(&mut text).is_err());
    }
}
