//! Methods and fields of numbers.

use crate::args::Args;
use crate::val::{Res, Val, fail};

pub(crate) const INT_METHODS: &[&str] = &[
    "bit_length",
    "bit_count",
    "conjugate",
    "as_integer_ratio",
    "__and__",
    "__or__",
    "__xor__",
    "__lshift__",
    "__rshift__",
];
pub(crate) const FLOAT_METHODS: &[&str] = &["is_integer", "conjugate"];

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
            _ => Ok(value.clone()),
        };
    }
    let Some(number) = value.as_int() else { return Ok(Val::None) };
    match name {
        "bit_length" => Ok(Val::Int((128 - number.unsigned_abs().leading_zeros()).into())),
        "bit_count" => Ok(Val::Int(number.unsigned_abs().count_ones().into())),
        "conjugate" => Ok(Val::Int(number)),
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
