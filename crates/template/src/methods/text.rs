//! Methods of strings. Positions count characters, as in Python.

use data::{Key, Text};
use indexmap::IndexMap;

use crate::args::Args;
use crate::eval::Eval;
use crate::methods::format_text;
use crate::val::{Object, Res, Val, fail};

pub(crate) const METHODS: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];

pub(crate) fn call(ev: &Eval<'_>, text: &Text, name: &str, args: Args) -> Res<Val> {
    let chars = text.as_str();
    if (name.starts_with("is")
        || matches!(name, "lower" | "upper" | "casefold" | "capitalize" | "title" | "swapcase"))
        && !(args.pos.is_empty() && args.named.is_empty())
    {
        return fail(format!(
            "str.{name}() takes no arguments ({} given)",
            args.pos.len() + args.named.len()
        ));
    }
    Ok(match name {
        "lower" => Val::from(chars.to_lowercase()),
        "upper" => Val::from(chars.to_uppercase()),
        "casefold" => Val::from(chars.chars().map(case_folded).collect::<String>()),
        "capitalize" => Val::from(capitalize(chars)),
        "title" => Val::from(title(chars)),
        "swapcase" => Val::from(chars.chars().flat_map(swap_case).collect::<String>()),
        "strip" | "lstrip" | "rstrip" => strip(name, chars, args)?,
        "startswith" | "endswith" => affix(ev, name, chars, args)?,
        "removeprefix" | "removesuffix" => {
            let part = only_text(name, args)?;
            let rest =
                if name == "removeprefix" { chars.strip_prefix(&*part) } else { chars.strip_suffix(&*part) };
            Val::from(rest.unwrap_or(chars))
        }
        "split" | "rsplit" => split(name, chars, args)?,
        "splitlines" => {
            let bound = args.bind(name, &["keepends?"])?;
            let keep = bound.flag(0, false)?;
            Val::list(lines(chars, keep).into_iter().map(Val::from).collect())
        }
        "partition" | "rpartition" => partition(name, chars, &only_text(name, args)?)?,
        "replace" => {
            let bound = args.bind(name, &["old", "new", "count?"])?;
            let (old, new) = (need_text(name, &bound.val(0))?, need_text(name, &bound.val(1))?);
            let count = bound.int(2, -1)?;
            ev.spend(1, chars.len().saturating_mul(new.len().max(1)))?;
            Val::from(match usize::try_from(count) {
                Ok(count) => chars.replacen(&*old, &new, count),
                Err(_) => chars.replace(&*old, &new),
            })
        }
        "join" => {
            let [items] = args.exactly(name)?;
            let mut whole = String::new();
            for (at, item) in ev.items(&items)?.iter().enumerate() {
                if at > 0 {
                    whole.push_str(chars);
                }
                match item {
                    Val::Str(part) => whole.push_str(part),
                    other => {
                        let kind = other.type_name();
                        return fail(format!("sequence item {at}: expected str instance, {kind} found"));
                    }
                }
                ev.spend(1, whole.len())?;
            }
            Val::from(whole)
        }
        "count" | "find" | "rfind" | "index" | "rindex" => search(name, chars, args)?,
        "center" | "ljust" | "rjust" | "zfill" => justify(name, chars, args)?,
        "expandtabs" => {
            let bound = args.bind(name, &["tabsize?"])?;
            let size = usize::try_from(bound.int(0, 8)?).unwrap_or(0);
            let tabs = chars.bytes().filter(|byte| *byte == b'\t').count();
            ev.spend(0, tabs.saturating_mul(size).saturating_add(chars.len()))?;
            Val::from(expand_tabs(chars, size))
        }
        "format" => Val::from(format_text(ev, chars, &args)?),
        "format_map" => {
            let [map] = args.exactly(name)?;
            let mut args = Args::default();
            if let Some(map) = ev.mapping(&map)? {
                for (key, value) in map.entries(ev)? {
                    args.named.push((key.to_string().into(), value));
                }
            }
            Val::from(format_text(ev, chars, &args)?)
        }
        "translate" => {
            let [table] = args.exactly(name)?;
            Val::from(translate(ev, chars, &table)?)
        }
        "maketrans" => make_table(args)?,
        "encode" => Val::object(Object::Bytes(chars.as_bytes().to_vec())),
        _ => Val::Bool(is(name, chars)),
    })
}

