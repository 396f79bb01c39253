//! Attributes, items and slices.

use std::rc::Rc;

use data::Key;

use crate::error::{ErrorKind, TemplateError};
use crate::eval::Eval;
use crate::ir::Name;
use crate::methods;
use crate::val::{Object, Res, Val, fail, key_of};

impl Eval<'_> {
    /// `object.name`: Python's attribute first, then the item of that name.
    pub(crate) fn attribute(&self, object: &Val, name: &Name) -> Res<Val> {
        match object {
            Val::Missing(_) => return Ok(object.clone()),
            Val::Dict(dict) => {
                if !methods::exists(object, name)
                    && let Some(value) = dict.get_str(self, name)?
                {
                    return Ok(value);
                }
            }
            Val::Object(inner) => {
                if let Some(value) = self.object_attribute(inner, name)? {
                    return Ok(value);
                }
            }
            _ => {}
        }
        if methods::exists(object, name) {
            return Ok(Val::object(Object::Method(object.clone(), name.clone())));
        }
        if let Some(value) = methods::field(object, name) {
            return Ok(value);
        }
        Ok(no_attribute(object, &format!("'{name}'")))
    }

    fn object_attribute(&self, object: &Rc<Object>, name: &Name) -> Res<Option<Val>> {
        Ok(match &**object {
            Object::Namespace(namespace) => namespace.values.borrow().get(&**name).cloned(),
            Object::Loop(state) => self.loop_attribute(state, name),
            Object::Module(frame, _) => match frame.own(name) {
                Some(value) => Some(value),
                None => Some(Val::undefined(format!("the template has no attribute '{name}'"))),
            },
            Object::Vars(scope) => {
                if methods::is_dict_method(name) {
                    return Ok(None);
                }
                self.variable(*scope, name)?
            }
            Object::HostVars if !methods::is_dict_method(name) => self.host_variables(name)?,
            Object::Template(frame) => {
                let known = frame.unit.blocks.borrow().contains_key(name);
                known.then(|| Val::object(Object::Block(Rc::clone(frame), name.clone(), 0)))
            }
            Object::Block(frame, block, depth) if &**name == "super" => {
                Some(Val::object(Object::Block(Rc::clone(frame), block.clone(), depth + 1)))
            }
            Object::Macro(code) => match &**name {
                "name" => Some(Val::str(&*code.code.name)),
                "arguments" => {
                    Some(Val::tuple(code.code.params.iter().map(|param| Val::str(&**param)).collect()))
                }
                "catch_kwargs" => Some(Val::Bool(code.code.takes_kwargs)),
                "catch_varargs" => Some(Val::Bool(code.code.takes_varargs)),
                "caller" => Some(Val::Bool(code.code.takes_caller)),
                _ => None,
            },
            Object::Group(key, items) => match &**name {
                "grouper" => Some(key.clone()),
                "list" => Some(items.clone()),
                _ => None,
            },
            Object::Cycler(items, at) if &**name == "current" => items.get(at.get()).cloned(),
            _ => None,
        })
    }

    /// `object[key]`: the item first, then the attribute of that name.
    pub(crate) fn item(&self, object: &Val, key: &Val) -> Res<Val> {
        if let Val::Missing(_) = object {
            return Ok(object.clone());
        }
        key.check()?;
        let found = match object {
            Val::Dict(dict) => dict.get(self, &key_of(self, key)?)?,
            Val::List(list) => match key.as_int().and_then(|index| at_index(index, list.len())) {
                Some(index) => list.get(self, index)?,
                None => None,
            },
            Val::Tuple(items) => {
                key.as_int().and_then(|index| at_index(index, items.len())).map(|index| items[index].clone())
            }
            Val::Str(text) => match key.as_int() {
                Some(index) => character(text, index).map(Val::from),
                None => None,
            },
            Val::Object(inner) => self.object_item(inner, key)?,
            _ => None,
        };
        if let Some(value) = found {
            return Ok(value);
        }
        match key {
            Val::Str(name) => {
                let name: Name = name.shared();
                if methods::exists(object, &name) || matches!(object, Val::Object(_)) {
                    return self.attribute(object, &name);
                }
                if let Some(value) = methods::field(object, &name) {
                    return Ok(value);
                }
                Ok(no_attribute(object, &format!("'{name}'")))
            }
            other => Ok(no_attribute(object, &crate::val::repr(self, other)?)),
        }
    }

    fn object_item(&self, object: &Object, key: &Val) -> Res<Option<Val>> {
        Ok(match object {
            Object::HostVars => match key.as_str() {
                Some(name) => self.host_variables(name)?,
                None => None,
            },
            Object::Vars(scope) => match key.as_str() {
                Some(name) => self.variable(*scope, name)?,
                None => None,
            },
            Object::Namespace(namespace) => match key {
                Val::Str(name) => namespace.values.borrow().get(&Key::Str(name.clone())).cloned(),
                _ => None,
            },
            Object::Range(start, stop, step) => {
                let count = crate::val::range_len(*start, *stop, *step);
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                key.as_int()
                    .and_then(|index| at_index(index, count))
                    .map(|at| Val::Int(start + at as i128 * step))
            }
            Object::Group(group, items) => match key.as_int().and_then(|index| at_index(index, 2)) {
                Some(0) => Some(group.clone()),
                Some(_) => Some(items.clone()),
                None => None,
            },
            Object::Bytes(bytes) => key
                .as_int()
                .and_then(|index| at_index(index, bytes.len()))
                .map(|index| Val::Int(bytes[index].into())),
            _ => None,
        })
    }

    /// `object[start:stop:step]`
    pub(crate) fn slice(&self, object: &Val, bounds: &[Option<Val>; 3]) -> Res<Val> {
        let mut at = [None, None, None];
        for (bound, slot) in bounds.iter().zip(&mut at) {
            *slot = match bound {
                None | Some(Val::None) => None,
                Some(value) => match value.as_int() {
                    Some(number) => Some(number),
                    None => {
                        value.check()?;
                        return fail("slice indices must be integers or None or have an __index__ method");
                    }
                },
            };
        }
        match object {
            Val::Missing(_) => Ok(object.clone()),
            Val::Str(text) => {
                let chars: Vec<char> = text.chars().collect();
                let picked: String =
                    indices(chars.len(), at)?.into_iter().map(|index| chars[index]).collect();
                Ok(Val::from(picked))
            }
            Val::List(list) => {
                let mut items = Vec::new();
                for index in indices(list.len(), at)? {
                    items.extend(list.get(self, index)?);
                }
                Ok(Val::list(items))
            }
            Val::Tuple(items) => Ok(Val::tuple(
                indices(items.len(), at)?.into_iter().map(|index| items[index].clone()).collect(),
            )),
            Val::Object(object) if matches!(&**object, Object::Range(..)) => {
                let items = self.items(&Val::Object(Rc::clone(object)))?;
                Ok(Val::list(
                    indices(items.len(), at)?.into_iter().map(|index| items[index].clone()).collect(),
                ))
            }
            Val::Dict(_) => fail("unhashable type: 'slice'"),
            other => fail(format!("'{}' object is not subscriptable", other.type_name())),
        }
    }
}

