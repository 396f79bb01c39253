//! `community.general.archive`: files and folders packed into one file, or one file compressed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use data::{Value, fnmatch};

use super::archive_format::Format;
use crate::atomic_write::AtomicFile;
use crate::file_attributes::{self, Changes, FileAttributes};
use crate::{Arg, ArgType, Args, Context, Default, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "archive",
    collection: "community.general",
    summary: "Creates a compressed archive of one or more files or trees",
    args: &[
        Arg::list("path", ArgType::Path).required().help("What to pack; `*` and `?` are patterns."),
        Arg::str("format")
            .default_str("gz")
            .choices(&["bz2", "gz", "tar", "xz", "zip"])
            .help("How to pack; `bz2` and `xz` need the program of that name on the host."),
        Arg::path("dest").help("The archive; needed when there is more than one file to pack."),
        Arg::list("exclude_path", ArgType::Path)
            .default(Default::List(&[]))
            .help("What of the paths not to pack; `*` and `?` are patterns."),
        Arg::list("exclusion_patterns", ArgType::Path)
            .help("Patterns of names in the archive that are left out."),
        Arg::bool("force_archive").default_bool(false).help("Pack a single file as an archive too."),
        Arg::bool("remove").default_bool(false).help("Remove what was packed."),
    ],
    shared: file_attributes::ARGS,
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let plan = Plan::new(args)?;
    let before = plan.format.sums(&plan.dest, context);
    let mut done = Done::default();
    let (missing, targets): (Vec<&PathBuf>, Vec<&PathBuf>) =
        plan.paths.iter().partition(|path| fs::symlink_metadata(path).is_err());
    let mut changed = false;
    if targets.is_empty() {
        if plan.dest.exists() {
            done.state = if is_archive_name(&plan.dest) { "archive" } else { "compress" };
        }
    } else if context.check {
        changed = plan.as_archive || !plan.dest.exists();
    } else {
        let file = plan.pack(&targets, &mut done, context)?;
        if !missing.is_empty() && plan.as_archive {
            done.state = "incomplete";
        }
        let after = plan.format.sums(file.path(), context);
        changed = before.is_none() || before != after;
        if changed {
            file.replace(args.bool("unsafe_writes"))?;
        }
        if args.bool("remove") {
            plan.remove(&done.packed)?;
        }
    }
    if plan.dest.exists() {
        changed |= FileAttributes::from_args(args)?.apply(&plan.dest, context, &mut Changes::default())?;
    }
    let list = |paths: &mut dyn Iterator<Item = &PathBuf>| {
        paths.map(|path| Value::from(path.display().to_string())).collect::<Value>()
    };
    Ok(Outcome::new(changed)
        .with("archived", list(&mut done.packed.iter()))
        .with("dest", plan.dest.display().to_string())
        .with("dest_state", done.state)
        .with("arcroot", plan.root.as_str())
        .with("missing", list(&mut missing.into_iter()))
        .with("expanded_paths", list(&mut plan.expanded.iter()))
        .with("expanded_exclude_paths", list(&mut plan.excluded.iter())))
}

/// What was packed so far.
struct Done {
    packed: Vec<PathBuf>,
    state: &'static str,
}

impl std::default::Default for Done {
    fn default() -> Self {
        Self { packed: Vec::new(), state: "absent" }
    }
}

/// What to pack and where to.
struct Plan {
    format: Format,
    dest: PathBuf,
    /// Sorted, without those that are excluded.
    paths: Vec<PathBuf>,
    expanded: Vec<PathBuf>,
    excluded: Vec<PathBuf>,
    /// The folder that all have in common, with a slash at its end; cut off from names in the archive.
    root: String,
    /// Whether it is an archive, rather than one compressed file.
    as_archive: bool,
    patterns: Vec<String>,
}

