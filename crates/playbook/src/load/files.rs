//! Reading YAML files once, with their warnings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use data::yaml::{self, Node, NodeKind};
use data::{Diagnose, Diagnostic, Map, Source};

use super::search::clean;
use super::{Loader, Reader};

/// A file that was read.
pub(super) struct File {
    /// Its document; `None` for an empty file.
    pub(super) node: Option<Node>,
    /// The mistakes in it.
    pub(super) errors: Vec<Diagnostic>,
    /// Its warnings: told at the first use.
    pub(super) warnings: Vec<Diagnostic>,
}

impl Loader {
    /// The file's content, read at the first call; `None` when there is no such file. The second value tells whether it was read now.
    pub(super) fn file(&self, path: &Path) -> Option<(Arc<File>, bool)> {
        let key = path.to_path_buf();
        if let Some(file) = self.files.lock().ok()?.get(&key) {
            return Some((Arc::clone(file), false));
        }
        if !path.exists() {
            return None;
        }
        let file = Arc::new(self.parse(path));
        self.files.lock().ok()?.insert(key, Arc::clone(&file));
        Some((file, true))
    }

    /// Lets a text stand for a file that is not on the disk: the play of an ad hoc run.
    pub fn stand_in(&self, path: &Path, source: &Arc<Source>) {
        let path = clean(&std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()));
        if let Ok(mut files) = self.files.lock() {
            files.insert(path, Arc::new(File::parse(source)));
        }
    }

    fn parse(&self, path: &Path) -> File {
        match self.surroundings.read(path) {
            Ok(source) => File::parse(&source),
            Err(errors) => File { node: None, errors, warnings: Vec::new() },
        }
    }
}

impl File {
    fn parse(source: &Arc<Source>) -> Self {
        match yaml::load(source) {
            Ok(loaded) => Self { node: loaded.node, errors: Vec::new(), warnings: loaded.warnings },
            Err(error) => Self { node: None, errors: error.diagnostics(), warnings: Vec::new() },
        }
    }
}

impl Reader<'_> {
    /// The document of a file that must exist. `None` after a mistake, which is noted; `Some(None)` for an empty file.
    pub(super) fn read(&mut self, path: &Path) -> Option<Option<Node>> {
        let Some((file, fresh)) = self.loader.file(path) else {
            self.findings.error(Diagnostic::error(format!("`{}` does not exist", shown(path))));
            return None;
        };
        if fresh {
            file.warnings.iter().for_each(|warning| self.findings.warn(warning.clone()));
        }
        if file.errors.is_empty() {
            return Some(file.node.clone());
        }
        file.errors.iter().for_each(|error| self.findings.error(error.clone()));
        None
    }

    /// The variables of a file that must hold a mapping (or nothing).
    pub(super) fn read_vars(&mut self, path: &Path) -> Option<Map> {
        let Some(node) = self.read(path)? else { return Some(Map::new()) };
        match &node.kind {
            NodeKind::Null => Some(Map::new()),
            NodeKind::Map(_) => node.to_value().as_map().cloned(),
            _ => {
                let title = format!("`{}` must hold variables as a mapping", shown(path));
                self.findings
                    .error(Diagnostic::error(title).at(&node.place, format!("this is {}", node.kind_name())));
                None
            }
        }
    }
}

/// The path as errors show it: relative to the working folder when it lies inside.
pub(super) fn shown(path: &Path) -> String {
    let relative =
        std::env::current_dir().ok().and_then(|folder| path.strip_prefix(folder).ok().map(Path::to_path_buf));
    relative
        .filter(|path| *path != PathBuf::new())
        .unwrap_or_else(|| path.to_path_buf())
        .display()
        .to_string()
}
