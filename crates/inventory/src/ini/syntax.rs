//! The syntax tree of an INI inventory. Reading goes on after a mistake, so that all mistakes of a file are reported at once.

use std::collections::HashSet;
use std::sync::Arc;

use data::{List, Map, Place, Source, Span, Text, Value, suggest};

use super::words::{Word, WordError, split_words};
use super::{IniError, IniProblem};
use crate::address::parse_address;
use crate::mask::masked;
use crate::range::expand;

/// Hosts of one file beyond this are taken for a mistake; a range has the same limit.
const HOSTS: usize = 1_000_000;

/// After so many mistakes, the file is probably no inventory.
const MISTAKES: usize = 100;

/// A parsed file.
#[derive(Clone, Debug)]
pub struct IniFile {
    /// Its sections in order; the first is the unnamed one before any header, if hosts stand there.
    pub sections: Vec<Section>,
}

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionKind {
    /// `[group]`
    Hosts,
    /// `[group:children]`
    Children,
    /// `[group:vars]`
    Vars,
}

/// A header and the lines below it.
#[derive(Clone, Debug)]
pub struct Section {
    /// The group; `ungrouped`, without a place, before the first header.
    pub name: Text,
    /// What its lines are.
    pub kind: SectionKind,
    /// Its lines.
    pub entries: Vec<Entry>,
}

/// A line of a section.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A host, or a range of hosts.
    Host(HostLine),
    /// A child group.
    Child(Text),
    /// A variable of the group.
    Var(IniVar),
}

/// A host line.
#[derive(Clone, Debug)]
pub struct HostLine {
    /// The name as written, with range and port.
    pub pattern: Text,
    /// The hosts it stands for.
    pub names: Vec<String>,
    /// The port after the name.
    pub port: Option<u32>,
    /// The variables after the name, in order.
    pub vars: Vec<IniVar>,
    /// Whether a mistake on the line keeps part of it from being read.
    pub is_damaged: bool,
}

/// `key=value`
#[derive(Clone, Debug)]
pub struct IniVar {
    /// The key.
    pub name: Text,
    /// The value, typed as a Python literal where it is one.
    pub value: Value,
    /// The value without its quotes, before it was typed, where that is something else.
    pub(crate) untyped: Option<Box<str>>,
    /// Where the value stands.
    pub place: Place,
    /// Whether a `#` inside the word cut the value off.
    pub cut: bool,
}

impl IniVar {
    /// The value without its quotes, before it was typed: what a password is, whatever it looks like.
    pub fn written(&self) -> &str {
        self.untyped.as_deref().or_else(|| self.value.as_str()).unwrap_or_default()
    }
}

impl IniFile {
    /// Parses a whole file.
    ///
    /// # Errors
    /// Every mistake in it, in order.
    pub fn parse(source: &Arc<Source>) -> Result<Self, Vec<IniError>> {
        let (file, errors) = Self::parse_tolerant(source);
        if errors.is_empty() { Ok(file) } else { Err(errors) }
    }

    /// Parses a whole file, leaving out the lines that are wrong.
    pub fn parse_tolerant(source: &Arc<Source>) -> (Self, Vec<IniError>) {
        let shown = masked(source);
        let mut parser = Parser {
            source: &shown,
            sections: Vec::new(),
            errors: Vec::new(),
            names: HashSet::new(),
            hosts: 0,
        };
        let mut at = 0;
        for line in split_lines(source.text()) {
            // A byte order mark, as some editors write it, is a blank here.
            let blank = |c: char| c.is_whitespace() || c == '\u{feff}';
            let trimmed = line.trim_matches(blank);
            let start = at + (line.len() - line.trim_start_matches(blank).len());
            if !trimmed.is_empty() && !trimmed.starts_with([';', '#']) {
                let read = parser.line(trimmed, start);
                parser.errors.extend(read.err());
                if parser.errors.len() >= MISTAKES || parser.hosts > HOSTS {
                    let place = parser.place(start, start + trimmed.len());
                    let many = parser.errors.len();
                    parser.errors.push(match parser.hosts > HOSTS {
                        true => IniProblem::TooManyHosts(HOSTS).at(&place),
                        false => IniProblem::TooManyMistakes(many).at(&place),
                    });
                    break;
                }
            }
            at += line.len();
        }
        (Self { sections: parser.sections }, parser.errors)
    }

    /// All host lines, with the section each stands in.
    pub fn host_lines(&self) -> impl Iterator<Item = (&Section, &HostLine)> {
        self.sections.iter().flat_map(|section| {
            section.entries.iter().filter_map(move |entry| match entry {
                Entry::Host(line) => Some((section, line)),
                Entry::Child(_) | Entry::Var(_) => None,
            })
        })
    }
}

struct Parser<'a> {
    /// The source that places refer to: the one that is read, with passwords masked.
    source: &'a Arc<Source>,
    sections: Vec<Section>,
    errors: Vec<IniError>,
    /// Names of variables: thousands of hosts have the same few, and share them.
    names: HashSet<Arc<str>>,
    /// How many hosts the lines stand for so far.
    hosts: usize,
}

