//! The slips of the pen that break YAML files, found near the place where the parser gave up: tabs, indents, quotes, colons.
//!
//! The parser says what it could not do; this says what the writer probably did, and how to mend it.

use crate::{Diagnostic, Place, Source, Span};

/// A probable cause of a syntax error.
pub(crate) struct Slip {
    title: String,
    place: Place,
    label: &'static str,
    help: String,
}

/// A line of the file, with where it begins.
struct Line<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Line<'a> {
    fn at(source: &'a Source, number: usize) -> Self {
        Self { text: source.line(number), start: source.offset(number, 1) }
    }

    fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }

    /// Where the value begins after `- ` marks and `key: `.
    fn value_start(&self) -> usize {
        let mut at = self.indent();
        while self.text[at..].starts_with("- ") {
            at += 2;
            at += self.text[at..].len() - self.text[at..].trim_start_matches(' ').len();
        }
        let rest = &self.text[at..];
        match rest.find(": ") {
            Some(colon) if !rest[..colon].contains(['"', '\'', '{', '[', '#']) => {
                let value = at + colon + 2;
                value + (self.text[value..].len() - self.text[value..].trim_start_matches(' ').len())
            }
            _ => at,
        }
    }
}

impl Slip {
    /// Looks at the line of the error, and at where the construct began that the parser was in.
    pub(crate) fn find(place: &Place, context: Option<&Place>) -> Option<Self> {
        let source = &place.source;
        let number = place.location().line;
        let line = Line::at(source, number);
        let began = context.map(|place| place.location().line);
        Self::tab(source, &line)
            .or_else(|| Self::template(source, &line))
            .or_else(|| Self::open_quote(place, context))
            .or_else(|| Self::open_bracket(source, context))
            .or_else(|| Self::reserved(place))
            .or_else(|| Self::text_after_quote(source, &line))
            .or_else(|| Self::colon_in_value(place, &line))
            .or_else(|| Self::colon_without_space(source, number))
            .or_else(|| Self::indent(place, number, began))
    }

    pub(crate) fn diagnostic(self) -> Diagnostic {
        Diagnostic::error(self.title).at(&self.place, self.label).help(self.help)
    }

