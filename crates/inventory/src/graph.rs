//! Changes of the inventory's graph: what loaders do, and `add_host` and `group_by` while a play runs.

use std::collections::VecDeque;
use std::sync::OnceLock;

use data::{Diagnostic, Key, Map, Place, Text, VARIABLE_NAME_RULE, Value, is_variable_name};
use thiserror::Error;

use crate::inventory::{Inventory, LOCALHOST};
use crate::{Group, Host};

/// A change that the graph of groups does not allow.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GraphError {
    /// A group as its own child.
    #[error("group `{0}` cannot be a child of itself")]
    Itself(String),
    /// A child that already is an ancestor.
    #[error("adding group `{child}` as child to `{parent}` creates a recursive dependency loop")]
    Loop {
        /// The group that would get the child.
        parent: String,
        /// The group that would become the child.
        child: String,
    },
    /// `all` holds every group already.
    #[error("group `all` cannot be a child of `{0}`")]
    All(String),
    /// A name that is neither a host nor a group.
    #[error("`{0}` is not a known host nor group")]
    Unknown(String),
    /// An empty host or group name.
    #[error("a host or group name is empty")]
    Empty,
    /// `ansible_group_priority` is not a number.
    #[error("`ansible_group_priority` of group `{0}` is not a number")]
    Priority(String),
}

/// The variable that names the source of a host.
const FILE: &str = "inventory_file";

/// The variable that names the folder of that source.
const DIR: &str = "inventory_dir";

/// The inventory that lists a host: its `inventory_file` and `inventory_dir`.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The path or host list, as given.
    pub file: Value,
    /// The folder of the path; null for what is not a file.
    pub dir: Value,
}

impl Inventory {
    /// Adds a group unless it is there; says whether it is new.
    ///
    /// # Errors
    /// An empty name.
    pub fn add_group(&mut self, name: &str, place: Option<&Place>) -> Result<bool, GraphError> {
        if name.is_empty() {
            return Err(GraphError::Empty);
        }
        let before = self.groups.len();
        let safe = self.group_names.safe(name);
        if safe != name && self.replaced_name.is_none() {
            self.replaced_name = Some(name.to_owned());
        }
        let index = self.group_index_or_new(&safe);
        if self.groups.len() == before {
            return Ok(false);
        }
        self.groups[index].place = place.cloned();
        Ok(true)
    }

    /// Adds a host unless it is there; says whether it is new. `origin` is the inventory that lists it.
    ///
    /// # Errors
    /// An empty name.
    pub fn add_host(
        &mut self,
        name: &str,
        origin: Option<&Origin>,
        place: Option<&Place>,
    ) -> Result<bool, GraphError> {
        if name.is_empty() {
            return Err(GraphError::Empty);
        }
        if self.hosts.contains_key(name) {
            return Ok(false);
        }
        let mut host = Host::new(name);
        host.place = place.cloned();
        host.origin = self.origin_vars(origin);
        let (index, _) = self.hosts.insert_full(host.name.clone(), host);
        if LOCALHOST.contains(&name) && self.localhost.is_none() {
            self.localhost = Some(index);
        }
        Ok(true)
    }

    /// The variables `inventory_file` and `inventory_dir`, shared by the hosts of one source.
    fn origin_vars(&mut self, origin: Option<&Origin>) -> Map {
        let file = origin.map_or(&Value::Null, |origin| &origin.file);
        let dir = origin.map_or(&Value::Null, |origin| &origin.dir);
        let is_last = |last: &Map| last.get(FILE) == Some(file) && last.get(DIR) == Some(dir);
        if !self.last_origin.as_ref().is_some_and(is_last) {
            self.last_origin = Some(Map::from([(FILE, file.clone()), (DIR, dir.clone())]));
        }
        self.last_origin.clone().unwrap_or_default()
    }

    /// Makes room for more variables of a host, no more than that.
    pub(crate) fn reserve_host_vars(&mut self, host: &str, more: usize) {
        if let Some(host) = self.hosts.get_mut(host) {
            host.vars.make_mut().reserve_exact(more);
        }
    }

