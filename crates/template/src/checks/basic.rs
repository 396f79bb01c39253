//! Jinja's tests, and Ansible's tests of task results and sets.

use crate::args::Bound;
use crate::eval::Eval;
use crate::filters::bool_word;
use crate::ir::Comparison;
use crate::registry::Test;
use crate::val::{Object, Res, Val, contains, equal, fail};

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
    Test::new("filter", &[], |ev, value, _| {
        Ok(value.as_str().is_some_and(|name| ev.engine.filter(name).is_some()))
    }),
    Test::new("test", &[], |ev, value, _| {
        Ok(value.as_str().is_some_and(|name| ev.engine.test(name).is_some()))
    }),
    Test::new("odd", &[], |_, value, _| Ok(remainder(value, &Val::Int(2))? == 1)),
    Test::new("even", &[], |_, value, _| Ok(remainder(value, &Val::Int(2))? == 0)),
    Test::new("divisibleby", &["num"], |_, value, args| Ok(remainder(value, &args.val(0))? == 0)),
    Test::new("lower", &[], |ev, value, _| is_case(ev, value, char::is_lowercase, char::is_uppercase)),
    Test::new("upper", &[], |ev, value, _| is_case(ev, value, char::is_uppercase, char::is_lowercase)),
    Test::new("in", &["seq"], |ev, value, args| contains(ev, &args.val(0), value)),
    Test::new("contains", &["value"], |ev, value, args| contains(ev, value, &args.val(0))),
    Test::new("eq", &["other"], |ev, a, b| ev.holds(Comparison::Eq, a, &b.val(0))),
    Test::new("equalto", &["other"], |ev, a, b| ev.holds(Comparison::Eq, a, &b.val(0))),
    Test::new("==", &["other"], |ev, a, b| ev.holds(Comparison::Eq, a, &b.val(0))),
    Test::new("ne", &["other"], |ev, a, b| ev.holds(Comparison::Ne, a, &b.val(0))),
    Test::new("!=", &["other"], |ev, a, b| ev.holds(Comparison::Ne, a, &b.val(0))),
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

fn remainder(value: &Val, by: &Val) -> Res<i128> {
    match (value.as_int(), by.as_int()) {
        (Some(_), Some(0)) => fail("integer modulo by zero"),
        (Some(value), Some(by)) => Ok(value.rem_euclid(by)),
        _ => match (value.as_float(), by.as_float()) {
            (Some(value), Some(by)) if by != 0.0 => {
                let rest = value - by * (value / by).floor();
                Ok(if rest == 0.0 {
                    0
                } else if rest == 1.0 {
                    1
                } else {
                    -1
                })
            }
            _ => fail(format!(
                "unsupported operand type(s) for %: '{}' and '{}'",
                value.type_name(),
                by.type_name()
            )),
        },
    }
}

fn is_case(ev: &Eval<'_>, value: &Val, wanted: fn(char) -> bool, other: fn(char) -> bool) -> Res<bool> {
    let text = ev.text(value)?;
    Ok(text.chars().any(wanted) && !text.chars().any(other))
}

fn truthy(_: &Eval<'_>, value: &Val, args: &Bound) -> Res<bool> {
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

fn subset(ev: &Eval<'_>, a: &Val, b: &Val) -> Res<bool> {
    let others = ev.items(b)?;
    for item in ev.items(a)? {
        let mut found = false;
        for other in &others {
            found = found || equal(ev, &item, other)?;
        }
        if !found {
            return Ok(false);
        }
    }
    Ok(true)
}
