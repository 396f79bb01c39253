//! Debian packages: an `ar` archive whose `control.tar` describes it; and the package index of a source made of them.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::GzDecoder;

use crate::{Artifact, Manifest};

/// How long a control archive may be; the largest of a Debian release has a few hundred kilobytes.
const CONTROL_LIMIT: u64 = 16 * 1024 * 1024;

/// The control file of a package.
///
/// # Errors
/// It is no Debian package, or a damaged one.
pub(crate) fn control(path: &Path) -> io::Result<String> {
    let bad = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason.to_owned());
    let mut file = BufReader::new(File::open(path)?);
    let mut magic = [0; 8];
    file.read_exact(&mut magic)?;
    if &magic != b"!<arch>\n" {
        return Err(bad("it is no Debian package"));
    }
    loop {
        let mut header = [0; 60];
        file.read_exact(&mut header).map_err(|_| bad("it has no control archive"))?;
        let text = String::from_utf8_lossy(&header).into_owned();
        let name = text.get(..16).unwrap_or_default().trim().trim_end_matches('/').to_owned();
        let size: u64 = text
            .get(48..58)
            .and_then(|size| size.trim().parse().ok())
            .ok_or_else(|| bad("its header is damaged"))?;
        if name.starts_with("control.tar") {
            if size > CONTROL_LIMIT {
                return Err(bad("its control archive is too large"));
            }
            let mut bytes = vec![0; size as usize];
            file.read_exact(&mut bytes).map_err(|_| bad("it is cut off"))?;
            return from_control_archive(&name, &bytes);
        }
        // Members begin at even places.
        let skipped = io::copy(&mut file.by_ref().take(size + size % 2), &mut io::sink())?;
        if skipped < size {
            return Err(bad("it is cut off"));
        }
    }
}

fn from_control_archive(name: &str, bytes: &[u8]) -> io::Result<String> {
    let plain: Box<dyn Read + '_> = match name.rsplit('.').next() {
        Some("gz") => Box::new(GzDecoder::new(bytes)),
        Some("xz") => Box::new(lzma_rust2::XzReader::new(bytes, true)),
        Some("zst") => Box::new(ruzstd::decoding::StreamingDecoder::new(bytes).map_err(io::Error::other)?),
        _ => Box::new(bytes),
    };
    for entry in tar::Archive::new(plain.take(CONTROL_LIMIT)).entries()? {
        let mut entry = entry?;
        if entry.path()?.file_name().is_some_and(|name| name == "control") {
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            return Ok(text);
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "its control archive has no control file"))
}

/// A field of a control file; continuation lines are left out.
pub(crate) fn field<'a>(control: &'a str, name: &str) -> Option<&'a str> {
    control.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
}

/// The index of a flat package source, as apt reads it, of the packages of one set for one architecture.
pub fn packages_index(manifest: &Manifest, set: Option<&str>, arch: &str) -> String {
    let fits = |artifact: &&Artifact| {
        artifact.set.as_deref() == set
            && artifact.arch.as_deref().is_some_and(|own| own == arch || own == "all")
    };
    let stanza = |artifact: &Artifact| {
        let file = artifact.path.rsplit('/').next().unwrap_or_default();
        let control = artifact.control.as_deref()?.trim_end();
        Some(format!(
            "{control}\nFilename: ./{file}\nSize: {}\nSHA256: {}\n\n",
            artifact.size, artifact.sha256
        ))
    };
    manifest.artifacts.iter().filter(fits).filter_map(stanza).collect()
}

/// A package for tests, with the control archive uncompressed.
#[cfg(test)]
pub(crate) fn sample(path: &Path, control: &str) {
    use std::io::Write;
    let mut inner = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(control.len() as u64);
    header.set_mode(0o644);
    inner.append_data(&mut header, "./control", control.as_bytes()).unwrap();
    let inner = inner.into_inner().unwrap();
    let mut file = File::create(path).unwrap();
    file.write_all(b"!<arch>\n").unwrap();
    for (name, bytes) in [("debian-binary", &b"2.0\n"[..]), ("control.tar", &inner)] {
        writeln!(file, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, 100644, bytes.len()).unwrap();
        file.write_all(bytes).unwrap();
        if bytes.len() % 2 == 1 {
            file.write_all(b"\n").unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTROL: &str =
        "Package: tree\nVersion: 2.1.0-1\nArchitecture: amd64\nDescription: shows\n a tree\n";

    #[test]
    fn the_control_file_is_found_and_becomes_an_index() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tree.deb");
        sample(&path, CONTROL);
        let control = control(&path).unwrap();
        assert_eq!(field(&control, "Version"), Some("2.1.0-1"));
        let artifact = Artifact {
            path: "packages/tree_2.1.0-1_amd64.deb".into(),
            size: 7,
            sha256: "ab".into(),
            arch: Some("amd64".into()),
            control: Some(control),
            ..Artifact::default()
        };
        let manifest = Manifest { artifacts: vec![artifact], ..Manifest::default() };
        let index = packages_index(&manifest, None, "amd64");
        assert!(
            index.ends_with(" a tree\nFilename: ./tree_2.1.0-1_amd64.deb\nSize: 7\nSHA256: ab\n\n"),
            "{index}"
        );
        assert_eq!(packages_index(&manifest, None, "arm64"), "");
        assert_eq!(packages_index(&manifest, Some("debian-12"), "amd64"), "");
    }

    #[test]
    fn a_cut_off_package_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tree.deb");
        sample(&path, CONTROL);
        let bytes = std::fs::read(&path).unwrap();
        for length in [4, 50, 100, 200, 700] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(control(&path).is_err(), "{length}");
        }
    }
}
