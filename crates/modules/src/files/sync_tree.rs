//! The source's side of `synchronize`: what a tree holds, as it is told to the other side.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use data::{Map, Value, fnmatch};

use crate::{Args, Failure, accounts};

/// What the arguments ask for.
pub(super) struct Options {
    pub(super) recursive: bool,
    pub(super) dirs: bool,
    pub(super) links: bool,
    pub(super) copy_links: bool,
    pub(super) perms: bool,
    pub(super) times: bool,
    pub(super) owner: bool,
    pub(super) group: bool,
    pub(super) checksum: bool,
    pub(super) existing_only: bool,
    pub(super) delete: bool,
    /// `<` sends, `>` receives: how rsync marks its lines.
    pub(super) arrow: char,
    excluded: Vec<String>,
}

impl Options {
    pub(super) fn from_args(args: &Args) -> Result<Self, Failure> {
        let archive = args.bool("archive");
        let flag = |name: &str| args.opt_bool(name).unwrap_or(archive);
        let options = Self {
            recursive: flag("recursive"),
            dirs: args.bool("dirs"),
            links: flag("links"),
            copy_links: args.bool("copy_links"),
            perms: flag("perms"),
            times: flag("times"),
            owner: flag("owner"),
            group: flag("group"),
            checksum: args.bool("checksum"),
            existing_only: args.bool("existing_only"),
            delete: args.bool("delete"),
            arrow: if args.str("mode")? == "pull" { '>' } else { '<' },
            excluded: excluded(args)?,
        };
        if options.delete && !options.recursive && !options.dirs {
            return Err(Failure::new("`delete` needs `recursive` (or `dirs`)"));
        }
        Ok(options)
    }

    /// Whether a path below the root is left out, by rsync's rules for patterns.
    pub(super) fn excludes(&self, path: &str, is_folder: bool) -> bool {
        self.excluded.iter().any(|pattern| {
            let (pattern, folders_only) = match pattern.strip_suffix('/') {
                Some(pattern) => (pattern, true),
                None => (pattern.as_str(), false),
            };
            if folders_only && !is_folder {
                return false;
            }
            let (pattern, anchored) = match pattern.strip_prefix('/') {
                Some(pattern) => (pattern, true),
                None => (pattern, false),
            };
            let wanted: Vec<&str> = pattern.split('/').collect();
            let parts: Vec<&str> = path.split('/').collect();
            let start = if anchored { 0 } else { parts.len().saturating_sub(wanted.len()) };
            parts.len() - start == wanted.len()
                && wanted.iter().zip(&parts[start..]).all(|(pattern, part)| fnmatch(pattern, part))
        })
    }
}

/// The patterns of `--exclude`; other options of rsync are refused.
fn excluded(args: &Args) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    let mut options = args.strings("rsync_opts").into_iter();
    while let Some(option) = options.next() {
        let pattern = match option {
            "--exclude" => options.next(),
            _ => option.strip_prefix("--exclude="),
        };
        let pattern = pattern
            .map(|pattern| pattern.trim_matches(['"', '\'']))
            .filter(|pattern| !pattern.contains("**"));
        found.push(pattern.map(str::to_owned).ok_or_else(|| {
            Failure::new(format!(
                "rsync_opts: `{option}` is not supported; `--exclude=PATTERN` without `**` is"
            ))
        })?);
    }
    Ok(found)
}

/// One file, folder or link of the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// Below the root, `.` for the root itself.
    pub(super) path: String,
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) seconds: i64,
    pub(super) size: u64,
    pub(super) owner: String,
    pub(super) group: String,
    /// The SHA-256 of a file's content, where somebody needs it.
    pub(super) hash: Option<String>,
    /// Whether the source is this one file, which `dest` may rename.
    pub(super) alone: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    File,
    Folder,
    Link(String),
}

impl Entry {
    pub(super) fn is_file(&self) -> bool {
        self.kind == Kind::File
    }

    /// As it travels.
    pub(super) fn write(&self) -> Value {
        let (kind, target) = match &self.kind {
            Kind::File => ("file", Value::Null),
            Kind::Folder => ("folder", Value::Null),
            Kind::Link(target) => ("link", Value::from(target.as_str())),
        };
        Value::Map(Map::from([
            ("path", Value::from(self.path.as_str())),
            ("kind", kind.into()),
            ("target", target),
            ("mode", i64::from(self.mode).into()),
            ("seconds", self.seconds.into()),
            ("size", i64::try_from(self.size).unwrap_or(i64::MAX).into()),
            ("owner", self.owner.as_str().into()),
            ("group", self.group.as_str().into()),
            ("hash", self.hash.clone().map_or(Value::Null, Value::from)),
            ("alone", self.alone.into()),
        ]))
    }

