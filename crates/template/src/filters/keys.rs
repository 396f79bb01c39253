//! `keep_keys`, `remove_keys` and `replace_keys`: those of ansible.utils go through a whole value, those of community.general through a list
//! of dictionaries.

use data::Key;
use data::pattern::{Pattern, PatternFlags};
use indexmap::IndexMap;

use crate::args::Bound;
use crate::eval::Eval;
use crate::filters::{compiled, matches};
use crate::registry::Filter;
use crate::val::{Res, Val, display, fail, key_of};

const PARAMS: &[&str] = &["target?", "matching_parameter?"];

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("ansible.utils.keep_keys", PARAMS, |ev, value, args| {
        let keys = utils_keys(ev, value, args, "keep")?;
        kept(ev, value, &keys)
    }),
    Filter::new("ansible.utils.remove_keys", PARAMS, |ev, value, args| {
        let keys = utils_keys(ev, value, args, "attribute removal")?;
        without_empty(ev, &removed(ev, value, &keys)?)
    }),
    Filter::new("ansible.utils.replace_keys", PARAMS, |ev, value, args| {
        need_container(value, "replace")?;
        let how = How::of_utils(ev, args)?;
        let pairs = needed(args)?;
        let mut changes = Vec::new();
        for pair in list_of(ev, pairs)? {
            let Some(pair) = ev.mapping(&pair)? else {
                return fail(
                    "Elements value for option 'target' is of type str and we were unable to convert to dict",
                );
            };
            let part = |name: &str| Ok(pair.get_str(ev, name)?.unwrap_or(Val::None));
            let (before, after) = (part("before")?, part("after")?);
            changes.push((KeyMatch::new(ev, &before, how)?, key_of(ev, &after)?));
        }
        renamed(ev, value, &changes)
    }),
    Filter::new("community.general.keep_keys", PARAMS, |ev, value, args| general(ev, value, args, true)),
    Filter::new("community.general.remove_keys", PARAMS, |ev, value, args| general(ev, value, args, false)),
    Filter::new("community.general.replace_keys", PARAMS, general_replace),
];

/// How a wanted key is compared with the keys that are there.
#[derive(Clone, Copy, PartialEq)]
enum How {
    Equal,
    Start,
    End,
    Regex,
}

impl How {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "starts_with" => Self::Start,
            "ends_with" => Self::End,
            "regex" => Self::Regex,
            _ => return None,
        })
    }

    fn of_utils(ev: &Eval<'_>, args: &Bound) -> Res<Self> {
        let Some(name) = args.given(1) else { return Ok(Self::Equal) };
        let name = ev.text(name)?;
        Self::named(&name).map_or_else(
            || {
                fail(format!(
                    "['value of matching_parameter must be one of: starts_with, ends_with, regex, got: {name}']"
                ))
            },
            Ok,
        )
    }

    fn of_general(ev: &Eval<'_>, args: &Bound) -> Res<Self> {
        match args.text(ev, 1, "equal")?.as_str() {
            "equal" => Ok(Self::Equal),
            name => Self::named(name).map_or_else(
                || {
                    fail(format!(
                        "The matching_parameter must be one of ['equal', 'starts_with', 'ends_with', 'regex']. \
                         matching_parameter={name}"
                    ))
                },
                Ok,
            ),
        }
    }
}

/// One wanted key.
struct KeyMatch {
    wanted: Val,
    how: How,
    pattern: Option<Pattern>,
}

impl KeyMatch {
    fn new(ev: &Eval<'_>, wanted: &Val, how: How) -> Res<Self> {
        let pattern = match how {
            How::Regex => Some(compiled(ev, wanted, PatternFlags::default())?),
            _ => None,
        };
        Ok(Self { wanted: wanted.clone(), how, pattern })
    }

    /// Whether it is this very key, however it is compared otherwise.
    fn is(&self, ev: &Eval<'_>, key: &Key) -> Res<bool> {
        Ok(key_of(ev, &self.wanted)? == *key)
    }

    fn holds(&self, ev: &Eval<'_>, key: &Key) -> Res<bool> {
        if self.how == How::Equal {
            return self.is(ev, key);
        }
        let (Some(key), Some(wanted)) = (key.as_str(), self.wanted.as_str()) else {
            return fail("only keys that are text can be compared by their beginning, end or a pattern");
        };
        match &self.pattern {
            Some(pattern) => matches(pattern, key, true),
            None if self.how == How::Start => Ok(key.starts_with(wanted)),
            None => Ok(key.ends_with(wanted)),
        }
    }
}

fn needed(args: &Bound) -> Res<&Val> {
    args.given(0).map_or_else(|| fail("['missing required arguments: target']"), Ok)
}

fn need_container(value: &Val, what: &str) -> Res<()> {
    match value {
        Val::List(_) | Val::Dict(_) => Ok(()),
        _ => fail(format!("Input is not valid for {what} operation")),
    }
}

