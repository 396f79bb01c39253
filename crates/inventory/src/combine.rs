//! How variables of a higher level meet those of a lower one: `hash_behaviour`.

use data::{Key, Map, Value};

/// Ansible's setting `hash_behaviour`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HashBehaviour {
    /// The higher value takes the place of the lower one.
    #[default]
    Replace,
    /// Dictionaries are merged key by key, at every depth; everything else is replaced.
    Merge,
}

impl HashBehaviour {
    /// Puts `over` on top of `base`. Keys of `base` keep their position.
    pub fn combine(self, base: &mut Map, over: &Map) {
        if self == Self::Replace || base.is_empty() {
            return base.extend_from(over);
        }
        for (key, value) in over {
            self.set(base, key.clone(), value.clone());
        }
    }

    /// Puts one variable on top of `base`.
    pub(crate) fn set(self, base: &mut Map, key: Key, value: Value) {
        match (base.make_mut().get_mut(&key), value) {
            (Some(Value::Map(lower)), Value::Map(higher)) if self == Self::Merge => {
                self.combine(lower, &higher)
            }
            (Some(lower), value) => *lower = value,
            (None, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(entries: &[(&str, i32)]) -> Map {
        Map::from([("d", Value::from(entries.iter().copied().collect::<Map>()))])
    }

    #[test]
    fn replace_takes_the_higher_dictionary_whole() {
        let mut base = nested(&[("a", 1), ("b", 1)]);
        HashBehaviour::Replace.combine(&mut base, &nested(&[("b", 2)]));
        assert_eq!(base, nested(&[("b", 2)]));
    }

    #[test]
    fn merge_goes_into_dictionaries_and_replaces_the_rest() {
        let mut base = nested(&[("a", 1), ("b", 1)]);
        base.insert("list", vec![Value::from(1)]);
        let mut over = nested(&[("b", 2), ("c", 3)]);
        over.insert("list", vec![Value::from(2)]);
        HashBehaviour::Merge.combine(&mut base, &over);
        assert_eq!(base.get("d"), nested(&[("a", 1), ("b", 2), ("c", 3)]).get("d"));
        assert_eq!(base.get("list"), Some(&Value::from(vec![Value::from(2)])));
    }
}
