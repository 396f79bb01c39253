//! Characters beyond Unicode's first plane. libyaml 0.2, which PyYAML brings along, takes them for unprintable and escapes them; the libyaml used
//! here prints them. So they go through it as a control character, which both escape, and get their own escape afterwards.

use crate::Value;

/// The control character that stands for them, and what it stood for so far.
pub(super) struct Beyond {
    stand_in: char,
    seen: Vec<char>,
}

fn is_beyond(c: char) -> bool {
    u32::from(c) > 0xffff
}

fn escape(c: char) -> String {
    format!("\\x{:02X}", u32::from(c))
}

impl Beyond {
    /// For a value that holds such characters.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let mut texts = Vec::new();
        gather(value, &mut texts);
        if !texts.iter().any(|text| text.contains(is_beyond)) {
            return None;
        }
        let free = |c: &char| !texts.iter().any(|text| text.contains(*c) || text.contains(&escape(*c)));
        let stand_in = ('\u{86}'..='\u{9f}').find(free)?;
        Some(Self { stand_in, seen: Vec::new() })
    }

    /// The text with stand-ins.
    pub(super) fn hide(&mut self, text: &str) -> String {
        self.seen.extend(text.chars().filter(|c| is_beyond(*c)));
        text.chars().map(|c| if is_beyond(c) { self.stand_in } else { c }).collect()
    }

    /// The written document with the escapes of what was hidden.
    pub(super) fn reveal(self, document: &str) -> String {
        let escape = escape(self.stand_in);
        let mut parts = document.split(escape.as_str());
        let mut out = parts.next().unwrap_or("").to_owned();
        for (part, c) in parts.zip(self.seen) {
            out.push_str(&format!("\\U{:08X}", u32::from(c)));
            out.push_str(part);
        }
        out
    }
}

fn gather(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Str(text) => texts.push(text.to_string()),
        Value::List(items) => items.iter().for_each(|item| gather(item, texts)),
        Value::Map(map) => {
            for (key, value) in map.iter() {
                texts.push(key.to_string());
                gather(value, texts);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{DumpStyle, dump};

    #[test]
    fn they_are_escaped_and_nothing_else_changes() {
        // As PyYAML 6.0.3 with libyaml 0.2.5 writes it.
        assert_eq!(dump(&Value::from("é😀\u{86}"), &DumpStyle::default()), "\"é\\U0001F600\\x86\"\n");
        assert_eq!(dump(&Value::from("é"), &DumpStyle::default()), "é\n");
        assert_eq!(
            dump(&Value::from(vec![Value::from("😀a🚀")]), &DumpStyle::nice()),
            "- \"\\U0001F600a\\U0001F680\"\n"
        );
    }
}
