//! Filters for numbers, sizes and combinations.

use data::Key;
use indexmap::IndexMap;

use crate::args::Bound;
use crate::eval::Eval;
use crate::registry::Filter;
use crate::val::{Res, Val, fail, key_of, repr};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("log", &["base?"], log),
    Filter::new("pow", &["y"], |_, value, args| match (value.as_float(), args.val(0).as_float()) {
        (Some(x), Some(y)) => match x.powf(y) {
            result if result.is_infinite() && x != 0.0 && x.is_finite() && y.is_finite() => {
                fail("math range error")
            }
            result if result.is_infinite() && x == 0.0 => fail("math domain error"),
            result if result.is_nan() && !x.is_nan() && !y.is_nan() => fail("math domain error"),
            result => Ok(Val::Float(result)),
        },
        _ => fail("pow() can only be used on numbers"),
    }),
    Filter::new("root", &["base?"], root),
    Filter::new("human_readable", &["isbits?", "unit?"], human_readable),
    Filter::new("human_to_bytes", &["default_unit?", "isbits?"], human_to_bytes),
    Filter::new("filesizeformat", &["binary?"], filesizeformat),
    Filter::new("zip", &["*rest", "strict?"], zip),
    Filter::new("zip_longest", &["*rest", "fillvalue?"], zip_longest),
    Filter::new("product", &["*rest", "repeat?"], product),
    Filter::new("permutations", &["r?"], permutations),
    Filter::new("combinations", &["r"], combinations),
    Filter::new("rekey_on_member", &["key", "duplicates?"], rekey_on_member),
];

fn log(_: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let base = match args.get(0) {
        None => std::f64::consts::E,
        Some(base) => match base.as_float() {
            Some(base) => base,
            None => return fail("log() can only be used on numbers"),
        },
    };
    let Some(number) = value.as_float() else { return fail("log() can only be used on numbers") };
    if number <= 0.0 || base <= 0.0 {
        return fail("math domain error");
    }
    Ok(Val::Float(if base == 10.0 {
        number.log10()
    } else if args.get(0).is_none() {
        number.ln()
    } else if base == 1.0 {
        return fail("float division by zero");
    } else {
        number.ln() / base.ln()
    }))
}

fn root(_: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let base = match args.get(0) {
        None => Some(2.0),
        Some(Val::Str(text)) => crate::filters::parse_float(text),
        Some(other) => other.as_float(),
    };
    match (value.as_float(), base) {
        (Some(number), Some(2.0)) if number >= 0.0 => Ok(Val::Float(number.sqrt())),
        (Some(number), Some(base)) if base != 0.0 && number >= 0.0 => Ok(Val::Float(number.powf(1.0 / base))),
        _ => fail("root() can only be used on numbers"),
    }
}

const UNITS: &[(char, u32)] =
    &[('Y', 80), ('Z', 70), ('E', 60), ('P', 50), ('T', 40), ('G', 30), ('M', 20), ('K', 10), ('B', 0)];

fn human_readable(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let Some(size) = value.as_float() else { return fail("human_readable() failed on bad input") };
    let base = if args.flag(0, false)? { "bits" } else { "Bytes" };
    let wanted = match args.given(1) {
        Some(unit) => Some(ev.text(unit)?.to_uppercase()),
        None => None,
    };
    let fits = |(letter, power): &&(char, u32)| match &wanted {
        Some(unit) => unit.starts_with(*letter) && unit.len() == 1,
        None => size >= 2_f64.powi(*power as i32),
    };
    let (letter, power) = UNITS.iter().find(fits).copied().unwrap_or(('B', 0));
    let suffix = if power == 0 { base.to_owned() } else { format!("{letter}{}", &base[..1]) };
    Ok(Val::from(format!("{:.2} {suffix}", size / 2_f64.powi(power as i32))))
}

const UNIT_NAMES: &[(char, &str)] = &[
    ('B', ""),
    ('K', "kilo"),
    ('M', "mega"),
    ('G', "giga"),
    ('T', "tera"),
    ('P', "peta"),
    ('E', "exa"),
    ('Z', "zeta"),
    ('Y', "yotta"),
];

fn human_to_bytes(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let text = ev.text(value)?;
    let bits = args.flag(1, false)?;
    let trimmed = text.trim_end();
    let digits = trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let unit = unit.trim_start();
    let number: Option<f64> = number.parse().ok().filter(|_| !number.ends_with('.'));
    let (Some(number), true) = (number, unit.bytes().all(|byte| byte.is_ascii_alphabetic())) else {
        return fail(format!("human_to_bytes() can't interpret following string: {text}"));
    };
    let unit = match (unit, args.given(0)) {
        ("", Some(unit)) => ev.text(unit)?,
        (unit, _) => unit.to_owned(),
    };
    let Some(letter) = unit.chars().next().map(|letter| letter.to_ascii_uppercase()) else {
        return Ok(Val::Int(number.round_ties_even() as i128));
    };
    let Some((_, power)) = UNITS.iter().find(|(known, _)| *known == letter) else {
        return fail(format!("human_to_bytes() can't interpret following string: {text}"));
    };
    if unit.len() > 1 {
        let prefix = UNIT_NAMES.iter().find(|(known, _)| *known == letter).map_or("", |(_, name)| name);
        let long = format!("{prefix}{}", if bits { "bit" } else { "byte" });
        let short = if bits { format!("{letter}b") } else { format!("{letter}B") };
        if unit.to_lowercase() != long && unit != short {
            return fail(format!("human_to_bytes() can't interpret following string: {text}"));
        }
    }
    Ok(Val::Int((number * 2_f64.powi(*power as i32)).round_ties_even() as i128))
}

