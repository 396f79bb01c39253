//! Tests of task results, of patterns and of versions.

use std::cmp::Ordering;

use data::pattern::PatternFlags;

use crate::args::Bound;
use crate::eval::Eval;
use crate::filters::{compiled, matches};
use crate::registry::Test;
use crate::val::{Dict, Res, Val, fail};
use crate::version;

pub(crate) const TESTS: &[Test] = &[
    Test::new("failed", &[], |ev, value, _| truth(ev, value, "failed")),
    Test::new("failure", &[], |ev, value, _| truth(ev, value, "failed")),
    Test::new("succeeded", &[], |ev, value, _| Ok(!truth(ev, value, "failed")?)),
    Test::new("success", &[], |ev, value, _| Ok(!truth(ev, value, "failed")?)),
    Test::new("successful", &[], |ev, value, _| Ok(!truth(ev, value, "failed")?)),
    Test::new("unreachable", &[], |ev, value, _| truth(ev, value, "unreachable")),
    Test::new("reachable", &[], |ev, value, _| Ok(!truth(ev, value, "unreachable")?)),
    Test::new("skipped", &[], |ev, value, _| truth(ev, value, "skipped")),
    Test::new("skip", &[], |ev, value, _| truth(ev, value, "skipped")),
    Test::new("changed", &[], |ev, value, _| changed(ev, value)),
    Test::new("change", &[], |ev, value, _| changed(ev, value)),
    Test::new("started", &[], |ev, value, _| asynchronous(ev, value, "started")),
    Test::new("finished", &[], |ev, value, _| asynchronous(ev, value, "finished")),
    Test::new("timedout", &[], timedout),
    Test::new("match", &["pattern?", "ignorecase?", "multiline?"], |ev, v, a| regex(ev, v, a, "match")),
    Test::new("search", &["pattern?", "ignorecase?", "multiline?"], |ev, v, a| regex(ev, v, a, "search")),
    Test::new("regex", &["pattern?", "ignorecase?", "multiline?", "match_type?"], |ev, value, args| {
        let how = args.text(ev, 3, "search")?;
        regex(ev, value, args, &how)
    }),
    Test::new("version", &["version", "operator?", "strict?", "version_type?"], version_test),
    Test::new("version_compare", &["version", "operator?", "strict?", "version_type?"], version_test),
    // What is opened when it is used keeps the mark of a secret.
    Test::lenient("vault_encrypted", &[], |_, value, _| {
        Ok(match value {
            Val::Str(text) => text.is_secret() || data::vault::is_envelope(text),
            Val::Missing(error) if !error.is_undecryptable() => return Err((**error).clone()),
            other => matches!(other, Val::Missing(_)),
        })
    }),
];

fn result(ev: &Eval<'_>, value: &Val, what: &str) -> Res<std::rc::Rc<Dict>> {
    match ev.mapping(value)? {
        Some(dict) => Ok(dict),
        None => fail(format!("The '{what}' test expects a dictionary")),
    }
}

fn truth(ev: &Eval<'_>, value: &Val, field: &str) -> Res<bool> {
    result(ev, value, field)?.get_str(ev, field)?.map_or(Ok(false), |flag| flag.truth())
}

fn changed(ev: &Eval<'_>, value: &Val) -> Res<bool> {
    let dict = result(ev, value, "changed")?;
    if let Some(flag) = dict.get_str(ev, "changed")? {
        return flag.truth();
    }
    if let Some(Val::List(results)) = dict.get_str(ev, "results")? {
        for one in results.items(ev)? {
            if let Some(one) = ev.mapping(&one)?
                && let Some(flag) = one.get_str(ev, "changed")?
                && flag.truth()?
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn asynchronous(ev: &Eval<'_>, value: &Val, what: &str) -> Res<bool> {
    match result(ev, value, what)?.get_str(ev, what)? {
        Some(flag) => flag.truth(),
        None => {
            ev.warn(&format!("The '{what}' test expects an async task, but a non-async task was tested"));
            Ok(true)
        }
    }
}

fn timedout(ev: &Eval<'_>, value: &Val, _: &Bound) -> Res<bool> {
    let Some(state) = result(ev, value, "timedout")?.get_str(ev, "timedout")? else { return Ok(false) };
    match ev.mapping(&state)? {
        Some(state) => state.get_str(ev, "period")?.map_or(Ok(false), |period| period.truth()),
        None => Ok(false),
    }
}

fn regex(ev: &Eval<'_>, value: &Val, args: &Bound, how: &str) -> Res<bool> {
    let text = ev.text(value)?;
    let wanted = args.get(0).cloned().unwrap_or_else(|| Val::from(""));
    let (ignore_case, multiline) = (args.flag(1, false)?, args.flag(2, false)?);
    let flags = PatternFlags { ignore_case, multiline, whole: how == "fullmatch", ..PatternFlags::default() };
    matches(&compiled(ev, &wanted, flags)?, &text, how == "match")
}

fn version_test(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<bool> {
    if args.given(2).is_some() && args.given(3).is_some() {
        return fail("Cannot specify both 'strict' and 'version_type'");
    }
    if !value.truth()? {
        return fail("Input version value cannot be empty");
    }
    if !args.val(0).truth()? {
        return fail("Version parameter to compare against cannot be empty");
    }
    let kind = match args.given(3) {
        Some(kind) => ev.text(kind)?,
        None if args.flag(2, false)? => "strict".to_owned(),
        None => "loose".to_owned(),
    };
    let holds: fn(Ordering) -> bool = match args.text(ev, 1, "eq")?.as_str() {
        "==" | "=" | "eq" => Ordering::is_eq,
        "<" | "lt" => Ordering::is_lt,
        "<=" | "le" => Ordering::is_le,
        ">" | "gt" => Ordering::is_gt,
        ">=" | "ge" => Ordering::is_ge,
        "!=" | "<>" | "ne" => Ordering::is_ne,
        other => return fail(format!("Invalid operator type ({other})")),
    };
    match version::compare(&ev.text(value)?, &ev.text(&args.val(0))?, &kind) {
        Ok(order) => Ok(holds(order)),
        Err(message) => fail(message),
    }
}
