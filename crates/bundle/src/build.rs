//! Collects what goes into a bundle and writes it: sorted, without times and owners, so that the same things give the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::content::Content;
use crate::digest::{CopyError, copy_digest, hex};
use crate::manifest::{FORMAT, Kind, MANIFEST};
use crate::sign::{SIGNATURE, SIGNATURE_SIZE};
use crate::{Artifact, BundleError, Image, Manifest, chart_images};

/// What will be in a bundle.
#[derive(Debug, Default)]
pub struct Builder {
    artifacts: BTreeMap<String, (Artifact, Content)>,
    images: BTreeMap<(String, String), Image>,
    kubernetes: Option<String>,
}

impl Builder {
    /// An empty one, for a Kubernetes version (with or without `v`) if one is known.
    pub fn new(kubernetes: Option<&str>) -> Self {
        let kubernetes = kubernetes.map(|version| version.trim_start_matches('v').to_owned());
        Self { kubernetes, ..Self::default() }
    }

    /// Adds a file; its size and hash are taken from its content. The same content at the same place twice is one.
    ///
    /// # Errors
    /// Its content cannot be read, its path leads out, or another content has its place.
    pub fn add(&mut self, mut artifact: Artifact, content: Content) -> Result<(), BundleError> {
        let unreadable = BundleError::file("read", Path::new(&content.name()));
        (artifact.size, artifact.sha256) = content.digest().map_err(unreadable)?;
        if let Some(reason) = artifact.unsafe_path() {
            return Err(BundleError::unusable(Path::new(&artifact.path), reason));
        }
        match self.artifacts.get(&artifact.path) {
            Some((there, _)) if there.sha256 == artifact.sha256 => Ok(()),
            Some((_, there)) => {
                Err(BundleError::Conflict { place: artifact.path, one: there.name(), other: content.name() })
            }
            None => {
                self.artifacts.insert(artifact.path.clone(), (artifact, content));
                Ok(())
            }
        }
    }

    /// Adds an image whose blobs were added.
    ///
    /// # Errors
    /// Another image has its name and architecture.
    pub fn add_image(&mut self, image: Image) -> Result<(), BundleError> {
        let key = (image.reference.clone(), image.arch.clone());
        match self.images.get(&key) {
            Some(there) if there.digest == image.digest => Ok(()),
            Some(there) => Err(BundleError::Conflict {
                place: format!("{} ({})", image.reference, image.arch),
                one: there.digest.clone(),
                other: image.digest,
            }),
            None => {
                self.images.insert(key, image);
                Ok(())
            }
        }
    }

    /// The SHA-256 of what was added at a path.
    pub(crate) fn hash_at(&self, path: &str) -> Option<String> {
        self.artifacts.get(path).map(|(artifact, _)| artifact.sha256.clone())
    }

    /// The images that its charts name and that it does not hold, each with the chart.
    ///
    /// # Errors
    /// A chart cannot be read.
    pub fn images_of_charts(&self) -> Result<BTreeMap<String, String>, BundleError> {
        let mut named = BTreeMap::new();
        for (artifact, content) in self.artifacts.values() {
            if artifact.kind == Kind::Chart {
                let unusable =
                    |error: io::Error| BundleError::unusable(Path::new(&content.name()), error.to_string());
                let images = chart_images::of(content).map_err(unusable)?;
                named.extend(images.into_iter().map(|image| (image, artifact.name.clone())));
            }
        }
        let here: BTreeSet<&str> = self.images.values().map(|image| image.reference.as_str()).collect();
        named.retain(|image, _| !here.contains(image.as_str()));
        Ok(named)
    }

    /// What it holds so far.
    pub fn manifest(&self) -> Manifest {
        Manifest {
            format: FORMAT,
            kubernetes: self.kubernetes.clone(),
            artifacts: self.artifacts.values().map(|(artifact, _)| artifact.clone()).collect(),
            images: self.images.values().cloned().collect(),
        }
    }

    /// Writes the bundle. It appears under its name only when it is whole.
    ///
    /// # Errors
    /// A file cannot be read, has changed since it was added, or the bundle cannot be written.
    pub fn write(&self, to: &Path) -> Result<Manifest, BundleError> {
        let manifest = self.manifest();
        let unfinished = unfinished(to);
        self.write_all(&manifest, &unfinished).inspect_err(|_| drop(std::fs::remove_file(&unfinished)))?;
        std::fs::rename(&unfinished, to).map_err(BundleError::file("create", to))?;
        Ok(manifest)
    }