/// The undefined that Ansible makes for a member that is not there.
fn no_attribute(object: &Val, name: &str) -> Val {
    let hint = format!("object of type '{}' has no attribute {name}", object.type_name());
    Val::Missing(Rc::new(TemplateError::new(ErrorKind::Undefined(hint))))
}

/// A Python index, from the end when negative.
pub(crate) fn at_index(index: i128, len: usize) -> Option<usize> {
    let index = if index < 0 { index + len as i128 } else { index };
    usize::try_from(index).ok().filter(|index| *index < len)
}

fn character(text: &str, index: i128) -> Option<String> {
    if index >= 0 {
        return text.chars().nth(usize::try_from(index).ok()?).map(String::from);
    }
    text.chars().rev().nth(usize::try_from(-index - 1).ok()?).map(String::from)
}

/// The positions that a Python slice picks.
fn indices(len: usize, [start, stop, step]: [Option<i128>; 3]) -> Res<Vec<usize>> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return fail("slice step cannot be zero");
    }
    let len = len as i128;
    let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let clamp = |bound: Option<i128>, default: i128| match bound {
        None => default,
        Some(bound) if bound < 0 => (bound + len).clamp(low, high),
        Some(bound) => bound.clamp(low, high),
    };
    let (start, stop) = if step > 0 {
        (clamp(start, low), clamp(stop, high))
    } else {
        (clamp(start, high), clamp(stop, low))
    };
    let mut found = Vec::new();
    let mut at = start;
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        found.push(at as usize);
        at += step;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::indices;

    #[test]
    fn slices_pick_what_python_picks() {
        for (bounds, picked) in [
            ([None, None, None], vec![0, 1, 2, 3, 4]),
            ([Some(1), Some(-1), None], vec![1, 2, 3]),
            ([None, None, Some(-1)], vec![4, 3, 2, 1, 0]),
            ([Some(-2), None, None], vec![3, 4]),
            ([Some(9), None, None], vec![]),
            ([None, Some(-9), Some(-2)], vec![4, 2, 0]),
        ] {
            assert_eq!(indices(5, bounds).unwrap(), picked, "{bounds:?}");
        }
        assert!(indices(5, [None, None, Some(0)]).is_err());
    }
}
