//! JSON text to values, or to nodes with places when a user wrote it.

use std::sync::Arc;

use crate::yaml::{Node, NodeKind};
use crate::{Diagnose, Diagnostic, Map, Place, Source, Span, Text, Value};

/// Nesting beyond this is refused, because a tree is walked with the stack.
const DEPTH: usize = 200;

/// Text that is not JSON, in the words of Python's `json` module.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{problem}: line {} column {} (char {})", location.0, location.1, location.2)]
pub struct JsonError {
    /// `Expecting value`, `Extra data`, ...
    pub problem: &'static str,
    /// The byte it is about.
    pub offset: usize,
    /// The place, when the text came from a user's file.
    pub place: Option<Place>,
    /// Line, column and character, as Python counts them.
    location: (usize, usize, usize),
}

impl JsonError {
    fn new(text: &str, Problem(problem, offset): Problem) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Self { problem, offset, place: None, location: (line, column, before.chars().count()) }
    }
}

impl Diagnose for JsonError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        vec![Diagnostic::error(format!("invalid JSON: {self}")).at_opt(self.place.as_ref(), self.problem)]
    }
}

/// `json.loads`: the value in `text`, whose strings are plain (not templates).
///
/// # Errors
/// Text that is not JSON, in Python's words.
pub fn parse(text: &str) -> Result<Value, JsonError> {
    Parser::new(text, &Values).run().map_err(|problem| JsonError::new(text, problem))
}

/// The JSON that a user wrote, as a node: strings are templates and everything has its place.
///
/// # Errors
/// Text that is not JSON, with its place.
pub fn parse_node(source: &Arc<Source>) -> Result<Node, JsonError> {
    let text = source.text();
    Parser::new(text, &Nodes(source)).run().map_err(|problem| {
        let place = Place::new(source, Span::new(problem.1, problem.1 + 1));
        JsonError { place: Some(place), ..JsonError::new(text, problem) }
    })
}

/// What is wrong, and at which byte.
struct Problem(&'static str, usize);

/// What the parser found, with finished children.
enum Found<T> {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(String),
    List(Vec<T>),
    Map(Vec<(T, T)>),
}

/// Makes what the caller wants out of what was found at some bytes.
trait Build {
    type Out;
    fn build(&self, found: Found<Self::Out>, start: usize, end: usize) -> Self::Out;
}

struct Values;

impl Build for Values {
    type Out = Value;
    fn build(&self, found: Found<Value>, _: usize, _: usize) -> Value {
        match found {
            Found::Null => Value::Null,
            Found::Bool(flag) => Value::Bool(flag),
            Found::Int(number) => Value::Int(number),
            Found::Float(number) => Value::Float(number),
            Found::Str(text) => Value::from(text),
            Found::List(items) => Value::from(items),
            Found::Map(entries) => {
                let texts =
                    entries.into_iter().filter_map(|(key, value)| Some((key.as_text()?.clone(), value)));
                Value::from(texts.collect::<Map>())
            }
        }
    }
}

struct Nodes<'a>(&'a Arc<Source>);

impl Build for Nodes<'_> {
    type Out = Node;
    fn build(&self, found: Found<Node>, start: usize, end: usize) -> Node {
        let place = Place::new(self.0, Span::new(start, end));
        let kind = match found {
            Found::Null => NodeKind::Null,
            Found::Bool(flag) => NodeKind::Bool(flag),
            Found::Int(number) => NodeKind::Int(number),
            Found::Float(number) => NodeKind::Float(number),
            Found::Str(chars) => {
                let text = Text::template(chars, Some(place.clone()));
                NodeKind::Str(if self.0.is_secret() { text.into_secret() } else { text })
            }
            Found::List(items) => NodeKind::Seq(items),
            Found::Map(entries) => NodeKind::Map(last_of_each(entries)),
        };
        Node { kind, place, tag: None }
    }
}

/// As in Python: the last of equal keys, at the position of the first.
fn last_of_each(entries: Vec<(Node, Node)>) -> Vec<(Node, Node)> {
    let mut kept = indexmap::IndexMap::with_capacity(entries.len());
    for (key, value) in entries {
        kept.insert(key.as_str().unwrap_or_default().to_owned(), (key, value));
    }
    kept.into_values().collect()
}

struct Parser<'a, B: Build> {
    text: &'a str,
    at: usize,
    depth: usize,
    build: &'a B,
}