    fn write_all(&self, manifest: &Manifest, to: &Path) -> Result<(), BundleError> {
        let failed = |error| BundleError::file("write", to)(error);
        let out = OpenOptions::new().write(true).create(true).truncate(true).open(to);
        let mut archive = tar::Builder::new(BufWriter::with_capacity(1 << 20, out.map_err(failed)?));
        let text = serde_json::to_vec_pretty(manifest).map_err(|error| failed(error.into()))?;
        append(&mut archive, MANIFEST, text.len() as u64, false, &mut text.as_slice()).map_err(failed)?;
        let room = vec![b'\n'; SIGNATURE_SIZE];
        append(&mut archive, SIGNATURE, SIGNATURE_SIZE as u64, false, &mut room.as_slice())
            .map_err(failed)?;
        for (artifact, content) in self.artifacts.values() {
            let name = content.name();
            let source = content.open().map_err(BundleError::file("read", Path::new(&name)))?;
            let mut source = Hashed::new(source.take(artifact.size));
            append(&mut archive, &artifact.path, artifact.size, artifact.executable, &mut source).map_err(
                |error| {
                    if source.broke {
                        BundleError::file("read", Path::new(&name))(error)
                    } else {
                        failed(error)
                    }
                },
            )?;
            if source.hex() != artifact.sha256 {
                return Err(BundleError::unusable(Path::new(&name), "it changed while the bundle was made"));
            }
        }
        let mut out = archive.into_inner().map_err(failed)?;
        out.flush().map_err(failed)?;
        out.get_ref().sync_all().map_err(failed)
    }
}

/// The name under which a bundle grows.
fn unfinished(to: &Path) -> PathBuf {
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    to.with_file_name(name)
}

fn append(
    archive: &mut tar::Builder<BufWriter<File>>,
    path: &str,
    size: u64,
    executable: bool,
    content: &mut dyn Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(if executable { 0o755 } else { 0o644 });
    archive.append_data(&mut header, path, content)
}

/// A reader that knows the hash of what was read, and whether reading failed: a copy's error does not tell which side it came from.
struct Hashed<R> {
    inner: R,
    hash: sha2::Sha256,
    broke: bool,
}

impl<R: Read> Hashed<R> {
    fn new(inner: R) -> Self {
        Self { inner, hash: <sha2::Sha256 as sha2::Digest>::new(), broke: false }
    }

    fn hex(self) -> String {
        hex(&sha2::Digest::finalize(self.hash))
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self
            .inner
            .read(buffer)
            .inspect_err(|error| self.broke = error.kind() != io::ErrorKind::Interrupted)?;
        sha2::Digest::update(&mut self.hash, &buffer[..read]);
        Ok(read)
    }
}

/// Writes a file beside its name and moves it there once `check` has accepted its size and SHA-256.
pub(crate) fn place(
    content: &mut dyn Read,
    to: &Path,
    executable: bool,
    check: impl FnOnce(u64, String) -> Result<(), BundleError>,
) -> Result<(), BundleError> {
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent).map_err(BundleError::file("create", parent))?;
    }
    let part = unfinished(to);
    let mode = if executable { 0o755 } else { 0o644 };
    let mut options = OpenOptions::new();
    let mut out = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&part)
        .map_err(BundleError::file("create", &part))?;
    let copied = copy_digest(content, &mut out).map_err(|error| match error {
        CopyError::Read(error) => BundleError::file("read what belongs into", to)(error),
        CopyError::Write(error) => BundleError::file("write", &part)(error),
    });
    copied
        .and_then(|(size, sha256)| check(size, sha256))
        .inspect_err(|_| drop(std::fs::remove_file(&part)))?;
    std::fs::rename(&part, to).map_err(BundleError::file("create", to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_cannot_be_read_any_more_is_named_not_the_bundle() {
        let dir = tempfile::tempdir().unwrap();
        let (source, to) = (dir.path().join("motd"), dir.path().join("small.bundle"));
        std::fs::write(&source, "hello").unwrap();
        let mut builder = Builder::new(None);
        builder
            .add(Artifact { path: "files/motd".into(), ..Artifact::default() }, Content::File(source.clone()))
            .unwrap();
        // A folder can be opened, but not read.
        std::fs::remove_file(&source).unwrap();
        std::fs::create_dir(&source).unwrap();
        let error = builder.write(&to).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot read `{}`", source.display())), "{error}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing of the bundle stays");
    }
}
