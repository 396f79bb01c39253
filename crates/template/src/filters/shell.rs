//! Filters that prepare text for other places: `quote`, `comment`, and dates.

use crate::args::Bound;
use crate::eval::Eval;
use crate::methods::{c_locale, parse_moment, strftime};
use crate::registry::Filter;
use crate::val::{Moment, Object, Res, Val, fail};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("quote", &[], |ev, value, _| match value {
        Val::None => Ok(Val::from("''")),
        other => Ok(Val::from(quote(&ev.text(other)?))),
    }),
    Filter::new(
        "comment",
        &[
            "style?",
            "*",
            "decoration?",
            "newline?",
            "beginning?",
            "prefix?",
            "prefix_count?",
            "postfix?",
            "postfix_count?",
            "end?",
        ],
        comment,
    ),
    Filter::new("strftime", &["second?", "utc?"], strftime_filter),
    Filter::new("to_datetime", &["format?"], to_datetime),
];

/// Python's `shlex.quote`.
pub(crate) fn quote(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "@%_-+=:,./".contains(c);
    if text.is_empty() {
        "''".to_owned()
    } else if text.chars().all(safe) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\"'\"'"))
    }
}

fn comment(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let Val::Str(text) = value else {
        return fail(format!("'{}' object has no attribute 'replace'", value.type_name()));
    };
    let style = args.text(ev, 0, "plain")?;
    let (beginning, decoration, end) = match style.as_str() {
        "plain" => ("", "# ", ""),
        "erlang" => ("", "% ", ""),
        "c" => ("", "// ", ""),
        "cblock" => ("/*", " * ", " */"),
        "xml" => ("<!--", " - ", "-->"),
        _ => return fail(format!("Invalid style '{style}'.")),
    };
    let decoration = args.text(ev, 1, decoration)?;
    let newline = args.text(ev, 2, "\n")?;
    let beginning = args.text(ev, 3, beginning)?;
    let prefix = args.text(ev, 4, decoration.trim_end())?;
    let postfix = args.text(ev, 6, decoration.trim_end())?;
    let count =
        |index: usize| -> Res<usize> { Ok(usize::try_from(args.int(index, 1)?).unwrap_or(0).min(10_000)) };
    let end = args.text(ev, 8, end)?;
    let mut out = String::new();
    if !beginning.is_empty() {
        out = beginning + &newline;
    }
    if !prefix.is_empty() {
        let line = if prefix == newline { newline.clone() } else { format!("{prefix}{newline}") };
        out.push_str(&line.repeat(count(5)?));
    }
    let body = format!("{decoration}{}", text.replace(&newline, &format!("{newline}{decoration}")));
    out.push_str(
        &body.replace(&format!("{decoration}{newline}"), &format!("{}{newline}", decoration.trim_end())),
    );
    for _ in 0..count(7)? {
        out.push_str(&newline);
        out.push_str(&postfix);
    }
    if !end.is_empty() {
        out.push_str(&newline);
        out.push_str(&end);
    }
    Ok(Val::from(out))
}

fn strftime_filter(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let Val::Str(format) = value else {
        return fail(format!("strftime() argument 1 must be str, not {}", value.type_name()));
    };
    let zone = if args.flag(1, false)? { jiff::tz::TimeZone::UTC } else { jiff::tz::TimeZone::system() };
    let stamp = match args.given(0) {
        None => jiff::Timestamp::now(),
        Some(second) => {
            let number = match second {
                Val::Str(text) => crate::filters::parse_float(text),
                other => other.as_float(),
            };
            let stamp = number.and_then(|number| jiff::Timestamp::from_second(number.floor() as i64).ok());
            match stamp {
                Some(stamp) => stamp,
                None => return fail(format!("Invalid value for epoch value ({})", ev.text(second)?)),
            }
        }
    };
    // Python's gmtime calls its zone GMT.
    let format = if args.flag(1, false)? { c_locale(format).replace("%Z", "GMT") } else { c_locale(format) };
    match jiff::fmt::strtime::format(&format, &stamp.to_zoned(zone)) {
        Ok(text) => Ok(Val::from(text)),
        Err(_) => {
            let time = stamp.to_zoned(jiff::tz::TimeZone::system()).datetime();
            Ok(Val::from(strftime(&Moment { time, offset: None }, &format)?))
        }
    }
}

fn to_datetime(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let Val::Str(text) = value else {
        return fail(format!("strptime() argument 1 must be str, not {}", value.type_name()));
    };
    let format = args.text(ev, 0, "%Y-%m-%d %H:%M:%S")?;
    Ok(Val::object(Object::Moment(parse_moment(text, &format)?)))
}
