//! `taskbox config`: what `ansible-config` shows of the settings.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use data::{Diagnostic, Map, Value, json, yaml};

use crate::flags::FlagError;
use crate::output::masked;
use crate::settings::{ConfigFile, Origin, Setting, Settings, Support, resolve, table};

/// Show settings.
#[derive(Debug, Args)]
#[command(infer_long_args = true, args_override_self = true)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// All settings: their names, defaults and what they are for.
    List {
        #[command(flatten)]
        common: Common,
        /// The form.
        #[arg(short, long, value_enum, default_value = "yaml")]
        format: ListForm,
    },
    /// All settings with their values and who gave them.
    Dump {
        #[command(flatten)]
        common: Common,
        /// The form.
        #[arg(short, long, value_enum, default_value = "display")]
        format: DumpForm,
        /// Only those that somebody set.
        #[arg(long, alias = "changed-only")]
        only_changed: bool,
    },
    /// The settings file as it stands.
    View {
        #[command(flatten)]
        common: Common,
    },
    /// A settings file with all defaults.
    Init {
        #[command(flatten)]
        common: Common,
        /// The form.
        #[arg(short, long, value_enum, default_value = "ini")]
        format: InitForm,
        /// Every setting behind a comment sign.
        #[arg(long)]
        disabled: bool,
    },
    /// Look for settings that do not exist.
    Validate {
        #[command(flatten)]
        common: Common,
        /// Where to look.
        #[arg(short, long, value_enum, default_value = "ini")]
        format: InitForm,
    },
}

