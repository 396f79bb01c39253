//! `group_vars` and `host_vars`: files and folders beside an inventory or a playbook, found by the name of a group or host, read when
//! first asked for and kept.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use data::yaml::YamlError;
use data::{Diagnose, Diagnostic, Map, Place, Value};
use thiserror::Error;

use crate::HashBehaviour;
use crate::read::{ReadError, Reader};

/// Endings of variable files, in the order they are looked for; a file or folder without one comes first.
const ENDINGS: [&str; 4] = ["", ".yml", ".yaml", ".json"];

/// A variable file that cannot be used.
#[derive(Clone, Debug, Error)]
pub enum VarsFileError {
    /// It cannot be read or decrypted.
    #[error(transparent)]
    Read(Arc<ReadError>),
    /// It is not YAML.
    #[error("{}", .0.diagnostics().first().map(|found| found.title.clone()).unwrap_or_default())]
    Syntax(YamlError),
    /// It is not a mapping of variables.
    #[error("a variable file holds a mapping of names to values, found {found}")]
    NotAMapping {
        /// The document.
        place: Place,
        /// What it is.
        found: &'static str,
    },
}

impl Diagnose for VarsFileError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            Self::Read(error) => error.diagnostics(),
            Self::Syntax(error) => error.diagnostics(),
            Self::NotAMapping { place, .. } => {
                vec![
                    Diagnostic::error(self.to_string())
                        .at(place, "")
                        .help("write one `name: value` on each line"),
                ]
            }
        }
    }
}

/// Whose variables a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Entity {
    Group,
    Host,
}

impl Entity {
    fn folder(self) -> &'static str {
        match self {
            Self::Group => "group_vars",
            Self::Host => "host_vars",
        }
    }
}

type Cached = Result<Arc<Map>, VarsFileError>;

/// The variable files of a run.
#[derive(Debug)]
pub struct VarsFiles {
    pub(crate) inventory_folders: Vec<PathBuf>,
    pub(crate) playbook_folders: Vec<PathBuf>,
    behaviour: HashBehaviour,
    reader: Reader,
    cache: Mutex<HashMap<(PathBuf, Entity, String), Cached>>,
    /// Which folders have a `group_vars` or `host_vars` below them: of those that have none, nothing is kept for each host.
    folders: Mutex<HashMap<(PathBuf, Entity), bool>>,
    /// What a group or host without files has.
    none: Arc<Map>,
    warnings: Mutex<Vec<Diagnostic>>,
}

impl VarsFiles {
    /// Variable files beside these inventories (folders of inventory files, in the order of the sources) and playbooks.
    pub fn new(
        inventory_folders: Vec<PathBuf>,
        playbook_folders: Vec<PathBuf>,
        behaviour: HashBehaviour,
        reader: Reader,
    ) -> Self {
        Self {
            inventory_folders,
            playbook_folders,
            behaviour,
            reader,
            cache: Mutex::default(),
            folders: Mutex::default(),
            none: Arc::default(),
            warnings: Mutex::default(),
        }
    }

    /// What reading had to tell the user so far (duplicate keys); each thing once.
    pub fn take_warnings(&self) -> Vec<Diagnostic> {
        std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The variables of a group or host in one folder; empty when there is no file.
    ///
    /// # Errors
    /// A file that cannot be read or is not a mapping.
    pub(crate) fn vars(&self, folder: &Path, entity: Entity, name: &str) -> Cached {
        // A host may be a path (chroot); such a name must not lead out of the folder.
        if name.is_empty() || name.starts_with('/') || !self.has_files(folder, entity) {
            return Ok(Arc::clone(&self.none));
        }
        let key = (folder.to_owned(), entity, name.to_owned());
        let lock = || self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = lock().get(&key) {
            return found.clone();
        }
        let loaded = self.load(&folder.join(entity.folder()), name);
        lock().insert(key, loaded.clone());
        loaded
    }

    fn has_files(&self, folder: &Path, entity: Entity) -> bool {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (folder.to_owned(), entity);
        *folders.entry(key).or_insert_with(|| folder.join(entity.folder()).exists())
    }

    /// Reads all files of these hosts and of these groups, so that asking for their variables cannot fail any more; those beside a
    /// playbook only if asked for.
    ///
    /// # Errors
    /// The first file that cannot be read or is not a mapping.
    pub(crate) fn read_all(
        &self,
        hosts: &[&crate::Host],
        groups: &[&crate::Group],
        playbook: bool,
    ) -> Result<(), VarsFileError> {
        for folder in self.inventory_folders.iter().chain(self.playbook_folders.iter().filter(|_| playbook)) {
            if self.has_files(folder, Entity::Group) {
                groups
                    .iter()
                    .try_for_each(|group| self.vars(folder, Entity::Group, group.name()).map(drop))?;
            }
            if self.has_files(folder, Entity::Host) {
                hosts.iter().try_for_each(|host| self.vars(folder, Entity::Host, host.name()).map(drop))?;
            }
        }
        Ok(())
    }

    fn load(&self, folder: &Path, name: &str) -> Cached {
        let files = find(folder, name);
        if files.is_empty() {
            return Ok(Arc::clone(&self.none));
        }
        let mut vars = Map::new();
        for file in files {
            if let Some(found) = self.load_file(&file)? {
                self.behaviour.combine(&mut vars, &found);
            }
        }
        Ok(Arc::new(vars))
    }

    fn load_file(&self, path: &Path) -> Result<Option<Map>, VarsFileError> {
        let source = self.reader.read(path).map_err(|error| VarsFileError::Read(Arc::new(error)))?;
        let loaded = data::yaml::load(&source).map_err(VarsFileError::Syntax)?;
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).extend(loaded.warnings);
        let Some(node) = loaded.node else { return Ok(None) };
        match node.to_value() {
            Value::Map(map) => Ok(Some(map)),
            // An empty file, or one that says nothing, is no mistake.
            value if !value.is_truthy() => Ok(None),
            _ => Err(VarsFileError::NotAMapping { place: node.place.clone(), found: node.kind_name() }),
        }
    }
}

