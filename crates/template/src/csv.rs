//! Python's `csv.reader`: tables of separated values.

use crate::val::{Res, fail};

/// How a table is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    /// What stands between two fields.
    pub(crate) delimiter: char,
    /// Whether blanks behind a delimiter are passed over.
    pub(crate) skip_blanks: bool,
    /// Whether text behind a closing quote and an open quote at the end are mistakes.
    pub(crate) strict: bool,
}

const QUOTE: char = '"';

/// As Python: a field that is longer is a mistake in the table.
const LONGEST: usize = 131_072;

#[derive(Clone, Copy, PartialEq)]
enum State {
    StartOfRow,
    StartOfField,
    InField,
    InQuotes,
    BehindQuote,
    EndOfLine,
}

/// One row that is being read.
struct Row {
    state: State,
    field: String,
    /// How many characters the field has.
    characters: usize,
    fields: Vec<String>,
}

impl Row {
    fn new() -> Self {
        Self { state: State::StartOfRow, field: String::new(), characters: 0, fields: Vec::new() }
    }

    fn save(&mut self) {
        self.characters = 0;
        self.fields.push(std::mem::take(&mut self.field));
    }

    fn add(&mut self, c: char) -> Res<()> {
        if self.characters >= LONGEST {
            return fail(format!("field larger than field limit ({LONGEST})"));
        }
        self.characters += 1;
        self.field.push(c);
        Ok(())
    }

    /// Takes a character, or the end of a line (`None`).
    fn take(&mut self, c: Option<char>, dialect: &Dialect) -> Res<()> {
        let ends = |c: Option<char>| match c {
            None => Some(State::StartOfRow),
            Some('\n' | '\r') => Some(State::EndOfLine),
            Some(_) => None,
        };
        match (self.state, c) {
            (State::StartOfRow, None) | (State::InQuotes, None) => {}
            (State::StartOfRow, Some('\n' | '\r')) => self.state = State::EndOfLine,
            (State::StartOfRow | State::StartOfField, c) => match (ends(c), c) {
                (Some(next), _) => {
                    self.save();
                    self.state = next;
                }
                (None, Some(QUOTE)) => self.state = State::InQuotes,
                (None, Some(' ')) if dialect.skip_blanks => self.state = State::StartOfField,
                (None, Some(c)) if c == dialect.delimiter => {
                    self.save();
                    self.state = State::StartOfField;
                }
                (None, c) => {
                    self.state = State::InField;
                    c.map_or(Ok(()), |c| self.add(c))?;
                }
            },
            (State::InField, c) => match (ends(c), c) {
                (Some(next), _) => {
                    self.save();
                    self.state = next;
                }
                (None, Some(c)) if c == dialect.delimiter => {
                    self.save();
                    self.state = State::StartOfField;
                }
                (None, c) => c.map_or(Ok(()), |c| self.add(c))?,
            },
            (State::InQuotes, Some(QUOTE)) => self.state = State::BehindQuote,
            (State::InQuotes, Some(c)) => self.add(c)?,
            (State::BehindQuote, c) => match (ends(c), c) {
                (Some(next), _) => {
                    self.save();
                    self.state = next;
                }
                (None, Some(QUOTE)) => {
                    self.add(QUOTE)?;
                    self.state = State::InQuotes;
                }
                (None, Some(c)) if c == dialect.delimiter => {
                    self.save();
                    self.state = State::StartOfField;
                }
                (None, _) if dialect.strict => {
                    return fail(format!("'{}' expected after '{QUOTE}'", dialect.delimiter));
                }
                (None, c) => {
                    self.state = State::InField;
                    c.map_or(Ok(()), |c| self.add(c))?;
                }
            },
            (State::EndOfLine, None) => self.state = State::StartOfRow,
            (State::EndOfLine, Some('\n' | '\r')) => {}
            (State::EndOfLine, Some(_)) => {
                return fail(
                    "new-line character seen in unquoted field - do you need to open the file in universal-newline mode?",
                );
            }
        }
        Ok(())
    }
}

/// The rows of a table that is given line by line, with what ends the lines. An empty line is a row without fields.
pub(crate) fn rows<'t>(lines: impl Iterator<Item = &'t str>, dialect: &Dialect) -> Res<Vec<Vec<String>>> {
    let (mut found, mut row) = (Vec::new(), Row::new());
    for line in lines {
        for c in line.chars() {
            row.take(Some(c), dialect)?;
        }
        row.take(None, dialect)?;
        if row.state == State::StartOfRow {
            found.push(std::mem::replace(&mut row, Row::new()).fields);
        }
    }
    if !row.field.is_empty() || row.state == State::InQuotes {
        if dialect.strict {
            return fail("unexpected end of data");
        }
        row.save();
        found.push(row.fields);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_those_of_python() {
        let dialect = Dialect { delimiter: ',', skip_blanks: false, strict: false };
        for (text, expected) in [
            ("a,b\n1,\"x\ny\"\n", vec![vec!["a", "b"], vec!["1", "x\ny"]]),
            ("\na,\r\n", vec![vec![], vec!["a", ""]]),
            ("\"a\"\"b\"c,d", vec![vec!["a\"bc", "d"]]),
            ("\"open", vec![vec!["open"]]),
            ("", vec![]),
        ] {
            let found = rows(text.split_inclusive('\n'), &dialect).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(found, expected, "{text:?}");
        }
        let long = format!("{}\n", "x".repeat(LONGEST + 1));
        assert!(rows(long.split_inclusive('\n'), &dialect).is_err());
    }
}
