//! Filters of community.general between text and tables or sections: `from_csv`, `from_ini`, `to_ini`.

use data::Key;
use indexmap::IndexMap;

use crate::args::Bound;
use crate::csv::{Dialect, rows};
use crate::eval::Eval;
use crate::filters::keys::class;
use crate::ini::{DEFAULT, Entry, Origin, Reading, parse};
use crate::registry::Filter;
use crate::val::{Res, Val, display, fail, key_of};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new(
        "community.general.from_csv",
        &["dialect?", "fieldnames?", "delimiter?", "skipinitialspace?", "strict?"],
        from_csv,
    ),
    Filter::new("community.general.from_ini", &[], |_, value, _| from_ini(value)),
    Filter::new("community.general.to_ini", &[], |ev, value, _| to_ini(ev, value)),
];

fn dialect(ev: &Eval<'_>, args: &Bound) -> Res<Dialect> {
    let delimiter = match args.text(ev, 0, "excel")?.as_str() {
        "excel" | "unix" => ',',
        "excel-tab" => '\t',
        other => return fail(format!("Dialect '{other}' is not supported by your version of python.")),
    };
    let mut dialect = Dialect { delimiter, skip_blanks: args.flag(3, false)?, strict: args.flag(4, false)? };
    if let Some(given) = args.given(2) {
        let given = ev.text(given)?;
        let mut chars = given.chars();
        dialect.delimiter = match (chars.next(), chars.next()) {
            (Some(one), None) => one,
            _ => {
                return fail("Unable to create custom dialect: \"delimiter\" must be a 1-character string");
            }
        };
    }
    Ok(dialect)
}

/// A dictionary a row. Fields without a name are a list under the key `None`; names without a field have the value `None`.
fn from_csv(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let dialect = dialect(ev, args)?;
    let text = ev.text(value)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let read = rows(text.split_inclusive('\n'), &dialect);
    let mut rows =
        read.or_else(|error| fail(format!("Unable to process file: {}", reason(&error))))?.into_iter();
    let names: Vec<Key> = match args.given(1) {
        Some(names) => ev.items(names)?.iter().map(|name| key_of(ev, name)).collect::<Res<_>>()?,
        None => rows.next().unwrap_or_default().into_iter().map(Key::from).collect(),
    };
    let mut found = Vec::new();
    for row in rows.filter(|row| !row.is_empty()) {
        ev.spend(row.len(), 0)?;
        let mut fields = row.into_iter().map(Val::from);
        let mut made = IndexMap::new();
        for name in &names {
            made.insert(name.clone(), fields.next().unwrap_or(Val::None));
        }
        let rest: Vec<Val> = fields.collect();
        if !rest.is_empty() {
            made.insert(Key::Null, Val::list(rest));
        }
        found.push(Val::dict(made));
    }
    Ok(Val::list(found))
}

/// The words of an operation's error without what it says it is.
fn reason(error: &crate::error::TemplateError) -> String {
    match error.kind() {
        crate::error::ErrorKind::Operation(message) => message.clone(),
        other => other.to_string(),
    }
}

fn from_ini(value: &Val) -> Res<Val> {
    let Some(text) = value.as_str() else {
        return fail(format!("from_ini requires a str, got {}", class(value)));
    };
    let how = Reading { case_sensitive: true, allow_no_value: false };
    let sections = parse(text, how, Origin::Value)
        .or_else(|error| fail(format!("from_ini failed to parse given string: {}", reason(&error))))?;
    let options = |entries: Vec<Entry>| {
        let value = |value: Option<String>| value.map_or(Val::None, Val::from);
        Val::dict(entries.into_iter().map(|(key, text)| (Key::from(key), value(text))).collect())
    };
    let mut found = IndexMap::new();
    for (name, own) in &sections.named {
        // As Ansible: the options of [DEFAULT] come first.
        let mut all = sections.defaults.clone();
        for (key, value) in own {
            match all.iter_mut().find(|(known, _)| known == key) {
                Some((_, slot)) => slot.clone_from(value),
                None => all.push((key.clone(), value.clone())),
            }
        }
        found.insert(Key::from(name.as_str()), options(all));
    }
    if !sections.defaults.is_empty() {
        found.insert(Key::from(DEFAULT), options(sections.defaults));
    }
    Ok(Val::dict(found))
}

fn to_ini(ev: &Eval<'_>, value: &Val) -> Res<Val> {
    let Some(dict) = ev.mapping(value)? else {
        return fail(format!("to_ini requires a dict, got {}", class(value)));
    };
    if dict.len() == 0 {
        return fail("to_ini received an empty dict. An empty dict cannot be converted.");
    }
    let (mut first, mut others) = (String::new(), String::new());
    for (name, section) in dict.rendered(ev)? {
        let Some(section) = ev.mapping(&section)? else {
            return fail(format!(
                "to_ini failed to parse given dict:'{}' object has no attribute 'items'",
                section.type_name()
            ));
        };
        let name = display(ev, &crate::val::key_value(&name))?;
        let out = if name == DEFAULT { &mut first } else { &mut others };
        let mut body = String::new();
        for (key, value) in section.rendered(ev)? {
            if let Val::None = value {
                return fail("to_ini failed to parse given dict:option values must be strings");
            }
            let (key, value) = (display(ev, &crate::val::key_value(&key))?, display(ev, &value)?);
            body.push_str(&format!("{key} = {}\n", value.replace('\n', "\n\t")));
        }
        if name != DEFAULT || !body.is_empty() {
            out.push_str(&format!("[{name}]\n{body}\n"));
        }
        ev.spend(section.len(), out.len())?;
    }
    let whole = first + &others;
    Ok(Val::from(whole.strip_suffix('\n').unwrap_or(&whole)))
}
