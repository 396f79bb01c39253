//! The inheritable keywords of one object, together with those it inherits.

use std::sync::Arc;

use data::{List, Value};

use crate::keyword::{Inherited, Joins};

/// Values of inheritable keywords, not rendered yet. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Keywords {
    values: Arc<[Option<Value>; Inherited::COUNT]>,
}

impl Default for Keywords {
    fn default() -> Self {
        Self { values: Arc::new([const { None }; Inherited::COUNT]) }
    }
}

impl Keywords {
    /// The value of a keyword.
    pub fn get(&self, keyword: Inherited) -> Option<&Value> {
        self.values[keyword as usize].as_ref()
    }

    /// Sets a keyword.
    pub fn set(&mut self, keyword: Inherited, value: Value) {
        Arc::make_mut(&mut self.values)[keyword as usize] = Some(value);
    }

    /// Takes a keyword away.
    pub fn clear(&mut self, keyword: Inherited) {
        if self.get(keyword).is_some() {
            Arc::make_mut(&mut self.values)[keyword as usize] = None;
        }
    }

    /// Whether no keyword is set.
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }

    /// The items of a keyword that is a list; one value is a list of one.
    pub fn list(&self, keyword: Inherited) -> &[Value] {
        match self.get(keyword) {
            None => &[],
            Some(Value::List(list)) => list,
            Some(other) => std::slice::from_ref(other),
        }
    }

    /// What holds inside `outer` for an object that sets these: lists are joined, other values replaced.
    #[must_use]
    pub fn inside(&self, outer: &Self) -> Self {
        if self.is_empty() {
            return outer.clone();
        }
        let mut joined = outer.clone();
        for keyword in Inherited::all() {
            let Some(own) = self.get(keyword) else { continue };
            let value = match (keyword.joins(), outer.get(keyword)) {
                (Joins::Replaces, _) | (_, None) => own.clone(),
                (Joins::OuterFirst, Some(outer)) => join(outer, own),
                (Joins::InnerFirst, Some(outer)) => join(own, outer),
            };
            joined.set(keyword, value);
        }
        joined
    }
}

/// Both lists as one, without neighbors that are equal (as Ansible joins them).
fn join(first: &Value, second: &Value) -> Value {
    let items = |value: &Value| match value {
        Value::List(list) => list.to_vec(),
        other => vec![other.clone()],
    };
    let mut joined = items(first);
    joined.extend(items(second));
    joined.retain(|item| !item.is_null());
    joined.dedup();
    Value::List(List::new(joined))
}

impl Inherited {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        crate::keyword::KEYWORDS.iter().filter_map(|row| row.inherited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(keyword: Inherited, value: impl Into<Value>) -> Keywords {
        let mut keywords = Keywords::default();
        keywords.set(keyword, value.into());
        keywords
    }

    #[test]
    fn conditions_of_the_outside_come_first_and_tags_last() {
        let outer = with(Inherited::When, "a");
        let inner = with(Inherited::When, vec![Value::from("b")]);
        assert_eq!(inner.inside(&outer).list(Inherited::When), [Value::from("a"), Value::from("b")]);
        let outer = with(Inherited::Tags, "a");
        let inner = with(Inherited::Tags, "b");
        assert_eq!(inner.inside(&outer).list(Inherited::Tags), [Value::from("b"), Value::from("a")]);
    }

    #[test]
    fn an_inner_value_replaces_the_outer_one() {
        let inner = with(Inherited::Become, false).inside(&with(Inherited::Become, true));
        assert_eq!(inner.get(Inherited::Become), Some(&Value::from(false)));
    }

    #[test]
    fn every_inherited_keyword_has_one_row() {
        let mut seen: Vec<_> = Inherited::all().map(|keyword| keyword as usize).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..Inherited::COUNT).collect::<Vec<_>>());
    }
}
