//! A value while a template runs: Python's objects, shared and changed by reference, whose members are rendered when they are first used.

mod convert;
mod dict;
mod list;
mod object;
mod order;
mod text;

use std::rc::Rc;

use data::{Text, Value};

pub(crate) use convert::{finalize, finalize_shared};
pub(crate) use dict::Dict;
pub(crate) use list::List;
pub(crate) use object::{Blocks, Date, Delta, Loop, MacroObject, Moment, Namespace, Object, range_len};
pub(crate) use order::{compare, contains, equal, key_of, key_value};
pub(crate) use text::{ascii, display, output, repr};

use crate::error::{ErrorKind, TemplateError};

/// The result of an evaluation.
pub(crate) type Res<T> = Result<T, TemplateError>;

/// The variables in which a raw value's templates are rendered: an index into the evaluation's scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScopeId(pub(crate) u32);

/// A value while a template runs.
#[derive(Clone)]
pub(crate) enum Val {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(Text),
    List(Rc<List>),
    Tuple(Rc<[Self]>),
    Dict(Rc<Dict>),
    /// An undefined value, or an error that is raised when the value is used.
    Missing(Rc<TemplateError>),
    Object(Rc<Object>),
}

impl Val {
    pub(crate) fn str(chars: impl Into<std::sync::Arc<str>>) -> Self {
        Self::Str(Text::plain(chars))
    }

    /// Text as it stands in data: a date or time when it is marked as one.
    pub(crate) fn text(text: &Text) -> Self {
        match text.is_date().then(|| crate::methods::date::of_iso(text)).flatten() {
            Some(time) => Self::object(time),
            None => Self::Str(text.clone()),
        }
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(List::new(items)))
    }

    pub(crate) fn tuple(items: Vec<Self>) -> Self {
        Self::Tuple(items.into())
    }

    pub(crate) fn dict(entries: indexmap::IndexMap<data::Key, Self>) -> Self {
        Self::Dict(Rc::new(Dict::new(entries)))
    }

    pub(crate) fn object(object: Object) -> Self {
        Self::Object(Rc::new(object))
    }

    pub(crate) fn undefined(hint: String) -> Self {
        Self::Missing(Rc::new(TemplateError::new(ErrorKind::Undefined(hint))))
    }

    /// A scalar of the data, as it is. Lists and maps need their scope: see `Eval::open`.
    pub(crate) fn scalar(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::None,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Int(number) => Self::Int(*number),
            Value::Float(number) => Self::Float(*number),
            Value::Str(text) => Self::text(text),
            _ => return None,
        })
    }

    /// Raises the error of a missing value.
    pub(crate) fn used(self) -> Res<Self> {
        match self {
            Self::Missing(error) => Err((*error).clone()),
            value => Ok(value),
        }
    }

    /// [`Self::used`] for a borrowed value.
    pub(crate) fn check(&self) -> Res<()> {
        match self {
            Self::Missing(error) => Err((**error).clone()),
            _ => Ok(()),
        }
    }

    /// Whether it is missing because a name had no value (and not because of another error).
    pub(crate) fn is_undefined(&self) -> bool {
        matches!(self, Self::Missing(error) if error.is_undefined())
    }

    pub(crate) fn is_omit(&self) -> bool {
        matches!(self, Self::Object(object) if matches!(&**object, Object::Omit))
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The integer that a number or boolean is in Python.
    pub(crate) fn as_int(&self) -> Option<i128> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Bool(flag) => Some(i128::from(*flag)),
            _ => None,
        }
    }

    /// The number as a float.
    pub(crate) fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(*number),
            other => other.as_int().map(|number| number as f64),
        }
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Int(_) | Self::Float(_) | Self::Bool(_))
    }

    /// Python's truth.
    pub(crate) fn truth(&self) -> Res<bool> {
        Ok(match self {
            Self::None => false,
            Self::Bool(flag) => *flag,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::List(list) => list.len() != 0,
            Self::Tuple(items) => !items.is_empty(),
            Self::Dict(dict) => dict.len() != 0,
            Self::Missing(error) => return Err((**error).clone()),
            Self::Object(object) => object.truth(),
        })
    }

    /// The name of its type, as Python's and Ansible's messages print it.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Dict(_) => "dict",
            Self::Missing(_) => "Undefined",
            Self::Object(object) => object.type_name(),
        }
    }
}

impl From<bool> for Val {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i128> for Val {
    fn from(number: i128) -> Self {
        Self::Int(number)
    }
}

impl From<usize> for Val {
    fn from(number: usize) -> Self {
        Self::Int(number as i128)
    }
}

impl From<f64> for Val {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<&str> for Val {
    fn from(chars: &str) -> Self {
        Self::str(chars)
    }
}

impl From<String> for Val {
    fn from(chars: String) -> Self {
        Self::str(chars)
    }
}

impl From<Vec<Self>> for Val {
    fn from(items: Vec<Self>) -> Self {
        Self::list(items)
    }
}

/// An error of an operator, method or function, in Python's words.
pub(crate) fn fail<T>(message: impl Into<String>) -> Res<T> {
    Err(TemplateError::new(ErrorKind::Operation(message.into())))
}
