//! All variables that a task on a host can see, in Ansible's order of precedence, looked up when asked for.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use data::{Diagnose, Diagnostic, Key, Map, Text, Value};
use inventory::HashBehaviour;
use playbook::{Inherited, Task};
use template::{Context, HostVars, Scope, SearchPath, TemplateError};

use crate::event::HostName;
use crate::play::scope::PlayScope;
use crate::shared::Shared;
use crate::variables::HostData;

/// The scope of a task on a host; without a task the scope of `hostvars[host]`, without a host that of the play.
#[derive(Clone)]
pub(crate) struct TaskScope {
    pub(crate) shared: Arc<Shared>,
    pub(crate) play: Arc<PlayScope>,
    pub(crate) task: Option<Arc<Task>>,
    pub(crate) host: Option<HostName>,
    /// Loop variables, results of the running task, and other values of the moment. They win over all others.
    pub(crate) local: Map,
    data: HostData,
    inventory: Map,
    vars_files: Map,
    magic: Map,
    search: Arc<SearchPath>,
    hash_behaviour: HashBehaviour,
    /// Where the task is delegated to, once that is known.
    pub(crate) delegated: Option<HostName>,
    /// What the running task used that Ansible will take away; `None` where no task runs.
    pub(crate) deprecations: Option<Arc<Mutex<Vec<String>>>>,
}

