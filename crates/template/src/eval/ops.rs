//! Python's arithmetic and `%`.

use crate::eval::Eval;
use crate::ir::Operator;
use crate::methods::date;
use crate::val::{Delta, Moment, Object, Res, Val, display, fail, key_of, repr};

/// The longest text or list that `*` makes.
const LONGEST: i128 = 100_000_000;

/// `left op right`
pub(crate) fn binary(ev: &Eval<'_>, op: Operator, left: &Val, right: &Val) -> Res<Val> {
    match op {
        Operator::Rem if matches!(left, Val::Str(_)) => {
            return Ok(Val::from(format_percent(ev, left.as_str().unwrap_or(""), right)?));
        }
        Operator::Add => {
            if let Some(joined) = joined(ev, left, right)? {
                return Ok(joined);
            }
        }
        Operator::Mul => {
            if let Some(repeated) = repeated(ev, left, right)? {
                return Ok(repeated);
            }
        }
        _ => {}
    }
    if let (Some(a), Some(b)) = (left.as_int(), right.as_int()) {
        return integers(op, a, b);
    }
    if let (Some(a), Some(b)) = (left.as_float(), right.as_float()) {
        return floats(op, a, b);
    }
    if let Some(result) = times(op, left, right) {
        return Ok(result);
    }
    let (a, b) = (left.type_name(), right.type_name());
    match (op, left) {
        (Operator::Add, Val::Str(_) | Val::List(_) | Val::Tuple(_)) => {
            fail(format!("can only concatenate {a} (not \"{b}\") to {a}"))
        }
        (Operator::Mul, Val::Str(_) | Val::List(_) | Val::Tuple(_)) => {
            fail(format!("can't multiply sequence by non-int of type '{b}'"))
        }
        _ => fail(format!("unsupported operand type(s) for {}: '{a}' and '{b}'", op.symbol())),
    }
}

fn joined(ev: &Eval<'_>, left: &Val, right: &Val) -> Res<Option<Val>> {
    Ok(Some(match (left, right) {
        (Val::Str(a), Val::Str(b)) => {
            ev.spend(1, a.len() + b.len())?;
            let text = data::Text::plain(format!("{}{}", a.as_str(), b.as_str()));
            Val::Str(if a.is_secret() || b.is_secret() { text.into_secret() } else { text })
        }
        (Val::List(a), Val::List(b)) => {
            ev.spend(a.len() + b.len(), 0)?;
            let mut items = a.items(ev)?;
            items.extend(b.items(ev)?);
            Val::list(items)
        }
        (Val::Tuple(a), Val::Tuple(b)) => Val::tuple(a.iter().chain(&**b).cloned().collect()),
        _ => return Ok(None),
    }))
}

fn repeated(ev: &Eval<'_>, left: &Val, right: &Val) -> Res<Option<Val>> {
    let (sequence, count) = match (left, right) {
        (sequence @ (Val::Str(_) | Val::List(_) | Val::Tuple(_)), count) => (sequence, count.as_int()),
        (count, sequence @ (Val::Str(_) | Val::List(_) | Val::Tuple(_))) => (sequence, count.as_int()),
        _ => return Ok(None),
    };
    let Some(count) = count else { return Ok(None) };
    let count = count.max(0);
    let len = ev.length(sequence)? as i128;
    if len.saturating_mul(count) > LONGEST {
        return Err(crate::TemplateError::new(crate::ErrorKind::Limit(
            "the result of `*` would be too long".to_owned(),
        )));
    }
    let count = count as usize;
    ev.spend(count, count * len as usize)?;
    Ok(Some(match sequence {
        Val::Str(text) => Val::from(text.repeat(count)),
        Val::List(list) => {
            let items = list.items(ev)?;
            Val::list((0..count).flat_map(|_| items.iter().cloned()).collect())
        }
        Val::Tuple(items) => Val::tuple((0..count).flat_map(|_| items.iter().cloned()).collect()),
        other => other.clone(),
    }))
}

