//! Sums of content as the fields of Ansible's results have them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::hex;

/// A kind of sum that results carry beside the SHA-256 by which content is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sum {
    /// `checksum`
    Sha1,
    /// `md5sum`
    Md5,
}

impl Sum {
    /// The field of a result that has it.
    pub fn field(self) -> &'static str {
        match self {
            Self::Sha1 => "checksum",
            Self::Md5 => "md5sum",
        }
    }

    /// The sum of all that a reader gives, in lower-case hex.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of(self, reader: impl Read) -> io::Result<String> {
        match self {
            Self::Sha1 => digest_of::<sha1::Sha1>(reader),
            Self::Md5 => digest_of::<md5::Md5>(reader),
        }
    }
}

/// The SHA-1 of a file, as Ansible's `checksum` fields have it.
///
/// # Errors
/// If the file cannot be read.
pub fn sha1_of_file(path: &Path) -> io::Result<String> {
    digest_of_file::<sha1::Sha1>(path)
}

/// The digest of a file in lower-case hex.
///
/// # Errors
/// If the file cannot be read.
pub fn digest_of_file<D: sha2::Digest>(path: &Path) -> io::Result<String> {
    digest_of::<D>(File::open(path)?)
}

fn digest_of<D: sha2::Digest>(mut reader: impl Read) -> io::Result<String> {
    let mut hash = D::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(hex::encode(&hash.finalize())),
            Ok(count) => hash.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_that_sha1sum_and_md5sum_print() {
        assert_eq!(Sum::Sha1.of(&b"abc"[..]).unwrap(), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(Sum::Md5.of(&b"abc"[..]).unwrap(), "900150983cd24fb0d6963f7d28e17f72");
    }
}