impl Parser<'_> {
    fn name(&mut self, name: &str, place: Place) -> Text {
        let shared = match self.names.get(name) {
            Some(known) => Arc::clone(known),
            None => {
                let new: Arc<str> = name.into();
                self.names.insert(Arc::clone(&new));
                new
            }
        };
        Text::plain(shared).with_place(Some(place))
    }

    fn place(&self, start: usize, end: usize) -> Place {
        Place::new(self.source, Span::new(start, end))
    }

    /// Reads a line without the blanks around it, which starts at byte `start`.
    fn line(&mut self, line: &str, start: usize) -> Result<(), IniError> {
        let place = self.place(start, start + line.len());
        if let Some((name, suffix)) = header(line) {
            return self.header(name, suffix, start, &place);
        }
        if line.starts_with('[') && (line.ends_with(']') || is_header_with_a_tail(line)) {
            return Err(IniProblem::Header(line.to_owned()).at(&place));
        }
        let kind = self.sections.last().map_or(SectionKind::Hosts, |section| section.kind);
        let entry = match kind {
            SectionKind::Hosts => match self.host_line(line, start)? {
                Some(host) => Entry::Host(host),
                None => return Ok(()),
            },
            SectionKind::Children => Entry::Child(self.child(line, start)?),
            SectionKind::Vars => Entry::Var(self.variable(line, start)?),
        };
        if self.sections.is_empty() {
            self.sections.push(Section {
                name: Text::plain("ungrouped"),
                kind: SectionKind::Hosts,
                entries: Vec::new(),
            });
        }
        if let Some(section) = self.sections.last_mut() {
            section.entries.push(entry);
        }
        Ok(())
    }

    fn header(
        &mut self,
        name: &str,
        suffix: Option<&str>,
        start: usize,
        place: &Place,
    ) -> Result<(), IniError> {
        let text = Text::plain(name).with_place(Some(self.place(start + 1, start + 1 + name.len())));
        let kind = match suffix {
            None | Some("hosts") => Some(SectionKind::Hosts),
            Some("children") => Some(SectionKind::Children),
            Some("vars") => Some(SectionKind::Vars),
            Some(wrong) => nearest_kind(wrong),
        };
        let is_wrong = suffix.is_some_and(|suffix| !matches!(suffix, "hosts" | "children" | "vars"));
        // The lines below a wrong header are read as what it was meant to be, so that they do not all become mistakes.
        self.sections.push(Section {
            name: text,
            kind: kind.unwrap_or(SectionKind::Hosts),
            entries: Vec::new(),
        });
        match (is_wrong, suffix) {
            (true, Some(suffix)) => {
                Err(IniProblem::Suffix { section: name.to_owned(), suffix: suffix.to_owned() }.at(place))
            }
            _ => Ok(()),
        }
    }

    /// Reads a host. Mistakes after the name are kept for the end, so that the host itself is known.
    fn host_line(&mut self, line: &str, start: usize) -> Result<Option<HostLine>, IniError> {
        let errors = self.errors.len();
        let words = self.words(line, start);
        let Some((first, rest)) = words.split_first() else { return Ok(None) };
        let place = Place::new(self.source, first.span);
        let (pattern, port) = parse_address(&first.text).unwrap_or((&first.text, None));
        if port.is_none() && first.text.ends_with(':') {
            return Err(IniProblem::Colon(first.text.clone()).at(&place));
        }
        let names = expand(pattern).map_err(|error| IniProblem::range(pattern, &error).at(&place))?;
        if names.iter().any(|name| name.trim() == "---") {
            return Err(IniProblem::Yaml.at(&place));
        }
        self.hosts += names.len();
        let mut vars = Vec::with_capacity(rest.len());
        for word in rest {
            match self.assignment(word) {
                Ok(var) => vars.push(var),
                Err(error) => self.errors.push(error),
            }
        }
        let pattern = Text::plain(&*first.text).with_place(Some(place));
        Ok(Some(HostLine { pattern, names, port, vars, is_damaged: self.errors.len() > errors }))
    }

    /// The words of a line; of a line that cannot be split, those before the mistake.
    fn words(&mut self, line: &str, start: usize) -> Vec<Word> {
        let mut rest = line;
        let mut first = true;
        loop {
            let (problem, span) = match split_words(rest, start) {
                Ok(words) => return words,
                Err(WordError::Quote(span)) => (IniProblem::Quote, span),
                Err(WordError::Escape(span)) => (IniProblem::Escape, span),
            };
            // What is found in the shorter line is the same mistake again.
            if std::mem::take(&mut first) {
                self.errors.push(problem.at(&Place::new(self.source, span)));
            }
            // The word with the mistake is left out, for half a value is none.
            let before = &line[..span.start as usize - start];
            rest = &before[..before.rfind([' ', '\t']).map_or(0, |blank| blank + 1)];
        }
    }

    fn assignment(&mut self, word: &Word) -> Result<IniVar, IniError> {
        let place = Place::new(self.source, word.span);
        let Some((key, value)) = word.text.split_once('=') else {
            return Err(IniProblem::Assignment(word.text.clone()).at(&place));
        };
        let range = word.span.range();
        let equals = place.text().find('=').map_or(range.end, |at| range.start + at);
        let value_place = self.place((equals + 1).min(range.end), range.end);
        let (name_place, read) = (self.place(range.start, equals), typed(value, &value_place));
        Ok(IniVar {
            name: self.name(key, name_place),
            untyped: untyped(value, &read),
            value: read,
            place: value_place,
            cut: word.cut,
        })
    }

    fn child(&self, line: &str, start: usize) -> Result<Text, IniError> {
        let name = line.split(|c: char| c.is_whitespace() || c == ':' || c == ']').next().unwrap_or("");
        let after = line[name.len()..].trim_start();
        let place = self.place(start, start + line.len());
        if name.is_empty() || !(after.is_empty() || after.starts_with('#')) {
            return Err(IniProblem::GroupName(line.to_owned()).at(&place));
        }
        Ok(Text::plain(name).with_place(Some(self.place(start, start + name.len()))))
    }

    fn variable(&mut self, line: &str, start: usize) -> Result<IniVar, IniError> {
        let Some((key, value)) = line.split_once('=') else {
            return Err(IniProblem::Variable(line.to_owned()).at(&self.place(start, start + line.len())));
        };
        let value_start = start + key.len() + 1 + (value.len() - value.trim_start().len());
        let (key, value) = (key.trim_end(), value.trim());
        let place = self.place(value_start, value_start + value.len());
        let (name_place, read) = (self.place(start, start + key.len()), typed(value, &place));
        Ok(IniVar {
            name: self.name(key, name_place),
            untyped: untyped(value, &read),
            value: read,
            place,
            cut: false,
        })
    }
}