impl TaskScope {
    /// The scope of a task (or of none) on a host (or of none), as things are now.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        play: &Arc<PlayScope>,
        task: Option<&Arc<Task>>,
        host: Option<&HostName>,
    ) -> Self {
        let mut scope = Self {
            shared: Arc::clone(shared),
            play: Arc::clone(play),
            task: task.cloned(),
            host: host.cloned(),
            local: Map::new(),
            data: host.map(|host| shared.variables.snapshot(host)).unwrap_or_default(),
            inventory: host.map(|host| shared.inventory_vars(host)).unwrap_or_default(),
            vars_files: Map::new(),
            magic: Map::new(),
            search: search_path(play, task),
            hash_behaviour: shared.inventory().hash_behaviour(),
            delegated: None,
            deprecations: None,
        };
        scope.magic = scope.host_and_task_magic();
        scope.vars_files = scope.read_vars_files();
        scope
    }

    /// The same with the variables of a task.
    pub(crate) fn with_task(&self, task: &Arc<Task>) -> Self {
        Self { task: Some(Arc::clone(task)), ..self.clone() }
    }

    /// The same for another host: where a delegated task runs.
    pub(crate) fn for_host(&self, host: &HostName) -> Self {
        let mut scope = Self::new(&self.shared, &self.play, self.task.as_ref(), Some(host));
        scope.local = self.local.clone();
        scope.deprecations.clone_from(&self.deprecations);
        scope
    }

    /// What the template engine needs.
    pub(crate) fn context(&self) -> Context<'_> {
        Context::new(self, &self.search).with_secrets(self.shared.options.reader.secrets()).with_host(self)
    }

    /// Where the task's files are found.
    pub(crate) fn search(&self) -> &SearchPath {
        &self.search
    }

    /// Renders a value.
    pub(crate) fn resolve(&self, value: &Value) -> Result<Value, TemplateError> {
        self.shared.engine.resolve(value, &self.context())
    }

    /// Whether a condition holds.
    pub(crate) fn condition(&self, condition: &Value) -> Result<bool, TemplateError> {
        self.shared.engine.condition(condition, &self.context())
    }

    /// What was used since the last call that Ansible will take away, as the field `deprecations` of a result.
    pub(crate) fn take_deprecations(&self) -> Option<Value> {
        let heard = self.deprecations.as_ref()?;
        let heard = std::mem::take(&mut *heard.lock().unwrap_or_else(PoisonError::into_inner));
        let entry = |msg: String| {
            Value::Map(Map::from([
                ("msg", Value::from(msg)),
                ("version", crate::variables::lookups::REMOVED_IN.into()),
                ("collection_name", "ansible.builtin".into()),
                (
                    "deprecator",
                    Value::Map(Map::from([
                        ("resolved_name", "ansible.builtin".into()),
                        ("type", Value::Null),
                    ])),
                ),
            ]))
        };
        (!heard.is_empty()).then(|| heard.into_iter().map(entry).collect())
    }

    /// Whether a variable exists.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The rendered value of a variable; `None` when it does not exist.
    pub(crate) fn variable(&self, name: &str) -> Result<Option<Value>, TemplateError> {
        self.get(name).map(|value| self.resolve(&value)).transpose()
    }

    /// Facts of the host as modules name them.
    pub(crate) fn facts(&self) -> &Map {
        &self.data.facts
    }

    /// Facts that the running task gathered: seen by its own conditions.
    pub(crate) fn add_local_facts(&mut self, facts: &Map) {
        self.data.add_facts(facts);
    }

    fn host_and_task_magic(&self) -> Map {
        let mut magic = Map::new();
        let inventory = self.shared.inventory();
        if let Some(host) = &self.host {
            match inventory.host(host) {
                Some(known) => magic.extend_from(&inventory.magic_vars(known)),
                None => {
                    magic.insert("inventory_hostname_short", host.split('.').next().unwrap_or(host));
                    magic.insert("group_names", Value::List(data::List::default()));
                }
            }
            magic.insert("inventory_hostname", Value::str(Arc::clone(host)));
        }
        magic.insert("groups", Value::Map(inventory.groups_dict().clone()));
        if let Some(task) = &self.task {
            task_magic(&mut magic, task);
            let folders = self.search.dirs().iter().map(|folder| Value::from(folder.display().to_string()));
            magic.insert("ansible_search_path", folders.collect::<Value>());
        }
        magic
    }

    /// The layers from strongest to weakest. A layer is a map; facts are two.
    fn layers(&self) -> impl Iterator<Item = &Map> {
        let task = self.task.as_deref();
        let around = task.map(|task| &*task.enclosing);
        let role = around.and_then(|around| around.role.as_deref());
        [
            Some(&self.local),
            Some(&self.magic),
            Some(&self.play.magic),
            Some(&self.shared.options.extra_vars),
            around.map(|around| &around.include_params),
            role.map(|role| &role.params),
            Some(&self.data.set),
            Some(&self.data.included),
            task.map(|task| &task.vars),
            around.map(|around| &around.vars),
            role.map(|role| &role.vars),
            Some(&self.play.role_exports),
            Some(&self.vars_files),
            Some(&self.play.vars),
            Some(self.data.injected(self.shared.options.inject_facts)),
            Some(&self.inventory),
            role.map(|role| &role.defaults),
            Some(&self.play.role_defaults),
        ]
        .into_iter()
        .flatten()
    }

    /// A variable under `hash_behaviour: merge`: dictionaries of stronger layers over those of weaker ones. Values of the moment and
    /// magic variables stand alone.
    fn merged(&self, name: &str) -> Option<Value> {
        const ALONE: usize = 3;
        let mut layers = self.layers();
        if let Some(value) = layers.by_ref().take(ALONE).find_map(|layer| (**layer).get(name)) {
            return Some(value.clone());
        }
        let mut found: Option<Value> = None;
        for value in layers.filter_map(|layer| (**layer).get(name)) {
            found = match (found, value) {
                (None, value) => Some(value.clone()),
                (Some(Value::Map(over)), Value::Map(base)) => {
                    let mut base = base.clone();
                    HashBehaviour::Merge.combine(&mut base, &over);
                    Some(Value::Map(base))
                }
                (found, _) => return found,
            };
            if !matches!(found, Some(Value::Map(_))) {
                break;
            }
        }
        found
    }

    /// `ansible_host` of a task's host that has none: Ansible tells tasks where it connects to.
    fn address(&self, name: &str) -> Option<Value> {
        let other = match name {
            "ansible_host" => "ansible_ssh_host",
            "ansible_ssh_host" => "ansible_host",
            _ => return None,
        };
        let host = self.host.as_ref().filter(|_| self.task.is_some())?;
        let given = self.layers().find_map(|layer| (**layer).get(other).cloned());
        let delegated = || {
            let to = self.delegated.as_ref()?;
            let scope = Self::new(&self.shared, &self.play, None, Some(to));
            scope.get("ansible_host").or_else(|| Some(Value::str(Arc::clone(to))))
        };
        given.or_else(delegated).or_else(|| Some(Value::str(Arc::clone(host))))
    }

    /// The variables of `vars_files`. A file that cannot be used ends the run, as in Ansible; one that is not there does not.
    fn read_vars_files(&self) -> Map {
        let mut vars = Map::new();
        for entry in &self.play.play.vars_files {
            match self.vars_file(entry, &vars) {
                Ok(Some(more)) => self.hash_behaviour.combine(&mut vars, &more),
                Ok(None) => {}
                Err(findings) => self.shared.break_off(findings),
            }
        }
        vars
    }

    /// The variables of one entry: of the first of its files that exists.
    ///
    /// # Errors
    /// The entry names no file, or the file cannot be used.
    fn vars_file(&self, entry: &Value, earlier: &Map) -> Result<Option<Map>, Vec<Diagnostic>> {
        let candidates: Vec<Value> = match entry {
            Value::List(list) => list.to_vec(),
            other => vec![other.clone()],
        };
        let mut looking = self.clone();
        looking.vars_files = earlier.clone();
        let mut tried = Vec::new();
        for candidate in candidates {
            let name = match looking.resolve(&candidate) {
                Ok(name) => name,
                Err(error) if error.is_undefined() => return Ok(None),
                Err(error) => return Err(error.diagnostics()),
            };
            let Some(name) = name.as_str() else {
                let title = format!("Invalid `vars_files` value of type '{}'.", name.kind().python_name());
                let help = "A `vars_files` value should either be a string or list of strings.";
                return Err(vec![
                    Diagnostic::error(title).at_opt(self.play.play.place.as_ref(), "").help(help),
                ]);
            };
            let folders = SearchPath::new([self.play.play.base_dir.clone()]);
            if let Some(path) = folders.find("vars", name) {
                return self.shared.yaml_vars(&path).map(Some);
            }
            tried.push(name.to_owned());
        }
        let place = entry.as_text().and_then(Text::place).cloned();
        let warning = Diagnostic::warning(format!(
            "vars_files: `{}` does not exist and is skipped",
            tried.join("`, `")
        ));
        self.shared.warn(warning.at_opt(place.as_ref(), ""));
        Ok(None)
    }
}

