//! Ansible's free form: `name=value` words on one line, as in `copy: src=a dest="b c"`. Quotes and template blocks hold words together.

use crate::{Diagnose, Diagnostic, Map, Place, Text, Value};

/// Options that `command`, `shell` and their like read out of their free form; every other word belongs to the command.
const RAW_OPTIONS: [&str; 8] =
    ["creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends"];

/// A quote or template block without its end.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("failed at splitting arguments, either an unbalanced jinja2 block or quotes: {text}")]
pub struct SplitError {
    text: String,
    /// What is open: `'`, `"`, `{{`, `{%`, `{#`.
    open: &'static str,
    place: Option<Place>,
}

impl Diagnose for SplitError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        vec![
            Diagnostic::error(format!("`{}` is never closed", self.open))
                .at_opt(self.place.as_ref(), "in these arguments")
                .help(match self.open {
                    "'" | "\"" => "close the quote, or put a backslash before it if it is part of the text",
                    _ => "close the template block",
                }),
        ]
    }
}

/// One word of the free form, with the bytes of the text that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Its characters: quotes and blanks inside are kept, and blanks after it too, so that joined words give the text again.
    pub chars: String,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// Splits at blanks and line breaks outside of quotes and template blocks. A backslash alone joins a line with the next.
///
/// # Errors
/// A quote or block that is not closed.
pub fn split_args(args: &Text) -> Result<Vec<Word>, SplitError> {
    let mut splitter = Splitter { words: Vec::new(), open: Open::default() };
    let mut line_start = 0;
    let lines: Vec<&str> = args.split('\n').collect();
    for (number, line) in lines.iter().enumerate() {
        let continued = splitter.line(line, line_start);
        line_start += line.len() + 1;
        if number + 1 < lines.len() && !continued {
            splitter.append("\n", line_start);
        }
    }
    match splitter.open.what() {
        Some(open) => Err(SplitError { text: args.as_str().to_owned(), open, place: args.place().cloned() }),
        None => Ok(splitter.words),
    }
}

/// The quote and the template blocks that are open between two words.
#[derive(Default)]
struct Open {
    quote: Option<char>,
    /// `{{ }}`, `{% %}`, `{# #}`.
    blocks: [usize; 3],
}

const BLOCKS: [(&str, &str); 3] = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];

impl Open {
    fn in_block(&self) -> bool {
        self.blocks.iter().any(|depth| *depth > 0)
    }

    /// A quote opens or closes unless a backslash stands before it.
    fn read_quotes(&mut self, token: &str) {
        let mut before = None;
        for c in token.chars() {
            if matches!(c, '"' | '\'') && before != Some('\\') {
                self.quote = match self.quote {
                    None => Some(c),
                    Some(quote) if quote == c => None,
                    open => open,
                };
            }
            before = Some(c);
        }
    }

    fn read_blocks(&mut self, token: &str) {
        for (depth, (begin, end)) in self.blocks.iter_mut().zip(BLOCKS) {
            *depth = (*depth + token.matches(begin).count()).saturating_sub(token.matches(end).count());
        }
    }

    fn what(&self) -> Option<&'static str> {
        match self.quote {
            Some('"') => Some("\""),
            Some(_) => Some("'"),
            None => {
                self.blocks.iter().zip(BLOCKS).find(|(depth, _)| **depth > 0).map(|(_, (begin, _))| begin)
            }
        }
    }
}

struct Splitter {
    words: Vec<Word>,
    open: Open,
}

