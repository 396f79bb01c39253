//! Filters of ansible.utils that find things in nested data: `to_paths`, `get_path`, `index_of`, `param_list_compare`.

use data::{Key, Text};
use indexmap::IndexMap;

use crate::args::{Args, Bound};
use crate::eval::{Eval, Frame, Out};
use crate::filters::bool_word;
use crate::filters::keys::list_of;
use crate::ir::{Arg, Expr, ExprKind, StmtKind, Template};
use crate::lower::Mode;
use crate::methods::sort_by;
use crate::registry::Filter;
use crate::val::{Res, Val, compare, contains, display, equal, fail, key_of, repr};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("ansible.utils.to_paths", &["prepend?", "wantlist?"], |ev, value, args| {
        let mut found = IndexMap::new();
        let name = args.given(0).map(|name| ev.text(name)).transpose()?.filter(|name| !name.is_empty());
        let whole = match name {
            Some(name) => Val::dict(IndexMap::from([(Key::from(name), value.clone())])),
            None => value.clone(),
        };
        let made = match &whole {
            Val::List(list) if list.len() == 0 => whole,
            _ => {
                paths(ev, &whole, None, &mut found)?;
                Val::dict(found)
            }
        };
        wanted(made, flag(ev, args.given(1))?)
    }),
    Filter::new("ansible.utils.get_path", &["path", "wantlist?"], |ev, value, args| {
        let found = get_path(ev, value, &args.text(ev, 0, "")?)?;
        wanted(found, flag(ev, args.given(1))?)
    }),
    Filter::new(
        "ansible.utils.index_of",
        &["test", "value?", "key?", "fail_on_missing?", "wantlist?"],
        index_of,
    ),
    Filter::new("ansible.utils.param_list_compare", &["target"], param_list_compare),
];

fn wanted(value: Val, as_list: bool) -> Res<Val> {
    Ok(if as_list { Val::list(vec![value]) } else { value })
}