/// An argument as Ansible makes a list of it: text is split at commas, a number stands alone.
pub(crate) fn list_of(ev: &Eval<'_>, value: &Val) -> Res<Vec<Val>> {
    match value {
        Val::List(_) | Val::Tuple(_) => ev.items(value),
        Val::Str(text) => Ok(text.split(',').map(Val::from).collect()),
        Val::Int(_) | Val::Float(_) | Val::Bool(_) => Ok(vec![Val::from(ev.text(value)?)]),
        other => fail(format!("{} cannot be converted to a list", other.type_name())),
    }
}

fn utils_keys(ev: &Eval<'_>, value: &Val, args: &Bound, what: &str) -> Res<Vec<KeyMatch>> {
    need_container(value, what)?;
    let how = How::of_utils(ev, args)?;
    let wanted = list_of(ev, needed(args)?)?;
    wanted.iter().map(|key| KeyMatch::new(ev, &Val::from(ev.text(key)?), how)).collect()
}

fn is_empty(value: &Val) -> bool {
    match value {
        Val::List(list) => list.len() == 0,
        Val::Dict(dict) => dict.len() == 0,
        _ => false,
    }
}

fn kept(ev: &Eval<'_>, value: &Val, keys: &[KeyMatch]) -> Res<Val> {
    ev.spend(1, 0)?;
    ev.deeper(|| match value {
        Val::List(list) => {
            Ok(Val::list(list.items(ev)?.iter().map(|item| kept(ev, item, keys)).collect::<Res<_>>()?))
        }
        Val::Dict(dict) => {
            let mut found = IndexMap::new();
            for (key, value) in dict.rendered(ev)? {
                if let Some(value) = kept_entry(ev, &key, &value, keys)? {
                    found.insert(key, value);
                }
            }
            Ok(Val::dict(found))
        }
        other => Ok(other.clone()),
    })
}

/// What stays of an entry: its value when the key is wanted, else what is wanted inside.
fn kept_entry(ev: &Eval<'_>, key: &Key, value: &Val, keys: &[KeyMatch]) -> Res<Option<Val>> {
    let is_container = matches!(value, Val::List(_) | Val::Dict(_));
    let inner = if is_container { Some(kept(ev, value, keys)?) } else { None };
    let mut found = None;
    for wanted in keys {
        if wanted.is(ev, key)? {
            found = Some(value.clone());
        } else if let Some(inner) = &inner {
            let inner = match inner {
                Val::List(list) => {
                    Val::list(list.items(ev)?.into_iter().filter(|item| !is_empty(item)).collect())
                }
                other => other.clone(),
            };
            if !is_empty(&inner) {
                found = Some(inner);
            }
        } else if wanted.holds(ev, key)? {
            found = Some(value.clone());
        }
    }
    Ok(found.or_else(|| inner.filter(|inner| !is_empty(inner))))
}

fn removed(ev: &Eval<'_>, value: &Val, keys: &[KeyMatch]) -> Res<Val> {
    ev.spend(1, 0)?;
    ev.deeper(|| match value {
        Val::List(list) => {
            Ok(Val::list(list.items(ev)?.iter().map(|item| removed(ev, item, keys)).collect::<Res<_>>()?))
        }
        Val::Dict(dict) => {
            let mut left = IndexMap::new();
            for (key, value) in dict.rendered(ev)? {
                if !any(ev, keys, &key)? {
                    left.insert(key, removed(ev, &value, keys)?);
                }
            }
            Ok(Val::dict(left))
        }
        other => Ok(other.clone()),
    })
}

