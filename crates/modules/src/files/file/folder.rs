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

    fn recurse(&self, path: &Path, context: &mut Context) -> Result<bool, Failure> {
        let mut changed = false;
        let walk = walkdir::WalkDir::new(path).min_depth(1).follow_links(self.follow()).sort_by_file_name();
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                // A link to nowhere, or one that leads back up.
                Err(error) if self.follow() && error.path().is_some_and(Path::is_symlink) => continue,
                Err(error) => {
                    let said = format!("Could not recursively set attributes on {}: {error}", path.display());
                    return Err(Failure::new(said));
                }
            };
            // What each file was shows in no diff: there may be thousands.
            changed |= self.attributes.apply(entry.path(), context, &mut Changes::default())?;
            changed |= self.times.apply(entry.path(), context, &mut Changes::default())?;
        }
        Ok(changed)
    }
}
