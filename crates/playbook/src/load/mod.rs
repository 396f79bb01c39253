//! From files to the model: one [`Loader`] for a run, with every file read once.

mod action;
mod block;
mod files;
mod imports;
mod include;
mod object;
mod play;
mod playbook;
mod role;
mod role_files;
mod search;
mod statics;
mod task;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use data::{Diagnostic, Map, Source, Text, Value};

use crate::error::Findings;
use crate::role::CompiledRole;
use crate::task::Task;

pub use include::{IncludedRole, RoleUse};

use files::File;

/// What the loader asks of the floors above it.
pub trait Surroundings: Send + Sync {
    /// Whether a key of a task names an action or a module that can run (any name with dots may be a collection's).
    fn is_action(&self, name: &str) -> bool;

    /// Whether `with_x` can find its lookup.
    fn is_lookup(&self, _name: &str) -> bool {
        true
    }

    /// Renders a value with these variables: names of roles and files in static imports.
    ///
    /// # Errors
    /// What the template engine says.
    fn render(&self, value: &Value, variables: &Map) -> Result<Value, Vec<Diagnostic>>;

    /// Reads a file, decrypted when it is a vault envelope.
    ///
    /// # Errors
    /// It cannot be read, is no text, or no password fits.
    fn read(&self, path: &Path) -> Result<Arc<Source>, Vec<Diagnostic>>;
}

/// What a run knows before its playbooks are read.
#[derive(Clone, Debug, Default)]
pub struct LoadSettings {
    /// Folders searched for roles after `roles/` beside the playbook (`roles_path`).
    pub roles_path: Vec<PathBuf>,
    /// Folders that hold `ansible_collections`, searched for roles of collections after the one beside the playbook
    /// (`collections_path`).
    pub collections_path: Vec<PathBuf>,
    /// `private_role_vars`, if somebody set it: whether roles keep their variables from the play. Otherwise only those of `include_role` do.
    pub private_role_vars: Option<bool>,
    /// Extra variables: names in static imports may use them.
    pub extra_vars: Map,
}

/// Reads playbooks, and at run time the files and roles that includes name. Shared by all threads of a run.
pub struct Loader {
    surroundings: Arc<dyn Surroundings>,
    settings: LoadSettings,
    files: Mutex<HashMap<PathBuf, Arc<File>>>,
}

impl Loader {
    /// A loader that has read nothing yet.
    pub fn new(surroundings: Arc<dyn Surroundings>, settings: LoadSettings) -> Self {
        Self { surroundings, settings, files: Mutex::default() }
    }
}

/// The load of one play, or of one include into it: where it stands and what it has found.
struct Reader<'a> {
    loader: &'a Loader,
    findings: Findings,
    /// The folder of the playbook.
    base_dir: PathBuf,
    /// Variables of the play that static names may use.
    play_vars: Map,
    /// Roles that static imports brought into the play.
    imported_roles: Vec<CompiledRole>,
    /// Handlers that came with them.
    imported_handlers: Vec<Arc<Task>>,
}

impl<'a> Reader<'a> {
    fn new(loader: &'a Loader, base_dir: &Path, play_vars: Map) -> Self {
        Self {
            loader,
            findings: Findings::default(),
            base_dir: base_dir.to_path_buf(),
            play_vars,
            imported_roles: Vec::new(),
            imported_handlers: Vec::new(),
        }
    }
}

/// Whether a text would be changed by rendering it.
fn is_template(text: &Text) -> bool {
    text.is_template() && (text.contains("{{") || text.contains("{%") || text.contains("{#"))
}

/// Whether rendering would change anything in a value.
fn has_template(value: &Value) -> bool {
    match value {
        Value::Str(text) => is_template(text),
        Value::List(list) => list.iter().any(has_template),
        Value::Map(map) => map.iter().any(|(_, value)| has_template(value)),
        _ => false,
    }
}
