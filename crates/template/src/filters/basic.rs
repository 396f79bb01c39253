//! Filters for any value: defaults, conversions, types.

use crate::args::Bound;
use crate::error::{ErrorKind, TemplateError};
use crate::eval::Eval;
use crate::registry::Filter;
use crate::val::{Object, Res, Val, fail};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::lenient("default", &["default_value?", "boolean?"], default),
    Filter::lenient("d", &["default_value?", "boolean?"], default),
    Filter::lenient("mandatory", &["msg?"], mandatory),
    Filter::lenient("ternary", &["true_val", "false_val", "none_val?"], ternary),
    Filter::lenient("type_debug", &[], |_, value, _| {
        Ok(Val::from(match value {
            Val::Missing(_) if value.is_undefined() => "UndefinedMarker",
            Val::Missing(error) if error.is_undecryptable() => "VaultExceptionMarker",
            Val::Missing(_) => "CapturedExceptionMarker",
            other if other.is_omit() => "_OmitType",
            other => other.type_name(),
        }))
    }),
    Filter::new("string", &[], |ev, value, _| match value {
        Val::Str(_) => Ok(value.clone()),
        other => Ok(Val::from(ev.text(other)?)),
    }),
    Filter::new("int", &["default?", "base?"], int),
    Filter::new("float", &["default?"], float),
    Filter::new("bool", &[], |ev, value, _| to_bool(ev, value)),
    Filter::new("abs", &[], abs),
    Filter::new("round", &["precision?", "method?"], round),
    Filter::new("length", &[], |ev, value, _| Ok(Val::from(ev.length(value)?))),
    Filter::new("count", &[], |ev, value, _| Ok(Val::from(ev.length(value)?))),
    Filter::new("safe", &[], |ev, value, _| match value {
        Val::Str(_) => Ok(value.clone()),
        other => Ok(Val::from(ev.text(other)?)),
    }),
    Filter::new("ansible._protomatter.finalize", &[], |ev, value, _| {
        ev.open(&crate::val::finalize(ev, value)?, crate::eval::OUTER)
    }),
    Filter::new("ansible._protomatter.origin", &[], |_, value, _| Ok(origin(value))),
    Filter::new("attr", &["name"], |ev, value, args| ev.plain_attribute(value, &args.val(0))),
];

/// Where a text was written: `file:line:column`.
fn origin(value: &Val) -> Val {
    let Val::Str(text) = value else { return Val::None };
    let Some(place) = text.place() else { return Val::None };
    let (name, at) = (place.source.name(), place.location());
    Val::from(if name.starts_with('<') {
        name.to_owned()
    } else {
        format!("{name}:{}:{}", at.line, at.column)
    })
}

fn default(_: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let boolean = match args.get(1) {
        None => false,
        Some(Val::Bool(flag)) => *flag,
        Some(other) => {
            return fail(format!(
                "The 'boolean' argument must be of type 'bool', not '{}'.",
                other.type_name()
            ));
        }
    };
    if value.is_undefined() || (boolean && !value.truth()?) {
        return Ok(args.get(0).cloned().unwrap_or_else(|| Val::from("")));
    }
    Ok(value.clone())
}

fn mandatory(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let Val::Missing(error) = value else { return Ok(value.clone()) };
    if !value.is_undefined() {
        return Ok(value.clone());
    }
    if let Some(message) = args.given(0) {
        return fail(ev.text(message)?);
    }
    let hint = error.to_string();
    match hint.strip_suffix(" is undefined") {
        Some(name) => fail(format!("Mandatory variable {name} not defined.")),
        None => fail("Mandatory variable not defined."),
    }
}

fn ternary(_: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    if let (Val::None, Some(none)) = (value, args.given(2)) {
        return Ok(none.clone());
    }
    Ok(args.val(if value.truth()? { 0 } else { 1 }))
}

/// The words that Ansible takes as booleans.
pub(crate) fn bool_word(word: &str) -> Option<bool> {
    match word.to_lowercase().as_str() {
        "yes" | "on" | "true" | "1" => Some(true),
        "no" | "off" | "false" | "0" => Some(false),
        _ => None,
    }
}

fn to_bool(ev: &Eval<'_>, value: &Val) -> Res<Val> {
    let word = match value {
        Val::Str(text) => bool_word(text),
        Val::Bool(flag) => Some(*flag),
        Val::Int(0) => Some(false),
        Val::Int(1) => Some(true),
        _ => None,
    };
    Ok(Val::Bool(match word {
        Some(flag) => flag,
        None => {
            let result = value.as_float() == Some(1.0);
            let (text, kind) = (crate::val::repr(ev, value)?, value.type_name());
            let shown = if result { "True" } else { "False" };
            ev.deprecated(&format!("The `bool` filter coerced invalid value {text} ({kind}) to {shown}."));
            result
        }
    }))
}

