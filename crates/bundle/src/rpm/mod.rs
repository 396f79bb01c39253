//! RPM packages: what each says of itself, and a repository made of them, as dnf and yum read it.

mod header;
mod repository;

use std::fs::File;
use std::io;
use std::path::Path;

use header::{Headers, bad};

pub use repository::rpm_repository;

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
    let headers = Headers::read(&mut File::open(path)?)?;
    let text = |tag| headers.main.text(tag).ok_or_else(|| bad("its header lacks a field"));
    let arch = match text(ARCH)?.as_str() {
        "x86_64" => "amd64".to_owned(),
        "aarch64" => "arm64".to_owned(),
        other => other.to_owned(),
    };
    Ok(Rpm { name: text(NAME)?, version: format!("{}-{}", text(VERSION)?, text(RELEASE)?), arch })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_version_and_architecture_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.rpm");
        let mut bytes = vec![0xed, 0xab, 0xee, 0xdb];
        bytes.resize(96, 0);
        let signature = header::sample(&[(1, "abc")]);
        bytes.extend(&signature);
        bytes.extend([0; 4]);
        bytes.extend(header::sample(&[
            (NAME, "socat"),
            (VERSION, "1.7.4"),
            (RELEASE, "5.el9"),
            (ARCH, "x86_64"),
        ]));
        std::fs::write(&path, &bytes).unwrap();
        let expected = Rpm { name: "socat".into(), version: "1.7.4-5.el9".into(), arch: "amd64".into() };
        assert_eq!(read(&path).unwrap(), expected);
        for length in [3, 90, 100, 150, 180] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(read(&path).is_err(), "{length}");
        }
    }
}