impl Plan {
    fn new(args: &Args) -> Result<Self, Failure> {
        let given = args.strings("path");
        let (expanded, had_patterns) = expand(&given);
        let (excluded, _) = expand(&args.strings("exclude_path"));
        let chosen: BTreeSet<&PathBuf> = expanded.iter().filter(|path| !excluded.contains(path)).collect();
        let paths: Vec<PathBuf> = chosen.into_iter().cloned().collect();
        let joined = |paths: &[PathBuf]| {
            paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
        };
        let Some(first) = paths.first() else {
            return Err(Failure::new("Error, no source paths were found")
                .with("path", given.join(", "))
                .with("expanded_paths", joined(&expanded))
                .with("expanded_exclude_paths", joined(&excluded)));
        };
        let as_archive = args.bool("force_archive") || had_patterns || first.is_dir() || paths.len() > 1;
        let format_name = args.str("format")?;
        let dest = match args.opt_path("dest") {
            Some(dest) => dest,
            None if as_archive => {
                return Err(Failure::new(
                    "Error, must specify \"dest\" when archiving multiple files or trees",
                )
                .with("dest", "None")
                .with("path", given.join(", ")));
            }
            None => PathBuf::from(format!("{}.{format_name}", first.display())),
        };
        if args.bool("remove") && paths.iter().any(|path| path.is_dir() && dest.starts_with(path)) {
            return Err(Failure::new(
                "Error, created archive can not be contained in source paths when remove=true",
            )
            .with("path", joined(&paths)));
        }
        Ok(Self {
            format: Format::named(format_name, as_archive),
            root: common_root(&paths),
            dest,
            paths,
            expanded,
            excluded,
            as_archive,
            patterns: args.strings("exclusion_patterns").into_iter().map(str::to_owned).collect(),
        })
    }

    /// Writes all beside its place; it takes its place only if it says something new.
    fn pack(
        &self,
        targets: &[&PathBuf],
        done: &mut Done,
        context: &mut Context,
    ) -> Result<AtomicFile, Failure> {
        // Found before the new file is there, which may lie in one of the folders.
        let entries = if self.as_archive { self.entries(targets)? } else { Vec::new() };
        let mut file = AtomicFile::begin(&self.dest)?;
        if self.as_archive {
            self.format.pack(&entries, &mut file, context).map_err(|failure| {
                let said = format!(
                    "Error when writing {} archive at {}: {}",
                    self.format.name(),
                    self.dest.display(),
                    failure.msg
                );
                Failure { msg: said, ..failure }
            })?;
            done.packed = entries.into_iter().map(|(path, _)| path).collect();
            done.state = "archive";
            return Ok(file);
        }
        let source = targets[0];
        let opened = File::open(source).map_err(|error| Failure::io("could not read", source, &error))?;
        self.format.compress(opened, source, &mut file, context)?;
        done.packed = vec![source.clone()];
        done.state = if self.format.is_container() { "archive" } else { "compress" };
        Ok(file)
    }

    /// Everything to pack: its path, and its name in the archive.
    fn entries(&self, targets: &[&PathBuf]) -> Result<Vec<(PathBuf, String)>, Failure> {
        let mut found = Vec::new();
        for target in targets {
            if !target.is_dir() {
                found.push((*target).clone());
                continue;
            }
            // What a folder holds, not the folder itself; folders before files, as Ansible's module has them.
            let walk = walkdir::WalkDir::new(target).min_depth(1).sort_by(|one, other| {
                let key = |entry: &walkdir::DirEntry| (!entry.path().is_dir(), entry.file_name().to_owned());
                key(one).cmp(&key(other))
            });
            for entry in walk {
                let entry =
                    entry.map_err(|error| Failure::io("could not read", target, &io::Error::from(error)))?;
                found.push(entry.into_path());
            }
        }
        let own = fs::canonicalize(&self.dest).ok();
        let name = |path: PathBuf| {
            let whole = path.display().to_string();
            let name = whole.strip_prefix(&self.root).unwrap_or(&whole).trim_start_matches('/').to_owned();
            (path, name)
        };
        let is_own = |path: &Path| own.is_some() && fs::canonicalize(path).ok() == own;
        let wanted = |(path, name): &(PathBuf, String)| {
            let shown = path.display().to_string();
            let matched = if self.format == Format::Zip { &shown } else { name };
            !self.patterns.iter().any(|pattern| fnmatch(pattern, matched)) && !is_own(path)
        };
        Ok(found.into_iter().map(name).filter(wanted).collect())
    }

    fn remove(&self, packed: &[PathBuf]) -> Result<(), Failure> {
        for path in packed.iter().chain(self.paths.iter().filter(|path| path.is_dir())) {
            let Ok(about) = fs::symlink_metadata(path) else { continue };
            let removed = if about.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            removed.map_err(|error| Failure::io("Error deleting some source files:", path, &error))?;
        }
        Ok(())
    }
}

/// The paths that patterns find, and whether there was a pattern.
fn expand(given: &[&str]) -> (Vec<PathBuf>, bool) {
    let mut found = Vec::new();
    let mut patterns = false;
    for path in given {
        if path.contains(['*', '?']) {
            patterns = true;
            found.extend(data::glob(path));
        } else {
            found.push(PathBuf::from(path));
        }
    }
    (found, patterns)
}

