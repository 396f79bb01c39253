//! Content by its SHA-256: sent at most once a host, small in memory, large in the agent's folder.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::hex;

/// Content up to this size stays in memory.
const IN_MEMORY: u64 = 1024 * 1024;

/// One piece of content.
#[derive(Clone, Debug)]
pub enum Blob {
    /// In memory.
    Memory(std::sync::Arc<[u8]>),
    /// In a file: of the agent's folder, or a lent one.
    File(PathBuf),
    /// Somewhere in this process's reach: put together when it is read.
    Lent(Lent),
}

/// Content that its owner opens, such as a stretch of a larger file.
#[derive(Clone)]
pub struct Lent(std::sync::Arc<dyn Fn() -> io::Result<Box<dyn Read>> + Send + Sync>);

impl std::fmt::Debug for Lent {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Lent")
    }
}

impl Blob {
    /// A reader from its beginning.
    ///
    /// # Errors
    /// If the file can no longer be opened.
    pub fn open(&self) -> io::Result<Box<dyn Read>> {
        Ok(match self {
            Self::Memory(bytes) => Box::new(io::Cursor::new(bytes.clone())),
            Self::File(path) => Box::new(File::open(path)?),
            Self::Lent(Lent(open)) => open()?,
        })
    }
}

/// What content a host has received.
#[derive(Debug, Default)]
pub struct BlobStore {
    blobs: Mutex<HashMap<String, Blob>>,
    lent: Mutex<HashMap<String, Blob>>,
    /// Where content went that was moved out of the folder. Others may have changed it since.
    moved: Mutex<HashMap<String, PathBuf>>,
    folder: Option<PathBuf>,
}

