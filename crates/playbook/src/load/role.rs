//! Roles: entries of `roles:`, dependencies, and what imports and includes name.

use std::path::PathBuf;
use std::sync::Arc;

use data::yaml::{Node, NodeKind};
use data::{Diagnostic, Map, Text};

use super::Reader;
use super::include::RoleUse;
use super::object::Object;
use super::role_files::validation_args;
use crate::block::Item;
use crate::enclosing::{Enclosing, Ring, over};
use crate::keyword::On;
use crate::keywords::Keywords;
use crate::role::{CompiledRole, Metadata, Role};
use crate::task::{Task, TaskKind};

/// A role to be loaded for one use.
pub(super) struct Request<'u> {
    /// Its name.
    pub(super) name: String,
    /// Its folder.
    pub(super) path: PathBuf,
    /// What the use asks for.
    pub(super) used: &'u RoleUse,
    /// Keywords of the use.
    pub(super) keywords: Keywords,
    /// Parameters of the use: keys that are no keywords.
    pub(super) params: Map,
    /// Whether an import or include asks, not a list of roles.
    pub(super) included: bool,
}

impl Reader<'_> {
    /// The roles of a list: `roles:` of a play, or dependencies.
    pub(super) fn role_list(&mut self, list: &[Node], around: &Arc<Enclosing>) -> Vec<CompiledRole> {
        list.iter().filter_map(|node| self.listed_role(node, around)).collect()
    }

    fn listed_role(&mut self, node: &Node, around: &Arc<Enclosing>) -> Option<CompiledRole> {
        let (name, object) = match &node.kind {
            NodeKind::Str(text) => (text.clone(), None),
            NodeKind::Int(number) => (Text::plain(number.to_string()), None),
            NodeKind::Map(entries) => {
                let object = self.object(entries, On::ROLE);
                (self.role_name(node, &object)?, Some(object))
            }
            _ => {
                self.expected("a role as its name or a mapping", node);
                return None;
            }
        };
        if object.is_none() && name.contains(',') {
            let error =
                Diagnostic::error(format!("Invalid old style role requirement: {name}")).at(&node.place, "");
            self.findings
                .error(error.help("write it as a mapping: `role: name`, and its parameters as keys"));
            return None;
        }
        let vars = object.as_ref().map(|object| object.vars.clone()).unwrap_or_default();
        let known = self.static_vars(around, &vars);
        let rendered = self.render_static(&name.into(), &known, Some(&node.place))?;
        let (name, path) = self.role_folder(rendered.as_str()?, around, Some(&node.place))?;
        let used = RoleUse {
            name: name.clone(),
            validate: true,
            public: Some(!self.loader.settings.private_role_vars.unwrap_or(false)),
            vars,
            place: Some(super::task::start(node)),
            name_place: Some(node.place.clone()),
            ..RoleUse::default()
        };
        let keywords = object.as_ref().map(|object| object.inherited.clone()).unwrap_or_default();
        let params = object.map(|object| params(&object)).unwrap_or_default();
        self.role(Request { name, path, used: &used, keywords, params, included: false }, around)
    }

    fn role_name(&mut self, node: &Node, object: &Object) -> Option<Text> {
        let name = object.node("role").and_then(Node::as_text).cloned().or_else(|| object.name.clone());
        if name.is_none() {
            self.findings
                .error(Diagnostic::error("role definitions must contain a role name").at(&node.place, ""));
        }
        name
    }

    /// Loads a role and all it depends on. `None` after a mistake, which is noted.
    pub(super) fn role(&mut self, request: Request<'_>, around: &Arc<Enclosing>) -> Option<CompiledRole> {
        if !request.included && around.roles().any(|role| role.path == request.path) {
            let title = format!("the role `{}` depends on itself", request.name);
            let error = Diagnostic::error(title).at_opt(request.used.place.as_ref(), "");
            self.findings.error(error.help("child roles must not depend on the roles that depend on them"));
            return None;
        }
        let from = |kind: &str| {
            request.used.from.iter().find(|(name, _)| *name == kind).map(|(_, file)| file.as_str())
        };
        let own_defaults = self.role_vars(&request.path, "defaults", from("defaults"));
        let own_vars = self.role_vars(&request.path, "vars", from("vars"));
        let metadata = self.role_metadata(&request.path);
        let (dependencies, mut tasks, mut handlers) =
            self.dependencies(&request, &metadata, &own_vars, around);
        let role = Arc::new(assemble(&request, &metadata, own_defaults, own_vars, dependencies, around));
        let ring = around.ring(Ring::Role(Arc::clone(&role)), &request.keywords, &Map::new());
        tasks.extend(self.role_tasks(&request, &metadata, &role, &ring));
        if let Some(node) = self
            .role_file(&role.path, "handlers", from("handlers"))
            .and_then(|file| self.read(&file))
            .flatten()
        {
            handlers.extend(self.handlers(&node, &ring));
        }
        Some(CompiledRole { role, tasks, handlers })
    }

    /// The roles it depends on, with their tasks and handlers. They stand inside the role: they inherit its keywords and see its vars.
    fn dependencies(
        &mut self,
        request: &Request<'_>,
        metadata: &Metadata,
        own_vars: &Map,
        around: &Arc<Enclosing>,
    ) -> (Vec<Arc<Role>>, Vec<Item>, Vec<Arc<Task>>) {
        if metadata.dependencies.is_empty() {
            return Default::default();
        }
        let outer = Arc::new(assemble(request, metadata, Map::new(), own_vars.clone(), Vec::new(), around));
        let ring = around.ring(Ring::Role(outer), &request.keywords, &Map::new());
        let compiled = self.role_list(&metadata.dependencies, &ring);
        let roles = compiled.iter().map(|compiled| Arc::clone(&compiled.role)).collect();
        let (mut tasks, mut handlers) = (Vec::new(), Vec::new());
        for role in compiled {
            tasks.extend(role.tasks);
            handlers.extend(role.handlers);
        }
        (roles, tasks, handlers)
    }

    /// The role's own tasks: the check of its arguments, `tasks/main.yml`, and the mark of its end.
    fn role_tasks(
        &mut self,
        request: &Request<'_>,
        metadata: &Metadata,
        role: &Arc<Role>,
        ring: &Arc<Enclosing>,
    ) -> Vec<Item> {
        let from = request.used.from.iter().find(|(kind, _)| *kind == "tasks").map(|(_, file)| file.as_str());
        let mut tasks = Vec::new();
        let entry = from.map_or("main", |file| file.trim_end_matches(".yml").trim_end_matches(".yaml"));
        let check = metadata.argument_specs.as_ref().filter(|_| request.used.validate);
        if let Some((name, args)) = check
            .and_then(|specs| validation_args(specs, entry, role.short_name(), &role.path, &request.params))
        {
            let mut task = Task::implicit("ansible.builtin.validate_argument_spec", args, ring);
            task.name = Some(Text::template(name, None));
            task.implicit = false;
            task.place.clone_from(&role.place);
            tasks.push(Item::Task(Arc::new(task)));
        }
        let file = self.role_file(&role.path, "tasks", from);
        if let Some(node) = file.as_ref().and_then(|file| self.read(file)).flatten() {
            let ring = match file {
                Some(file) => ring.ring(Ring::File(file), &Keywords::default(), &Map::new()),
                None => Arc::clone(ring),
            };
            tasks.extend(self.items(&node, &ring, TaskKind::Task));
        }
        let mut end = Task::implicit("meta", Map::from([("_raw_params", "role_complete")]), ring);
        end.keywords.clear(crate::keyword::Inherited::When);
        end.keywords.clear(crate::keyword::Inherited::RunOnce);
        tasks.push(Item::Task(Arc::new(end)));
        tasks
    }
}