impl<'a, B: Build> Parser<'a, B> {
    fn new(text: &'a str, build: &'a B) -> Self {
        Self { text, at: 0, depth: 0, build }
    }

    fn run(mut self) -> Result<B::Out, Problem> {
        self.blanks();
        let value = self.value()?;
        self.blanks();
        if self.at < self.text.len() { Err(Problem("Extra data", self.at)) } else { Ok(value) }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, wanted: &str) -> bool {
        let found = self.text[self.at..].starts_with(wanted);
        if found {
            self.at += wanted.len();
        }
        found
    }

    fn value(&mut self) -> Result<B::Out, Problem> {
        let start = self.at;
        let found = match self.peek() {
            Some(b'"') => Found::Str(self.string()?),
            Some(b'{') => self.nested(Self::map)?,
            Some(b'[') => self.nested(Self::list)?,
            _ if self.take("null") => Found::Null,
            _ if self.take("true") => Found::Bool(true),
            _ if self.take("false") => Found::Bool(false),
            _ if self.take("NaN") => Found::Float(f64::NAN),
            _ if self.take("Infinity") => Found::Float(f64::INFINITY),
            _ if self.take("-Infinity") => Found::Float(f64::NEG_INFINITY),
            _ => self.number()?,
        };
        Ok(self.build.build(found, start, self.at))
    }

    fn nested(
        &mut self,
        parse: fn(&mut Self) -> Result<Found<B::Out>, Problem>,
    ) -> Result<Found<B::Out>, Problem> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Problem("Nested too deep", self.at));
        }
        self.at += 1;
        self.blanks();
        let found = parse(self)?;
        self.depth -= 1;
        Ok(found)
    }

    fn list(&mut self) -> Result<Found<B::Out>, Problem> {
        let mut items = Vec::new();
        if self.take("]") {
            return Ok(Found::List(items));
        }
        loop {
            items.push(self.value()?);
            self.blanks();
            if self.take("]") {
                return Ok(Found::List(items));
            }
            self.comma()?;
        }
    }

    fn map(&mut self) -> Result<Found<B::Out>, Problem> {
        let mut entries = Vec::new();
        if self.take("}") {
            return Ok(Found::Map(entries));
        }
        loop {
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(Problem("Expecting property name enclosed in double quotes", start));
            }
            let key = self.string()?;
            let key = self.build.build(Found::Str(key), start, self.at);
            self.blanks();
            if !self.take(":") {
                return Err(Problem("Expecting ':' delimiter", self.at));
            }
            self.blanks();
            let value = self.value()?;
            entries.push((key, value));
            self.blanks();
            if self.take("}") {
                return Ok(Found::Map(entries));
            }
            self.comma()?;
        }
    }

    fn comma(&mut self) -> Result<(), Problem> {
        if !self.take(",") {
            return Err(Problem("Expecting ',' delimiter", self.at));
        }
        self.blanks();
        Ok(())
    }

    fn number(&mut self) -> Result<Found<B::Out>, Problem> {
        let rest = &self.text[self.at..];
        let length = number_length(rest.as_bytes()).ok_or(Problem("Expecting value", self.at))?;
        let number = &rest[..length];
        let found = if number.contains(['.', 'e', 'E']) {
            number.parse().ok().map(Found::Float)
        } else {
            number.parse().ok().map(Found::Int)
        };
        let found = found.ok_or(Problem("The integer does not fit into 128 bits", self.at))?;
        self.at += length;
        Ok(found)
    }

    fn string(&mut self) -> Result<String, Problem> {
        let opening = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let run = rest
                .find(|c: char| c == '"' || c == '\\' || c < ' ')
                .ok_or(Problem("Unterminated string starting at", opening))?;
            out.push_str(&rest[..run]);
            self.at += run;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => self.escape(opening, &mut out)?,
                _ => return Err(Problem("Invalid control character at", self.at)),
            }
        }
    }

    fn escape(&mut self, opening: usize, out: &mut String) -> Result<(), Problem> {
        let start = self.at;
        self.at += 1;
        let c = match self.peek().ok_or(Problem("Unterminated string starting at", opening))? {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            c @ (b'"' | b'\\' | b'/') => char::from(c),
            b'u' => {
                self.at += 1;
                out.push(self.unicode(start)?);
                return Ok(());
            }
            _ => return Err(Problem("Invalid \\escape", start)),
        };
        self.at += 1;
        out.push(c);
        Ok(())
    }

    /// Four hexadecimal digits, and a second escape when they are the first half of a pair. A half alone, which no Rust string can hold,
    /// becomes the replacement character.
    fn unicode(&mut self, start: usize) -> Result<char, Problem> {
        let first = self.hex().ok_or(Problem("Invalid \\uXXXX escape", start + 1))?;
        if !(0xd800..0xdc00).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let back = self.at;
        if self.take("\\u")
            && let Some(second @ 0xdc00..0xe000) = self.hex()
        {
            let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.at = back;
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
        let code =
            digits.iter().try_fold(0, |code, digit| Some(code * 16 + char::from(*digit).to_digit(16)?))?;
        self.at += 4;
        Some(code)
    }
}

