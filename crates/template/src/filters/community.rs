//! Filters of community.general that public roles use.

use std::rc::Rc;

use data::Key;
use indexmap::IndexMap;
use unicode_normalization::UnicodeNormalization as _;

use crate::args::{Args, Bound};
use crate::eval::{Eval, binary};
use crate::filters::Random;
use crate::filters::keys::class;
use crate::filters::sequence::distinct;
use crate::ir::Operator;
use crate::methods::{pairs, sort_by};
use crate::registry::Filter;
use crate::val::{Dict, Object, Res, Val, compare, contains, fail, key_of, key_value};
use crate::version;

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("dict_kv", &["key"], |ev, value, args| {
        let mut made = IndexMap::new();
        made.insert(key_of(ev, &args.val(0))?, value.clone());
        Ok(Val::dict(made))
    }),
    Filter::new("dict", &[], |ev, value, _| Ok(Val::dict(pairs(ev, value)?.into_iter().collect()))),
    Filter::new("counter", &[], counter),
    Filter::new("lists_mergeby", &["*rest", "recursive?", "list_merge?"], lists_mergeby),
    Filter::new("lists_union", &["*rest", "flatten?"], |ev, value, args| fold(ev, value, args, union)),
    Filter::new("lists_intersect", &["*rest", "flatten?"], |ev, value, args| {
        fold(ev, value, args, |ev, a, b| kept(ev, a, b, true))
    }),
    Filter::new("lists_difference", &["*rest", "flatten?"], |ev, value, args| {
        fold(ev, value, args, |ev, a, b| kept(ev, a, b, false))
    }),
    Filter::new("lists_symmetric_difference", &["*rest", "flatten?"], |ev, value, args| {
        fold(ev, value, args, |ev, a, b| {
            let mut found = kept(ev, a.clone(), b.clone(), false)?;
            found.extend(kept(ev, b, a, false)?);
            Ok(found)
        })
    }),
    Filter::new("groupby_as_dict", &["attribute"], groupby_as_dict),
    Filter::new("random_mac", &["seed?"], random_mac),
    Filter::new("version_sort", &["reverse?"], version_sort),
    Filter::new("community.general.accumulate", &[], accumulate),
    Filter::new("community.general.reveal_ansible_type", &["alias?"], |ev, value, args| {
        Ok(Val::from(ansible_type(ev, value, args.get(0))?))
    }),
    Filter::new("community.general.unicode_normalize", &["form?"], unicode_normalize),
    Filter::new("crc32", &[], |ev, value, _| match value {
        Val::Str(_) => Ok(Val::from(format!("{:x}", crc32(ev.text(value)?.as_bytes())))),
        other => fail(format!("Invalid value type ({}) for crc32", other.type_name())),
    }),
];

fn counter(ev: &Eval<'_>, value: &Val, _: &Bound) -> Res<Val> {
    let is_range = matches!(value, Val::Object(object) if matches!(&**object, Object::Range(..)));
    if !is_range && !matches!(value, Val::Str(_) | Val::List(_) | Val::Tuple(_)) {
        return fail(format!(
            "Argument for community.general.counter must be a sequence (string or list), not {}",
            value.type_name()
        ));
    }
    let mut counts: IndexMap<Key, i128> = IndexMap::new();
    for item in ev.items(value)? {
        *counts.entry(key_of(ev, &item)?).or_default() += 1;
    }
    Ok(Val::dict(counts.into_iter().map(|(key, count)| (key, Val::Int(count))).collect()))
}

/// The lists of a filter's value and arguments; a list of lists counts as its lists.
fn flat_lists(ev: &Eval<'_>, terms: &[Val]) -> Res<Vec<Val>> {
    let is_list = |value: &Val| matches!(value, Val::List(_) | Val::Tuple(_));
    let mut found = Vec::new();
    for term in terms {
        if !is_list(term) {
            return fail(format!("All arguments must be lists, not {}", term.type_name()));
        }
        let items = ev.items(term)?;
        if items.is_empty() {
            continue;
        }
        if items.iter().all(is_list) {
            found.extend(items);
        } else {
            found.push(term.clone());
        }
    }
    Ok(found)
}