    fn new(
        source: &std::sync::Arc<Source>,
        at: usize,
        length: usize,
        title: impl Into<String>,
        label: &'static str,
        help: impl Into<String>,
    ) -> Self {
        let text = source.text();
        let end = (at + length..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
        let place = Place::new(source, Span::new(at, end));
        Self { title: title.into(), place, label, help: help.into() }
    }

    fn tab(source: &std::sync::Arc<Source>, line: &Line<'_>) -> Option<Self> {
        let at = line.text.find('\t')?;
        let indentation = line.text[..at].trim().is_empty();
        let title = if indentation {
            "a tab is used for indentation"
        } else {
            "a tab stands where YAML wants spaces"
        };
        let width = line.text[at..].len() - line.text[at..].trim_start_matches('\t').len();
        Some(Self::new(
            source,
            line.start + at,
            width,
            title,
            "a tab",
            "use spaces; most editors can show tabs and replace them",
        ))
    }

    fn template(source: &std::sync::Arc<Source>, line: &Line<'_>) -> Option<Self> {
        let at = line.value_start();
        if !line.text[at..].starts_with("{{") {
            return None;
        }
        let value = line.text[at..].trim_end();
        Self::quote_template(source, line.start + at, value)
    }

    /// `key: {{ x }}`, which YAML reads as a mapping whose key is a mapping.
    pub(crate) fn unquoted_template(key: &Place) -> Option<Self> {
        let source = &key.source;
        let start = (key.span.start as usize).checked_sub(1)?;
        let rest = source.text().get(start..)?;
        if !rest.starts_with("{{") {
            return None;
        }
        Self::quote_template(source, start, rest.lines().next().unwrap_or(rest).trim_end())
    }

    fn quote_template(source: &std::sync::Arc<Source>, at: usize, value: &str) -> Option<Self> {
        let quote = if value.contains('"') { '\'' } else { '"' };
        let title = "a value that begins with `{{` needs quotes";
        Some(Self::new(
            source,
            at,
            value.len(),
            title,
            "YAML takes this for a mapping",
            format!("write {quote}{value}{quote}"),
        ))
    }

    fn open_quote(place: &Place, context: Option<&Place>) -> Option<Self> {
        let context = context?;
        let source = &place.source;
        let start = context.span.start as usize;
        let quote = source.text()[start..].chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let at_end = source.text().get(place.span.start as usize..).is_none_or(|rest| rest.trim().is_empty());
        let same_line = context.location().line == place.location().line;
        if same_line && !at_end {
            return None;
        }
        let title = format!("the quote `{quote}` is never closed");
        let help = format!("close it with `{quote}` at the end of the text");
        if at_end {
            return Some(Self::new(source, start, 1, title, "opened here", help));
        }
        // The parser found the end of the text in a later line, and there something that cannot follow.
        Some(Self::new(
            source,
            start,
            1,
            format!("the quote `{quote}` is closed in a later line"),
            "opened here",
            help,
        ))
    }

    fn open_bracket(source: &std::sync::Arc<Source>, context: Option<&Place>) -> Option<Self> {
        let start = context?.span.start as usize;
        let bracket = source.text()[start..].chars().next().filter(|c| matches!(c, '[' | '{'))?;
        let closing = if bracket == '[' { ']' } else { '}' };
        let title = format!("the bracket `{bracket}` is never closed");
        Some(Self::new(
            source,
            start,
            1,
            title,
            "opened here",
            format!("close it with `{closing}`, and put `,` between its items"),
        ))
    }

    fn reserved(place: &Place) -> Option<Self> {
        let first = place.text().chars().next().filter(|c| matches!(c, '@' | '`' | '%'))?;
        let start = place.span.start as usize;
        let title = format!("a value cannot begin with `{first}`");
        Some(Self::new(&place.source, start, 1, title, "reserved by YAML", "put the value in quotes"))
    }

    fn text_after_quote(source: &std::sync::Arc<Source>, line: &Line<'_>) -> Option<Self> {
        let at = line.value_start();
        let value = line.text[at..].trim_end();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let closing = value[1..].find(quote)? + 1;
        let rest = value[closing + 1..].trim_start();
        if rest.is_empty() || rest.starts_with(['#', ':', ',', ']', '}']) {
            return None;
        }
        let outer = if quote == '"' { '\'' } else { '"' };
        let title = "a value that begins with a quote must end with it";
        let help = format!("put the whole value in other quotes: {outer}{value}{outer}");
        Some(Self::new(
            source,
            line.start + at,
            value.len(),
            title,
            "the quotes end before the value does",
            help,
        ))
    }

    fn colon_in_value(place: &Place, line: &Line<'_>) -> Option<Self> {
        let at = line.value_start();
        let value = line.text[at..].trim_end();
        if at <= line.indent() || value.starts_with(['"', '\'', '[', '{', '|', '>']) {
            return None;
        }
        let colon = value.find(": ").or_else(|| value.ends_with(':').then(|| value.len() - 1))?;
        let quote = if value.contains('"') { '\'' } else { '"' };
        let help = format!("put the value in quotes: {quote}{value}{quote}");
        Some(Self::new(
            &place.source,
            line.start + at + colon,
            1,
            "`: ` inside a value needs quotes",
            "YAML takes this for a key",
            help,
        ))
    }

    /// `key:value`, which is one word, in the line of the error or the one before it.
    fn colon_without_space(source: &std::sync::Arc<Source>, number: usize) -> Option<Self> {
        (number.saturating_sub(1).max(1)..=number).find_map(|number| {
            let line = Line::at(source, number);
            let word = line.text.trim().trim_start_matches("- ");
            let colon = word.find(':')?;
            let (key, value) = (&word[..colon], &word[colon + 1..]);
            let is_key =
                !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
            if !is_key || value.is_empty() || value.starts_with([' ', '/', ':']) || value.contains(": ") {
                return None;
            }
            let at = line.start + line.text.find(word)? + colon;
            Some(Self::new(
                source,
                at,
                1,
                "`:` needs a space after it",
                "",
                format!("write `{key}: {value}`"),
            ))
        })
    }

    /// A line that is deeper than its neighbors without belonging to one, or between two levels.
    fn indent(place: &Place, number: usize, began: Option<usize>) -> Option<Self> {
        let source = &place.source;
        let line = Line::at(source, number);
        let width = line.indent();
        let before = (1..number)
            .rev()
            .map(|number| Line::at(source, number))
            .find(|line| !line.text.trim().is_empty() && !line.text.trim_start().starts_with('#'))?;
        let looks_like_entry = line.text.contains(':') || line.text[width..].starts_with("- ");
        if !looks_like_entry || width == before.indent() {
            return None;
        }
        let levels = levels(source, number, began.unwrap_or(1).min(number));
        let help = match levels.as_slice() {
            [] => "give every key of a mapping the same number of spaces".to_owned(),
            levels => {
                let levels: Vec<String> = levels.iter().map(usize::to_string).collect();
                format!(
                    "this line begins after {width} spaces; the lines around it begin after {}",
                    levels.join(" or ")
                )
            }
        };
        Some(Self::new(
            source,
            line.start + width,
            1,
            "wrong indentation",
            "this line fits no level above it",
            help,
        ))
    }
}

/// The indents of the lines before `number`, from the outer to the inner, as far as they could hold a sibling of it.
fn levels(source: &Source, number: usize, from: usize) -> Vec<usize> {
    let mut levels = Vec::new();
    let mut inner = usize::MAX;
    for line in (from..number).rev().map(|number| Line::at(source, number)) {
        if line.text.trim().is_empty() || line.text.trim_start().starts_with('#') {
            continue;
        }
        let width = line.indent();
        if width < inner {
            levels.push(width);
            inner = width;
        }
        if width == 0 {
            break;
        }
    }
    levels.reverse();
    levels
}
