//! SHA-256 while bytes pass.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

/// Bytes read at a time.
const BUFFER: usize = 256 * 1024;

/// Which end of a copy failed.
#[derive(Debug)]
pub(crate) enum CopyError {
    /// What is read.
    Read(io::Error),
    /// What is written.
    Write(io::Error),
}

/// Copies all that is left to read and shows each piece to `see`; returns the size.
///
/// # Errors
/// Reading or writing failed, and which of them.
pub(crate) fn copy(
    reader: &mut dyn Read,
    writer: &mut dyn Write,
    mut see: impl FnMut(&[u8]),
) -> Result<u64, CopyError> {
    let mut buffer = vec![0; BUFFER];
    let mut size = 0;
    loop {
        let read = match reader.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other.map_err(CopyError::Read)?,
        };
        if read == 0 {
            return Ok(size);
        }
        size += read as u64;
        see(&buffer[..read]);
        writer.write_all(&buffer[..read]).map_err(CopyError::Write)?;
    }
}

/// Copies all that is left to read; returns its size and SHA-256 in hexadecimal.
pub(crate) fn copy_digest(reader: &mut dyn Read, writer: &mut dyn Write) -> Result<(u64, String), CopyError> {
    let mut hash = Sha256::new();
    let size = copy(reader, writer, |bytes| hash.update(bytes))?;
    Ok((size, hex(&hash.finalize())))
}

/// The size and SHA-256, in hexadecimal, of all that is left to read.
pub(crate) fn digest(reader: &mut dyn Read) -> io::Result<(u64, String)> {
    copy_digest(reader, &mut io::sink()).map_err(|(CopyError::Read(error) | CopyError::Write(error))| error)
}

/// SHA-256 of bytes, in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether it is a SHA-256 in hexadecimal.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
