//! Filters over sequences: picking, ordering, grouping, mapping.

use crate::args::{Args, Bound};
use crate::eval::{Eval, binary};
use crate::filters::Getter;
use crate::ir::{Name, Operator};
use crate::methods::sort_by;
use crate::registry::Filter;
use crate::val::{Object, Res, Val, compare, equal, fail, key_of};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("first", &[], first),
    Filter::new("last", &[], last),
    Filter::new("list", &[], |ev, value, _| Ok(Val::list(ev.items(value)?))),
    Filter::new("join", &["d?", "attribute?"], join),
    Filter::new("reverse", &[], reverse),
    Filter::new("sort", &["reverse?", "case_sensitive?", "attribute?"], sort),
    Filter::new("unique", &["case_sensitive?", "attribute?"], unique),
    Filter::new("min", &["case_sensitive?", "attribute?"], |ev, value, args| extreme(ev, value, args, false)),
    Filter::new("max", &["case_sensitive?", "attribute?"], |ev, value, args| extreme(ev, value, args, true)),
    Filter::new("sum", &["attribute?", "start?"], sum),
    Filter::new("groupby", &["attribute", "default?", "case_sensitive?"], groupby),
    Filter::new("batch", &["linecount", "fill_with?"], batch),
    Filter::new("slice", &["slices", "fill_with?"], slice),
    Filter::new("map", &["*rest", "**named"], map),
    Filter::new("select", &["*rest", "**named"], |ev, value, args| select(ev, value, args, false, true)),
    Filter::new("reject", &["*rest", "**named"], |ev, value, args| select(ev, value, args, false, false)),
    Filter::new("selectattr", &["*rest", "**named"], |ev, value, args| select(ev, value, args, true, true)),
    Filter::new("rejectattr", &["*rest", "**named"], |ev, value, args| select(ev, value, args, true, false)),
    Filter::new("flatten", &["levels?", "skip_nulls?"], |ev, value, args| {
        let levels = args.given(0).map(|_| args.int(0, 0)).transpose()?;
        Ok(Val::list(flatten(ev, &ev.items(value)?, levels, args.flag(1, true)?)?))
    }),
];

fn first(ev: &Eval<'_>, value: &Val, _: &Bound) -> Res<Val> {
    let found = match value {
        Val::List(list) => list.get(ev, 0)?,
        other => ev.items_loose(other)?.into_iter().next(),
    };
    Ok(found.unwrap_or_else(|| Val::undefined("No first item, sequence was empty.".to_owned())))
}

fn last(ev: &Eval<'_>, value: &Val, _: &Bound) -> Res<Val> {
    let found = match value {
        Val::List(list) => list.get(ev, list.len().wrapping_sub(1))?,
        other => ev.items_loose(other)?.pop(),
    };
    Ok(found.unwrap_or_else(|| Val::undefined("No last item, sequence was empty.".to_owned())))
}

fn join(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let separator = args.text(ev, 0, "")?;
    let getter = args.given(1).map(|attribute| Getter::one(Some(attribute), false));
    let mut whole = String::new();
    for (at, item) in ev.items(value)?.iter().enumerate() {
        if at > 0 {
            whole.push_str(&separator);
        }
        match &getter {
            Some(getter) => whole.push_str(&ev.text(&getter.get(ev, item)?.used()?)?),
            None => match item {
                Val::Str(text) => whole.push_str(text),
                other => whole.push_str(&ev.text(other)?),
            },
        }
        ev.spend(1, whole.len())?;
    }
    Ok(Val::from(whole))
}

fn reverse(ev: &Eval<'_>, value: &Val, _: &Bound) -> Res<Val> {
    match value {
        Val::Str(text) => Ok(Val::from(text.chars().rev().collect::<String>())),
        other => match ev.items(other) {
            Ok(mut items) => {
                items.reverse();
                Ok(Val::list(items))
            }
            Err(_) => fail("argument must be iterable"),
        },
    }
}

/// Whether a filter takes upper and lower case as different.
fn ignores_case(args: &Bound, index: usize) -> Res<bool> {
    Ok(!args.flag(index, false)?)
}

fn sort(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let getter = Getter::many(args.given(2), ignores_case(args, 1)?);
    let mut keyed = Vec::new();
    for item in ev.items(value)? {
        keyed.push((getter.all(ev, &item)?, item));
    }
    ev.spend(keyed.len(), 0)?;
    sort_by(&mut keyed, args.flag(0, false)?, |(a, _), (b, _)| {
        for (a, b) in a.iter().zip(b) {
            if !equal(ev, a, b)? {
                return compare(ev, a, b, "<");
            }
        }
        Ok(Some(std::cmp::Ordering::Equal))
    })?;
    Ok(Val::list(keyed.into_iter().map(|(_, item)| item).collect()))
}

