//! Where the bytes of a coming artifact are: a file, a stretch of a file, memory.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use crate::digest;

/// Bytes that will go into a bundle. They stay where they are until the bundle is written.
#[derive(Clone, Debug)]
pub enum Content {
    /// A whole file.
    File(PathBuf),
    /// A stretch of a file, such as a member of an uncompressed tar archive.
    Range {
        /// The file.
        path: PathBuf,
        /// Where it begins.
        offset: u64,
        /// Its length.
        size: u64,
    },
    /// Bytes in memory.
    Bytes(Arc<[u8]>),
}

impl Content {
    /// A reader from its first byte.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(&self) -> io::Result<Box<dyn Read>> {
        Ok(match self {
            Self::File(path) => Box::new(File::open(path)?),
            Self::Range { path, offset, size } => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(*offset))?;
                Box::new(file.take(*size))
            }
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes.clone())),
        })
    }

    /// All of it, if it is not longer than `limit`.
    ///
    /// # Errors
    /// It cannot be read, or is longer.
    pub fn read_small(&self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open()?.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(io::Error::other(format!("it is longer than {limit} bytes")));
        }
        Ok(bytes)
    }

    /// Its first bytes, at most `count`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read_start(&self, count: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open()?.take(count).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Its size and SHA-256.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn digest(&self) -> io::Result<(u64, String)> {
        digest::digest(&mut self.open()?)
    }

    /// What to call it in messages.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) | Self::Range { path, .. } => path.display().to_string(),
            Self::Bytes(_) => "bytes made here".into(),
        }
    }
}
