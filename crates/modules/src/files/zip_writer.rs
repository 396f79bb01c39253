//! Zip archives written in one go, so that they can go anywhere: sizes follow the content.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::Crc;
use flate2::write::DeflateEncoder;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// An archive on its way.
pub(super) struct ZipWriter<W: Write> {
    out: W,
    at: u64,
    directory: Vec<u8>,
    count: u64,
}

/// What the directory keeps of an entry.
struct Record {
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    at: u64,
}

/// Beyond this, sizes and places stand in an extra field.
const LARGE: u64 = 0xffff_ffff;

/// An archive in memory, of files by their names in it. It is the same whenever it is made of the same.
///
/// # Errors
/// For an archive that is too large for its format.
pub fn zip_of<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> io::Result<Vec<u8>> {
    /// The first second of 2000: the format knows no time before 1980.
    const TIME: i64 = 946_684_800;
    let mut zip = ZipWriter::new(Vec::new());
    for (name, content) in files {
        zip.file(name, 0o644, TIME, content)?;
    }
    zip.finish()
}

impl<W: Write> ZipWriter<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, at: 0, directory: Vec::new(), count: 0 }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// A folder; its name ends with a slash.
    pub(super) fn folder(&mut self, name: &str, mode: u32, seconds: i64) -> io::Result<()> {
        let at = self.at;
        self.put(&local_head(name, seconds, 0))?;
        let record = Record { method: 0, crc: 0, packed: 0, size: 0, at };
        self.remember(name, 0o040_000 | mode, seconds, &record);
        Ok(())
    }

    /// A file, compressed.
    pub(super) fn file(
        &mut self,
        name: &str,
        mode: u32,
        seconds: i64,
        mut content: impl Read,
    ) -> io::Result<()> {
        let at = self.at;
        self.put(&local_head(name, seconds, 8))?;
        let mut crc = Crc::new();
        let (mut size, mut packed) = (0, 0);
        {
            let mut encoder = DeflateEncoder::new(&mut self.out, Compression::default());
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let count = content.read(&mut buffer)?;
                if count == 0 {
                    break;
                }
                crc.update(&buffer[..count]);
                size += count as u64;
                encoder.write_all(&buffer[..count])?;
            }
            encoder.try_finish()?;
            packed += encoder.total_out();
        }
        self.at += packed;
        let mut tail = b"PK\x07\x08".to_vec();
        tail.extend_from_slice(&crc.sum().to_le_bytes());
        if size >= LARGE || packed >= LARGE {
            tail.extend_from_slice(&packed.to_le_bytes());
            tail.extend_from_slice(&size.to_le_bytes());
        } else {
            tail.extend_from_slice(&low(packed).to_le_bytes());
            tail.extend_from_slice(&low(size).to_le_bytes());
        }
        self.put(&tail)?;
        let record = Record { method: 8, crc: crc.sum(), packed, size, at };
        self.remember(name, 0o100_000 | mode, seconds, &record);
        Ok(())
    }

    fn remember(&mut self, name: &str, mode: u32, seconds: i64, record: &Record) {
        let mut extra = time_field(seconds);
        let large = [record.size, record.packed, record.at].map(|number| number >= LARGE);
        if large.contains(&true) {
            let numbers: Vec<u8> = [record.size, record.packed, record.at]
                .into_iter()
                .zip(large)
                .filter(|(_, large)| *large)
                .flat_map(|(number, _)| number.to_le_bytes())
                .collect();
            extra.extend_from_slice(&1_u16.to_le_bytes());
            extra.extend_from_slice(&short(numbers.len()).to_le_bytes());
            extra.extend_from_slice(&numbers);
        }
        let out = &mut self.directory;
        // Made on Unix by version 4.5.
        out.extend_from_slice(b"PK\x01\x02\x2d\x03\x2d\x00");
        out.extend_from_slice(&flags(record.method).to_le_bytes());
        out.extend_from_slice(&record.method.to_le_bytes());
        out.extend_from_slice(&dos_time(seconds));
        out.extend_from_slice(&record.crc.to_le_bytes());
        out.extend_from_slice(&low(record.packed).to_le_bytes());
        out.extend_from_slice(&low(record.size).to_le_bytes());
        out.extend_from_slice(&short(name.len()).to_le_bytes());
        out.extend_from_slice(&short(extra.len()).to_le_bytes());
        out.extend_from_slice(&[0; 6]);
        out.extend_from_slice(&(mode << 16).to_le_bytes());
        out.extend_from_slice(&low(record.at).to_le_bytes());
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&extra);
        self.count += 1;
    }

    /// Writes the directory and gives the output back.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let (at, size, count) = (self.at, self.directory.len() as u64, self.count);
        let directory = std::mem::take(&mut self.directory);
        self.put(&directory)?;
        if at >= LARGE || size >= LARGE || count >= 0xffff {
            let end = self.at;
            let mut large = b"PK\x06\x06".to_vec();
            large.extend_from_slice(&44_u64.to_le_bytes());
            large.extend_from_slice(&[0x2d, 3, 0x2d, 0]);
            large.extend_from_slice(&[0; 8]);
            for number in [count, count, size, at] {
                large.extend_from_slice(&number.to_le_bytes());
            }
            large.extend_from_slice(b"PK\x06\x07\0\0\0\0");
            large.extend_from_slice(&end.to_le_bytes());
            large.extend_from_slice(&1_u32.to_le_bytes());
            self.put(&large)?;
        }
        let few = u16::try_from(count).unwrap_or(u16::MAX);
        let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
        end.extend_from_slice(&few.to_le_bytes());
        end.extend_from_slice(&few.to_le_bytes());
        end.extend_from_slice(&low(size).to_le_bytes());
        end.extend_from_slice(&low(at).to_le_bytes());
        end.extend_from_slice(&[0; 2]);
        self.put(&end)?;
        Ok(self.out)
    }
}

