//! The inventory: hosts and groups in order of appearance, and the graph between them.

use std::collections::VecDeque;
use std::sync::OnceLock;

use data::{Diagnostic, List, Map, Value};
use indexmap::IndexMap;

use crate::combine::HashBehaviour;
use crate::group_names::GroupNames;
use crate::{Group, Host, HostName};

/// Names under which the machine itself is known without being listed.
pub(crate) const LOCALHOST: [&str; 3] = ["127.0.0.1", "localhost", "::1"];

/// Hosts and groups. `all` and `ungrouped` always exist.
#[derive(Clone, Debug)]
pub struct Inventory {
    pub(crate) hosts: IndexMap<HostName, Host>,
    pub(crate) groups: IndexMap<HostName, Group>,
    pub(crate) hash_behaviour: HashBehaviour,
    pub(crate) group_names: GroupNames,
    /// A group's name as it was before its characters were replaced.
    pub(crate) replaced_name: Option<String>,
    /// The first listed host with one of the [`LOCALHOST`] names; it stands in for the others.
    pub(crate) localhost: Option<usize>,
    implicit: Vec<Host>,
    pub(crate) groups_dict: OnceLock<Map>,
    pub(crate) notices: Vec<Diagnostic>,
    /// Where the host came from that was added last.
    pub(crate) last_origin: Option<Map>,
    cluster_vars: Map,
}

impl Default for Inventory {
    fn default() -> Self {
        Self::new(HashBehaviour::default())
    }
}

impl Inventory {
    /// An inventory without hosts.
    pub fn new(hash_behaviour: HashBehaviour) -> Self {
        let mut inventory = Self {
            hosts: IndexMap::new(),
            groups: IndexMap::new(),
            hash_behaviour,
            group_names: GroupNames::default(),
            replaced_name: None,
            localhost: None,
            implicit: LOCALHOST.iter().map(|name| Host::implicit_localhost(name)).collect(),
            groups_dict: OnceLock::new(),
            notices: Vec::new(),
            last_origin: None,
            cluster_vars: Map::new(),
        };
        let all = inventory.group_index_or_new("all");
        let ungrouped = inventory.group_index_or_new("ungrouped");
        inventory.link(all, ungrouped);
        inventory
    }

    /// The same, with groups whose names no variable could have treated so.
    #[must_use]
    pub(crate) fn with_group_names(mut self, group_names: GroupNames) -> Self {
        self.group_names = group_names;
        self
    }

    /// All listed hosts, in order of appearance.
    pub fn hosts(&self) -> impl ExactSizeIterator<Item = &Host> {
        self.hosts.values()
    }

    /// All groups, in order of appearance; `all` and `ungrouped` first.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.groups.values()
    }

    /// A host by name. The machine itself is there under its usual names even when nothing lists it.
    pub fn host(&self, name: &str) -> Option<&Host> {
        self.hosts.get(name).or_else(|| {
            let implicit = self.implicit.iter().find(|host| &*host.name == name)?;
            Some(self.localhost.map_or(implicit, |index| &self.hosts[index]))
        })
    }

    /// A host that the inventory lists.
    pub fn listed_host(&self, name: &str) -> Option<&Host> {
        self.hosts.get(name)
    }

    /// A group by name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(name)
    }

    /// The groups directly below a group, in order.
    pub fn children<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a Group> {
        group.children.iter().map(|index| &self.groups[*index])
    }

    /// The hosts that a group lists itself, in order.
    pub fn own_hosts<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a Host> {
        group.hosts.iter().map(|index| &self.hosts[*index])
    }

    /// The hosts of a group and of all groups below it: its own first, then level by level.
    pub fn hosts_of(&self, group: &Group) -> Vec<&Host> {
        self.host_indices_of(group).into_iter().map(|index| &self.hosts[index]).collect()
    }

    fn host_indices_of(&self, group: &Group) -> Vec<usize> {
        let mut seen_groups = vec![false; self.groups.len()];
        let mut seen_hosts = vec![false; self.hosts.len()];
        let mut hosts = Vec::new();
        let mut queue = VecDeque::from([group]);
        while let Some(group) = queue.pop_front() {
            for host in &group.hosts {
                if !std::mem::replace(&mut seen_hosts[*host], true) {
                    hosts.push(*host);
                }
            }
            for child in &group.children {
                if !std::mem::replace(&mut seen_groups[*child], true) {
                    queue.push_back(&self.groups[*child]);
                }
            }
        }
        hosts
    }

    /// Every group a host is in, directly or through another group, weakest first: by depth, then priority, then name. Without `all`.
    pub fn groups_of<'a>(&'a self, host: &Host) -> Vec<&'a Group> {
        let mut groups: Vec<&Group> = self
            .with_ancestors(&host.groups)
            .into_iter()
            .filter(|index| *index != 0)
            .map(|index| &self.groups[index])
            .collect();
        groups.sort_by(|a, b| (a.depth, a.priority, &a.name).cmp(&(b.depth, b.priority, &b.name)));
        groups
    }

    /// `group_names`: sorted by name, without `all`.
    pub fn group_names(&self, host: &Host) -> Vec<&str> {
        let mut names: Vec<&str> = self.groups_of(host).into_iter().map(Group::name).collect();
        names.sort_unstable();
        names
    }

    /// The magic variable `groups`: each group with the names of its hosts. Kept until the inventory changes.
    pub fn groups_dict(&self) -> &Map {
        self.groups_dict.get_or_init(|| {
            let names = |group| {
                let hosts = self.host_indices_of(group).into_iter();
                hosts.map(|index| Value::str(self.hosts[index].name.clone())).collect::<List>()
            };
            self.groups.values().map(|group| (&*group.name, Value::List(names(group)))).collect()
        })
    }

    /// How dictionaries of two levels meet.
    pub fn hash_behaviour(&self) -> HashBehaviour {
        self.hash_behaviour
    }

    /// The cluster's variables, where a conf folder gives them: they win over `group_vars/all` beside the inventory, and yield to what is
    /// set for a group or a host.
    pub fn cluster_vars(&self) -> &Map {
        &self.cluster_vars
    }

    /// Sets the cluster's variables.
    pub fn set_cluster_vars(&mut self, vars: Map) {
        self.cluster_vars = vars;
    }

    /// Takes out what loading has to tell the user: names that are no good, and the like.
    pub(crate) fn take_notices(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.notices)
    }

    /// Names that are both a host and a group; they make patterns ambiguous.
    pub(crate) fn ambiguous_names(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().filter(|name| self.hosts.contains_key(&***name)).map(|name| &**name)
    }

    /// Indices of these groups and of all groups above them.
    pub(crate) fn with_ancestors(&self, start: &[usize]) -> Vec<usize> {
        let mut found = start.to_vec();
        let mut next = 0;
        while next < found.len() {
            for parent in &self.groups[found[next]].parents {
                if !found.contains(parent) {
                    found.push(*parent);
                }
            }
            next += 1;
        }
        found
    }
}