fn lists_mergeby(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let mut terms = vec![value.clone()];
    terms.extend(args.rest.iter().cloned());
    let Some(index) = terms.pop().filter(|_| !terms.is_empty()) else {
        return fail("At least one list and index are needed.");
    };
    let lists = flat_lists(ev, &terms)?;
    let Some((last, others)) = lists.split_last() else { return Ok(Val::list(Vec::new())) };
    if others.is_empty() {
        return Ok(last.clone());
    }
    let Val::Str(_) = index else {
        return fail("First argument after the lists for community.general.lists_mergeby must be string.");
    };
    let combine = |low: &Val, high: &Val| -> Res<Val> {
        let mut named = Vec::new();
        for (at, name) in [(0, "recursive"), (1, "list_merge")] {
            if let Some(option) = args.get(at) {
                named.push((name.into(), option.clone()));
            }
        }
        ev.filter("combine", low, Args { pos: vec![high.clone()], named })
    };
    let mut result = last.clone();
    for list in others.iter().rev() {
        let mut merged: IndexMap<Key, Val> = IndexMap::new();
        for item in ev.items(list)?.into_iter().chain(ev.items(&result)?) {
            let Some(dict) = ev.mapping(&item)? else {
                return fail("Elements of list arguments for lists_mergeby must be dictionaries.");
            };
            let Some(found) = dict.get(ev, &key_of(ev, &index)?)? else { continue };
            let key = key_of(ev, &found)?;
            let before = merged.get(&key).cloned().unwrap_or_else(|| Val::dict(IndexMap::new()));
            merged.insert(key, combine(&before, &item)?);
        }
        let mut keyed: Vec<(Val, Val)> =
            merged.into_iter().map(|(key, value)| (crate::val::key_value(&key), value)).collect();
        sort_by(&mut keyed, false, |(a, _), (b, _)| compare(ev, a, b, "<"))?;
        result = Val::list(keyed.into_iter().map(|(_, value)| value).collect());
    }
    Ok(result)
}

