//! Values as JSON text, byte for byte as Python's `json.dumps` writes them.

use crate::{Key, List, Map, Value, python};

/// The keyword arguments of `json.dumps`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonStyle {
    /// Text put once a level before each item on a line of its own; `None` writes one line.
    pub indent: Option<String>,
    /// Between items: `, ` on one line, `,` with an indent.
    pub item_separator: String,
    /// Between key and value: `: `.
    pub key_separator: String,
    /// Whether keys are sorted (where Python could compare them).
    pub sort_keys: bool,
    /// Whether characters beyond ASCII are escaped.
    pub ensure_ascii: bool,
}

impl Default for JsonStyle {
    /// `json.dumps(value)`.
    fn default() -> Self {
        Self {
            indent: None,
            item_separator: ", ".to_owned(),
            key_separator: ": ".to_owned(),
            sort_keys: false,
            ensure_ascii: true,
        }
    }
}

impl JsonStyle {
    /// `json.dumps(value, indent=n)`.
    pub fn indented(spaces: usize) -> Self {
        Self { indent: Some(" ".repeat(spaces)), item_separator: ",".to_owned(), ..Self::default() }
    }

    /// No space that is not needed.
    pub fn compact() -> Self {
        Self { item_separator: ",".to_owned(), key_separator: ":".to_owned(), ..Self::default() }
    }

    /// The same with sorted keys.
    #[must_use]
    pub fn sorted(self) -> Self {
        Self { sort_keys: true, ..self }
    }

    /// The same with characters beyond ASCII as they are.
    #[must_use]
    pub fn unicode(self) -> Self {
        Self { ensure_ascii: false, ..self }
    }
}

/// The value as JSON. An undefined value is written as `null`; the template engine refuses it before it comes here.
pub fn write(value: &Value, style: &JsonStyle) -> String {
    write_at(value, style, 0)
}

/// As [`write`], for a value that stands `depth` levels deep in a text that is written piece by piece.
pub fn write_at(value: &Value, style: &JsonStyle, depth: usize) -> String {
    let mut writer = Writer { out: String::new(), style, depth };
    writer.value(value);
    writer.out
}

struct Writer<'a> {
    out: String,
    style: &'a JsonStyle,
    depth: usize,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Null | Value::Undefined(_) => self.out.push_str("null"),
            Value::Bool(flag) => self.out.push_str(if *flag { "true" } else { "false" }),
            Value::Int(number) => self.out.push_str(&number.to_string()),
            Value::Float(number) => self.out.push_str(&float(*number)),
            Value::Str(text) => self.text(text),
            Value::List(list) => self.list(list),
            Value::Map(map) => self.map(map),
        }
    }

    fn list(&mut self, list: &List) {
        if list.is_empty() {
            return self.out.push_str("[]");
        }
        self.out.push('[');
        self.depth += 1;
        for (index, item) in list.iter().enumerate() {
            self.before_item(index);
            self.value(item);
        }
        self.depth -= 1;
        self.line();
        self.out.push(']');
    }

    fn map(&mut self, map: &Map) {
        if map.is_empty() {
            return self.out.push_str("{}");
        }
        let sorted = if self.style.sort_keys { map.sorted() } else { None };
        self.out.push('{');
        self.depth += 1;
        for (index, (key, value)) in sorted.unwrap_or_else(|| map.iter().collect()).into_iter().enumerate() {
            self.before_item(index);
            self.text(&key_text(key));
            self.out.push_str(&self.style.key_separator);
            self.value(value);
        }
        self.depth -= 1;
        self.line();
        self.out.push('}');
    }

    fn before_item(&mut self, index: usize) {
        if index > 0 {
            self.out.push_str(&self.style.item_separator);
        }
        self.line();
    }

    fn line(&mut self) {
        if let Some(indent) = &self.style.indent {
            self.out.push('\n');
            for _ in 0..self.depth {
                self.out.push_str(indent);
            }
        }
    }

    fn text(&mut self, chars: &str) {
        self.out.push('"');
        for c in chars.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                _ if u32::from(c) < 0x20 || (self.style.ensure_ascii && !(' '..='~').contains(&c)) => {
                    self.escape(c)
                }
                _ => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    fn escape(&mut self, c: char) {
        for unit in c.encode_utf16(&mut [0; 2]) {
            self.out.push_str(&format!("\\u{unit:04x}"));
        }
    }
}

fn float(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        python::float_text(number)
    }
}

/// A key as Python's JSON writes it; a tuple, which it refuses, as its text.
fn key_text(key: &Key) -> String {
    match key {
        Key::Str(text) => text.as_str().to_owned(),
        Key::Bool(flag) => flag.to_string(),
        Key::Null => "null".to_owned(),
        Key::Float(number) => float(*number),
        Key::Int(_) | Key::Tuple(_) => python::str(&key.to_value()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Value {
        Value::from(Map::from([
            ("b", Value::from(vec![Value::from(1), Value::from(1.0), Value::Null])),
            ("a", Value::from("é\u{1f600}\"\n\u{1}\u{7f}")),
            ("empty", Value::from(Map::new())),
        ]))
    }

    #[test]
    fn defaults_are_those_of_dumps() {
        assert_eq!(
            write(&sample(), &JsonStyle::default()),
            "{\"b\": [1, 1.0, null], \"a\": \"\\u00e9\\ud83d\\ude00\\\"\\n\\u0001\\u007f\", \"empty\": {}}"
        );
    }

    #[test]
    fn indent_sort_and_unicode_are_independent() {
        let style = JsonStyle::indented(4).sorted().unicode();
        assert_eq!(
            write(&sample(), &style),
            "{\n    \"a\": \"é\u{1f600}\\\"\\n\\u0001\u{7f}\",\n    \"b\": [\n        1,\n        1.0,\n        null\n    ],\n    \"empty\": {}\n}"
        );
    }

    #[test]
    fn keys_that_are_not_text_become_text() {
        let mut map = Map::new();
        map.insert(Key::Int(1), 1);
        map.insert(Key::Null, 2);
        map.insert(Key::Float(1.5), 3);
        assert_eq!(write(&Value::from(map), &JsonStyle::compact()), r#"{"1":1,"null":2,"1.5":3}"#);
    }
}