/// Names are UTF-8; sizes follow what is compressed.
fn flags(method: u16) -> u16 {
    0x0800 | if method == 0 { 0 } else { 0x0008 }
}

fn local_head(name: &str, seconds: i64, method: u16) -> Vec<u8> {
    let extra = time_field(seconds);
    let mut head = b"PK\x03\x04\x2d\x00".to_vec();
    head.extend_from_slice(&flags(method).to_le_bytes());
    head.extend_from_slice(&method.to_le_bytes());
    head.extend_from_slice(&dos_time(seconds));
    head.extend_from_slice(&[0; 12]);
    head.extend_from_slice(&short(name.len()).to_le_bytes());
    head.extend_from_slice(&short(extra.len()).to_le_bytes());
    head.extend_from_slice(name.as_bytes());
    head.extend_from_slice(&extra);
    head
}

/// The time in UTC, to the second.
fn time_field(seconds: i64) -> Vec<u8> {
    let Ok(seconds) = u32::try_from(seconds) else { return Vec::new() };
    let mut field = vec![0x55, 0x54, 5, 0, 1];
    field.extend_from_slice(&seconds.to_le_bytes());
    field
}

/// Time and date in local time, as DOS wrote them.
fn dos_time(seconds: i64) -> [u8; 4] {
    let zoned = Timestamp::from_second(seconds).unwrap_or_default().to_zoned(TimeZone::system());
    let number = |value: i8| u16::try_from(value).unwrap_or(0);
    // DOS knows no year before 1980, and none after 2107.
    let year = u16::try_from(zoned.year().clamp(1980, 2107) - 1980).unwrap_or(0);
    let time = number(zoned.hour()) << 11 | number(zoned.minute()) << 5 | (number(zoned.second()) / 2);
    let date = year << 9 | number(zoned.month()) << 5 | number(zoned.day());
    let [a, b] = time.to_le_bytes();
    let [c, d] = date.to_le_bytes();
    [a, b, c, d]
}

fn low(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}
