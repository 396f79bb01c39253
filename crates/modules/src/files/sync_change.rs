//! The target's side of `synchronize`: what differs from the source, and making it the same.

use std::collections::HashSet;
use std::fs::{self, File, FileTimes, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::sync_tree::{Entry, Kind, Options};
use crate::atomic_write::AtomicFile;
use crate::{Failure, accounts, digest_of_file};

/// What will change.
#[derive(Default)]
pub(super) struct Plan {
    /// One line a change, as rsync itemizes it.
    pub(super) lines: Vec<String>,
    /// Paths of files whose content must come.
    pub(super) needed: Vec<String>,
    /// Paths of all entries that must be put, those of `needed` among them.
    pub(super) touched: Vec<String>,
}

/// The folder that becomes like the source.
pub(super) struct Target<'a> {
    dest: PathBuf,
    /// Whether a single file goes into `dest` rather than to that name.
    into: bool,
    options: &'a Options,
}

impl<'a> Target<'a> {
    pub(super) fn new(dest: PathBuf, written: &str, options: &'a Options) -> Result<Self, Failure> {
        let parent = dest.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
            return Err(Failure::new(format!(
                "the folder {} is not there; make it first, for example with `file: state=directory`",
                parent.display()
            )));
        }
        let into = written.ends_with('/') || dest.is_dir();
        Ok(Self { dest, into, options })
    }

    fn place(&self, entry: &Entry) -> Result<PathBuf, Failure> {
        if entry.alone && !self.into {
            return Ok(self.dest.clone());
        }
        if entry.path == "." {
            return Ok(self.dest.clone());
        }
        let mut place = self.dest.clone();
        let path = Path::new(&entry.path);
        for part in path.parent().into_iter().flat_map(Path::components) {
            place.push(part);
            if place.is_symlink() {
                let said = format!("{} would be written through the link {}", entry.path, place.display());
                return Err(Failure::new(said));
            }
        }
        Ok(self.dest.join(path))
    }

    /// Compares; changes nothing.
    pub(super) fn plan(&self, entries: &[Entry]) -> Result<Plan, Failure> {
        let mut plan = Plan::default();
        for entry in entries {
            let Some(flags) = self.differences(entry)? else { continue };
            let kind = match entry.kind {
                Kind::File => 'f',
                Kind::Folder => 'd',
                Kind::Link(_) => 'L',
            };
            let content = entry.is_file()
                && (flags.starts_with('+') || flags.contains(['c', 's']) || self.time_differs(entry)?);
            let update = match (content, flags.starts_with('+')) {
                (true, _) => self.options.arrow,
                (false, true) => 'c',
                (false, false) if matches!(entry.kind, Kind::Link(_)) => 'c',
                (false, false) => '.',
            };
            let name = match &entry.kind {
                Kind::Folder => format!("{}/", entry.path),
                Kind::Link(target) => format!("{} -> {target}", entry.path),
                Kind::File => entry.path.clone(),
            };
            plan.lines.push(format!("{update}{kind}{flags} {name}"));
            plan.touched.push(entry.path.clone());
            if content {
                plan.needed.push(entry.path.clone());
            }
        }
        let gone = self.strangers(entries)?;
        plan.lines.extend(gone.iter().map(|path| format!("*deleting   {path}")));
        Ok(plan)
    }

    fn time_differs(&self, entry: &Entry) -> Result<bool, Failure> {
        let place = self.place(entry)?;
        Ok(!self.options.checksum
            && fs::symlink_metadata(place).map_or(true, |there| there.mtime() != entry.seconds))
    }

    /// rsync's flags `cstpoguax` of what differs; nine plus signs for what is new; nothing if all is right.
    fn differences(&self, entry: &Entry) -> Result<Option<String>, Failure> {
        let place = self.place(entry)?;
        let Ok(there) = fs::symlink_metadata(&place) else {
            return Ok((!self.options.existing_only).then(|| "+++++++++".to_owned()));
        };
        let same_kind = match &entry.kind {
            Kind::File => there.is_file(),
            Kind::Folder => there.is_dir() || (place.is_dir() && entry.path == "."),
            Kind::Link(_) => there.is_symlink(),
        };
        if !same_kind {
            return Ok(Some("+++++++++".to_owned()));
        }
        let mut flags = ['.'; 9];
        match &entry.kind {
            Kind::Link(target) => {
                if !fs::read_link(&place).is_ok_and(|link| link.to_string_lossy() == *target) {
                    flags[0] = 'c';
                }
            }
            Kind::File => self.compare_content(entry, &place, &there, &mut flags)?,
            Kind::Folder => {}
        }
        let link = matches!(entry.kind, Kind::Link(_));
        if self.options.times && !link && there.mtime() != entry.seconds {
            flags[2] = 't';
        }
        if self.options.perms && !link && there.mode() & 0o7777 != entry.mode {
            flags[3] = 'p';
        }
        let (owner, group) = self.wanted_owner(entry);
        if owner.is_some_and(|owner| owner != there.uid()) {
            flags[4] = 'o';
        }
        if group.is_some_and(|group| group != there.gid()) {
            flags[5] = 'g';
        }
        let flags: String = flags.into_iter().collect();
        Ok((flags != ".........").then_some(flags))
    }

    fn compare_content(
        &self,
        entry: &Entry,
        place: &Path,
        there: &Metadata,
        flags: &mut [char; 9],
    ) -> Result<(), Failure> {
        if there.len() != entry.size {
            flags[1] = 's';
        }
        if self.options.checksum {
            let digest = digest_of_file::<sha2::Sha256>(place)
                .map_err(|error| Failure::io("could not read", place, &error))?;
            if entry.hash.as_ref() != Some(&digest) {
                flags[0] = 'c';
            }
        } else if there.mtime() != entry.seconds && !self.options.times {
            // As rsync marks a file that is sent for its time, which it is not told to keep.
            flags[2] = 'T';
        }
        Ok(())
    }

    /// Owner and group that are to be set, as far as this user may.
    fn wanted_owner(&self, entry: &Entry) -> (Option<u32>, Option<u32>) {
        let root = rustix::process::geteuid().is_root();
        let uid = || accounts::user(&entry.owner).map(|user| user.uid).or_else(|| entry.owner.parse().ok());
        let gid =
            || accounts::group(&entry.group).map(|group| group.gid).or_else(|| entry.group.parse().ok());
        (
            if self.options.owner && root { uid() } else { None },
            if self.options.group && root { gid() } else { None },
        )
    }

    /// Makes one entry as the source has it.
    pub(super) fn put(
        &self,
        entry: &Entry,
        open: impl Fn(&Entry) -> Result<Box<dyn Read>, Failure>,
    ) -> Result<(), Failure> {
        let place = self.place(entry)?;
        let failed = |error: io::Error| Failure::io("could not write", &place, &error);
        if self.into && entry.alone && !self.dest.exists() {
            fs::create_dir(&self.dest).map_err(|error| Failure::io("could not make", &self.dest, &error))?;
        }
        let there = fs::symlink_metadata(&place).ok();
        match &entry.kind {
            Kind::Folder => {
                if !place.is_dir() {
                    if there.is_some() {
                        fs::remove_file(&place).map_err(failed)?;
                    }
                    fs::create_dir_all(&place).map_err(failed)?;
                }
                return Ok(());
            }
            Kind::Link(target) => {
                if there.as_ref().is_some_and(Metadata::is_dir) {
                    return Err(Failure::new(format!(
                        "{} is a folder and cannot be replaced by a link",
                        place.display()
                    )));
                }
                if there.is_none_or(|there| {
                    !there.is_symlink()
                        || !fs::read_link(&place).is_ok_and(|link| link.to_string_lossy() == *target)
                }) {
                    if fs::symlink_metadata(&place).is_ok() {
                        fs::remove_file(&place).map_err(failed)?;
                    }
                    symlink(target, &place).map_err(failed)?;
                }
            }
            Kind::File => {
                if there.as_ref().is_some_and(Metadata::is_dir) {
                    return Err(Failure::new(format!(
                        "{} is a folder and cannot be replaced by a file",
                        place.display()
                    )));
                }
                let same_outside = there.is_some_and(|there| {
                    there.is_file() && there.len() == entry.size && there.mtime() == entry.seconds
                });
                if !same_outside || self.options.checksum {
                    let mut file = AtomicFile::begin_in_place_of_link(&place)?;
                    file.fill(open(entry)?)?;
                    file.replace(false)?;
                }
            }
        }
        self.set_attributes(entry, &place)
    }

    fn set_attributes(&self, entry: &Entry, place: &Path) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::io("could not set the attributes of", place, &error);
        let (owner, group) = self.wanted_owner(entry);
        if owner.is_some() || group.is_some() {
            lchown(place, owner, group).map_err(failed)?;
        }
        if matches!(entry.kind, Kind::Link(_)) {
            return Ok(());
        }
        if self.options.perms {
            fs::set_permissions(place, fs::Permissions::from_mode(entry.mode)).map_err(failed)?;
        }
        if self.options.times {
            let seconds = u64::try_from(entry.seconds).unwrap_or(0);
            let times = FileTimes::new().set_modified(UNIX_EPOCH + Duration::from_secs(seconds));
            // Reading is enough to set times; what its mode keeps even from us is left with the time of now.
            if let Ok(file) = File::open(place) {
                file.set_times(times).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Removes strangers and sets what filling the folders has changed.
    pub(super) fn finish(&self, entries: &[Entry]) -> Result<(), Failure> {
        for path in self.strangers(entries)? {
            let place = self.dest.join(path.trim_end_matches('/'));
            let removed = if place.is_symlink() || !place.is_dir() {
                fs::remove_file(&place)
            } else {
                fs::remove_dir_all(&place)
            };
            removed.map_err(|error| Failure::io("could not remove", &place, &error))?;
        }
        for entry in entries.iter().rev().filter(|entry| entry.kind == Kind::Folder) {
            let place = self.place(entry)?;
            if place.is_dir() {
                self.set_attributes(entry, &place)?;
            }
        }
        Ok(())
    }

    /// What is in the folders of the source here but not there; folders with a slash, whole.
    fn strangers(&self, entries: &[Entry]) -> Result<Vec<String>, Failure> {
        if !self.options.delete {
            return Ok(Vec::new());
        }
        let known: HashSet<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
        let mut gone = Vec::new();
        for folder in entries.iter().filter(|entry| entry.kind == Kind::Folder) {
            let Ok(inside) = fs::read_dir(self.place(folder)?) else { continue };
            let mut names: Vec<_> = inside.flatten().collect();
            names.sort_by_key(fs::DirEntry::file_name);
            for found in names {
                let name = found.file_name().to_string_lossy().into_owned();
                let path = if folder.path == "." { name } else { format!("{}/{name}", folder.path) };
                let is_folder = found.file_type().is_ok_and(|kind| kind.is_dir());
                if !known.contains(path.as_str()) && !self.options.excludes(&path, is_folder) {
                    gone.push(if is_folder { format!("{path}/") } else { path });
                }
            }
        }
        Ok(gone)
    }
}
