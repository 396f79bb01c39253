//! A play: hosts, and what is done on them.

use std::path::PathBuf;
use std::sync::Arc;

use data::{Map, Place, Text, Value};

use crate::block::{Block, Item};
use crate::enclosing::{Enclosing, Ring};
use crate::keyword::Inherited;
use crate::keywords::Keywords;
use crate::role::{CompiledRole, Role};
use crate::task::Task;

/// The plays of one playbook file, imported ones in their places.
#[derive(Clone, Debug)]
pub struct Playbook {
    /// The file.
    pub path: PathBuf,
    /// Its plays.
    pub plays: Vec<Arc<Play>>,
}

/// One entry of `vars_prompt:`.
#[derive(Clone, Debug)]
pub struct VarsPrompt {
    /// The variable.
    pub name: String,
    /// All keys as written: `prompt`, `default`, `private`, `confirm`, `encrypt`, `salt_size`, `salt`, `unsafe`.
    pub options: Map,
}

/// One play.
#[derive(Clone, Debug)]
pub struct Play {
    /// `name:`.
    pub name: Option<Text>,
    /// `hosts:`, unrendered: text or a list.
    pub hosts: Value,
    /// `vars:` and those of the `import_playbook` that brought it.
    pub vars: Map,
    /// `vars_files:`: each a path or a list of paths of which the first that exists is read.
    pub vars_files: Vec<Value>,
    /// `vars_prompt:`.
    pub vars_prompt: Vec<VarsPrompt>,
    /// `gather_facts:`.
    pub gather_facts: Option<Value>,
    /// `gather_subset:`.
    pub gather_subset: Option<Value>,
    /// `gather_timeout:`.
    pub gather_timeout: Option<Value>,
    /// `fact_path:`.
    pub fact_path: Option<Value>,
    /// `force_handlers:`.
    pub force_handlers: Option<Value>,
    /// `max_fail_percentage:`.
    pub max_fail_percentage: Option<Value>,
    /// `serial:`.
    pub serial: Vec<Value>,
    /// `strategy:`.
    pub strategy: Option<Value>,
    /// `order:`.
    pub order: Option<Value>,
    /// Roles in the order they were named or imported.
    pub roles: Vec<CompiledRole>,
    /// `pre_tasks:`.
    pub pre_tasks: Vec<Item>,
    /// `tasks:`.
    pub tasks: Vec<Item>,
    /// `post_tasks:`.
    pub post_tasks: Vec<Item>,
    /// `handlers:` of the play, then those of its roles.
    pub handlers: Vec<Arc<Task>>,
    /// Keywords that its tasks inherit.
    pub enclosing: Arc<Enclosing>,
    /// The folder of its file: `playbook_dir`, where relative paths start.
    pub base_dir: PathBuf,
    /// Conditions of the `import_playbook` that brought it; they guard fact gathering too.
    pub imported_when: Vec<Value>,
    /// Where it is written.
    pub place: Option<Place>,
}

impl Play {
    /// The name that is shown: `name:`, or the pattern.
    pub fn shown_name(&self) -> String {
        if let Some(name) = self.name.as_deref().filter(|name| !name.is_empty()) {
            return name.to_owned();
        }
        match &self.hosts {
            Value::List(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
            other => other.as_str().unwrap_or_default().to_owned(),
        }
    }

    /// All uses of roles in it.
    pub fn all_roles(&self) -> impl Iterator<Item = &Arc<Role>> {
        self.roles.iter().map(|compiled| &compiled.role)
    }

    /// What the play runs, in order: `pre_tasks`, handlers, roles, `tasks`, handlers, `post_tasks`, handlers. With `force_handlers` each
    /// part is a block whose `always` runs the handlers.
    pub fn compile(&self, force_handlers: bool) -> Vec<Item> {
        let flush = Item::Task(Arc::new(Task::implicit("meta", raw("flush_handlers"), &self.enclosing)));
        let listed = self.roles.iter().filter(|compiled| !compiled.role.from_include);
        let main = listed.flat_map(|compiled| &compiled.tasks).chain(&self.tasks).cloned().collect();
        let mut compiled = Vec::new();
        for section in [self.pre_tasks.clone(), main, self.post_tasks.clone()] {
            if force_handlers {
                compiled.push(self.forced(section, &flush));
            } else {
                compiled.extend(section);
                compiled.push(flush.clone());
            }
        }
        compiled
    }

    fn forced(&self, mut section: Vec<Item>, flush: &Item) -> Item {
        if section.is_empty() {
            section.push(Item::Task(Arc::new(Task::implicit("meta", raw("noop"), &self.enclosing))));
        }
        Item::Block(Arc::new(Block {
            name: None,
            block: section,
            rescue: Vec::new(),
            always: vec![flush.clone()],
            enclosing: self.enclosing.ring(Ring::Block, &Keywords::default(), &Map::new()),
            place: None,
        }))
    }

    /// The implicit task that gathers facts, with the play's options for it.
    pub fn gathering_task(&self) -> Task {
        let mut args = Map::new();
        let options = [
            ("gather_subset", &self.gather_subset),
            ("gather_timeout", &self.gather_timeout),
            ("fact_path", &self.fact_path),
        ];
        for (name, value) in options {
            if let Some(value) = value {
                args.insert(name, value.clone());
            }
        }
        let mut task = Task::implicit("gather_facts", args, &self.enclosing);
        task.name = Some(Text::plain("Gathering Facts"));
        task.implicit = false;
        task.place.clone_from(&self.place);
        // A play with tags of its own gathers only when one of them is asked for.
        if let Some(tags) = self.enclosing.keywords.get(Inherited::Tags) {
            task.keywords.set(Inherited::Tags, tags.clone());
        }
        if !self.imported_when.is_empty() {
            task.keywords.set(Inherited::When, Value::from(self.imported_when.clone()));
        }
        // With run_once the facts of one host would be given to all.
        task.keywords.clear(Inherited::RunOnce);
        task
    }
}

fn raw(word: &str) -> Map {
    Map::from([("_raw_params", word)])
}
