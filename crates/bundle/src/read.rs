//! Reads a bundle: what is in it, where each file lies, whether it is whole and by whom it is signed.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use crate::build::place;
use crate::content::Content;
use crate::digest::digest;
use crate::elf;
use crate::manifest::{FORMAT, Kind, MANIFEST};
use crate::sign::{PublicKey, SIGNATURE, SIGNATURE_SIZE, Signature};
use crate::{Artifact, BundleError, Manifest};

/// The largest manifest that is read: about a hundred thousand artifacts.
const MANIFEST_LIMIT: u64 = 64 * 1024 * 1024;

/// A bundle on disk whose manifest has been read and checked.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    manifest: Manifest,
    bytes: Vec<u8>,
    signature: Option<Signature>,
    signature_offset: u64,
}

impl Bundle {
    /// Opens a bundle and reads its manifest and signature; the files after them are not looked at yet.
    ///
    /// # Errors
    /// When the file cannot be read or is not a bundle of this format, or its manifest names a path that leads out of it.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        let file = File::open(path).map_err(BundleError::file("read", path))?;
        let mut archive = tar::Archive::new(BufReader::new(file));
        let mut entries = archive.entries().map_err(BundleError::file("read", path))?;
        Self::head(path, &mut entries)
    }

    /// Reads the two entries that every bundle begins with.
    fn head<R: Read>(path: &Path, entries: &mut tar::Entries<'_, R>) -> Result<Self, BundleError> {
        let refuse = |reason: String| BundleError::NotABundle { path: path.to_owned(), reason };
        let mut next = |name: &str, limit: u64| {
            let entry = entries.next().ok_or_else(|| refuse(format!("it ends before `{name}`")))?;
            let mut entry = entry.map_err(|error| refuse(error.to_string()))?;
            if entry.path_bytes().as_ref() != name.as_bytes() {
                return Err(refuse(format!("it does not begin with `{name}`")));
            }
            let size = entry.size();
            let mut bytes = Vec::new();
            entry.by_ref().take(limit).read_to_end(&mut bytes).map_err(|error| refuse(error.to_string()))?;
            if bytes.len() as u64 != size {
                return Err(refuse(format!("its `{name}` is cut off or too long")));
            }
            Ok((bytes, entry.raw_file_position()))
        };
        let (bytes, _) = next(MANIFEST, MANIFEST_LIMIT)?;
        let manifest: Manifest = serde_json::from_slice(&bytes)
            .map_err(|error| refuse(format!("its manifest is damaged: {error}")))?;
        if manifest.format != FORMAT {
            return Err(refuse(format!(
                "it has format {}, this taskbox reads format {FORMAT}",
                manifest.format
            )));
        }
        let (block, signature_offset) = next(SIGNATURE, SIGNATURE_SIZE as u64)?;
        let signature =
            Signature::parse(&block).map_err(|error| refuse(format!("its signature is damaged: {error}")))?;
        let unsafe_path =
            manifest.artifacts.iter().find_map(|artifact| Some((artifact, artifact.unsafe_path()?)));
        if let Some((artifact, reason)) = unsafe_path {
            return Err(BundleError::Damaged {
                path: path.to_owned(),
                entry: artifact.path.clone(),
                reason: reason.into(),
            });
        }
        Ok(Self { path: path.to_owned(), manifest, bytes, signature, signature_offset })
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The manifest as it stands in the file; this is what is signed.
    pub(crate) fn manifest_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the block of the signature begins in the file.
    pub(crate) fn signature_offset(&self) -> u64 {
        self.signature_offset
    }

    /// The public key of the signer as the bundle names it, base64; `None` if nobody has signed. Believe it only after
    /// [`Self::check_signature`].
    pub fn signer(&self) -> Option<&str> {
        self.signature.as_ref().map(Signature::key)
    }

    /// Checks that the manifest is signed with this key.
    ///
    /// # Errors
    /// It is not signed, or with another key, or was changed after.
    pub fn check_signature(&self, key: &PublicKey) -> Result<(), BundleError> {
        let refuse = |reason: String| BundleError::Untrusted { path: self.path.clone(), reason };
        let Some(signature) = &self.signature else {
            return Err(refuse("is not signed, but a key is configured".into()));
        };
        if signature.is_by(key, &self.bytes) {
            return Ok(());
        }
        Err(refuse(if signature.key() == key.base64() {
            "was changed after it was signed: the signature does not fit its manifest".into()
        } else {
            format!("is signed with the key {}, not with the configured one", signature.key())
        }))
    }

    /// Checks every file against the manifest, and that programs are for the architecture they are filed under.
    ///
    /// # Errors
    /// At the first file that is damaged or unknown to the manifest, or when some are missing.
    pub fn verify(&self) -> Result<(), BundleError> {
        self.unpack_to(|_| None)
    }

    /// Reads a bundle from a stream, once, and checks all of it. `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`Self::open`] and [`Self::verify`].
    pub fn verify_stream(reader: impl Read, name: &Path) -> Result<Self, BundleError> {
        let mut archive = tar::Archive::new(reader);
        let mut entries = archive.entries().map_err(BundleError::file("read", name))?;
        let bundle = Self::head(name, &mut entries)?;
        bundle.each(entries, |_| None)?;
        Ok(bundle)
    }

    /// Unpacks the files that `wanted` chooses below `folder`; every file is checked, and one that fails the check does not appear.
    ///
    /// # Errors
    /// As [`Self::verify`], and when a file cannot be written.
    pub fn unpack(&self, folder: &Path, wanted: impl Fn(&Artifact) -> bool) -> Result<(), BundleError> {
        self.unpack_to(|artifact| wanted(artifact).then(|| folder.join(&artifact.path)))
    }

    fn unpack_to(&self, to: impl Fn(&Artifact) -> Option<PathBuf>) -> Result<(), BundleError> {
        let file = File::open(&self.path).map_err(BundleError::file("read", &self.path))?;
        let mut archive = tar::Archive::new(BufReader::with_capacity(1 << 18, file));
        let mut entries = archive.entries().map_err(BundleError::file("read", &self.path))?;
        Self::head(&self.path, &mut entries)?;
        self.each(entries, to)
    }

    /// Where each file lies: by path, a stretch of the bundle. Nothing but the headers is read.
    ///
    /// # Errors
    /// The bundle is cut off, or its entries are not those of the manifest.
    pub fn contents(&self) -> Result<HashMap<String, Content>, BundleError> {
        let mut missing = self.by_path();
        let file = File::open(&self.path).map_err(BundleError::file("read", &self.path))?;
        let length = file.metadata().map_err(BundleError::file("read", &self.path))?.len();
        let mut archive = tar::Archive::new(BufReader::new(file));
        let mut found = HashMap::new();
        let entries = archive.entries_with_seek().map_err(BundleError::file("read", &self.path))?;
        for entry in entries.skip(2) {
            let entry = entry.map_err(|error| self.damaged("an entry", error.to_string()))?;
            let artifact = self.known(&entry, &mut missing)?;
            let (offset, size) = (entry.raw_file_position(), entry.size());
            if size != artifact.size || offset + size > length {
                return Err(self.damaged(&artifact.path, "it is cut off or has another size"));
            }
            found.insert(artifact.path.clone(), Content::Range { path: self.path.clone(), offset, size });
        }
        self.all_found(&missing)?;
        Ok(found)
    }

    fn by_path(&self) -> BTreeMap<&str, &Artifact> {
        self.manifest.artifacts.iter().map(|artifact| (artifact.path.as_str(), artifact)).collect()
    }

    /// The artifact that an entry is; each comes once.
    fn known<'a, R: Read>(
        &self,
        entry: &tar::Entry<'_, R>,
        missing: &mut BTreeMap<&str, &'a Artifact>,
    ) -> Result<&'a Artifact, BundleError> {
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let artifact = missing
            .remove(name.as_str())
            .ok_or_else(|| self.damaged(&name, "the manifest does not name it, or it is there twice"))?;
        if entry.header().entry_type().is_file() {
            return Ok(artifact);
        }
        Err(self.damaged(&name, "it is not an ordinary file"))
    }

    fn all_found(&self, missing: &BTreeMap<&str, &Artifact>) -> Result<(), BundleError> {
        match missing.keys().next() {
            None => Ok(()),
            Some(first) => Err(BundleError::Incomplete {
                path: self.path.clone(),
                count: missing.len(),
                first: (*first).to_owned(),
            }),
        }
    }

    /// Walks all files once, front to back, writing those that `to` gives a path and checking all.
    fn each<R: Read>(
        &self,
        entries: tar::Entries<'_, R>,
        to: impl Fn(&Artifact) -> Option<PathBuf>,
    ) -> Result<(), BundleError> {
        let mut missing = self.by_path();
        for entry in entries {
            let mut entry = entry.map_err(|error| self.damaged("an entry", error.to_string()))?;
            let artifact = self.known(&entry, &mut missing)?;
            let mut start = [0; elf::HEADER];
            let read = read_start(&mut entry, &mut start)
                .map_err(|error| self.damaged(&artifact.path, error.to_string()))?;
            self.check_architecture(artifact, &start[..read])?;
            let mut content = (&start[..read]).chain(entry);
            match to(artifact) {
                Some(to) => place(&mut content, &to, artifact.executable, |size, sha256| {
                    self.check(artifact, size, &sha256)
                })?,
                None => {
                    let (size, sha256) = digest(&mut content)
                        .map_err(|error| self.damaged(&artifact.path, error.to_string()))?;
                    self.check(artifact, size, &sha256)?;
                }
            }
        }
        self.all_found(&missing)
    }

    /// A program that lies under another architecture than its own would fail on the node only.
    fn check_architecture(&self, artifact: &Artifact, start: &[u8]) -> Result<(), BundleError> {
        let (Kind::Program | Kind::CniPlugin, Some(filed)) = (artifact.kind, &artifact.arch) else {
            return Ok(());
        };
        match elf::architecture(start) {
            Some(own) if own != filed => {
                Err(self.damaged(&artifact.path, format!("it is a program for {own}, not for {filed}")))
            }
            _ => Ok(()),
        }
    }

    fn check(&self, artifact: &Artifact, size: u64, sha256: &str) -> Result<(), BundleError> {
        if size != artifact.size {
            return Err(self.damaged(&artifact.path, format!("it has {size} bytes of {}", artifact.size)));
        }
        if sha256 != artifact.sha256 {
            let reason = format!("its SHA-256 is {sha256}, the manifest says {}", artifact.sha256);
            return Err(self.damaged(&artifact.path, reason));
        }
        Ok(())
    }

    fn damaged(&self, entry: &str, reason: impl Into<String>) -> BundleError {
        BundleError::Damaged { path: self.path.clone(), entry: entry.to_owned(), reason: reason.into() }
    }
}