    /// Puts a host into a group; says whether it is new there.
    ///
    /// # Errors
    /// An unknown host or group.
    pub fn add_to_group(&mut self, host: &str, group: &str) -> Result<bool, GraphError> {
        let host = self.hosts.get_index_of(host).ok_or_else(|| GraphError::Unknown(host.to_owned()))?;
        let group = self.group_index(group).ok_or_else(|| GraphError::Unknown(group.to_owned()))?;
        if self.hosts[host].groups.contains(&group) {
            return Ok(false);
        }
        self.hosts[host].groups.push(group);
        self.groups[group].hosts.push(host);
        self.groups_dict = OnceLock::new();
        Ok(true)
    }

    /// Puts a group under another; says whether it is new there.
    ///
    /// # Errors
    /// An unknown group, or a loop.
    pub fn add_child_group(&mut self, parent: &str, child: &str) -> Result<bool, GraphError> {
        let find = |name: &str| self.group_index(name).ok_or_else(|| GraphError::Unknown(name.to_owned()));
        let (upper, lower) = (find(parent)?, find(child)?);
        if upper == lower {
            return Err(GraphError::Itself(child.to_owned()));
        }
        if lower == 0 {
            return Err(GraphError::All(parent.to_owned()));
        }
        if self.groups[upper].children.contains(&lower) {
            return Ok(false);
        }
        if self.with_ancestors(&[upper]).contains(&lower) {
            return Err(GraphError::Loop { parent: parent.to_owned(), child: child.to_owned() });
        }
        self.link(upper, lower);
        Ok(true)
    }

    /// Sets a variable of a host. Where a group has the host's name, it gets the variable, as in Ansible.
    ///
    /// # Errors
    /// An unknown host.
    pub fn set_host_var(
        &mut self,
        host: &str,
        key: impl Into<Key>,
        value: impl Into<Value>,
    ) -> Result<(), GraphError> {
        let (key, value) = (key.into(), value.into());
        if self.groups.contains_key(host) && self.hosts.contains_key(host) {
            return self.set_group_var(host, key, value);
        }
        self.notice_variable_name(&key);
        let behaviour = self.hash_behaviour;
        let host = self.hosts.get_mut(host).ok_or_else(|| GraphError::Unknown(host.to_owned()))?;
        behaviour.set(&mut host.vars, key, value);
        Ok(())
    }

    /// Sets a variable of a group; `ansible_group_priority` sets its priority instead.
    ///
    /// # Errors
    /// An unknown group, or a priority that is not a number.
    pub fn set_group_var(
        &mut self,
        group: &str,
        key: impl Into<Key>,
        value: impl Into<Value>,
    ) -> Result<(), GraphError> {
        let (key, value) = (key.into(), value.into());
        self.notice_variable_name(&key);
        let behaviour = self.hash_behaviour;
        let index = self.group_index(group).ok_or_else(|| GraphError::Unknown(group.to_owned()))?;
        let group = &mut self.groups[index];
        if key.as_str() == Some("ansible_group_priority") {
            group.priority = priority(&value).ok_or_else(|| GraphError::Priority(group.name.to_string()))?;
        } else {
            behaviour.set(&mut group.vars, key, value);
        }
        Ok(())
    }

    /// Makes the rules true that hold between sources: every group is below `all`, a host in no other group is in `ungrouped`, and a
    /// host in another group is not. Called after loading and after every change.
    pub fn reconcile(&mut self) {
        let (all, ungrouped) = (0, 1);
        for group in 1..self.groups.len() {
            if self.groups[group].parents.is_empty() {
                self.link(all, group);
            }
        }
        for host in 0..self.hosts.len() {
            let groups = &self.hosts[host].groups;
            let is_ungrouped = groups.contains(&ungrouped);
            let is_grouped = groups.iter().any(|group| *group != all && *group != ungrouped);
            if is_ungrouped && is_grouped {
                self.hosts[host].groups.retain(|group| *group != ungrouped);
                self.groups[ungrouped].hosts.retain(|other| *other != host);
            } else if !is_ungrouped && !is_grouped {
                self.hosts[host].groups.push(ungrouped);
                self.groups[ungrouped].hosts.push(host);
            }
        }
        self.groups_dict = OnceLock::new();
    }