fn filesizeformat(_: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let size = match value {
        Val::Str(text) => crate::filters::parse_float(text),
        other => other.as_float(),
    };
    let Some(size) = size else { return fail(format!("could not convert to float: {}", value.type_name())) };
    let (base, names): (f64, _) = if args.flag(0, false)? {
        (1024.0, ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"])
    } else {
        (1000.0, ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"])
    };
    if size == 1.0 {
        return Ok(Val::from("1 Byte"));
    }
    if size < base {
        return Ok(Val::from(format!("{} Bytes", size.trunc() + 0.0)));
    }
    let mut unit = base;
    for (at, name) in names.iter().enumerate() {
        unit *= base;
        if size < unit || at + 1 == names.len() {
            return Ok(Val::from(format!("{:.1} {name}", base * size / unit)));
        }
    }
    Ok(Val::None)
}

/// The items of a filter's value and of its arguments.
fn sequences(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Vec<Vec<Val>>> {
    std::iter::once(value).chain(&args.rest).map(|sequence| ev.items(sequence)).collect()
}

fn zip(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let sequences = sequences(ev, value, args)?;
    let shortest = sequences.iter().map(Vec::len).min().unwrap_or(0);
    if args.flag(0, false)? && sequences.iter().any(|sequence| sequence.len() != shortest) {
        return fail("zip() argument 2 is not as long as argument 1");
    }
    let row = |at: usize| Val::tuple(sequences.iter().map(|sequence| sequence[at].clone()).collect());
    Ok(Val::list((0..shortest).map(row).collect()))
}

fn zip_longest(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let sequences = sequences(ev, value, args)?;
    let longest = sequences.iter().map(Vec::len).max().unwrap_or(0);
    let fill = args.val(0);
    let row = |at: usize| {
        Val::tuple(sequences.iter().map(|sequence| sequence.get(at).unwrap_or(&fill).clone()).collect())
    };
    Ok(Val::list((0..longest).map(row).collect()))
}

fn product(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let once = sequences(ev, value, args)?;
    let Ok(repeat) = usize::try_from(args.int(0, 1)?) else {
        return fail("repeat argument cannot be negative");
    };
    let mut rows: Vec<Vec<Val>> = vec![Vec::new()];
    for _ in 0..repeat {
        for sequence in &once {
            ev.spend(rows.len().saturating_mul(sequence.len()), 0)?;
            rows = rows
                .iter()
                .flat_map(|row| {
                    sequence.iter().map(|item| row.iter().cloned().chain([item.clone()]).collect())
                })
                .collect();
        }
    }
    Ok(Val::list(rows.into_iter().map(Val::tuple).collect()))
}

fn permutations(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let items = ev.items(value)?;
    let size = if args.given(0).is_some() { args.int(0, 0)? } else { items.len() as i128 };
    pick(ev, &items, size, |chosen, at| !chosen.contains(&at))
}

fn combinations(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let items = ev.items(value)?;
    pick(ev, &items, args.int(0, 0)?, |chosen, at| chosen.last().is_none_or(|last| at > *last))
}

/// All ways to pick so many items, in the order of Python's itertools.
fn pick(ev: &Eval<'_>, items: &[Val], size: i128, may: impl Fn(&[usize], usize) -> bool) -> Res<Val> {
    let Ok(size) = usize::try_from(size) else { return fail("r must be non-negative") };
    if size > items.len() {
        return Ok(Val::list(Vec::new()));
    }
    let mut rows: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..size {
        let mut longer = Vec::new();
        for row in &rows {
            for at in (0..items.len()).filter(|at| may(row, *at)) {
                ev.spend(1, 0)?;
                longer.push(row.iter().copied().chain([at]).collect());
            }
        }
        rows = longer;
    }
    let tuple = |row: Vec<usize>| Val::tuple(row.into_iter().map(|at| items[at].clone()).collect());
    Ok(Val::list(rows.into_iter().map(tuple).collect()))
}

fn rekey_on_member(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let duplicates = args.text(ev, 1, "error")?;
    if !matches!(duplicates.as_str(), "error" | "overwrite") {
        return fail(format!("duplicates parameter to rekey_on_member has unknown value '{duplicates}'"));
    }
    let items = match (ev.mapping(value)?, value) {
        (Some(dict), _) => dict.entries(ev)?.into_iter().map(|(_, value)| value).collect(),
        (None, Val::Str(_) | Val::None | Val::Int(_) | Val::Float(_) | Val::Bool(_)) => {
            return fail("Type is not a valid list, set, or dict");
        }
        (None, other) => ev.items(other)?,
    };
    let mut made: IndexMap<Key, Val> = IndexMap::new();
    for item in items {
        let Some(dict) = ev.mapping(&item)? else { return fail("List item is not a valid dict") };
        let Some(key) = dict.get(ev, &key_of(ev, &args.val(0))?)? else {
            return fail(format!("Key {} was not found.", repr(ev, &args.val(0))?));
        };
        let shown = repr(ev, &key)?;
        if made.insert(key_of(ev, &key)?, item).is_some() && duplicates == "error" {
            return fail(format!("Key {shown} is not unique, cannot convert to dict."));
        }
    }
    Ok(Val::dict(made))
}