/// Fills the buffer as far as there is something to read.
fn read_start(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

/// Members of a plain tar archive as stretches of it: `(name, content)`. Links have the content of what they point to.
///
/// # Errors
/// It is no tar archive, or cut off.
pub(crate) fn tar_members(path: &Path) -> std::io::Result<HashMap<String, Content>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.rewind()?;
    let mut archive = tar::Archive::new(BufReader::new(file));
    let mut found: HashMap<String, Content> = HashMap::new();
    let mut links = Vec::new();
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let name = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
        let (offset, size) = (entry.raw_file_position(), entry.size());
        match entry.header().entry_type() {
            tar::EntryType::Regular | tar::EntryType::Continuous if offset + size > length => {
                return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the archive is cut off"));
            }
            tar::EntryType::Regular | tar::EntryType::Continuous => {
                found.insert(name, Content::Range { path: path.to_owned(), offset, size });
            }
            kind @ (tar::EntryType::Symlink | tar::EntryType::Link) => {
                if let Some(target) = entry.link_name()? {
                    let base = if kind == tar::EntryType::Symlink { Path::new(&name).parent() } else { None };
                    links.push((name.clone(), flattened(&base.unwrap_or(Path::new("")).join(target))));
                }
            }
            _ => {}
        }
    }
    for (name, target) in links {
        if let Some(content) = found.get(&target).cloned() {
            found.insert(name, content);
        }
    }
    Ok(found)
}

