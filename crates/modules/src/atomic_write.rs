//! Files that are there whole or not at all: written beside their place, flushed to the disk, then renamed. The flush of large ones is not
//! waited for (see `write_behind`).

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use jiff::Zoned;
use tempfile::NamedTempFile;

use crate::file_attributes::{copy_attributes, copy_owner, umask};
use crate::{Context, Failure, write_behind};

/// A file on its way: write to it, then [`Self::replace`] what is in its place. Dropped before that, it leaves nothing.
#[derive(Debug)]
pub struct AtomicFile {
    file: NamedTempFile,
    dest: PathBuf,
    secret: bool,
}

impl AtomicFile {
    /// Begins a new content for `dest`. Links are followed, so that the link stays and its target changes.
    ///
    /// # Errors
    /// If the folder is not there or cannot be written.
    pub fn begin(dest: &Path) -> Result<Self, Failure> {
        Self::begin_at(fs::canonicalize(dest).unwrap_or_else(|_| dest.to_path_buf()))
    }

    /// As [`Self::begin`], but where `dest` is a link, the file takes the place of the link.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn begin_in_place_of_link(dest: &Path) -> Result<Self, Failure> {
        Self::begin_at(dest.to_path_buf())
    }

    fn begin_at(dest: PathBuf) -> Result<Self, Failure> {
        let folder = parent(&dest);
        // The end of the name is kept: programs that check the file may look at it.
        let suffix = dest.extension().map(|end| format!(".{}", end.to_string_lossy())).unwrap_or_default();
        let file = tempfile::Builder::new()
            .prefix(".taskbox-")
            .suffix(&suffix)
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(folder);
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                Failure::new(format!("Destination directory {} does not exist", folder.display()))
            }
            io::ErrorKind::PermissionDenied => Failure::new(format!(
                "The destination directory {} is not writable by the current user.",
                folder.display()
            )),
            _ => Failure::io("could not write in", folder, &error),
        })?;
        Ok(Self { file, dest, secret: false })
    }

    /// Nobody but the owner reads it, from the first byte on: it takes its place with mode 0600 whatever was there before, and who wants
    /// another mode sets it afterwards.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Where the new content is until it takes its place.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Takes all of a reader.
    ///
    /// # Errors
    /// If reading or writing fails, for example on a full disk.
    pub fn fill(&mut self, mut from: impl Read) -> Result<u64, Failure> {
        io::copy(&mut from, &mut self.file)
            .map_err(|error| Failure::io("could not write", &self.dest, &error))
    }

    /// Takes a file of our own as its content by renaming it; false if that cannot be done here and the content must be copied: on another
    /// file system, or where a file gets its label or access list from the folder it was made in.
    ///
    /// # Errors
    /// If the file cannot be opened again after it was renamed.
    pub fn adopt(&mut self, from: &Path) -> Result<bool, Failure> {
        let folder = parent(&self.dest);
        let marked = ["security.selinux", "system.posix_acl_default"]
            .iter()
            .any(|name| rustix::fs::getxattr(folder, *name, &mut [0_u8; 256][..]).is_ok_and(|size| size > 0));
        if marked || fs::rename(from, self.file.path()).is_err() {
            return Ok(false);
        }
        let file = File::options().read(true).write(true).open(self.file.path());
        *self.file.as_file_mut() =
            file.map_err(|error| Failure::io("could not write", &self.dest, &error))?;
        Ok(true)
    }

    /// Puts it in its place. What was there passes on its owner, mode, SELinux label and access lists; a new file gets what a file made
    /// in that folder gets.
    ///
    /// # Errors
    /// If the system refuses. `unsafe_writes` then writes in place where that is the only way.
    pub fn replace(self, unsafe_writes: bool) -> Result<(), Failure> {
        let Self { mut file, dest, secret } = self;
        let fail = |error: io::Error| Failure::io("could not write", &dest, &error);
        file.flush().map_err(fail)?;
        match (dest.exists(), secret) {
            (true, true) => copy_owner(&dest, file.path()),
            (true, false) => copy_attributes(&dest, file.path()),
            (false, true) => Ok(()),
            (false, false) => attributes_of_new(file.path(), &dest),
        }
        .map_err(fail)?;
        write_behind::flush(file.as_file()).map_err(fail)?;
        match file.persist(&dest) {
            Ok(_) => {}
            Err(error) if unsafe_writes => write_in_place(error.file.path(), &dest).map_err(fail)?,
            Err(error) => {
                let help = if error.error.kind() == io::ErrorKind::ResourceBusy {
                    "; it may be a mount point, where only `unsafe_writes: true` helps"
                } else {
                    ""
                };
                return Err(Failure::new(format!(
                    "Could not replace {}: {}{help}",
                    dest.display(),
                    error.error
                )));
            }
        }
        sync_folder(parent(&dest));
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes a file as [`AtomicFile`] does.
///
/// # Errors
/// As [`AtomicFile::begin`] and [`AtomicFile::replace`].
pub fn write(dest: &Path, bytes: &[u8], unsafe_writes: bool) -> Result<(), Failure> {
    let mut file = AtomicFile::begin(dest)?;
    file.fill(bytes)?;
    file.replace(unsafe_writes)
}

/// Copies a file beside itself under a name with the time, as `backup: true` asks; gives the new name. In check mode it only names it.
///
/// # Errors
/// If it cannot be copied.
pub fn backup(path: &Path, context: &Context) -> Result<String, Failure> {
    let time = Zoned::now().strftime("%Y-%m-%d@%H:%M:%S~").to_string();
    let name = format!("{}.{}.{time}", path.display(), std::process::id());
    if !context.check {
        let copy = Path::new(&name);
        let copied = fs::copy(path, copy).and_then(|_| copy_attributes(path, copy));
        copied.map_err(|error| {
            Failure::new(format!("Could not make backup of {} to {name}: {error}", path.display()))
        })?;
    }
    Ok(name)
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// What a file made in that folder gets: the umask's mode, and the folder's group where the folder says so.
fn attributes_of_new(file: &Path, dest: &Path) -> io::Result<()> {
    fs::set_permissions(file, fs::Permissions::from_mode(0o666 & !umask()))?;
    let folder = fs::metadata(parent(dest))?;
    if folder.mode() & 0o2000 != 0 {
        // Who may write in the folder may not be in its group; then the file keeps the writer's.
        let _ = chown(file, None, Some(folder.gid()));
    }
    Ok(())
}

fn write_in_place(from: &Path, dest: &Path) -> io::Result<()> {
    let mut target = File::options().write(true).truncate(true).open(dest)?;
    io::copy(&mut File::open(from)?, &mut target)?;
    target.sync_all()
}

/// The rename is on the disk only when the folder is. Not every file system can; the file itself is safe either way.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mode_stays_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        write(&path, b"new", false).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o604);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_secret_is_never_readable_by_others() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["new", "old"] {
            let path = folder.path().join(name);
            if name == "old" {
                fs::write(&path, "loose").unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            }
            let mut file = AtomicFile::begin(&path).unwrap().secret();
            file.fill(&b"key"[..]).unwrap();
            file.replace(false).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_file_given_up_leaves_the_old_one_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        let mut file = AtomicFile::begin(&path).unwrap();
        file.fill(&b"half"[..]).unwrap();
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write(&link, b"new", false).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"new");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let failure = write(Path::new("/no/such/folder/file"), b"", false).unwrap_err();
        assert_eq!(failure.msg, "Destination directory /no/such/folder does not exist");
    }

    #[test]
    fn a_backup_has_the_content_and_the_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let name = backup(&path, &Context::local()).unwrap();
        assert_eq!(fs::read(&name).unwrap(), b"old");
        assert_eq!(fs::metadata(&name).unwrap().mode() & 0o777, 0o640);
        let check = Context { check: true, ..Context::local() };
        let planned = backup(&folder.path().join("file"), &check).unwrap();
        assert!(planned.contains("/file."));
    }
}
