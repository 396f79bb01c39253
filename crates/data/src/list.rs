//! Python's list and tuple: one type, because only their printing, equality and mutability differ.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Value;

/// Whether Python would have a list or a tuple here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ListKind {
    /// `[1, 2]`
    #[default]
    List,
    /// `(1, 2)`, as `dict.items()` and a comma in a template make.
    Tuple,
}

/// A sequence of values, shared until changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct List {
    items: Arc<Vec<Value>>,
    kind: ListKind,
}

impl List {
    /// A list of these items.
    pub fn new(items: Vec<Value>) -> Self {
        Self { items: Arc::new(items), kind: ListKind::List }
    }

    /// A tuple of these items.
    pub fn tuple(items: Vec<Value>) -> Self {
        Self { items: Arc::new(items), kind: ListKind::Tuple }
    }

    /// List or tuple.
    pub fn kind(&self) -> ListKind {
        self.kind
    }

    /// The items, to change; copied first if another value shares them.
    pub fn make_mut(&mut self) -> &mut Vec<Value> {
        Arc::make_mut(&mut self.items)
    }

    /// The items, owned; copied only if another value shares them.
    pub fn into_items(self) -> Vec<Value> {
        Arc::try_unwrap(self.items).unwrap_or_else(|shared| (*shared).clone())
    }

    /// Where the items lie in memory: the same for lists that share them.
    pub fn address(&self) -> usize {
        Arc::as_ptr(&self.items).addr()
    }

    /// Whether both are the very same list in memory.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.items, &other.items)
    }
}

impl Deref for List {
    type Target = [Value];
    fn deref(&self) -> &[Value] {
        &self.items
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::new(items.into_iter().collect())
    }
}

impl From<Vec<Value>> for List {
    fn from(items: Vec<Value>) -> Self {
        Self::new(items)
    }
}

impl IntoIterator for List {
    type Item = Value;
    type IntoIter = std::vec::IntoIter<Value>;
    fn into_iter(self) -> Self::IntoIter {
        self.into_items().into_iter()
    }
}

impl<'a> IntoIterator for &'a List {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tuple_never_equals_a_list() {
        assert_ne!(List::new(vec![Value::from(1)]), List::tuple(vec![Value::from(1)]));
    }

    #[test]
    fn changing_a_shared_list_leaves_the_other_alone() {
        let first = List::new(vec![Value::from(1)]);
        let mut second = first.clone();
        second.make_mut().push(Value::from(2));
        assert_eq!((first.len(), second.len()), (1, 2));
    }
}
