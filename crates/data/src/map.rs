//! Python's dictionary: keys in order of insertion.

use std::ops::Deref;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{Key, Value};

/// An ordered map of values, shared until changed. Read access goes through [`IndexMap`]; `get` takes a `&str` or a [`Key`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Map {
    entries: Arc<IndexMap<Key, Value>>,
}

impl Map {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the entries lie in memory: the same for maps that share them.
    pub fn address(&self) -> usize {
        Arc::as_ptr(&self.entries).addr()
    }

    /// Sets a key; an existing one keeps its position. Returns the old value.
    pub fn insert(&mut self, key: impl Into<Key>, value: impl Into<Value>) -> Option<Value> {
        Arc::make_mut(&mut self.entries).insert(key.into(), value.into())
    }

    /// Takes a key out, keeping the order of the others.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        if !self.entries.contains_key(key) {
            return None;
        }
        Arc::make_mut(&mut self.entries).shift_remove(key)
    }

    /// The entries, to change; copied first if another value shares them.
    pub fn make_mut(&mut self) -> &mut IndexMap<Key, Value> {
        Arc::make_mut(&mut self.entries)
    }

    /// The entries, owned; copied only if another value shares them.
    pub fn into_entries(self) -> IndexMap<Key, Value> {
        Arc::try_unwrap(self.entries).unwrap_or_else(|shared| (*shared).clone())
    }

    /// Gives back the room that was kept for more entries, unless another value shares them.
    pub fn shrink_to_fit(&mut self) {
        if let Some(entries) = Arc::get_mut(&mut self.entries) {
            entries.shrink_to_fit();
        }
    }

    /// Sets every entry of `other`.
    pub fn extend_from(&mut self, other: &Self) {
        if self.entries.is_empty() {
            self.entries = Arc::clone(&other.entries);
        } else if !other.entries.is_empty() {
            Arc::make_mut(&mut self.entries).extend(other.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
    }

    /// The text value of a key, if it is text.
    pub fn get_str(&self, key: &str) -> Option<&str> {
        self.entries.get(key).and_then(Value::as_str)
    }

    /// Python's `sorted(map.items())`; `None` where Python refuses to compare the keys (text with numbers, several `None`).
    pub fn sorted(&self) -> Option<Vec<(&Key, &Value)>> {
        let comparable = self.entries.len() < 2
            || self.entries.keys().all(|key| matches!(key, Key::Str(_)))
            || self.entries.keys().all(|key| matches!(key, Key::Int(_) | Key::Float(_) | Key::Bool(_)));
        if !comparable {
            return None;
        }
        let mut entries: Vec<(&Key, &Value)> = self.entries.iter().collect();
        entries.sort_by(|(a, _), (b, _)| a.compare(b));
        Some(entries)
    }

    /// Whether both are the very same map in memory.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.entries, &other.entries)
    }
}

impl Deref for Map {
    type Target = IndexMap<Key, Value>;
    fn deref(&self) -> &IndexMap<Key, Value> {
        &self.entries
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.entries, &other.entries) || *self.entries == *other.entries
    }
}

impl<K: Into<Key>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self { entries: Arc::new(entries.into_iter().map(|(k, v)| (k.into(), v.into())).collect()) }
    }
}

impl<K: Into<Key>, V: Into<Value>, const N: usize> From<[(K, V); N]> for Map {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl From<IndexMap<Key, Value>> for Map {
    fn from(entries: IndexMap<Key, Value>) -> Self {
        Self { entries: Arc::new(entries) }
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a Key, &'a Value);
    type IntoIter = indexmap::map::Iter<'a, Key, Value>;
    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}

impl IntoIterator for Map {
    type Item = (Key, Value);
    type IntoIter = indexmap::map::IntoIter<Key, Value>;
    fn into_iter(self) -> Self::IntoIter {
        self.into_entries().into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_insert_keeps_the_first_position() {
        let mut map = Map::from([("a", 1), ("b", 2)]);
        map.insert("a", 3);
        assert_eq!(map.keys().filter_map(Key::as_str).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(map.get("a"), Some(&Value::from(3)));
    }

    #[test]
    fn keys_sort_as_python_sorts_them_or_not_at_all() {
        let names = |map: &Map| {
            map.sorted().map(|entries| entries.iter().map(|(key, _)| key.to_string()).collect::<Vec<_>>())
        };
        assert_eq!(names(&Map::from([("b", 1), ("B", 2), ("a", 3)])).unwrap(), ["B", "a", "b"]);
        assert_eq!(
            names(&Map::from([(Key::Int(10), 1), (Key::Float(9.5), 2), (Key::Bool(true), 3)])).unwrap(),
            ["True", "9.5", "10"]
        );
        assert_eq!(names(&Map::from([(Key::Int(1), 1), (Key::from("1"), 2)])), None);
    }

    #[test]
    fn removing_a_missing_key_does_not_copy_a_shared_map() {
        let mut map = Map::from([("a", 1)]);
        let other = map.clone();
        assert_eq!(map.remove("zz"), None);
        assert!(map.same(&other));
    }
}
