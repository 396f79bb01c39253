//! The lookup `ini`: Python's `configparser` for INI files and Java's properties.

use data::pattern::Pattern;

use crate::ini::{Entry, Origin, Reading, parse};
use crate::lookups::tables::table;
use crate::lookups::{Lookup, Request};
use crate::val::{Res, Val, fail};

pub(crate) const LOOKUPS: &[Lookup] = &[Lookup::new("ini", ini)];

/// `%(name)s` inside a value stands for another option of the section, and `%%` for a percent sign.
fn interpolated(value: &str, options: &[Entry], how: Reading, depth: usize) -> Res<String> {
    if depth > 10 {
        return fail("Recursion limit exceeded in value substitution");
    }
    let (mut whole, mut rest) = (String::new(), value);
    while let Some(at) = rest.find('%') {
        whole.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(next) = after.strip_prefix('%') {
            whole.push('%');
            rest = next;
        } else if let Some((name, next)) = after.strip_prefix('(').and_then(|open| open.split_once(")s")) {
            let name = how.key(name);
            match options.iter().find(|(known, _)| *known == name) {
                Some((_, inner)) => {
                    whole.push_str(&interpolated(inner.as_deref().unwrap_or(""), options, how, depth + 1)?);
                }
                None => return fail(format!("Bad value substitution: '{name}' is not defined in '{value}'")),
            }
            rest = next;
        } else {
            return fail(format!("'%' must be followed by '%' or '(', found: '%{after}'"));
        }
    }
    whole.push_str(rest);
    Ok(whole)
}

const OPTIONS: &[(&str, &str)] = &[
    ("file", "ansible.ini"),
    ("section", "global"),
    ("type", "ini"),
    ("encoding", "utf-8"),
    ("re", "false"),
    ("case_sensitive", "false"),
    ("allow_no_value", "false"),
    ("interpolation", "true"),
    ("default", ""),
];

/// The options in force: those of the call, and what terms have set since.
struct Options(Vec<(&'static str, String)>);

impl Options {
    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    fn flag(&self, name: &str) -> bool {
        crate::filters::bool_word(self.get(name)).unwrap_or(false)
    }

    /// `key file=x section=y`: sets the options and gives the key.
    fn take(&mut self, term: &str) -> Res<String> {
        let mut parts: Vec<String> = Vec::new();
        for word in term.split_whitespace() {
            let is_option = self.0.iter().any(|(name, _)| word.starts_with(&format!("{name}=")));
            match parts.last_mut() {
                Some(last) if !is_option => {
                    last.push(' ');
                    last.push_str(word);
                }
                _ => parts.push(word.to_owned()),
            }
        }
        let mut key = None;
        for part in &parts {
            match part.split_once('=') {
                Some((_, value)) if value.contains('=') => {
                    return fail(format!("Could not use '{part}' from {parts:?}."));
                }
                Some((name, value)) => match self.0.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, slot)) => value.clone_into(slot),
                    None => return fail(format!("'{name}' is not a valid option.")),
                },
                None => {
                    key.get_or_insert_with(|| part.clone());
                }
            }
        }
        key.map_or_else(
            || {
                fail(format!(
                    "No key to look up was provided as first term within string inline options: {term}"
                ))
            },
            Ok,
        )
    }
}

fn ini(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let default = request.option("default")?;
    let mut options = Options(OPTIONS.iter().map(|(name, value)| (*name, (*value).to_owned())).collect());
    for (name, value) in &mut options.0 {
        if matches!(*name, "re" | "case_sensitive" | "allow_no_value" | "interpolation") {
            *value = request.flag(name, value.as_str() == "true")?.to_string();
        } else if let Some(given) = request.text(name)? {
            *value = given;
        }
    }
    if request.flag("allow_none", false)? {
        options.0.iter_mut().filter(|(name, _)| *name == "allow_no_value").for_each(|(_, flag)| {
            "true".clone_into(flag);
        });
    }
    request.finish()?;
    let case_sensitive = options.flag("case_sensitive");
    let mut found = Vec::new();
    for term in request.text_terms()? {
        let inline = term.contains('=') || term.trim().contains(' ');
        let key = if inline { options.take(&term)? } else { term };
        look_up(request, &key, &options, case_sensitive, default.as_ref(), &mut found)?;
    }
    Ok(found)
}

fn look_up(
    request: &Request<'_, '_>,
    key: &str,
    options: &Options,
    case_sensitive: bool,
    default: Option<&Val>,
    found: &mut Vec<Val>,
) -> Res<()> {
    let how = Reading { case_sensitive, allow_no_value: options.flag("allow_no_value") };
    let file = options.get("file");
    let mut text = table(request, file, options.get("encoding"))?;
    let mut section = options.get("section");
    if options.get("type") == "properties" {
        text.insert_str(0, "[java_properties]\n");
        section = "java_properties";
    }
    let Some(entries) = parse(&text, how, Origin::File(file))?.with_defaults(section) else {
        return fail(format!("No section '{section}' in '{file}'."));
    };
    let value_of = |value: &Option<String>| -> Res<Val> {
        Ok(match value {
            None => Val::None,
            Some(text) if options.flag("interpolation") => Val::from(interpolated(text, &entries, how, 0)?),
            Some(text) => Val::from(text.as_str()),
        })
    };
    if options.flag("re") {
        let Ok(regex) = Pattern::new(key) else {
            return fail(format!("`{key}` is not a regular expression"));
        };
        for (name, value) in &entries {
            if crate::filters::matches(&regex, name, true)? {
                found.push(value_of(value)?);
            }
        }
        return Ok(());
    }
    let key = how.key(key);
    match entries.iter().find(|(name, _)| *name == key) {
        Some((_, value)) => found.extend(Some(value_of(value)?).filter(|value| !matches!(value, Val::None))),
        None => match default {
            Some(list @ Val::List(_)) => found.extend(request.ev.items(list)?),
            Some(value) if options.get("default").is_empty() => found.push(value.clone()),
            _ => found.push(Val::from(options.get("default"))),
        },
    }
    Ok(())
}