/// `[name]` or `[name:suffix]`, perhaps with a comment behind it.
fn header(line: &str) -> Option<(&str, Option<&str>)> {
    let (inner, after) = line.strip_prefix('[')?.split_once(']')?;
    let after = after.trim_start();
    if !(after.is_empty() || after.starts_with('#')) {
        return None;
    }
    let (name, suffix) = match inner.split_once(':') {
        None => (inner, None),
        Some((name, suffix)) => (name, Some(suffix)),
    };
    let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
    let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_');
    (is_name && suffix.is_none_or(is_word)).then_some((name, suffix))
}

/// What a wrong word after the colon was meant to be.
fn nearest_kind(wrong: &str) -> Option<SectionKind> {
    match suggest::nearest(wrong, ["children", "vars", "hosts"])? {
        "children" => Some(SectionKind::Children),
        "vars" => Some(SectionKind::Vars),
        _ => Some(SectionKind::Hosts),
    }
}

/// `[web] ; note` or `[web] x`: meant as a header, for no host name starts with a bracket that is no range.
fn is_header_with_a_tail(line: &str) -> bool {
    line[1..]
        .split_once(']')
        .is_some_and(|(inner, after)| !inner.contains(':') && after.starts_with(char::is_whitespace))
}

/// Lines with their ends, cut where Python's `splitlines` cuts.
fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    const ENDS: [char; 10] =
        ['\n', '\r', '\x0b', '\x0c', '\x1c', '\x1d', '\x1e', '\u{85}', '\u{2028}', '\u{2029}'];
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let cut = match rest.find(ENDS) {
            None => rest.len(),
            Some(at) if rest[at..].starts_with("\r\n") => at + 2,
            Some(at) => at + rest[at..].chars().next().map_or(0, char::len_utf8),
        };
        let (line, after) = rest.split_at(cut);
        rest = after;
        Some(line)
    })
}

/// The text of a value, unless the value is that text.
fn untyped(text: &str, value: &Value) -> Option<Box<str>> {
    (value.as_str() != Some(text)).then(|| text.into())
}

/// A value typed as Python types literals, else text. The user wrote it, so text in it is a template.
fn typed(text: &str, place: &Place) -> Value {
    match data::literal::parse_as_text(text) {
        Some(value) => written(value, place),
        None => Value::Str(Text::template(text, Some(place.clone()))),
    }
}

fn written(value: Value, place: &Place) -> Value {
    match value {
        Value::Str(text) => Value::Str(text.with_place(Some(place.clone())).into_template()),
        // Tuples become lists in an inventory.
        Value::List(items) => {
            Value::List(items.into_items().into_iter().map(|item| written(item, place)).collect::<List>())
        }
        Value::Map(map) => Value::Map(
            map.into_entries().into_iter().map(|(key, value)| (key, written(value, place))).collect::<Map>(),
        ),
        other => other,
    }
}