impl Splitter {
    /// Takes the words of one line; true when the line goes on in the next.
    fn line(&mut self, line: &str, line_start: usize) -> bool {
        let mut continued = false;
        let mut at = line_start;
        for (index, token) in line.split(' ').enumerate() {
            let start = at;
            at += token.len() + 1;
            if token.is_empty() && index > 0 {
                self.append(" ", start);
                continue;
            }
            if token == "\\" && self.open.quote.is_none() {
                continued = true;
                continue;
            }
            let was_quoted = self.open.quote.is_some();
            let was_in_block = self.open.in_block();
            self.open.read_quotes(token);
            self.open.read_blocks(token);
            if was_quoted || was_in_block {
                let gap = if index > 0 { " " } else { "" };
                self.append(gap, start);
                self.append(token, start + token.len());
            } else if !token.is_empty() {
                self.words.push(Word { chars: token.to_owned(), start, end: start + token.len() });
            }
        }
        continued
    }

    /// Adds to the last word, which now ends at `end`.
    fn append(&mut self, chars: &str, end: usize) {
        match self.words.last_mut() {
            Some(word) => {
                word.chars.push_str(chars);
                word.end = word.end.max(end);
            }
            None => self.words.push(Word { chars: chars.to_owned(), start: end, end }),
        }
    }
}

/// A free form taken apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KeyValues {
    /// `name=value` pairs, values without their quotes, with places; a name that is given twice has its last value.
    pub options: Vec<(Text, Text)>,
    /// All other words as one text (Ansible's `_raw_params`).
    pub raw: Option<Text>,
}

impl KeyValues {
    /// The value of an option.
    pub fn get(&self, name: &str) -> Option<&Text> {
        self.options.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value)
    }

    /// Options and raw words as Ansible's dictionary.
    pub fn to_map(&self) -> Map {
        let mut map: Map =
            self.options.iter().map(|(key, value)| (key.clone(), Value::from(value.clone()))).collect();
        if let Some(raw) = &self.raw {
            map.insert("_raw_params", raw.clone());
        }
        map
    }
}

/// Takes the free form of a module apart. With `check_raw` (for `command`, `shell`, `script`, `raw` ...) only the options that all of them
/// share are options; `a=b` is otherwise a word of the command.
///
/// # Errors
/// A quote or block that is not closed.
pub fn parse_kv(args: &Text, check_raw: bool) -> Result<KeyValues, SplitError> {
    let mut found = KeyValues::default();
    let mut raw: Vec<Word> = Vec::new();
    for word in split_args(args)? {
        let chars = decode_escapes(&word.chars);
        let Some(equals) = assignment(&chars) else {
            let escaped = chars.contains('=');
            raw.push(if escaped { Word { chars: chars.replace("\\=", "="), ..word } } else { word });
            continue;
        };
        let (key, value) = (&chars[..equals], &chars[equals + 1..]);
        if check_raw && !RAW_OPTIONS.contains(&key) {
            raw.push(word);
            continue;
        }
        let written = assignment(&word.chars).unwrap_or(equals);
        let option = (
            part(args, word.start..word.start + written, key.trim()),
            part(args, word.start + written + 1..word.end, unquote(value.trim())),
        );
        match found.options.iter_mut().find(|(known, _)| *known == option.0) {
            Some(known) => known.1 = option.1,
            None => found.options.push(option),
        }
    }
    if let (Some(first), Some(last)) = (raw.first(), raw.last()) {
        found.raw = Some(part(args, first.start..last.end, &join(&raw)));
    }
    Ok(found)
}

/// The first `=` that is neither the first character nor escaped.
fn assignment(chars: &str) -> Option<usize> {
    let bytes = chars.as_bytes();
    (1..bytes.len()).find(|at| bytes[*at] == b'=' && bytes[*at - 1] != b'\\')
}

/// Text with the marks of `args`, placed where its characters stand inside these bytes of it.
fn part(args: &Text, bytes: std::ops::Range<usize>, chars: &str) -> Text {
    let bytes = bytes.start.min(args.len())..bytes.end.min(args.len());
    let within = args.get(bytes.clone()).and_then(|written| written.find(chars)).unwrap_or(0);
    let start = bytes.start + within;
    let end = (start + chars.len()).min(bytes.end).max(start);
    args.with_chars(chars).with_place(args.place_of(start..end))
}