    /// Reads what travelled. A path that leads out of the folder is refused: the other side may not be what it seems.
    pub(super) fn read(map: &Map) -> Result<Self, Failure> {
        let text = |name: &str| map.get_str(name).unwrap_or_default().to_owned();
        let number = |name: &str| map.get(name).and_then(Value::as_int).unwrap_or(0);
        let path = text("path");
        let inside = |part: std::path::Component| {
            matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir)
        };
        if path.is_empty() || !Path::new(&path).components().all(inside) {
            return Err(Failure::new(format!("the path `{path}` leads out of the folder")));
        }
        Ok(Self {
            path,
            kind: match text("kind").as_str() {
                "folder" => Kind::Folder,
                "link" => Kind::Link(text("target")),
                _ => Kind::File,
            },
            mode: u32::try_from(number("mode")).unwrap_or(0) & 0o7777,
            seconds: i64::try_from(number("seconds")).unwrap_or(0),
            size: u64::try_from(number("size")).unwrap_or(0),
            owner: text("owner"),
            group: text("group"),
            hash: map.get_str("hash").map(str::to_owned),
            alone: map.get("alone").and_then(Value::as_bool).unwrap_or(false),
        })
    }

    fn of(path: String, place: &Path, options: &Options) -> Result<Option<Self>, Failure> {
        let unreadable = |error: io::Error| Failure::io("could not read", place, &error);
        let about = if options.copy_links { fs::metadata(place) } else { fs::symlink_metadata(place) }
            .map_err(unreadable)?;
        let kind = if about.is_dir() {
            Kind::Folder
        } else if about.is_file() {
            Kind::File
        } else if about.is_symlink() && options.links {
            Kind::Link(fs::read_link(place).map_err(unreadable)?.to_string_lossy().into_owned())
        } else {
            return Ok(None);
        };
        Ok(Some(Self {
            path,
            kind,
            mode: about.mode() & 0o7777,
            seconds: about.mtime(),
            size: about.len(),
            owner: accounts::user_name(about.uid()),
            group: accounts::group_name(about.gid()),
            hash: None,
            alone: false,
        }))
    }
}

/// The folder that the paths of a source's entries are below.
pub(super) fn root(src: &str) -> PathBuf {
    let path = Path::new(src);
    if src.ends_with('/') { path.to_path_buf() } else { path.parent().unwrap_or(path).to_path_buf() }
}

/// Everything of a source, folders before what is in them. With a slash at its end only what is in it, with the folder itself as `.`.
pub(super) fn list(src: &str, options: &Options) -> Result<Vec<Entry>, Failure> {
    let path = Path::new(src);
    let about = fs::metadata(path).map_err(|error| Failure::io("could not look at `src`", path, &error))?;
    let root = root(src);
    if !about.is_dir() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let found = Entry::of(name, path, options)?;
        return Ok(found.into_iter().map(|entry| Entry { alone: true, ..entry }).collect());
    }
    if !options.recursive && !options.dirs {
        return Ok(Vec::new());
    }
    let depth = match (options.recursive, src.ends_with('/')) {
        (true, _) => usize::MAX,
        (false, true) => 1,
        (false, false) => 0,
    };
    let walk =
        walkdir::WalkDir::new(path).max_depth(depth).follow_links(options.copy_links).sort_by_file_name();
    let mut entries = Vec::new();
    let mut walk = walk.into_iter();
    while let Some(found) = walk.next() {
        let found = found.map_err(|error| Failure::io("could not read", path, &io::Error::from(error)))?;
        let below = found.path().strip_prefix(&root).unwrap_or(found.path()).to_string_lossy().into_owned();
        let below = if below.is_empty() { ".".to_owned() } else { below };
        if found.file_name() == ".rsync-filter" {
            return Err(Failure::new(format!(
                "{} is not supported; use `--exclude=` in `rsync_opts`",
                found.path().display()
            )));
        }
        if below != "." && options.excludes(&below, found.file_type().is_dir()) {
            if found.file_type().is_dir() {
                walk.skip_current_dir();
            }
            continue;
        }
        entries.extend(Entry::of(below, found.path(), options)?);
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(patterns: &[&str]) -> Options {
        let args = Args::default().with("mode", "push").with("archive", true).with(
            "rsync_opts",
            patterns.iter().map(|pattern| Value::from(format!("--exclude={pattern}"))).collect::<Value>(),
        );
        Options::from_args(&args).unwrap()
    }

    #[test]
    fn patterns_are_rsyncs() {
        for (pattern, path, folder, excluded) in [
            ("*.o", "a/b.o", false, true),
            ("/b.o", "a/b.o", false, false),
            ("/a/b.o", "a/b.o", false, true),
            ("a/b", "x/a/b", false, true),
            ("tmp/", "x/tmp", true, true),
            ("tmp/", "x/tmp", false, false),
            ("*", "a", false, true),
        ] {
            assert_eq!(options(&[pattern]).excludes(path, folder), excluded, "{pattern} {path}");
        }
    }

    #[test]
    fn paths_that_lead_out_are_refused() {
        for path in ["", "/etc/x", "../x", "a/../../x"] {
            assert!(Entry::read(&Map::from([("path", path)])).is_err(), "{path}");
        }
        let entry = Entry { path: "a/b".to_owned(), kind: Kind::Link("c".to_owned()), ..Entry::default() };
        assert_eq!(Entry::read(entry.write().as_map().unwrap()).unwrap(), entry);
    }
}
