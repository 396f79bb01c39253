//! Playbook files: a list of plays and imports of other playbooks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use data::yaml::{Node, NodeKind};
use data::{Diagnostic, Map, Value};

use super::play::Imported;
use super::search::{clean, expand_home};
use super::{Loader, Reader};
use crate::error::PlaybookError;
use crate::keyword::{Inherited, On};
use crate::keywords::Keywords;
use crate::play::{Play, Playbook};

impl Loader {
    /// Reads a playbook, with the playbooks, roles and files of tasks that it imports statically.
    ///
    /// # Errors
    /// All mistakes in these files together.
    pub fn playbook(&self, path: &Path) -> Result<(Playbook, Vec<Diagnostic>), PlaybookError> {
        let absolute = clean(&std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()));
        let mut reader = Reader::new(self, &folder_of(&absolute), Map::new());
        let plays = reader.plays(&absolute, &Imported::default(), &mut Vec::new(), None);
        reader.findings.finish(Playbook { path: path.to_path_buf(), plays })
    }
}

impl Reader<'_> {
    fn plays(
        &mut self,
        path: &Path,
        imported: &Imported,
        open: &mut Vec<PathBuf>,
        base_dir: Option<&Path>,
    ) -> Vec<Arc<Play>> {
        let Some(document) = self.read(path) else { return Vec::new() };
        let shown = super::files::shown(path);
        let Some(node) = document else {
            self.findings.error(Diagnostic::error(format!("Empty playbook, nothing to do: {shown}")));
            return Vec::new();
        };
        let NodeKind::Seq(entries) = &node.kind else {
            let error = Diagnostic::error(format!(
                "A playbook must be a list of plays, got {} instead: {shown}",
                node.kind_name()
            ));
            self.findings.error(error.at(&node.place, "").help("start each play with `- hosts: ...`"));
            return Vec::new();
        };
        if entries.is_empty() {
            self.findings
                .error(Diagnostic::error(format!("A playbook must contain at least one play: {shown}")));
        }
        let folder = folder_of(path);
        let base = base_dir.unwrap_or(&folder).to_path_buf();
        open.push(path.to_path_buf());
        let plays =
            entries.iter().flat_map(|entry| self.entry(entry, imported, open, &base, &folder)).collect();
        open.pop();
        plays
    }

    fn entry(
        &mut self,
        node: &Node,
        imported: &Imported,
        open: &mut Vec<PathBuf>,
        base: &Path,
        folder: &Path,
    ) -> Vec<Arc<Play>> {
        let NodeKind::Map(entries) = &node.kind else {
            self.expected("a play as a mapping", node);
            return Vec::new();
        };
        let import = entries.iter().any(|(key, _)| {
            key.as_str().is_some_and(|name| crate::task::short_name(name) == "import_playbook")
        });
        if import {
            return self.import_playbook(entries, imported, open, folder);
        }
        self.base_dir = base.to_path_buf();
        vec![Arc::new(self.play(node, entries, base, imported))]
    }

    fn import_playbook(
        &mut self,
        entries: &[(Node, Node)],
        outer: &Imported,
        open: &mut Vec<PathBuf>,
        folder: &Path,
    ) -> Vec<Arc<Play>> {
        let object = self.object(entries, On::PLAYBOOK_IMPORT);
        self.refuse_unknown(&object.unknown, On::PLAYBOOK_IMPORT);
        let Some((_, file)) = object.own.iter().find(|(row, _)| row.name.ends_with("import_playbook")) else {
            return Vec::new();
        };
        let vars = crate::enclosing::over(&outer.vars, &object.vars);
        let mut known = vars.clone();
        known.extend_from(&self.loader.settings.extra_vars);
        known.insert("playbook_dir", folder.display().to_string());
        let rendered = self.render_static(&file.to_value(), &known, Some(&file.place));
        let Some(name) = rendered.as_ref().and_then(Value::as_str) else { return Vec::new() };
        let path = clean(&folder.join(expand_home(name)));
        if open.contains(&path) {
            let error = Diagnostic::error(format!("`{name}` imports itself")).at(&file.place, "");
            self.findings.error(error);
            return Vec::new();
        }
        if !path.is_file() {
            let title = format!("the playbook `{name}` could not be found");
            let shown = super::files::shown(&path);
            self.findings.error(
                Diagnostic::error(title).at(&file.place, "imported here").note(format!("looked at {shown}")),
            );
            return Vec::new();
        }
        let mut keywords = Keywords::default();
        for keyword in [Inherited::When, Inherited::Tags] {
            if let Some(value) = object.inherited.get(keyword) {
                keywords.set(keyword, value.clone());
            }
        }
        let inner = Imported { vars, keywords: keywords.inside(&outer.keywords) };
        let base = folder_of(&path);
        self.plays(&path, &inner, open, Some(&base))
    }
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}
