//! Python's list, shared by reference; items that came from variables are opened on first use.

use std::cell::RefCell;

use data::Value;

use crate::eval::Eval;
use crate::val::{Res, ScopeId, Val};

/// A member of a container: as it came from the variables, or opened.
#[derive(Clone)]
pub(crate) enum Slot {
    Raw(Value, ScopeId),
    Open(Val),
}

impl Slot {
    /// The value, rendered and kept.
    fn open(&mut self, ev: &Eval<'_>) -> Res<Val> {
        let (raw, scope) = match self {
            Self::Open(value) => return Ok(value.clone()),
            Self::Raw(raw, scope) => (raw.clone(), *scope),
        };
        let value = ev.open(&raw, scope)?;
        *self = Self::Open(value.clone());
        Ok(value)
    }
}

#[derive(Clone)]
enum State {
    Raw(data::List, ScopeId),
    Own(Vec<Slot>),
}

/// A list.
pub(crate) struct List {
    state: RefCell<State>,
    /// Whether it came from the variables.
    lazy: bool,
}

impl List {
    pub(crate) fn new(items: Vec<Val>) -> Self {
        Self { state: RefCell::new(State::Own(items.into_iter().map(Slot::Open).collect())), lazy: false }
    }

    pub(crate) fn raw(items: data::List, scope: ScopeId) -> Self {
        Self { state: RefCell::new(State::Raw(items, scope)), lazy: true }
    }

    /// Another list of the same items, as a variable has that a template made of this one.
    pub(crate) fn again(&self) -> Self {
        Self { state: RefCell::new(self.state.borrow().clone()), lazy: true }
    }

    pub(crate) fn is_lazy(&self) -> bool {
        self.lazy
    }

    pub(crate) fn len(&self) -> usize {
        match &*self.state.borrow() {
            State::Raw(items, _) => items.len(),
            State::Own(items) => items.len(),
        }
    }

    /// The item at an index from 0.
    pub(crate) fn get(&self, ev: &Eval<'_>, index: usize) -> Res<Option<Val>> {
        let mut slot = {
            let mut state = self.state.borrow_mut();
            if let State::Raw(items, scope) = &*state {
                match items.get(index) {
                    None => return Ok(None),
                    Some(Value::Str(text)) if text.is_template() || text.is_encrypted() => {}
                    Some(value) => {
                        if let Some(scalar) = Val::scalar(value) {
                            return Ok(Some(scalar));
                        }
                    }
                }
                let scope = *scope;
                *state = State::Own(items.iter().map(|item| Slot::Raw(item.clone(), scope)).collect());
            }
            let State::Own(items) = &*state else { return Ok(None) };
            match items.get(index) {
                None => return Ok(None),
                Some(Slot::Open(value)) => return Ok(Some(value.clone())),
                Some(slot) => slot.clone(),
            }
        };
        // Rendering may look at this very list: it must not be borrowed meanwhile.
        let value = slot.open(ev)?;
        if let State::Own(items) = &mut *self.state.borrow_mut()
            && let Some(place @ Slot::Raw(..)) = items.get_mut(index)
        {
            *place = slot;
        }
        Ok(Some(value))
    }

    /// All items. Missing ones are among them; who uses them raises their error.
    pub(crate) fn items(&self, ev: &Eval<'_>) -> Res<Vec<Val>> {
        let mut found = Vec::with_capacity(self.len());
        let mut index = 0;
        while let Some(item) = self.get(ev, index)? {
            found.push(item);
            index += 1;
        }
        Ok(found)
    }

    /// Replaces the whole content.
    pub(crate) fn replace(&self, items: Vec<Val>) {
        *self.state.borrow_mut() = State::Own(items.into_iter().map(Slot::Open).collect());
    }

    /// Changes the slots; raw ones stay unopened.
    fn change<T>(&self, change: impl FnOnce(&mut Vec<Slot>) -> T) -> T {
        let mut state = self.state.borrow_mut();
        if let State::Raw(items, scope) = &*state {
            let scope = *scope;
            *state = State::Own(items.iter().map(|item| Slot::Raw(item.clone(), scope)).collect());
        }
        match &mut *state {
            State::Own(items) => change(items),
            State::Raw(..) => change(&mut Vec::new()),
        }
    }

    pub(crate) fn push(&self, value: Val) {
        self.change(|items| items.push(Slot::Open(value)));
    }

    pub(crate) fn extend(&self, values: Vec<Val>) {
        self.change(|items| items.extend(values.into_iter().map(Slot::Open)));
    }

    pub(crate) fn insert(&self, index: usize, value: Val) {
        self.change(|items| items.insert(index.min(items.len()), Slot::Open(value)));
    }

    pub(crate) fn remove(&self, index: usize) {
        self.change(|items| {
            if index < items.len() {
                items.remove(index);
            }
        });
    }

    pub(crate) fn reverse(&self) {
        self.change(|items| items.reverse());
    }
}
