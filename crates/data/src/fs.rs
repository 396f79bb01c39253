//! Files of the controller: every error names the path, and what is written is there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Diagnose, Diagnostic, Place, Source, Span};

/// The largest file that is read as a playbook, an inventory or variables, in bytes. Each byte of such a text may take a hundred in memory.
pub const LARGEST_TEXT: u64 = 32 << 20;

/// A file operation that failed.
#[derive(Debug, thiserror::Error)]
pub enum FsError {
    /// The system refused.
    #[error("cannot {action} `{}`: {}", path.display(), reason(error))]
    Io {
        /// What was tried: `read`, `write`, ...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        #[source]
        error: io::Error,
    },
    /// The file is too large to be read as a playbook, an inventory or variables.
    #[error("`{}` is too large: {} MiB, where {} MiB are read at most", path.display(), bytes >> 20, LARGEST_TEXT >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// The file is not UTF-8 text.
    #[error("{place}: the file is not UTF-8 text")]
    NotText {
        /// The first bytes that are not UTF-8, shown in a text in which they are replaced.
        place: Place,
    },
}

impl FsError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io { action, path: path.to_owned(), error }
    }

    /// Whether the file is simply not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { error, .. } if error.kind() == io::ErrorKind::NotFound)
    }
}

impl Diagnose for FsError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        vec![match self {
            Self::Io { error, .. } => {
                let found = Diagnostic::error(self.to_string());
                match error.kind() {
                    io::ErrorKind::PermissionDenied => {
                        found.help("run as a user who may, or change the file's owner or mode")
                    }
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                        found.help("free some space on this file system and run again")
                    }
                    _ => found,
                }
            }
            Self::TooLarge { .. } => Diagnostic::error(self.to_string()).help(
                "is it the file you meant? Large files are copied with `copy`, not read as YAML or INI",
            ),
            Self::NotText { place } => {
                Diagnostic::error(format!("`{}` is not UTF-8 text", place.source.name()))
                    .at(place, "these bytes are not UTF-8")
                    .help("save the file as UTF-8; `iconv -f gbk -t utf-8` or the like converts it")
            }
        }]
    }
}

/// The system's words, without the number that Rust adds.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// The bytes of a file.
///
/// # Errors
/// The system's refusal, with the path.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<u8>, FsError> {
    let path = path.as_ref();
    fs::read(path).map_err(FsError::io("read", path))
}

/// A file of text as a [`Source`] under its path as given; pipes and devices too, up to the same size.
///
/// # Errors
/// The system's refusal, a file beyond [`LARGEST_TEXT`], or bytes that are not UTF-8, with their place.
pub fn read_source(path: impl AsRef<Path>) -> Result<Arc<Source>, FsError> {
    let path = path.as_ref();
    let name = path.display().to_string();
    match String::from_utf8(read_bounded(path)?) {
        Ok(text) => Ok(Source::new(name, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let source = Source::new(name, String::from_utf8_lossy(error.as_bytes()));
            Err(FsError::NotText { place: Place::new(&source, Span::new(at, at + '\u{fffd}'.len_utf8())) })
        }
    }
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, FsError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(FsError::io("read", path))?;
    let size = file.metadata().map_or(0, |found| found.len());
    if size <= LARGEST_TEXT {
        // What grows while it is read, and what has no size, ends at the limit too.
        file.take(LARGEST_TEXT + 1).read_to_end(&mut bytes).map_err(FsError::io("read", path))?;
    }
    let size = size.max(bytes.len() as u64);
    if size > LARGEST_TEXT {
        return Err(FsError::TooLarge { path: path.to_owned(), bytes: size });
    }
    Ok(bytes)
}

/// The paths in a folder, sorted by name, so that nothing depends on the order of the disk.
///
/// # Errors
/// The system's refusal, with the path.
pub fn list(path: impl AsRef<Path>) -> Result<Vec<PathBuf>, FsError> {
    let path = path.as_ref();
    let entries = fs::read_dir(path).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()
    });
    let mut paths = entries.map_err(FsError::io("list", path))?;
    paths.sort();
    Ok(paths)
}

/// Makes a folder and those above it.
///
/// # Errors
/// The system's refusal, with the path.
pub fn create_folder(path: impl AsRef<Path>) -> Result<(), FsError> {
    let path = path.as_ref();
    fs::create_dir_all(path).map_err(FsError::io("create folder", path))
}

/// Writes a whole file: a new one beside it, flushed to the disk, takes its name. Nobody ever sees half of it.
///
/// `mode` is that of the new file from its first byte on; `None` keeps that of the file it replaces, or 0644. A symbolic link is followed.
///
/// # Errors
/// The system's refusal, with the path; the old file is then as it was.
pub fn write_atomic(path: impl AsRef<Path>, bytes: &[u8], mode: Option<u32>) -> Result<(), FsError> {
    let path = path.as_ref();
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mode = mode
        .or_else(|| fs::metadata(&target).ok().map(|old| old.permissions().mode() & 0o7777))
        .unwrap_or(0o644);
    let temporary = beside(&target);
    let written = write_new(&temporary, bytes, mode).and_then(|()| fs::rename(&temporary, &target));
    if written.is_err() {
        // What is left of a failed write helps nobody; the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(FsError::io("write", path))?;
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(FsError::io("write", path))
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    // The umask may have taken bits that were asked for.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A name in the same folder that no other writer of this or another process uses.
fn beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".{name}.{}-{count}.tmp", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_has_its_mode_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        write_atomic(&path, b"one", Some(0o600)).unwrap();
        write_atomic(&path, b"two", None).unwrap();
        assert_eq!(read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(list(folder.path()).unwrap(), [path]);
    }

    #[test]
    fn a_link_is_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("real"), folder.path().join("link"));
        write_atomic(&path, b"one", None).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write_atomic(&link, b"two", None).unwrap();
        assert_eq!(read(&path).unwrap(), b"two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn errors_name_the_path() {
        let error = read("/nonexistent/vars.yml").unwrap_err();
        assert!(error.is_missing());
        assert_eq!(error.to_string(), "cannot read `/nonexistent/vars.yml`: no such file or directory");
        assert!(
            write_atomic("/nonexistent/x", b"", None).unwrap_err().to_string().contains("`/nonexistent/x`")
        );
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vars.yml");
        File::create(&path).unwrap().set_len(100 << 20).unwrap();
        let error = read_source(&path).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("`{}` is too large: 100 MiB, where 32 MiB are read at most", path.display())
        );
        assert!(matches!(read_source("/dev/zero"), Err(FsError::TooLarge { .. })));
    }

    #[test]
    fn bytes_that_are_not_text_are_refused_with_their_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vars.yml");
        fs::write(&path, b"a: 1\nb: \xb0\xa1\n").unwrap();
        let error = read_source(&path).unwrap_err();
        assert!(error.diagnostics()[0].place().unwrap().to_string().ends_with("vars.yml:2:4"));
    }
}
