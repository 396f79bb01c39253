//! A group: hosts and child groups under a name, with variables, a priority and a depth.

use std::sync::Arc;

use data::{Map, Place};

/// A group of the inventory. Its relations to hosts and other groups are asked of the [`Inventory`](crate::Inventory).
#[derive(Clone, Debug)]
pub struct Group {
    pub(crate) name: Arc<str>,
    pub(crate) vars: Map,
    pub(crate) priority: i64,
    pub(crate) depth: usize,
    pub(crate) place: Option<Place>,
    /// Indices of hosts that the group lists itself, in order.
    pub(crate) hosts: Vec<usize>,
    pub(crate) children: Vec<usize>,
    pub(crate) parents: Vec<usize>,
}

impl Group {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            vars: Map::new(),
            priority: 1,
            depth: 0,
            place: None,
            hosts: Vec::new(),
            children: Vec::new(),
            parents: Vec::new(),
        }
    }

    /// Its name, as written; hyphens are kept.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Variables given in the inventory itself, without `group_vars`.
    pub fn vars(&self) -> &Map {
        &self.vars
    }

    /// `ansible_group_priority`: among groups of one depth, the higher wins. 1 when not given.
    pub fn priority(&self) -> i64 {
        self.priority
    }

    /// The longest way up to a group without parents; deeper groups win.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Where it was first declared, if a file did.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }
}
