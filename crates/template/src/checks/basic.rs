//! Jinja's tests, and Ansible's tests of task results and sets.

use std::collections::HashSet;

use data::Key;

use crate::args::Bound;
use crate::eval::{Eval, binary};
use crate::filters::bool_word;
use crate::ir::{Comparison, Operator};
use crate::registry::Test;
use crate::val::{Object, Res, Val, contains, equal, key_of};

pub(crate) const TESTS: &[Test] = &[
    Test::new("ansible._protomatter.tagged_with", &["tag"], |ev, value, args| {
        Ok(match (ev.text(&args.val(0))?.as_str(), value) {
            ("TrustedAsTemplate", Val::Str(text)) => text.is_template(),
            ("Origin", Val::Str(text)) => text.place().is_some(),
            ("VaultedValue", Val::Str(text)) => text.is_encrypted() || text.is_secret(),
            _ => false,
        })
    }),
    Test::lenient("defined", &[], |_, value, _| is_defined(value)),
    Test::lenient("undefined", &[], |_, value, _| Ok(!is_defined(value)?)),
    Test::new("none", &[], |_, value, _| Ok(matches!(value, Val::None))),
    Test::new("boolean", &[], |_, value, _| Ok(matches!(value, Val::Bool(_)))),
    Test::new("true", &[], |_, value, _| Ok(matches!(value, Val::Bool(true)))),
    Test::new("false", &[], |_, value, _| Ok(matches!(value, Val::Bool(false)))),
    Test::new("integer", &[], |_, value, _| Ok(matches!(value, Val::Int(_)))),
    Test::new("float", &[], |_, value, _| Ok(matches!(value, Val::Float(_)))),
    Test::new("number", &[], |_, value, _| Ok(value.is_number())),
    Test::new("string", &[], |_, value, _| Ok(matches!(value, Val::Str(_)))),
    Test::new("mapping", &[], |ev, value, _| Ok(ev.mapping(value)?.is_some())),
    Test::new("sequence", &[], |ev, value, _| Ok(ev.length(value).is_ok())),
    Test::new("iterable", &[], |ev, value, _| Ok(is_iterable(ev, value))),
    Test::new("callable", &[], |_, value, _| {
        Ok(matches!(value, Val::Object(object) if object.is_callable()))
    }),
    Test::new("sameas", &["other"], |_, value, args| Ok(same(value, &args.val(0)))),
    Test::new("escaped", &[], |_, _, _| Ok(false)),
    Test::new("filter", &[], |ev, value, _| is_plugin(ev, value, |name| ev.engine.filter(name).is_some())),
    Test::new("test", &[], |ev, value, _| is_plugin(ev, value, |name| ev.engine.test(name).is_some())),
    Test::new("odd", &[], |ev, value, _| leaves(ev, value, &Val::Int(2), 1)),
    Test::new("even", &[], |ev, value, _| leaves(ev, value, &Val::Int(2), 0)),
    Test::new("divisibleby", &["num"], |ev, value, args| leaves(ev, value, &args.val(0), 0)),
    Test::new("lower", &[], |ev, value, _| is_case(ev, value, char::is_lowercase, char::is_uppercase)),
    Test::new("upper", &[], |ev, value, _| is_case(ev, value, char::is_uppercase, char::is_lowercase)),
    Test::new("in", &["seq"], |ev, value, args| contains(ev, &args.val(0), value)),
    Test::new("contains", &["value"], |ev, value, args| {
        if let Val::List(_) = value {
            rendered(ev, value)?;
        }
        let found = contains(ev, value, &args.val(0))?;
        if !found {
            rendered(ev, &args.val(0))?;
        }
        Ok(found)
    }),
    Test::new("eq", &["other"], |ev, a, b| equals(ev, a, &b.val(0))),
    Test::new("equalto", &["other"], |ev, a, b| equals(ev, a, &b.val(0))),
    Test::new("==", &["other"], |ev, a, b| equals(ev, a, &b.val(0))),
    Test::new("ne", &["other"], |ev, a, b| differs(ev, a, &b.val(0))),
    Test::new("!=", &["other"], |ev, a, b| differs(ev, a, &b.val(0))),
    Test::new("lt", &["other"], |ev, a, b| ev.holds(Comparison::Lt, a, &b.val(0))),
    Test::new("lessthan", &["other"], |ev, a, b| ev.holds(Comparison::Lt, a, &b.val(0))),
    Test::new("<", &["other"], |ev, a, b| ev.holds(Comparison::Lt, a, &b.val(0))),
    Test::new("le", &["other"], |ev, a, b| ev.holds(Comparison::Le, a, &b.val(0))),
    Test::new("<=", &["other"], |ev, a, b| ev.holds(Comparison::Le, a, &b.val(0))),
    Test::new("gt", &["other"], |ev, a, b| ev.holds(Comparison::Gt, a, &b.val(0))),
    Test::new("greaterthan", &["other"], |ev, a, b| ev.holds(Comparison::Gt, a, &b.val(0))),
    Test::new(">", &["other"], |ev, a, b| ev.holds(Comparison::Gt, a, &b.val(0))),
    Test::new("ge", &["other"], |ev, a, b| ev.holds(Comparison::Ge, a, &b.val(0))),
    Test::new(">=", &["other"], |ev, a, b| ev.holds(Comparison::Ge, a, &b.val(0))),
    Test::new("truthy", &["convert_bool?"], truthy),
    Test::new("falsy", &["convert_bool?"], |ev, value, args| Ok(!truthy(ev, value, args)?)),
    Test::new("all", &[], |ev, value, _| every(ev, value, true)),
    Test::new("any", &[], |ev, value, _| Ok(!every(ev, value, false)?)),
    Test::new("subset", &["other"], |ev, a, b| subset(ev, a, &b.val(0))),
    Test::new("issubset", &["other"], |ev, a, b| subset(ev, a, &b.val(0))),
    Test::new("superset", &["other"], |ev, a, b| subset(ev, &b.val(0), a)),
    Test::new("issuperset", &["other"], |ev, a, b| subset(ev, &b.val(0), a)),
    Test::new("nan", &[], |_, value, _| Ok(value.as_float().is_some_and(f64::is_nan))),
    Test::new("isnan", &[], |_, value, _| Ok(value.as_float().is_some_and(f64::is_nan))),
];

