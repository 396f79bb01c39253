//! Lookups that give lists another shape: what `with_items` and its kin loop over.

use data::Key;
use indexmap::IndexMap;

use crate::eval::Eval;
use crate::lookups::{Lookup, Request};
use crate::val::{Res, Val, fail, key_of, key_value};

pub(crate) const LOOKUPS: &[Lookup] = &[
    Lookup::new("items", |request| flat(request.ev, &request.terms)),
    Lookup::new("list", |request| Ok(std::mem::take(&mut request.terms))),
    Lookup::new("flattened", |request| crate::filters::flatten(request.ev, &request.terms, None, true)),
    Lookup::new("indexed_items", indexed_items),
    Lookup::new("dict", dict),
    Lookup::new("nested", nested),
    Lookup::new("cartesian", cartesian),
    Lookup::new("together", together),
    Lookup::new("subelements", subelements),
    Lookup::new("random_choice", random_choice),
];

/// Lists among the items are opened, one level deep.
fn flat(ev: &Eval<'_>, items: &[Val]) -> Res<Vec<Val>> {
    let mut found = Vec::new();
    for item in items {
        match item {
            Val::List(_) | Val::Tuple(_) => found.extend(ev.items_loose(item)?),
            other => found.push(other.clone()),
        }
    }
    Ok(found)
}

fn indexed_items(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let items = flat(request.ev, &request.terms)?;
    Ok(items.into_iter().enumerate().map(|(at, item)| Val::tuple(vec![Val::from(at), item])).collect())
}

fn dict(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let ev = request.ev;
    let mut found = Vec::new();
    for term in &request.terms {
        let Some(entries) = ev.mapping(term)? else {
            let (shown, class) = (ev.text(term)?, crate::filters::class(term));
            return fail(format!(
                "the 'dict' lookup plugin expects a dictionary, got '{shown}' of type {class})"
            ));
        };
        for (key, value) in entries.entries(ev)? {
            let mut entry = IndexMap::new();
            entry.insert(Key::from("key"), key_value(&key));
            entry.insert(Key::from("value"), value);
            found.push(Val::dict(entry));
        }
    }
    Ok(found)
}

/// Every way to take one item of each list.
fn combinations(ev: &Eval<'_>, lists: &[Vec<Val>]) -> Res<Vec<Val>> {
    let mut rows: Vec<Vec<Val>> = vec![Vec::new()];
    for list in lists {
        ev.spend(rows.len().saturating_mul(list.len()), 0)?;
        rows = rows
            .iter()
            .flat_map(|row| list.iter().map(|item| row.iter().cloned().chain([item.clone()]).collect()))
            .collect();
    }
    rows.into_iter().map(|row| Ok(Val::list(flat(ev, &row)?))).collect()
}

fn lists(request: &Request<'_, '_>) -> Res<Vec<Vec<Val>>> {
    request.terms.iter().map(|term| request.ev.items(term)).collect()
}

fn nested(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    if request.terms.is_empty() {
        return fail("with_nested requires at least one element in the nested list");
    }
    combinations(request.ev, &lists(request)?)
}

fn cartesian(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    if request.terms.is_empty() {
        return fail("with_cartesian requires at least one element in each list");
    }
    combinations(request.ev, &lists(request)?)
}

fn together(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let lists = lists(request)?;
    if lists.is_empty() {
        return fail("with_together requires at least one element in each list");
    }
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest)
        .map(|at| {
            let row: Vec<Val> = lists.iter().map(|list| list.get(at).cloned().unwrap_or(Val::None)).collect();
            Ok(Val::list(flat(request.ev, &row)?))
        })
        .collect()
}

