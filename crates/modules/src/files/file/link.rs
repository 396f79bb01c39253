//! `state: link` and `state: hard`: a path that is another name for something.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use super::{Call, State, shown};
use crate::{Context, Failure, Outcome};

impl Call<'_> {
    pub(super) fn link(mut self, path: &Path, context: &mut Context) -> Result<Outcome, Failure> {
        let (force, follow) = (self.args.bool("force"), self.follow());
        let before = State::of(path);
        let mut source = self.args.opt_path("src").filter(|source| !source.as_os_str().is_empty());
        if source.is_none() && follow && before == State::Link {
            source = fs::read_link(path).ok();
        }
        self.refuse_link(path, source.as_deref(), before, force)?;
        self.begin(path, before);
        let mut changed = before != State::Link;
        if let (State::Link, Some(source)) = (before, &source) {
            let old = fs::read_link(path).unwrap_or_default();
            if old != *source {
                self.changes.before.insert("src", shown(&old));
                self.changes.after.insert("src", shown(source));
                changed = true;
            }
        }
        if let (true, false, Some(source)) = (changed, context.check, &source) {
            place(path, before, |new| symlink(source, new))?;
        }
        let shown_source = source.as_deref().map(shown);
        let finish =
            move |call: Self, changed| call.done(changed).with("dest", shown(path)).with("src", shown_source);
        if context.check && !path.exists() {
            return Ok(finish(self, changed));
        }
        if follow && path.is_symlink() && !path.exists() {
            if !self.attributes.is_empty() {
                context.warn(
                    "Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this.",
                );
            }
        } else {
            let target =
                if follow { fs::canonicalize(path).unwrap_or(path.into()) } else { path.to_path_buf() };
            changed |= self.set(&target, context)?;
        }
        Ok(finish(self, changed))
    }

    /// Why a link cannot be made, in the order in which Ansible asks.
    fn refuse_link(
        &self,
        path: &Path,
        source: Option<&Path>,
        before: State,
        force: bool,
    ) -> Result<(), Failure> {
        let fail = |said: String| Err(Failure::new(said).with("path", shown(path)));
        if let Some(source) = source.filter(|_| !force) {
            let base = if before == State::Folder { Some(path) } else { path.parent() };
            let target = base.unwrap_or_else(|| Path::new("")).join(source);
            if !target.exists() {
                let said = format!(
                    "src file does not exist, use 'force=yes' if you really want to create the link: {}",
                    target.display()
                );
                return Err(Failure::new(said).with("path", shown(path)).with("src", shown(source)));
            }
        }
        match before {
            State::Folder if !force => {
                fail(format!("refusing to convert from directory to symlink for {}", path.display()))
            }
            State::Folder if fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()) => {
                fail(format!("the directory {} is not empty, refusing to convert it", path.display()))
            }
            State::File | State::Hard if !force => {
                fail(format!("refusing to convert from {} to symlink for {}", before.name(), path.display()))
            }
            State::Link => Ok(()),
            _ if source.is_none() => Err(Failure::new("src is required for creating new symlinks")),
            _ => Ok(()),
        }
    }

    pub(super) fn hard_link(mut self, path: &Path, context: &mut Context) -> Result<Outcome, Failure> {
        let (force, follow) = (self.args.bool("force"), self.follow());
        let before = State::of(path);
        let source = self.args.opt_path("src").filter(|source| !source.as_os_str().is_empty());
        let fail = |said: &str| {
            let failure = Failure::new(said).with("dest", shown(path));
            Err(failure.with("src", source.as_deref().map(shown)))
        };
        if before != State::Hard && source.is_none() {
            return Err(Failure::new("src is required for creating new hardlinks"));
        }
        if source.as_deref().is_some_and(|source| !source.exists()) {
            return fail("src does not exist");
        }
        let same = source.as_deref().is_none_or(|source| same_file(path, source));
        let changed = !same;
        match before {
            State::Hard if changed && !force => {
                return fail("Cannot link, different hard link exists at destination");
            }
            State::File if changed && !force => return fail("Cannot link, file exists at destination"),
            State::Folder if !force => return fail("Cannot link: different hard link exists at destination"),
            _ => {}
        }
        self.begin(path, before);
        if let (true, false, Some(source)) = (changed, context.check, &source) {
            let target =
                if follow { fs::canonicalize(source).unwrap_or(source.clone()) } else { source.clone() };
            place(path, before, |new| fs::hard_link(&target, new))?;
        }
        let shown_source = source.as_deref().map(shown);
        let mut set = false;
        if !context.check || path.exists() {
            set = self.set(path, context)?;
        }
        Ok(self.done(changed || set).with("dest", shown(path)).with("src", shown_source))
    }
}

fn same_file(path: &Path, other: &Path) -> bool {
    match (fs::symlink_metadata(path), fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

/// Puts a new link where something may be: made beside it, then renamed over it.
fn place(path: &Path, before: State, make: impl Fn(&Path) -> io::Result<()>) -> Result<(), Failure> {
    if before == State::Absent {
        return make(path).map_err(|error| {
            Failure::new(format!("Error while linking: {error}")).with("path", shown(path))
        });
    }
    let failed =
        |error: io::Error| Failure::new(format!("Error while replacing: {error}")).with("path", shown(path));
    if before == State::Folder {
        fs::remove_dir(path).map_err(failed)?;
    }
    let beside = temporary_name(path);
    make(&beside).and_then(|()| fs::rename(&beside, path)).map_err(|error| {
        // It may not have been made at all.
        let _ = fs::remove_file(&beside);
        failed(error)
    })
}

fn temporary_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}