fn any(ev: &Eval<'_>, keys: &[KeyMatch], key: &Key) -> Res<bool> {
    for wanted in keys {
        if wanted.holds(ev, key)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes the items of lists away that Python calls false.
fn without_empty(ev: &Eval<'_>, value: &Val) -> Res<Val> {
    Ok(match value {
        Val::List(list) => {
            let mut left = Vec::new();
            for item in list.items(ev)? {
                if item.truth()? {
                    left.push(without_empty(ev, &item)?);
                }
            }
            Val::list(left)
        }
        Val::Dict(dict) => {
            let entries = dict.entries(ev)?.into_iter();
            Val::dict(entries.map(|(key, value)| Ok((key, without_empty(ev, &value)?))).collect::<Res<_>>()?)
        }
        other => other.clone(),
    })
}

fn renamed(ev: &Eval<'_>, value: &Val, changes: &[(KeyMatch, Key)]) -> Res<Val> {
    ev.spend(1, 0)?;
    ev.deeper(|| match value {
        Val::List(list) => {
            Ok(Val::list(list.items(ev)?.iter().map(|item| renamed(ev, item, changes)).collect::<Res<_>>()?))
        }
        Val::Dict(dict) => {
            let mut entries: IndexMap<Key, Val> = dict.rendered(ev)?.into_iter().collect();
            for (before, after) in changes {
                for key in entries.keys().cloned().collect::<Vec<_>>() {
                    if before.holds(ev, &key)?
                        && let Some(value) = entries.shift_remove(&key)
                    {
                        entries.insert(after.clone(), value);
                    }
                }
            }
            for value in entries.values_mut() {
                *value = renamed(ev, value, changes)?;
            }
            Ok(Val::dict(entries))
        }
        other => Ok(other.clone()),
    })
}

/// The dictionaries of a list, all of whose keys are text.
fn dictionaries(ev: &Eval<'_>, value: &Val) -> Res<Vec<Vec<(Key, Val)>>> {
    let (Val::List(_) | Val::Tuple(_) | Val::Str(_)) = value else {
        return fail(format!("First argument must be a list. {} is {}", display(ev, value)?, class(value)));
    };
    let mut found = Vec::new();
    for item in ev.items(value)? {
        let Some(dict) = ev.mapping(&item)? else {
            let shown = display(ev, &item)?;
            return fail(format!("The data items must be dictionaries. {shown} is {}", class(&item)));
        };
        let entries = dict.rendered(ev)?;
        if entries.iter().any(|(key, _)| key.as_str().is_none()) {
            return fail("Top level keys must be strings.");
        }
        found.push(entries);
    }
    Ok(found)
}

/// As Python prints a type.
pub(crate) fn class(value: &Val) -> String {
    format!("<class '{}'>", value.type_name())
}

fn general_target(ev: &Eval<'_>, args: &Bound, how: How) -> Res<Vec<KeyMatch>> {
    let target = args.val(0);
    let (Val::Str(_) | Val::List(_) | Val::Tuple(_)) = target else {
        return fail(format!("The target must be a string or a list. target is {}.", class(&target)));
    };
    if !target.truth()? {
        return fail("The target can't be empty.");
    }
    let wanted = if let Val::Str(_) = target { vec![target] } else { ev.items(&target)? };
    if let Some(bad) = wanted.iter().find(|key| key.as_str().is_none()) {
        return fail(format!("The target items must be strings. {} is {}", display(ev, bad)?, class(bad)));
    }
    if how == How::Regex && wanted.len() > 1 {
        return fail("Single item is required in the target list if matching_parameter=regex.");
    }
    let matcher = |key: &Val| {
        KeyMatch::new(ev, key, how).or_else(|_| {
            fail(format!(
                "The target must be a valid regex if matching_parameter=regex. target is {}",
                ev.text(key)?
            ))
        })
    };
    wanted.iter().map(matcher).collect()
}

fn general(ev: &Eval<'_>, value: &Val, args: &Bound, keep: bool) -> Res<Val> {
    let dicts = dictionaries(ev, value)?;
    let keys = general_target(ev, args, How::of_general(ev, args)?)?;
    let mut found = Vec::new();
    for dict in dicts {
        let mut left = IndexMap::new();
        for (key, value) in dict {
            ev.spend(keys.len(), 0)?;
            if any(ev, &keys, &key)? == keep {
                left.insert(key, value);
            }
        }
        found.push(Val::dict(left));
    }
    Ok(Val::list(found))
}

fn general_replace(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let dicts = dictionaries(ev, value)?;
    let how = How::of_general(ev, args)?;
    let Val::List(target) = args.val(0) else {
        return fail(format!("The target must be a list. target is {}.", display(ev, &args.val(0))?));
    };
    if target.len() == 0 {
        return fail("The target can't be empty.");
    }
    let mut changes = Vec::new();
    for pair in target.items(ev)? {
        changes.push(general_change(ev, &pair, how)?);
    }
    let mut found = Vec::new();
    for dict in dicts {
        let mut made = IndexMap::new();
        for (key, value) in dict {
            let mut new = key.clone();
            for (before, after) in &changes {
                ev.spend(1, 0)?;
                if before.holds(ev, &key)? {
                    new = after.clone();
                    break;
                }
            }
            made.insert(new, value);
        }
        found.push(Val::dict(made));
    }
    Ok(Val::list(found))
}

/// One `{before: ..., after: ...}`.
fn general_change(ev: &Eval<'_>, pair: &Val, how: How) -> Res<(KeyMatch, Key)> {
    let Some(dict) = ev.mapping(pair)? else {
        return fail(format!(
            "The target items must be dictionaries. {} is {}",
            display(ev, pair)?,
            class(pair)
        ));
    };
    let (Some(before), Some(after)) = (dict.get_str(ev, "before")?, dict.get_str(ev, "after")?) else {
        return fail("All dictionaries in target must include attributes: after, before.");
    };
    for (name, part) in [("before", &before), ("after", &after)] {
        if part.as_str().is_none() {
            return fail(format!(
                "The attributes {name} must be strings. {} is {}",
                display(ev, part)?,
                class(part)
            ));
        }
    }
    match KeyMatch::new(ev, &before, how) {
        Ok(found) => Ok((found, key_of(ev, &after)?)),
        Err(_) => fail(format!(
            "The attributes before must be valid regex if matching_parameter=regex. Not all items are valid regex in: [{}]",
            crate::val::repr(ev, &before)?
        )),
    }
}