fn integers(op: Operator, a: i128, b: i128) -> Res<Val> {
    let result = match op {
        Operator::Add => a.checked_add(b),
        Operator::Sub => a.checked_sub(b),
        Operator::Mul => a.checked_mul(b),
        Operator::Div => {
            return if b == 0 { fail("division by zero") } else { Ok(Val::Float(a as f64 / b as f64)) };
        }
        Operator::FloorDiv | Operator::Rem if b == 0 => {
            return fail(if op == Operator::Rem {
                "integer modulo by zero"
            } else {
                "integer division or modulo by zero"
            });
        }
        Operator::FloorDiv => a.checked_div_euclid(b).map(|_| a.div_euclid(b)).map(|quotient| {
            // Euclid rounds so that the remainder is positive; Python rounds down.
            if b < 0 && a.rem_euclid(b) != 0 { quotient - 1 } else { quotient }
        }),
        Operator::Rem => Some(a.wrapping_rem(b))
            .map(|rest| if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }),
        Operator::Pow if b < 0 => return power(a as f64, b as f64),
        Operator::Pow => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
    };
    match result {
        Some(number) => Ok(Val::Int(number)),
        None => fail("the integer is too large: taskbox counts with 128 bits"),
    }
}

fn floats(op: Operator, a: f64, b: f64) -> Res<Val> {
    Ok(Val::Float(match op {
        Operator::Add => a + b,
        Operator::Sub => a - b,
        Operator::Mul => a * b,
        Operator::Div if b == 0.0 => return fail("float division by zero"),
        Operator::FloorDiv if b == 0.0 => return fail("float floor division by zero"),
        Operator::Rem if b == 0.0 => return fail("float modulo"),
        Operator::Div => a / b,
        Operator::FloorDiv => floor_divided(a, b).0,
        Operator::Rem => floor_divided(a, b).1,
        Operator::Pow => return power(a, b),
    }))
}

/// Python's `divmod` of floats.
fn floor_divided(a: f64, b: f64) -> (f64, f64) {
    let mut rest = a % b;
    let mut quotient = (a - rest) / b;
    if rest == 0.0 {
        rest = 0.0_f64.copysign(b);
    } else if (b < 0.0) != (rest < 0.0) {
        rest += b;
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return (0.0_f64.copysign(a / b), rest);
    }
    let floor = quotient.floor();
    (if quotient - floor > 0.5 { floor + 1.0 } else { floor }, rest)
}

/// Python's `**` of floats.
fn power(a: f64, b: f64) -> Res<Val> {
    if a == 0.0 && b < 0.0 {
        return fail("0.0 cannot be raised to a negative power");
    }
    let result = a.powf(b);
    if result.is_infinite() && a.is_finite() && b.is_finite() {
        return fail("(34, 'Numerical result out of range')");
    }
    if result.is_nan() && !a.is_nan() && !b.is_nan() {
        return fail("the result is a complex number, which taskbox does not have");
    }
    Ok(Val::Float(result))
}

/// Points in time and spans between them.
fn times(op: Operator, left: &Val, right: &Val) -> Option<Val> {
    let (Val::Object(left), Val::Object(right)) = (left, right) else { return None };
    Some(Val::object(match (op, &**left, &**right) {
        (Operator::Sub, Object::Moment(a), Object::Moment(b)) => Object::Delta(a.since(b)?),
        (Operator::Sub, Object::Date(a), Object::Date(b)) => Object::Delta(date::since(*a, *b)),
        (Operator::Sub, Object::Date(a), Object::Delta(b)) => {
            Object::Date(date::plus(*a, Delta { microseconds: -b.microseconds })?)
        }
        (Operator::Add, Object::Date(a), Object::Delta(b))
        | (Operator::Add, Object::Delta(b), Object::Date(a)) => Object::Date(date::plus(*a, *b)?),
        (Operator::Sub, Object::Moment(a), Object::Delta(b)) => {
            Object::Moment(a.plus(Delta { microseconds: -b.microseconds })?)
        }
        (Operator::Add, Object::Moment(a), Object::Delta(b))
        | (Operator::Add, Object::Delta(b), Object::Moment(a)) => Object::Moment(Moment::plus(a, *b)?),
        (Operator::Add, Object::Delta(a), Object::Delta(b)) => {
            Object::Delta(Delta { microseconds: a.microseconds + b.microseconds })
        }
        (Operator::Sub, Object::Delta(a), Object::Delta(b)) => {
            Object::Delta(Delta { microseconds: a.microseconds - b.microseconds })
        }
        _ => return None,
    }))
}

/// `-value` or `+value`
pub(crate) fn signed(value: &Val, sign: char) -> Res<Val> {
    match value {
        Val::Float(number) => Ok(Val::Float(if sign == '-' { -number } else { *number })),
        Val::Missing(error) => Err((**error).clone()),
        other => match other.as_int() {
            Some(number) => Ok(Val::Int(if sign == '-' { -number } else { number })),
            None => fail(format!("bad operand type for unary {sign}: '{}'", other.type_name())),
        },
    }
}