/// `str.translate(table)`: the table has code points as keys, and code points, text or none as values.
fn translate(ev: &Eval<'_>, chars: &str, table: &Val) -> Res<String> {
    let Some(table) = ev.mapping(table)? else {
        return fail(format!("'{}' object is not subscriptable", table.type_name()));
    };
    let mut out = String::with_capacity(chars.len());
    for c in chars.chars() {
        match table.get(ev, &Key::Int(i128::from(u32::from(c))))? {
            None => out.push(c),
            Some(Val::None) => {}
            Some(Val::Str(text)) => out.push_str(&text),
            Some(other) => {
                match other.as_int().and_then(|code| u32::try_from(code).ok()).and_then(char::from_u32) {
                    Some(c) => out.push(c),
                    None => return fail("character mapping must return integer, None or str"),
                }
            }
        }
    }
    ev.spend(1, out.len())?;
    Ok(out)
}

/// `str.maketrans`: of two texts of one length, and of a third whose characters go.
fn make_table(args: Args) -> Res<Val> {
    let code = |c: char| Key::Int(i128::from(u32::from(c)));
    let mut table = IndexMap::new();
    if args.pos.len() == 1 {
        // Python takes a dictionary here, but not one of Ansible's.
        return fail("if you give only one argument to maketrans it must be a dict");
    }
    let bound = args.bind("maketrans", &["x", "y", "z?"])?;
    let (from, to) = (need_text("maketrans", &bound.val(0))?, need_text("maketrans", &bound.val(1))?);
    if from.chars().count() != to.chars().count() {
        return fail("the first two maketrans arguments must have equal length");
    }
    for (a, b) in from.chars().zip(to.chars()) {
        table.insert(code(a), Val::Int(i128::from(u32::from(b))));
    }
    if let Some(gone) = bound.given(2) {
        for c in need_text("maketrans", gone)?.chars() {
            table.insert(code(c), Val::None);
        }
    }
    Ok(Val::dict(table))
}

fn only_text(name: &str, args: Args) -> Res<Text> {
    let [value] = args.exactly(name)?;
    need_text(name, &value)
}

fn need_text(name: &str, value: &Val) -> Res<Text> {
    match value {
        Val::Str(text) => Ok(text.clone()),
        Val::Missing(error) => Err((**error).clone()),
        other => fail(format!("{name}() argument must be str, not {}", other.type_name())),
    }
}

fn capitalize(chars: &str) -> String {
    let mut rest = chars.chars();
    match rest.next() {
        Some(first) => first.to_uppercase().chain(rest.as_str().to_lowercase().chars()).collect(),
        None => String::new(),
    }
}

/// Python's `str.title`: letters after anything that is no letter are capitals.
pub(crate) fn title(chars: &str) -> String {
    let mut out = String::with_capacity(chars.len());
    let mut inside = false;
    for c in chars.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            // A letter of two capitals (ß) keeps only the first.
            let mut capitals = c.to_uppercase();
            out.extend(capitals.next());
            out.extend(capitals.flat_map(char::to_lowercase));
        }
        inside = c.is_alphabetic();
    }
    out
}

/// Unicode's case folding: by way of the capitals, which opens ligatures; only the i without a dot stays.
fn case_folded(c: char) -> String {
    if c == 'ı' { c.to_string() } else { c.to_uppercase().flat_map(char::to_lowercase).collect() }
}

fn swap_case(c: char) -> Vec<char> {
    if c.is_uppercase() { c.to_lowercase().collect() } else { c.to_uppercase().collect() }
}

/// The characters that Python's `strip()` and `split()` take as blanks.
pub(crate) fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

fn strip(name: &str, chars: &str, args: Args) -> Res<Val> {
    let bound = args.bind(name, &["chars?"])?;
    let set = match bound.given(0) {
        Some(set) => Some(need_text(name, set)?),
        None => None,
    };
    let is_in = |c: char| set.as_ref().map_or_else(|| is_blank(c), |set| set.contains(c));
    Ok(Val::from(match name {
        "strip" => chars.trim_matches(is_in),
        "lstrip" => chars.trim_start_matches(is_in),
        _ => chars.trim_end_matches(is_in),
    }))
}

