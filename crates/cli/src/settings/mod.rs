//! Ansible's settings: from `ansible.cfg` and the `ANSIBLE_*` variables of the environment, in Ansible's order. Flags win over both.

mod file;
mod paths;
mod setting;
pub(crate) mod table;
mod value;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use data::yaml::DuplicateKeys;
use data::{Diagnostic, Value};

pub(crate) use file::ConfigFile;
pub(crate) use paths::resolve;
pub(crate) use setting::{Setting, Support};

use crate::diagnostics::report_all;
use crate::flags::FlagError;

/// Who gave a setting its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody.
    Default,
    /// A variable of the environment.
    Environment(&'static str),
    /// The settings file.
    File(PathBuf),
}

impl std::fmt::Display for Origin {
    /// As `ansible-config dump` writes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Environment(name) => write!(f, "env: {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The settings file that counts, and a warning of one that must not.
pub(crate) fn find_file() -> (Option<PathBuf>, Option<Diagnostic>) {
    file::find(std::env::var("ANSIBLE_CONFIG").ok().as_deref())
}

/// All settings with their values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// The settings file, if there is one.
    pub(crate) file: Option<ConfigFile>,
    values: HashMap<&'static str, (Value, Origin)>,
}

impl Settings {
    /// Finds and reads them, and warns of those that are not followed.
    ///
    /// # Errors
    /// A settings file that cannot be read, a value of the wrong kind.
    pub(crate) fn load() -> Result<Self, FlagError> {
        let (path, warning) = find_file();
        report_all(warning.as_slice());
        let settings = Self::read(path.as_deref())?;
        match settings.text("DUPLICATE_YAML_DICT_KEY").as_deref() {
            Some("error") => DuplicateKeys::Error.use_always(),
            Some("ignore") => DuplicateKeys::Ignore.use_always(),
            _ => DuplicateKeys::Warn.use_always(),
        }
        report_all(&settings.warnings(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())));
        Ok(settings)
    }

    /// Those of one file and the environment.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, FlagError> {
        let file = path.map(ConfigFile::read).transpose()?;
        Self::of(file, &|name| std::env::var(name).ok())
    }

    fn of(file: Option<ConfigFile>, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, FlagError> {
        let mut values = HashMap::new();
        let home = table::all().find(|setting| setting.name == "ANSIBLE_HOME");
        let home = home.map(|setting| value::of(setting, file.as_ref(), env, "~/.ansible")).transpose()?;
        let home = home.map(|(value, _)| data::python::str(&value)).unwrap_or_default();
        for setting in table::all() {
            let (value, origin) = value::of(setting, file.as_ref(), env, &home)?;
            values.insert(setting.name, (if setting.is_password() { secret(value) } else { value }, origin));
        }
        Ok(Self { file, values })
    }

    /// A setting's value, and who gave it.
    pub(crate) fn get(&self, name: &str) -> Option<&(Value, Origin)> {
        self.values.get(name)
    }

    /// All of them as the runner hands them to playbooks.
    pub(crate) fn for_playbooks(&self) -> HashMap<String, (Value, String)> {
        let named = |(name, (value, origin)): (&&str, &(Value, Origin))| {
            ((*name).to_owned(), (value.clone(), origin.to_string()))
        };
        self.values.iter().map(named).collect()
    }

    fn value(&self, name: &str) -> &Value {
        self.values.get(name).map_or(&Value::Null, |(value, _)| value)
    }

    /// Whether somebody set it.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|(_, origin)| *origin != Origin::Default)
    }

    /// Whether it is true.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.value(name) == &Value::Bool(true)
    }

    /// Whether it is true, if somebody said so.
    pub(crate) fn flag_if_set(&self, name: &str) -> Option<bool> {
        self.is_set(name).then(|| self.flag(name))
    }

    /// Its number.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.value(name).as_int().and_then(|number| i64::try_from(number).ok())
    }

    /// Its text, if there is any.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.value(name) {
            Value::Null => None,
            value => Some(data::python::str(value)).filter(|text| !text.is_empty()),
        }
    }

    /// Its text, if somebody gave one.
    pub(crate) fn text_if_set(&self, name: &str) -> Option<String> {
        self.text(name).filter(|_| self.is_set(name))
    }

    /// Its path, if there is one.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    /// Its texts.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let items = self.value(name).as_list().map(|items| items.iter().map(data::python::str).collect());
        items.unwrap_or_default()
    }

    /// Entries of the settings file that are no settings.
    pub(crate) fn unknown_entries(&self) -> Vec<String> {
        let known = |entry: &&file::Entry| {
            let pair = (entry.section.as_str(), entry.key.as_str());
            table::all().any(|setting| setting.ini.contains(&pair))
        };
        let entries = self.file.iter().flat_map(|file| &file.entries);
        entries
            .filter(|entry| !known(entry))
            .map(|entry| format!("[{}] {}", entry.section, entry.key))
            .collect()
    }

    /// `ANSIBLE_*` variables of the environment that are no settings.
    pub(crate) fn unknown_variables(&self) -> Vec<String> {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let mut unknown: Vec<String> =
            names.filter(|name| is_candidate(name) && !is_variable(name)).collect();
        unknown.sort();
        unknown
    }

    /// What the user should know: settings that are not followed, and words that are no settings.
    fn warnings(&self, environment: impl Iterator<Item = String>) -> Vec<Diagnostic> {
        let entries = self.file.iter().flat_map(|file| &file.entries);
        let mut found: Vec<Diagnostic> = entries.filter_map(|entry| self.warning_of_entry(entry)).collect();
        let mut names: Vec<String> = environment.filter(|name| name.starts_with("ANSIBLE_")).collect();
        names.sort();
        found.extend(names.iter().filter_map(|name| self.warning_of_variable(name)));
        found
    }

    /// Whether a setting is not followed to anybody's harm: folders of plugins without a plugin are no loss.
    fn is_missed(&self, setting: &Setting) -> bool {
        let paths = self.list(setting.name);
        let is_plugin = |path: &Path| path.extension().is_some_and(|ending| ending == "py");
        let holds_plugins =
            |path: &String| data::fs::list(path).is_ok_and(|files| files.iter().any(|file| is_plugin(file)));
        let folders = setting.kind == setting::Kind::PathSpec;
        setting.support == Support::Refused && (!folders || paths.iter().any(holds_plugins))
    }

    fn warning_of_entry(&self, entry: &file::Entry) -> Option<Diagnostic> {
        let named = |setting: &&Setting| setting.ini.contains(&(entry.section.as_str(), entry.key.as_str()));
        if let Some(setting) = table::all().find(named) {
            let found = Diagnostic::warning(format!("the setting `{}` is not followed", entry.key));
            return self.is_missed(setting).then(|| found.at(&entry.place, "").note(setting.about));
        }
        let keys: Vec<&str> = keys_of(&entry.section).collect();
        if keys.is_empty() {
            let found =
                Diagnostic::warning(format!("the settings of section `[{}]` are not used", entry.section));
            let sections = table::all().flat_map(|setting| setting.ini).map(|(section, _)| *section);
            let found = found.at(&entry.place, "");
            return Some(match data::suggest::nearest(&entry.section, sections) {
                Some(near) => found.help(format!("did you mean `[{near}]`?")),
                None => found.note("taskbox has nothing that they could be for"),
            });
        }
        let found = Diagnostic::warning(format!("there is no setting `{}`", entry.key)).at(&entry.place, "");
        Some(match data::suggest::nearest(&entry.key, keys) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found.note(format!("section `[{}]` has none of that name", entry.section)),
        })
    }

    /// Variables that are nobody's setting are left to whoever made them, unless they look like a slip of the fingers.
    fn warning_of_variable(&self, name: &str) -> Option<Diagnostic> {
        if !is_candidate(name) {
            return None;
        }
        if let Some(setting) = table::all().find(|setting| setting.env.contains(&name)) {
            let found = Diagnostic::warning(format!("the setting `{name}` is not followed"));
            return self.is_missed(setting).then(|| found.note(setting.about));
        }
        // Only what stands behind the common prefix is compared: long names would all be near each other.
        let own = |name: &'static str| name.strip_prefix("ANSIBLE_");
        let known = table::all().flat_map(|setting| setting.env).filter_map(|name| own(name));
        let near = data::suggest::nearest(name.strip_prefix("ANSIBLE_")?, known)?;
        let close = near.len().abs_diff(name.len() - "ANSIBLE_".len()) <= 1;
        close.then(|| {
            let found = Diagnostic::warning(format!("there is no setting `{name}`"));
            found.help(format!("did you mean `ANSIBLE_{near}`?"))
        })
    }
}

fn keys_of(section: &str) -> impl Iterator<Item = &'static str> {
    table::all().flat_map(|setting| setting.ini).filter(move |(of, _)| *of == section).map(|(_, key)| *key)
}

/// Whether a variable of the environment looks like a setting.
fn is_candidate(name: &str) -> bool {
    const OTHERS: [&str; 2] = ["ANSIBLE_TEST_", "ANSIBLE_LINT_"];
    name.starts_with("ANSIBLE_")
        && name != "ANSIBLE_CONFIG"
        && !OTHERS.iter().any(|prefix| name.starts_with(prefix))
}

fn is_variable(name: &str) -> bool {
    table::all().any(|setting| setting.env.contains(&name))
}

/// A value that is never shown.
fn secret(value: Value) -> Value {
    match value {
        Value::Str(text) => Value::Str(text.into_secret()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
