//! Python's `configparser`: sections of options.

use std::collections::HashSet;

use crate::val::{Res, fail};

/// An option of a section; without `=` it has no value.
pub(crate) type Entry = (String, Option<String>);

/// The section whose options all others have, too.
pub(crate) const DEFAULT: &str = "DEFAULT";

/// How a file is read.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    /// Whether the names of options keep their capitals.
    pub(crate) case_sensitive: bool,
    /// Whether an option may stand without `=`.
    pub(crate) allow_no_value: bool,
}

impl Reading {
    /// An option's name as it is kept.
    pub(crate) fn key(self, key: &str) -> String {
        if self.case_sensitive { key.to_owned() } else { key.to_lowercase() }
    }
}

/// What a file holds.
#[derive(Default)]
pub(crate) struct Sections {
    /// The options of `[DEFAULT]`.
    pub(crate) defaults: Vec<Entry>,
    /// The other sections, in order.
    pub(crate) named: Vec<(String, Vec<Entry>)>,
}

impl Sections {
    /// The options of a section, then those of `[DEFAULT]` that it does not have; `None` when there is no such section.
    pub(crate) fn with_defaults(&self, name: &str) -> Option<Vec<Entry>> {
        if name == DEFAULT {
            return Some(self.defaults.clone());
        }
        let mut own = self.named.iter().find(|(known, _)| known == name)?.1.clone();
        for (key, value) in &self.defaults {
            if !own.iter().any(|(known, _)| known == key) {
                own.push((key.clone(), value.clone()));
            }
        }
        Some(own)
    }

    fn section(&mut self, at: Place) -> &mut Vec<Entry> {
        match at {
            Place::Default => &mut self.defaults,
            Place::Named(index) => &mut self.named[index].1,
        }
    }
}

#[derive(Clone, Copy)]
enum Place {
    Default,
    Named(usize),
}

/// Where the text comes from.
#[derive(Clone, Copy)]
pub(crate) enum Origin<'a> {
    /// A value of a template.
    Value,
    /// A file of this name.
    File(&'a str),
}

impl std::fmt::Display for Origin<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            // As Python calls a stream without a name.
            Self::Value => "<???>",
            Self::File(name) => name,
        })
    }
}

/// Reads a file.
///
/// # Errors
/// In the words of Python: options before the first section, a section or an option twice, lines that are no options.
pub(crate) fn parse(text: &str, how: Reading, source: Origin<'_>) -> Res<Sections> {
    let mut found = Sections::default();
    let mut seen: HashSet<(String, String)> = HashSet::new();
    let (mut section, mut name) = (None::<Place>, String::new());
    // Whether an option is open, so that a line that is indented further goes on with it.
    let (mut open, mut indent) = (false, 0);
    let mut mistakes = String::new();
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let (body, number) = (line.trim(), at + 1);
        if body.starts_with(['#', ';']) {
            continue;
        }
        let own_indent = line.len() - line.trim_start().len();
        if body.is_empty() || (open && own_indent > indent) {
            // An empty line belongs to the value, unless nothing follows in it.
            if let (Some(place), true) = (section, open)
                && let Some((_, Some(value))) = found.section(place).last_mut()
            {
                value.push('\n');
                value.push_str(body);
            }
            continue;
        }
        indent = own_indent;
        if let Some(header) = header(body) {
            section = Some(enter(&mut found, header, number, source)?);
            header.clone_into(&mut name);
            open = false;
            continue;
        }
        let Some(place) = section else {
            return fail(format!(
                "File contains no section headers.\nfile: '{source}', line: {number}\n{}",
                data::python::repr_str(line)
            ));
        };
        let (key, value) = match body.find(['=', ':']) {
            Some(at) => (body[..at].trim_end(), Some(body[at + 1..].trim().to_owned())),
            None if how.allow_no_value => (body, None),
            None => {
                mistakes.push_str(&format!("\n\t[line {number:2}]: {}", data::python::repr_str(line)));
                continue;
            }
        };
        if key.is_empty() {
            mistakes.push_str(&format!("\n\t[line {number:2}]: {}", data::python::repr_str(line)));
        }
        let key = how.key(key);
        if !seen.insert((name.clone(), key.clone())) {
            // Ansible's lookup says it in words of its own first.
            let first = match source {
                Origin::File(file) => format!("Duplicate option in {}: ", data::python::repr_str(file)),
                Origin::Value => String::new(),
            };
            return fail(format!(
                "{first}While reading from '{source}' [line {number:2}]: option '{key}' in section '{name}' already exists"
            ));
        }
        found.section(place).push((key, value));
        open = true;
    }
    if !mistakes.is_empty() {
        return fail(format!("Source contains parsing errors: '{source}'{mistakes}"));
    }
    let values = found.named.iter_mut().flat_map(|(_, own)| own).chain(&mut found.defaults);
    for value in values.filter_map(|(_, value)| value.as_mut()) {
        value.truncate(value.trim_end().len());
    }
    Ok(found)
}

/// The name in `[name]`; what stands behind the bracket does not count.
fn header(body: &str) -> Option<&str> {
    let (name, _) = body.strip_prefix('[')?.rsplit_once(']')?;
    Some(name).filter(|name| !name.is_empty())
}

fn enter(found: &mut Sections, name: &str, number: usize, source: Origin<'_>) -> Res<Place> {
    if name == DEFAULT {
        return Ok(Place::Default);
    }
    if found.named.iter().any(|(known, _)| known == name) {
        return fail(format!(
            "While reading from '{source}' [line {number:2}]: section '{name}' already exists"
        ));
    }
    found.named.push((name.to_owned(), Vec::new()));
    Ok(Place::Named(found.named.len() - 1))
}
