//! Filters over dictionaries.

use std::rc::Rc;

use data::Key;
use indexmap::IndexMap;

use crate::args::Bound;
use crate::eval::Eval;
use crate::filters::sequence::flatten;
use crate::methods::sort_by;
use crate::registry::Filter;
use crate::val::{Dict, Res, Val, compare, contains, equal, fail, key_of, key_value, repr};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("combine", &["*rest", "recursive?", "list_merge?", "**named"], combine),
    Filter::new("dict2items", &["key_name?", "value_name?"], dict2items),
    Filter::new("items2dict", &["key_name?", "value_name?"], items2dict),
    Filter::new("dictsort", &["case_sensitive?", "by?", "reverse?"], dictsort),
    Filter::new("items", &[], items),
    Filter::lenient("extract", &["container", "morekeys?"], extract),
    Filter::new("subelements", &["subelements", "skip_missing?"], subelements),
];

/// The dictionary that a filter needs.
pub(crate) fn need_dict(ev: &Eval<'_>, value: &Val, what: &str) -> Res<Rc<Dict>> {
    match ev.mapping(value)? {
        Some(dict) => Ok(dict),
        None => fail(format!("{what} requires a dictionary, got {} instead.", value.type_name())),
    }
}

/// How `combine` joins lists.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lists {
    Replace,
    Keep,
    Append,
    Prepend,
    AppendRp,
    PrependRp,
}

fn combine(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    if !args.named.is_empty() {
        return fail("'recursive' and 'list_merge' are the only valid keyword arguments");
    }
    let recursive = args.flag(0, false)?;
    let lists = match args.text(ev, 1, "replace")?.as_str() {
        "replace" => Lists::Replace,
        "keep" => Lists::Keep,
        "append" => Lists::Append,
        "prepend" => Lists::Prepend,
        "append_rp" => Lists::AppendRp,
        "prepend_rp" => Lists::PrependRp,
        _ => {
            return fail(
                "merge_hash: 'list_merge' argument can only be equal to 'replace', 'keep', 'append', 'prepend', 'append_rp' or 'prepend_rp'",
            );
        }
    };
    let mut terms = vec![value.clone()];
    terms.extend(args.rest.iter().cloned());
    let terms = flatten(ev, &terms, Some(1), true)?;
    // As Ansible: from the last, so that the order of keys is the same.
    let mut dicts = terms.iter().rev();
    let Some(last) = dicts.next() else { return Ok(Val::dict(IndexMap::new())) };
    let mut merged = last.clone();
    for dict in dicts {
        merged = merge(ev, dict, &merged, recursive, lists)?;
    }
    Ok(merged)
}

fn merge(ev: &Eval<'_>, low: &Val, high: &Val, recursive: bool, lists: Lists) -> Res<Val> {
    let (Some(low), Some(high)) = (ev.mapping(low)?, ev.mapping(high)?) else {
        let (a, b) = (low.type_name(), high.type_name());
        return fail(format!("failed to combine variables, expected dicts but got a '{a}' and a '{b}'"));
    };
    ev.spend(low.len() + high.len(), 0)?;
    // Ansible compares the two first, which renders all their values.
    for dict in [&low, &high] {
        dict.entries(ev)?.iter().try_for_each(|(_, value)| value.check())?;
    }
    if low.len() == 0 || equal(ev, &Val::Dict(Rc::clone(&low)), &Val::Dict(Rc::clone(&high)))? {
        return Ok(Val::Dict(high));
    }
    let merged = low.copy();
    if !recursive && lists == Lists::Replace {
        merged.update(&high);
        return Ok(Val::Dict(Rc::new(merged)));
    }
    for (key, theirs) in high.entries(ev)? {
        let value = match low.get(ev, &key)? {
            None => theirs,
            Some(ours) => {
                let dicts = ev.mapping(&ours)?.is_some() && ev.mapping(&theirs)?.is_some();
                if dicts && recursive {
                    ev.deeper(|| merge(ev, &ours, &theirs, recursive, lists))?
                } else if let (Val::List(_), Val::List(_)) = (&ours, &theirs) {
                    merge_lists(ev, ours, theirs, lists)?
                } else {
                    theirs
                }
            }
        };
        merged.set(key, value);
    }
    Ok(Val::Dict(Rc::new(merged)))
}

fn merge_lists(ev: &Eval<'_>, ours: Val, theirs: Val, lists: Lists) -> Res<Val> {
    let (a, b) = match lists {
        Lists::Replace => return Ok(theirs),
        Lists::Keep => return Ok(ours),
        Lists::Append => (ev.items(&ours)?, ev.items(&theirs)?),
        Lists::Prepend => (ev.items(&theirs)?, ev.items(&ours)?),
        Lists::AppendRp => (without(ev, &ours, &theirs)?, ev.items(&theirs)?),
        Lists::PrependRp => (ev.items(&theirs)?, without(ev, &ours, &theirs)?),
    };
    Ok(Val::list(a.into_iter().chain(b).collect()))
}

fn without(ev: &Eval<'_>, items: &Val, gone: &Val) -> Res<Vec<Val>> {
    let mut kept = Vec::new();
    for item in ev.items(items)? {
        if !contains(ev, gone, &item)? {
            kept.push(item);
        }
    }
    Ok(kept)
}

