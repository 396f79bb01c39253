//! Includes at run time: files of tasks and roles, by rendered names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use data::suggest::nearest;
use data::yaml::NodeKind;
use data::{Diagnostic, Map, Value, is_variable_name};

use super::imports::include_vars;
use super::{Loader, Reader};
use crate::block::Item;
use crate::enclosing::{Enclosing, Ring};
use crate::error::PlaybookError;
use crate::keyword::{self, Inherited, On};
use crate::keywords::Keywords;
use crate::role::CompiledRole;
use crate::task::Task;

/// A use of a role by `include_role` or `import_role`, its arguments rendered.
#[derive(Clone, Debug, Default)]
pub struct RoleUse {
    /// `name:`
    pub name: String,
    /// `tasks_from:`, `vars_from:`, `defaults_from:`, `handlers_from:`, without `_from`.
    pub from: Vec<(&'static str, String)>,
    /// `public:`
    pub public: Option<bool>,
    /// `allow_duplicates:`, true unless said otherwise.
    pub allow_duplicates: bool,
    /// `rolespec_validate:`, true unless said otherwise.
    pub validate: bool,
    /// `vars:` of the include.
    pub vars: Map,
    /// Where it is written.
    pub place: Option<data::Place>,
    /// Where its name is written.
    pub name_place: Option<data::Place>,
}

impl RoleUse {
    /// The use that rendered arguments describe; `None` without a name.
    pub fn from_args(args: &Map, task: &Task) -> Option<Self> {
        let name = args.get("name").or_else(|| args.get("role"))?;
        let name = name.as_str().map_or_else(|| format!("{name:?}"), |name| name.trim().to_owned());
        let flag = |key: &str| args.get(key).and_then(keyword::boolean);
        let from = [
            ("tasks", "tasks_from"),
            ("vars", "vars_from"),
            ("defaults", "defaults_from"),
            ("handlers", "handlers_from"),
        ];
        Some(Self {
            name,
            from: from
                .into_iter()
                .filter_map(|(kind, key)| Some((kind, args.get_str(key)?.to_owned())))
                .collect(),
            public: flag("public"),
            allow_duplicates: flag("allow_duplicates").unwrap_or(true),
            validate: flag("rolespec_validate").unwrap_or(true),
            vars: task.vars.clone(),
            place: task.place.clone(),
            name_place: ["name", "role"]
                .into_iter()
                .find_map(|key| task.action.args.get(key)?.as_text()?.place().cloned()),
        })
    }
}

/// What an included role brings into the play.
#[derive(Clone, Debug)]
pub struct IncludedRole {
    /// The role, with its tasks and handlers.
    pub compiled: CompiledRole,
    /// Roles that its tasks import statically.
    pub imported: Vec<CompiledRole>,
}

/// What an include gives, and what the user should know about it.
type Included<T> = Result<(T, Vec<Diagnostic>), PlaybookError>;

impl Loader {
    /// The path of the file that a rendered `include_tasks` names.
    pub fn included_path(&self, name: &str, task: &Task, base_dir: &Path) -> PathBuf {
        Reader::new(self, base_dir, Map::new()).tasks_file(name, &task.enclosing, task.kind)
    }

    /// The tasks of an included file. They see `special` (loop variables) and the include's `vars`, and inherit what `apply` says, but
    /// not the include's own keywords.
    ///
    /// # Errors
    /// The file does not exist, or is no list of tasks.
    pub fn include_tasks(
        &self,
        task: &Task,
        path: &Path,
        special: &Map,
        play_vars: &Map,
        base_dir: &Path,
    ) -> Included<(Vec<Item>, Vec<CompiledRole>)> {
        if !path.is_file() {
            let title = unreadable(path);
            let finding = Diagnostic::error(title).at_opt(task.action.place.as_ref(), "included here");
            return Err(PlaybookError::missing(finding));
        }
        let mut reader = Reader::new(self, base_dir, play_vars.clone());
        let apply = reader.apply(task);
        let document = reader.read(path);
        let vars = include_vars(task, &crate::enclosing::over(special, &apply.1));
        let around = task.enclosing.include(Ring::File(path.to_path_buf()), &apply.0, &vars);
        let items = match document {
            None | Some(None) => Vec::new(),
            Some(Some(node)) if matches!(node.kind, NodeKind::Seq(_)) => {
                reader.items(&node, &around, task.kind)
            }
            Some(Some(node)) => {
                let error = Diagnostic::error("included task files must contain a list of tasks");
                reader.findings.missing(error.at(&node.place, format!("this is {}", node.kind_name())));
                Vec::new()
            }
        };
        let imported = std::mem::take(&mut reader.imported_roles);
        reader.findings.finish((items, imported))
    }