/// A boolean argument by Ansible's words.
fn flag(ev: &Eval<'_>, value: Option<&Val>) -> Res<bool> {
    let Some(value) = value else { return Ok(false) };
    let word = ev.text(value)?;
    bool_word(&word).map_or_else(|| fail(format!("'{word}' is not a valid boolean")), Ok)
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Every leaf under its path; empty containers are leaves.
fn paths(ev: &Eval<'_>, value: &Val, name: Option<&Key>, found: &mut IndexMap<Key, Val>) -> Res<()> {
    ev.spend(1, 0)?;
    let place = || match name {
        None => Ok(""),
        Some(name) => {
            name.as_str().map_or_else(|| fail("a path cannot begin with a key that is no text"), Ok)
        }
    };
    let leaf = || name.cloned().unwrap_or_else(|| Key::from(""));
    ev.deeper(|| match value {
        Val::Dict(dict) if dict.len() > 0 => {
            for (key, value) in dict.rendered(ev)? {
                let next = match (place()?, key.as_str()) {
                    ("", _) => key.clone(),
                    (before, Some(key)) if is_identifier(key) => Key::from(format!("{before}.{key}")),
                    (before, Some(key)) => Key::from(format!("{before}['{key}']")),
                    (_, None) => {
                        return fail("expected string or bytes-like object, got a key that is no text");
                    }
                };
                paths(ev, &value, Some(&next), found)?;
            }
            Ok(())
        }
        Val::List(list) if list.len() > 0 => {
            for (at, item) in list.items(ev)?.iter().enumerate() {
                item.check()?;
                paths(ev, item, Some(&Key::from(format!("{}[{at}]", place()?))), found)?;
            }
            Ok(())
        }
        Val::Dict(_) if name.is_none() => Ok(()),
        other => {
            found.insert(leaf(), other.clone());
            Ok(())
        }
    })
}

/// The value of an expression that sees the members of a dictionary. It may come from a host, so it cannot call anything.
pub(crate) fn get_path(ev: &Eval<'_>, value: &Val, path: &str) -> Res<Val> {
    let Some(dict) = ev.mapping(value)? else {
        return fail(format!(
            "the members of a {} have no names; get_path needs a dictionary",
            value.type_name()
        ));
    };
    let text = Text::template(format!("{{{{ {path} }}}}"), None);
    let mode = Mode { expression: false, escape_backslashes: true, embedded: false };
    let template = ev.engine.compiled(&text, mode).or_else(|error| fail(error.to_string()))?;
    if !is_harmless(&template) {
        return fail(format!("the path '{path}' may name members and use filters, but call nothing"));
    }
    let frame = Frame::root(template, None);
    for (key, value) in dict.entries(ev)? {
        if let Some(name) = key.as_str() {
            frame.set(&name.into(), value);
        }
    }
    ev.deeper(|| {
        let mut out = Out::of(1);
        ev.run(&frame, &mut out)?;
        Ok(out.finish())
    })
}

/// Whether a template is one expression without calls.
fn is_harmless(template: &Template) -> bool {
    matches!(&template.body[..], [stmt] if matches!(&stmt.kind, StmtKind::Print(expr) if calls_nothing(expr)))
}

fn calls_nothing(expr: &Expr) -> bool {
    let all = |exprs: &[Expr]| exprs.iter().all(calls_nothing);
    let args = |args: &[Arg]| {
        args.iter().all(|arg| match arg {
            Arg::Pos(expr) | Arg::Named(_, expr) | Arg::Splat(expr) | Arg::NamedSplat(expr) => {
                calls_nothing(expr)
            }
        })
    };
    match &expr.kind {
        ExprKind::Call(..) | ExprKind::Embedded(_) => false,
        ExprKind::Const(_) | ExprKind::Var(_) => true,
        ExprKind::Attr(inner, _) | ExprKind::Not(inner) | ExprKind::Neg(inner) | ExprKind::Pos(inner) => {
            calls_nothing(inner)
        }
        ExprKind::Item(a, b) | ExprKind::And(a, b) | ExprKind::Or(a, b) | ExprKind::Binary(_, a, b) => {
            calls_nothing(a) && calls_nothing(b)
        }
        ExprKind::Slice(inner, bounds) => {
            calls_nothing(inner) && bounds.iter().flatten().all(|bound| calls_nothing(bound))
        }
        ExprKind::Concat(parts) | ExprKind::List(parts) | ExprKind::Tuple(parts) => all(parts),
        ExprKind::Compare(first, others) => {
            calls_nothing(first) && others.iter().all(|(_, other)| calls_nothing(other))
        }
        ExprKind::If(condition, value, other) => {
            calls_nothing(condition) && calls_nothing(value) && other.as_deref().is_none_or(calls_nothing)
        }
        ExprKind::Filter(target, _, given) => target.as_deref().is_none_or(calls_nothing) && args(given),
        ExprKind::Test(target, _, given) => calls_nothing(target) && args(given),
        ExprKind::Dict(entries) => {
            entries.iter().all(|(key, value)| calls_nothing(key) && calls_nothing(value))
        }
    }
}

/// `a, b and c`
fn in_words(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

fn index_of(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let items = list_of(ev, value)?;
    let test = args.text(ev, 0, "")?;
    let wanted = args.val(1);
    let mut found = Vec::new();
    if let Some(key) = args.given(2) {
        let mut missing = Vec::new();
        let name = key_of(ev, key)?;
        for (at, item) in items.iter().enumerate() {
            let Some(dict) = ev.mapping(item)? else {
                let types: Vec<String> = items.iter().map(|item| item.type_name().to_owned()).collect();
                return fail(format!(
                    "Error when using plugin 'index_of': When a key name is provided, all list entries are required \
                     to be dictionaries, got {}",
                    in_words(&types)
                ));
            };
            match dict.get(ev, &name)? {
                Some(entry) if holds(ev, &entry, &test, &wanted)? => found.push(Val::from(at)),
                Some(_) => {}
                None => missing.push(format!(
                    "'{}' was not found in '{}' at [{at}]",
                    display(ev, key)?,
                    repr(ev, item)?
                )),
            }
        }
        if flag(ev, args.given(3))? && !missing.is_empty() {
            return fail(format!(
                "Error when using plugin 'index_of': {}. fail_on_missing=True",
                in_words(&missing)
            ));
        }
    } else {
        for (at, item) in items.iter().enumerate() {
            if holds(ev, item, &test, &wanted)? {
                found.push(Val::from(at));
            }
        }
    }
    if found.len() == 1 && !flag(ev, args.given(4))? {
        return Ok(found.remove(0));
    }
    Ok(Val::list(found))
}

/// Whether a test, which `!` or `not` may turn round, holds.
fn holds(ev: &Eval<'_>, item: &Val, test: &str, wanted: &Val) -> Res<bool> {
    ev.spend(1, 0)?;
    let (turned, name) = if let Some(rest) = test.strip_prefix('!') {
        let rest = rest.trim_start_matches('!');
        (true, if rest == "=" { "==" } else { rest })
    } else if let Some(rest) = test.strip_prefix("not ") {
        (true, rest.trim_start())
    } else {
        (false, test)
    };
    if ev.engine.test(name).is_none() {
        return fail(format!("Error when using plugin 'index_of': the test '{name}' was not found."));
    }
    let pos = match wanted {
        Val::None => Vec::new(),
        Val::List(_) => vec![wanted.clone()],
        other if name == "in" => vec![Val::list(vec![other.clone()])],
        other => vec![other.clone()],
    };
    Ok(ev.test(name, item, Args { pos, named: Vec::new() })? != turned)
}

/// Which of the wanted names there are: `all` stands for each, `!name` takes one away.
fn param_list_compare(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let base = list_of(ev, value)?;
    let target = match args.val(0) {
        // As in Ansible, text is its characters here.
        text @ Val::Str(_) => ev.items(&text)?,
        other => list_of(ev, &other)?,
    };
    let (mut all, mut taken, mut named, mut unsupported) = (false, Vec::new(), Vec::new(), Vec::new());
    let known = Val::list(base.clone());
    for item in target {
        let Some(text) = item.as_str() else {
            return fail(format!("'{}' object has no attribute 'startswith'", item.type_name()));
        };
        if text == "all" {
            all = true;
        } else if let Some(name) = text.strip_prefix('!') {
            taken.push(Val::from(name));
        } else if contains(ev, &known, &item)? {
            named.push(item);
        } else {
            unsupported.push(item);
        }
    }
    let mut combined = if all { base } else { Vec::new() };
    for name in taken {
        let mut at = 0;
        while at < combined.len() && !equal(ev, &combined[at], &name)? {
            at += 1;
        }
        if at < combined.len() {
            combined.remove(at);
        }
    }
    for name in named {
        if !contains(ev, &Val::list(combined.clone()), &name)? {
            combined.push(name);
        }
    }
    sort_by(&mut combined, false, |a, b| compare(ev, a, b, "<"))?;
    Ok(Val::dict(IndexMap::from([
        (Key::from("actionable"), Val::list(combined)),
        (Key::from("unsupported"), Val::list(unsupported)),
    ])))
}
