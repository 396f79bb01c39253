//! The one value type, from the loader to the wire.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::descent::Descent;
use crate::{List, ListKind, Map, Text, Undefined};

/// Any value that a file, a template, a module or a host can hold. Cheap to clone: what is large is shared.
#[derive(Clone)]
pub enum Value {
    /// `null`, Python's `None`.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer; Python's are unbounded, ours fail loudly beyond 128 bits.
    Int(i128),
    /// A double.
    Float(f64),
    /// Text.
    Str(Text),
    /// A list or tuple.
    List(List),
    /// A dictionary.
    Map(Map),
    /// A name without a value; an error as soon as it is used for more than asking whether it is defined.
    Undefined(Arc<Undefined>),
}

/// The type of a value, for messages and dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// boolean
    Bool,
    /// integer
    Int,
    /// float
    Float,
    /// string
    Str,
    /// list
    List,
    /// tuple
    Tuple,
    /// dictionary
    Map,
    /// undefined
    Undefined,
}

impl Kind {
    /// Python's name of the type, as Ansible's messages print it.
    pub fn python_name(self) -> &'static str {
        match self {
            Self::Null => "NoneType",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Str => "str",
            Self::List => "list",
            Self::Tuple => "tuple",
            Self::Map => "dict",
            Self::Undefined => "Undefined",
        }
    }
}

impl Value {
    /// Text that is not a template.
    pub fn str(chars: impl Into<Arc<str>>) -> Self {
        Self::Str(Text::plain(chars))
    }

    /// A missing variable of this name.
    pub fn undefined(name: &str) -> Self {
        Self::Undefined(Arc::new(Undefined::variable(name)))
    }

    /// Its type.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Float(_) => Kind::Float,
            Self::Str(_) => Kind::Str,
            Self::List(list) if list.kind() == ListKind::Tuple => Kind::Tuple,
            Self::List(_) => Kind::List,
            Self::Map(_) => Kind::Map,
            Self::Undefined(_) => Kind::Undefined,
        }
    }

    /// Its characters, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The text, if it is text.
    pub fn as_text(&self) -> Option<&Text> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if it is one (no conversion; see the modules' argument types for Ansible's).
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The integer, if it is one.
    pub fn as_int(&self) -> Option<i128> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The list or tuple, if it is one.
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The dictionary, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it is undefined.
    pub fn is_undefined(&self) -> bool {
        matches!(self, Self::Undefined(_))
    }

    /// Python's truth: empty text, lists, maps, zero and `None` are false. An undefined value is false here; the template engine
    /// refuses it before it asks.
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Null | Self::Undefined(_) => false,
            Self::Bool(flag) => *flag,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
        }
    }

    /// The value of `key`, if this is a dictionary that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_map().and_then(|map| map.get(key))
    }
}

impl PartialEq for Value {
    /// Python's `==`: numbers and booleans compare by value across types; an undefined equals only an undefined.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) | (Self::Undefined(_), Self::Undefined(_)) => true,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            _ => match (self.number(), other.number()) {
                (Some(Number::Int(a)), Some(Number::Int(b))) => a == b,
                (Some(a), Some(b)) => a.float() == b.float(),
                _ => false,
            },
        }
    }
}

enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    fn float(&self) -> f64 {
        match self {
            Self::Int(number) => *number as f64,
            Self::Float(number) => *number,
        }
    }
}

impl Value {
    fn number(&self) -> Option<Number> {
        match self {
            Self::Bool(flag) => Some(Number::Int(i128::from(*flag))),
            Self::Int(number) => Some(Number::Int(*number)),
            Self::Float(number) => Some(Number::Float(*number)),
            _ => None,
        }
    }
}

impl fmt::Debug for Value {
    /// A compact form close to Python's `repr`, with secrets masked; for tests and traces, never for users.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("None"),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Str(text) => write!(f, "{text:?}"),
            Self::List(list) => f.debug_list().entries(list.iter()).finish(),
            Self::Map(map) => f.debug_map().entries(map.iter().map(|(k, v)| (k.to_value(), v))).finish(),
            Self::Undefined(missing) => write!(f, "Undefined({})", missing.hint),
        }
    }
}

macro_rules! from {
    ($($from:ty => |$value:ident| $make:expr),* $(,)?) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self { $make }
        })*
    };
}

from! {
    bool => |value| Self::Bool(value),
    i32 => |value| Self::Int(value.into()),
    u32 => |value| Self::Int(value.into()),
    i64 => |value| Self::Int(value.into()),
    u64 => |value| Self::Int(value.into()),
    i128 => |value| Self::Int(value),
    usize => |value| Self::Int(value as i128),
    f64 => |value| Self::Float(value),
    &str => |value| Self::Str(value.into()),
    String => |value| Self::Str(value.into()),
    Text => |value| Self::Str(value),
    List => |value| Self::List(value),
    Vec<Self> => |value| Self::List(value.into()),
    Map => |value| Self::Map(value),
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl FromIterator<Self> for Value {
    fn from_iter<I: IntoIterator<Item = Self>>(items: I) -> Self {
        Self::List(items.into_iter().collect())
    }
}

/// The wire's form of a value: what a host can say or be told. An undefined never crosses; it arrives as null.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Value")]
enum Wire<T, L, M> {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(T),
    List(L),
    Map(M),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null | Self::Undefined(_) => Wire::Null,
            Self::Bool(flag) => Wire::Bool(*flag),
            Self::Int(number) => Wire::Int(*number),
            Self::Float(number) => Wire::Float(*number),
            Self::Str(text) => Wire::Str(text),
            Self::List(list) => Wire::List(list),
            Self::Map(map) => Wire::Map(map),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let _level = Descent::enter()?;
        Ok(match Wire::<Text, List, Map>::deserialize(deserializer)? {
            Wire::Null => Self::Null,
            Wire::Bool(flag) => Self::Bool(flag),
            Wire::Int(number) => Self::Int(number),
            Wire::Float(number) => Self::Float(number),
            Wire::Str(text) => Self::Str(text),
            Wire::List(list) => Self::List(list),
            Wire::Map(map) => Self::Map(map),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_across_types_as_in_python() {
        assert_eq!(Value::from(1), Value::from(1.0));
        assert_eq!(Value::from(true), Value::from(1));
        assert_ne!(Value::from("1"), Value::from(1));
        assert_ne!(Value::Null, Value::from(false));
    }

    #[test]
    fn truth_is_pythons() {
        for (value, truth) in [
            (Value::from(""), false),
            (Value::from("false"), true),
            (Value::from(0), false),
            (Value::from(0.0), false),
            (Value::from(Vec::new()), false),
            (Value::from(Map::new()), false),
            (Value::Null, false),
        ] {
            assert_eq!(value.is_truthy(), truth, "{value:?}");
        }
    }

    #[test]
    fn values_cross_the_wire_whole() {
        let value = Value::from(Map::from([
            ("list", Value::from(vec![Value::from(1), Value::Null, Value::from(2.5)])),
            ("text", Value::from("中")),
        ]));
        let bytes = postcard::to_stdvec(&value).unwrap();
        assert_eq!(postcard::from_bytes::<Value>(&bytes).unwrap(), value);
    }
}
