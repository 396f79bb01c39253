//! Lookups in tables: `csvfile` and `ini`.

use data::Text;
use data::pattern::Pattern;

use crate::lookups::files::{find, read};
use crate::lookups::{Lookup, Request};
use crate::val::{Res, Val, fail};

pub(crate) const LOOKUPS: &[Lookup] = &[Lookup::new("csvfile", csvfile), Lookup::new("ini", ini)];

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

/// Python's `csv.reader` in Excel's dialect.
fn csv_rows(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut any) = (false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted => {
                if chars.next_if_eq(&'"').is_some() {
                    field.push('"');
                } else {
                    quoted = false;
                }
            }
            _ if quoted => field.push(c),
            '"' if field.is_empty() => {
                quoted = true;
                any = true;
            }
            c if c == delimiter => {
                row.push(std::mem::take(&mut field));
                any = true;
            }
            '\n' | '\r' => {
                if any || !field.is_empty() {
                    row.push(std::mem::take(&mut field));
                    rows.push(std::mem::take(&mut row));
                }
                any = false;
            }
            _ => field.push(c),
        }
    }
    if any || !field.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}

fn csvfile(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let default = request.option("default")?;
    let mut base = Vec::new();
    for name in ["file", "delimiter", "col", "keycol", "encoding"] {
        if let Some(value) = request.text(name)? {
            base.push((name.to_owned(), value));
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
        let get = |name: &str, default: &str| {
            own.iter()
                .chain(&base)
                .find(|(known, _)| known == name)
                .map_or_else(|| default.to_owned(), |(_, value)| value.clone())
        };
        let delimiter = match get("delimiter", "TAB").as_str() {
            "TAB" | "t" => '\t',
            other => match other.chars().next() {
                Some(c) if other.chars().count() == 1 => c,
                _ => return fail("\"delimiter\" must be a 1-character string"),
            },
        };
        let number = |name: &str, default: &str| -> Res<usize> {
            get(name, default)
                .trim()
                .parse()
                .or_else(|_| fail(format!("the option '{name}' is not a number")))
        };
        let (column, key_column) = (number("col", "1")?, number("keycol", "0")?);
        let file = get("file", "ansible.csv");
        let Some(path) = find(request, "files", &file) else {
            return fail(format!("the file `{file}` was not found"));
        };
        let default = own
            .iter()
            .find(|(name, _)| name == "default")
            .map(|(_, value)| Val::from(value.as_str()))
            .or_else(|| default.clone());
        let rows = csv_rows(&read(request, &path)?, delimiter);
        match rows.iter().find(|row| row.get(key_column).is_some_and(|field| *field == key)) {
            Some(row) => match row.get(column) {
                Some(field) => found.push(Val::from(field.as_str())),
                None => return fail("list index out of range"),
            },
            None => found.extend(default),
        }
    }
    Ok(found)
}

/// The options of a section with those of `[DEFAULT]` behind them.
fn ini_section(text: &str, wanted: &str, case_sensitive: bool) -> Res<Option<Vec<(String, String)>>> {
    let (mut section, mut defaults, mut own) = (String::new(), Vec::new(), None);
    let mut last: Option<usize> = None;
    for line in text.lines() {
        let body = line.trim();
        if body.is_empty() || body.starts_with(['#', ';']) {
            continue;
        }
        let target: &mut Vec<(String, String)> = if section == "DEFAULT" {
            &mut defaults
        } else if section == wanted {
            own.get_or_insert_with(Vec::new)
        } else {
            &mut Vec::new()
        };
        if line.starts_with([' ', '\t'])
            && let Some(entry) = last.and_then(|last| target.get_mut(last))
        {
            entry.1.push('\n');
            entry.1.push_str(body);
            continue;
        }
        if let Some(name) = body.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            name.0.clone_into(&mut section);
            if section == wanted {
                own.get_or_insert_with(Vec::new);
            }
            last = None;
            continue;
        }
        let (key, value) = match body.find(['=', ':']) {
            Some(at) => (body[..at].trim(), body[at + 1..].trim()),
            None => (body, ""),
        };
        let key = if case_sensitive { key.to_owned() } else { key.to_lowercase() };
        if target.iter().any(|(known, _)| *known == key) {
            return fail(format!("Duplicate option '{key}' in section '{section}'."));
        }
        target.push((key, value.to_owned()));
        last = Some(target.len() - 1);
    }
    if wanted == "DEFAULT" {
        return Ok(Some(defaults));
    }
    Ok(own.map(|mut own: Vec<(String, String)>| {
        for (key, value) in defaults {
            if !own.iter().any(|(known, _)| *known == key) {
                own.push((key, value));
            }
        }
        own
    }))
}

fn ini(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let file = request.text("file")?.unwrap_or_else(|| "ansible.ini".to_owned());
    let section = request.text("section")?.unwrap_or_else(|| "global".to_owned());
    let default = request.option("default")?.unwrap_or_else(|| Val::from(""));
    let by_pattern = request.flag("re", false)?;
    let case_sensitive = request.flag("case_sensitive", false)?;
    let kind = request.text("type")?.unwrap_or_else(|| "ini".to_owned());
    for ignored in ["encoding", "allow_no_value", "allow_none", "interpolation"] {
        let _ = request.options.take(ignored);
    }
    request.finish()?;
    let mut found = Vec::new();
    for term in request.text_terms()? {
        let (key, own) = if term.contains('=') || term.trim().contains(' ') {
            term_options(&term)?
        } else {
            (term.clone(), Vec::new())
        };
        let get = |name: &str, base: &str| {
            own.iter()
                .find(|(known, _)| known == name)
                .map_or_else(|| base.to_owned(), |(_, value)| value.clone())
        };
        let file = get("file", &file);
        let Some(path) = find(request, "files", &file) else {
            return fail(format!("the file `{file}` was not found"));
        };
        let text = read(request, &path)?;
        let (text, section) = if get("type", &kind) == "properties" {
            (format!("[java_properties]\n{text}"), "java_properties".to_owned())
        } else {
            (text, get("section", &section))
        };
        let Some(options) = ini_section(&text, &section, case_sensitive)? else {
            return fail(format!("No section '{section}' in '{file}'."));
        };
        if by_pattern || get("re", "false").to_lowercase() == "true" {
            let Ok(regex) = Pattern::new(&key) else {
                return fail(format!("`{key}` is not a regular expression"));
            };
            for (name, value) in &options {
                if crate::filters::matches(&regex, name, "match")? {
                    found.push(Val::from(value.as_str()));
                }
            }
            continue;
        }
        let key = if case_sensitive { key } else { key.to_lowercase() };
        found.push(match options.iter().find(|(name, _)| *name == key) {
            Some((_, value)) => Val::from(value.as_str()),
            None => match own.iter().find(|(name, _)| name == "default") {
                Some((_, value)) => Val::from(value.as_str()),
                None => default.clone(),
            },
        });
    }
    Ok(found)
}