#[derive(Clone, Debug, Args)]
struct Common {
    /// The settings file, instead of the one that is found.
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    file: Option<String>,
    /// Ansible's own settings, or those of what taskbox does in place of plugins too.
    #[arg(short = 't', long = "type", value_enum, default_value = "base")]
    kind: Kind,
    /// Say more.
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Base,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ListForm {
    Json,
    Yaml,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DumpForm {
    Json,
    Yaml,
    Display,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum InitForm {
    Ini,
    Env,
}

impl Action {
    fn common(&self) -> &Common {
        match self {
            Self::List { common, .. }
            | Self::Dump { common, .. }
            | Self::View { common }
            | Self::Init { common, .. }
            | Self::Validate { common, .. } => common,
        }
    }
}

/// Runs `taskbox config`.
///
/// # Errors
/// A settings file that is not there or cannot be read.
pub(crate) fn run(args: &ConfigArgs, found: Settings) -> Result<ExitCode, FlagError> {
    let common = args.action.common();
    let settings = match &common.file {
        Some(path) => Settings::read(Some(&existing(path)?))?,
        None => found,
    };
    if common.verbose > 0 {
        anstream::println!("{}", config_line(settings.file.as_ref()));
    }
    let text = match &args.action {
        Action::List { format, .. } => list(common.kind, *format),
        Action::Dump { format, only_changed, .. } => dump(&settings, common.kind, *format, *only_changed),
        Action::View { .. } => view(settings.file.as_ref())?,
        Action::Init { format, disabled, .. } => init(common.kind, *format, *disabled),
        Action::Validate { format, .. } => return Ok(validate(&settings, *format)),
    };
    anstream::print!("{text}");
    Ok(ExitCode::SUCCESS)
}

/// What `-v` says about the settings file.
pub(crate) fn config_line(file: Option<&ConfigFile>) -> String {
    match file {
        Some(file) => format!("Using {} as config file", file.path.display()),
        None => "No config file found; using defaults".to_owned(),
    }
}

fn existing(path: &str) -> Result<PathBuf, FlagError> {
    let path = resolve(path, None);
    if path.is_file() {
        return Ok(path);
    }
    let title = format!("The provided configuration file is missing or not accessible: {}", path.display());
    Err(FlagError::option(Diagnostic::error(title)))
}

/// Those of one kind, sorted by name. Ansible's own have capital names.
fn chosen(kind: Kind) -> Vec<&'static Setting> {
    let own = |setting: &&Setting| setting.name.starts_with(|first: char| first.is_ascii_uppercase());
    let mut all: Vec<_> = table::all().filter(|setting| kind == Kind::All || own(setting)).collect();
    all.sort_by_key(|setting| setting.name);
    all
}

fn list(kind: Kind, format: ListForm) -> String {
    let all: Map = chosen(kind).into_iter().map(|setting| (setting.name, described(setting))).collect();
    match format {
        ListForm::Yaml => yaml::dump(&Value::from(all), &yaml::DumpStyle::default()),
        ListForm::Json => {
            json::write(&Value::from(all), &json::JsonStyle::indented(4).sorted().unicode()) + "\n"
        }
    }
}

fn described(setting: &Setting) -> Value {
    let followed = match setting.support {
        Support::Followed => "yes",
        Support::Moot => "nothing to do",
        Support::Refused => "no",
    };
    let named = |name: &str| Value::from(Map::from([("name", name)]));
    let mut map = Map::from([
        ("default", setting.default.map(|text| text.replace("{home}", "~/.ansible")).into()),
        ("description", Value::from(setting.about)),
        ("env", setting.env.iter().map(|name| named(name)).collect()),
        ("followed", followed.into()),
        (
            "ini",
            setting
                .ini
                .iter()
                .map(|(section, key)| Value::from(Map::from([("key", *key), ("section", *section)])))
                .collect(),
        ),
        ("type", setting.kind.word().into()),
    ]);
    if !setting.choices.is_empty() {
        map.insert("choices", setting.choices.iter().map(|word| Value::from(*word)).collect::<Value>());
    }
    Value::from(map)
}

/// One line a setting as `ansible-config dump` writes it, or a list of entries.
fn dump(settings: &Settings, kind: Kind, format: DumpForm, only_changed: bool) -> String {
    let file = settings.file.as_ref().map(|file| Value::str(file.path.to_string_lossy()));
    let mut rows = vec![("CONFIG_FILE", file.unwrap_or(Value::Null), String::new())];
    for setting in chosen(kind) {
        if let Some((value, origin)) = settings.get(setting.name)
            && (!only_changed || *origin != Origin::Default)
        {
            rows.push((setting.name, masked(value), origin.to_string()));
        }
    }
    rows.sort_by_key(|(name, ..)| *name);
    if format == DumpForm::Display {
        let lines: String = rows
            .iter()
            .map(|(name, value, origin)| format!("{name}({origin}) = {}\n", data::python::str(value)))
            .collect();
        return lines + "\nGALAXY_SERVERS:\n\n";
    }
    let entry = |(name, value, origin): &(&str, Value, String)| {
        Value::from(Map::from([
            ("name", Value::from(*name)),
            ("origin", origin.as_str().into()),
            ("value", value.clone()),
        ]))
    };
    let mut entries: Vec<Value> = rows.iter().map(entry).collect();
    entries.push(Map::from([("GALAXY_SERVERS", Map::new())]).into());
    let entries = Value::from(entries);
    match format {
        DumpForm::Json => json::write(&entries, &json::JsonStyle::indented(4).unicode()) + "\n",
        _ => yaml::dump(&entries, &yaml::DumpStyle::default()),
    }
}

fn view(file: Option<&ConfigFile>) -> Result<String, FlagError> {
    let Some(file) = file else {
        let error = Diagnostic::error("Invalid or no config file was supplied");
        return Err(FlagError::error(error.help("name one with `--config FILE`, or in `ANSIBLE_CONFIG`")));
    };
    let text = file.source.text();
    Ok(if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") })
}

fn init(kind: Kind, format: InitForm, disabled: bool) -> String {
    let default = |setting: &Setting| {
        let text = setting.default.unwrap_or_default().replace("{home}", "~/.ansible");
        text.replace(',', ", ").replace(",  ", ", ")
    };
    let about = |setting: &Setting| format!("# ({}) {}", setting.kind.word(), setting.about);
    let all = chosen(kind);
    if format == InitForm::Env {
        let sign = if disabled { "#" } else { "" };
        let line = |setting: &&Setting| {
            let variable = setting.env.last()?;
            let value = match (setting.kind.word(), default(setting).as_str()) {
                ("boolean", text) => if text == "True" { "1" } else { "0" }.to_owned(),
                (_, "") => String::new(),
                (_, text) if text.contains([' ', '*', '$', '~', '\'', '"']) => {
                    format!("'{}'", text.replace('\'', "'\"'\"'"))
                }
                (_, text) => text.to_owned(),
            };
            Some(format!("{}\n{sign}{variable}={value}\n\n", about(setting)))
        };
        return all.iter().filter_map(line).collect();
    }
    let sign = if disabled { ";" } else { "" };
    let mut sections: Vec<&str> = Vec::new();
    for (section, _) in all.iter().filter_map(|setting| setting.ini.last()) {
        if !sections.contains(section) {
            sections.push(section);
        }
    }
    let entry = |setting: &&Setting, section: &str| {
        let (of, key) = setting.ini.last()?;
        (*of == section).then(|| format!("{}\n{sign}{key}={}\n\n", about(setting), default(setting)))
    };
    let text = |section: &&str| {
        let entries: String = all.iter().filter_map(|setting| entry(setting, section)).collect();
        format!("[{section}]\n{entries}\n")
    };
    sections.iter().map(text).collect()
}

/// What is unknown has been warned of when the settings were read; this says whether there is any.
fn validate(settings: &Settings, format: InitForm) -> ExitCode {
    let unknown = match format {
        InitForm::Ini => settings.unknown_entries(),
        InitForm::Env => settings.unknown_variables(),
    };
    for name in &unknown {
        anstream::eprintln!("Found unknown configuration entry: {name}");
    }
    if unknown.is_empty() {
        anstream::println!("All configurations seem valid!");
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_has_ansibles_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ansible.cfg");
        std::fs::write(&path, "[defaults]\nforks = 7\nroles_path = roles:/x\n").unwrap();
        let settings = Settings::read(Some(&path)).unwrap();
        let (path, folder) = (path.display(), folder.path().display());
        let text = dump(&settings, Kind::Base, DumpForm::Display, true);
        let wanted = format!(
            "CONFIG_FILE() = {path}\nDEFAULT_FORKS({path}) = 7\nDEFAULT_ROLES_PATH({path}) = ['{folder}/roles', '/x']\n"
        );
        // Variables of the environment may add lines between these.
        assert!(wanted.lines().all(|line| text.lines().any(|found| found == line)), "{text}");
        assert!(text.ends_with("\nGALAXY_SERVERS:\n\n"));
        assert!(
            dump(&settings, Kind::Base, DumpForm::Display, false)
                .contains("\nDEFAULT_TIMEOUT(default) = 10\n")
        );
    }

    #[test]
    fn a_file_of_all_defaults_can_be_read_again_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ansible.cfg");
        std::fs::write(&path, init(Kind::All, InitForm::Ini, true)).unwrap();
        assert!(ConfigFile::read(&path).unwrap().entries.is_empty());
        assert!(init(Kind::Base, InitForm::Ini, false).contains("\ngathering=implicit\n"));
        assert!(init(Kind::Base, InitForm::Env, false).contains("\nANSIBLE_HOST_KEY_CHECKING=1\n"));
    }

    #[test]
    fn a_list_says_of_each_setting_whether_it_is_followed() {
        let text = list(Kind::All, ListForm::Yaml);
        assert!(text.starts_with("ACTION_WARNINGS:\n") && text.contains("followed: nothing to do"), "{text}");
        assert_eq!(text.matches("\n  type: ").count(), table::all().count());
    }
}
