//! `file`: that a path is a file, a folder, a link or nothing, and its attributes.

mod absent;
mod folder;
mod link;
mod times;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use data::{Map, Value};

use self::times::Times;
use crate::file_attributes::{self, Changes, FileAttributes};
use crate::{Arg, Args, Context, Diff, Failure, ModuleSpec, Outcome, accounts};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "file",
    summary: "Manage files and file properties",
    args: &[
        Arg::str("state")
            .choices(&["absent", "directory", "file", "hard", "link", "touch"])
            .help("What the path shall be; what it is already, if not given."),
        Arg::path("path").required().aliases(&["dest", "name"]).help("The path."),
        Arg::str("_original_basename").help("The name to use within a folder; set by the controller."),
        Arg::bool("recurse").default_bool(false).help("Set attributes of all that a folder holds."),
        Arg::bool("force")
            .default_bool(false)
            .help("Make a link although its target is missing or something else is in its place."),
        Arg::bool("follow").default_bool(true).help("Work on what a link points to."),
        Arg::bool("_diff_peek").help("Only tell whether the content is binary; set by the controller."),
        Arg::path("src").help("What a link points to."),
        Arg::str("modification_time").help("`now`, `preserve`, or a time."),
        Arg::str("modification_time_format").default_str("%Y%m%d%H%M.%S").help("How that time is written."),
        Arg::str("access_time").help("`now`, `preserve`, or a time."),
        Arg::str("access_time_format").default_str("%Y%m%d%H%M.%S").help("How that time is written."),
    ],
    shared: file_attributes::ARGS,
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let path = path_within_folder(args)?;
    if args.has("_diff_peek") {
        let binary = fs::read(&path).is_ok_and(|bytes| bytes[..bytes.len().min(8192)].contains(&0));
        return Ok(Outcome::unchanged().with("path", shown(&path)).with("appears_binary", binary));
    }
    let state = wanted_state(args, &path)?;
    let attributes = FileAttributes::from_args(args)?;
    if context.check && state != State::Absent {
        warn_of_unknown_owners(&attributes, context);
    }
    let call =
        Call { args, state, attributes, times: Times::from_args(args, state)?, changes: Changes::default() };
    match state {
        State::Absent => absent::run(&path, context),
        State::Folder => call.folder(path, context),
        State::Link => call.link(&path, context),
        State::Hard => call.hard_link(&path, context),
        State::Touch => call.touch(&path, context),
        State::File => call.file(path, context),
    }
}

/// What a path is or shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    Folder,
    File,
    Hard,
    Link,
    Touch,
}

impl State {
    fn of(path: &Path) -> Self {
        let Ok(found) = fs::symlink_metadata(path) else { return Self::Absent };
        if found.is_symlink() {
            Self::Link
        } else if found.is_dir() {
            Self::Folder
        } else if found.nlink() > 1 {
            Self::Hard
        } else {
            Self::File
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Folder => "directory",
            Self::File => "file",
            Self::Hard => "hard",
            Self::Link => "link",
            Self::Touch => "touch",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Absent, Self::Folder, Self::File, Self::Hard, Self::Link, Self::Touch]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// A folder stands for the file of the original name in it.
fn path_within_folder(args: &Args) -> Result<PathBuf, Failure> {
    let path = args.path("path")?;
    let keeps_folder = matches!(args.opt_str("state"), Some("link" | "absent"));
    if keeps_folder || !path.is_dir() {
        return Ok(path);
    }
    let name = args.opt_str("_original_basename").map(str::to_string);
    let name = name.or_else(|| {
        let source = args.opt_path("src")?;
        Some(source.file_name()?.to_string_lossy().into_owned())
    });
    Ok(name.filter(|name| !name.is_empty()).map_or(path.clone(), |name| path.join(name)))
}

fn wanted_state(args: &Args, path: &Path) -> Result<State, Failure> {
    let recurse = args.bool("recurse");
    let state = match args.opt_str("state").and_then(State::from_name) {
        Some(state) => state,
        None => match State::of(path) {
            State::Absent if recurse => State::Folder,
            State::Absent => State::File,
            current => current,
        },
    };
    let fail = |msg: &str| Err(Failure::new(msg).with("path", shown(path)));
    if recurse && state != State::Folder {
        return fail("recurse option requires state to be 'directory'");
    }
    if args.opt_str("src").is_some_and(|source| !source.is_empty())
        && !matches!(state, State::Link | State::Hard)
    {
        return fail("src option requires state to be 'link' or 'hard'");
    }
    Ok(state)
}

/// In check mode a user that an earlier task would have made is not there yet.
fn warn_of_unknown_owners(attributes: &FileAttributes, context: &mut Context) {
    if let Some(owner) = &attributes.owner {
        let (known, what) = match owner.parse::<u32>() {
            Ok(uid) => (accounts::user_by_id(uid).is_some(), "user with uid"),
            Err(_) => (accounts::user(owner).is_some(), "user"),
        };
        if !known {
            context
                .warn(format!("failed to look up {what} {owner}. Create user up to this point in real play"));
        }
    }
    if let Some(group) = &attributes.group {
        let (known, what) = match group.parse::<u32>() {
            Ok(gid) => (accounts::group_by_id(gid).is_some(), "group with gid"),
            Err(_) => (accounts::group(group).is_some(), "group"),
        };
        if !known {
            context.warn(format!(
                "failed to look up {what} {group}. Create group up to this point in real play"
            ));
        }
    }
}

/// One call: the arguments, and what it changed so far.
struct Call<'a> {
    args: &'a Args,
    state: State,
    attributes: FileAttributes,
    times: Times,
    changes: Changes,
}

impl Call<'_> {
    /// Begins the diff: the path on both sides, and the states if they differ.
    fn begin(&mut self, path: &Path, before: State) {
        self.changes.before.insert("path", shown(path));
        self.changes.after.insert("path", shown(path));
        if before != self.state {
            self.changes.before.insert("state", before.name());
            self.changes.after.insert("state", self.state.name());
        }
    }

