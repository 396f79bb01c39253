//! A host: a name with variables.

use std::sync::Arc;

use data::{Key, Map, Place, Text, Value};

use crate::address::is_address;

/// The name of a host, shared.
pub type HostName = Arc<str>;

/// A host of the inventory. Its groups are asked of the [`Inventory`](crate::Inventory).
#[derive(Clone, Debug)]
pub struct Host {
    pub(crate) name: HostName,
    pub(crate) vars: Map,
    /// `inventory_file` and `inventory_dir`, shared with the other hosts of the source; weaker than `vars`.
    pub(crate) origin: Map,
    pub(crate) place: Option<Place>,
    pub(crate) implicit: bool,
    /// Indices of the groups that list it.
    pub(crate) groups: Vec<usize>,
}

impl Host {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            vars: Map::new(),
            origin: Map::new(),
            place: None,
            implicit: false,
            groups: Vec::new(),
        }
    }

    /// The localhost that exists although no inventory lists it: reached without a connection.
    pub(crate) fn implicit_localhost(name: &str) -> Self {
        let mut host = Self::new(name);
        host.implicit = true;
        host.vars.insert("ansible_connection", Value::str("local"));
        let python = data::Text::template("{{ ansible_playbook_python }}", None);
        host.vars.insert("ansible_python_interpreter", Value::Str(python));
        host
    }

    /// `inventory_hostname`
    pub fn name(&self) -> &HostName {
        &self.name
    }

    /// `inventory_hostname_short`: the name up to its first dot; addresses are kept whole.
    pub fn short_name(&self) -> &str {
        if is_address(&self.name) { &self.name } else { self.name.split('.').next().unwrap_or(&self.name) }
    }

    /// Variables given in the inventory itself, without `host_vars`, `inventory_file` and `inventory_dir`.
    pub fn vars(&self) -> &Map {
        &self.vars
    }

    /// Where it was first listed, if a file did.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// Whether it is the localhost that no inventory lists.
    pub fn is_implicit(&self) -> bool {
        self.implicit
    }

    /// The place where a variable of this host was written: the value's, else the name's.
    pub fn var_place(&self, name: &str) -> Option<&Place> {
        let (_, key, value) = self.vars.get_full(name)?;
        value.as_text().and_then(Text::place).or_else(|| match key {
            Key::Str(text) => text.place(),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_end_at_the_first_dot_but_addresses_stay_whole() {
        for (name, short) in
            [("web1.example.com", "web1"), ("web1", "web1"), ("10.0.0.1", "10.0.0.1"), ("::1", "::1")]
        {
            assert_eq!(Host::new(name).short_name(), short);
        }
    }
}