fn is_defined(value: &Val) -> Res<bool> {
    if value.is_undefined() {
        return Ok(false);
    }
    value.check()?;
    Ok(true)
}

fn is_iterable(ev: &Eval<'_>, value: &Val) -> bool {
    match value {
        Val::Str(_) | Val::List(_) | Val::Tuple(_) | Val::Dict(_) => true,
        Val::Object(object) => matches!(&**object, Object::Range(..)) || ev.items_loose(value).is_ok(),
        _ => false,
    }
}

fn same(a: &Val, b: &Val) -> bool {
    match (a, b) {
        (Val::None, Val::None) => true,
        (Val::Bool(a), Val::Bool(b)) => a == b,
        (Val::Int(a), Val::Int(b)) => a == b,
        (Val::Str(a), Val::Str(b)) => std::ptr::eq(a.as_str(), b.as_str()) || a == b,
        (Val::List(a), Val::List(b)) => std::rc::Rc::ptr_eq(a, b),
        (Val::Dict(a), Val::Dict(b)) => std::rc::Rc::ptr_eq(a, b),
        (Val::Object(a), Val::Object(b)) => std::rc::Rc::ptr_eq(a, b),
        _ => false,
    }
}

/// Raises the error of a missing value among the items: plugins of Ansible render a container before they compare it.
fn rendered(ev: &Eval<'_>, value: &Val) -> Res<()> {
    match value {
        Val::List(list) => list.items(ev)?.iter().try_for_each(Val::check),
        Val::Dict(dict) => dict.entries(ev)?.iter().try_for_each(|(_, value)| value.check()),
        _ => Ok(()),
    }
}

fn equals(ev: &Eval<'_>, a: &Val, b: &Val) -> Res<bool> {
    rendered(ev, a)?;
    rendered(ev, b)?;
    ev.holds(Comparison::Eq, a, b)
}

fn differs(ev: &Eval<'_>, a: &Val, b: &Val) -> Res<bool> {
    Ok(!equals(ev, a, b)?)
}

/// Whether a plugin has this name. As Ansible: what is no text, but could be a name in Python's dictionaries, counts as one.
fn is_plugin(ev: &Eval<'_>, value: &Val, known: impl Fn(&str) -> bool) -> Res<bool> {
    if matches!(value, Val::List(_) | Val::Dict(_)) {
        key_of(ev, value)?;
    }
    Ok(value.as_str().is_none_or(known))
}

/// Whether `value % by` is `rest`; texts are formatted, as in Python.
fn leaves(ev: &Eval<'_>, value: &Val, by: &Val, rest: i128) -> Res<bool> {
    equal(ev, &binary(ev, Operator::Rem, value, by)?, &Val::Int(rest))
}

fn is_case(ev: &Eval<'_>, value: &Val, wanted: fn(char) -> bool, other: fn(char) -> bool) -> Res<bool> {
    let text = ev.text(value)?;
    Ok(text.chars().any(wanted) && !text.chars().any(other))
}

fn truthy(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<bool> {
    if args.flag(0, false)? {
        rendered(ev, value)?;
    }
    if args.flag(0, false)?
        && let Some(word) = value.as_str().and_then(|text| match text.trim().to_lowercase().as_str() {
            "y" | "t" => Some(true),
            "n" | "f" => Some(false),
            other => bool_word(other),
        })
    {
        return Ok(word);
    }
    value.truth()
}

/// Whether the truth of every item is this.
fn every(ev: &Eval<'_>, value: &Val, truth: bool) -> Res<bool> {
    for item in ev.items(value)? {
        if item.truth()? != truth {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The items as a set: each must be hashable.
fn set_of(ev: &Eval<'_>, value: &Val) -> Res<HashSet<Key>> {
    ev.items(value)?.iter().map(|item| key_of(ev, item)).collect()
}

fn subset(ev: &Eval<'_>, a: &Val, b: &Val) -> Res<bool> {
    Ok(set_of(ev, a)?.is_subset(&set_of(ev, b)?))
}
