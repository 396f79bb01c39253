//! A host's variable as the conf folder gives it: on the host's line, for one of its groups, or for all hosts.

use data::{Map, Value};

use crate::{Host, Inventory};

/// The places a variable is looked for in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup<'a> {
    pub(crate) inventory: &'a Inventory,
    /// The cluster's variables: those of `[all:vars]` and of the variable files.
    pub(crate) vars: &'a Map,
}

impl<'a> Lookup<'a> {
    /// The value of the first of these names that is set, the host's own before its groups' before that of all hosts.
    pub(crate) fn get(&self, host: &'a Host, names: &[&str]) -> Option<&'a Value> {
        let groups = || self.inventory.groups_of(host).into_iter().rev();
        names.iter().find_map(|name| {
            let own = host.vars().get(*name);
            own.or_else(|| groups().find_map(|group| group.vars().get(*name)))
                .or_else(|| self.vars.get(*name))
        })
    }

    /// Whether the host is this machine.
    pub(crate) fn is_local(&self, host: &'a Host) -> bool {
        self.get(host, &["ansible_connection"]).and_then(Value::as_str) == Some("local")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_place_wins() {
        let mut inventory = Inventory::default();
        inventory.add_host("h", None, None).unwrap();
        inventory.add_group("g", None).unwrap();
        inventory.add_to_group("h", "g").unwrap();
        inventory.reconcile();
        let mut vars = Map::new();
        let get = |inventory: &Inventory, vars: &Map| {
            let host = inventory.host("h").unwrap();
            Lookup { inventory, vars }.get(host, &["v"]).and_then(Value::as_str).map(str::to_owned)
        };
        assert_eq!(get(&inventory, &vars), None);
        vars.insert("v", "all");
        assert_eq!(get(&inventory, &vars).as_deref(), Some("all"));
        inventory.set_group_var("g", "v", "group").unwrap();
        assert_eq!(get(&inventory, &vars).as_deref(), Some("group"));
        inventory.set_host_var("h", "v", "host").unwrap();
        assert_eq!(get(&inventory, &vars).as_deref(), Some("host"));
    }
}