/// How many bytes of `text` are a JSON number: `-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?`.
fn number_length(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let sign = usize::from(text.first() == Some(&b'-'));
    let mut end = sign
        + match text.get(sign)? {
            b'0' => 1,
            b'1'..=b'9' => digits(sign),
            _ => return None,
        };
    if text.get(end) == Some(&b'.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let exponent = end + 1 + usize::from(matches!(text.get(end + 1), Some(b'-' | b'+')));
        if exponent <= text.len() && digits(exponent) > 0 {
            end = exponent + digits(exponent);
        }
    }
    Some(end)
}

/// The text with `?` for every escape that is half of a surrogate pair and stands alone, which no text can hold; `None` if there is none.
pub fn without_lone_surrogates(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let code = |at: usize| {
        let digits = bytes.get(at..at + 6).filter(|escape| escape.starts_with(b"\\u"))?;
        digits[2..].iter().try_fold(0, |code, digit| Some(code * 16 + char::from(*digit).to_digit(16)?))
    };
    let (mut out, mut from, mut at) = (String::new(), 0, 0);
    while let Some(found) = text[at..].find('\\').map(|offset| at + offset) {
        at = match (code(found), code(found + 6)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => found + 12,
            (Some(0xd800..0xe000), _) => {
                out.push_str(&text[from..found]);
                out.push('?');
                from = found + 6;
                from
            }
            (Some(_), _) => found + 6,
            (None, _) => (found + 2).min(bytes.len()),
        };
    }
    (from > 0).then(|| out + &text[from..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_python_reads_them() {
        for (text, repr) in [
            (" {\"a\": [1, -2.5, 1e3, true, null]} ", "{'a': [1, -2.5, 1000.0, True, None]}"),
            (r#""\u00e9\ud83d\ude00\/\n""#, "'é\u{1f600}/\\n'"),
            ("[NaN, -Infinity]", "[nan, -inf]"),
            (r#"{"a": 1, "b": 2, "a": 3}"#, "{'a': 3, 'b': 2}"),
            (r#""\ud800x""#, "'\u{fffd}x'"),
        ] {
            assert_eq!(crate::python::repr(&parse(text).unwrap()), repr, "{text}");
        }
    }

    #[test]
    fn errors_speak_pythons_words() {
        for (text, message) in [
            ("", "Expecting value: line 1 column 1 (char 0)"),
            ("[1,]", "Expecting value: line 1 column 4 (char 3)"),
            ("{a: 1}", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
            ("{\"a\" 1}", "Expecting ':' delimiter: line 1 column 6 (char 5)"),
            ("[1\n2]", "Expecting ',' delimiter: line 2 column 1 (char 3)"),
            ("1 2", "Extra data: line 1 column 3 (char 2)"),
            ("\"abc", "Unterminated string starting at: line 1 column 1 (char 0)"),
            ("\"a\tb\"", "Invalid control character at: line 1 column 3 (char 2)"),
            ("01", "Extra data: line 1 column 2 (char 1)"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), message, "{text}");
        }
    }

    #[test]
    fn nodes_know_their_places_and_their_strings_are_templates() {
        let source = Source::new("<extra vars>", "{\"a\": [\"{{ x }}\", 1]}");
        let node = parse_node(&source).unwrap();
        let items = node.get("a").and_then(Node::as_seq).unwrap();
        assert!(items[0].as_text().unwrap().is_template());
        assert_eq!(items[1].place.to_string(), "<extra vars>:1:19");
    }

    #[test]
    fn towers_are_refused_without_a_crash() {
        assert_eq!(parse(&"[".repeat(100_000)).unwrap_err().problem, "Nested too deep");
    }
}
