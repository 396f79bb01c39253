//! Files that are there whole or not at all: written without a name, or beside their place, flushed to the disk, then put in their place. The flush of
//! large ones is not waited for (see `write_behind`).

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Zoned;
use rustix::fs::{AtFlags, CWD, Mode, OFlags};

use crate::file_attributes::{copy_attributes, copy_owner, umask};
use crate::{Context, Failure, write_behind};

/// A file on its way: write to it, then [`Self::replace`] what is in its place. Dropped before that, it leaves nothing.
///
/// Where the file system can, it has no name until it takes its place, so that not even a process that is killed leaves anything.
#[derive(Debug)]
pub struct AtomicFile {
    file: File,
    dest: PathBuf,
    /// The name it has, or would have, beside its place.
    name: PathBuf,
    /// Where this process can read it.
    readable: PathBuf,
    /// Whether it has its name, which must go again if it does not take its place.
    named: bool,
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
        let name = beside(&dest);
        let folder = parent(&dest);
        if let Some((file, readable)) = nameless(folder) {
            return Ok(Self { file, dest, name, readable, named: false, secret: false });
        }
        let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&name);
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
        Ok(Self { file, dest, readable: name.clone(), name, named: true, secret: false })
    }

    /// Nobody but the owner reads it, from the first byte on: it takes its place with mode 0600 whatever was there before, and who wants
    /// another mode sets it afterwards.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Where this process can read the new content until it takes its place.
    pub fn path(&self) -> &Path {
        &self.readable
    }

    /// What results call the file that the new content came from.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Gives it a name now, for another program that looks at it.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn named(&mut self) -> Result<&Path, Failure> {
        if !self.named {
            link(&self.readable, &self.name)
                .map_err(|error| Failure::io("could not write in", parent(&self.dest), &error))?;
            self.readable.clone_from(&self.name);
            self.named = true;
        }
        Ok(&self.name)
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
        if marked {
            return Ok(false);
        }
        // It is on the disk before it has a name there, so that the time in which it has one is short.
        let Ok(file) = File::options().read(true).write(true).open(from) else { return Ok(false) };
        if write_behind::flush(&file).and_then(|()| fs::rename(from, &self.name)).is_err() {
            return Ok(false);
        }
        self.readable.clone_from(&self.name);
        (self.file, self.named) = (file, true);
        Ok(true)
    }

    /// Puts it in its place. What was there passes on its owner, mode, SELinux label and access lists; a new file gets what a file made
    /// in that folder gets.
    ///
    /// # Errors
    /// If the system refuses. `unsafe_writes` then writes in place where that is the only way.
    pub fn replace(mut self, unsafe_writes: bool) -> Result<(), Failure> {
        let dest = self.dest.clone();
        let fail = |error: io::Error| Failure::io("could not write", &dest, &error);
        match (self.dest.exists(), self.secret) {
            (true, true) => copy_owner(&self.dest, &self.readable),
            (true, false) => copy_attributes(&self.dest, &self.readable),
            (false, true) => Ok(()),
            (false, false) => attributes_of_new(&self.readable, &self.dest),
        }
        .map_err(fail)?;
        write_behind::flush(&self.file).map_err(fail)?;
        match self.take_place() {
            Ok(()) => {}
            Err(_) if unsafe_writes => write_in_place(&self.readable, &self.dest).map_err(fail)?,
            Err(error) => {
                let help = if error.kind() == io::ErrorKind::ResourceBusy {
                    "; it may be a mount point, where only `unsafe_writes: true` helps"
                } else {
                    ""
                };
                return Err(Failure::new(format!(
                    "Could not replace {}: {error}{help}",
                    self.dest.display()
                )));
            }
        }
        sync_folder(parent(&self.dest));
        Ok(())
    }

    fn take_place(&mut self) -> io::Result<()> {
        if !self.named {
            // Where nothing is yet, it needs no other name on the way.
            if fs::symlink_metadata(&self.dest).is_err() && link(&self.readable, &self.dest).is_ok() {
                return Ok(());
            }
            link(&self.readable, &self.name)?;
            self.named = true;
        }
        fs::rename(&self.name, &self.dest)?;
        self.named = false;
        Ok(())
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if self.named {
            // Nothing can be done about a name that will not go.
            let _ = fs::remove_file(&self.name);
        }
    }
}

/// A name beside a file that nobody else has. Its end is that of the file: programs that check it may look at that.
fn beside(dest: &Path) -> PathBuf {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let end = dest.extension().map(|end| format!(".{}", end.to_string_lossy())).unwrap_or_default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let count = LAST.fetch_add(1, Ordering::Relaxed);
    parent(dest).join(format!(".taskbox-{:x}-{now:x}-{count}{end}", std::process::id()))
}

/// A file without a name in a folder, and where this process can read it; `None` where the kernel or the file system cannot make one.
fn nameless(folder: &Path) -> Option<(File, PathBuf)> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(folder, flags, Mode::from_raw_mode(0o600)).ok()?);
    let readable = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    readable.exists().then_some((file, readable))
}

/// Gives a file without a name a name.
fn link(readable: &Path, name: &Path) -> io::Result<()> {
    Ok(rustix::fs::linkat(CWD, readable, CWD, name, AtFlags::SYMLINK_FOLLOW)?)
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
