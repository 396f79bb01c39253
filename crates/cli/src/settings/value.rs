//! A setting's value: the environment first, then the settings file, then the default; made into what the setting wants.

use std::path::Path;

use data::{Diagnostic, Value};

use super::file::{ConfigFile, Entry};
use super::setting::{Kind, Setting};
use super::{Origin, paths};
use crate::flags::FlagError;

/// The value and who gave it. `home` is what `{home}` in defaults stands for.
///
/// # Errors
/// A value of the wrong kind, or none of the choices.
pub(super) fn of(
    setting: &Setting,
    file: Option<&ConfigFile>,
    env: &dyn Fn(&str) -> Option<String>,
    home: &str,
) -> Result<(Value, Origin), FlagError> {
    let default = || {
        let text = setting.default.map(|text| text.replace("{home}", home));
        let value = text.map_or(Some(Value::Null), |text| typed(setting.kind, &text, None));
        Ok((value.unwrap_or(Value::Null), Origin::Default))
    };
    let variable = setting.env.iter().rev().find_map(|name| env(name).map(|text| (*name, text)));
    if let Some((name, text)) = variable {
        // An empty variable is no number and no path: it stands for the default.
        if text.is_empty() && setting.kind != Kind::Text {
            return default();
        }
        return match typed(setting.kind, &text, None).filter(|value| allowed(setting, value)) {
            Some(value) => Ok((value, Origin::Environment(name))),
            None => Err(FlagError::option(wrong(setting, &format!("${name}"), &text))),
        };
    }
    let entry = file.and_then(|file| {
        setting.ini.iter().rev().find_map(|(section, key)| file.get(section, key).map(|entry| (file, entry)))
    });
    let Some((file, entry)) = entry else { return default() };
    let Entry { value, place, key, .. } = entry;
    match typed(setting.kind, unquoted(value), file.path.parent()).filter(|value| allowed(setting, value)) {
        Some(value) => Ok((value, Origin::File(file.path.clone()))),
        None => Err(FlagError::option(wrong(setting, key, value).at(place, ""))),
    }
}

fn wrong(setting: &Setting, name: &str, text: &str) -> Diagnostic {
    let wants = match setting.choices {
        [] => format!("it takes a value of the kind {}", setting.kind.word()),
        choices => format!("it takes {}", choices.join(", ")),
    };
    Diagnostic::error(format!("the setting `{name}` cannot be `{text}`")).help(wants)
}

fn allowed(setting: &Setting, value: &Value) -> bool {
    let one = |value: &Value| setting.choices.contains(&data::python::str(value).as_str());
    setting.choices.is_empty() || value.as_list().map_or_else(|| one(value), |items| items.iter().all(one))
}

fn typed(kind: Kind, text: &str, base: Option<&Path>) -> Option<Value> {
    let path = |text: &str| Value::str(paths::resolve(text, base).to_string_lossy());
    Some(match kind {
        Kind::Bool => Value::Bool(is_true(text)),
        Kind::Int => Value::from(whole(text)?),
        Kind::Float => Value::from(text.trim().parse::<f64>().ok()?),
        Kind::Text => Value::str(text),
        Kind::List if text.is_empty() => Value::from(Vec::<Value>::new()),
        Kind::List => text.split(',').map(|item| Value::str(unquoted(item.trim()))).collect(),
        Kind::Path => path(text),
        Kind::PathSpec => text.split(':').map(path).collect(),
        Kind::PathList => text.split(',').map(|item| path(item.trim())).collect(),
    })
}

/// A whole number, also one that is written with a fraction of zero, as Ansible takes it.
fn whole(text: &str) -> Option<i64> {
    let text = text.trim();
    let float = || text.parse::<f64>().ok().filter(|number| number.fract() == 0.0 && number.abs() < 1e15);
    text.parse().ok().or_else(|| float().map(|number| number as i64))
}

/// Ansible's words for true; all others are false.
fn is_true(text: &str) -> bool {
    matches!(text.trim().to_lowercase().as_str(), "y" | "yes" | "on" | "1" | "true" | "t")
}

fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}
