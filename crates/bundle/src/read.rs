//! Reads a bundle: what is in it, whether it is whole, and its files onto a disk.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::manifest::{FORMAT, MANIFEST};
use crate::pack::{copy_digest, file_error};
use crate::{Artifact, BundleError, Manifest};

/// The largest manifest that is read: about a hundred thousand artifacts.
const MANIFEST_LIMIT: u64 = 32 * 1024 * 1024;

/// A bundle on disk whose manifest has been read and checked.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    manifest: Manifest,
}

impl Bundle {
    /// Opens a bundle and reads its manifest; the files after it are not looked at yet.
    ///
    /// # Errors
    /// When the file cannot be read or is not a bundle of this format, or its manifest names a path that leads out of it.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        let refuse = |reason: String| BundleError::NotABundle { path: path.to_owned(), reason };
        let file = File::open(path).map_err(file_error("read", path))?;
        let mut archive = tar::Archive::new(BufReader::new(file));
        let mut entries = archive.entries().map_err(file_error("read", path))?;
        let first = entries.next().ok_or_else(|| refuse("it is empty".into()))?;
        let mut first = first.map_err(|error| refuse(error.to_string()))?;
        if first.path_bytes().as_ref() != MANIFEST.as_bytes() {
            return Err(refuse(format!("its first entry is not `{MANIFEST}`")));
        }
        let mut text = String::new();
        first
            .by_ref()
            .take(MANIFEST_LIMIT)
            .read_to_string(&mut text)
            .map_err(|error| refuse(error.to_string()))?;
        let manifest: Manifest = serde_json::from_str(&text)
            .map_err(|error| refuse(format!("its manifest is damaged: {error}")))?;
        if manifest.format != FORMAT {
            return Err(refuse(format!(
                "it has format {}, this taskbox reads format {FORMAT}",
                manifest.format
            )));
        }
        for artifact in &manifest.artifacts {
            if let Some(reason) = artifact.unsafe_path() {
                return Err(BundleError::Damaged {
                    path: path.to_owned(),
                    entry: artifact.path.clone(),
                    reason: reason.into(),
                });
            }
        }
        Ok(Self { path: path.to_owned(), manifest })
    }

    /// What is in it.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Checks every file against the manifest.
    ///
    /// # Errors
    /// At the first file that is damaged or unknown to the manifest, or when some are missing.
    pub fn verify(&self) -> Result<(), BundleError> {
        self.each(|_| None)
    }

    /// Unpacks the files that `wanted` chooses below `folder`; every file is checked, and one that fails the check does not appear.
    ///
    /// # Errors
    /// As [`Self::verify`], and when a file cannot be written.
    pub fn unpack(&self, folder: &Path, wanted: impl Fn(&Artifact) -> bool) -> Result<(), BundleError> {
        self.each(|artifact| wanted(artifact).then(|| folder.join(&artifact.path)))
    }

    /// Walks all files once, front to back, writing those that `place` gives a path and checking all.
    fn each(&self, place: impl Fn(&Artifact) -> Option<PathBuf>) -> Result<(), BundleError> {
        let mut missing: BTreeMap<&str, &Artifact> =
            self.manifest.artifacts.iter().map(|artifact| (artifact.path.as_str(), artifact)).collect();
        let file = File::open(&self.path).map_err(file_error("read", &self.path))?;
        let mut archive = tar::Archive::new(BufReader::new(file));
        for entry in archive.entries().map_err(file_error("read", &self.path))?.skip(1) {
            let mut entry = entry.map_err(|error| self.damaged("an entry", error.to_string()))?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let Some(artifact) = missing.remove(name.as_str()) else {
                return Err(self.damaged(&name, "the manifest does not name it, or it is there twice"));
            };
            if !entry.header().entry_type().is_file() {
                return Err(self.damaged(&name, "it is not an ordinary file"));
            }
            match place(artifact) {
                Some(to) => self.write(artifact, &mut entry, &to)?,
                None => self.check(artifact, &mut entry, &mut std::io::sink())?,
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(BundleError::Incomplete {
            path: self.path.clone(),
            missing: missing.into_keys().map(str::to_owned).collect(),
        })
    }

    /// Writes a file beside its name and moves it there once it has passed the check.
    fn write(&self, artifact: &Artifact, content: &mut impl Read, to: &Path) -> Result<(), BundleError> {
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent).map_err(file_error("create", parent))?;
        }
        let mut part = to.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let mode = if artifact.executable { 0o755 } else { 0o644 };
        let mut out = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&part)
            .map_err(file_error("create", &part))?;
        self.check(artifact, content, &mut out).inspect_err(|_| drop(std::fs::remove_file(&part)))?;
        std::fs::rename(&part, to).map_err(file_error("create", to))
    }

    /// Copies a file's content to `out` and compares its size and SHA-256 with the manifest.
    fn check(
        &self,
        artifact: &Artifact,
        content: &mut impl Read,
        out: &mut impl Write,
    ) -> Result<(), BundleError> {
        let (size, sha256) =
            copy_digest(content, out).map_err(|error| self.damaged(&artifact.path, error.to_string()))?;
        if size != artifact.size {
            return Err(self.damaged(&artifact.path, format!("it has {size} bytes of {}", artifact.size)));
        }
        if sha256 != artifact.sha256 {
            return Err(self.damaged(
                &artifact.path,
                format!("its SHA-256 is {sha256}, the manifest says {}", artifact.sha256),
            ));
        }
        Ok(())
    }

    fn damaged(&self, entry: &str, reason: impl Into<String>) -> BundleError {
        BundleError::Damaged { path: self.path.clone(), entry: entry.to_owned(), reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack;

    fn sample() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("in/cni")).unwrap();
        std::fs::write(dir.path().join("in/etcd"), b"etcd program").unwrap();
        std::fs::write(dir.path().join("in/cni/bridge"), vec![7; 300_000]).unwrap();
        let bundle = dir.path().join("b.tar");
        pack(&dir.path().join("in"), &bundle).unwrap();
        (dir, bundle)
    }

    #[test]
    fn a_folder_comes_back_as_it_went_in() {
        let (dir, path) = sample();
        let bundle = Bundle::open(&path).unwrap();
        bundle.verify().unwrap();
        bundle.unpack(&dir.path().join("out"), |artifact| artifact.path == "cni/bridge").unwrap();
        assert_eq!(std::fs::read(dir.path().join("out/cni/bridge")).unwrap(), vec![7; 300_000]);
        assert!(!dir.path().join("out/etcd").exists());
    }

    #[test]
    fn the_same_folder_packs_to_the_same_bytes() {
        let (dir, path) = sample();
        let again = dir.path().join("again.tar");
        pack(&dir.path().join("in"), &again).unwrap();
        assert_eq!(std::fs::read(path).unwrap(), std::fs::read(again).unwrap());
    }

    #[test]
    fn a_changed_byte_is_found_and_nothing_of_that_file_stays() {
        let (dir, path) = sample();
        let mut bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(12).position(|window| window == b"etcd program").unwrap();
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let bundle = Bundle::open(&path).unwrap();
        assert!(matches!(bundle.verify(), Err(BundleError::Damaged { entry, .. }) if entry == "etcd"));
        assert!(bundle.unpack(&dir.path().join("out"), |_| true).is_err());
        assert!(!dir.path().join("out/etcd").exists() && !dir.path().join("out/etcd.part").exists());
    }

    #[test]
    fn a_truncated_bundle_is_refused() {
        let (_dir, path) = sample();
        let bytes = std::fs::read(&path).unwrap();
        for length in [0, 100, 600, 4096, 100_000] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(Bundle::open(&path).and_then(|bundle| bundle.verify()).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn a_file_that_is_no_bundle_is_named_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.tar");
        std::fs::write(&path, vec![0x1f; 2048]).unwrap();
        assert!(matches!(Bundle::open(&path), Err(BundleError::NotABundle { .. })));
    }
}
