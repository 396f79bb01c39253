//! A task or handler: an action with arguments, and the keywords that say when, how often and with what consequences it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use data::{Map, Place, Text, Value};

use crate::enclosing::Enclosing;
use crate::keyword::Inherited;
use crate::keywords::Keywords;

/// Names one task for as long as the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(u64);

impl TaskId {
    /// A new one.
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The number, for events and logs.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// What a task does: an action's name and its arguments, templates unrendered.
#[derive(Clone, Debug)]
pub struct Action {
    /// The name as written: `copy`, `ansible.builtin.copy`, or a template (with `action:`).
    pub name: Text,
    /// The arguments. Free text stands under `_raw_params`.
    pub args: Map,
    /// `args: "{{ mapping }}"`: arguments that only rendering reveals; those of `args` win over them.
    pub variable: Option<Text>,
    /// Where the name is written.
    pub place: Option<Place>,
}

impl Action {
    /// The name without `ansible.builtin.` or `ansible.legacy.`, by which built-in actions are told apart.
    pub fn short_name(&self) -> &str {
        short_name(&self.name)
    }

    /// The free text.
    pub fn raw(&self) -> Option<&str> {
        self.args.get_str("_raw_params")
    }
}

/// A name without the two prefixes that mean "built in".
pub fn short_name(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy.")).unwrap_or(name)
}

/// `loop:` or `with_x:`.
#[derive(Clone, Debug)]
pub struct Loop {
    /// The lookup behind `with_x`; `None` for `loop`.
    pub with: Option<String>,
    /// What is looped over, unrendered.
    pub items: Value,
    /// Where the keyword is written.
    pub place: Place,
}

/// `loop_control:`.
#[derive(Clone, Debug, Default)]
pub struct LoopControl {
    /// The name of the loop variable; `item` when not set.
    pub loop_var: Option<Value>,
    /// A variable that counts the items from 0.
    pub index_var: Option<Value>,
    /// What is shown for an item.
    pub label: Option<Value>,
    /// Seconds between items.
    pub pause: Option<Value>,
    /// Whether `ansible_loop` is set.
    pub extended: Option<Value>,
    /// Whether `ansible_loop.allitems` is.
    pub extended_allitems: Option<Value>,
    /// Conditions that end the loop early.
    pub break_when: Vec<Value>,
}

/// Task or handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskKind {
    /// A task.
    Task,
    /// A handler.
    Handler,
}

/// One task or handler.
#[derive(Clone, Debug)]
pub struct Task {
    /// Names it.
    pub id: TaskId,
    /// Task or handler.
    pub kind: TaskKind,
    /// `name:`, unrendered.
    pub name: Option<Text>,
    /// What it does.
    pub action: Action,
    /// Its inheritable keywords joined with those of everything around it.
    pub keywords: Keywords,
    /// `vars:`.
    pub vars: Map,
    /// `loop:` or `with_x:`.
    pub looped: Option<Loop>,
    /// `loop_control:`.
    pub loop_control: LoopControl,
    /// `register:`.
    pub register: Option<Text>,
    /// `until:`.
    pub until: Vec<Value>,
    /// `retries:`.
    pub retries: Option<Value>,
    /// `delay:`.
    pub delay: Option<Value>,
    /// `async:`.
    pub async_seconds: Option<Value>,
    /// `poll:`.
    pub poll: Option<Value>,
    /// `changed_when:`.
    pub changed_when: Vec<Value>,
    /// `failed_when:`.
    pub failed_when: Vec<Value>,
    /// `listen:` of a handler.
    pub listen: Vec<Text>,
    /// What stands around it.
    pub enclosing: Arc<Enclosing>,
    /// Inserted by the engine; never shown.
    pub implicit: bool,
    /// Where it is written.
    pub place: Option<Place>,
}

impl Task {
    /// A task that no user wrote: `meta: flush_handlers` and the like, or fact gathering.
    pub fn implicit(name: &str, args: Map, enclosing: &Arc<Enclosing>) -> Self {
        let mut own = Keywords::default();
        own.set(Inherited::Tags, Value::from("always"));
        Self {
            id: TaskId::next(),
            kind: TaskKind::Task,
            name: None,
            action: Action { name: Text::plain(name), args, variable: None, place: None },
            keywords: own.inside(&enclosing.keywords),
            vars: Map::new(),
            looped: None,
            loop_control: LoopControl::default(),
            register: None,
            until: Vec::new(),
            retries: None,
            delay: None,
            async_seconds: None,
            poll: None,
            changed_when: Vec::new(),
            failed_when: Vec::new(),
            listen: Vec::new(),
            enclosing: Arc::clone(enclosing),
            implicit: true,
            place: None,
        }
    }

    /// The word of a `meta` task.
    pub fn meta(&self) -> Option<&str> {
        if self.action.short_name() == "meta" { self.action.raw().map(str::trim) } else { None }
    }

    /// The name as Ansible shows it, templates unrendered: `role : name`, or the action without a name.
    pub fn full_name(&self) -> String {
        self.named(self.name.as_deref().unwrap_or_default())
    }

    /// [`Self::full_name`] with this rendered `name:`.
    pub fn named(&self, name: &str) -> String {
        let action = self.action.name.as_str();
        if name.is_empty() && matches!(self.action.short_name(), "include_role" | "import_role") {
            let role = self.action.args.get_str("name").or_else(|| self.action.args.get_str("role"));
            return format!("{action} : {}", role.unwrap_or_default());
        }
        let own = if name.is_empty() { action } else { name };
        match &self.enclosing.role {
            Some(role) if !matches!(self.action.short_name(), "include_role") => {
                format!("{} : {own}", role.name)
            }
            _ => own.to_owned(),
        }
    }
}