/// The items without repetitions, told apart by hash where possible.
pub(crate) fn distinct(ev: &Eval<'_>, items: Vec<Val>, key: impl Fn(&Val) -> Res<Val>) -> Res<Vec<Val>> {
    let mut hashed = std::collections::HashSet::new();
    let mut others: Vec<Val> = Vec::new();
    let mut kept = Vec::new();
    for item in items {
        ev.spend(1, 0)?;
        let value = key(&item)?;
        let new = match key_of(ev, &value) {
            Ok(key) => hashed.insert(key),
            Err(error) if error.is_undefined() => return Err(error),
            Err(_) => {
                let mut seen = false;
                for other in &others {
                    seen = seen || equal(ev, other, &value)?;
                }
                if !seen {
                    others.push(value);
                }
                !seen
            }
        };
        if new {
            kept.push(item);
        }
    }
    Ok(kept)
}

fn unique(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let getter = Getter::one(args.given(1), ignores_case(args, 0)?);
    let items = ev.items(value)?;
    let hashable = |item: &Val| getter.get(ev, item).and_then(|key| key_of(ev, &key)).is_ok();
    if items.iter().all(hashable) {
        return Ok(Val::list(distinct(ev, items, |item| getter.get(ev, item)?.used())?));
    }
    // Ansible's own form of the filter tells items apart by equality alone.
    if args.given(1).is_some() || args.given(0).is_some_and(|flag| matches!(flag, Val::Bool(false))) {
        return fail(
            "Jinja2's unique filter failed and we cannot fall back to Ansible's version as it does not support the parameters supplied.",
        );
    }
    Ok(Val::list(distinct(ev, items, |item| Ok(item.clone()))?))
}

fn extreme(ev: &Eval<'_>, value: &Val, args: &Bound, largest: bool) -> Res<Val> {
    let getter = Getter::one(args.given(1), ignores_case(args, 0)?);
    let mut best: Option<(Val, Val)> = None;
    for item in ev.items(value)? {
        let key = getter.get(ev, &item)?.used()?;
        let better = match &best {
            None => true,
            Some((_, best)) if largest => {
                compare(ev, &key, best, ">")?.is_some_and(std::cmp::Ordering::is_gt)
            }
            Some((_, best)) => compare(ev, &key, best, "<")?.is_some_and(std::cmp::Ordering::is_lt),
        };
        if better {
            best = Some((item, key));
        }
    }
    Ok(match best {
        Some((item, _)) => item,
        None => Val::undefined("No aggregated item, sequence was empty.".to_owned()),
    })
}

fn sum(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let getter = Getter::one(args.given(0), false);
    let mut total = args.get(1).cloned().unwrap_or(Val::Int(0));
    if let Val::Str(_) = total {
        return fail("sum() can't sum strings [use ''.join(seq) instead]");
    }
    for item in ev.items(value)? {
        total = binary(ev, Operator::Add, &total, &getter.get(ev, &item)?.used()?)?;
    }
    Ok(total)
}

fn groupby(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let ignore_case = ignores_case(args, 2)?;
    // `default` is documented, but Ansible's undefined is no default's occasion: an item without the attribute is an error.
    let getter = Getter::one(args.get(0), ignore_case);
    let exact = Getter::one(args.get(0), false);
    let mut keyed = Vec::new();
    for item in ev.items(value)? {
        keyed.push((getter.get(ev, &item)?.used()?, item));
    }
    sort_by(&mut keyed, false, |(a, _), (b, _)| compare(ev, a, b, "<"))?;
    let mut groups: Vec<(Val, Vec<Val>)> = Vec::new();
    for (key, item) in keyed {
        match groups.last_mut() {
            Some((last, items)) if equal(ev, last, &key)? => items.push(item),
            _ => groups.push((key, vec![item])),
        }
    }
    let mut found = Vec::new();
    for (key, items) in groups {
        let shown = match items.first() {
            Some(first) if ignore_case => exact.get(ev, first)?,
            _ => key,
        };
        found.push(Val::object(Object::Group(shown, Val::list(items))));
    }
    Ok(Val::list(found))
}

