//! Bytes for a host, named by their SHA-256: small ones travel inside the request, large ones once a host.

pub(super) mod bulk;
mod fan_out;
mod giving;
mod sharing;
mod sums;

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use modules::BlobStore;
use sha2::{Digest, Sha256};

pub use fan_out::FanOut;

/// A SHA-256 of content.
pub type ContentHash = [u8; 32];

/// Content that a request may refer to by its hash.
#[derive(Clone, Debug)]
pub struct Content {
    hash: ContentHash,
    size: u64,
    bytes: Bytes,
    fan_out: Option<Arc<FanOut>>,
    wants_sums: bool,
}

#[derive(Clone, Debug)]
enum Bytes {
    Memory(Arc<[u8]>),
    File(PathBuf),
    Parts(Arc<[Part]>),
}

/// A piece of content that is put together from several.
#[derive(Clone, Debug)]
pub enum Part {
    /// In memory.
    Bytes(Arc<[u8]>),
    /// A stretch of a file of the controller.
    Range {
        /// The file.
        path: PathBuf,
        /// Where it begins.
        offset: u64,
        /// Its length.
        size: u64,
    },
}

impl Part {
    fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Range { size, .. } => *size,
        }
    }

    fn open(&self) -> io::Result<Box<dyn Read>> {
        Ok(match self {
            Self::Bytes(bytes) => Box::new(io::Cursor::new(bytes.clone())),
            Self::Range { path, offset, size } => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(*offset))?;
                Box::new(file.take(*size))
            }
        })
    }
}

/// Reads parts one after the other; each is opened when its turn comes.
struct PartsReader {
    parts: Arc<[Part]>,
    next: usize,
    current: Option<Box<dyn Read>>,
}

impl Read for PartsReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(current) = &mut self.current {
                match current.read(buffer)? {
                    0 if !buffer.is_empty() => self.current = None,
                    count => return Ok(count),
                }
            }
            let Some(part) = self.parts.get(self.next) else { return Ok(0) };
            self.current = Some(part.open()?);
            self.next += 1;
        }
    }
}

impl Content {
    /// Content in memory.
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        Self {
            hash: Sha256::digest(&bytes).into(),
            size: bytes.len() as u64,
            bytes: Bytes::Memory(bytes),
            fan_out: None,
            wants_sums: false,
        }
    }

    /// Content of a file of the controller; read once now for its hash, and again when it is sent. A large file that has not changed is
    /// read for its hash once a process, however many hosts get it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn from_file(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let about = file.metadata()?;
        if about.len() < WORTH_REMEMBERING {
            let (hash, size) = hash_of(file)?;
            return Ok(Self {
                hash,
                size,
                bytes: Bytes::File(path.to_owned()),
                fan_out: None,
                wants_sums: false,
            });
        }
        let known = known_hash(FileState::of(&about));
        // Hosts that want the same file at once wait for the first of them.
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let (hash, size) = match *known {
            Some(found) => found,
            None => *known.insert(hash_of(file)?),
        };
        Ok(Self { hash, size, bytes: Bytes::File(path.to_owned()), fan_out: None, wants_sums: false })
    }

    /// Content put together from parts. With `hash` nothing is read now; it must be the content's, or the host refuses it.
    ///
    /// # Errors
    /// A part cannot be read, where there is no `hash`.
    pub fn from_parts(parts: impl Into<Arc<[Part]>>, hash: Option<ContentHash>) -> io::Result<Self> {
        let parts = parts.into();
        let size = parts.iter().map(Part::size).sum();
        let hash = match hash {
            Some(hash) => hash,
            None => hash_of(PartsReader { parts: parts.clone(), next: 0, current: None })?.0,
        };
        Ok(Self { hash, size, bytes: Bytes::Parts(parts), fan_out: None, wants_sums: false })
    }

    /// The same, which hosts may give on to each other. It must be no secret: it crosses the network between them as it is.
    #[must_use]
    pub fn shared_by(mut self, fan_out: &Arc<FanOut>) -> Self {
        self.fan_out = Some(Arc::clone(fan_out));
        self
    }

    /// The same, whose MD5 somebody will ask for if it is sent.
    #[must_use]
    pub(crate) fn with_sums(mut self) -> Self {
        self.wants_sums = true;
        self
    }

    /// Whether somebody will ask for its MD5.
    pub(crate) fn wants_sums(&self) -> bool {
        self.wants_sums
    }

    /// Who gives it on, if hosts may.
    pub(crate) fn fan_out(&self) -> Option<&Arc<FanOut>> {
        self.fan_out.as_ref()
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
            Bytes::Parts(parts) => parts.iter().find_map(|part| match part {
                Part::Range { path, .. } => Some(path.as_path()),
                Part::Bytes(_) => None,
            }),
        }
    }

    /// Lets modules in this process read it where it is.
    pub(crate) fn lend_to(&self, store: &BlobStore) {
        match &self.bytes {
            Bytes::Memory(bytes) => drop(store.put(bytes)),
            Bytes::File(path) => store.lend(&self.hex(), path.clone()),
            Bytes::Parts(parts) => {
                let parts = parts.clone();
                let open = move || -> io::Result<Box<dyn Read>> {
                    Ok(Box::new(PartsReader { parts: parts.clone(), next: 0, current: None }))
                };
                store.lend_reader(&self.hex(), open);
            }
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
            Bytes::Parts(parts) => Box::new(PartsReader { parts: parts.clone(), next: 0, current: None }),
        })
    }
}

