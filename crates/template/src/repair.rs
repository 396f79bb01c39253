//! Repairs of equal length for valid Jinja that minijinja's parser refuses: they run only after it has refused.
//!
//! A unary plus becomes a minus, which is told apart by the source; `{{ a, b }}` and `for x in a, b` get parentheses where blanks stand; backslashes in strings are hidden,
//! since constants are read from the user's own text anyway.

use crate::settings::Syntax;

/// The repaired source, or `None` if there is nothing to repair.
pub(crate) fn repair(source: &str, expression: bool, syntax: &Syntax) -> Option<String> {
    let mut out = source.as_bytes().to_vec();
    if expression {
        repair_code(&mut out, 0..source.len(), false, true);
    } else {
        let mut at = 0;
        while let Some((start, end, block)) = next_tag(source, at, syntax) {
            repair_code(&mut out, start..end, !block, false);
            at = end;
        }
    }
    let repaired = String::from_utf8(out).ok()?;
    (repaired != source).then_some(repaired)
}

/// The inside of the next tag, and whether it is a block rather than a variable.
fn next_tag(source: &str, from: usize, syntax: &Syntax) -> Option<(usize, usize, bool)> {
    let variable = source[from..].find(&*syntax.variable.0).map(|at| (at, &syntax.variable, false));
    let block = source[from..].find(&*syntax.block.0).map(|at| (at, &syntax.block, true));
    let (at, (open, close), block) = [variable, block].into_iter().flatten().min_by_key(|found| found.0)?;
    let start = from + at + open.len();
    Some((start, tag_end(source, start, close), block))
}

fn tag_end(source: &str, start: usize, close: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in source[start..].char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, _) if source[start + at..].starts_with(close) => return start + at,
            _ => {}
        }
    }
    source.len()
}

fn repair_code(out: &mut [u8], range: std::ops::Range<usize>, print: bool, expression: bool) {
    let code = range.clone();
    let mut previous = if print || expression { b'(' } else { b' ' };
    let mut depth = 0_i32;
    let mut quote = 0_u8;
    let mut commas = false;
    let mut at = range.start;
    while at < range.end {
        let byte = out[at];
        if quote != 0 {
            if byte == b'\\' && at + 1 < range.end {
                // The escaped character goes too: it may be the quote.
                out[at] = b'_';
                if out[at + 1].is_ascii() {
                    out[at + 1] = b'_';
                }
                at += 2;
                continue;
            }
            if byte == quote {
                quote = 0;
                previous = b'"';
            }
            at += 1;
            continue;
        }
        match byte {
            b'"' | b'\'' => quote = byte,
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            b',' if depth == 0 => commas = true,
            b'+' if (at > code.start || expression)
                && is_operand_expected(previous, &out[code.start..at]) =>
            {
                out[at] = b'-'
            }
            _ => {}
        }
        if !byte.is_ascii_whitespace() && quote == 0 {
            previous = byte;
        }
        at += 1;
    }
    if commas {
        parenthesize(out, code, print);
    }
}

/// Whether a `+` here is a sign: after an operator, an opening bracket, or a word such as `in`.
fn is_operand_expected(previous: u8, before: &[u8]) -> bool {
    if matches!(
        previous,
        b'(' | b'[' | b'{' | b',' | b':' | b'=' | b'+' | b'-' | b'*' | b'/' | b'%' | b'<' | b'>' | b'~'
    ) {
        return true;
    }
    let word = before.trim_ascii_end().rsplit(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').next();
    matches!(word, Some(b"in" | b"if" | b"else" | b"and" | b"or" | b"not" | b"is"))
}

/// Puts parentheses on the blanks around a tuple.
fn parenthesize(out: &mut [u8], code: std::ops::Range<usize>, print: bool) {
    let open = if print {
        Some(code.start)
    } else {
        let text = &out[code.clone()];
        let is_for = text.trim_ascii_start().trim_ascii_start().starts_with(b"for");
        is_for
            .then(|| text.windows(4).position(|four| four == b" in ").map(|at| code.start + at + 3))
            .flatten()
    };
    let close = code.end - 1;
    if let Some(open) = open
        && open < close
        && out[open] == b' '
        && out[close] == b' '
    {
        out[open] = b'(';
        out[close] = b')';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repairs_keep_the_length() {
        for (source, expected) in [
            ("{{ +1 }}", "{{ -1 }}"),
            ("{{ 1 + +2 }}", "{{ 1 + -2 }}"),
            ("{% for x in 1, 2 %}", "{% for x in(1, 2)%}"),
            ("{{ 1, 2 }}", "{{(1, 2)}}"),
            (r"{{ '\u1' }}", "{{ '__1' }}"),
        ] {
            assert_eq!(repair(source, false, &Syntax::default()).as_deref(), Some(expected));
        }
        assert_eq!(repair("{{ 1 + 2 }}", false, &Syntax::default()), None);
    }
}
