//! `state: directory`: a folder is there, with all above it, and perhaps all in it has the same attributes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Call, State, shown};
use crate::file_attributes::Changes;
use crate::paths::missing_folders;
use crate::{Context, Failure, Outcome};

impl Call<'_> {
    pub(super) fn folder(mut self, mut path: PathBuf, context: &mut Context) -> Result<Outcome, Failure> {
        let mut before = State::of(&path);
        if before == State::Link && self.follow() {
            path = fs::canonicalize(&path).unwrap_or(path);
            before = State::of(&path);
        }
        self.begin(&path, before);
        let changed = match before {
            State::Absent if context.check => true,
            State::Absent => self.make_folders(&path, context)?,
            State::Folder => {
                let changed = self.set(&path, context)?;
                if self.args.bool("recurse") { self.recurse(&path, context)? | changed } else { changed }
            }
            other => {
                let said = format!("{} already exists as a {}", path.display(), other.name());
                return Err(Failure::new(said).with("path", shown(&path)));
            }
        };
        Ok(self.done(changed).with("path", shown(&path)))
    }

    /// Every folder made gets the attributes, not only the last.
    fn make_folders(&mut self, path: &Path, context: &mut Context) -> Result<bool, Failure> {
        for folder in missing_folders(path) {
            let failed = |error: &dyn std::fmt::Display| {
                let said = format!("There was an issue creating {} as requested: {error}", folder.display());
                Failure::new(said).with("path", shown(path))
            };
            match fs::create_dir(&folder) {
                // Somebody else was quicker.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
                made => made.map_err(|error| failed(&error))?,
            }
            self.set(&folder, context).map_err(|failure| failed(&failure.msg))?;
        }
        Ok(true)
    }

    /// Everything below a folder. With `follow` what links lead to as well, and what is in it if that is a folder.
    fn recurse(&self, path: &Path, context: &mut Context) -> Result<bool, Failure> {
        self.recurse_below(path, &mut Vec::new(), context)
    }

    /// `above` are the folders that it was reached through: a link back to one of them is not followed.
    fn recurse_below(
        &self,
        path: &Path,
        above: &mut Vec<PathBuf>,
        context: &mut Context,
    ) -> Result<bool, Failure> {
        let mut changed = false;
        above.push(fs::canonicalize(path).unwrap_or_else(|_| path.into()));
        for entry in walkdir::WalkDir::new(path).min_depth(1).sort_by_file_name() {
            let entry = entry.map_err(|error| {
                Failure::new(format!("Could not recursively set attributes on {}: {error}", path.display()))
            })?;
            changed |= self.set_quietly(entry.path(), context)?;
            if !self.follow() || !entry.path_is_symlink() {
                continue;
            }
            // A link to nowhere has been set itself; that is all.
            let Ok(target) = fs::canonicalize(entry.path()) else { continue };
            if target.is_dir() && !above.iter().any(|folder| folder.starts_with(&target)) {
                changed |= self.recurse_below(&target, above, context)?;
            }
            changed |= self.set_quietly(&target, context)?;
        }
        above.pop();
        Ok(changed)
    }

    /// Sets attributes and times. What each file was shows in no diff: there may be thousands.
    fn set_quietly(&self, path: &Path, context: &mut Context) -> Result<bool, Failure> {
        let changed = self.attributes.apply(path, context, &mut Changes::default())?;
        Ok(self.times.apply(path, context, &mut Changes::default())? | changed)
    }
}
