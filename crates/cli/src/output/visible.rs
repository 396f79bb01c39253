//! Text that hosts may have had a hand in, made harmless for a terminal.

use std::borrow::Cow;

/// The text with its control signs spelled out (`^[` for escape), so that what a host says can draw, move, color or answer nothing. Line ends
/// and tabs stay.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|sign| sign.is_control() && !matches!(sign, '\n' | '\t')) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '\n' | '\t' => shown.push(sign),
            '\r' if signs.peek() == Some(&'\n') => shown.push(sign),
            '\0'..='\x1f' => shown.extend(['^', char::from(sign as u8 + b'@')]),
            '\x7f' => shown.push_str("^?"),
            other if other.is_control() => shown.extend(other.escape_unicode()),
            other => shown.push(other),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        assert_eq!(visible("a\tb\nc\r\nd é"), "a\tb\nc\r\nd é");
        assert_eq!(visible("\x1b]0;title\x07\x1b[2J"), "^[]0;title^G^[[2J");
        assert_eq!(visible("good\rbad\x08\x7f\u{9b}31m"), "good^Mbad^H^?\\u{9b}31m");
    }
}
