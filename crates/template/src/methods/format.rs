//! Python's `str.format` and its format specifications.

use crate::args::Args;
use crate::eval::{Eval, float_as};
use crate::val::{Res, Val, ascii, display, fail, repr};

/// `text.format(*args, **named)`
pub(crate) fn format_text(ev: &Eval<'_>, text: &str, args: &Args) -> Res<String> {
    let mut auto = 0;
    expand(ev, text, args, &mut auto, 2)
}

fn expand(ev: &Eval<'_>, text: &str, args: &Args, auto: &mut usize, depth: usize) -> Res<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let double = rest[at + 1..].starts_with(&rest[at..=at]);
        if double {
            out.push_str(&rest[at..=at]);
            rest = &rest[at + 2..];
            continue;
        }
        if rest.as_bytes()[at] == b'}' {
            return fail("Single '}' encountered in format string");
        }
        if depth == 0 {
            return fail("Max string recursion exceeded");
        }
        let inner = &rest[at + 1..];
        let Some(end) = closing(inner) else {
            return fail(if inner.is_empty() {
                "Single '{' encountered in format string"
            } else {
                "expected '}' before end of string"
            });
        };
        out.push_str(&field(ev, &inner[..end], args, auto, depth)?);
        ev.spend(1, out.len())?;
        rest = &inner[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

fn closing(inner: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn field(ev: &Eval<'_>, field: &str, args: &Args, auto: &mut usize, depth: usize) -> Res<String> {
    let name_end = field.find([':', '!']).unwrap_or(field.len());
    let (name, rest) = field.split_at(name_end);
    let (conversion, spec) = match rest.strip_prefix('!') {
        Some(rest) => {
            let mut chars = rest.chars();
            let Some(conversion) = chars.next() else {
                return fail("end of string while looking for conversion specifier");
            };
            match (chars.as_str().strip_prefix(':'), chars.as_str()) {
                (Some(spec), _) => (Some(conversion), spec),
                (None, "") => (Some(conversion), ""),
                (None, _) => return fail("expected ':' after conversion specifier"),
            }
        }
        None => (None, rest.strip_prefix(':').unwrap_or("")),
    };
    let mut value = argument(ev, name, args, auto)?;
    value.check()?;
    match conversion {
        None => {}
        Some('s') => value = Val::from(display(ev, &value)?),
        Some('r') => value = Val::from(repr(ev, &value)?),
        Some('a') => value = Val::from(ascii(&repr(ev, &value)?)),
        Some(other) => return fail(format!("Unknown conversion specifier {other}")),
    }
    let spec = if spec.contains('{') { expand(ev, spec, args, auto, depth - 1)? } else { spec.to_owned() };
    format_spec(ev, &value, &spec)
}

fn argument(ev: &Eval<'_>, name: &str, args: &Args, auto: &mut usize) -> Res<Val> {
    let first_end = name.find(['.', '[']).unwrap_or(name.len());
    let (first, mut path) = name.split_at(first_end);
    let mut value = if first.is_empty() {
        *auto += 1;
        positional(args, *auto - 1)?
    } else if let Ok(index) = first.parse() {
        positional(args, index)?
    } else {
        match args.named.iter().find(|(known, _)| &**known == first) {
            Some((_, value)) => value.clone(),
            None => return fail(format!("'{first}'")),
        }
    };
    while !path.is_empty() {
        if let Some(rest) = path.strip_prefix('.') {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end == 0 {
                return fail("Empty attribute in format string");
            }
            if rest[..end].starts_with('_') {
                return fail(format!("access to attribute '{}' is unsafe", &rest[..end]));
            }
            let name: crate::ir::Name = rest[..end].into();
            if matches!(value, Val::Dict(_)) && !super::exists(&value, &name) {
                return fail(format!("'dict' object has no attribute '{name}'"));
            }
            value = ev.attribute(&value, &name)?;
            path = &rest[end..];
        } else {
            let Some(inner) = path.strip_prefix('[') else {
                return fail("Only '.' or '[' may follow ']' in format field specifier");
            };
            let Some((key, rest)) = inner.split_once(']') else {
                return fail("Missing ']' in format string");
            };
            if key.is_empty() {
                return fail("Empty attribute in format string");
            }
            let key = key.parse().map_or_else(|_| Val::from(key), Val::Int);
            value = ev.item(&value, &key)?;
            path = rest;
        }
    }
    Ok(value)
}

fn positional(args: &Args, index: usize) -> Res<Val> {
    match args.pos.get(index) {
        Some(value) => Ok(value.clone()),
        None => fail(format!("Replacement index {index} out of range for positional args tuple")),
    }
}

struct Spec {
    fill: char,
    align: Option<char>,
    sign: char,
    /// Whether the sign was written.
    signed: bool,
    /// `z`: a negative zero loses its sign.
    no_negative_zero: bool,
    alternate: bool,
    width: usize,
    group: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

/// `format(value, spec)`
pub(crate) fn format_spec(ev: &Eval<'_>, value: &Val, spec: &str) -> Res<String> {
    if spec.is_empty() {
        return display(ev, value);
    }
    if let Val::Object(object) = value
        && let Some(text) = super::date::format(object, spec)
    {
        return text;
    }
    let spec = parse(spec, matches!(value, Val::Str(_)))?;
    if spec.width > 1_000_000 || spec.precision.is_some_and(|precision| precision > 1_000_000) {
        return fail("Too many decimal digits in format string");
    }
    match value {
        Val::Str(text) => {
            if let Some(kind) = spec.kind.filter(|kind| *kind != 's') {
                return fail(format!("Unknown format code '{kind}' for object of type 'str'"));
            }
            let refused = |what: &str| fail(format!("{what} not allowed in string format specifier"));
            if spec.signed {
                return refused(if spec.sign == ' ' { "Space" } else { "Sign" });
            }
            if spec.alternate {
                return refused("Alternate form (#)");
            }
            if let Some(group) = spec.group {
                return fail(format!("Cannot specify '{group}' with 's'."));
            }
            if spec.align == Some('=') {
                return refused("'=' alignment");
            }
            let body = match spec.precision {
                Some(precision) => text.chars().take(precision).collect(),
                None => text.to_string(),
            };
            Ok(pad("", &body, &spec, '<'))
        }
        Val::Float(_) => number(value, &spec),
        Val::Int(_) | Val::Bool(_) if spec.kind.is_some() || !matches!(value, Val::Bool(_)) => {
            number(value, &spec)
        }
        Val::Bool(_) => number(value, &spec),
        other => fail(format!("unsupported format string passed to {}.__format__", other.type_name())),
    }
}

fn parse(text: &str, is_text: bool) -> Res<Spec> {
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    let is_align = |c: Option<&char>| c.is_some_and(|c| "<>=^".contains(*c));
    let mut spec = Spec {
        fill: ' ',
        align: None,
        sign: '-',
        signed: false,
        no_negative_zero: false,
        alternate: false,
        width: 0,
        group: None,
        precision: None,
        kind: None,
    };
    if is_align(chars.get(1)) {
        spec.fill = chars[0];
        spec.align = Some(chars[1]);
        at = 2;
    } else if is_align(chars.first()) {
        spec.align = Some(chars[0]);
        at = 1;
    }
    if let Some(sign @ ('+' | '-' | ' ')) = chars.get(at) {
        spec.sign = *sign;
        spec.signed = true;
        at += 1;
    }
    if chars.get(at) == Some(&'z') {
        spec.no_negative_zero = true;
        at += 1;
    }
    if chars.get(at) == Some(&'#') {
        spec.alternate = true;
        at += 1;
    }
    if chars.get(at) == Some(&'0') {
        if spec.align.is_none() {
            spec.fill = '0';
            spec.align = (!is_text).then_some('=');
        }
        at += 1;
    }
    let digits = |at: &mut usize| {
        let start = *at;
        while chars.get(*at).is_some_and(char::is_ascii_digit) {
            *at += 1;
        }
        // What no integer holds is too many, and said so by the caller.
        (*at > start)
            .then(|| chars[start..*at].iter().collect::<String>().parse::<usize>().unwrap_or(usize::MAX))
    };
    spec.width = digits(&mut at).unwrap_or(0);
    if let Some(group @ (',' | '_')) = chars.get(at) {
        spec.group = Some(*group);
        at += 1;
    }
    if chars.get(at) == Some(&'.') {
        at += 1;
        spec.precision = digits(&mut at);
        if spec.precision.is_none() {
            return fail("Format specifier missing precision");
        }
    }
    spec.kind = chars.get(at).copied();
    if at + 1 < chars.len() {
        return fail(format!("Invalid format specifier '{text}'"));
    }
    Ok(spec)
}

fn number(value: &Val, spec: &Spec) -> Res<String> {
    let is_float = matches!(value, Val::Float(_));
    if !is_float
        && spec.precision.is_some()
        && matches!(spec.kind, None | Some('d' | 'b' | 'o' | 'x' | 'X' | 'c'))
    {
        return fail("Precision not allowed in integer format specifier");
    }
    let kind = spec.kind.unwrap_or(if matches!(value, Val::Float(_)) { '\0' } else { 'd' });
    let (negative, prefix, mut body) = match (kind, value.as_int()) {
        ('d' | 'n', Some(number)) => (number < 0, "", number.unsigned_abs().to_string()),
        ('x', Some(number)) => (number < 0, "0x", format!("{:x}", number.unsigned_abs())),
        ('X', Some(number)) => (number < 0, "0X", format!("{:X}", number.unsigned_abs())),
        ('o', Some(number)) => (number < 0, "0o", format!("{:o}", number.unsigned_abs())),
        ('b', Some(number)) => (number < 0, "0b", format!("{:b}", number.unsigned_abs())),
        ('c', Some(number)) => match u32::try_from(number).ok().and_then(char::from_u32) {
            Some(c) => return Ok(pad("", &c.to_string(), spec, '<')),
            None => return fail("%c arg not in range(0x110000)"),
        },
        ('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%' | '\0' | 'n', _) => {
            let number = value.as_float().unwrap_or(0.0);
            let size = number.abs();
            let precision = spec.precision.unwrap_or(6);
            let body = match kind {
                '%' => format!("{}%", float_as(size * 100.0, 'f', precision, false)),
                '\0' => match spec.precision {
                    None => data::python::float_text(size),
                    Some(precision) => float_as(size, 'g', precision, false),
                },
                'n' => float_as(size, 'g', precision, false),
                kind => float_as(size, kind, precision, spec.alternate),
            };
            let zero = spec.no_negative_zero && !body.contains(|c: char| ('1'..='9').contains(&c));
            (number.is_sign_negative() && !number.is_nan() && !zero, "", body)
        }
        (other, _) => {
            return fail(format!("Unknown format code '{other}' for object of type '{}'", value.type_name()));
        }
    };
    if let Some(group) = spec.group {
        body = grouped(&body, group, if matches!(kind, 'x' | 'X' | 'o' | 'b') { 4 } else { 3 });
    }
    let sign = match (negative, spec.sign) {
        (true, _) => "-",
        (false, '+') => "+",
        (false, ' ') => " ",
        _ => "",
    };
    let lead = if spec.alternate { format!("{sign}{prefix}") } else { sign.to_owned() };
    Ok(pad(&lead, &body, spec, '>'))
}

fn grouped(body: &str, group: char, size: usize) -> String {
    let whole_end = body.find(['.', 'e', '%']).unwrap_or(body.len());
    let (whole, rest) = body.split_at(whole_end);
    let mut out = String::new();
    for (at, c) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % size == 0 {
            out.push(group);
        }
        out.push(c);
    }
    out + rest
}

fn pad(sign: &str, body: &str, spec: &Spec, default: char) -> String {
    let missing = spec.width.saturating_sub(sign.len() + body.chars().count());
    let fill = |count: usize| spec.fill.to_string().repeat(count);
    match spec.align.unwrap_or(default) {
        '<' => format!("{sign}{body}{}", fill(missing)),
        '^' => format!("{}{sign}{body}{}", fill(missing / 2), fill(missing - missing / 2)),
        '=' => format!("{sign}{}{body}", fill(missing)),
        _ => format!("{}{sign}{body}", fill(missing)),
    }
}
