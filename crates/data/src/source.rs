//! Where text came from: a named source, a byte range in it, and the line and column that a person counts.

use std::fmt;
use std::sync::{Arc, OnceLock};

/// A file, a command line argument or another text that a user wrote, with the name that errors show for it.
pub struct Source {
    name: String,
    text: String,
    line_starts: OnceLock<Vec<usize>>,
    secret: bool,
}

impl Source {
    /// Keeps `text` under `name`: a path as the user wrote it, or a description such as `<extra vars>`.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), line_starts: OnceLock::new(), secret: false })
    }

    /// A source that no output may quote: the content of a vaulted file. The texts that are loaded from it are secret.
    pub fn secret(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), line_starts: OnceLock::new(), secret: true })
    }

    /// Whether no output may quote it.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// The name that errors show.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn line_starts(&self) -> &[usize] {
        self.line_starts.get_or_init(|| {
            std::iter::once(0).chain(self.text.match_indices('\n').map(|(at, _)| at + 1)).collect()
        })
    }

    /// Line and column of a byte offset; an offset past the end is the place after the last character.
    pub fn location(&self, offset: usize) -> Location {
        let offset = offset.min(self.text.len());
        let line = self.line_starts().partition_point(|start| *start <= offset);
        let start = self.line_starts()[line - 1];
        let column = self.text.get(start..offset).map_or(offset - start, |before| before.chars().count()) + 1;
        Location { line, column }
    }

    /// Byte offset of a 1-based line and column (columns count characters), clamped to the text.
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let starts = self.line_starts();
        let Some(start) = starts.get(line.saturating_sub(1)).copied() else { return self.text.len() };
        let rest = &self.text[start..];
        let width: usize = rest.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
        start + width
    }

    /// The text of a 1-based line, without its line break.
    pub fn line(&self, line: usize) -> &str {
        let starts = self.line_starts();
        let Some(start) = starts.get(line.saturating_sub(1)).copied() else { return "" };
        let end = starts.get(line).map_or(self.text.len(), |next| next - 1);
        self.text[start..end].trim_end_matches('\r')
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.name)
    }
}

/// A byte range in a [`Source`]. Files are read up to 4 GiB, so 32 bits are enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range from `start` to `end`, in bytes.
    pub fn new(start: usize, end: usize) -> Self {
        let clamp = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: clamp(start), end: clamp(end) }
    }

    /// The range as `usize`, for slicing.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A 1-based line and column, columns counted in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// A span in a source: the place an error points at.
#[derive(Clone)]
pub struct Place {
    /// The text it lies in.
    pub source: Arc<Source>,
    /// The bytes it covers.
    pub span: Span,
}

impl Place {
    /// The place of `span` in `source`.
    pub fn new(source: &Arc<Source>, span: Span) -> Self {
        Self { source: Arc::clone(source), span }
    }

    /// Line and column of its first byte.
    pub fn location(&self) -> Location {
        self.source.location(self.span.start as usize)
    }

    /// The bytes it covers, as text; empty when the span does not fit the source.
    pub fn text(&self) -> &str {
        self.source.text().get(self.span.range()).unwrap_or("")
    }
}

impl fmt::Display for Place {
    /// `file:line:column`, as terminals and editors link it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Location { line, column } = self.location();
        write!(f, "{}:{line}:{column}", self.source.name())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source) && self.span == other.span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_count_lines_from_one_and_columns_in_characters() {
        let source = Source::new("a.yml", "ab\n中文x\n");
        for (offset, line, column) in [(0, 1, 1), (2, 1, 3), (3, 2, 1), (9, 2, 3), (11, 3, 1), (99, 3, 1)] {
            assert_eq!(source.location(offset), Location { line, column }, "offset {offset}");
        }
        assert_eq!(source.offset(2, 3), 9);
        assert_eq!(source.line(2), "中文x");
        assert_eq!(source.line(9), "");
    }

    #[test]
    fn a_place_prints_as_file_line_column() {
        let source = Source::new("conf/vars.yml", "a: 1\nb: 2\n");
        let place = Place::new(&source, Span::new(5, 6));
        assert_eq!(place.to_string(), "conf/vars.yml:2:1");
        assert_eq!(place.text(), "b");
    }
}