fn affix(ev: &Eval<'_>, name: &str, chars: &str, args: Args) -> Res<Val> {
    let bound = args.bind(name, &["prefix", "start?", "end?"])?;
    let (from, to) = char_range(chars, bound.int(1, 0)?, bound.int(2, i128::MAX)?);
    let chars = chars.get(from..to).unwrap_or("");
    let options = match bound.val(0) {
        Val::Tuple(options) => options.to_vec(),
        other => vec![other],
    };
    for option in &options {
        let Val::Str(part) = option else {
            option.check()?;
            let kind = option.type_name();
            return fail(format!("{name} first arg must be str or a tuple of str, not {kind}"));
        };
        if if name == "startswith" {
            chars.starts_with(part.as_str())
        } else {
            chars.ends_with(part.as_str())
        } {
            return Ok(Val::Bool(true));
        }
    }
    ev.spend(1, 0)?;
    Ok(Val::Bool(false))
}

/// The byte range of a range of characters given as Python gives them.
fn char_range(chars: &str, start: i128, stop: i128) -> (usize, usize) {
    let count = chars.chars().count() as i128;
    let clamp = |at: i128| (if at < 0 { at.saturating_add(count) } else { at }).clamp(0, count) as usize;
    let byte = |at: usize| chars.char_indices().nth(at).map_or(chars.len(), |(byte, _)| byte);
    (byte(clamp(start)), byte(clamp(stop)))
}

/// Splits at runs of blanks, at most so many times.
pub(crate) fn split_blanks(chars: &str, most: Option<usize>) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = chars.trim_start_matches(is_blank);
    while !rest.is_empty() {
        if most.is_some_and(|most| parts.len() >= most) {
            parts.push(rest.to_owned());
            break;
        }
        let end = rest.find(is_blank).unwrap_or(rest.len());
        parts.push(rest[..end].to_owned());
        rest = rest[end..].trim_start_matches(is_blank);
    }
    parts
}

fn rsplit_blanks(chars: &str, most: Option<usize>) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = chars.trim_end_matches(is_blank);
    while !rest.is_empty() {
        if most.is_some_and(|most| parts.len() >= most) {
            parts.push(rest.to_owned());
            break;
        }
        let start =
            rest.rfind(is_blank).map_or(0, |at| at + rest[at..].chars().next().map_or(1, char::len_utf8));
        parts.push(rest[start..].to_owned());
        rest = rest[..start].trim_end_matches(is_blank);
    }
    parts.reverse();
    parts
}

fn split(name: &str, chars: &str, args: Args) -> Res<Val> {
    let bound = args.bind(name, &["sep?", "maxsplit?"])?;
    let most = usize::try_from(bound.int(1, -1)?).ok();
    let parts: Vec<String> = match bound.given(0) {
        None if name == "split" => split_blanks(chars, most),
        None => rsplit_blanks(chars, most),
        Some(separator) => {
            let separator = need_text(name, separator)?;
            if separator.is_empty() {
                return fail("empty separator");
            }
            let separator = separator.as_str();
            match (most, name) {
                (None, _) => chars.split(separator).map(str::to_owned).collect(),
                (Some(most), "split") => chars.splitn(most + 1, separator).map(str::to_owned).collect(),
                (Some(most), _) => {
                    let mut parts: Vec<_> = chars.rsplitn(most + 1, separator).map(str::to_owned).collect();
                    parts.reverse();
                    parts
                }
            }
        }
    };
    Ok(Val::list(parts.into_iter().map(Val::from).collect()))
}