fn join(words: &[Word]) -> String {
    let mut joined = String::new();
    for word in words {
        if !joined.is_empty() && !joined.ends_with('\n') {
            joined.push(' ');
        }
        joined.push_str(&word.chars);
    }
    joined
}

/// The text without the quotes around it, if it is quoted as a whole.
pub fn unquote(chars: &str) -> &str {
    match chars.as_bytes() {
        [first @ (b'"' | b'\''), .., before, last] if first == last && *before != b'\\' => {
            &chars[1..chars.len() - 1]
        }
        [b'"', b'"'] | [b'\'', b'\''] => "",
        _ => chars,
    }
}

/// Python's escapes, where they are whole: `\n`, `\x41`, `\u00e9`, `\U0001f600`. All else stays as it is.
fn decode_escapes(chars: &str) -> String {
    let mut out = String::with_capacity(chars.len());
    let mut rest = chars;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (c, width) = escape(rest).unwrap_or(('\\', 1));
        out.push(c);
        rest = &rest[width..];
    }
    out + rest
}

fn escape(rest: &str) -> Option<(char, usize)> {
    let hex = |width: usize| {
        let digits =
            rest.get(2..2 + width).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, 2 + width))
    };
    Some(match rest.as_bytes().get(1)? {
        b'x' => return hex(2),
        b'u' => return hex(4),
        b'U' => return hex(8),
        c @ (b'\\' | b'\'' | b'"') => (char::from(*c), 2),
        b'a' => ('\u{7}', 2),
        b'b' => ('\u{8}', 2),
        b'f' => ('\u{c}', 2),
        b'n' => ('\n', 2),
        b'r' => ('\r', 2),
        b't' => ('\t', 2),
        b'v' => ('\u{b}', 2),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, Span};

    fn words(text: &str) -> Vec<String> {
        split_args(&Text::plain(text)).unwrap().into_iter().map(|word| word.chars).collect()
    }

    #[test]
    fn quotes_and_blocks_hold_words_together() {
        for (text, expected) in [
            ("a=b c=\"d e\"", vec!["a=b", "c=\"d e\""]),
            ("a={{ b + c }}x d", vec!["a={{ b + c }}x", "d"]),
            ("a  b", vec!["a ", "b"]),
            ("echo \\\n  done", vec!["echo ", "done"]),
            ("one\ntwo", vec!["one\n", "two"]),
            ("x='it is' {% if a %}b{% endif %}", vec!["x='it is'", "{% if a %}b{% endif %}"]),
        ] {
            assert_eq!(words(text), expected, "{text:?}");
        }
    }

    #[test]
    fn options_and_raw_words_are_told_apart() {
        let found =
            parse_kv(&Text::plain("chdir=/tmp FOO=1 make \"all tests\" creates='a b'"), true).unwrap();
        assert_eq!(found.raw.as_deref(), Some("FOO=1 make \"all tests\""));
        assert_eq!(found.get("chdir").map(Text::as_str), Some("/tmp"));
        assert_eq!(found.get("creates").map(Text::as_str), Some("a b"));
    }

    #[test]
    fn values_are_placed_inside_the_users_file() {
        let source = Source::new("play.yml", "- copy: src=a dest=\"{{ b }}\"\n");
        let text = Text::template("src=a dest=\"{{ b }}\"", Some(Place::new(&source, Span::new(8, 28))));
        let found = parse_kv(&text, false).unwrap();
        let value = found.get("dest").unwrap();
        assert!(value.is_template());
        assert_eq!(value.place().unwrap().text(), "{{ b }}");
        assert_eq!(value.place().unwrap().to_string(), "play.yml:1:21");
    }

    #[test]
    fn what_is_left_open_is_named() {
        for (text, open) in [("a='b", "'"), ("a={{ b", "{{"), ("{% if", "{%")] {
            let error = split_args(&Text::plain(text)).unwrap_err();
            assert_eq!(error.open, open);
        }
    }
}