/// The role's variables in all the sums that its tasks need.
fn assemble(
    request: &Request<'_>,
    metadata: &Metadata,
    own_defaults: Map,
    own_vars: Map,
    dependencies: Vec<Arc<Role>>,
    around: &Arc<Enclosing>,
) -> Role {
    let outer: Vec<&Arc<Role>> = around.roles().collect();
    let mut defaults = Map::new();
    let mut exported = Map::new();
    for dependency in &dependencies {
        defaults.extend_from(&dependency.defaults);
        exported.extend_from(&dependency.exported_vars);
    }
    let (mut vars, mut params) = (Map::new(), Map::new());
    // From the outermost role inward: what is nearer wins.
    for role in outer.iter().rev() {
        defaults.extend_from(&role.own_defaults);
        vars.extend_from(&role.vars);
        params.extend_from(&role.params);
    }
    defaults.extend_from(&own_defaults);
    vars.extend_from(&exported);
    vars.extend_from(&own_vars);
    vars.extend_from(&request.used.vars);
    params.extend_from(&request.params);
    let signature = format!(
        "{}|{:?}|{:?}|{:?}|{:?}|{:?}|{}",
        request.path.display(),
        request.params,
        request.used.from,
        request.used.vars,
        request.keywords.get(crate::keyword::Inherited::When),
        request.keywords.get(crate::keyword::Inherited::Tags),
        request.included,
    );
    Role {
        id: Role::next_id(),
        name: request.name.clone(),
        path: request.path.clone(),
        signature,
        allow_duplicates: if request.included {
            request.used.allow_duplicates
        } else {
            metadata.allow_duplicates
        },
        public: request.used.public.unwrap_or(true),
        from_include: request.included,
        own_defaults,
        defaults,
        exported_vars: over(&own_vars, &exported),
        own_vars,
        vars,
        params,
        dependencies,
        parents: outer.iter().map(|role| (role.name.clone(), role.path.clone())).collect(),
        place: request.used.place.clone(),
    }
}

/// The keys of a role's entry that are no keywords.
fn params(object: &Object) -> Map {
    object.unknown.iter().filter_map(|(key, value)| Some((key.to_key()?, value.to_value()))).collect()
}