fn subelements(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let ev = request.ev;
    let wrong = || {
        fail(
            "subelements lookup expects a list of two or three items, first a dict or a list, second a string pointing to the subkey",
        )
    };
    let ([elements, path] | [elements, path, _]) = &request.terms[..] else { return wrong() };
    let Val::Str(path) = path else { return wrong() };
    if ev.mapping(elements)?.is_none() && !matches!(elements, Val::List(_) | Val::Tuple(_)) {
        return wrong();
    }
    let skip_missing = match request.terms.get(2) {
        None => false,
        Some(options) => match ev.mapping(options)? {
            Some(options) => match options.get_str(ev, "skip_missing")? {
                Some(Val::Str(word)) => crate::filters::bool_word(&word).unwrap_or(false),
                Some(flag) => flag.truth()?,
                None => false,
            },
            None => {
                return fail(
                    "subelements lookup expects a list of two or three items, the optional third item must be a dict with flags ('skip_missing',)",
                );
            }
        },
    };
    let elements = match ev.mapping(elements)? {
        // A registered result that was skipped as a whole.
        Some(dict) if matches!(dict.get_str(ev, "skipped")?, Some(flag) if flag.truth()?) => Vec::new(),
        Some(dict) => dict.entries(ev)?.into_iter().map(|(_, value)| value).collect(),
        None => ev.items(elements)?,
    };
    let mut found = Vec::new();
    for element in elements {
        let Some(dict) = ev.mapping(&element)? else {
            return fail(format!("subelements lookup expects a dictionary, got '{}'", ev.text(&element)?));
        };
        if matches!(dict.get_str(ev, "skipped")?, Some(flag) if flag.truth()?) {
            continue;
        }
        let Some(items) = subelement(ev, &element, path, skip_missing)? else { continue };
        let parts: Vec<&str> = path.split('.').collect();
        let rest = without(ev, &element, &parts)?;
        found.extend(items.into_iter().map(|item| Val::tuple(vec![rest.clone(), item])));
    }
    Ok(found)
}

/// The list at a path of keys in an element; `None` when it is not there and may be missing.
fn subelement(ev: &Eval<'_>, element: &Val, path: &str, skip_missing: bool) -> Res<Option<Vec<Val>>> {
    let mut value = element.clone();
    let mut keys = path.split('.').peekable();
    while let Some(key) = keys.next() {
        let found = match ev.mapping(&value)? {
            Some(dict) => dict.get(ev, &key_of(ev, &Val::from(key))?)?,
            None => None,
        };
        let wrong = match (found, keys.peek()) {
            (None, _) => format!("could not find '{key}' key in iterated item '{}'", ev.text(&value)?),
            (Some(next), None) => {
                let next = next.used()?;
                if let Val::List(_) = next {
                    return ev.items(&next).map(Some);
                }
                // As in Ansible: that something else than a list lies there is never passed over.
                return fail(format!("the key {key} should point to a list, got '{}'", ev.text(&next)?));
            }
            (Some(next), Some(_)) => {
                let next = next.used()?;
                if ev.mapping(&next)?.is_some() {
                    value = next;
                    continue;
                }
                format!("the key {key} should point to a dictionary, got '{}'", ev.text(&next)?)
            }
        };
        return if skip_missing { Ok(None) } else { fail(wrong) };
    }
    Ok(None)
}

/// A copy of a dictionary without the value at a path: Ansible takes the list out of the element that it came from.
fn without(ev: &Eval<'_>, value: &Val, path: &[&str]) -> Res<Val> {
    let (Some(dict), [key, rest @ ..]) = (ev.mapping(value)?, path) else { return Ok(value.clone()) };
    let copy = dict.copy();
    let key = Key::from(*key);
    match (rest, copy.get(ev, &key)?) {
        ([], _) => copy.remove(&key),
        (_, Some(inner)) => copy.set(key, without(ev, &inner, rest)?),
        (_, None) => {}
    }
    Ok(Val::Dict(std::rc::Rc::new(copy)))
}

fn random_choice(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    if request.terms.is_empty() {
        return Ok(Vec::new());
    }
    let at = rand::random_range(0..request.terms.len());
    Ok(vec![request.terms[at].clone()])
}
