//! A dictionary's key: text nearly always, but YAML and Python also allow numbers, booleans, null and tuples of them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use indexmap::Equivalent;
use serde::{Deserialize, Serialize};

use crate::{List, Text, Value};

/// A hashable value. Keys that Python calls equal (`1`, `1.0`, `True`) are equal here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Key {
    /// A text key.
    Str(Text),
    /// An integer key.
    Int(i128),
    /// A floating point key.
    Float(f64),
    /// A boolean key.
    Bool(bool),
    /// The key `null`.
    Null,
    /// A tuple of keys.
    Tuple(#[serde(deserialize_with = "crate::descent::bounded")] Vec<Self>),
}

impl Key {
    /// The text of a text key.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The key as a value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Str(text) => Value::Str(text.clone()),
            Self::Int(number) => Value::Int(*number),
            Self::Float(number) => Value::Float(*number),
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Null => Value::Null,
            Self::Tuple(keys) => Value::List(List::tuple(keys.iter().map(Self::to_value).collect())),
        }
    }

    /// The value as a key; `None` for what Python calls unhashable (lists, dictionaries) and for undefined.
    pub fn from_value(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Int(number) => Self::Int(*number),
            Value::Float(number) => Self::Float(*number),
            Value::Str(text) => Self::Str(text.clone()),
            Value::List(list) if list.kind() == crate::ListKind::Tuple => {
                Self::Tuple(list.iter().map(Self::from_value).collect::<Option<_>>()?)
            }
            Value::List(_) | Value::Map(_) | Value::Undefined(_) => return None,
        })
    }

    /// Python's order of two texts or two numbers; keys that it cannot compare are equal here.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Str(a), Self::Str(b)) => a.cmp(b),
            _ => match (self.integer(), other.integer()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => self
                    .float()
                    .zip(other.float())
                    .and_then(|(a, b)| a.partial_cmp(&b))
                    .unwrap_or(Ordering::Equal),
            },
        }
    }

    fn float(&self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(*number),
            _ => self.integer().map(|number| number as f64),
        }
    }

    /// The integer that a number or boolean key equals in Python, if it is one.
    fn integer(&self) -> Option<i128> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Bool(flag) => Some(i128::from(*flag)),
            Self::Float(number) if number.fract() == 0.0 && number.abs() < 1e30 => Some(*number as i128),
            _ => None,
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Null, Self::Null) => true,
            (Self::Tuple(a), Self::Tuple(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits() || a == b,
            _ => self.integer().is_some_and(|number| other.integer() == Some(number)),
        }
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if let Some(number) = self.integer() {
            return number.hash(state);
        }
        match self {
            // The same as `str`, so that a map can be asked with `&str`.
            Self::Str(text) => text.as_str().hash(state),
            Self::Float(number) => number.to_bits().hash(state),
            Self::Tuple(keys) => keys.hash(state),
            Self::Null | Self::Int(_) | Self::Bool(_) => state.write_u8(0),
        }
    }
}

impl Equivalent<Key> for str {
    fn equivalent(&self, key: &Key) -> bool {
        key.as_str() == Some(self)
    }
}

impl fmt::Display for Key {
    /// As Python's `str()` prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Str(text) => f.write_str(text),
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) => f.write_str(&crate::python::float_text(*number)),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Null => f.write_str("None"),
            Self::Tuple(_) => f.write_str(&crate::python::repr(&self.to_value())),
        }
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::Str(Text::plain(text))
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self::Str(Text::plain(text))
    }
}

impl From<Text> for Key {
    fn from(text: Text) -> Self {
        Self::Str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_python_calls_equal_are_one_key() {
        let mut map = crate::Map::new();
        map.insert(Key::Int(1), Value::from("one"));
        map.insert(Key::Bool(true), Value::from("true"));
        map.insert(Key::Float(1.0), Value::from("float"));
        assert_eq!(map.len(), 1);
        assert_eq!(map.get("1"), None);
    }
}
