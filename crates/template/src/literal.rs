//! String constants of a template: quotes and Python's escapes.

/// The value of one or more adjacent string constants. With `keep`, backslashes stand for themselves.
pub(crate) fn unescape(source: &str, keep: bool) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find(['"', '\'']) {
        let quote = if rest.as_bytes()[at] == b'"' { '"' } else { '\'' };
        let inner = &rest[at + 1..];
        let end = closing(inner, quote);
        let raw = &inner[..end];
        if keep || !raw.contains('\\') {
            out.push_str(raw)
        } else {
            decode(raw, &mut out)
        }
        rest = inner.get(end + 1..).unwrap_or("");
    }
    out
}

fn closing(inner: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at,
            _ => {}
        }
    }
    inner.len()
}

/// Python's `unicode-escape`; what it does not know stays as it is.
fn decode(raw: &str, out: &mut String) {
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some(next) = chars.next() else {
            out.push('\\');
            break;
        };
        let simple = match next {
            '\n' => continue,
            '\\' | '\'' | '"' => Some(next),
            'a' => Some('\x07'),
            'b' => Some('\x08'),
            'f' => Some('\x0c'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\x0b'),
            _ => None,
        };
        if let Some(simple) = simple {
            out.push(simple);
            continue;
        }
        let (digits, radix, skip) = match next {
            'x' => (2, 16, 0),
            'u' => (4, 16, 0),
            'U' => (8, 16, 0),
            '0'..='7' => (3, 8, 1),
            _ => {
                out.push('\\');
                out.push(next);
                continue;
            }
        };
        let rest = chars.as_str();
        let first = if skip == 1 { next.to_string() } else { String::new() };
        let more: String = rest.chars().take_while(|c| c.is_digit(radix)).take(digits - skip).collect();
        match u32::from_str_radix(&format!("{first}{more}"), radix).ok().and_then(char::from_u32) {
            Some(decoded) if skip == 1 || more.len() == digits => {
                out.push(decoded);
                chars = rest[more.len()..].chars();
            }
            _ => {
                out.push('\\');
                out.push(next);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn escapes_are_pythons() {
        for (source, expected) in [
            (r"'a\nb'", "a\nb"),
            (r"'\x41\u00e9\101\q'", "Aé\u{41}\\q"),
            (r#""it's" ' two'"#, "it's two"),
            (r"'\''", "'"),
        ] {
            assert_eq!(unescape(source, false), expected, "{source}");
        }
        assert_eq!(unescape(r"'\1\''", true), r"\1\'");
    }
}
