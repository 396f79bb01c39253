//! Methods of dictionaries.

use std::rc::Rc;

use data::Key;
use indexmap::IndexMap;

use crate::args::Args;
use crate::eval::Eval;
use crate::val::{Dict, Res, Val, fail, key_of, key_value, repr};

pub(crate) const METHODS: &[&str] = &[
    "clear",
    "copy",
    "fromkeys",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
];

pub(crate) fn call(ev: &Eval<'_>, dict: &Rc<Dict>, name: &str, args: Args) -> Res<Val> {
    match name {
        "get" => {
            let bound = args.bind(name, &["key", "default?"])?;
            let found = dict.get(ev, &key_of(ev, &bound.val(0))?)?;
            Ok(found.unwrap_or_else(|| bound.val(1)))
        }
        "items" => {
            args.exactly::<0>(name)?;
            let items = dict.rendered(ev)?;
            Ok(Val::list(
                items.into_iter().map(|(key, value)| Val::tuple(vec![key_value(&key), value])).collect(),
            ))
        }
        "keys" => {
            args.exactly::<0>(name)?;
            Ok(Val::list(dict.keys().iter().map(key_value).collect()))
        }
        "values" => {
            args.exactly::<0>(name)?;
            Ok(Val::list(dict.rendered(ev)?.into_iter().map(|(_, value)| value).collect()))
        }
        "copy" => Ok(Val::Dict(Rc::new(dict.copy()))),
        "clear" => {
            dict.clear();
            Ok(Val::None)
        }
        "update" => {
            update(ev, dict, args)?;
            Ok(Val::None)
        }
        "setdefault" => {
            let bound = args.bind(name, &["key", "default?"])?;
            let key = key_of(ev, &bound.val(0))?;
            if let Some(value) = dict.get(ev, &key)? {
                return Ok(value);
            }
            ev.spend(1, 0)?;
            dict.set(key, bound.val(1));
            Ok(bound.val(1))
        }
        "pop" => {
            let bound = args.bind(name, &["key", "default?"])?;
            let key = key_of(ev, &bound.val(0))?;
            match (dict.get(ev, &key)?, bound.get(1)) {
                (Some(value), _) => {
                    dict.remove(&key);
                    Ok(value)
                }
                (None, Some(default)) => Ok(default.clone()),
                (None, None) => fail(repr(ev, &bound.val(0))?),
            }
        }
        "popitem" => {
            let Some(key) = dict.keys().pop() else { return fail("popitem(): dictionary is empty") };
            let value = dict.get(ev, &key)?.unwrap_or(Val::None);
            dict.remove(&key);
            Ok(Val::tuple(vec![key_value(&key), value]))
        }
        "fromkeys" => {
            let bound = args.bind(name, &["iterable", "value?"])?;
            let mut made = IndexMap::new();
            for item in ev.items(&bound.val(0))? {
                made.insert(key_of(ev, &item)?, bound.val(1));
            }
            Ok(Val::dict(made))
        }
        other => fail(format!("'dict' object has no attribute '{other}'")),
    }
}

fn update(ev: &Eval<'_>, dict: &Rc<Dict>, args: Args) -> Res<()> {
    let bound = args.bind("update", &["other?", "**named"])?;
    if let Some(other) = bound.get(0) {
        if let Some(other) = ev.mapping(other)? {
            ev.spend(other.len(), 0)?;
            other.entries(ev)?.iter().try_for_each(|(_, value)| value.check())?;
            if !Rc::ptr_eq(dict, &other) {
                dict.update(&other);
            }
        } else {
            for (key, value) in pairs(ev, other)? {
                dict.set(key, value);
            }
        }
    }
    for (name, value) in bound.named {
        dict.set(Key::from(&*name), value);
    }
    Ok(())
}

/// The pairs of a sequence of pairs, as `dict()` takes them.
pub(crate) fn pairs(ev: &Eval<'_>, value: &Val) -> Res<Vec<(Key, Val)>> {
    let mut found = Vec::new();
    for (at, pair) in ev.items(value)?.iter().enumerate() {
        let Ok(items) = ev.items_loose(pair) else {
            return fail(format!("cannot convert dictionary update sequence element #{at} to a sequence"));
        };
        let [key, value] = &items[..] else {
            return fail(format!(
                "dictionary update sequence element #{at} has length {}; 2 is required",
                items.len()
            ));
        };
        found.push((key_of(ev, key)?, value.clone()));
    }
    Ok(found)
}
