//! What the run learns about each host: facts, registered results, included variables. The thread that handles results writes; all others
//! take snapshots, which cost a few pointer copies.

pub(crate) mod fact_cache;
pub(crate) mod lookups;
pub(crate) mod reserved;
pub(crate) mod scope;
pub(crate) mod vars_file;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock};

use data::{Diagnostic, Key, Map, Value};
use inventory::HashBehaviour;

use crate::event::HostName;
use crate::options::FactCache;

/// What is known of one host beside the inventory.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostData {
    /// Facts as modules name them (`ansible_distribution`).
    pub(crate) facts: Map,
    /// The same without the prefix `ansible_`: the variable `ansible_facts`.
    pub(crate) namespaced: Map,
    /// `ansible_local` alone: what is a variable even where facts are none (`inject_facts_as_vars: false`).
    pub(crate) local: Map,
    /// `include_vars`.
    pub(crate) included: Map,
    /// `set_fact` and `register`.
    pub(crate) set: Map,
}

impl HostData {
    /// Adds facts, as modules name them.
    pub(crate) fn add_facts(&mut self, facts: &Map) {
        self.facts.extend_from(facts);
        self.namespaced.extend_from(&namespaced(facts));
        if let Some(local) = facts.get("ansible_local") {
            self.local.insert("ansible_local", local.clone());
        }
    }

    /// The facts that are variables of their own.
    pub(crate) fn injected(&self, all: bool) -> &Map {
        static NONE: LazyLock<Map> = LazyLock::new(|| Map::from([("ansible_local", Map::new())]));
        match all {
            true => &self.facts,
            false if self.local.is_empty() => &NONE,
            false => &self.local,
        }
    }
}

/// The store of all hosts.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    hosts: RwLock<HashMap<HostName, HostData>>,
    cache: FactCache,
    warnings: Mutex<Vec<Diagnostic>>,
}

impl Variables {
    /// A store whose facts are kept in `cache`.
    pub(crate) fn new(cache: FactCache) -> Self {
        Self { cache, ..Self::default() }
    }

    /// What is known of a host now.
    pub(crate) fn snapshot(&self, host: &str) -> HostData {
        if let Some(data) = self.hosts.read().unwrap_or_else(PoisonError::into_inner).get(host) {
            return data.clone();
        }
        if self.cache == FactCache::Memory {
            return HostData::default();
        }
        let data = self.cached(host);
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        hosts.entry(HostName::from(host)).or_insert(data).clone()
    }

    /// What an earlier run left of a host.
    fn cached(&self, host: &str) -> HostData {
        let facts = self.cache.read(host).unwrap_or_else(|warning| {
            self.warn(warning);
            Map::new()
        });
        let mut data = HostData::default();
        data.add_facts(&facts);
        data
    }

    fn change(&self, host: &HostName, change: impl FnOnce(&mut HostData)) {
        let fresh = if self.cache == FactCache::Memory { HostData::default() } else { self.snapshot(host) };
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        change(hosts.entry(host.clone()).or_insert(fresh));
    }

    fn warn(&self, warning: Diagnostic) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
    }

    /// What the cache had to tell; each thing once.
    pub(crate) fn take_warnings(&self) -> Vec<Diagnostic> {
        std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds facts, as gathered by modules.
    pub(crate) fn add_facts(&self, host: &HostName, facts: &Map) {
        let mut all = Map::new();
        self.change(host, |data| {
            data.add_facts(facts);
            all = data.facts.clone();
        });
        if let Err(warning) = self.cache.write(host, &all) {
            self.warn(warning);
        }
    }

    /// Adds what `set_fact` and `register` set.
    pub(crate) fn set(&self, host: &HostName, vars: &Map) {
        self.change(host, |data| data.set.extend_from(vars));
    }

    /// Adds what `include_vars` read.
    pub(crate) fn include(&self, host: &HostName, vars: &Map, behaviour: HashBehaviour) {
        self.change(host, |data| behaviour.combine(&mut data.included, vars));
    }

    /// Forgets a host's facts (`meta: clear_facts`), those of earlier runs too.
    pub(crate) fn clear_facts(&self, host: &HostName) {
        self.change(host, |data| {
            data.facts = Map::new();
            data.namespaced = Map::new();
            data.local = Map::new();
        });
        self.cache.forget(host);
    }

    /// Whether facts of the host were gathered.
    pub(crate) fn has_facts(&self, host: &str) -> bool {
        !self.snapshot(host).facts.is_empty()
    }
}

/// Facts without the prefix `ansible_`; only `ansible_local` keeps it, as in Ansible.
pub(crate) fn namespaced(facts: &Map) -> Map {
    facts
        .iter()
        .map(|(key, value)| match key.as_str().and_then(|name| name.strip_prefix("ansible_")) {
            Some(short) if short != "local" => (Key::from(short), value.clone()),
            _ => (key.clone(), value.clone()),
        })
        .collect()
}

/// A shared list of host names as a value.
pub(crate) fn names(hosts: &[HostName]) -> Value {
    hosts.iter().map(|host| Value::str(Arc::clone(host))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_known_by_both_names() {
        let variables = Variables::default();
        let host: HostName = "a".into();
        variables.add_facts(&host, &Map::from([("ansible_os_family", "Debian"), ("services", "x")]));
        let data = variables.snapshot("a");
        assert_eq!(data.namespaced.get_str("os_family"), Some("Debian"));
        assert_eq!(data.namespaced.get_str("services"), Some("x"));
        assert_eq!(data.facts.get_str("ansible_os_family"), Some("Debian"));
        assert_eq!(data.injected(false), &Map::from([("ansible_local", Map::new())]));
        variables.add_facts(&host, &Map::from([("ansible_local", Map::from([("a", 1)]))]));
        let local = variables.snapshot("a").injected(false).get("ansible_local").cloned();
        assert_eq!(local, Some(Value::from(Map::from([("a", 1)]))));
        variables.clear_facts(&host);
        assert!(!variables.has_facts("a"));
    }
}
