//! Splits a host line into words as a POSIX shell does, the rule Ansible reads host lines by: blanks separate, `'` and `"` quote, `\`
//! escapes, and `#` starts a comment wherever it stands outside quotes - even inside a word.

use data::Span;

/// One word, unquoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Its characters without quotes and escapes.
    pub(crate) text: String,
    /// The bytes it was written in, quotes included.
    pub(crate) span: Span,
    /// Whether a comment cut it off, as in `pass=a#b`.
    pub(crate) cut: bool,
}

/// A line that cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WordError {
    /// A quote is never closed; the span is the quote.
    Quote(Span),
    /// The line ends in a backslash; the span is the backslash.
    Escape(Span),
}

/// The words of `line`, which starts at byte `base` of its source.
pub(crate) fn split_words(line: &str, base: usize) -> Result<Vec<Word>, WordError> {
    let mut words = Vec::new();
    let mut chars = line.char_indices().peekable();
    while let Some(&(start, first)) = chars.peek() {
        if is_blank(first) {
            chars.next();
            continue;
        }
        if first == '#' {
            break;
        }
        let mut text = String::new();
        let mut cut = false;
        let mut end = line.len();
        while let Some(&(at, c)) = chars.peek() {
            if is_blank(c) || c == '#' {
                end = at;
                cut = c == '#';
                break;
            }
            chars.next();
            match c {
                '\'' => quoted(&mut chars, &mut text, '\'', base + at)?,
                '"' => quoted(&mut chars, &mut text, '"', base + at)?,
                '\\' => match chars.next() {
                    Some((_, escaped)) => text.push(escaped),
                    None => return Err(WordError::Escape(Span::new(base + at, base + at + 1))),
                },
                _ => text.push(c),
            }
        }
        words.push(Word { text, span: Span::new(base + start, base + end), cut });
        if cut {
            break;
        }
    }
    Ok(words)
}

type Chars<'a> = std::iter::Peekable<std::str::CharIndices<'a>>;

/// Reads up to the closing quote. A backslash escapes only in double quotes, and there only a quote or itself.
fn quoted(chars: &mut Chars<'_>, text: &mut String, quote: char, at: usize) -> Result<(), WordError> {
    while let Some((_, c)) = chars.next() {
        match c {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => match chars.next() {
                Some((_, escaped)) => {
                    if escaped != '"' && escaped != '\\' {
                        text.push('\\');
                    }
                    text.push(escaped);
                }
                None => break,
            },
            c => text.push(c),
        }
    }
    Err(WordError::Quote(Span::new(at, at + 1)))
}

/// The blanks that shells know; other Unicode spaces belong to words.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<String> {
        split_words(line, 0).unwrap().into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn lines_split_like_shell_words() {
        for (line, words) in [
            ("web1 a=1\tb=2 ", vec!["web1", "a=1", "b=2"]),
            ("w a='x y' b=\"p q\" # rest", vec!["w", "a=x y", "b=p q"]),
            (r#"w a="say \"hi\"" b=c\ d e="\n""#, vec!["w", "a=say \"hi\"", "b=c d", "e=\\n"]),
            (r"w a='\n'", vec!["w", r"a=\n"]),
            ("w a=''b", vec!["w", "a=b"]),
            ("w ''", vec!["w", ""]),
            ("w pass=a#b c=d", vec!["w", "pass=a"]),
            ("w pass='a#b'", vec!["w", "pass=a#b"]),
        ] {
            assert_eq!(texts(line), words, "{line}");
        }
    }

    #[test]
    fn words_know_their_bytes_and_whether_a_comment_cut_them() {
        let words = split_words("w a='é' b=1#2", 10).unwrap();
        assert_eq!(words[1].span, Span::new(12, 18));
        assert!(!words[1].cut && words[2].cut);
    }

    #[test]
    fn open_quotes_and_trailing_backslashes_are_errors() {
        assert_eq!(split_words("w a='b", 0), Err(WordError::Quote(Span::new(4, 5))));
        assert_eq!(split_words("w a=b\\", 0), Err(WordError::Escape(Span::new(5, 6))));
        assert_eq!(split_words("w \"a\\", 5), Err(WordError::Quote(Span::new(7, 8))));
    }
}
