//! Going over a value as Python's `iter()` does.

use crate::eval::Eval;
use crate::val::{Object, Res, Val, fail, key_value, range_len};

impl Eval<'_> {
    /// The items of a value; a missing item raises its error, as filters and functions need it.
    pub(crate) fn items(&self, value: &Val) -> Res<Vec<Val>> {
        let items = self.items_loose(value)?;
        for item in &items {
            item.check()?;
        }
        Ok(items)
    }

    /// The items of a value; missing ones are among them.
    pub(crate) fn items_loose(&self, value: &Val) -> Res<Vec<Val>> {
        match value {
            Val::List(list) => {
                self.spend(list.len() / 16, 0)?;
                list.items(self)
            }
            Val::Tuple(items) => Ok(items.to_vec()),
            Val::Str(text) => {
                self.spend(text.len() / 16, 0)?;
                let mut buffer = [0; 4];
                Ok(text.chars().map(|c| Val::from(&*c.encode_utf8(&mut buffer))).collect())
            }
            Val::Dict(dict) => Ok(dict.keys().iter().map(key_value).collect()),
            Val::Missing(error) => Err((**error).clone()),
            Val::Object(object) => match &**object {
                Object::Range(start, stop, step) => {
                    let count = range_len(*start, *stop, *step);
                    self.spend(usize::try_from(count).unwrap_or(usize::MAX), 0)?;
                    Ok((0..count).map(|at| Val::Int(start + at * step)).collect())
                }
                Object::Loop(state) => Ok(state.items.to_vec()),
                Object::Group(key, items) => Ok(vec![key.clone(), items.clone()]),
                Object::Bytes(bytes) => Ok(bytes.iter().map(|byte| Val::Int((*byte).into())).collect()),
                Object::Vars(_) | Object::HostVars => match self.mapping(value)? {
                    Some(dict) => Ok(dict.keys().iter().map(key_value).collect()),
                    None => Ok(Vec::new()),
                },
                other => fail(format!("'{}' object is not iterable", other.type_name())),
            },
            other => fail(format!("'{}' object is not iterable", other.type_name())),
        }
    }

    /// Python's `len()`.
    pub(crate) fn length(&self, value: &Val) -> Res<usize> {
        match value {
            Val::Str(text) => Ok(text.chars().count()),
            Val::List(list) => Ok(list.len()),
            Val::Tuple(items) => Ok(items.len()),
            Val::Dict(dict) => Ok(dict.len()),
            Val::Missing(error) => Err((**error).clone()),
            Val::Object(object) => match &**object {
                Object::Range(start, stop, step) => {
                    Ok(usize::try_from(range_len(*start, *stop, *step)).unwrap_or(usize::MAX))
                }
                Object::Loop(state) => Ok(state.items.len()),
                Object::Group(..) => Ok(2),
                Object::Bytes(bytes) => Ok(bytes.len()),
                Object::Vars(_) | Object::HostVars => Ok(self.mapping(value)?.map_or(0, |dict| dict.len())),
                other => fail(format!("object of type '{}' has no len()", other.type_name())),
            },
            other => fail(format!("object of type '{}' has no len()", other.type_name())),
        }
    }
}
