//! One entry of an archive, tar or zip: whether it may be unpacked, whether it is there already, and unpacking it.

use std::fs::{self, File, FileTimes};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use data::fnmatch;
use tar::{Entry, EntryType};

use super::zip_reader::ZipEntry;
use crate::atomic_write::AtomicFile;
use crate::file_attributes::umask;
use crate::{Args, Failure, accounts};

/// Which entries are wanted, and under which names.
pub(super) struct Selection {
    include: Vec<String>,
    exclude: Vec<String>,
    strip: usize,
}

impl Selection {
    pub(super) fn from_args(args: &Args) -> Result<Self, Failure> {
        let own = |name: &str| args.strings(name).into_iter().map(str::to_string).collect();
        let mut selection = Self { include: own("include"), exclude: own("exclude"), strip: 0 };
        let mut options = args.strings("extra_opts").into_iter();
        while let Some(option) = options.next() {
            let number = match option
                .strip_prefix("--strip-components=")
                .or_else(|| option.strip_prefix("--strip="))
            {
                Some(number) => Some(number),
                None if matches!(option, "--strip-components" | "--strip") => options.next(),
                None => None,
            };
            selection.strip = number.and_then(|number| number.trim().parse().ok()).ok_or_else(|| {
                Failure::new(format!("extra_opts: `{option}` is not supported; `--strip-components=N` is"))
            })?;
        }
        Ok(selection)
    }

    /// Where an entry of this name goes within the folder; nowhere if it is not wanted.
    fn place(&self, full: &Path) -> Result<Option<PathBuf>, Failure> {
        let whole = clean(full)?;
        if !self.takes(&whole) {
            return Ok(None);
        }
        let path: PathBuf = whole.components().skip(self.strip).collect();
        Ok((!path.as_os_str().is_empty()).then_some(path))
    }

    /// As `tar` does it: a pattern names an entry or a folder above it.
    fn takes(&self, path: &Path) -> bool {
        let named = |patterns: &[String]| {
            let mut above = path.ancestors().filter(|part| !part.as_os_str().is_empty());
            above.any(|part| {
                let text = part.to_string_lossy();
                patterns.iter().any(|pattern| fnmatch(pattern.trim_end_matches('/'), &text))
            })
        };
        (self.include.is_empty() || named(&self.include)) && !named(&self.exclude)
    }
}

/// An entry that may be unpacked.
pub(super) struct Item<'a> {
    content: Box<dyn Read + 'a>,
    size: u64,
    /// As the archive names it.
    pub(super) name: String,
    /// Its path within the folder.
    pub(super) path: PathBuf,
    kind: Kind,
    mode: u32,
    seconds: u64,
    owner: Option<(u32, u32)>,
}

enum Kind {
    File,
    Folder,
    /// To this target.
    Link(PathBuf),
    /// To this path within the folder.
    Hard(PathBuf),
}

impl<'a> Item<'a> {
    /// An entry of a zip archive; `None` for one that is not wanted.
    pub(super) fn of_zip(entry: ZipEntry, selection: &Selection) -> Result<Option<Self>, Failure> {
        let Some(path) = selection.place(Path::new(&entry.name))? else { return Ok(None) };
        let folder = entry.is_folder();
        let usual = if folder { 0o777 } else { 0o666 } & !umask();
        let mode = entry.mode.map_or(usual, |mode| mode & 0o7777);
        let kind = match entry.mode.map(|mode| mode & 0o170_000) {
            Some(0o120_000) => {
                let mut target = String::new();
                entry.open()?.read_to_string(&mut target).map_err(|error| {
                    Failure::new(format!("the link {} cannot be read: {error}", entry.name))
                })?;
                Kind::Link(checked_target(&path, PathBuf::from(target))?)
            }
            _ if folder => Kind::Folder,
            None | Some(0 | 0o100_000) => Kind::File,
            Some(_) => {
                let said = format!("the archive holds {}, which is no file, folder or link", entry.name);
                return Err(Failure::new(said));
            }
        };
        let (size, seconds, name) = (entry.size, entry.seconds, entry.name.clone());
        let content: Box<dyn Read> =
            if matches!(kind, Kind::File) { Box::new(entry.open()?) } else { Box::new(io::empty()) };
        Ok(Some(Self { content, size, name, path, kind, mode, seconds, owner: None }))
    }