/// A path without `..`; such a path never leaves the archive, whatever it says.
fn flattened(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => drop(parts.pop()),
            std::path::Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            _ => {}
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Builder, SigningKey};

    fn artifact(path: &str) -> Artifact {
        Artifact { path: path.into(), ..Artifact::default() }
    }

    fn sample() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let bundle = dir.path().join("b.tar");
        write(&bundle);
        (dir, bundle)
    }

    fn write(to: &Path) {
        let mut builder = Builder::new(Some("v1.36.2"));
        builder.add(artifact("files/etcd"), Content::Bytes(b"etcd program"[..].into())).unwrap();
        builder.add(artifact("files/cni/bridge"), Content::Bytes(vec![7; 300_000].into())).unwrap();
        builder.write(to).unwrap();
    }

    #[test]
    fn a_folder_comes_back_as_it_went_in() {
        let (dir, path) = sample();
        let bundle = Bundle::open(&path).unwrap();
        bundle.verify().unwrap();
        bundle.unpack(&dir.path().join("out"), |artifact| artifact.path == "files/cni/bridge").unwrap();
        assert_eq!(std::fs::read(dir.path().join("out/files/cni/bridge")).unwrap(), vec![7; 300_000]);
        assert!(!dir.path().join("out/files/etcd").exists());
        assert_eq!(bundle.contents().unwrap()["files/etcd"].read_small(100).unwrap(), b"etcd program");
    }

    #[test]
    fn a_bundle_is_checked_while_it_streams() {
        let (_dir, path) = sample();
        let bytes = std::fs::read(&path).unwrap();
        let bundle = Bundle::verify_stream(&bytes[..], Path::new("-")).unwrap();
        assert_eq!(bundle.manifest().kubernetes.as_deref(), Some("1.36.2"));
    }

    #[test]
    fn the_same_things_give_the_same_bytes() {
        let (dir, path) = sample();
        let again = dir.path().join("again.tar");
        write(&again);
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
        assert!(matches!(bundle.verify(), Err(BundleError::Damaged { entry, .. }) if entry == "files/etcd"));
        assert!(bundle.unpack(&dir.path().join("out"), |_| true).is_err());
        let left: Vec<_> = std::fs::read_dir(dir.path().join("out/files")).unwrap().flatten().collect();
        assert!(left.iter().all(|entry| entry.file_name() == "cni"), "{left:?}");
    }

    #[test]
    fn a_truncated_bundle_is_refused() {
        let (_dir, path) = sample();
        let bytes = std::fs::read(&path).unwrap();
        for length in [0, 100, 600, 1500, 4096, 100_000, bytes.len() - 2048] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(Bundle::open(&path).and_then(|bundle| bundle.verify()).is_err(), "{length} bytes");
            assert!(Bundle::open(&path).and_then(|bundle| bundle.contents()).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn a_file_that_is_no_bundle_is_named_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.tar");
        std::fs::write(&path, vec![0x1f; 2048]).unwrap();
        assert!(matches!(Bundle::open(&path), Err(BundleError::NotABundle { .. })));
    }

    #[test]
    fn a_path_that_leads_out_is_refused_before_anything_is_unpacked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("evil.tar");
        let manifest = Manifest {
            format: FORMAT,
            artifacts: vec![Artifact {
                sha256: crate::digest::sha256(b"x"),
                size: 1,
                ..artifact("../../evil")
            }],
            ..Manifest::default()
        };
        let mut archive = tar::Builder::new(File::create(&path).unwrap());
        let mut put = |name: &str, bytes: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_mode(0o644);
            header.set_cksum();
            archive.append(&header, bytes).unwrap();
        };
        put(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
        put(SIGNATURE, &[b'\n'; SIGNATURE_SIZE]);
        put("../../evil", b"x");
        archive.finish().unwrap();
        let refused = Bundle::open(&path).unwrap_err();
        assert!(refused.to_string().contains("leads out"), "{refused}");
    }

    #[test]
    fn a_program_of_another_architecture_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b.tar");
        let mut builder = Builder::new(None);
        let mut program = b"\x7fELF\x02\x01\x01".to_vec();
        program.resize(64, 0);
        program[18] = 183;
        let meta = Artifact { kind: Kind::Program, arch: Some("amd64".into()), ..artifact("bin/amd64/etcd") };
        builder.add(meta, Content::Bytes(program.into())).unwrap();
        builder.write(&path).unwrap();
        let refused = Bundle::open(&path).unwrap().verify().unwrap_err();
        assert!(refused.to_string().contains("program for arm64, not for amd64"), "{refused}");
    }

    #[test]
    fn a_signature_holds_for_its_key_and_its_manifest_only() {
        let (dir, path) = sample();
        let (_, public) = SigningKey::generate(&dir.path().join("one")).unwrap();
        let (_, other) = SigningKey::generate(&dir.path().join("two")).unwrap();
        let refused = Bundle::open(&path).unwrap().check_signature(&public).unwrap_err();
        assert!(refused.to_string().contains("not signed"), "{refused}");
        let before = std::fs::metadata(&path).unwrap().len();
        SigningKey::read(&dir.path().join("one")).unwrap().sign(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), before);
        let bundle = Bundle::open(&path).unwrap();
        bundle.verify().unwrap();
        bundle.check_signature(&public).unwrap();
        assert_eq!(bundle.signer(), Some(public.base64().as_str()));
        assert!(
            bundle.check_signature(&other).unwrap_err().to_string().contains("not with the configured one")
        );
        let mut bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(6).position(|window| window == b"1.36.2").unwrap();
        bytes[at + 5] = b'3';
        std::fs::write(&path, bytes).unwrap();
        let changed = Bundle::open(&path).unwrap().check_signature(&public).unwrap_err();
        assert!(changed.to_string().contains("changed after it was signed"), "{changed}");
    }
}
