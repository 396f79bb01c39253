//! Filters of community.crypto that take texts of certificates apart.

use crate::filters::keys::class;
use crate::methods::lines;
use crate::registry::Filter;
use crate::val::{Res, Val, fail};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("community.crypto.split_pem", &[], |_, value, _| split_pem(value)),
    Filter::new("community.crypto.parse_serial", &[], |_, value, _| parse_serial(value)),
    Filter::new("community.crypto.to_serial", &[], |_, value, _| to_serial(value)),
];

/// The objects of a PEM file, without what stands between them.
fn split_pem(value: &Val) -> Res<Val> {
    let Some(text) = value.as_str() else {
        return fail(format!(
            "The community.crypto.split_pem input must be a text type, not {}",
            class(value)
        ));
    };
    let (mut found, mut object) = (Vec::new(), None::<String>);
    for line in lines(text, true) {
        if line.trim().is_empty() {
            continue;
        }
        if line.starts_with("-----BEGIN ") {
            object = Some(String::new());
        }
        if let Some(open) = &mut object {
            open.push_str(&line);
            if line.starts_with("-----END ") {
                found.extend(object.take().map(Val::from));
            }
        }
    }
    Ok(Val::list(found))
}

/// `1st`, `2nd`, `11th`
fn ordinal(number: usize) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// The number of `11:22:33`.
fn parse_serial(value: &Val) -> Res<Val> {
    let Some(text) = value.as_str() else {
        return fail(format!(
            "The input for the community.crypto.parse_serial filter must be a string; got {} instead",
            class(value)
        ));
    };
    let mut serial: i128 = 0;
    for (at, part) in text.split(':').enumerate() {
        let byte = crate::filters::parse_int(part, 16).filter(|byte| (0..256).contains(byte));
        let Some(byte) = byte else {
            return fail(format!(
                "The {} part {} is not a hexadecimal number in range [0, 255]",
                ordinal(at + 1),
                data::python::repr_str(part)
            ));
        };
        let Some(next) = serial.checked_mul(256).and_then(|serial| serial.checked_add(byte)) else {
            return fail("the serial number does not fit in 128 bits");
        };
        serial = next;
    }
    Ok(Val::Int(serial))
}

fn to_serial(value: &Val) -> Res<Val> {
    let digits = match (value, value.as_int()) {
        (_, Some(number)) if number < 0 => {
            return fail("The input for the community.crypto.to_serial filter must not be negative");
        }
        (_, Some(number)) => format!("{number:X}"),
        _ => {
            return fail(format!(
                "The input for the community.crypto.to_serial filter must be an integer; got {} instead",
                class(value)
            ));
        }
    };
    let digits = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits };
    let parts: Vec<&str> = (0..digits.len()).step_by(2).map(|at| &digits[at..at + 2]).collect();
    Ok(Val::from(parts.join(":")))
}