/// Python's `text % value`.
pub(crate) fn format_percent(ev: &Eval<'_>, format: &str, value: &Val) -> Res<String> {
    let positional: Vec<Val> = match value {
        Val::Tuple(items) => items.to_vec(),
        other => vec![other.clone()],
    };
    let mut next = positional.iter();
    let mut used = 0;
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        ev.spend(0, out.len())?;
        let mut spec = Spec::default();
        let mut keyed = None;
        if chars.peek() == Some(&'(') {
            chars.next();
            let key: String = chars.by_ref().take_while(|c| *c != ')').collect();
            let Some(dict) = ev.mapping(value)? else { return fail("format requires a mapping") };
            let key_val = Val::from(key.as_str());
            match dict.get(ev, &key_of(ev, &key_val)?)? {
                Some(found) => keyed = Some(found.used()?),
                None => return fail(format!("'{key}'")),
            }
        }
        while let Some(flag) = chars.next_if(|c| "#0- +".contains(*c)) {
            match flag {
                '0' => spec.zero = true,
                '-' => spec.left = true,
                '+' => spec.plus = true,
                ' ' => spec.blank = true,
                _ => spec.alternate = true,
            }
        }
        let mut number = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| -> Res<Option<i128>> {
            if chars.next_if_eq(&'*').is_some() {
                used += 1;
                return match next.next().map(Val::as_int) {
                    Some(Some(width)) => Ok(Some(width)),
                    Some(None) => fail("* wants int"),
                    None => fail("not enough arguments for format string"),
                };
            }
            let mut digits = String::new();
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            Ok(digits.parse().ok())
        };
        let width = number(&mut chars)?.unwrap_or(0);
        spec.left |= width < 0;
        spec.width = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
        if chars.next_if_eq(&'.').is_some() {
            spec.precision =
                Some(usize::try_from(number(&mut chars)?.unwrap_or(0).max(0)).unwrap_or(usize::MAX));
        }
        if spec.width > 1_000_000 || spec.precision.is_some_and(|precision| precision > 1_000_000) {
            return fail("width too big");
        }
        while chars.next_if(|c| "hlL".contains(*c)).is_some() {}
        let Some(kind) = chars.next() else { return fail("incomplete format") };
        if kind == '%' && spec.is_plain() {
            out.push('%');
            continue;
        }
        let argument = match keyed {
            Some(value) => value,
            None => {
                used += 1;
                match next.next() {
                    Some(value) => value.clone().used()?,
                    None => return fail("not enough arguments for format string"),
                }
            }
        };
        spec.write(ev, kind, &argument, &mut out)?;
    }
    // What could be a mapping may stay unused, as in CPython: everything with items, except text and tuples.
    let unused_ok = match value {
        Val::Dict(_) | Val::List(_) => true,
        Val::Object(object) => matches!(&**object, Object::Range(..)) || ev.mapping(value)?.is_some(),
        _ => false,
    };
    if used < positional.len() && !unused_ok {
        return fail("not all arguments converted during string formatting");
    }
    Ok(out)
}

#[derive(Default)]
struct Spec {
    zero: bool,
    left: bool,
    plus: bool,
    blank: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

impl Spec {
    /// Whether nothing stands between the percent sign and the letter.
    fn is_plain(&self) -> bool {
        let flags = self.zero || self.left || self.plus || self.blank || self.alternate;
        !flags && self.width == 0 && self.precision.is_none()
    }