    /// An entry of a tar archive; `None` for one that is not wanted.
    pub(super) fn of_tar<R: Read + 'a>(
        entry: Entry<'a, R>,
        selection: &Selection,
    ) -> Result<Option<Self>, Failure> {
        let broken =
            |error: io::Error| Failure::new(format!("an entry of the archive cannot be read: {error}"));
        let full = entry.path().map_err(broken)?.into_owned();
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::XGlobalHeader | EntryType::XHeader) {
            return Ok(None);
        }
        let Some(path) = selection.place(&full)? else { return Ok(None) };
        let target = entry.link_name().map_err(broken)?.map(std::borrow::Cow::into_owned).unwrap_or_default();
        let kind = match kind {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Kind::File,
            EntryType::Directory => Kind::Folder,
            EntryType::Symlink => Kind::Link(checked_target(&path, target)?),
            EntryType::Link => Kind::Hard(clean(&target)?.components().skip(selection.strip).collect()),
            other => {
                let said = format!(
                    "the archive holds {} of the kind {other:?}, which is not unpacked",
                    full.display()
                );
                return Err(Failure::new(said));
            }
        };
        let header = entry.header();
        let (mode, seconds) = (header.mode().map_err(broken)? & 0o7777, header.mtime().map_err(broken)?);
        let owner = if rustix::process::geteuid().is_root() { owner_of(header) } else { None };
        let (size, name) = (entry.size(), full.to_string_lossy().into_owned());
        Ok(Some(Self { content: Box::new(entry), size, name, path, kind, mode, seconds, owner }))
    }

    pub(super) fn is_folder(&self) -> bool {
        matches!(self.kind, Kind::Folder)
    }

    /// Whether what is there is not what the archive holds; reads the content to know.
    pub(super) fn differs(mut self, dest: &Path, keep_newer: bool) -> Result<bool, Failure> {
        let place = self.place(dest)?;
        if self.differs_without_reading(dest, keep_newer) {
            // Read all the same: an archive that ends too soon must be found before anything is written.
            io::copy(&mut self.content, &mut io::sink()).map_err(|error| self.cut(&error))?;
            return Ok(true);
        }
        if !matches!(self.kind, Kind::File) {
            return Ok(false);
        }
        let mut there = File::open(&place).map_err(|error| Failure::io("could not read", &place, &error))?;
        let same = same_content(&mut self.content, &mut there).map_err(|error| self.cut(&error))?;
        Ok(!same)
    }

    fn cut(&self, error: &io::Error) -> Failure {
        Failure::new(format!("could not read {} in the archive: {error}", self.path.display()))
    }

    /// As [`Self::differs`], by what can be seen from outside.
    pub(super) fn differs_without_reading(&self, dest: &Path, keep_newer: bool) -> bool {
        let place = dest.join(&self.path);
        let Ok(found) = fs::symlink_metadata(&place) else { return true };
        let time = i64::try_from(self.seconds).unwrap_or(i64::MAX);
        match &self.kind {
            Kind::Folder => !found.is_dir(),
            Kind::Link(target) => !fs::read_link(&place).is_ok_and(|there| there == *target),
            Kind::Hard(target) => {
                let other = fs::symlink_metadata(dest.join(target)).map(|other| (other.dev(), other.ino()));
                other.ok() != Some((found.dev(), found.ino()))
            }
            Kind::File if keep_newer && found.is_file() && found.mtime() > time => false,
            Kind::File => {
                !found.is_file()
                    || found.len() != self.size
                    || found.mtime() != time
                    || found.mode() & 0o7777 != self.mode
            }
        }
    }

    /// Where it goes. Folders on the way that are links out of `dest` are refused.
    fn place(&self, dest: &Path) -> Result<PathBuf, Failure> {
        let mut place = dest.to_path_buf();
        for part in self.path.parent().into_iter().flat_map(Path::components) {
            place.push(part);
            let leads_out =
                place.is_symlink() && !fs::canonicalize(&place).is_ok_and(|real| real.starts_with(dest));
            if leads_out {
                let said = format!(
                    "{} would be unpacked through the link {}, which leads out of {}",
                    self.path.display(),
                    place.display(),
                    dest.display()
                );
                return Err(Failure::new(said));
            }
        }
        Ok(dest.join(&self.path))
    }

    /// Writes it over what is there.
    pub(super) fn unpack(&mut self, dest: &Path) -> Result<(), Failure> {
        let place = self.place(dest)?;
        let failed = |error: io::Error| Failure::io("could not unpack", &place, &error);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let there = fs::symlink_metadata(&place).ok();
        match &self.kind {
            Kind::Folder => {
                if there.is_none_or(|found| !found.is_dir()) {
                    fs::create_dir(&place).map_err(failed)?;
                }
                return Ok(());
            }
            _ if there.as_ref().is_some_and(fs::Metadata::is_dir) => {
                return Err(Failure::new(format!(
                    "{} is a folder and cannot be replaced by a file",
                    place.display()
                )));
            }
            Kind::File => {
                if there.is_some_and(|found| found.is_symlink()) {
                    fs::remove_file(&place).map_err(failed)?;
                }
                let mut file = AtomicFile::begin(&place)?;
                file.fill(&mut self.content)?;
                file.replace(false)?;
            }
            Kind::Link(target) => {
                if there.is_some() {
                    fs::remove_file(&place).map_err(failed)?;
                }
                symlink(target, &place).map_err(failed)?;
            }
            Kind::Hard(target) => {
                if there.is_some() {
                    fs::remove_file(&place).map_err(failed)?;
                }
                fs::hard_link(dest.join(target), &place).map_err(failed)?;
                return Ok(());
            }
        }
        if let Some((uid, gid)) = self.owner {
            lchown(&place, Some(uid), Some(gid)).map_err(failed)?;
        }
        if matches!(self.kind, Kind::File) {
            self.folder_state().apply(dest)?;
        }
        Ok(())
    }

    /// Mode and time, to be set when nothing changes them any more.
    pub(super) fn folder_state(&self) -> State {
        let owner = self.owner.filter(|_| self.is_folder());
        State { path: self.path.clone(), mode: self.mode, seconds: self.seconds, owner }
    }
}

