//! A role as one use of it: its files' variables, the parameters and keywords of the use, and the roles it depends on.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use data::{Map, Place, Value};

use crate::block::Item;
use crate::task::Task;

/// One use of a role in a play.
#[derive(Debug)]
pub struct Role {
    /// Names this use for as long as the process lives.
    pub id: u64,
    /// Its name as used.
    pub name: String,
    /// Its folder.
    pub path: PathBuf,
    /// Two uses with the same signature are the same to `allow_duplicates: false`.
    pub signature: String,
    /// `allow_duplicates` of its metadata, or of `include_role`.
    pub allow_duplicates: bool,
    /// Whether its defaults and vars are seen by the whole play.
    pub public: bool,
    /// Whether `import_role` or `include_role` brought it, not the list `roles:`.
    pub from_include: bool,
    /// Its own `defaults/`, without those of others.
    pub own_defaults: Map,
    /// Defaults as its tasks see them: its dependencies', those of the roles around it, its own.
    pub defaults: Map,
    /// Its own `vars/`, without those of others.
    pub own_vars: Map,
    /// What the whole play sees of its `vars/` (and its dependencies') when it is public.
    pub exported_vars: Map,
    /// Variables as its tasks see them: of the roles around it, its dependencies, its `vars/` and the `vars:` of this use.
    pub vars: Map,
    /// Parameters of this use and of the roles around it: they outrank `set_fact`.
    pub params: Map,
    /// Roles that run before it.
    pub dependencies: Vec<Arc<Self>>,
    /// The names of the roles around it, the nearest first.
    pub parents: Vec<(String, PathBuf)>,
    /// Where the use is written.
    pub place: Option<Place>,
}

impl Role {
    /// A new number for a use.
    pub(crate) fn next_id() -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    /// The collection that it belongs to, by its folder.
    pub fn collection(&self) -> Option<String> {
        let folders: Vec<_> = self.path.iter().rev().map(|part| part.to_string_lossy()).collect();
        let at = folders.iter().position(|part| part == "ansible_collections")?;
        let collection = format!("{}.{}", folders.get(at.checked_sub(1)?)?, folders.get(at.checked_sub(2)?)?);
        self.name.starts_with(&collection).then_some(collection)
    }

    /// Its name without its collection's.
    pub fn short_name(&self) -> &str {
        let collection = self.collection().unwrap_or_default();
        self.name.strip_prefix(&collection).and_then(|rest| rest.strip_prefix('.')).unwrap_or(&self.name)
    }

    /// All roles it depends on, in the order they run.
    pub fn all_dependencies(&self) -> Vec<Arc<Self>> {
        let mut all = Vec::new();
        for role in &self.dependencies {
            all.extend(role.all_dependencies());
            all.push(Arc::clone(role));
        }
        all
    }
}

/// A role with what it runs, dependencies first.
#[derive(Clone, Debug)]
pub struct CompiledRole {
    /// The use.
    pub role: Arc<Role>,
    /// Its dependencies' tasks and its own, each followed by an implicit `meta: role_complete`.
    pub tasks: Vec<Item>,
    /// Its dependencies' handlers and its own.
    pub handlers: Vec<Arc<Task>>,
}

/// `meta/main.yml`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metadata {
    /// `allow_duplicates:`
    pub(crate) allow_duplicates: bool,
    /// `dependencies:`, as written.
    pub(crate) dependencies: Vec<data::yaml::Node>,
    /// `argument_specs:`
    pub(crate) argument_specs: Option<Value>,
}