impl Scope for TaskScope {
    fn get(&self, name: &str) -> Option<Value> {
        match name {
            "ansible_facts" if self.host.is_some() && !self.data.set.contains_key(name) => {
                return Some(Value::Map(self.data.namespaced.clone()));
            }
            "ansible_delegated_vars" => {
                let host = self.delegated.as_ref()?;
                let mut scope = Self::new(&self.shared, &self.play, None, Some(host));
                // As in Ansible, the name stays that of the host whose task it is.
                scope.magic.insert("inventory_hostname", self.host.as_deref());
                let names = scope.names().into_iter().filter(|name| name != "hostvars");
                let vars: Map =
                    names.filter_map(|name| scope.get(&name).map(|value| (name, value))).collect();
                return Some(Value::Map(Map::from([(data::Key::from(&**host), Value::Map(vars))])));
            }
            "vars" => {
                let all = self.names().into_iter().filter(|name| name != "vars");
                return Some(Value::Map(
                    all.filter_map(|name| self.get(&name).map(|value| (name, value))).collect(),
                ));
            }
            "environment" => {
                let task = self.task.as_ref()?;
                return Some(Value::from(task.keywords.list(Inherited::Environment).to_vec()));
            }
            _ => {}
        }
        let behaviour = self.hash_behaviour;
        let found = if behaviour == HashBehaviour::Replace {
            self.layers().find_map(|layer| (**layer).get(name).cloned())
        } else {
            self.merged(name)
        };
        found.or_else(|| self.address(name))
    }

    fn names(&self) -> Vec<String> {
        let mut seen = indexmap::IndexSet::new();
        for layer in self.layers() {
            seen.extend(layer.keys().filter_map(Key::as_str).map(str::to_owned));
        }
        seen.extend(["ansible_facts".to_owned(), "hostvars".to_owned()]);
        if self.host.is_some() && self.task.is_some() {
            seen.extend(["ansible_host".to_owned(), "ansible_ssh_host".to_owned()]);
        }
        seen.into_iter().collect()
    }

    fn hostvars(&self) -> Option<&dyn HostVars> {
        Some(self)
    }
}

impl HostVars for TaskScope {
    fn hosts(&self) -> Vec<String> {
        self.shared.inventory().hosts().map(|host| host.name().to_string()).collect()
    }

    fn scope(&self, host: &str) -> Option<Arc<dyn Scope>> {
        let name = self.shared.inventory().host(host).map(|host| host.name().clone())?;
        Some(Arc::new(Self::new(&self.shared, &self.play.without_play(), None, Some(&name))))
    }
}

fn task_magic(magic: &mut Map, task: &Task) {
    let Some(role) = &task.enclosing.role else { return };
    magic.insert("role_name", role.short_name());
    if let Some(collection) = role.collection() {
        magic.insert("ansible_collection_name", collection);
    }
    magic.insert("ansible_role_name", role.name.as_str());
    magic.insert("role_path", role.path.display().to_string());
    magic.insert("role_uuid", role.id.to_string());
    if !role.parents.is_empty() {
        let names: Value = role.parents.iter().map(|(name, _)| Value::from(name.as_str())).collect();
        let paths: Value =
            role.parents.iter().map(|(_, path)| Value::from(path.display().to_string())).collect();
        magic.insert("ansible_parent_role_names", names);
        magic.insert("ansible_parent_role_paths", paths);
    }
}

/// The role and the roles around it, the folder of the task's file, the playbook's folder.
fn search_path(play: &PlayScope, task: Option<&Arc<Task>>) -> Arc<SearchPath> {
    let mut folders: Vec<PathBuf> = Vec::new();
    if let Some(task) = task {
        folders.extend(task.enclosing.roles().map(|role| role.path.clone()));
        folders.extend(task.enclosing.files().filter_map(|file| file.parent().map(PathBuf::from)));
    }
    folders.push(play.play.base_dir.clone());
    let mut seen = std::collections::HashSet::new();
    folders.retain(|folder| seen.insert(folder.clone()));
    Arc::new(SearchPath::new(folders))
}
