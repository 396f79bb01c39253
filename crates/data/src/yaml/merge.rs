//! The entries of a mapping while it is read: duplicate keys and merge keys (`<<`), by PyYAML's rules.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::yaml::error::{Problem, YamlError};
use crate::yaml::{Node, NodeKind};
use crate::{Diagnostic, Key, python};

/// So many duplicate keys of a file are told one by one.
const WARNINGS: usize = 100;

/// Entries in order of writing, and those that `<<` brings; the latter stand first and give way.
#[derive(Default)]
pub(crate) struct Entries {
    merged: Vec<(Node, Node)>,
    own: Vec<(Node, Node)>,
}

impl Entries {
    /// Adds `key: value`.
    pub(crate) fn push(&mut self, key: Node, value: Node) -> Result<(), YamlError> {
        if key.to_key().is_none() {
            return Err(YamlError::new(key.place.clone(), Problem::UnhashableKey));
        }
        self.own.push((key, value));
        Ok(())
    }

    /// Adds `<<: value`: a mapping, or a sequence of mappings of which the earlier wins.
    pub(crate) fn merge(&mut self, value: Node) -> Result<(), YamlError> {
        match value.kind {
            NodeKind::Map(entries) => self.merged.extend(entries),
            NodeKind::Seq(items) => {
                for item in items.into_iter().rev() {
                    let NodeKind::Map(entries) = item.kind else {
                        return Err(YamlError::new(item.place, Problem::MergeNeedsMapping));
                    };
                    self.merged.extend(entries);
                }
            }
            _ => return Err(YamlError::new(value.place, Problem::MergeNeedsMapping)),
        }
        Ok(())
    }

    /// Every key once: its first position, its last value. A key that the user wrote twice gives a warning.
    ///
    /// # Errors
    /// Such a key, if it is to be an error.
    pub(crate) fn finish(self, warnings: &mut Vec<Diagnostic>) -> Result<Vec<(Node, Node)>, YamlError> {
        let merged = self.merged.len();
        let mut positions: HashMap<Key, (usize, bool)> = HashMap::with_capacity(merged + self.own.len());
        let mut entries: Vec<(Node, Node)> = Vec::with_capacity(merged + self.own.len());
        for (index, (key, value)) in self.merged.into_iter().chain(self.own).enumerate() {
            let is_own = index >= merged;
            let Some(name) = key.to_key() else { continue };
            match positions.get_mut(&name) {
                Some((position, was_own)) => {
                    if is_own && *was_own {
                        let first = &entries[*position].0;
                        match DuplicateKeys::of_process() {
                            DuplicateKeys::Warn => warn(warnings, first, &key),
                            DuplicateKeys::Ignore => {}
                            DuplicateKeys::Error => {
                                let problem = Problem::DuplicateKey {
                                    key: python::repr(&name.to_value()),
                                    first: first.place.clone(),
                                };
                                return Err(YamlError::new(key.place, problem));
                            }
                        }
                    }
                    *was_own |= is_own;
                    let entry = &mut entries[*position];
                    entry.1 = value;
                    // Of equal keys of different types (`1`, `1.0`, `true`) Python keeps the first; of texts we keep the last's place.
                    if matches!(name, Key::Str(_)) {
                        entry.0 = key;
                    }
                }
                None => {
                    positions.insert(name, (entries.len(), is_own));
                    entries.push((key, value));
                }
            }
        }
        Ok(entries)
    }
}

/// What a key is that stands in a mapping twice: `duplicate_dict_key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DuplicateKeys {
    /// A warning; the last value counts.
    Warn,
    /// Nothing to speak of; the last value counts.
    Ignore,
    /// An error.
    Error,
}

/// Files are read in many places, and the setting is one for all.
static DUPLICATE_KEYS: OnceLock<DuplicateKeys> = OnceLock::new();

impl DuplicateKeys {
    /// Makes this the rule of the process; the first call counts.
    pub fn use_always(self) {
        let _ = DUPLICATE_KEYS.set(self);
    }

    fn of_process() -> Self {
        *DUPLICATE_KEYS.get().unwrap_or(&Self::Warn)
    }
}

/// Warns of a duplicate key; of the hundredth in a file, that there are more.
fn warn(warnings: &mut Vec<Diagnostic>, first: &Node, again: &Node) {
    match warnings.len() {
        0..WARNINGS => warnings.push(duplicate(first, again)),
        WARNINGS => warnings.push(
            Diagnostic::warning("more keys of this file are duplicates").at(&again.place, "the next of them"),
        ),
        _ => {}
    }
}

fn duplicate(first: &Node, again: &Node) -> Diagnostic {
    let key = again.to_key().map(|key| python::repr(&key.to_value())).unwrap_or_default();
    Diagnostic::warning(format!("Found duplicate mapping key {key}."))
        .at(&again.place, "this value is used")
        .also(&first.place, "this value is ignored")
        .help("keep one of the two")
}
