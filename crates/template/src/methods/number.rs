//! Methods and fields of numbers.

use crate::args::Args;
use crate::val::{Object, Res, Val, fail};

pub(crate) const INT_METHODS: &[&str] = &[
    "bit_length",
    "bit_count",
    "to_bytes",
    "conjugate",
    "as_integer_ratio",
    "__and__",
    "__or__",
    "__xor__",
    "__lshift__",
    "__rshift__",
];
pub(crate) const FLOAT_METHODS: &[&str] = &["is_integer", "conjugate", "as_integer_ratio", "hex"];

pub(crate) fn field(value: &Val, name: &str) -> Option<Val> {
    match (name, value) {
        ("real", number) => Some(match number {
            Val::Bool(flag) => Val::Int(i128::from(*flag)),
            other => other.clone(),
        }),
        ("imag", Val::Float(_)) => Some(Val::Float(0.0)),
        ("imag", _) => Some(Val::Int(0)),
        ("numerator", number) => number.as_int().map(Val::Int),
        ("denominator", number) => number.as_int().map(|_| Val::Int(1)),
        _ => None,
    }
}

pub(crate) fn call(value: &Val, name: &str, args: Args) -> Res<Val> {
    if let Val::Float(number) = value {
        return match name {
            "is_integer" => Ok(Val::Bool(number.fract() == 0.0)),
            "as_integer_ratio" => ratio(*number),
            "hex" => Ok(Val::from(hex(*number))),
            _ => Ok(value.clone()),
        };
    }
    let Some(number) = value.as_int() else { return Ok(Val::None) };
    match name {
        "bit_length" => Ok(Val::Int((128 - number.unsigned_abs().leading_zeros()).into())),
        "bit_count" => Ok(Val::Int(number.unsigned_abs().count_ones().into())),
        "conjugate" => Ok(Val::Int(number)),
        "to_bytes" => bytes(number, args),
        "as_integer_ratio" => Ok(Val::tuple(vec![Val::Int(number), Val::Int(1)])),
        _ => {
            let [other] = args.exactly(name)?;
            let Some(other) = other.as_int() else {
                return fail(format!("an integer is required, not '{}'", other.type_name()));
            };
            let shift = u32::try_from(other).ok();
            let result = match name {
                "__and__" => Some(number & other),
                "__or__" => Some(number | other),
                "__xor__" => Some(number ^ other),
                "__lshift__" => shift.and_then(|by| number.checked_mul(1_i128.checked_shl(by)?)),
                _ => shift.map(|by| number >> by.min(127)),
            };
            result.map_or_else(|| fail("the shift is negative or too large"), |number| Ok(Val::Int(number)))
        }
    }
}

/// The fraction that a float is.
fn ratio(number: f64) -> Res<Val> {
    if number.is_nan() {
        return fail("cannot convert NaN to integer ratio");
    }
    if number.is_infinite() {
        return fail("cannot convert Infinity to integer ratio");
    }
    let (mut top, mut exponent) = (number, 0_u32);
    while top.fract() != 0.0 {
        top *= 2.0;
        exponent += 1;
    }
    match 1_i128.checked_shl(exponent).filter(|bottom| *bottom > 0 && top.abs() < 1e38) {
        Some(bottom) => Ok(Val::tuple(vec![Val::Int(top as i128), Val::Int(bottom)])),
        None => fail("the integer is too large: taskbox counts with 128 bits"),
    }
}

/// C's `%a` with all digits.
fn hex(number: f64) -> String {
    if !number.is_finite() {
        return data::python::float_text(number);
    }
    let bits = number.to_bits();
    let (exponent, digits) = ((bits >> 52) & 0x7ff, bits & ((1 << 52) - 1));
    let sign = if number.is_sign_negative() { "-" } else { "" };
    match (exponent, digits) {
        (0, 0) => format!("{sign}0x0.0p+0"),
        (0, _) => format!("{sign}0x0.{digits:013x}p-1022"),
        _ => format!("{sign}0x1.{digits:013x}p{:+}", exponent as i64 - 1023),
    }
}

/// `int.to_bytes(length, byteorder)`
fn bytes(number: i128, args: Args) -> Res<Val> {
    let bound = args.bind("to_bytes", &["length?", "byteorder?", "*", "signed?"])?;
    let (length, signed) = (bound.int(0, 1)?, bound.flag(2, false)?);
    let order = match bound.get(1) {
        None => "big".to_owned(),
        Some(Val::Str(order)) => order.to_string(),
        Some(other) => {
            return fail(format!("to_bytes() argument 'byteorder' must be str, not {}", other.type_name()));
        }
    };
    if !matches!(order.as_str(), "big" | "little") {
        return fail("byteorder must be either 'little' or 'big'");
    }
    if !(0..=1_000_000).contains(&length) {
        return fail("length argument must be non-negative");
    }
    if number < 0 && !signed {
        return fail("can't convert negative int to unsigned");
    }
    let bits = u32::try_from(length * 8).unwrap_or(u32::MAX).saturating_sub(u32::from(signed));
    if bits < 127 && (number >= 1 << bits || number < -(1 << bits)) {
        return fail("int too big to convert");
    }
    let fill = if number < 0 { 0xff } else { 0 };
    let mut made = number.to_le_bytes().to_vec();
    made.resize(length as usize, fill);
    if order == "big" {
        made.reverse();
    }
    Ok(Val::object(Object::Bytes(made)))
}