fn batch(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let size = args.int(0, 0)?;
    let mut found: Vec<Val> = Vec::new();
    let mut last: Vec<Val> = Vec::new();
    for item in ev.items(value)? {
        // As Jinja: sizes below 1 are never reached, except by the empty batch.
        if last.len() as i128 == size {
            found.push(Val::list(std::mem::take(&mut last)));
        }
        last.push(item);
    }
    if !last.is_empty() {
        if let (Some(fill), Ok(size)) = (args.given(1), usize::try_from(size))
            && last.len() < size
        {
            ev.spend(size, 0)?;
            last.resize(size, fill.clone());
        }
        found.push(Val::list(last));
    }
    Ok(Val::list(found))
}

fn slice(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let items = ev.items(value)?;
    let Ok(slices) = usize::try_from(args.int(0, 0)?) else { return Ok(Val::list(Vec::new())) };
    if slices == 0 {
        return fail("integer division or modulo by zero");
    }
    ev.spend(slices, 0)?;
    let (each, with_extra) = (items.len() / slices, items.len() % slices);
    let mut found = Vec::new();
    let mut offset = 0;
    for number in 0..slices {
        let start = offset + number * each;
        if number < with_extra {
            offset += 1;
        }
        let end = offset + (number + 1) * each;
        let mut part = items[start..end].to_vec();
        if let Some(fill) = args.given(1)
            && number >= with_extra
        {
            part.push(fill.clone());
        }
        found.push(Val::list(part));
    }
    Ok(Val::list(found))
}

/// The name and arguments of the filter or test that a filter applies to each item.
fn inner(ev: &Eval<'_>, args: &Bound, skip: usize) -> Res<Option<(Name, Args)>> {
    let Some(name) = args.rest.get(skip) else { return Ok(None) };
    let name: Name = ev.text(name)?.into();
    let rest = args.rest.get(skip + 1..).unwrap_or(&[]).to_vec();
    Ok(Some((name, Args { pos: rest, named: args.named.clone() })))
}

fn map(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let items = if value.truth()? { ev.items_loose(value)? } else { Vec::new() };
    if args.rest.is_empty() {
        let mut named = Args { pos: Vec::new(), named: args.named.clone() };
        let Some(attribute) = named.take("attribute") else {
            return fail("map requires a filter argument");
        };
        let getter = Getter::one(Some(&attribute), false).or(named.take("default"));
        if let Some((name, _)) = named.named.first() {
            return fail(format!("Unexpected keyword argument '{name}'"));
        }
        return Ok(Val::list(items.iter().map(|item| getter.get(ev, item)).collect::<Res<_>>()?));
    }
    let Some((name, inner)) = inner(ev, args, 0)? else { return Ok(Val::None) };
    let mut found = Vec::with_capacity(items.len());
    for item in &items {
        ev.spend(1, 0)?;
        found.push(ev.filter(&name, item, inner.clone())?);
    }
    Ok(Val::list(found))
}

fn select(ev: &Eval<'_>, value: &Val, args: &Bound, by_attribute: bool, keep: bool) -> Res<Val> {
    // As a generator in Python: what is wrong shows with the first item.
    if !value.truth()? {
        return Ok(Val::list(Vec::new()));
    }
    let getter = if by_attribute {
        let Some(attribute) = args.rest.first() else {
            return fail("Missing parameter for attribute name");
        };
        Some(Getter::one(Some(attribute), false))
    } else {
        None
    };
    let test = inner(ev, args, usize::from(by_attribute))?;
    let mut found = Vec::new();
    for item in ev.items_loose(value)? {
        ev.spend(1, 0)?;
        let subject = match &getter {
            Some(getter) => getter.get(ev, &item)?,
            None => item.clone(),
        };
        let passes = match &test {
            Some((name, inner)) => ev.test(name, &subject, inner.clone())?,
            None => subject.truth()?,
        };
        if passes == keep {
            found.push(item);
        }
    }
    Ok(Val::list(found))
}

/// Lists inside lists become one list, so many levels deep.
pub(crate) fn flatten(ev: &Eval<'_>, items: &[Val], levels: Option<i128>, skip_nulls: bool) -> Res<Vec<Val>> {
    let mut found = Vec::new();
    for item in items {
        ev.spend(1, 0)?;
        let null = matches!(item, Val::None) || matches!(item.as_str(), Some("None" | "null"));
        if skip_nulls && null {
            continue;
        }
        match item {
            Val::List(_) | Val::Tuple(_) if levels.is_none_or(|levels| levels >= 1) => {
                let inner = ev.items(item)?;
                let levels = levels.map(|levels| levels - 1);
                found.extend(ev.deeper(|| flatten(ev, &inner, levels, skip_nulls))?);
            }
            other => found.push(other.clone()),
        }
    }
    Ok(found)
}
