//! Jinja's filters over text.

use crate::args::{Args, Bound};
use crate::eval::{Eval, format_percent};
use crate::methods;
use crate::registry::Filter;
use crate::val::{Res, Val, fail};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("upper", &[], |ev, value, _| Ok(Val::from(ev.text(value)?.to_uppercase()))),
    Filter::new("lower", &[], |ev, value, _| Ok(Val::from(ev.text(value)?.to_lowercase()))),
    Filter::new("capitalize", &[], |ev, value, _| method(ev, value, "capitalize", Vec::new())),
    Filter::new("title", &[], |ev, value, _| Ok(Val::from(title(&ev.text(value)?)))),
    Filter::new("trim", &["chars?"], |ev, value, args| {
        method(ev, value, "strip", args.get(0).cloned().into_iter().collect())
    }),
    Filter::new("replace", &["old", "new", "count?"], replace),
    Filter::new("center", &["width?"], |ev, value, args| {
        method(ev, value, "center", vec![Val::Int(args.int(0, 80)?)])
    }),
    Filter::new("indent", &["width?", "first?", "blank?"], indent),
    Filter::new("truncate", &["length?", "killwords?", "end?", "leeway?"], truncate),
    Filter::new("wordcount", &[], |ev, value, _| Ok(Val::from(wordcount(&ev.text(value)?)))),
    Filter::new(
        "wordwrap",
        &["width?", "break_long_words?", "wrapstring?", "break_on_hyphens?"],
        crate::filters::wrap::wordwrap,
    ),
    Filter::new("pprint", &[], |ev, value, _| Ok(Val::from(crate::val::repr(ev, value)?))),
    Filter::new("format", &["*rest", "**named"], format),
    Filter::new("split", &["sep?", "maxsplit?"], |ev, value, args| match value {
        Val::Str(_) => {
            method(ev, value, "split", [args.val(0), args.get(1).cloned().unwrap_or(Val::Int(-1))].to_vec())
        }
        other => fail(format!(
            "descriptor 'split' for 'str' objects doesn't apply to a '{}' object",
            other.type_name()
        )),
    }),
];

/// Calls a method of a value's text.
fn method(ev: &Eval<'_>, value: &Val, name: &str, pos: Vec<Val>) -> Res<Val> {
    let text = match value {
        Val::Str(_) => value.clone(),
        other => Val::from(ev.text(other)?),
    };
    methods::call(ev, &text, &name.into(), Args { pos, named: Vec::new() })
}

/// Jinja's title case: words begin after blanks, hyphens and opening brackets only.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut start = true;
    for c in text.chars() {
        if start {
            out.extend(c.to_uppercase())
        } else {
            out.extend(c.to_lowercase())
        }
        start = c.is_whitespace() || matches!(c, '-' | '(' | '{' | '[' | '<');
    }
    out
}

fn replace(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let text = |value: &Val| ev.text(value).map(Val::from);
    let mut pos = vec![text(&args.val(0))?, text(&args.val(1))?];
    pos.extend(args.given(2).cloned());
    method(ev, value, "replace", pos)
}

fn need_text<'v>(value: &'v Val, what: &str) -> Res<&'v str> {
    match value.as_str() {
        Some(text) => Ok(text),
        None => fail(format!("{what} needs text, not '{}'", value.type_name())),
    }
}

fn indent(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let text = need_text(value, "indent")?;
    let by = match args.get(0) {
        Some(Val::Str(by)) => by.to_string(),
        _ => " ".repeat(usize::try_from(args.int(0, 4)?).unwrap_or(0).min(100_000)),
    };
    let (first, blank) = (args.flag(1, false)?, args.flag(2, false)?);
    let mut out = String::new();
    for (at, line) in methods::lines(&format!("{text}\n"), false).iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        if if at == 0 { first } else { blank || !line.is_empty() } {
            out.push_str(&by);
        }
        out.push_str(line);
        ev.spend(1, out.len())?;
    }
    Ok(Val::from(out))
}

fn truncate(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let (length, end, leeway) = (args.int(0, 255)?, args.text(ev, 2, "...")?, args.given(3));
    let leeway = if leeway.is_some() { args.int(3, 5)? } else { 5 };
    let end_length = end.chars().count() as i128;
    if length < end_length {
        return fail(format!("expected length >= {end_length}, got {length}"));
    }
    if leeway < 0 {
        return fail(format!("expected leeway >= 0, got {leeway}"));
    }
    if ev.length(value)? as i128 <= length + leeway {
        return Ok(value.clone());
    }
    let text = need_text(value, "truncate")?;
    let kept: String = text.chars().take((length - end_length) as usize).collect();
    if args.flag(1, false)? {
        return Ok(Val::from(kept + &end));
    }
    let words = kept.rsplit_once(' ').map_or(kept.as_str(), |(words, _)| words);
    Ok(Val::from(format!("{words}{end}")))
}

fn wordcount(text: &str) -> usize {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).count()
}

fn format(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    if !args.rest.is_empty() && !args.named.is_empty() {
        return fail("can't handle positional and keyword arguments at the same time");
    }
    let operand = if args.named.is_empty() {
        Val::tuple(args.rest.clone())
    } else {
        Val::dict(args.named.iter().map(|(name, value)| (data::Key::from(&**name), value.clone())).collect())
    };
    Ok(Val::from(format_percent(ev, &ev.text(value)?, &operand)?))
}