impl BlobStore {
    /// A store that keeps large content in `folder`; without one everything stays in memory.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { blobs: Mutex::default(), lent: Mutex::default(), moved: Mutex::default(), folder }
    }

    /// The content of this SHA-256 (lower-case hex), if it came.
    pub fn get(&self, sha256: &str) -> Option<Blob> {
        let lent = || self.lent.lock().unwrap_or_else(PoisonError::into_inner).get(sha256).cloned();
        // Copying back locks again: the guard must be gone by then.
        let known = self.lock().get(sha256).cloned();
        known.or_else(lent).or_else(|| self.copy_back(sha256))
    }

    /// A reader of the content where it lies now, also after it was moved to its place. Others may have changed it there: whoever reads it
    /// compares its hash.
    pub fn peek(&self, sha256: &str) -> Option<Box<dyn Read>> {
        let known = self.lock().get(sha256).cloned();
        let lent = || self.lent.lock().unwrap_or_else(PoisonError::into_inner).get(sha256).cloned();
        if let Some(reader) = known.or_else(lent).and_then(|blob| blob.open().ok()) {
            return Some(reader);
        }
        let path = self.moved.lock().unwrap_or_else(PoisonError::into_inner).get(sha256).cloned()?;
        Some(Box::new(File::open(path).ok()?))
    }

    /// Gives a file of this content away: `take` renames it to where it shall be, or says that it cannot. Returns whether it did. The
    /// content need not be sent again for another task: it is read back from `dest` if it is still there.
    ///
    /// # Errors
    /// Those of `take`.
    pub fn move_to<E>(
        &self,
        sha256: &str,
        dest: &Path,
        take: impl FnOnce(&Path) -> Result<bool, E>,
    ) -> Result<bool, E> {
        let Some(Blob::File(path)) = self.lock().get(sha256).cloned() else { return Ok(false) };
        if !take(&path)? {
            return Ok(false);
        }
        self.lock().remove(sha256);
        self.moved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(sha256.to_string(), dest.to_path_buf());
        Ok(true)
    }

    /// Content that was moved away, copied back from there; only if it is still what its name says.
    fn copy_back(&self, sha256: &str) -> Option<Blob> {
        let path = self.moved.lock().unwrap_or_else(PoisonError::into_inner).remove(sha256)?;
        let mut file = File::open(path).ok()?;
        let mut receiving = self.receive(sha256, file.metadata().ok()?.len()).ok()?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match file.read(&mut buffer).ok()? {
                0 => break,
                count => receiving.push(&buffer[..count]).ok()?,
            }
        }
        self.finish(receiving).ok()?;
        self.lock().get(sha256).cloned()
    }

    /// Knows a file of somebody else, which stays where it is: content of the same machine need not be copied.
    pub fn lend(&self, sha256: &str, path: PathBuf) {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner).insert(sha256.to_string(), Blob::File(path));
    }

    /// Knows content that `open` reads from its beginning, each time it is called.
    pub fn lend_reader(
        &self,
        sha256: &str,
        open: impl Fn() -> io::Result<Box<dyn Read>> + Send + Sync + 'static,
    ) {
        let blob = Blob::Lent(Lent(std::sync::Arc::new(open)));
        self.lent.lock().unwrap_or_else(PoisonError::into_inner).insert(sha256.to_string(), blob);
    }

    /// Keeps bytes; returns their SHA-256.
    pub fn put(&self, bytes: &[u8]) -> String {
        let name = hex::encode(&Sha256::digest(bytes));
        self.lock().insert(name.clone(), Blob::Memory(bytes.into()));
        name
    }

    /// Begins to receive content of a known hash and size.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn receive(&self, sha256: &str, size: u64) -> io::Result<Receiving> {
        let sink = match &self.folder {
            Some(folder) if size > IN_MEMORY => {
                let file = tempfile::Builder::new().prefix("blob-").tempfile_in(folder)?;
                Sink::File(file)
            }
            _ => Sink::Memory(Vec::new()),
        };
        Ok(Receiving { sha256: sha256.to_string(), size, seen: 0, hash: Sha256::new(), sink })
    }

    /// Keeps content that has come whole.
    ///
    /// # Errors
    /// If its size or hash is not what was promised, or it cannot be kept.
    pub fn finish(&self, received: Receiving) -> io::Result<()> {
        let (sha256, sink) = received.checked()?;
        let blob = match sink {
            Sink::Memory(bytes) => Blob::Memory(bytes.into()),
            Sink::File(file) => {
                let (_, path) = file.keep().map_err(|error| error.error)?;
                Blob::File(path)
            }
        };
        self.lock().insert(sha256, blob);
        Ok(())
    }

    /// Leaves content that has come whole in its file, for another agent of the same user to [`Self::adopt`].
    ///
    /// # Errors
    /// As [`Self::finish`]; and small content, which has no file.
    pub fn lay(&self, received: Receiving) -> io::Result<LaidFile> {
        let Sink::File(file) = received.checked()?.1 else {
            return Err(io::Error::other("content this small is not laid down in a file"));
        };
        let about = file.as_file().metadata()?;
        let (_, path) = file.keep().map_err(|error| error.error)?;
        Ok(LaidFile { path, size: about.len(), device: about.dev(), inode: about.ino() })
    }

    /// Takes over content that another agent of the same user has checked and laid down. It must be the very file that was written then:
    /// no link, nothing put in its place, and for nobody else to write.
    ///
    /// # Errors
    /// It is another file, or not on the file system of our folder.
    pub fn adopt(&self, sha256: &str, laid: &LaidFile) -> io::Result<()> {
        let refused = |why: &str| Err(io::Error::other(format!("{}: {why}", laid.path.display())));
        let Some(folder) = &self.folder else { return refused("there is no folder to keep it in") };
        // The name that the file gets is one nobody has; it is renamed over the empty file that holds the name.
        let name = tempfile::Builder::new().prefix("blob-").tempfile_in(folder)?.into_temp_path();
        fs::rename(&laid.path, &name)?;
        let about = fs::symlink_metadata(&name)?;
        let same = about.is_file()
            && (about.dev(), about.ino(), about.len()) == (laid.device, laid.inode, laid.size)
            && about.uid() == rustix::process::geteuid().as_raw()
            && about.mode() & 0o077 == 0;
        if !same {
            return refused("it is not the file that was laid down");
        }
        let path = name.keep().map_err(|error| error.error)?;
        self.lock().insert(sha256.to_string(), Blob::File(path));
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Blob>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for BlobStore {
    fn drop(&mut self) {
        for blob in self.lock().values() {
            if let Blob::File(path) = blob {
                // Best effort: the folder is the agent's own and is pruned at its next start.
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// A file of content, as one agent tells another of it through the controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaidFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Its file system.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
}

/// Content on its way in.
#[derive(Debug)]
pub struct Receiving {
    sha256: String,
    size: u64,
    seen: u64,
    hash: Sha256,
    sink: Sink,
}

#[derive(Debug)]
enum Sink {
    Memory(Vec<u8>),
    File(tempfile::NamedTempFile),
}

impl Receiving {
    /// Whether all that was promised has come.
    pub fn is_whole(&self) -> bool {
        self.seen >= self.size
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// If more comes than was promised, or the file cannot be written.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.seen += bytes.len() as u64;
        if self.seen > self.size {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "more content came than was promised"));
        }
        self.hash.update(bytes);
        match &mut self.sink {
            Sink::Memory(all) => all.extend_from_slice(bytes),
            Sink::File(file) => file.write_all(bytes)?,
        }
        Ok(())
    }

    /// Its name and what it went into, if all of it came as promised.
    fn checked(self) -> io::Result<(String, Sink)> {
        let found = hex::encode(&self.hash.finalize());
        if self.seen != self.size || found != self.sha256 {
            let said = format!("content {} came with {} bytes and hash {found}", self.sha256, self.seen);
            return Err(io::Error::new(io::ErrorKind::InvalidData, said));
        }
        Ok((self.sha256, self.sink))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_kept_only_when_its_hash_is_right() {
        let store = BlobStore::new(None);
        let name = hex::encode(&Sha256::digest(b"hello"));
        let mut good = store.receive(&name, 5).unwrap();
        good.push(b"hel").unwrap();
        good.push(b"lo").unwrap();
        store.finish(good).unwrap();
        assert!(store.get(&name).is_some());

        let mut bad = store.receive("00", 5).unwrap();
        bad.push(b"hello").unwrap();
        assert!(store.finish(bad).is_err());
        assert!(store.get("00").is_none());
    }

    #[test]
    fn more_than_promised_is_refused_at_once() {
        let store = BlobStore::new(None);
        assert!(store.receive("00", 2).unwrap().push(b"hello").is_err());
    }

    #[test]
    fn a_lent_file_outlives_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("theirs");
        fs::write(&path, b"hello").unwrap();
        let store = BlobStore::new(None);
        store.lend("00", path.clone());
        let mut text = String::new();
        store.get("00").unwrap().open().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        drop(store);
        assert!(path.exists());
    }

    #[test]
    fn content_that_was_moved_away_is_read_back_only_while_it_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let dest = folder.path().join("dest");
        let bytes = vec![7; IN_MEMORY as usize + 1];
        let name = hex::encode(&Sha256::digest(&bytes));
        for tampered in [false, true] {
            let store = BlobStore::new(Some(folder.path().to_path_buf()));
            let mut coming = store.receive(&name, bytes.len() as u64).unwrap();
            coming.push(&bytes).unwrap();
            store.finish(coming).unwrap();
            assert!(store.move_to(&name, &dest, |path| fs::rename(path, &dest).map(|()| true)).unwrap());
            if tampered {
                fs::write(&dest, vec![8; bytes.len()]).unwrap();
            }
            assert_eq!(store.get(&name).is_some(), !tampered);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn lent_content_is_opened_anew_each_time() {
        let store = BlobStore::new(None);
        store.lend_reader("00", || Ok(Box::new(&b"hello"[..])));
        for _ in 0..2 {
            let mut text = String::new();
            store.get("00").unwrap().open().unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "hello");
        }
    }

    #[test]
    fn large_content_lives_in_the_folder_until_the_store_goes() {
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::new(Some(folder.path().to_path_buf()));
        let bytes = vec![7; IN_MEMORY as usize + 1];
        let name = hex::encode(&Sha256::digest(&bytes));
        let mut coming = store.receive(&name, bytes.len() as u64).unwrap();
        coming.push(&bytes).unwrap();
        store.finish(coming).unwrap();
        assert!(matches!(store.get(&name), Some(Blob::File(_))));
        drop(store);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn laid_content_is_adopted_only_while_it_is_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = vec![7; IN_MEMORY as usize + 1];
        let name = hex::encode(&Sha256::digest(&bytes));
        let laid = || {
            let store = BlobStore::new(Some(folder.path().to_path_buf()));
            let mut coming = store.receive(&name, bytes.len() as u64).unwrap();
            coming.push(&bytes).unwrap();
            store.lay(coming).unwrap()
        };
        let adopt = |laid: &LaidFile| {
            let store = BlobStore::new(Some(folder.path().to_path_buf()));
            store.adopt(&name, laid).map(|()| {
                let mut found = Vec::new();
                store.get(&name).unwrap().open().unwrap().read_to_end(&mut found).unwrap();
                assert!(found == bytes);
            })
        };
        adopt(&laid()).unwrap();
        let replaced = laid();
        fs::rename(&replaced.path, folder.path().join("aside")).unwrap();
        fs::write(&replaced.path, &bytes).unwrap();
        assert!(adopt(&replaced).is_err());
        let linked = laid();
        fs::rename(&linked.path, folder.path().join("aside")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("aside"), &linked.path).unwrap();
        assert!(adopt(&linked).is_err());
        let shared = laid();
        fs::set_permissions(&shared.path, std::os::unix::fs::PermissionsExt::from_mode(0o620)).unwrap();
        assert!(adopt(&shared).is_err());
        let gone = laid();
        fs::remove_file(&gone.path).unwrap();
        assert!(adopt(&gone).is_err());
        // Nothing of what was refused stays, but what the test put aside.
        fs::remove_file(folder.path().join("aside")).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
