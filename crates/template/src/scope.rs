//! What a template can see: the variables of a host, those of the other hosts, and what the caller adds to lookups.

use std::sync::Arc;

use data::vault::Secrets;
use data::{Diagnostic, Map, Value};

use crate::SearchPath;

/// The variables of one evaluation. Values are raw: they may hold templates, which the engine renders when they are used.
pub trait Scope {
    /// The raw value of a variable.
    fn get(&self, name: &str) -> Option<Value>;

    /// The names of all variables, for `varnames` and for suggestions.
    fn names(&self) -> Vec<String>;

    /// The variables of all hosts, as `hostvars` gives them. Each host's templates are rendered in that host's scope.
    fn hostvars(&self) -> Option<&dyn HostVars> {
        None
    }
}

impl Scope for Map {
    fn get(&self, name: &str) -> Option<Value> {
        (**self).get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.keys().filter_map(|key| key.as_str().map(str::to_owned)).collect()
    }
}

/// Every host's variables, made when asked for.
pub trait HostVars {
    /// The inventory names, in order.
    fn hosts(&self) -> Vec<String>;

    /// The variables of a host, or `None` when the inventory does not know it.
    fn scope(&self, host: &str) -> Option<Arc<dyn Scope>>;
}

/// What the caller of the engine adds: lookups that need an inventory or a configuration, and the place where warnings go.
pub trait Host {
    /// A lookup that the engine does not know itself (`inventory_hostnames`, `config`, `url` ...). `None`: it is not known here either.
    fn lookup(&self, name: &str, terms: &[Value], options: &Map) -> Option<Result<Vec<Value>, String>>;

    /// Hears a warning that a filter or lookup gives.
    fn warn(&self, warning: Diagnostic);

    /// Hears that something works which Ansible will take away.
    fn deprecated(&self, message: &str);

    /// A setting of the configuration by Ansible's name for it (`DEFAULT_MANAGED_STR`), when it differs from Ansible's own.
    fn setting(&self, name: &str) -> Option<String>;

    /// Whether a host name or address is known to this machine's resolver.
    fn resolves(&self, _name: &str) -> bool {
        false
    }

    /// Whether there is an action or module of this name.
    fn is_module(&self, _name: &str) -> bool {
        false
    }

    /// The name of the task's action; `None` outside of tasks.
    fn action(&self) -> Option<String> {
        None
    }
}

/// All that one evaluation may use.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The variables.
    pub scope: &'a dyn Scope,
    /// Where lookups, includes and imports find files.
    pub search: &'a SearchPath,
    /// The caller's lookups and warnings.
    pub host: Option<&'a dyn Host>,
    /// The vault passwords, for vaulted values and files.
    pub secrets: Option<&'a Secrets>,
}

impl<'a> Context<'a> {
    /// The variables of `scope`, files found along `search`.
    pub fn new(scope: &'a dyn Scope, search: &'a SearchPath) -> Self {
        Self { scope, search, host: None, secrets: None }
    }

    /// The same with the caller's lookups and warnings.
    #[must_use]
    pub fn with_host(mut self, host: &'a dyn Host) -> Self {
        self.host = Some(host);
        self
    }

    /// The same with vault passwords.
    #[must_use]
    pub fn with_secrets(mut self, secrets: &'a Secrets) -> Self {
        self.secrets = Some(secrets);
        self
    }
}
