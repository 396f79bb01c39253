//! The files inside a role's folder.

use std::path::{Path, PathBuf};

use data::yaml::{Node, NodeKind};
use data::{Diagnostic, Map, Value};

use super::Reader;
use crate::enclosing::over;
use crate::keyword;
use crate::role::Metadata;

impl Reader<'_> {
    /// The file `main` (or the one that `x_from` names) of a role's subfolder; `None` when there is none.
    pub(super) fn role_file(&mut self, role: &Path, subfolder: &str, from: Option<&str>) -> Option<PathBuf> {
        self.role_entries(role, subfolder, from).into_iter().find(|path| path.is_file())
    }

    /// The variables of a role's `defaults` or `vars`: of one file, or of all files in a folder `main/`.
    pub(super) fn role_vars(&mut self, role: &Path, subfolder: &str, from: Option<&str>) -> Map {
        let mut vars = Map::new();
        for entry in self.role_entries(role, subfolder, from) {
            let files = if entry.is_dir() { yaml_files(&entry) } else { vec![entry] };
            for file in files {
                if let Some(more) = self.read_vars(&file) {
                    vars = over(&more, &vars);
                }
            }
        }
        vars
    }

    /// `main`, `main.yml`, ... that exist.
    fn role_entries(&mut self, role: &Path, subfolder: &str, from: Option<&str>) -> Vec<PathBuf> {
        let folder = role.join(subfolder);
        let name = from.unwrap_or("main");
        let endings: [&str; 4] =
            if from.is_some() { ["", ".yml", ".yaml", ".json"] } else { [".yml", ".yaml", ".json", ""] };
        let candidates =
            endings.iter().map(|ending| super::search::clean(&folder.join(format!("{name}{ending}"))));
        let found: Vec<PathBuf> = candidates.filter(|path| path.exists()).take(1).collect();
        if let Some(outside) = found.iter().find(|path| !path.starts_with(super::search::clean(&folder))) {
            let title = format!(
                "Failed loading '{}' for role ({}) as it is not inside the expected role path: '{}'",
                outside.display(),
                role.file_name().unwrap_or_default().to_string_lossy(),
                folder.display()
            );
            self.findings.error(Diagnostic::error(title));
            return Vec::new();
        }
        // Variables that are not there are none; tasks and handlers are missed.
        if found.is_empty() && from.is_some() && folder.is_dir() && matches!(subfolder, "tasks" | "handlers")
        {
            self.findings.error(Diagnostic::error(format!(
                "Could not find specified file in role: {subfolder}/{name}"
            )));
        }
        found
    }

    /// `meta/main.yml`.
    pub(super) fn role_metadata(&mut self, role: &Path) -> Metadata {
        let mut metadata = Metadata::default();
        if let Some(Some(node)) = self.role_file(role, "meta", None).and_then(|file| self.read(&file)) {
            self.metadata(&node, &mut metadata);
        }
        let specs =
            ["yml", "yaml", "json"].iter().map(|ending| role.join(format!("meta/argument_specs.{ending}")));
        if let Some(file) = specs.into_iter().find(|path| path.is_file()) {
            let node = self.read(&file).flatten();
            metadata.argument_specs = node.and_then(|node| node.get("argument_specs").map(Node::to_value));
        }
        metadata
    }

    fn metadata(&mut self, node: &Node, metadata: &mut Metadata) {
        if !matches!(node.kind, NodeKind::Map(_)) {
            self.expected("the role's metadata as a mapping", node);
            return;
        }
        if let Some(value) = node.get("allow_duplicates") {
            metadata.allow_duplicates = keyword::boolean(&value.to_value()).unwrap_or_default();
        }
        match node.get("dependencies").map(|list| (list, &list.kind)) {
            Some((_, NodeKind::Seq(list))) => metadata.dependencies.clone_from(list),
            None | Some((_, NodeKind::Null)) => {}
            Some((other, _)) => self.expected("`dependencies` as a list of roles", other),
        }
        metadata.argument_specs = node.get("argument_specs").map(Node::to_value);
    }
}

/// Files with variables in a folder and its subfolders, by name.
fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        if path.is_dir() {
            files.extend(yaml_files(&path));
        } else if matches!(
            path.extension().and_then(|ending| ending.to_str()),
            None | Some("yml" | "yaml" | "json")
        ) {
            files.push(path);
        }
    }
    files
}

/// The task that checks a role's arguments, when its argument specs describe this entry point.
pub(super) fn validation_args(
    specs: &Value,
    entry: &str,
    role: &str,
    path: &Path,
    params: &Map,
) -> Option<(String, Map)> {
    let spec = specs.get(entry)?.as_map().filter(|spec| !spec.is_empty())?;
    let mut name = format!("Validating arguments against arg spec '{entry}'");
    if let Some(short) = spec.get_str("short_description") {
        name = format!("{name} - {short}");
    }
    let context = Map::from([
        ("type", Value::from("role")),
        ("name", Value::from(role)),
        ("argument_spec_name", Value::from(entry)),
        ("path", Value::from(path.display().to_string())),
    ]);
    let args = Map::from([
        ("argument_spec", spec.get("options").cloned().unwrap_or_else(|| Value::Map(Map::new()))),
        ("provided_arguments", Value::Map(params.clone())),
        ("validate_args_context", Value::Map(context)),
    ]);
    Some((name, args))
}
