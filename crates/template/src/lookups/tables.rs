//! The lookup `csvfile`, and the reading of tables in the encoding that the user names.

use data::Text;

use crate::csv::{Dialect, rows};
use crate::encoding::Encoding;
use crate::lookups::files::{find, read};
use crate::lookups::{Lookup, Request};
use crate::methods::lines;
use crate::val::{Res, Val, fail};

pub(crate) const LOOKUPS: &[Lookup] = &[Lookup::new("csvfile", csvfile)];

/// The key of a term and the `name=value` options behind it.
fn term_options(term: &str) -> Res<(String, Vec<(String, String)>)> {
    match data::split::parse_kv(&Text::plain(term), false) {
        Ok(parsed) => {
            let key = parsed.raw.as_ref().map_or_else(String::new, ToString::to_string);
            Ok((
                key,
                parsed.options.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
            ))
        }
        Err(error) => fail(error.to_string()),
    }
}

fn csvfile(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let mut default = request.option("default")?;
    let mut options: Vec<(&str, String)> =
        [("file", "ansible.csv"), ("delimiter", "TAB"), ("encoding", "utf-8"), ("col", "1"), ("keycol", "0")]
            .map(|(name, value)| (name, value.to_owned()))
            .into();
    for (name, value) in &mut options {
        if let Some(given) = request.text(name)? {
            *value = given;
        }
    }
    request.finish()?;
    if request.terms.is_empty() {
        return fail("Search key is required but was not found");
    }
    let mut found = Vec::new();
    for term in request.text_terms()? {
        let (key, own) = term_options(&term)?;
        if key.is_empty() {
            return fail("Search key is required but was not found");
        }
        // As in Ansible, what one term sets holds for those behind it.
        for (name, given) in own {
            match options.iter_mut().find(|(known, _)| **known == *name) {
                Some((_, value)) => *value = given,
                None if name == "default" => default = Some(Val::from(given)),
                None => return fail(format!("'{name}' is not a valid option")),
            }
        }
        let [file, delimiter, encoding, column, key_column] = &options[..] else { return Ok(found) };
        let number = |(name, text): &(&str, String)| -> Res<usize> {
            text.trim().parse().or_else(|_| request.invalid(name))
        };
        let (column, key_column) = (number(column)?, number(key_column)?);
        let dialect = Dialect { delimiter: separator(&delimiter.1)?, skip_blanks: false, strict: false };
        let lines = lines(&table(request, &file.1, &encoding.1)?, true);
        let rows = rows(lines.iter().map(String::as_str), &dialect)?;
        match rows.iter().find(|row| row.get(key_column).is_some_and(|field| *field == key)) {
            Some(row) => match row.get(column) {
                Some(field) => found.push(Val::from(field.as_str())),
                None => return fail("list index out of range"),
            },
            None => match &default {
                Some(list @ Val::List(_)) => found.extend(request.ev.items(list)?),
                other => found.extend(other.clone()),
            },
        }
    }
    Ok(found)
}

fn separator(text: &str) -> Res<char> {
    match (text, text.chars().next()) {
        ("TAB", _) => Ok('\t'),
        (_, Some(one)) if text.chars().count() == 1 => Ok(one),
        _ => fail("\"delimiter\" must be a 1-character string"),
    }
}

/// The text of a file of `files/`, in the encoding that the user names.
pub(crate) fn table(request: &Request<'_, '_>, file: &str, encoding: &str) -> Res<String> {
    let Some(path) = find(request, "files", file) else {
        return fail(format!("[Errno 2] No such file or directory: '{file}'"));
    };
    match Encoding::named(encoding) {
        None => fail(format!("unknown encoding: {encoding}")),
        Some(Encoding::Utf8) => Ok(read(request, &path)?.trim_start_matches('\u{feff}').to_owned()),
        Some(other) => match data::fs::read(&path) {
            Ok(bytes) => Ok(bytes.into_iter().map(|byte| other.char_of(byte)).collect()),
            Err(error) => fail(error.to_string()),
        },
    }
}
