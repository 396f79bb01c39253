//! Bytes for a host, named by their SHA-256: small ones travel inside the request, large ones once a host.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// A SHA-256 of content.
pub type ContentHash = [u8; 32];

/// Content that a request may refer to by its hash.
#[derive(Clone, Debug)]
pub struct Content {
    hash: ContentHash,
    size: u64,
    bytes: Bytes,
}

#[derive(Clone, Debug)]
enum Bytes {
    Memory(Arc<[u8]>),
    File(PathBuf),
}

impl Content {
    /// Content in memory.
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        Self { hash: Sha256::digest(&bytes).into(), size: bytes.len() as u64, bytes: Bytes::Memory(bytes) }
    }

    /// Content of a file of the controller; read once now for its hash, and again when it is sent.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn from_file(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut hasher = Sha256::new();
        let size = io::copy(&mut file, &mut HashWriter(&mut hasher))?;
        Ok(Self { hash: hasher.finalize().into(), size, bytes: Bytes::File(path.to_owned()) })
    }

    /// Its name.
    pub fn hash(&self) -> ContentHash {
        self.hash
    }

    /// Its name in hexadecimal, as `sha256sum` prints it.
    pub fn hex(&self) -> String {
        modules::hex::encode(&self.hash)
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The file it comes from, if it is not in memory.
    pub fn path(&self) -> Option<&Path> {
        match &self.bytes {
            Bytes::Memory(_) => None,
            Bytes::File(path) => Some(path),
        }
    }

    /// The bytes, or the path of the file they are in.
    pub(crate) fn bytes(&self) -> Result<&[u8], &Path> {
        match &self.bytes {
            Bytes::Memory(bytes) => Ok(bytes),
            Bytes::File(path) => Err(path),
        }
    }

    /// A reader from the first byte on.
    ///
    /// # Errors
    /// The file cannot be opened any more.
    pub fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match &self.bytes {
            Bytes::Memory(bytes) => Box::new(&bytes[..]),
            Bytes::File(path) => Box::new(File::open(path)?),
        })
    }
}

/// Feeds what is copied into a hash.
struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_the_same_bytes_have_one_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"abc").unwrap();
        let file = Content::from_file(&path).unwrap();
        let bytes = Content::from_bytes(&b"abc"[..]);
        assert_eq!((file.hash(), file.size()), (bytes.hash(), 3));
        assert_eq!(bytes.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
