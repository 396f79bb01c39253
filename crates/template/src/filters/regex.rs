//! Filters with regular expressions, in Python's form.

use data::pattern::{Pattern, PatternError, PatternFlags};

use crate::args::Bound;
use crate::error::{ErrorKind, TemplateError};
use crate::eval::Eval;
use crate::registry::Filter;
use crate::val::{Res, Val, fail};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new(
        "regex_replace",
        &["pattern?", "replacement?", "ignorecase?", "multiline?", "count?", "mandatory_count?"],
        regex_replace,
    ),
    Filter::new("regex_search", &["regex", "*rest", "**named"], regex_search),
    Filter::new("regex_findall", &["regex", "multiline?", "ignorecase?"], regex_findall),
    Filter::new("regex_escape", &["re_type?"], regex_escape),
];

fn error(error: PatternError) -> TemplateError {
    TemplateError::new(ErrorKind::Operation(error.to_string()))
}

/// The compiled form of a pattern.
fn pattern(ev: &Eval<'_>, pattern: &Val, ignore_case: bool, multiline: bool) -> Res<Pattern> {
    compiled(ev, pattern, PatternFlags { ignore_case, multiline, ..PatternFlags::default() })
}

/// The compiled form of a pattern with these flags.
pub(crate) fn compiled(ev: &Eval<'_>, pattern: &Val, flags: PatternFlags) -> Res<Pattern> {
    let Some(text) = pattern.as_str() else {
        return fail("first argument must be string or compiled pattern");
    };
    ev.engine.pattern(text, flags).map_err(error)
}

/// Whether a pattern matches anywhere, or at the start.
pub(crate) fn matches(pattern: &Pattern, text: &str, at_start: bool) -> Res<bool> {
    let Some(found) = pattern.search(text).map_err(error)? else { return Ok(false) };
    Ok(!at_start || found.get(0).is_some_and(|whole| whole.start() == 0))
}

fn regex_replace(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let text = ev.text(value)?;
    let regex = pattern(
        ev,
        &args.get(0).cloned().unwrap_or_else(|| Val::from("")),
        args.flag(2, false)?,
        args.flag(3, false)?,
    )?;
    let replacement = match args.get(1) {
        None => String::new(),
        Some(Val::Str(text)) => text.to_string(),
        Some(other) => {
            return fail(format!("decoding to str: need a bytes-like object, {} found", other.type_name()));
        }
    };
    let limit = usize::try_from(args.int(4, 0)?).unwrap_or(0);
    let most = ev.engine.limits().output;
    let Some((out, count)) = regex.replace_within(&text, &replacement, limit, most).map_err(error)? else {
        let message = format!("the template makes more than {most} bytes");
        return Err(TemplateError::new(ErrorKind::Limit(message)));
    };
    let wanted = args.int(5, 0)?;
    if wanted != 0 && wanted != count as i128 {
        let shown = args.text(ev, 0, "")?;
        return fail(format!("'{shown}' should match {wanted} times, but matches {limit} times in '{text}'"));
    }
    ev.spend(1, out.len())?;
    Ok(Val::from(out))
}

fn regex_search(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let text = ev.text(value)?;
    let named = |name: &str| {
        args.named.iter().find(|(known, _)| &**known == name).map_or(Ok(false), |(_, value)| value.truth())
    };
    // Names and numbers; `\g<1>` names a group `1`, which there is none of.
    let mut groups: Vec<Result<usize, String>> = Vec::new();
    for arg in &args.rest {
        let Some(group) = arg.as_str() else {
            return fail(format!("'{}' object has no attribute 'startswith'", arg.type_name()));
        };
        if let Some(name) = group.strip_prefix("\\g<").and_then(|rest| rest.strip_suffix('>')) {
            groups.push(Err(name.to_owned()));
        } else if let Some(number) =
            group.strip_prefix('\\').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        {
            let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
            groups.push(Ok(digits.parse().unwrap_or(usize::MAX)));
        } else {
            return fail("Unknown argument");
        }
    }
    let regex = pattern(ev, &args.val(0), named("ignorecase")?, named("multiline")?)?;
    let Some(found) = regex.search(&text).map_err(error)? else { return Ok(Val::None) };
    if groups.is_empty() {
        return Ok(Val::from(found.get(0).map_or("", |whole| whole.as_str())));
    }
    let mut items = Vec::new();
    for group in groups {
        let part = match group {
            Ok(number) if number < found.len() => found.get(number),
            Err(group) if regex.regex().capture_names().flatten().any(|name| name == group) => {
                found.name(&group)
            }
            _ => return fail("no such group"),
        };
        items.push(part.map_or(Val::None, |part| Val::from(part.as_str())));
    }
    Ok(Val::list(items))
}

fn regex_findall(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let text = ev.text(value)?;
    let regex = pattern(ev, &args.val(0), args.flag(2, false)?, args.flag(1, false)?)?;
    let mut items = Vec::new();
    // Groups that look ahead may hold the same text again and again.
    let mut size = 0;
    regex
        .each(&text, |found| {
            let part = |at: usize| found.get(at).map_or("", |part| part.as_str());
            let wanted = if found.len() == 1 { 0..1 } else { 1..found.len() };
            size += wanted.clone().map(|at| part(at).len()).sum::<usize>();
            ev.spend(1, size)?;
            let mut parts: Vec<Val> = wanted.map(|at| Val::from(part(at))).collect();
            items.push(if parts.len() == 1 { parts.remove(0) } else { Val::tuple(parts) });
            Ok(())
        })
        .map_err(error)??;
    Ok(Val::list(items))
}

fn regex_escape(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let text = ev.text(value)?;
    let special = match args.text(ev, 0, "python")?.as_str() {
        "python" => "()[]{}?*+-|^$\\.&~# \t\n\r\x0b\x0c",
        "posix_basic" => "].[^$*\\",
        "posix_extended" => return fail("Regex type (posix_extended) not yet implemented"),
        other => return fail(format!("Invalid regex type ({other})")),
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    Ok(Val::from(out))
}
