//! Whether two states of an object differ, and in what.

use data::{Map, Value};

use crate::Diff;

/// Fields that every write may move although nobody wished for it.
const COUNTERS: [&str; 2] = ["generation", "resourceVersion"];

/// What differs; `None` if nothing but counters does.
pub(super) fn between(before: &Map, after: &Map) -> Option<Diff> {
    let (old, new) = differences(before, after);
    let only_counters = |side: &Map| {
        side.iter().all(|(key, value)| {
            key.as_str() == Some("metadata")
                && value.as_map().is_some_and(|map| {
                    map.keys().all(|key| COUNTERS.iter().any(|name| key.as_str() == Some(name)))
                })
        })
    };
    if only_counters(&old) && only_counters(&new) {
        return None;
    }
    Some(Diff::properties(old, new))
}

/// The keys in which two dictionaries differ, with either side's value, at any depth.
fn differences(before: &Map, after: &Map) -> (Map, Map) {
    let (mut old, mut new) = (Map::new(), Map::new());
    for (key, value) in before {
        match (value, key.as_str().and_then(|key| after.get(key))) {
            (_, Some(other)) if other == value => {}
            (Value::Map(value), Some(Value::Map(other))) => {
                let (left, right) = differences(value, other);
                old.insert(key.clone(), left);
                new.insert(key.clone(), right);
            }
            (_, Some(other)) => {
                old.insert(key.clone(), value.clone());
                new.insert(key.clone(), other.clone());
            }
            (_, None) => drop(old.insert(key.clone(), value.clone())),
        }
    }
    for (key, value) in after {
        if key.as_str().is_none_or(|key| !before.contains_key(key)) {
            new.insert(key.clone(), value.clone());
        }
    }
    (old, new)
}

/// An object without the fields that shall not show, such as `metadata.managedFields` or `spec.containers`.
pub(super) fn hide(object: Map, hidden: &[&str]) -> Map {
    hidden.iter().fold(object, |object, path| without(object, path))
}

fn without(mut object: Map, path: &str) -> Map {
    match path.split_once('.') {
        None => drop(object.remove(path)),
        Some((key, rest)) => {
            if let Some(Value::Map(inner)) = object.get(key).cloned() {
                object.insert(key.to_owned(), without(inner, rest));
            }
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use data::json;

    fn map(text: &str) -> Map {
        json::parse(text).unwrap().as_map().unwrap().clone()
    }

    #[test]
    fn counters_alone_are_no_change() {
        let before = map(r#"{"metadata": {"name": "x", "resourceVersion": "1"}, "data": {"a": "1"}}"#);
        assert!(
            between(
                &before,
                &map(r#"{"metadata": {"name": "x", "resourceVersion": "2"}, "data": {"a": "1"}}"#)
            )
            .is_none()
        );
        let diff = between(
            &before,
            &map(r#"{"metadata": {"name": "x", "resourceVersion": "2"}, "data": {"a": "2"}}"#),
        );
        let data = diff.unwrap().after.unwrap().get("data").cloned();
        assert_eq!(data, Some(Value::Map(map(r#"{"a": "2"}"#))));
    }

    #[test]
    fn hidden_fields_go() {
        assert_eq!(hide(map(r#"{"a": {"b": 1, "c": 2}}"#), &["a.b", "x.y"]), map(r#"{"a": {"c": 2}}"#));
    }
}