fn dict2items(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let dict = need_dict(ev, value, "dict2items")?;
    let (key_name, value_name) = (args.text(ev, 0, "key")?, args.text(ev, 1, "value")?);
    let mut found = Vec::with_capacity(dict.len());
    for (key, value) in dict.entries(ev)? {
        value.check()?;
        let mut entry = IndexMap::with_capacity(2);
        entry.insert(Key::from(key_name.as_str()), key_value(&key));
        entry.insert(Key::from(value_name.as_str()), value);
        found.push(Val::dict(entry));
    }
    Ok(Val::list(found))
}

fn items2dict(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    if !matches!(value, Val::List(_) | Val::Tuple(_)) {
        return fail(format!("items2dict requires a list, got {} instead.", value.type_name()));
    }
    let name = |index: usize, name: &str| args.get(index).cloned().unwrap_or_else(|| Val::from(name));
    let (key_name, value_name) = (name(0, "key"), name(1, "value"));
    let mut made = IndexMap::new();
    for item in ev.items(value)? {
        let by_number = key_name.as_int().is_some() && matches!(item, Val::List(_) | Val::Tuple(_));
        if ev.mapping(&item)?.is_none() && !by_number {
            return fail(format!(
                "items2dict requires a list of dictionaries, got {} instead.",
                repr(ev, value)?
            ));
        }
        let (key, found) = (ev.item(&item, &key_name)?, ev.item(&item, &value_name)?);
        if key.is_undefined() || found.is_undefined() {
            return fail(format!(
                "items2dict requires each dictionary in the list to contain the keys '{}' and '{}', got {} instead.",
                ev.text(&key_name)?,
                ev.text(&value_name)?,
                repr(ev, value)?
            ));
        }
        made.insert(key_of(ev, &key)?, found);
    }
    Ok(Val::dict(made))
}

fn dictsort(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let dict = need_dict(ev, value, "dictsort")?;
    let by_value = match args.text(ev, 1, "key")?.as_str() {
        "key" => false,
        "value" => true,
        _ => return fail("You can only sort by either \"key\" or \"value\""),
    };
    let ignore_case = !args.flag(0, false)?;
    let mut keyed = Vec::new();
    for (key, value) in dict.entries(ev)? {
        let key = key_value(&key);
        let order = match if by_value { value.clone() } else { key.clone() } {
            Val::Str(text) if ignore_case => Val::from(text.to_lowercase()),
            other => other,
        };
        keyed.push((order, Val::tuple(vec![key, value])));
    }
    sort_by(&mut keyed, args.flag(2, false)?, |(a, _), (b, _)| compare(ev, a, b, "<"))?;
    Ok(Val::list(keyed.into_iter().map(|(_, pair)| pair).collect()))
}

fn items(ev: &Eval<'_>, value: &Val, _: &Bound) -> Res<Val> {
    let Some(dict) = ev.mapping(value)? else { return fail("Can only get item pairs from a mapping.") };
    Ok(Val::list(
        dict.entries(ev)?.into_iter().map(|(key, value)| Val::tuple(vec![key_value(&key), value])).collect(),
    ))
}

fn extract(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    value.check()?;
    let mut keys = vec![value.clone()];
    match args.given(1) {
        None => {}
        Some(more @ Val::List(_)) => keys.extend(ev.items(more)?),
        Some(more) => keys.push(more.clone()),
    }
    let mut found = args.val(0);
    for key in keys {
        found = ev.item(&found, &key)?;
    }
    Ok(found)
}

fn subelements(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let elements = match (ev.mapping(value)?, value) {
        (Some(dict), _) => dict.entries(ev)?.into_iter().map(|(_, value)| value).collect(),
        (None, Val::List(_)) => ev.items(value)?,
        _ => return fail("obj must be a list of dicts or a nested dict"),
    };
    let path: Vec<Val> = match args.val(0) {
        Val::Str(text) => text.split('.').map(Val::from).collect(),
        list @ Val::List(_) => ev.items(&list)?,
        _ => return fail("subelements must be a list or a string"),
    };
    let skip_missing = args.flag(1, false)?;
    let mut found = Vec::new();
    for element in elements {
        let mut values = element.clone();
        for key in &path {
            let Some(dict) = ev.mapping(&values)? else {
                let (key, got) = (ev.text(key)?, ev.text(&values)?);
                return fail(format!("the key {key} should point to a dictionary, got '{got}'"));
            };
            match dict.get(ev, &key_of(ev, key)?)? {
                Some(value) => values = value.used()?,
                None if skip_missing => {
                    values = Val::list(Vec::new());
                    break;
                }
                None => {
                    let (key, got) = (repr(ev, key)?, repr(ev, &values)?);
                    return fail(format!("could not find {key} key in iterated item {got}"));
                }
            }
        }
        let Val::List(_) = values else {
            let key = path.last().map_or(Ok(String::new()), |key| repr(ev, key))?;
            return fail(format!("the key {key} should point to a list, got {}", repr(ev, &values)?));
        };
        for value in ev.items(&values)? {
            found.push(Val::tuple(vec![element.clone(), value]));
        }
    }
    Ok(Val::list(found))
}
