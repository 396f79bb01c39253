//! Python's `ast.literal_eval`, by which Ansible reads the values of hosts.ini and of `-e name=value`: numbers, strings, `True`, `None`,
//! lists, tuples, dictionaries and sets. What is not a literal is not an error: it is text.

use crate::{Key, List, Map, Value};

/// Brackets in brackets beyond this are not a literal; Python stops at the same number.
const DEPTH: usize = 200;

/// The value of a Python literal; `None` for everything else (which callers keep as text), and for bytes and complex numbers.
pub fn parse(text: &str) -> Option<Value> {
    evaluate(text, false)
}

/// The same as the inventory of hosts.ini takes it: bytes, imaginary numbers and `...` are literals, and become text.
pub fn parse_as_text(text: &str) -> Option<Value> {
    evaluate(text, true)
}

fn evaluate(text: &str, odd: bool) -> Option<Value> {
    let rest = text.trim_start_matches([' ', '\t']).trim_start_matches(['\n', '\r']);
    let mut parser = Parser { rest, depth: 0, odd };
    parser.blanks();
    let first = parser.value()?;
    parser.blanks();
    let value = if parser.rest.starts_with(',') { parser.bare_tuple(first)? } else { first };
    parser.depth = 1;
    parser.blanks();
    parser.rest.is_empty().then_some(value)
}

struct Parser<'a> {
    rest: &'a str,
    /// Open brackets; inside of them line breaks are blanks.
    depth: usize,
    /// Whether what has no value of its own here becomes text.
    odd: bool,
}

