//! `import_tasks` and `import_role`, expanded where they stand; and the checks of all includes that need no run.

use data::suggest::nearest;
use data::{Diagnostic, Map, Value};

use super::Reader;
use super::include::RoleUse;
use crate::block::Item;
use crate::enclosing::Ring;
use crate::task::{Task, TaskKind};

/// Arguments of `include_role` and `import_role`.
const ROLE_ARGS: [&str; 10] = [
    "name",
    "role",
    "tasks_from",
    "vars_from",
    "defaults_from",
    "handlers_from",
    "apply",
    "public",
    "allow_duplicates",
    "rolespec_validate",
];

/// Words of `meta`.
const META: [&str; 11] = [
    "clear_facts",
    "clear_host_errors",
    "end_batch",
    "end_host",
    "end_play",
    "end_role",
    "flush_handlers",
    "noop",
    "refresh_inventory",
    "reset_connection",
    "role_complete",
];

impl Reader<'_> {
    /// The tasks of the file that `import_tasks` names. They inherit the import's keywords and variables.
    pub(super) fn import_tasks(&mut self, task: &Task) -> Vec<Item> {
        if let Some(looped) = &task.looped {
            let error = Diagnostic::error(
                "You cannot use loops on 'import_tasks' statements. You should use 'include_tasks' instead.",
            );
            self.findings.error(error.at(&looped.place, ""));
            return Vec::new();
        }
        let Some(name) = self.static_file_name(task) else { return Vec::new() };
        let path = self.tasks_file(&name, &task.enclosing, task.kind);
        if task.enclosing.files().any(|file| *file == path) {
            let error = Diagnostic::error(format!("`{name}` imports itself")).at_opt(task.place.as_ref(), "");
            self.findings
                .error(error.help("a static import has no end then: use `include_tasks` with a condition"));
            return Vec::new();
        }
        if !path.is_file() {
            let title = format!(
                "Unable to retrieve file contents.\nCould not find or access '{0}' on the Ansible Controller.\nIf you are using a module \
                 and expect the file to exist on the remote, see the remote_src option: [Errno 2] No such file or directory: '{0}'",
                path.display()
            );
            self.findings
                .missing(Diagnostic::error(title).at_opt(task.action.place.as_ref(), "imported here"));
            return Vec::new();
        }
        let Some(document) = self.read(&path) else { return Vec::new() };
        let Some(node) = document else {
            let title = format!("file `{}` is empty and had no tasks to include", super::files::shown(&path));
            self.findings.warn(Diagnostic::warning(title).at_opt(task.place.as_ref(), "imported here"));
            return Vec::new();
        };
        let around = task.enclosing.import(Ring::File(path), &task.keywords, &task.vars);
        self.items(&node, &around, task.kind)
    }

    fn static_file_name(&mut self, task: &Task) -> Option<String> {
        self.check_keys(task, &["_raw_params", "file"]);
        let value = task.action.args.get("_raw_params").or_else(|| task.action.args.get("file"));
        let Some(value) = value else {
            let error =
                Diagnostic::error("No file specified for import_tasks").at_opt(task.place.as_ref(), "");
            self.findings.error(error);
            return None;
        };
        let vars = self.static_vars(&task.enclosing, &task.vars);
        let rendered = self.render_static(value, &vars, task.action.place.as_ref())?;
        rendered.as_str().map(|name| name.trim().to_owned())
    }

    /// The tasks of the role that `import_role` names; the role joins the play.
    pub(super) fn import_role(&mut self, task: &Task) -> Vec<Item> {
        if task.kind == TaskKind::Handler {
            let error = Diagnostic::error("Using 'import_role' as a handler is not supported.");
            self.findings.error(error.at_opt(task.place.as_ref(), ""));
            return Vec::new();
        }
        if let Some(looped) = &task.looped {
            let error = Diagnostic::error(
                "You cannot use loops on 'import_role' statements. You should use 'include_role' instead.",
            );
            self.findings.error(error.at(&looped.place, ""));
            return Vec::new();
        }
        self.check_role_args(task);
        if task.action.args.contains_key("apply") {
            let error =
                Diagnostic::error("Invalid options for import_role: apply").at_opt(task.place.as_ref(), "");
            self.findings.error(error.help("keywords of the import itself are inherited by its tasks"));
        }
        let vars = self.static_vars(&task.enclosing, &task.vars);
        let args = Value::Map(task.action.args.clone());
        let Some(Value::Map(args)) = self.render_static(&args, &vars, task.action.place.as_ref()) else {
            return Vec::new();
        };
        let Some(mut used) = RoleUse::from_args(&args, task) else { return Vec::new() };
        used.public = used.public.or(Some(!self.loader.settings.private_role_vars.unwrap_or(false)));
        let around = task.enclosing.import(Ring::Block, &task.keywords, &task.vars);
        let Some(compiled) = self.used_role(&used, &around) else { return Vec::new() };
        self.imported_handlers.extend(compiled.handlers.iter().cloned());
        self.imported_roles.push(compiled.clone());
        compiled.tasks
    }

    pub(super) fn check_include_tasks(&mut self, task: &Task) {
        self.check_keys(task, &["_raw_params", "file", "apply"]);
        if !["_raw_params", "file"].iter().any(|key| task.action.args.contains_key(*key)) {
            let error =
                Diagnostic::error("No file specified for include_tasks").at_opt(task.place.as_ref(), "");
            self.findings.error(error);
        }
    }

    pub(super) fn check_include_role(&mut self, task: &Task) {
        if task.kind == TaskKind::Handler {
            let error = Diagnostic::error("Using 'include_role' as a handler is not supported.");
            self.findings.error(error.at_opt(task.place.as_ref(), ""));
        }
        self.check_role_args(task);
    }

    fn check_role_args(&mut self, task: &Task) {
        self.check_keys(task, &ROLE_ARGS);
        if task.action.variable.is_none()
            && !["name", "role"].iter().any(|key| task.action.args.contains_key(*key))
        {
            let title = format!("'name' is a required field for {}.", task.action.name);
            self.findings.error(Diagnostic::error(title).at_opt(task.place.as_ref(), ""));
        }
    }

    fn check_keys(&mut self, task: &Task, known: &[&'static str]) {
        for (key, _) in task.action.args.iter() {
            let key = key.to_string();
            if known.contains(&key.as_str()) {
                continue;
            }
            let title = format!("Invalid options for {}: {key}", task.action.name);
            let mut error = Diagnostic::error(title).at_opt(task.action.place.as_ref(), "");
            if let Some(near) = nearest(&key, known.iter().copied()) {
                error = error.help(format!("did you mean `{near}`?"));
            }
            self.findings.error(error);
        }
    }

    pub(super) fn check_meta(&mut self, task: &Task) {
        let word = task.meta().unwrap_or_default();
        if !META.contains(&word) {
            let title = format!("invalid meta action requested: `{word}`");
            let mut error = Diagnostic::error(title).at_opt(task.action.place.as_ref(), "");
            if let Some(near) = nearest(word, META) {
                error = error.help(format!("did you mean `{near}`?"));
            }
            self.findings.error(error);
        } else if word == "end_role" && (task.enclosing.role.is_none() || task.kind == TaskKind::Handler) {
            let error = Diagnostic::error(if task.kind == TaskKind::Handler {
                "Cannot execute 'end_role' from a handler"
            } else {
                "Cannot execute 'end_role' from outside of a role"
            })
            .at_opt(task.place.as_ref(), "");
            self.findings.error(error);
        } else if word == "flush_handlers" && task.kind == TaskKind::Handler {
            let error = Diagnostic::error("flush_handlers cannot be used as a handler")
                .at_opt(task.place.as_ref(), "");
            self.findings.error(error);
        }
    }
}

/// Variables and loop values that a dynamic include gives to its tasks.
pub(super) fn include_vars(task: &Task, special: &Map) -> Map {
    crate::enclosing::over(special, &task.vars)
}