/// What is set last.
pub(super) struct State {
    path: PathBuf,
    mode: u32,
    seconds: u64,
    owner: Option<(u32, u32)>,
}

impl State {
    pub(super) fn apply(&self, dest: &Path) -> Result<(), Failure> {
        let place = dest.join(&self.path);
        let failed = |error: io::Error| Failure::io("could not set the attributes of", &place, &error);
        if let Some((uid, gid)) = self.owner {
            lchown(&place, Some(uid), Some(gid)).map_err(failed)?;
        }
        fs::set_permissions(&place, fs::Permissions::from_mode(self.mode)).map_err(failed)?;
        let time = UNIX_EPOCH + Duration::from_secs(self.seconds);
        // Reading is enough to set times; a file that its mode keeps even from us is left with the time of now.
        if let Ok(file) = File::open(&place) {
            file.set_times(FileTimes::new().set_modified(time)).map_err(failed)?;
        }
        Ok(())
    }
}

/// A path of an archive without `./`; one that is absolute or goes up is refused.
fn clean(path: &Path) -> Result<PathBuf, Failure> {
    let mut cleaned = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => cleaned.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                let said =
                    format!("the archive holds the path {}, which leads out of the folder", path.display());
                return Err(Failure::new(said));
            }
        }
    }
    Ok(cleaned)
}

/// A link's target, if it stays within the folder.
fn checked_target(link: &Path, target: PathBuf) -> Result<PathBuf, Failure> {
    let mut depth = link.components().count().saturating_sub(1);
    let mut stays = !target.is_absolute();
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::ParentDir if depth > 0 => depth -= 1,
            Component::CurDir => {}
            _ => stays = false,
        }
    }
    if stays {
        return Ok(target);
    }
    let said =
        format!("the archive's link {} leads out of the folder, to {}", link.display(), target.display());
    Err(Failure::new(said))
}

/// The owner by name where the host knows the name, else by number.
fn owner_of(header: &tar::Header) -> Option<(u32, u32)> {
    let named = |name: Result<Option<&str>, std::str::Utf8Error>| {
        name.ok().flatten().filter(|name| !name.is_empty()).map(str::to_string)
    };
    let uid = named(header.username()).and_then(|name| accounts::user(&name)).map(|user| user.uid);
    let gid = named(header.groupname()).and_then(|name| accounts::group(&name)).map(|group| group.gid);
    let number = |number: io::Result<u64>| number.ok().and_then(|number| u32::try_from(number).ok());
    Some((uid.or_else(|| number(header.uid()))?, gid.or_else(|| number(header.gid()))?))
}

fn same_content(one: &mut impl Read, other: &mut impl Read) -> io::Result<bool> {
    let (mut left, mut right) = ([0; 32 * 1024], [0; 32 * 1024]);
    let mut same = true;
    loop {
        let count = one.read(&mut left)?;
        if count == 0 {
            return Ok(same && other.read(&mut right)? == 0);
        }
        // Goes on after a difference: the archive must be read to its end.
        same = same && other.read_exact(&mut right[..count]).is_ok() && left[..count] == right[..count];
    }
}