impl Parser<'_> {
    fn take(&mut self, wanted: &str) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Skips blanks and comments, and inside brackets line breaks.
    fn blanks(&mut self) {
        loop {
            self.rest = if self.depth > 0 {
                self.rest.trim_start_matches([' ', '\t', '\u{c}', '\n', '\r'])
            } else {
                self.rest.trim_start_matches([' ', '\t', '\u{c}'])
            };
            if !self.rest.starts_with('#') {
                return;
            }
            self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
        }
    }

    fn value(&mut self) -> Option<Value> {
        match self.rest.chars().next()? {
            '[' => self.bracket(|parser| parser.items("]").map(|(items, _)| Value::from(items))),
            '(' => self.bracket(Self::parenthesis),
            '{' => self.bracket(Self::braces),
            '-' | '+' => self.signed(),
            '.' if self.odd && self.take("...") => Some(Value::from("...")),
            'b' | 'B' | 'r' | 'R' if self.odd && self.at_bytes() => self.bytes(),
            c if c.is_ascii_digit() || c == '.' => self.number(),
            _ => self.strings().or_else(|| self.word()),
        }
    }

    fn bracket(&mut self, inside: impl FnOnce(&mut Self) -> Option<Value>) -> Option<Value> {
        self.rest = &self.rest[1..];
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        self.blanks();
        let value = inside(self)?;
        self.depth -= 1;
        Some(value)
    }

    /// Items up to `end`, and whether a comma came after the last.
    fn items(&mut self, end: &str) -> Option<(Vec<Value>, bool)> {
        let mut items = Vec::new();
        let mut comma = false;
        while !self.take(end) {
            if !items.is_empty() && !comma {
                return None;
            }
            items.push(self.value()?);
            self.blanks();
            comma = self.take(",");
            self.blanks();
        }
        Some((items, comma))
    }

    fn parenthesis(&mut self) -> Option<Value> {
        let (mut items, comma) = self.items(")")?;
        if items.len() == 1 && !comma {
            return items.pop();
        }
        Some(Value::List(List::tuple(items)))
    }

    /// `1, 2` without parentheses is a tuple too.
    fn bare_tuple(&mut self, first: Value) -> Option<Value> {
        let mut items = vec![first];
        while self.take(",") {
            self.blanks();
            if self.rest.is_empty() || self.rest.starts_with(['\n', '\r']) {
                break;
            }
            items.push(self.value()?);
            self.blanks();
        }
        Some(Value::List(List::tuple(items)))
    }

    /// A dictionary, or a set, which becomes a list.
    fn braces(&mut self) -> Option<Value> {
        if self.take("}") {
            return Some(Value::from(Map::new()));
        }
        let first = self.value()?;
        self.blanks();
        if self.take(":") {
            return self.dictionary(first);
        }
        let mut items = vec![first];
        if self.take(",") {
            self.blanks();
            items.extend(self.items("}")?.0);
        } else if !self.take("}") {
            return None;
        }
        let keys: Option<indexmap::IndexSet<Key>> = items.iter().map(Key::from_value).collect();
        Some(keys?.iter().map(Key::to_value).collect())
    }

    fn dictionary(&mut self, first: Value) -> Option<Value> {
        let mut map = Map::new();
        let mut key = first;
        loop {
            self.blanks();
            let value = self.value()?;
            map.insert(Key::from_value(&key)?, value);
            self.blanks();
            let comma = self.take(",");
            self.blanks();
            if self.take("}") {
                return Some(Value::from(map));
            }
            if !comma {
                return None;
            }
            key = self.value()?;
            self.blanks();
            if !self.take(":") {
                return None;
            }
        }
    }

    fn word(&mut self) -> Option<Value> {
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "True" => Some(Value::from(true)),
            "False" => Some(Value::from(false)),
            "None" => Some(Value::Null),
            "set" => {
                self.blanks();
                let open = self.take("(");
                self.blanks();
                (open && self.take(")")).then(|| Value::from(Vec::new()))
            }
            _ => None,
        }
    }

    /// A number with one sign; Python allows no second one and no sign before anything else.
    fn signed(&mut self) -> Option<Value> {
        let negative = self.rest.starts_with('-');
        self.rest = &self.rest[1..];
        self.blanks();
        if !self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return None;
        }
        Some(match self.number()? {
            Value::Int(number) if negative => Value::Int(-number),
            Value::Float(number) if negative => Value::Float(-number),
            // Python makes a complex number of it, whose other part is a negative zero.
            Value::Str(imaginary) if negative => Value::from(format!("(-0-{})", imaginary.as_str())),
            number => number,
        })
    }

    fn number(&mut self) -> Option<Value> {
        let end = number_end(self.rest.as_bytes());
        let (written, rest) = self.rest.split_at(end);
        if self.odd
            && let Some(after) = rest.strip_prefix(['j', 'J'])
            && !after.starts_with(|c: char| c.is_alphanumeric() || c == '_')
        {
            self.rest = after;
            return imaginary(written);
        }
        // A letter or digit right behind is no literal: `1abc`, `1j`, `012`.
        if rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            return None;
        }
        self.rest = rest;
        number(written)
    }

    fn at_bytes(&self) -> bool {
        let prefix = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        matches!(self.rest[..prefix].to_ascii_lowercase().as_str(), "b" | "br" | "rb")
            && self.rest[prefix..].starts_with(['"', '\''])
    }

    /// Bytes, decoded; several side by side are one.
    fn bytes(&mut self) -> Option<Value> {
        let mut joined = Vec::new();
        while self.at_bytes() {
            let start = self.rest;
            let raw =
                self.rest.bytes().take_while(u8::is_ascii_alphabetic).any(|c| c.eq_ignore_ascii_case(&b'r'));
            self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_alphabetic());
            let quote = self.rest.chars().next()?.to_string();
            let end = if self.rest.starts_with(&quote.repeat(3)) { quote.repeat(3) } else { quote };
            self.rest = &self.rest[end.len()..];
            let chars = self.until(&end, raw)?;
            let written = &start[..start.len() - self.rest.len()];
            // Escapes that name characters mean nothing in bytes, and they hold no other characters than ASCII's.
            if !written.is_ascii()
                || !raw && ["\\u", "\\U", "\\N"].iter().any(|escape| written.contains(escape))
            {
                return None;
            }
            for c in chars.chars() {
                joined.push(u8::try_from(u32::from(c)).ok()?);
            }
            self.blanks();
        }
        // Text beside bytes is no literal.
        if self.rest.starts_with(['"', '\'']) {
            return None;
        }
        String::from_utf8(joined).ok().map(Value::from)
    }

    /// One string, or several side by side, which are one.
    fn strings(&mut self) -> Option<Value> {
        let mut joined: Option<String> = None;
        loop {
            let before = self.rest;
            let Some(chars) = self.string()? else {
                self.rest = before;
                return joined.map(Value::from);
            };
            joined.get_or_insert_default().push_str(&chars);
            self.blanks();
        }
    }

    /// One string; `Some(None)` when there is none here, `None` when it is broken.
    fn string(&mut self) -> Option<Option<String>> {
        let prefix = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let raw = match self.rest[..prefix].to_ascii_lowercase().as_str() {
            "" | "u" => false,
            "r" => true,
            _ => return Some(None),
        };
        let body = &self.rest[prefix..];
        let Some(quote) = body.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return Some(None) };
        let triple = quote.to_string().repeat(3);
        let end = if body.starts_with(&triple) { triple } else { quote.to_string() };
        self.rest = &body[end.len()..];
        self.until(&end, raw).map(Some)
    }

    fn until(&mut self, end: &str, raw: bool) -> Option<String> {
        let mut out = String::new();
        loop {
            if self.take(end) {
                return Some(out);
            }
            let c = self.rest.chars().next()?;
            match c {
                '\\' if raw => {
                    let escaped = self.rest[1..].chars().next()?;
                    out.extend(['\\', escaped]);
                    self.rest = &self.rest[1 + escaped.len_utf8()..];
                }
                '\\' => self.escape(&mut out)?,
                '\n' if end.len() == 1 => return None,
                _ => {
                    out.push(c);
                    self.rest = &self.rest[c.len_utf8()..];
                }
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Option<()> {
        let c = self.rest[1..].chars().next()?;
        let simple = match c {
            '\n' => Some(None),
            '\\' | '\'' | '"' => Some(Some(c)),
            'a' => Some(Some('\u{7}')),
            'b' => Some(Some('\u{8}')),
            'f' => Some(Some('\u{c}')),
            'n' => Some(Some('\n')),
            'r' => Some(Some('\r')),
            't' => Some(Some('\t')),
            'v' => Some(Some('\u{b}')),
            _ => None,
        };
        if let Some(replacement) = simple {
            out.extend(replacement);
            self.rest = &self.rest[1 + c.len_utf8()..];
            return Some(());
        }
        let (radix, from, width) = match c {
            'x' => (16, 2, 2),
            'u' => (16, 2, 4),
            'U' => (16, 2, 8),
            '0'..='7' => {
                (8, 1, self.rest[1..].bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count())
            }
            // A character by its name needs Python's table of names.
            'N' => return None,
            _ => {
                out.extend(['\\', c]);
                self.rest = &self.rest[1 + c.len_utf8()..];
                return Some(());
            }
        };
        let digits = self
            .rest
            .get(from..from + width)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        out.push(char::from_u32(u32::from_str_radix(digits, radix).ok()?)?);
        self.rest = &self.rest[from + width..];
        Some(())
    }
}

/// An imaginary number as Python prints it.
fn imaginary(written: &str) -> Option<Value> {
    let amount = match number(written)? {
        Value::Int(_) if written.contains(['x', 'X', 'o', 'O', 'b', 'B']) => return None,
        Value::Int(whole) => whole as f64,
        Value::Float(amount) => amount,
        _ => return None,
    };
    let text = crate::python::float_text(amount);
    Some(Value::from(format!("{}j", text.strip_suffix(".0").unwrap_or(&text))))
}

/// Where a number ends that begins with a digit or a point.
fn number_end(text: &[u8]) -> usize {
    let based =
        text.first() == Some(&b'0') && matches!(text.get(1), Some(b'x' | b'X' | b'o' | b'O' | b'b' | b'B'));
    let mut end = if based { 2 } else { 0 };
    while let Some(byte) = text.get(end) {
        let sign = matches!(byte, b'+' | b'-') && end > 0 && matches!(text[end - 1], b'e' | b'E');
        let part = if based {
            byte.is_ascii_hexdigit() || *byte == b'_'
        } else {
            byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'e' | b'E') || sign
        };
        if !part {
            break;
        }
        end += 1;
    }
    end
}

fn number(written: &str) -> Option<Value> {
    let lower = written.to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            let digits = plain_digits(digits.strip_prefix('_').unwrap_or(digits), radix)?;
            return i128::from_str_radix(&digits, radix).ok().map(Value::Int);
        }
    }
    if !lower.contains(['.', 'e']) {
        let digits = plain_digits(&lower, 10)?;
        let octal_of_old =
            digits.len() > 1 && digits.starts_with('0') && digits.bytes().any(|byte| byte != b'0');
        return if octal_of_old { None } else { digits.parse().ok().map(Value::Int) };
    }
    let (mantissa, exponent) = match lower.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (lower.as_str(), None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    for part in [whole, fraction] {
        if !part.is_empty() {
            plain_digits(part, 10)?;
        }
    }
    if let Some(exponent) = exponent {
        plain_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent), 10)?;
    }
    lower.replace('_', "").parse().ok().map(Value::Float)
}