    fn write(&self, ev: &Eval<'_>, kind: char, value: &Val, out: &mut String) -> Res<()> {
        let (sign, body) = match kind {
            's' | 'r' | 'a' => {
                let text = match kind {
                    's' => display(ev, value)?,
                    'r' => repr(ev, value)?,
                    _ => crate::val::ascii(&repr(ev, value)?),
                };
                let text = match self.precision {
                    Some(precision) => text.chars().take(precision).collect(),
                    None => text,
                };
                return self.pad("", &text, false, out);
            }
            'c' => {
                let text = match value {
                    Val::Str(text) if text.chars().count() == 1 => text.to_string(),
                    other => match other
                        .as_int()
                        .and_then(|code| u32::try_from(code).ok())
                        .and_then(char::from_u32)
                    {
                        Some(c) => c.to_string(),
                        None => return fail("%c requires int or char"),
                    },
                };
                return self.pad("", &text, false, out);
            }
            'd' | 'i' | 'u' => {
                let Some(number) = integer(value) else {
                    return fail(format!(
                        "%{kind} format: a real number is required, not {}",
                        value.type_name()
                    ));
                };
                (number < 0, self.digits(number.unsigned_abs().to_string()))
            }
            'x' | 'X' | 'o' => {
                let Some(number) = value.as_int() else {
                    return fail(format!(
                        "%{kind} format: an integer is required, not {}",
                        value.type_name()
                    ));
                };
                let size = number.unsigned_abs();
                let (prefix, digits) = match kind {
                    'x' => ("0x", format!("{size:x}")),
                    'X' => ("0X", format!("{size:X}")),
                    _ => ("0o", format!("{size:o}")),
                };
                let digits = self.digits(digits);
                (number < 0, if self.alternate { format!("{prefix}{digits}") } else { digits })
            }
            'f' | 'F' | 'e' | 'E' | 'g' | 'G' => {
                let Some(number) = value.as_float() else {
                    return fail(format!("must be real number, not {}", value.type_name()));
                };
                (
                    number.is_sign_negative(),
                    float_as(number.abs(), kind, self.precision.unwrap_or(6), self.alternate),
                )
            }
            other => {
                return fail(format!("unsupported format character '{other}' (0x{:x})", other as u32));
            }
        };
        let sign = match (sign, self.plus, self.blank) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            _ => "",
        };
        self.pad(sign, &body, self.zero, out)
    }

    fn digits(&self, digits: String) -> String {
        match self.precision {
            Some(precision) => format!("{digits:0>precision$}"),
            None => digits,
        }
    }

    fn pad(&self, sign: &str, body: &str, zero: bool, out: &mut String) -> Res<()> {
        let missing = self.width.saturating_sub(sign.len() + body.chars().count());
        if self.left {
            out.push_str(sign);
            out.push_str(body);
            out.extend(std::iter::repeat_n(' ', missing));
        } else if zero {
            out.push_str(sign);
            out.extend(std::iter::repeat_n('0', missing));
            out.push_str(body);
        } else {
            out.extend(std::iter::repeat_n(' ', missing));
            out.push_str(sign);
            out.push_str(body);
        }
        Ok(())
    }
}

fn integer(value: &Val) -> Option<i128> {
    match value {
        Val::Float(number) if number.is_finite() => Some(number.trunc() as i128),
        other => other.as_int(),
    }
}

/// A positive float in the form `f`, `e` or `g` of C's printf.
pub(crate) fn float_as(number: f64, kind: char, precision: usize, alternate: bool) -> String {
    if !number.is_finite() {
        let text = data::python::float_text(number);
        return if kind.is_uppercase() { text.to_uppercase() } else { text };
    }
    let text = match kind.to_ascii_lowercase() {
        'f' => format!("{number:.precision$}"),
        'e' => exponential(number, precision),
        _ => {
            let precision = precision.max(1);
            let exponent = exponential(number, precision - 1);
            let power: i32 = exponent.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
            let text = if (-4..precision as i32).contains(&power) {
                format!("{number:.*}", (precision as i32 - 1 - power).max(0) as usize)
            } else {
                exponent
            };
            if alternate { text } else { trimmed(&text) }
        }
    };
    if kind.is_uppercase() { text.to_uppercase() } else { text }
}

fn exponential(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, power) = power.strip_prefix('-').map_or(('+', power), |power| ('-', power));
    format!("{digits}e{sign}{power:0>2}")
}

/// Without the zeros at the end of the fraction.
fn trimmed(text: &str) -> String {
    let (digits, power) = text.split_once('e').map_or((text, None), |(digits, power)| (digits, Some(power)));
    let digits =
        if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    match power {
        Some(power) => format!("{digits}e{power}"),
        None => digits.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_take_printfs_forms() {
        for (number, kind, precision, text) in [
            (1.5, 'f', 2, "1.50"),
            (0.1, 'g', 6, "0.1"),
            (1e10, 'g', 6, "1e+10"),
            (123456.0, 'g', 6, "123456"),
            (1.0, 'e', 3, "1.000e+00"),
        ] {
            assert_eq!(float_as(number, kind, precision, false), text);
        }
    }
}
