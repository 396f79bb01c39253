//! Python's dictionary, shared by reference; values that came from variables are opened on first use.

use std::cell::RefCell;

use data::{Key, Map, Value};
use indexmap::IndexMap;

use crate::eval::Eval;
use crate::val::{Res, ScopeId, Val};

enum State {
    /// As it came from the variables, with the few values opened so far.
    Raw {
        map: Map,
        scope: ScopeId,
        seen: Vec<(Key, Val)>,
    },
    Own(IndexMap<Key, Slot>),
}

#[derive(Clone)]
enum Slot {
    Raw(Value, ScopeId),
    Open(Val),
}

/// So many opened values are found by search before the map is rebuilt.
const FEW: usize = 8;

/// A dictionary.
pub(crate) struct Dict {
    state: RefCell<State>,
    /// Whether it came from the variables: its `items()` and `values()` render everything.
    lazy: bool,
}

impl Dict {
    pub(crate) fn new(entries: IndexMap<Key, Val>) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key, Slot::Open(value))).collect();
        Self { state: RefCell::new(State::Own(entries)), lazy: false }
    }

    pub(crate) fn raw(map: Map, scope: ScopeId) -> Self {
        Self { state: RefCell::new(State::Raw { map, scope, seen: Vec::new() }), lazy: true }
    }

    pub(crate) fn len(&self) -> usize {
        match &*self.state.borrow() {
            State::Raw { map, .. } => map.len(),
            State::Own(entries) => entries.len(),
        }
    }

    pub(crate) fn keys(&self) -> Vec<Key> {
        match &*self.state.borrow() {
            State::Raw { map, .. } => map.keys().cloned().collect(),
            State::Own(entries) => entries.keys().cloned().collect(),
        }
    }

    pub(crate) fn contains(&self, key: &Key) -> bool {
        match &*self.state.borrow() {
            State::Raw { map, .. } => map.contains_key(key),
            State::Own(entries) => entries.contains_key(key),
        }
    }

    /// The value of a key, opened and kept.
    pub(crate) fn get(&self, ev: &Eval<'_>, key: &Key) -> Res<Option<Val>> {
        let (raw, scope) = match &*self.state.borrow() {
            State::Raw { map, scope, seen } => {
                if let Some((_, value)) = seen.iter().find(|(known, _)| known == key) {
                    return Ok(Some(value.clone()));
                }
                let Some(value) = map.get(key) else { return Ok(None) };
                let rendered = matches!(value, Value::Str(text) if text.is_template() || text.is_encrypted());
                if !rendered && let Some(scalar) = Val::scalar(value) {
                    return Ok(Some(scalar));
                }
                (value.clone(), *scope)
            }
            State::Own(entries) => match entries.get(key) {
                None => return Ok(None),
                Some(Slot::Open(value)) => return Ok(Some(value.clone())),
                Some(Slot::Raw(raw, scope)) => (raw.clone(), *scope),
            },
        };
        // Rendering may look at this very dictionary: it must not be borrowed meanwhile.
        let value = ev.open(&raw, scope)?;
        self.keep(key, &value);
        Ok(Some(value))
    }

    fn keep(&self, key: &Key, value: &Val) {
        let mut state = self.state.borrow_mut();
        if let State::Raw { seen, .. } = &mut *state {
            if seen.len() < FEW {
                seen.push((key.clone(), value.clone()));
                return;
            }
            own(&mut state);
        }
        if let State::Own(entries) = &mut *state
            && let Some(slot) = entries.get_mut(key)
        {
            *slot = Slot::Open(value.clone());
        }
    }

    /// The value of a text key.
    pub(crate) fn get_str(&self, ev: &Eval<'_>, key: &str) -> Res<Option<Val>> {
        self.get(ev, &Key::from(key))
    }

    /// All entries. Missing values are among them; who uses them raises their error.
    pub(crate) fn entries(&self, ev: &Eval<'_>) -> Res<Vec<(Key, Val)>> {
        self.keys()
            .into_iter()
            .filter_map(|key| self.get(ev, &key).transpose().map(|value| value.map(|value| (key, value))))
            .collect()
    }

    /// All entries as `items()` and `values()` give them: a dictionary of the variables raises the error of a missing value at once, one that a
    /// template wrote leaves that to who uses the value.
    pub(crate) fn rendered(&self, ev: &Eval<'_>) -> Res<Vec<(Key, Val)>> {
        let entries = self.entries(ev)?;
        if self.lazy {
            entries.iter().try_for_each(|(_, value)| value.check())?;
        }
        Ok(entries)
    }

    /// Another dictionary of the same entries, as a variable has that a template made of this one.
    pub(crate) fn again(&self) -> Self {
        Self { lazy: true, ..self.copy() }
    }

    pub(crate) fn is_lazy(&self) -> bool {
        self.lazy
    }

    /// The same keys and values in a dictionary of its own; nothing is opened for it.
    pub(crate) fn copy(&self) -> Self {
        let state = match &*self.state.borrow() {
            State::Raw { map, scope, seen } => {
                State::Raw { map: map.clone(), scope: *scope, seen: seen.clone() }
            }
            State::Own(entries) => State::Own(entries.clone()),
        };
        Self { state: RefCell::new(state), lazy: self.lazy }
    }

    fn change<T>(&self, change: impl FnOnce(&mut IndexMap<Key, Slot>) -> T) -> T {
        let mut state = self.state.borrow_mut();
        own(&mut state);
        match &mut *state {
            State::Own(entries) => change(entries),
            State::Raw { .. } => change(&mut IndexMap::new()),
        }
    }

    pub(crate) fn set(&self, key: Key, value: Val) {
        self.change(|entries| entries.insert(key, Slot::Open(value)));
    }

    pub(crate) fn remove(&self, key: &Key) {
        self.change(|entries| entries.shift_remove(key));
    }

    pub(crate) fn clear(&self) {
        self.change(IndexMap::clear);
    }

    /// Sets every entry of another; its values stay unopened.
    pub(crate) fn update(&self, other: &Self) {
        let copy = other.copy();
        own(&mut copy.state.borrow_mut());
        let State::Own(theirs) = copy.state.into_inner() else { return };
        self.change(|entries| entries.extend(theirs));
    }
}

fn own(state: &mut State) {
    if let State::Raw { map, scope, seen } = state {
        let mut entries: IndexMap<Key, Slot> =
            map.iter().map(|(key, value)| (key.clone(), Slot::Raw(value.clone(), *scope))).collect();
        for (key, value) in seen.drain(..) {
            entries.insert(key, Slot::Open(value));
        }
        *state = State::Own(entries);
    }
}