/// Python's `int(text, base)`.
pub(crate) fn parse_int(text: &str, base: u32) -> Option<i128> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match (base, lower.get(..2)) {
        (0 | 16, Some("0x")) => (16, &lower[2..]),
        (0 | 8, Some("0o")) => (8, &lower[2..]),
        (0 | 2, Some("0b")) => (2, &lower[2..]),
        (0, _) if lower.len() > 1 && lower.starts_with('0') && !lower.trim_matches('0').is_empty() => {
            return None;
        }
        (0, _) => (10, lower.as_str()),
        (base, _) => (base, lower.as_str()),
    };
    if !(2..=36).contains(&base) || digits.starts_with('_') || digits.ends_with('_') || digits.contains("__")
    {
        return None;
    }
    let number =
        i128::from_str_radix(&digits.replace('_', ""), base).ok().filter(|_| !digits.starts_with(['+', '-']));
    number.map(|number| if negative { -number } else { number })
}

/// Python's `float(text)`.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim();
    let word = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    match word.as_str() {
        "inf" | "infinity" => Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY }),
        "nan" => Some(f64::NAN),
        _ if word.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            let bad = text.starts_with('_') || text.ends_with('_') || text.contains("__");
            if bad { None } else { text.replace('_', "").parse().ok() }
        }
        _ => None,
    }
}

fn int(_: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let default = || args.get(0).cloned().unwrap_or(Val::Int(0));
    let base = u32::try_from(args.int(1, 10)?).unwrap_or(99);
    let whole = |number: f64| number.is_finite().then(|| Val::Int(number.trunc() as i128));
    Ok(match value {
        Val::Str(text) => match parse_int(text, base) {
            Some(number) => Val::Int(number),
            None => parse_float(text).and_then(whole).unwrap_or_else(default),
        },
        Val::Float(number) => match whole(*number) {
            Some(number) => number,
            None if number.is_nan() => default(),
            None => return fail("cannot convert float infinity to integer"),
        },
        other => other.as_int().map_or_else(default, Val::Int),
    })
}

fn float(_: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let number = match value {
        Val::Str(text) => parse_float(text),
        other => other.as_float(),
    };
    Ok(number.map_or_else(|| args.get(0).cloned().unwrap_or(Val::Float(0.0)), Val::Float))
}

fn abs(_: &Eval<'_>, value: &Val, _: &Bound) -> Res<Val> {
    match value {
        Val::Float(number) => Ok(Val::Float(number.abs())),
        other => match other.as_int() {
            Some(number) => Ok(Val::Int(number.abs())),
            None => fail(format!("bad operand type for abs(): '{}'", other.type_name())),
        },
    }
}

/// Python's `round`: halves go to the even neighbor, decided on the decimal text of the number.
fn round_half_even(number: f64, digits: i32) -> f64 {
    if !number.is_finite() {
        return number;
    }
    if digits < 0 {
        let scale = 10_f64.powi(-digits);
        let scaled = number / scale;
        return scaled.round_ties_even() * scale;
    }
    format!("{number:.*}", digits.min(300) as usize).parse().unwrap_or(number)
}

/// An integer to a power of ten, halves to the even side.
fn round_int(number: i128, digits: u32) -> i128 {
    let Some(unit) = 10_i128.checked_pow(digits) else { return 0 };
    let (whole, rest) = (number.div_euclid(unit), number.rem_euclid(unit));
    let up = rest > unit - rest || (rest == unit - rest && whole % 2 != 0);
    (whole + i128::from(up)) * unit
}

fn round(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let precision = i32::try_from(args.int(0, 0)?).unwrap_or(0);
    let method = args.text(ev, 1, "common")?;
    if !matches!(method.as_str(), "common" | "ceil" | "floor") {
        return fail("method must be common, ceil or floor");
    }
    let Some(number) = value.as_float() else {
        return fail(format!("type {} doesn't define __round__ method", value.type_name()));
    };
    if method == "common" {
        return Ok(match value {
            Val::Float(_) => Val::Float(round_half_even(number, precision)),
            other if precision >= 0 => Val::Int(other.as_int().unwrap_or(0)),
            other => Val::Int(round_int(other.as_int().unwrap_or(0), precision.unsigned_abs())),
        });
    }
    let scale = 10_f64.powi(precision);
    let scaled = number * scale;
    Ok(Val::Float(if method == "ceil" { scaled.ceil() } else { scaled.floor() } / scale))
}

impl Eval<'_> {
    /// The filter `attr`: the attribute alone, never an item.
    fn plain_attribute(&self, value: &Val, name: &Val) -> Res<Val> {
        let name: crate::ir::Name = self.text(name)?.into();
        if matches!(value, Val::Dict(_)) && !crate::methods::exists(value, &name) {
            let hint = format!("object of type 'dict' has no attribute '{name}'");
            return Err(TemplateError::new(ErrorKind::Undefined(hint)));
        }
        if let Val::Object(object) = value
            && let Object::Vars(_) | Object::HostVars = &**object
        {
            return fail("`attr` does not look at variables");
        }
        self.attribute(value, &name)
    }
}