/// Python's `splitlines`.
pub(crate) fn lines(chars: &str, keep: bool) -> Vec<String> {
    let is_end = |c: char| {
        matches!(c, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
    };
    let mut found = Vec::new();
    let mut rest = chars;
    while !rest.is_empty() {
        let (line, end) = match rest.find(is_end) {
            None => (rest.len(), rest.len()),
            Some(at) if rest[at..].starts_with("\r\n") => (at, at + 2),
            Some(at) => (at, at + rest[at..].chars().next().map_or(1, char::len_utf8)),
        };
        found.push(rest[..if keep { end } else { line }].to_owned());
        rest = &rest[end..];
    }
    found
}

fn partition(name: &str, chars: &str, separator: &str) -> Res<Val> {
    if separator.is_empty() {
        return fail("empty separator");
    }
    let parts = match name {
        "partition" => chars.split_once(separator).map_or([chars, "", ""], |(a, b)| [a, separator, b]),
        _ => chars.rsplit_once(separator).map_or(["", "", chars], |(a, b)| [a, separator, b]),
    };
    Ok(Val::tuple(parts.into_iter().map(Val::from).collect()))
}

fn search(name: &str, chars: &str, args: Args) -> Res<Val> {
    let bound = args.bind(name, &["sub", "start?", "end?"])?;
    let part = match bound.val(0) {
        Val::Str(part) => part,
        other => return fail(format!("must be str, not {}", other.type_name())),
    };
    let (from, to) = char_range(chars, bound.int(1, 0)?, bound.int(2, i128::MAX)?);
    let range = chars.get(from..to).unwrap_or("");
    if name == "count" {
        let count =
            if part.is_empty() { range.chars().count() + 1 } else { range.matches(part.as_str()).count() };
        return Ok(Val::from(count));
    }
    let at = if name.starts_with('r') { range.rfind(part.as_str()) } else { range.find(part.as_str()) };
    match at {
        Some(at) => Ok(Val::from(chars[..from + at].chars().count())),
        None if name.ends_with("find") => Ok(Val::Int(-1)),
        None => fail("substring not found"),
    }
}

fn justify(name: &str, chars: &str, args: Args) -> Res<Val> {
    let bound = args.bind(name, &["width", "fillchar?"])?;
    let width = usize::try_from(bound.int(0, 0)?).unwrap_or(0);
    if width > 10_000_000 {
        return fail("the width is too large");
    }
    let fill = match bound.get(1) {
        None if name == "zfill" => '0',
        None => ' ',
        Some(Val::Str(fill)) if fill.chars().count() == 1 => fill.chars().next().unwrap_or(' '),
        Some(_) => return fail("The fill character must be exactly one character long"),
    };
    let missing = width.saturating_sub(chars.chars().count());
    let (left, right) = match name {
        "ljust" => (0, missing),
        "center" => {
            // As CPython: an odd blank goes to the left when the width is odd.
            let left = missing / 2 + (missing & width & 1);
            (left, missing - left)
        }
        _ => (missing, 0),
    };
    let mut out = String::new();
    let body = match chars.strip_prefix(['+', '-']) {
        Some(rest) if name == "zfill" => {
            out.push_str(&chars[..1]);
            rest
        }
        _ => chars,
    };
    out.extend(std::iter::repeat_n(fill, left));
    out.push_str(body);
    out.extend(std::iter::repeat_n(fill, right));
    Ok(Val::from(out))
}

fn expand_tabs(chars: &str, size: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for c in chars.chars() {
        match c {
            '\t' => {
                let blanks = if size == 0 { 0 } else { size - column % size };
                out.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            _ => {
                out.push(c);
                column += 1;
            }
        }
    }
    out
}

fn is(name: &str, chars: &str) -> bool {
    let all = |test: fn(char) -> bool| !chars.is_empty() && chars.chars().all(test);
    match name {
        "isalnum" => all(char::is_alphanumeric),
        "isalpha" => all(char::is_alphabetic),
        "isascii" => chars.is_ascii(),
        "isdecimal" | "isdigit" => {
            all(|c| c.is_ascii_digit() || (c.is_numeric() && c.to_digit(36).is_none() && !c.is_ascii()))
        }
        "isnumeric" => all(char::is_numeric),
        "isspace" => all(is_blank),
        "isprintable" => {
            let quoted = data::python::repr_str(&chars.replace(['\\', '\'', '"'], ""));
            !quoted.contains('\\')
        }
        "isidentifier" => {
            let mut rest = chars.chars();
            rest.next().is_some_and(|c| c == '_' || c.is_alphabetic())
                && rest.all(|c| c == '_' || c.is_alphanumeric())
        }
        "islower" => chars.chars().any(char::is_lowercase) && !chars.chars().any(char::is_uppercase),
        "isupper" => chars.chars().any(char::is_uppercase) && !chars.chars().any(char::is_lowercase),
        "istitle" => chars.chars().any(char::is_alphabetic) && title(chars) == chars,
        _ => false,
    }
}