    /// Gives back the room that loading kept for more.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.hosts.shrink_to_fit();
        for host in self.hosts.values_mut() {
            host.vars.shrink_to_fit();
            host.groups.shrink_to_fit();
        }
        self.groups.values_mut().for_each(|group| group.hosts.shrink_to_fit());
    }

    /// The group of a name as a source has it.
    pub(crate) fn group_index(&self, name: &str) -> Option<usize> {
        self.groups.get_index_of(&*self.group_names.safe(name))
    }

    pub(crate) fn group_index_or_new(&mut self, name: &str) -> usize {
        if let Some(index) = self.groups.get_index_of(name) {
            return index;
        }
        self.groups_dict = OnceLock::new();
        let group = Group::new(name);
        self.groups.insert_full(group.name.clone(), group).0
    }

    /// Adds an edge and lets the depth grow below it.
    pub(crate) fn link(&mut self, parent: usize, child: usize) {
        self.groups[parent].children.push(child);
        self.groups[child].parents.push(parent);
        let mut queue = VecDeque::from([parent]);
        while let Some(upper) = queue.pop_front() {
            let depth = self.groups[upper].depth + 1;
            for lower in self.groups[upper].children.clone() {
                if self.groups[lower].depth < depth {
                    self.groups[lower].depth = depth;
                    queue.push_back(lower);
                }
            }
        }
        self.groups_dict = OnceLock::new();
    }

    fn notice_variable_name(&mut self, key: &Key) {
        if key.as_str().is_some_and(is_variable_name) {
            return;
        }
        let place = match key {
            Key::Str(text) => text.place(),
            _ => None,
        };
        self.notices.push(
            Diagnostic::warning(format!("inventory variable `{key}` has an invalid name"))
                .at_opt(place, "")
                .help(VARIABLE_NAME_RULE),
        );
    }
}