    /// The role that a rendered `include_role` names.
    ///
    /// # Errors
    /// No such role, or mistakes in its files.
    pub fn include_role(
        &self,
        task: &Task,
        used: &RoleUse,
        special: &Map,
        play_vars: &Map,
        base_dir: &Path,
    ) -> Included<IncludedRole> {
        let mut reader = Reader::new(self, base_dir, play_vars.clone());
        let (apply, apply_vars) = reader.apply(task);
        let vars = include_vars(task, &crate::enclosing::over(special, &apply_vars));
        let around = task.enclosing.include(Ring::Block, &apply, &vars);
        let mut used = used.clone();
        used.public = used.public.or(Some(!self.settings.private_role_vars.unwrap_or(true)));
        let compiled = reader.used_role(&used, &around);
        let imported = std::mem::take(&mut reader.imported_roles);
        let findings = reader.findings;
        match compiled {
            Some(compiled) => findings.finish(IncludedRole { compiled, imported }),
            None => Err(findings.finish(()).err().unwrap_or_else(|| {
                Diagnostic::error(format!("the role `{}` could not be loaded", used.name)).into()
            })),
        }
    }
}

impl Reader<'_> {
    /// `apply:` of a dynamic include: keywords and variables for its tasks.
    fn apply(&mut self, task: &Task) -> (Keywords, Map) {
        let mut keywords = Keywords::default();
        let mut vars = Map::new();
        let Some(Value::Map(apply)) = task.action.args.get("apply") else { return (keywords, vars) };
        for (key, value) in apply.iter() {
            let name = key.to_string();
            match keyword::keyword(&name, On::BLOCK) {
                Some(row) if row.name == "vars" => {
                    if let Value::Map(map) = value {
                        vars = map
                            .iter()
                            .filter(|(key, _)| key.as_str().is_some_and(is_variable_name))
                            .map(|(k, v)| (k.clone(), v.clone()))
                            .collect();
                    }
                }
                Some(row) => match row.inherited {
                    Some(Inherited::Tags) => keywords.set(Inherited::Tags, split_tags(value)),
                    Some(inherited) => keywords.set(inherited, value.clone()),
                    None => {}
                },
                None => {
                    let mut error =
                        Diagnostic::error(format!("'{name}' is not a valid attribute for a Block"));
                    if let Some(near) = nearest(&name, keyword::names(On::BLOCK)) {
                        error = error.help(format!("did you mean `{near}`?"));
                    }
                    self.findings.error(error.at_opt(task.action.place.as_ref(), "in `apply` here"));
                }
            }
        }
        (keywords, vars)
    }

    /// Loads a role for an include or import whose ring is `around`.
    pub(super) fn used_role(&mut self, used: &RoleUse, around: &Arc<Enclosing>) -> Option<CompiledRole> {
        let (name, path) =
            self.role_folder(&used.name, around, used.name_place.as_ref().or(used.place.as_ref()))?;
        self.role(
            super::role::Request {
                name,
                path,
                used,
                keywords: Keywords::default(),
                params: Map::new(),
                included: true,
            },
            around,
        )
    }
}

/// Tags as a list; text is split at commas.
fn split_tags(value: &Value) -> Value {
    match value {
        Value::Str(text) => text.split(',').map(|tag| Value::Str(text.with_chars(tag.trim()))).collect(),
        other => other.clone(),
    }
}

/// Ansible's words for a file that an include names and that is not there.
fn unreadable(path: &Path) -> String {
    let path = path.display();
    format!(
        "Could not find or access '{path}' on the Ansible Controller: Unable to retrieve file contents.\n\
         Could not find or access '{path}' on the Ansible Controller.\n\
         If you are using a module and expect the file to exist on the remote, see the remote_src option: \
         [Errno 2] No such file or directory: '{path}'"
    )
}