    /// Sets attributes and times of a path.
    fn set(&mut self, path: &Path, context: &mut Context) -> Result<bool, Failure> {
        let changed = self.attributes.apply(path, context, &mut self.changes)?;
        Ok(self.times.apply(path, context, &mut self.changes)? | changed)
    }

    fn done(self, changed: bool) -> Outcome {
        Outcome::new(changed).with_diff(Diff::properties(self.changes.before, self.changes.after))
    }

    fn follow(&self) -> bool {
        self.args.bool("follow")
    }

    /// `state: file` makes nothing; it only sets attributes.
    fn file(mut self, mut path: PathBuf, context: &mut Context) -> Result<Outcome, Failure> {
        let mut before = State::of(&path);
        if before == State::Link && self.follow() {
            path = fs::canonicalize(&path).unwrap_or(path);
            before = State::of(&path);
        }
        if !matches!(before, State::File | State::Hard) {
            let said = format!("file ({}) is {}, cannot continue", path.display(), before.name());
            return Err(Failure::new(said).with("path", shown(&path)).with("state", before.name()));
        }
        self.begin(&path, before);
        let changed = self.set(&path, context)?;
        Ok(self.done(changed).with("path", shown(&path)))
    }

    /// `state: touch` makes an empty file or renews the times of what is there.
    fn touch(mut self, path: &Path, context: &mut Context) -> Result<Outcome, Failure> {
        let before = State::of(path);
        if before == State::Absent {
            if context.check {
                return Ok(Outcome::changed().with("dest", shown(path)));
            }
            fs::File::create(path).map_err(|error| {
                let said = format!("Error, could not touch target.: {error}");
                Failure::new(said).with("path", shown(path))
            })?;
        }
        self.begin(path, before);
        let target = if self.follow() { fs::canonicalize(path).unwrap_or(path.into()) } else { path.into() };
        match self.set(&target, context) {
            Ok(changed) => Ok(self.done(changed || before == State::Absent).with("dest", shown(path))),
            Err(failure) => {
                if before == State::Absent {
                    // What was made only now goes again; the failure is what counts.
                    let _ = fs::remove_file(path);
                }
                Err(failure)
            }
        }
    }
}

fn shown(path: &Path) -> Value {
    Value::from(path.display().to_string())
}

/// A tree's paths, as the diff of a removed folder shows them.
fn tree(path: &Path) -> Map {
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in walkdir::WalkDir::new(path).min_depth(1).sort_by_file_name().into_iter().flatten() {
        let list = if entry.file_type().is_dir() { &mut folders } else { &mut files };
        list.push(shown(entry.path()));
    }
    Map::from([("directories", folders), ("files", files)])
}
