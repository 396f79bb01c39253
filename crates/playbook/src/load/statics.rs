//! Variables that are known before the run: what names in static imports, roles and tags may use.

use std::sync::Arc;

use data::{Map, Value};

use super::Reader;
use crate::enclosing::{Enclosing, over};

impl Reader<'_> {
    /// Role defaults, the play's variables, the role's, the blocks', extra variables, and the few magic ones; later ones win.
    pub(super) fn static_vars(&self, around: &Arc<Enclosing>, own: &Map) -> Map {
        let mut vars = Map::new();
        if let Some(role) = &around.role {
            vars.extend_from(&role.defaults);
        }
        vars.extend_from(&self.play_vars);
        if let Some(role) = &around.role {
            vars.extend_from(&role.vars);
        }
        vars.extend_from(&around.vars);
        vars.extend_from(own);
        if let Some(role) = &around.role {
            vars.extend_from(&role.params);
        }
        vars.extend_from(&around.include_params);
        vars.extend_from(&self.loader.settings.extra_vars);
        if let Some(role) = &around.role {
            vars.insert("role_name", role.name.clone());
            vars.insert("role_path", role.path.display().to_string());
        }
        vars.insert("playbook_dir", self.base_dir.display().to_string());
        vars
    }

    /// The variables of the play's `vars_files` whose names need no rendering, over its `vars`. Files that cannot be read are left to
    /// the run, which knows more.
    pub(super) fn vars_with_files(&self, vars: &Map, files: &[Value]) -> Map {
        let mut all = vars.clone();
        for entry in files {
            let names: Vec<&str> = match entry {
                Value::List(list) => list.iter().filter_map(Value::as_str).collect(),
                other => other.as_str().into_iter().collect(),
            };
            let found = names.iter().filter(|name| !name.contains("{{")).find_map(|name| {
                let folders = [self.base_dir.join("vars"), self.base_dir.clone()];
                folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file())
            });
            let Some((file, _)) = found.and_then(|path| self.loader.file(&path)) else { continue };
            if let Some(Value::Map(values)) = file.node.as_ref().map(data::yaml::Node::to_value) {
                all = over(&values, &all);
            }
        }
        all
    }
}
