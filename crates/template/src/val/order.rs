//! Equality, ordering and membership as Python defines them.

use std::cmp::Ordering;
use std::rc::Rc;

use data::Key;

use crate::eval::Eval;
use crate::methods::date;
use crate::val::{Object, Res, Val, fail};

/// Python's `==`. Values of containers are opened; a missing one raises its error.
pub(crate) fn equal(ev: &Eval<'_>, a: &Val, b: &Val) -> Res<bool> {
    a.check()?;
    b.check()?;
    Ok(match (a, b) {
        (Val::None, Val::None) => true,
        (Val::Str(a), Val::Str(b)) => a == b,
        (Val::List(a), Val::List(b)) => {
            if Rc::ptr_eq(a, b) {
                return Ok(true);
            }
            a.len() == b.len() && all_equal(ev, &a.items(ev)?, &b.items(ev)?)?
        }
        (Val::Tuple(a), Val::Tuple(b)) => a.len() == b.len() && all_equal(ev, a, b)?,
        (Val::Dict(a), Val::Dict(b)) => {
            if Rc::ptr_eq(a, b) {
                return Ok(true);
            }
            if a.len() != b.len() {
                return Ok(false);
            }
            for (key, value) in a.entries(ev)? {
                match b.get(ev, &key)? {
                    Some(other) if equal(ev, &value, &other)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (Val::Object(a), Val::Object(b)) => match (&**a, &**b) {
            (Object::Date(a), Object::Date(b)) => a == b,
            (Object::Moment(a), Object::Moment(b)) => a.since(b).is_some_and(|span| span.microseconds == 0),
            (Object::Delta(a), Object::Delta(b)) => a == b,
            (Object::Range(a1, a2, a3), Object::Range(b1, b2, b3)) => (a1, a2, a3) == (b1, b2, b3),
            (Object::Bytes(a), Object::Bytes(b)) => a == b,
            (Object::Omit, Object::Omit) => true,
            _ => Rc::ptr_eq(a, b),
        },
        _ => numbers(a, b) == Some(Ordering::Equal),
    })
}

fn all_equal(ev: &Eval<'_>, a: &[Val], b: &[Val]) -> Res<bool> {
    for (a, b) in a.iter().zip(b) {
        if !equal(ev, a, b)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The order of two numbers; `None` when one is no number or not a number.
fn numbers(a: &Val, b: &Val) -> Option<Ordering> {
    match (a.as_int(), b.as_int()) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_float()?.partial_cmp(&b.as_float()?),
    }
}

/// Python's `<` family; `symbol` is for the error. `None`: not comparable numbers (NaN), so every comparison is false.
pub(crate) fn compare(ev: &Eval<'_>, a: &Val, b: &Val, symbol: &str) -> Res<Option<Ordering>> {
    a.check()?;
    b.check()?;
    match (a, b) {
        (Val::Str(a), Val::Str(b)) => Ok(Some(a.as_str().cmp(b.as_str()))),
        (Val::List(a), Val::List(b)) => sequences(ev, &a.items(ev)?, &b.items(ev)?, symbol),
        (Val::Tuple(a), Val::Tuple(b)) => sequences(ev, a, b, symbol),
        (a, b) if a.is_number() && b.is_number() => Ok(numbers(a, b)),
        (Val::Object(one), Val::Object(two)) => match (&**one, &**two) {
            (Object::Date(one), Object::Date(two)) => Ok(Some(one.cmp(two))),
            (Object::Moment(one), Object::Moment(two)) => date::order(one, two).map(Some),
            (Object::Delta(one), Object::Delta(two)) => Ok(one.partial_cmp(two)),
            _ => refuse(a, b, symbol),
        },
        _ => refuse(a, b, symbol),
    }
}

fn refuse<T>(a: &Val, b: &Val, symbol: &str) -> Res<T> {
    let (a, b) = (a.type_name(), b.type_name());
    fail(format!("'{symbol}' not supported between instances of '{a}' and '{b}'"))
}

fn sequences(ev: &Eval<'_>, a: &[Val], b: &[Val], symbol: &str) -> Res<Option<Ordering>> {
    for (a, b) in a.iter().zip(b) {
        if !equal(ev, a, b)? {
            return compare(ev, a, b, symbol);
        }
    }
    Ok(Some(a.len().cmp(&b.len())))
}

/// Python's `needle in haystack`.
pub(crate) fn contains(ev: &Eval<'_>, haystack: &Val, needle: &Val) -> Res<bool> {
    haystack.check()?;
    needle.check()?;
    match haystack {
        Val::Str(text) => match needle {
            Val::Str(part) => Ok(text.contains(part.as_str())),
            other => {
                fail(format!("'in <string>' requires string as left operand, not {}", other.type_name()))
            }
        },
        Val::Dict(dict) => Ok(dict.contains(&key_of(ev, needle)?)),
        Val::List(list) => any_equal(ev, &list.items(ev)?, needle),
        Val::Tuple(items) => any_equal(ev, items, needle),
        Val::Object(object) => match &**object {
            Object::HostVars => Ok(needle.as_str().is_some_and(|name| ev.knows_host(name))),
            Object::Vars(_) => match ev.mapping(haystack)? {
                Some(dict) => Ok(dict.contains(&key_of(ev, needle)?)),
                None => Ok(false),
            },
            Object::Namespace(_) => fail("argument of type 'Namespace' is not iterable"),
            Object::Range(start, stop, step) => Ok(needle.as_int().is_some_and(|number| {
                let inside = if *step > 0 {
                    (*start..*stop).contains(&number)
                } else {
                    number <= *start && number > *stop
                };
                inside && (number - start) % step == 0
            })),
            other => fail(format!("argument of type '{}' is not iterable", other.type_name())),
        },
        other => fail(format!("argument of type '{}' is not iterable", other.type_name())),
    }
}

fn any_equal(ev: &Eval<'_>, items: &[Val], needle: &Val) -> Res<bool> {
    for item in items {
        if equal(ev, item, needle)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The value as a dictionary key.
pub(crate) fn key_of(ev: &Eval<'_>, value: &Val) -> Res<Key> {
    Ok(match value {
        Val::None => Key::Null,
        Val::Bool(flag) => Key::Bool(*flag),
        Val::Int(number) => Key::Int(*number),
        Val::Float(number) => Key::Float(*number),
        Val::Str(text) => Key::Str(text.clone()),
        Val::Tuple(items) => Key::Tuple(items.iter().map(|item| key_of(ev, item)).collect::<Res<_>>()?),
        Val::Missing(error) => return Err((**error).clone()),
        Val::Object(object) => match &**object {
            Object::Date(date) => Key::Str(date::date_text(*date)),
            Object::Moment(moment) => Key::Str(date::moment_text(moment)),
            Object::Delta(_) => Key::from(crate::val::display(ev, value)?),
            other => return fail(format!("unhashable type: '{}'", other.type_name())),
        },
        other => return fail(format!("unhashable type: '{}'", other.type_name())),
    })
}

/// A key as a value.
pub(crate) fn key_value(key: &Key) -> Val {
    match key {
        Key::Null => Val::None,
        Key::Bool(flag) => Val::Bool(*flag),
        Key::Int(number) => Val::Int(*number),
        Key::Float(number) => Val::Float(*number),
        Key::Str(text) => Val::text(text),
        Key::Tuple(items) => Val::tuple(items.iter().map(key_value).collect()),
    }
}