/// The longest folder that all paths are in.
fn common_root(paths: &[PathBuf]) -> String {
    let folders: Vec<String> = paths
        .iter()
        .map(|path| {
            path.parent()
                .map(|parent| format!("{}/", parent.display()).replace("//", "/"))
                .unwrap_or_default()
        })
        .collect();
    let Some(first) = folders.first() else { return String::new() };
    let mut length = first.len();
    for folder in &folders {
        let same = first.bytes().zip(folder.bytes()).take_while(|(one, other)| one == other).count();
        length = length.min(same);
    }
    first.as_bytes()[..length]
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or_else(String::new, |at| first[..=at].to_owned())
}

fn is_archive_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    [".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tbz2", ".zip"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use data::Map;

    use super::*;

    fn call(args: &[(&'static str, Value)]) -> Map {
        crate::run_local(&crate::RunRequest::new("archive", args.iter().cloned().collect()))
    }

    fn changed(result: &Map) -> bool {
        assert_eq!(result.get("failed"), None, "{result:?}");
        result.get("changed") == Some(&Value::from(true))
    }

    fn unpack(archive: &Path, dest: &Path) -> Map {
        let args = [("src", archive.to_str().unwrap()), ("dest", dest.to_str().unwrap())];
        let mut args: Map = args.into_iter().collect();
        args.insert("remote_src", true);
        crate::run_local(&crate::RunRequest::new("unarchive", args))
    }

    #[test]
    fn a_tree_is_packed_once_and_comes_back() {
        for (format, end) in [("gz", "tar.gz"), ("tar", "tar"), ("zip", "zip")] {
            let folder = tempfile::tempdir().unwrap();
            let (tree, dest) = (folder.path().join("tree"), folder.path().join(format!("a.{end}")));
            fs::create_dir_all(tree.join("d")).unwrap();
            fs::write(tree.join("d/f"), "hello").unwrap();
            fs::write(tree.join("skip.log"), "x").unwrap();
            let args = [
                ("path", tree.to_str().unwrap().into()),
                ("dest", dest.to_str().unwrap().into()),
                ("format", format.into()),
                ("exclusion_patterns", "*.log".into()),
            ];
            let first = call(&args);
            assert!(changed(&first), "{format}");
            assert_eq!(first.get_str("dest_state"), Some("archive"));
            assert!(!changed(&call(&args)), "{format}");
            let out = tempfile::tempdir().unwrap();
            assert!(changed(&unpack(&dest, out.path())));
            assert_eq!(fs::read(out.path().join("tree/d/f")).unwrap(), b"hello");
            assert!(!out.path().join("tree/skip.log").exists());
            assert!(!changed(&unpack(&dest, out.path())), "{format}");
            fs::write(tree.join("d/f"), "other").unwrap();
            assert!(changed(&call(&args)), "{format}");
        }
    }

    #[test]
    fn one_file_is_compressed_and_can_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "hello").unwrap();
        let result = call(&[("path", path.to_str().unwrap().into()), ("remove", true.into())]);
        assert!(changed(&result) && !path.exists());
        assert_eq!(result.get_str("dest_state"), Some("compress"));
        assert!(folder.path().join("f.gz").exists());
        let none = call(&[
            ("path", path.to_str().unwrap().into()),
            ("dest", folder.path().join("f.gz").to_str().unwrap().into()),
        ]);
        assert!(!changed(&none));
    }

    #[test]
    fn what_cannot_be_packed_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().to_str().unwrap();
        let none = call(&[("path", format!("{text}/*").into()), ("dest", format!("{text}/a.gz").into())]);
        assert_eq!(none.get_str("msg"), Some("Error, no source paths were found"));
        let nowhere = call(&[("path", text.into())]);
        assert!(nowhere.get_str("msg").unwrap().starts_with("Error, must specify \"dest\""));
        fs::write(folder.path().join("f"), "x").unwrap();
        let inside =
            call(&[("path", text.into()), ("dest", format!("{text}/a.gz").into()), ("remove", true.into())]);
        assert!(inside.get_str("msg").unwrap().starts_with("Error, created archive can not be contained"));
        let parent = call(&[("path", text.into()), ("dest", format!("{text}-none/a.gz").into())]);
        assert!(parent.get_str("msg").unwrap().contains("does not exist"));
    }

    #[test]
    fn roots_are_whole_folders() {
        let root = |paths: &[&str]| common_root(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(root(&["/a/bc/f", "/a/bd/f"]), "/a/");
        assert_eq!(root(&["/a/b"]), "/a/");
        assert_eq!(root(&["/a"]), "/");
    }
}