/// Python's `int()` of a variable's value.
fn priority(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => i64::try_from(*number).ok(),
        Value::Bool(flag) => Some(i64::from(*flag)),
        Value::Float(number) => Some(*number as i64),
        Value::Str(text) => Text::as_str(text).trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_a_host_with_a_groups_name_are_the_groups() {
        let mut inventory = Inventory::default();
        inventory.add_group("same", None).unwrap();
        inventory.add_host("same", None, None).unwrap();
        inventory.set_host_var("same", "v", 1).unwrap();
        assert_eq!(inventory.host("same").unwrap().vars().get("v"), None);
        assert_eq!(inventory.group("same").unwrap().vars().get("v"), Some(&Value::from(1)));
    }

    /// Groups `(parent, child)` and hosts `(group, host)`.
    fn inventory(edges: &[(&str, &str)], hosts: &[(&str, &str)]) -> Inventory {
        let mut inventory = Inventory::default();
        for (parent, child) in edges {
            inventory.add_group(parent, None).unwrap();
            inventory.add_group(child, None).unwrap();
            inventory.add_child_group(parent, child).unwrap();
        }
        for (group, host) in hosts {
            inventory.add_group(group, None).unwrap();
            inventory.add_host(host, None, None).unwrap();
            inventory.add_to_group(host, group).unwrap();
        }
        inventory.reconcile();
        inventory
    }

    fn names<'a>(hosts: impl IntoIterator<Item = &'a Host>) -> Vec<&'a str> {
        hosts.into_iter().map(|host| &**host.name()).collect()
    }

    #[test]
    fn every_group_is_below_all_and_every_host_in_a_group() {
        let inventory = inventory(&[("k8s", "nodes")], &[("nodes", "n1"), ("all", "lone")]);
        let all = inventory.group("all").unwrap();
        assert_eq!(inventory.children(all).map(Group::name).collect::<Vec<_>>(), ["ungrouped", "k8s"]);
        assert_eq!(names(inventory.own_hosts(inventory.group("ungrouped").unwrap())), ["lone"]);
        assert_eq!(names(inventory.hosts_of(all)), ["lone", "n1"]);
        assert_eq!(inventory.group_names(inventory.host("n1").unwrap()), ["k8s", "nodes"]);
    }

    #[test]
    fn a_host_leaves_ungrouped_when_a_group_takes_it() {
        let mut inventory = inventory(&[], &[("ungrouped", "a")]);
        inventory.add_group("web", None).unwrap();
        inventory.add_to_group("a", "web").unwrap();
        inventory.reconcile();
        assert_eq!(inventory.group_names(inventory.host("a").unwrap()), ["web"]);
        assert_eq!(inventory.own_hosts(inventory.group("ungrouped").unwrap()).count(), 0);
    }

    #[test]
    fn loops_are_refused() {
        let mut inventory = inventory(&[("a", "b"), ("b", "c")], &[]);
        for (parent, child, message) in [
            ("c", "a", "adding group `a` as child to `c` creates a recursive dependency loop"),
            ("a", "a", "group `a` cannot be a child of itself"),
            ("a", "all", "group `all` cannot be a child of `a`"),
        ] {
            assert_eq!(inventory.add_child_group(parent, child).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn depth_is_the_longest_way_down_and_grows_below_a_new_edge() {
        let mut inventory = inventory(&[("b", "c"), ("c", "d")], &[]);
        inventory.add_group("a", None).unwrap();
        inventory.add_child_group("a", "b").unwrap();
        inventory.reconcile();
        let depths: Vec<_> = ["a", "b", "c", "d"].map(|name| inventory.group(name).unwrap().depth()).into();
        assert_eq!(depths, [1, 2, 3, 4]);
    }

    #[test]
    fn groups_are_ordered_by_depth_priority_and_name() {
        let mut inventory =
            inventory(&[("top", "deep")], &[("b", "h"), ("a", "h"), ("z", "h"), ("deep", "h")]);
        inventory.set_group_var("a", "ansible_group_priority", 10).unwrap();
        let order: Vec<_> =
            inventory.groups_of(inventory.host("h").unwrap()).into_iter().map(Group::name).collect();
        assert_eq!(order, ["b", "top", "z", "a", "deep"]);
    }

    #[test]
    fn the_machine_itself_is_there_without_being_listed() {
        let inventory = Inventory::default();
        let localhost = inventory.host("127.0.0.1").unwrap();
        assert!(localhost.is_implicit());
        assert_eq!(localhost.vars().get_str("ansible_connection"), Some("local"));
        assert_eq!(inventory.hosts().len(), 0);
    }

    #[test]
    fn a_listed_localhost_stands_in_for_the_other_names() {
        let inventory = inventory(&[], &[("web", "localhost")]);
        assert_eq!(&**inventory.host("::1").unwrap().name(), "localhost");
    }

    #[test]
    fn the_groups_dictionary_follows_changes() {
        let mut inventory = inventory(&[], &[("web", "a")]);
        assert_eq!(inventory.groups_dict().get("web"), Some(&Value::from(vec![Value::from("a")])));
        inventory.add_host("b", None, None).unwrap();
        inventory.add_to_group("b", "web").unwrap();
        assert_eq!(
            inventory.groups_dict().get("web"),
            Some(&Value::from(vec![Value::from("a"), Value::from("b")]))
        );
    }

    #[test]
    fn names_that_templates_cannot_speak_are_noticed() {
        let mut inventory = inventory(&[], &[("web", "a")]);
        for key in ["ok_1", "not-ok", "not", "1st"] {
            inventory.set_host_var("a", key, 1).unwrap();
        }
        assert_eq!(inventory.take_notices().len(), 3);
    }
}
