//! RPM packages: name, version and architecture, from the header that follows the signature header.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const ARCH: u32 = 1022;

/// What an RPM package says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rpm {
    /// Its name.
    pub(crate) name: String,
    /// `VERSION-RELEASE`
    pub(crate) version: String,
    /// The architecture in Go's names, or `noarch`.
    pub(crate) arch: String,
}

/// Reads the header of a package.
///
/// # Errors
/// It is no RPM package, or a damaged one.
pub(crate) fn read(path: &Path) -> io::Result<Rpm> {
    let mut file = File::open(path)?;
    let mut lead = [0; 96];
    file.read_exact(&mut lead)?;
    if lead[..4] != [0xed, 0xab, 0xee, 0xdb] {
        return Err(bad("it is no RPM package"));
    }
    let signature = header(&mut file)?;
    // The signature is padded to eight bytes.
    io::copy(&mut file.by_ref().take((8 - signature.store.len() as u64 % 8) % 8), &mut io::sink())?;
    let main = header(&mut file)?;
    let text = |tag| main.text(tag).ok_or_else(|| bad("its header lacks a field"));
    let arch = match text(ARCH)?.as_str() {
        "x86_64" => "amd64".to_owned(),
        "aarch64" => "arm64".to_owned(),
        other => other.to_owned(),
    };
    Ok(Rpm { name: text(NAME)?, version: format!("{}-{}", text(VERSION)?, text(RELEASE)?), arch })
}

fn bad(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_owned())
}

struct Header {
    index: Vec<[u8; 16]>,
    store: Vec<u8>,
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

fn header(file: &mut File) -> io::Result<Header> {
    let mut intro = [0; 16];
    file.read_exact(&mut intro)?;
    if intro[..3] != [0x8e, 0xad, 0xe8] {
        return Err(bad("its header is damaged"));
    }
    let (count, length) = (number(&intro[8..]), number(&intro[12..]));
    if count > 100_000 || length > 256 * 1024 * 1024 {
        return Err(bad("its header is too large"));
    }
    let mut index = vec![[0; 16]; count as usize];
    for entry in &mut index {
        file.read_exact(entry)?;
    }
    let mut store = vec![0; length as usize];
    file.read_exact(&mut store)?;
    Ok(Header { index, store })
}

impl Header {
    fn text(&self, tag: u32) -> Option<String> {
        let entry = self.index.iter().find(|entry| number(&entry[..]) == tag)?;
        let rest = self.store.get(number(&entry[8..]) as usize..)?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        Some(String::from_utf8_lossy(&rest[..end]).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_bytes(fields: &[(u32, &str)]) -> Vec<u8> {
        let mut store = Vec::new();
        let mut index = Vec::new();
        for (tag, text) in fields {
            for number in [*tag, 6, store.len() as u32, 1] {
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

    #[test]
    fn name_version_and_architecture_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.rpm");
        let mut bytes = vec![0xed, 0xab, 0xee, 0xdb];
        bytes.resize(96, 0);
        let signature = header_bytes(&[(1, "abc")]);
        bytes.extend(&signature);
        bytes.extend([0; 4]);
        bytes.extend(header_bytes(&[
            (NAME, "socat"),
            (VERSION, "1.7.4"),
            (RELEASE, "5.el9"),
            (ARCH, "x86_64"),
        ]));
        std::fs::write(&path, &bytes).unwrap();
        let expected = Rpm { name: "socat".into(), version: "1.7.4-5.el9".into(), arch: "amd64".into() };
        assert_eq!(read(&path).unwrap(), expected);
        std::fs::write(&path, &bytes[..150]).unwrap();
        assert!(read(&path).is_err());
    }
}