/// Digits of a base without the single underscores between them.
fn plain_digits(digits: &str, radix: u32) -> Option<String> {
    let whole = digits.split('_').all(|group| !group.is_empty() && group.chars().all(|c| c.is_digit(radix)));
    whole.then(|| digits.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python;

    #[test]
    fn literals_have_pythons_values() {
        for (text, repr) in [
            ("1_000", "1000"),
            ("0x1F", "31"),
            ("-0o17", "-15"),
            ("00", "0"),
            ("01.5", "1.5"),
            ("1e5", "100000.0"),
            (".5", "0.5"),
            ("  'a' \"b\"", "'ab'"),
            (r"'\x41\u00e9\101\q'", r"'AéA\\q'"),
            (r"r'\n'", r"'\\n'"),
            ("'''a\nb'''", "'a\\nb'"),
            ("[1, 'a', {'k': (1,)}, None,]", "[1, 'a', {'k': (1,)}, None]"),
            ("1, 2", "(1, 2)"),
            ("1,", "(1,)"),
            ("(1)", "1"),
            ("()", "()"),
            ("{1, 1, 2}", "[1, 2]"),
            ("set()", "[]"),
            ("True # yes", "True"),
            ("[1,\n 2]\n", "[1, 2]"),
        ] {
            assert_eq!(parse(text).map(|value| python::repr(&value)).as_deref(), Some(repr), "{text}");
        }
    }

    #[test]
    fn what_has_no_value_becomes_text_where_that_is_asked_for() {
        for (text, repr) in [
            ("[..., 1j, set(), {1, 2}, b'x']", "['...', '1j', [], [1, 2], 'x']"),
            ("...", "'...'"),
            ("1.50J", "'1.5j'"),
            ("1e20j", "'1e+20j'"),
            ("-2j", "'(-0-2j)'"),
            ("b'caf\\xc3\\xa9' b\"!\"", "'café!'"),
            ("rb'\\n'", "'\\\\n'"),
            (".5", "0.5"),
        ] {
            assert_eq!(
                parse_as_text(text).map(|value| python::repr(&value)).as_deref(),
                Some(repr),
                "{text}"
            );
        }
        for text in ["b'é'", "b'\\xff'", "b'a' 'b'", "0x1j", "1jx", "..", "bare"] {
            assert!(parse_as_text(text).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_literal_is_none() {
        for text in [
            "",
            "abc",
            "true",
            "012",
            "1__0",
            "1_",
            "0x",
            "--1",
            "-'a'",
            "-True",
            "1 + 2",
            "[1 2]",
            "[,]",
            "'a",
            "'a\nb'",
            "b'a'",
            "1j",
            "10.0.0.1",
            "1.2.3",
            "{[]: 1}",
            "{'a': 1, 'b'}",
            "192.168.1.1/24",
            "{{ x }}",
            "1;",
            "é",
            "f'a'",
            "...",
            "\\",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
        assert!(parse(&"[".repeat(100_000)).is_none());
    }
}
