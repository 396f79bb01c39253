//! Methods of lists and tuples.

use std::rc::Rc;

use crate::args::Args;
use crate::eval::Eval;
use crate::val::{List, Res, Val, compare, equal, fail};

pub(crate) const METHODS: &[&str] =
    &["append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort"];

pub(crate) fn call(ev: &Eval<'_>, list: &Rc<List>, name: &str, args: Args) -> Res<Val> {
    match name {
        "append" => {
            let [item] = args.exactly(name)?;
            ev.spend(1, 0)?;
            list.push(item);
        }
        "extend" => {
            let [items] = args.exactly(name)?;
            let items = ev.items_loose(&items)?;
            ev.spend(items.len(), 0)?;
            list.extend(items);
        }
        "insert" => {
            let [index, item] = args.exactly(name)?;
            let Some(index) = index.as_int() else {
                return fail(format!("'{}' object cannot be interpreted as an integer", index.type_name()));
            };
            let len = list.len() as i128;
            let index = if index < 0 { (index + len).max(0) } else { index };
            list.insert(usize::try_from(index).unwrap_or(usize::MAX), item);
        }
        "pop" => {
            let bound = args.bind(name, &["index?"])?;
            let index = bound.int(0, -1)?;
            if list.len() == 0 {
                return fail("pop from empty list");
            }
            let Some(index) = crate::eval::at_index(index, list.len()) else {
                return fail("pop index out of range");
            };
            let item = list.get(ev, index)?.unwrap_or(Val::None);
            list.remove(index);
            return Ok(item);
        }
        "remove" => {
            let [item] = args.exactly(name)?;
            match position(ev, &list.items(ev)?, &item)? {
                Some(index) => list.remove(index),
                None => return fail("list.remove(x): x not in list"),
            }
        }
        "clear" => list.replace(Vec::new()),
        "reverse" => list.reverse(),
        "copy" => return Ok(Val::list(list.items(ev)?)),
        "sort" => {
            let bound = args.bind(name, &["*", "key?", "reverse?"])?;
            let mut items = list.items(ev)?;
            sort(ev, &mut items, bound.flag(1, false)?)?;
            list.replace(items);
        }
        _ => return shared(ev, &list.items(ev)?, name, args, "list"),
    }
    Ok(Val::None)
}

pub(crate) fn call_tuple(ev: &Eval<'_>, items: &[Val], name: &str, args: Args) -> Res<Val> {
    shared(ev, items, name, args, "tuple")
}

fn shared(ev: &Eval<'_>, items: &[Val], name: &str, args: Args, kind: &str) -> Res<Val> {
    match name {
        "count" => {
            let [item] = args.exactly(name)?;
            let mut count = 0_usize;
            for other in items {
                count += usize::from(equal(ev, other, &item)?);
            }
            Ok(Val::from(count))
        }
        "index" => {
            let bound = args.bind(name, &["value", "start?", "stop?"])?;
            let clamp = |index: i128| {
                let len = items.len() as i128;
                (if index < 0 { index + len } else { index }).clamp(0, len) as usize
            };
            let (start, stop) = (clamp(bound.int(1, 0)?), clamp(bound.int(2, i128::MAX)?));
            let range = items.get(start..stop).unwrap_or(&[]);
            match position(ev, range, &bound.val(0))? {
                Some(index) => Ok(Val::from(start + index)),
                None => fail(format!("{} is not in {kind}", crate::val::repr(ev, &bound.val(0))?)),
            }
        }
        other => fail(format!("'{kind}' object has no attribute '{other}'")),
    }
}

fn position(ev: &Eval<'_>, items: &[Val], wanted: &Val) -> Res<Option<usize>> {
    for (index, item) in items.iter().enumerate() {
        if equal(ev, item, wanted)? {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

/// Python's stable sort; the first pair that cannot be compared is the error.
pub(crate) fn sort(ev: &Eval<'_>, items: &mut [Val], reverse: bool) -> Res<()> {
    sort_by(items, reverse, |a, b| compare(ev, a, b, "<"))
}

/// A stable sort by an order that can fail.
pub(crate) fn sort_by<T>(
    items: &mut [T],
    reverse: bool,
    order: impl Fn(&T, &T) -> Res<Option<std::cmp::Ordering>>,
) -> Res<()> {
    let mut failed = None;
    items.sort_by(|a, b| {
        if failed.is_some() {
            return std::cmp::Ordering::Equal;
        }
        // Python compares the later item with the earlier one.
        match order(b, a) {
            Ok(found) => {
                let found = found.unwrap_or(std::cmp::Ordering::Equal);
                if reverse { found } else { found.reverse() }
            }
            Err(error) => {
                failed = Some(error);
                std::cmp::Ordering::Equal
            }
        }
    });
    failed.map_or(Ok(()), Err)
}