/// Files from this size on have their hash remembered.
pub(super) const WORTH_REMEMBERING: u64 = 1024 * 1024;

/// What tells a file from others and from itself at another time.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct FileState {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileState {
    fn of(about: &Metadata) -> Self {
        Self {
            device: about.dev(),
            inode: about.ino(),
            size: about.size(),
            modified: (about.mtime(), about.mtime_nsec()),
            changed: (about.ctime(), about.ctime_nsec()),
        }
    }
}

/// A file's hash and size, once somebody has read it.
type KnownHash = Arc<Mutex<Option<(ContentHash, u64)>>>;

/// The place for the hash of a file in this state.
fn known_hash(state: FileState) -> KnownHash {
    static KNOWN: OnceLock<Mutex<HashMap<FileState, KnownHash>>> = OnceLock::new();
    let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(known.entry(state).or_default())
}

fn hash_of(mut file: impl Read) -> io::Result<(ContentHash, u64)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut size = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((hasher.finalize().into(), size)),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                size += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
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

    #[test]
    fn a_large_file_that_changed_has_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut bytes = vec![1; WORTH_REMEMBERING as usize];
        std::fs::write(&path, &bytes).unwrap();
        let first = Content::from_file(&path).unwrap();
        assert_eq!(first.hash(), Content::from_file(&path).unwrap().hash());
        bytes[0] = 2;
        std::fs::write(folder.path().join("b"), &bytes).unwrap();
        std::fs::rename(folder.path().join("b"), &path).unwrap();
        assert_eq!(Content::from_file(&path).unwrap().hash(), Content::from_bytes(bytes).hash());
    }

    #[test]
    fn parts_read_as_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"xxabcxx").unwrap();
        let parts = || {
            vec![
                Part::Bytes(Arc::from(&b"<"[..])),
                Part::Range { path: path.clone(), offset: 2, size: 3 },
                Part::Bytes(Arc::from(&b">"[..])),
            ]
        };
        let whole = Content::from_bytes(&b"<abc>"[..]);
        let content = Content::from_parts(parts(), None).unwrap();
        assert_eq!((content.hash(), content.size()), (whole.hash(), 5));
        let mut text = String::new();
        content.open().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "<abc>");
        let store = BlobStore::new(None);
        Content::from_parts(parts(), Some(whole.hash())).unwrap().lend_to(&store);
        let mut lent = String::new();
        store.get(&whole.hex()).unwrap().open().unwrap().read_to_string(&mut lent).unwrap();
        assert_eq!(lent, "<abc>");
    }
}
