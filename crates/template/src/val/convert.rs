//! From a running value to data: what leaves the engine.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use data::yaml::Shared;
use data::{Key, List, Map, Value};
use indexmap::IndexMap;

use crate::eval::Eval;
use crate::methods::date;
use crate::val::{Object, Res, Val, display, fail};

const DEPTH: usize = 200;

/// The whole value, all templates inside rendered: `omit` takes its item away, tuples become lists, a missing value raises its error.
pub(crate) fn finalize(ev: &Eval<'_>, value: &Val) -> Res<Value> {
    convert(ev, value, 0, &mut None)
}

/// As [`finalize`], and the lists and dictionaries of the variables that stand in it more than once, as the same object: YAML gives them an
/// anchor.
pub(crate) fn finalize_shared(ev: &Eval<'_>, value: &Val) -> Res<(Value, Shared)> {
    let mut memo = Some(Memo::default());
    let value = convert(ev, value, 0, &mut memo)?;
    Ok((value, memo.map(|memo| memo.shared).unwrap_or_default()))
}

/// The containers of the variables that were seen, by the place of the object; they are kept so that no other takes that place.
#[derive(Default)]
struct Memo {
    seen: HashMap<usize, (Val, Value)>,
    shared: Shared,
}

/// The place of a container that can stand more than once.
fn place(value: &Val) -> Option<usize> {
    match value {
        Val::List(list) if list.is_lazy() => Some(Rc::as_ptr(list).addr()),
        Val::Dict(dict) if dict.is_lazy() => Some(Rc::as_ptr(dict).addr()),
        _ => None,
    }
}

fn convert(ev: &Eval<'_>, value: &Val, depth: usize, memo: &mut Option<Memo>) -> Res<Value> {
    let place = memo.as_ref().and_then(|_| place(value));
    if let (Some(memo), Some(place)) = (memo.as_mut(), place)
        && let Some((_, known)) = memo.seen.get(&place)
    {
        memo.shared.add(known);
        return Ok(known.clone());
    }
    let converted = open(ev, value, depth, memo)?;
    if let (Some(memo), Some(place)) = (memo.as_mut(), place) {
        memo.seen.insert(place, (value.clone(), converted.clone()));
    }
    Ok(converted)
}

fn open(ev: &Eval<'_>, value: &Val, depth: usize, memo: &mut Option<Memo>) -> Res<Value> {
    if depth > DEPTH {
        return fail("maximum recursion depth exceeded in a value");
    }
    Ok(match value {
        Val::None => Value::Null,
        Val::Bool(flag) => Value::Bool(*flag),
        Val::Int(number) => Value::Int(*number),
        Val::Float(number) => Value::Float(*number),
        Val::Str(text) => Value::Str(text.clone()),
        Val::List(list) => {
            ev.spend(list.len(), 0)?;
            Value::List(List::new(members(ev, &list.items(ev)?, depth, memo)?))
        }
        Val::Tuple(items) => Value::List(List::new(members(ev, items, depth, memo)?)),
        Val::Dict(dict) => {
            ev.spend(dict.len(), 0)?;
            let mut entries = IndexMap::with_capacity(dict.len());
            for (key, value) in dict.entries(ev)? {
                if !value.is_omit() {
                    entries.insert(key, convert(ev, &value, depth + 1, memo)?);
                }
            }
            Value::Map(Map::from(entries))
        }
        Val::Missing(error) => Value::from(ev.stand_in(error)?),
        Val::Object(object) => match &**object {
            Object::Omit => crate::omit(),
            Object::Date(date) => Value::Str(date::date_text(*date)),
            Object::Moment(moment) => Value::Str(date::moment_text(moment)),
            Object::Module(..) => Value::str(display(ev, value)?),
            Object::Bytes(bytes) => Value::str(String::from_utf8_lossy(bytes)),
            Object::Group(key, items) => {
                let pair = [key.clone(), items.clone()];
                Value::List(List::new(members(ev, &pair, depth, memo)?))
            }
            Object::Vars(_) => match ev.mapping(value)? {
                Some(dict) => convert(ev, &Val::Dict(dict), depth, memo)?,
                None => Value::Null,
            },
            Object::HostVars => hostvars(ev)?,
            other => {
                return fail(format!("Type '{}' is unsupported for variable storage.", other.type_name()));
            }
        },
    })
}

fn members(ev: &Eval<'_>, items: &[Val], depth: usize, memo: &mut Option<Memo>) -> Res<Vec<Value>> {
    items.iter().filter(|item| !item.is_omit()).map(|item| convert(ev, item, depth + 1, memo)).collect()
}

fn hostvars(ev: &Eval<'_>) -> Res<Value> {
    let mut all = Map::new();
    for host in ev.host_names() {
        if let Some(vars) = ev.host_variables(&host)? {
            all.insert(Key::from(host), convert(ev, &vars, 1, &mut None)?);
        }
    }
    Ok(Value::Map(all))
}

impl From<Arc<str>> for Val {
    fn from(chars: Arc<str>) -> Self {
        Self::str(chars)
    }
}