fn fold(
    ev: &Eval<'_>,
    value: &Val,
    args: &Bound,
    step: impl Fn(&Eval<'_>, Vec<Val>, Vec<Val>) -> Res<Vec<Val>>,
) -> Res<Val> {
    let mut terms = vec![value.clone()];
    terms.extend(args.rest.iter().cloned());
    let terms = if args.flag(0, false)? { flat_lists(ev, &terms)? } else { terms };
    let Some((first, others)) = terms.split_first() else { return Ok(Val::list(Vec::new())) };
    if others.is_empty() {
        return Ok(first.clone());
    }
    let unique = |items: Vec<Val>| distinct(ev, items, |item| Ok(item.clone()));
    let mut result = unique(ev.items(first)?)?;
    for other in others {
        result = unique(step(ev, result, ev.items(other)?)?)?;
    }
    Ok(Val::list(result))
}

fn union(_: &Eval<'_>, mut a: Vec<Val>, b: Vec<Val>) -> Res<Vec<Val>> {
    a.extend(b);
    Ok(a)
}

fn kept(ev: &Eval<'_>, a: Vec<Val>, b: Vec<Val>, inside: bool) -> Res<Vec<Val>> {
    let others = Val::list(b);
    let mut found = Vec::new();
    for item in a {
        ev.spend(1, 0)?;
        if contains(ev, &others, &item)? == inside {
            found.push(item);
        }
    }
    Ok(found)
}

fn groupby_as_dict(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let (Val::List(_) | Val::Tuple(_) | Val::Str(_)) = value else { return fail("Input is not a sequence") };
    let key = key_of(ev, &args.val(0))?;
    let mut made: IndexMap<Key, Val> = IndexMap::new();
    for (at, item) in ev.items(value)?.into_iter().enumerate() {
        let Some(dict) = ev.mapping(&item)? else {
            return fail(format!("Sequence element #{at} is not a mapping"));
        };
        let Some(found) = Dict::get(&dict, ev, &key)? else {
            return fail(format!("Attribute not contained in element #{at} of sequence"));
        };
        let group = key_of(ev, &found)?;
        if made.insert(group, item).is_some() {
            let shown = crate::val::repr(ev, &found)?;
            return fail(format!("Multiple sequence entries have attribute value {shown}"));
        }
    }
    Ok(Val::Dict(Rc::new(Dict::new(made))))
}

fn random_mac(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let Val::Str(prefix) = value else {
        return fail(format!("Invalid value type ({}) for random_mac", value.type_name()));
    };
    let prefix = prefix.to_lowercase();
    let parts: Vec<&str> = prefix.split(':').collect();
    if parts.len() > 5 {
        return fail(format!("Invalid value ({prefix}) for random_mac: 5 colon(:) separated items max"));
    }
    let is_byte = |part: &&str| part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if let Some(bad) = parts.iter().find(|part| !is_byte(part)) {
        return fail(format!("Invalid value ({prefix}) for random_mac: {bad} not hexa byte"));
    }
    let (low, high) = (68_719_476_736_u128, 1_099_511_627_775_u128);
    let number = low + Random::new(ev, args.given(0))?.below(high - low + 1);
    let digits: String = format!("{number:x}").chars().take(2 * (6 - parts.len())).collect();
    let mut out = prefix;
    for at in (0..digits.len()).step_by(2) {
        out.push(':');
        out.push_str(&digits[at..(at + 2).min(digits.len())]);
    }
    Ok(Val::from(out))
}

fn version_sort(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let mut keyed = Vec::new();
    for item in ev.items(value)? {
        match &item {
            Val::Str(text) if text.is_empty() => {
                return fail("'LooseVersion' object has no attribute 'version'");
            }
            Val::Str(text) => keyed.push((text.to_string(), item)),
            other => {
                return fail(format!("expected string or bytes-like object, got '{}'", other.type_name()));
            }
        }
    }
    sort_by(&mut keyed, args.flag(0, false)?, |(a, _), (b, _)| match version::compare(a, b, "loose") {
        Ok(order) => Ok(Some(order)),
        Err(message) => fail(message),
    })?;
    Ok(Val::list(keyed.into_iter().map(|(_, item)| item).collect()))
}

/// The sums of all beginnings of a list.
fn accumulate(ev: &Eval<'_>, value: &Val, _: &Bound) -> Res<Val> {
    let (Val::Str(_) | Val::List(_) | Val::Tuple(_)) = value else {
        let shown = crate::val::repr(ev, value)?;
        return fail(format!("Invalid value type ({}) for accumulate ({shown})", class(value)));
    };
    let mut sums: Vec<Val> = Vec::new();
    for item in ev.items(value)? {
        let next = match sums.last() {
            Some(sum) => binary(ev, Operator::Add, sum, &item)?,
            None => item,
        };
        sums.push(next);
    }
    Ok(Val::list(sums))
}

/// The name of a value's type with those of what it holds, under the names that `alias` gives them.
pub(crate) fn ansible_type(ev: &Eval<'_>, value: &Val, alias: Option<&Val>) -> Res<String> {
    let aliases = match alias {
        None | Some(Val::None) => None,
        Some(alias) => match ev.mapping(alias)? {
            Some(aliases) => Some(aliases),
            None => {
                let shown = crate::val::display(ev, alias)?;
                return fail(format!("The argument alias must be a dictionary. {shown} is {}", class(alias)));
            }
        },
    };
    let name = |value: &Val| -> Res<String> {
        let own = match value {
            Val::Str(text) if text.is_template() || text.place().is_some() => "_AnsibleTaggedStr",
            Val::Tuple(_) => "_AnsibleLazyAccessTuple",
            other => other.type_name(),
        };
        match aliases.as_ref().map(|aliases| aliases.get_str(ev, own)).transpose()?.flatten() {
            Some(alias) => ev.text(&alias),
            None => Ok(own.to_owned()),
        }
    };
    let all = |values: Vec<Val>| -> Res<String> {
        let names = values.iter().map(&name).collect::<Res<std::collections::BTreeSet<_>>>()?;
        Ok(names.into_iter().collect::<Vec<_>>().join("|"))
    };
    let own = name(value)?;
    Ok(match value {
        Val::List(list) if list.len() > 0 => format!("{own}[{}]", all(list.items(ev)?)?),
        Val::Dict(dict) if dict.len() > 0 => {
            let (keys, values): (Vec<_>, Vec<_>) = dict.rendered(ev)?.into_iter().unzip();
            format!("{own}[{}, {}]", all(keys.iter().map(key_value).collect())?, all(values)?)
        }
        _ => own,
    })
}

fn unicode_normalize(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let Val::Str(text) = value else { return fail(format!("{} is not a valid input type", class(value))) };
    let normal: String = match args.text(ev, 0, "NFC")?.as_str() {
        "NFC" => text.nfc().collect(),
        "NFD" => text.nfd().collect(),
        "NFKC" => text.nfkc().collect(),
        "NFKD" => text.nfkd().collect(),
        other => return fail(format!("{other} is not a valid form")),
    };
    Ok(Val::from(normal))
}

/// The CRC-32 of zlib (RFC 1952, section 8).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}