/// The files of a name: the first ending that exists; all files below it when that is a folder.
fn find(folder: &Path, name: &str) -> Vec<PathBuf> {
    for ending in ENDINGS {
        let path = folder.join(format!("{name}{ending}"));
        if path.is_dir() {
            return files_below(&path);
        }
        if path.exists() {
            return vec![path];
        }
    }
    Vec::new()
}

/// Variable files of a folder and the folders in it, sorted by name; hidden files and backups left out.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && !name.ends_with('~'))
        .collect();
    names.sort_unstable();
    let mut files = Vec::new();
    for name in names {
        let path = folder.join(&name);
        let ending = Path::new(&name).extension().and_then(|ending| ending.to_str());
        if path.is_dir() {
            if ending.is_none() {
                files.extend(files_below(&path));
            }
        } else if ending.is_none_or(|ending| matches!(ending, "yml" | "yaml" | "json")) {
            files.push(path);
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn vars(folder: &Path, behaviour: HashBehaviour) -> Cached {
        VarsFiles::new(vec![], vec![], behaviour, Reader::default()).vars(folder, Entity::Group, "web")
    }

    #[test]
    fn a_folder_or_bare_file_comes_before_the_endings() {
        for (files, winner) in [
            (vec![("group_vars/web.json", "{\"x\": \"json\"}"), ("group_vars/web.yaml", "x: yaml")], "yaml"),
            (vec![("group_vars/web.yaml", "x: yaml"), ("group_vars/web.yml", "x: yml")], "yml"),
            (vec![("group_vars/web.yml", "x: yml"), ("group_vars/web", "x: bare")], "bare"),
            (vec![("group_vars/web.yml", "x: yml"), ("group_vars/web/a.yml", "x: folder")], "folder"),
        ] {
            let folder = folder(&files);
            let vars = vars(folder.path(), HashBehaviour::Replace).unwrap();
            assert_eq!(vars.get_str("x"), Some(winner), "{files:?}");
        }
    }

    #[test]
    fn a_folder_is_read_in_order_without_hidden_backup_and_foreign_files() {
        let folder = folder(&[
            ("group_vars/web/10.yml", "a: 10\nb: 10\nd: {p: 1}\n"),
            ("group_vars/web/20/x.yaml", "b: 20\nd: {q: 2}\n"),
            ("group_vars/web/.hidden.yml", "a: hidden"),
            ("group_vars/web/30.yml~", "a: backup"),
            ("group_vars/web/readme.txt", "a: text"),
            ("group_vars/web/no.d/x.yml", "a: folder with an ending"),
        ]);
        let replaced = vars(folder.path(), HashBehaviour::Replace).unwrap();
        assert_eq!((replaced.get("a"), replaced.get("b")), (Some(&Value::from(10)), Some(&Value::from(20))));
        assert_eq!(replaced.get("d").unwrap().as_map().unwrap().len(), 1);
        let merged = vars(folder.path(), HashBehaviour::Merge).unwrap();
        assert_eq!(merged.get("d").unwrap().as_map().unwrap().len(), 2);
    }

    #[test]
    fn empty_files_are_fine_and_lists_are_not() {
        let empty = folder(&[("group_vars/web.yml", "# nothing\n")]);
        assert!(vars(empty.path(), HashBehaviour::Replace).unwrap().is_empty());
        let list = folder(&[("group_vars/web.yml", "- a\n")]);
        let error = vars(list.path(), HashBehaviour::Replace).unwrap_err();
        assert_eq!(error.to_string(), "a variable file holds a mapping of names to values, found a list");
    }
}
