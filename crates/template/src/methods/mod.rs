//! The methods and fields of Python's types that templates use.

pub(crate) mod date;
mod dict;
mod format;
mod list;
mod number;
mod text;
mod time;

use crate::args::Args;
use crate::eval::Eval;
use crate::ir::Name;
use crate::val::{Object, Res, Val, fail};

pub(crate) use dict::pairs;
pub(crate) use format::format_text;
pub(crate) use list::sort_by;
pub(crate) use text::lines;
pub(crate) use time::{c_locale, parse_moment, strftime};

/// Whether dictionaries have this method.
pub(crate) fn is_dict_method(name: &str) -> bool {
    dict::METHODS.contains(&name)
}

/// Whether the value has a method of this name.
pub(crate) fn exists(value: &Val, name: &str) -> bool {
    match value {
        Val::Str(_) => text::METHODS.contains(&name),
        Val::List(_) => list::METHODS.contains(&name),
        Val::Tuple(_) => matches!(name, "count" | "index"),
        Val::Dict(_) => is_dict_method(name),
        Val::Int(_) | Val::Bool(_) => number::INT_METHODS.contains(&name),
        Val::Float(_) => number::FLOAT_METHODS.contains(&name),
        Val::None | Val::Missing(_) => false,
        Val::Object(object) => match &**object {
            Object::Vars(_) | Object::HostVars => is_dict_method(name),
            Object::Date(_) => date::METHODS.contains(&name),
            Object::Moment(_) => date::METHODS.contains(&name) || time::MOMENT_METHODS.contains(&name),
            Object::Delta(_) => name == "total_seconds",
            Object::Cycler(..) => matches!(name, "next" | "reset"),
            Object::Loop(_) => matches!(name, "cycle" | "changed"),
            Object::Bytes(_) => matches!(name, "decode" | "hex"),
            Object::Range(..) => matches!(name, "count" | "index"),
            _ => false,
        },
    }
}

/// A field that is not a method.
pub(crate) fn field(value: &Val, name: &str) -> Option<Val> {
    match value {
        Val::Object(object) => match &**object {
            Object::Date(date) => date::field(*date, name),
            Object::Moment(moment) => moment.field(name),
            Object::Delta(delta) => delta.field(name),
            Object::Range(start, stop, step) => match name {
                "start" => Some(Val::Int(*start)),
                "stop" => Some(Val::Int(*stop)),
                "step" => Some(Val::Int(*step)),
                _ => None,
            },
            _ => None,
        },
        Val::Int(_) | Val::Bool(_) | Val::Float(_) => number::field(value, name),
        _ => None,
    }
}

/// Calls a method.
pub(crate) fn call(ev: &Eval<'_>, value: &Val, name: &Name, args: Args) -> Res<Val> {
    match value {
        Val::Str(chars) => {
            let result = text::call(ev, chars, name, args)?;
            if let Val::Str(text) = &result {
                ev.spend(0, text.len())?;
            }
            Ok(result)
        }
        Val::List(items) => list::call(ev, items, name, args),
        Val::Tuple(items) => list::call_tuple(ev, items, name, args),
        Val::Dict(entries) => dict::call(ev, entries, name, args),
        Val::Int(_) | Val::Bool(_) | Val::Float(_) => number::call(value, name, args),
        Val::None => fail(format!("'NoneType' object has no attribute '{name}'")),
        Val::Missing(error) => Err((**error).clone()),
        Val::Object(object) => match &**object {
            Object::Vars(_) | Object::HostVars => match ev.mapping(value)? {
                Some(entries) => dict::call(ev, &entries, name, args),
                None => Ok(Val::None),
            },
            Object::Date(date) => date::call(*date, name, args),
            Object::Moment(moment) => time::call(moment, name, args),
            Object::Delta(delta) => Ok(Val::Float(delta.microseconds as f64 / 1e6)),
            Object::Cycler(items, at) => {
                let now = at.get();
                if &**name == "reset" {
                    at.set(0);
                    return Ok(Val::None);
                }
                at.set((now + 1) % items.len().max(1));
                Ok(items.get(now).cloned().unwrap_or(Val::None))
            }
            Object::Loop(state) if &**name == "cycle" => match args.pos.len() {
                0 => fail("no items for cycling given"),
                count => Ok(args.pos[state.index0.get() % count].clone()),
            },
            Object::Loop(state) => {
                let mut before = state.changed.borrow_mut();
                let same = match &*before {
                    Some(before) => {
                        crate::val::equal(ev, &Val::tuple(before.clone()), &Val::tuple(args.pos.clone()))?
                    }
                    None => false,
                };
                if !same {
                    *before = Some(args.pos);
                }
                Ok(Val::Bool(!same))
            }
            Object::Range(start, _, step) => {
                let [item] = args.exactly(name)?;
                let number = match item {
                    Val::Float(number) if number.fract() == 0.0 => Val::Int(number as i128),
                    other => other,
                };
                match (crate::val::contains(ev, value, &number)?, &**name) {
                    (found, "count") => Ok(Val::Int(i128::from(found))),
                    (true, _) => Ok(Val::Int((number.as_int().unwrap_or(*start) - start) / step)),
                    (false, _) => fail(format!("{} is not in range", crate::val::repr(ev, &number)?)),
                }
            }
            Object::Bytes(bytes) if &**name == "hex" => {
                Ok(Val::from(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
            }
            Object::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok(chars) => Ok(Val::from(chars)),
                Err(_) => fail("the bytes are not UTF-8"),
            },
            other => fail(format!("'{}' object has no attribute '{name}'", other.type_name())),
        },
    }
}
