//! Python's text forms of values: what `str()` and `repr()` print, which Ansible's users see wherever a value meets text.

use crate::{Key, ListKind, Value, date};

/// What stands in text for the byte 0x80 that is no UTF-8; the others follow. Python has lone surrogates there, which no Rust text can
/// hold; these are the last characters for private use, which nobody writes.
const ESCAPED: u32 = 0x10_FF80;

/// Bytes as text that still knows them, as Python decodes with `surrogateescape`: [`bytes_of_text`] gives them back.
pub fn text_of_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        let escaped =
            chunk.invalid().iter().filter_map(|byte| char::from_u32(ESCAPED + u32::from(*byte) - 0x80));
        text.extend(escaped);
    }
    text
}

/// A text's bytes: UTF-8, and those that [`text_of_bytes`] could not read as UTF-8 as they were.
pub fn bytes_of_text(text: &str) -> Vec<u8> {
    if !text.chars().any(|c| u32::from(c) >= ESCAPED) {
        return text.as_bytes().to_vec();
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u32::from(c).checked_sub(ESCAPED) {
            Some(byte) => bytes.push(0x80 + byte as u8),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

/// Python's `str()`: text as it is, everything else as [`repr`].
pub fn str(value: &Value) -> String {
    match value {
        Value::Str(text) => text.python_str(),
        other => repr(other),
    }
}

/// Python's `repr()`: text in quotes, with escapes. An undefined value prints as its message.
pub fn repr(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

/// Python's `repr()` of a string: single quotes unless only double quotes avoid escapes.
pub fn repr_str(chars: &str) -> String {
    let mut out = String::with_capacity(chars.len() + 2);
    write_str(&mut out, chars);
    out
}

/// Python's `repr()` of a float: the shortest text that reads back the same, with an exponent below 1e-4 and from 1e16.
pub fn float_text(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{number}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&float_text(*number)),
        Value::Str(text) if text.is_date() => out.push_str(&date::repr(text)),
        Value::Str(text) => write_str(out, text),
        Value::List(list) => {
            let tuple = list.kind() == ListKind::Tuple;
            out.push(if tuple { '(' } else { '[' });
            for (index, item) in list.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_value(out, item);
            }
            out.push_str(match (tuple, list.len()) {
                (true, 1) => ",)",
                (true, _) => ")",
                (false, _) => "]",
            });
        }
        Value::Map(map) => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_key(out, key);
                out.push_str(": ");
                write_value(out, item);
            }
            out.push('}');
        }
        Value::Undefined(missing) => out.push_str(&missing.hint),
    }
}

fn write_key(out: &mut String, key: &Key) {
    match key {
        Key::Str(text) if !text.is_date() => write_str(out, text),
        other => write_value(out, &other.to_value()),
    }
}

fn write_str(out: &mut String, chars: &str) {
    let quote = if chars.contains('\'') && !chars.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in chars.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if c == quote => out.extend(['\\', c]),
            _ if is_printable(c) => out.push(c),
            _ => match u32::from(c) {
                code @ 0..=0xff => out.push_str(&format!("\\x{code:02x}")),
                code @ 0x100..=0xffff => out.push_str(&format!("\\u{code:04x}")),
                code => out.push_str(&format!("\\U{code:08x}")),
            },
        }
    }
    out.push(quote);
}

/// Python's `str.isprintable()` for one character: neither a control, format, private or unassigned character nor a separator other than
/// the space.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    // The standard library draws the same line, but shows it only through the escapes of a string, whose first character has a rule more.
    let mut pair = [0; 8];
    pair[0] = b'a';
    let width = 1 + c.encode_utf8(&mut pair[1..]).len();
    std::str::from_utf8(&pair[..width]).is_ok_and(|text| text.escape_debug().nth(1) == Some(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{List, Map};

    #[test]
    fn bytes_that_are_no_text_come_back() {
        for bytes in [&b"plain"[..], "é€".as_bytes(), &[0x61, 0xE9, 0x0A, 0xFF, 0x80, 0xC3], &[]] {
            assert_eq!(bytes_of_text(&text_of_bytes(bytes)), bytes);
        }
        assert_eq!(text_of_bytes("é".as_bytes()), "é");
    }

    #[test]
    fn floats_print_as_pythons() {
        for (number, text) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (1.5e-5, "1.5e-05"),
            (0.0001, "0.0001"),
            (-0.0, "-0.0"),
            (1e100, "1e+100"),
            (123456789.123, "123456789.123"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(float_text(number), text);
        }
    }

    #[test]
    fn strings_choose_quotes_and_escapes_as_python() {
        for (chars, text) in [
            ("it's", "\"it's\""),
            ("say \"it's\"", "'say \"it\\'s\"'"),
            ("a\\b\n\t\u{7f}", "'a\\\\b\\n\\t\\x7f'"),
            ("中é\u{a0}\u{200b}\u{e000}", "'中é\\xa0\\u200b\\ue000'"),
            ("e\u{301}", "'e\u{301}'"),
        ] {
            assert_eq!(repr_str(chars), text);
        }
    }

    #[test]
    fn containers_print_as_pythons() {
        let value = Value::from(Map::from([
            ("list", Value::from(vec![Value::Null, Value::from(true)])),
            ("one", Value::List(List::tuple(vec![Value::from("x")]))),
            ("none", Value::List(List::tuple(Vec::new()))),
        ]));
        assert_eq!(str(&value), "{'list': [None, True], 'one': ('x',), 'none': ()}");
        assert_eq!(str(&Value::from("it's")), "it's");
    }
}
