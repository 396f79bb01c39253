//! Settings of the configuration that playbooks ask for (`lookup('config', ...)`) or that templates need: from a variable, the environment,
//! the configuration file, or Ansible's default, in this order.

use std::collections::HashMap;
use std::path::PathBuf;

use data::{Value, python};

use crate::options::RunOptions;

/// What a setting's text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Flag,
    Int,
    Path,
    /// Separated by commas.
    List,
    /// Folders separated by colons.
    Paths,
}

/// A setting as Ansible's documentation lists it.
struct Setting {
    name: &'static str,
    kind: Kind,
    /// `None`: it has no default.
    default: Option<&'static str>,
    environment: &'static [&'static str],
    /// Section and key in the file.
    file: (&'static str, &'static str),
    variable: Option<&'static str>,
}

const fn row(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    environment: &'static [&'static str],
    file: (&'static str, &'static str),
) -> Setting {
    Setting { name, kind, default, environment, file, variable: None }
}

const fn with_variable(setting: Setting, variable: &'static str) -> Setting {
    Setting { variable: Some(variable), ..setting }
}

use Kind::{Flag, Int, List, Path as OnePath, Paths, Text};

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    row("ALLOW_BROKEN_CONDITIONALS", Flag, Some("False"), &["ANSIBLE_ALLOW_BROKEN_CONDITIONALS"], ("defaults", "allow_broken_conditionals")),
    row("ANSIBLE_COW_ACCEPTLIST", List, Some("bud-frogs,bunny,cheese,daemon,default,dragon,elephant-in-snake,elephant,eyes,hellokitty,kitty,luke-koala,meow,milk,moofasa,moose,ren,sheep,small,stegosaurus,stimpy,supermilker,three-eyes,turkey,turtle,tux,udder,vader-koala,vader,www"), &["ANSIBLE_COW_ACCEPTLIST"], ("defaults", "cowsay_enabled_stencils")),
    row("ANSIBLE_FORCE_COLOR", Flag, Some("False"), &["ANSIBLE_FORCE_COLOR"], ("defaults", "force_color")),
    row("ANSIBLE_HOME", OnePath, Some("~/.ansible"), &["ANSIBLE_HOME"], ("defaults", "home")),
    row("ANSIBLE_NOCOLOR", Flag, Some("False"), &["ANSIBLE_NOCOLOR", "NO_COLOR"], ("defaults", "nocolor")),
    row("ANSIBLE_PIPELINING", Flag, Some("False"), &["ANSIBLE_PIPELINING"], ("defaults", "pipelining")),
    row("ANY_ERRORS_FATAL", Flag, Some("False"), &["ANSIBLE_ANY_ERRORS_FATAL"], ("defaults", "any_errors_fatal")),
    row("BECOME_ALLOW_SAME_USER", Flag, Some("False"), &["ANSIBLE_BECOME_ALLOW_SAME_USER"], ("privilege_escalation", "become_allow_same_user")),
    row("CACHE_PLUGIN", Text, Some("memory"), &["ANSIBLE_CACHE_PLUGIN"], ("defaults", "fact_caching")),
    row("CACHE_PLUGIN_TIMEOUT", Int, Some("86400"), &["ANSIBLE_CACHE_PLUGIN_TIMEOUT"], ("defaults", "fact_caching_timeout")),
    row("COLLECTIONS_PATHS", Paths, Some("~/.ansible/collections:/usr/share/ansible/collections"), &["ANSIBLE_COLLECTIONS_PATH"], ("defaults", "collections_path")),
    row("COLOR_CHANGED", Text, Some("yellow"), &["ANSIBLE_COLOR_CHANGED"], ("colors", "changed")),
    row("COLOR_ERROR", Text, Some("red"), &["ANSIBLE_COLOR_ERROR"], ("colors", "error")),
    row("COLOR_OK", Text, Some("green"), &["ANSIBLE_COLOR_OK"], ("colors", "ok")),
    row("COLOR_SKIP", Text, Some("cyan"), &["ANSIBLE_COLOR_SKIP"], ("colors", "skip")),
    row("DEFAULT_ASK_PASS", Flag, Some("False"), &["ANSIBLE_ASK_PASS"], ("defaults", "ask_pass")),
    row("DEFAULT_BECOME", Flag, Some("False"), &["ANSIBLE_BECOME"], ("privilege_escalation", "become")),
    row("DEFAULT_BECOME_METHOD", Text, Some("sudo"), &["ANSIBLE_BECOME_METHOD"], ("privilege_escalation", "become_method")),
    row("DEFAULT_BECOME_USER", Text, Some("root"), &["ANSIBLE_BECOME_USER"], ("privilege_escalation", "become_user")),
    row("DEFAULT_EXECUTABLE", Text, Some("/bin/sh"), &["ANSIBLE_EXECUTABLE"], ("defaults", "executable")),
    row("DEFAULT_FORCE_HANDLERS", Flag, Some("False"), &["ANSIBLE_FORCE_HANDLERS"], ("defaults", "force_handlers")),
    row("DEFAULT_FORKS", Int, Some("50"), &["ANSIBLE_FORKS"], ("defaults", "forks")),
    row("DEFAULT_GATHERING", Text, Some("implicit"), &["ANSIBLE_GATHERING"], ("defaults", "gathering")),
    row("DEFAULT_HASH_BEHAVIOUR", Text, Some("replace"), &["ANSIBLE_HASH_BEHAVIOUR"], ("defaults", "hash_behaviour")),
    row("DEFAULT_HOST_LIST", List, Some("/etc/ansible/hosts"), &["ANSIBLE_INVENTORY"], ("defaults", "inventory")),
    row("DEFAULT_LOCAL_TMP", OnePath, Some("~/.ansible/tmp"), &["ANSIBLE_LOCAL_TEMP"], ("defaults", "local_tmp")),
    row("DEFAULT_LOG_PATH", OnePath, None, &["ANSIBLE_LOG_PATH"], ("defaults", "log_path")),
    row("DEFAULT_MANAGED_STR", Text, Some("Ansible managed"), &[], ("defaults", "ansible_managed")),
    row("DEFAULT_MODULE_NAME", Text, Some("command"), &[], ("defaults", "module_name")),
    row("DEFAULT_PRIVATE_KEY_FILE", OnePath, None, &["ANSIBLE_PRIVATE_KEY_FILE"], ("defaults", "private_key_file")),
    row("DEFAULT_REMOTE_PORT", Int, None, &["ANSIBLE_REMOTE_PORT"], ("defaults", "remote_port")),
    row("DEFAULT_REMOTE_USER", Text, None, &["ANSIBLE_REMOTE_USER"], ("defaults", "remote_user")),
    row("DEFAULT_ROLES_PATH", Paths, Some("~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles"), &["ANSIBLE_ROLES_PATH"], ("defaults", "roles_path")),
    row("DEFAULT_STRATEGY", Text, Some("linear"), &["ANSIBLE_STRATEGY"], ("defaults", "strategy")),
    row("DEFAULT_TIMEOUT", Int, Some("10"), &["ANSIBLE_TIMEOUT"], ("defaults", "timeout")),
    row("DEFAULT_TRANSPORT", Text, Some("ssh"), &["ANSIBLE_TRANSPORT"], ("defaults", "transport")),
    row("DEFAULT_VAULT_PASSWORD_FILE", OnePath, None, &["ANSIBLE_VAULT_PASSWORD_FILE"], ("defaults", "vault_password_file")),
    row("DEFAULT_VERBOSITY", Int, Some("0"), &["ANSIBLE_VERBOSITY"], ("defaults", "verbosity")),
    with_variable(row("DEPRECATION_WARNINGS", Flag, Some("True"), &["ANSIBLE_DEPRECATION_WARNINGS"], ("defaults", "deprecation_warnings")), "ansible_deprecation_warnings"),
    row("DIFF_ALWAYS", Flag, Some("False"), &["ANSIBLE_DIFF_ALWAYS"], ("diff", "always")),
    row("DIFF_CONTEXT", Int, Some("3"), &["ANSIBLE_DIFF_CONTEXT"], ("diff", "context")),
    row("DISPLAY_ARGS_TO_STDOUT", Flag, Some("False"), &["ANSIBLE_DISPLAY_ARGS_TO_STDOUT"], ("defaults", "display_args_to_stdout")),
    row("DISPLAY_SKIPPED_HOSTS", Flag, Some("True"), &["ANSIBLE_DISPLAY_SKIPPED_HOSTS"], ("defaults", "display_skipped_hosts")),
    row("ERROR_ON_MISSING_HANDLER", Flag, Some("True"), &["ANSIBLE_ERROR_ON_MISSING_HANDLER"], ("defaults", "error_on_missing_handler")),
    row("HOST_KEY_CHECKING", Flag, Some("True"), &["ANSIBLE_HOST_KEY_CHECKING"], ("defaults", "host_key_checking")),
    row("INJECT_FACTS_AS_VARS", Flag, Some("True"), &["ANSIBLE_INJECT_FACT_VARS"], ("defaults", "inject_facts_as_vars")),
    row("MAX_FILE_SIZE_FOR_DIFF", Int, Some("104448"), &["ANSIBLE_MAX_DIFF_SIZE"], ("defaults", "max_diff_size")),
    row("RETRY_FILES_ENABLED", Flag, Some("False"), &["ANSIBLE_RETRY_FILES_ENABLED"], ("defaults", "retry_files_enabled")),
    row("TASK_TIMEOUT", Int, Some("0"), &["ANSIBLE_TASK_TIMEOUT"], ("defaults", "task_timeout")),
];

/// Options of the plugins that Ansible builds a connection with: type, name, and what the option is.
#[rustfmt::skip]
const OF_PLUGINS: &[(&str, &str, Setting)] = &[
    ("connection", "ssh", with_variable(row("host", Text, None, &[], ("", "")), "ansible_host")),
    ("connection", "ssh", with_variable(row("remote_user", Text, None, &["ANSIBLE_REMOTE_USER"], ("defaults", "remote_user")), "ansible_user")),
    ("connection", "ssh", with_variable(row("port", Int, None, &["ANSIBLE_REMOTE_PORT"], ("defaults", "remote_port")), "ansible_port")),
    ("connection", "ssh", with_variable(row("private_key_file", OnePath, None, &["ANSIBLE_PRIVATE_KEY_FILE"], ("defaults", "private_key_file")), "ansible_private_key_file")),
    ("connection", "ssh", with_variable(row("timeout", Int, Some("10"), &["ANSIBLE_SSH_TIMEOUT", "ANSIBLE_TIMEOUT"], ("ssh_connection", "timeout")), "ansible_ssh_timeout")),
    ("connection", "ssh", with_variable(row("ssh_common_args", Text, Some(""), &["ANSIBLE_SSH_COMMON_ARGS"], ("ssh_connection", "ssh_common_args")), "ansible_ssh_common_args")),
    ("shell", "sh", with_variable(row("remote_tmp", Text, Some("~/.ansible/tmp"), &["ANSIBLE_REMOTE_TEMP", "ANSIBLE_REMOTE_TMP"], ("defaults", "remote_tmp")), "ansible_remote_tmp")),
    ("become", "sudo", with_variable(row("become_user", Text, Some("root"), &["ANSIBLE_BECOME_USER", "ANSIBLE_SUDO_USER"], ("privilege_escalation", "become_user")), "ansible_become_user")),
];

/// A setting's value and where it comes from (`default`, `env: X`, `var: x`, the file's name).
pub(crate) type Found = (Value, String);

/// Why there is no value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoSetting {
    /// There is no setting of this name.
    Undefined,
    /// There is no plugin of this name.
    NoPlugin,
    /// Its text is not of its type; where it comes from.
    Invalid(String),
}

/// The value of a setting, or of an option of a plugin (its type and name); `variable` gives the rendered variables of the task.
///
/// # Errors
/// It is unknown, or its value has the wrong type.
pub(crate) fn find(
    name: &str,
    plugin: Option<(&str, &str)>,
    options: &RunOptions,
    variable: &dyn Fn(&str) -> Option<Value>,
) -> Result<Found, NoSetting> {
    let setting = match plugin {
        None => SETTINGS.iter().find(|setting| setting.name == name).ok_or(NoSetting::Undefined)?,
        Some((kind, plugin)) => {
            let plugin = plugin.trim_start_matches("ansible.builtin.");
            let mut of_plugin =
                OF_PLUGINS.iter().filter(|(of, known, _)| *of == kind && *known == plugin).peekable();
            of_plugin.peek().ok_or(NoSetting::NoPlugin)?;
            of_plugin
                .find(|(_, _, setting)| setting.name == name)
                .map(|(_, _, setting)| setting)
                .ok_or(NoSetting::Undefined)?
        }
    };
    setting.value(options, variable)
}

/// A setting's text when something else than Ansible's default is set.
pub(crate) fn text(name: &str, options: &RunOptions) -> Option<String> {
    let (value, origin) = find(name, None, options, &|_| None).ok()?;
    (origin != "default").then(|| python::str(&value))
}

/// Whether a setting is on.
pub(crate) fn is_on(name: &str, options: &RunOptions) -> bool {
    matches!(find(name, None, options, &|_| None), Ok((Value::Bool(true), _)))
}

impl Setting {
    fn value(
        &self,
        options: &RunOptions,
        variable: &dyn Fn(&str) -> Option<Value>,
    ) -> Result<Found, NoSetting> {
        let names = self.variable.map(|name| {
            // The connection's variables have an older name as well.
            let older = name.strip_prefix("ansible_").map(|rest| format!("ansible_ssh_{rest}"));
            [Some(name.to_owned()), older]
        });
        for name in names.into_iter().flatten().flatten() {
            if let Some(value) = variable(&name) {
                let origin = format!("var: {name}");
                return self.typed(&python::str(&value), &origin).map(|value| (value, origin));
            }
        }
        for name in self.environment {
            if let Ok(text) = std::env::var(name) {
                let origin = format!("env: {name}");
                return self.typed(&text, &origin).map(|value| (value, origin));
            }
        }
        if let Some(path) = config_file(options)
            && let Some(text) = entry(&path, self.file)
        {
            let origin = path.display().to_string();
            return self.typed(&text, &origin).map(|value| (value, origin));
        }
        let origin = "default".to_owned();
        match self.default {
            None => Ok((Value::Null, origin)),
            Some(text) => self.typed(text, &origin).map(|value| (value, origin)),
        }
    }

    fn typed(&self, text: &str, origin: &str) -> Result<Value, NoSetting> {
        let trimmed = text.trim();
        let list = |separator: char, each: &dyn Fn(&str) -> String| {
            let parts = trimmed.split(separator).map(str::trim).filter(|part| !part.is_empty());
            parts.map(|part| Value::from(each(part))).collect::<Value>()
        };
        let value = match self.kind {
            Kind::Text => Some(Value::from(text)),
            Kind::Flag => modules::boolean_word(trimmed).map(Value::from),
            Kind::Int => trimmed.parse::<i128>().ok().map(Value::from),
            Kind::Path => Some(Value::from(at_home(trimmed))),
            Kind::List => Some(list(',', &str::to_owned)),
            Kind::Paths => Some(list(':', &at_home)),
        };
        value.ok_or_else(|| NoSetting::Invalid(origin.to_owned()))
    }
}

fn at_home(path: &str) -> String {
    match (path.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(rest), Ok(home)) => format!("{home}/{rest}"),
        _ => path.to_owned(),
    }
}

/// The run's configuration file, or the one that Ansible would find.
fn config_file(options: &RunOptions) -> Option<PathBuf> {
    if let Some(path) = &options.config_file {
        return Some(path.clone());
    }
    if let Some(path) = std::env::var_os("ANSIBLE_CONFIG") {
        return Some(PathBuf::from(path));
    }
    let mut candidates = vec![PathBuf::from("ansible.cfg")];
    candidates.extend(std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".ansible.cfg")));
    candidates.push(PathBuf::from("/etc/ansible/ansible.cfg"));
    candidates.into_iter().find(|path| path.is_file())
}

/// The value of a key of a section.
fn entry(path: &std::path::Path, (section, key): (&str, &str)) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let mut entries: HashMap<(String, String), String> = HashMap::new();
    let mut within = String::new();
    for line in text.lines() {
        let body = line.trim();
        if body.is_empty() || body.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = body.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut within);
        } else if let Some(at) = body.find(['=', ':']) {
            let value = body[at + 1..].split(" ;").next().unwrap_or_default().trim();
            entries.insert((within.clone(), body[..at].trim().to_lowercase()), value.to_owned());
        }
    }
    entries.remove(&(section.to_owned(), key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, file: &str, variable: Option<(&str, &str)>) -> Result<Found, NoSetting> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ansible.cfg");
        std::fs::write(&path, file).unwrap();
        let options = RunOptions { config_file: Some(path), ..RunOptions::default() };
        find(name, None, &options, &|asked| {
            variable.filter(|(name, _)| *name == asked).map(|(_, value)| Value::from(value))
        })
    }

    #[test]
    fn a_setting_comes_from_a_variable_the_file_or_is_the_default() {
        assert_eq!(asked("DIFF_CONTEXT", "", None), Ok((Value::from(3), "default".to_owned())));
        let (value, origin) = asked("DIFF_CONTEXT", "# x\n[diff]\ncontext = 7 ; more\n", None).unwrap();
        assert_eq!(value, Value::from(7));
        assert!(origin.ends_with("ansible.cfg"));
        let (value, origin) =
            asked("DEPRECATION_WARNINGS", "", Some(("ansible_deprecation_warnings", "no"))).unwrap();
        assert_eq!((value, origin.as_str()), (Value::from(false), "var: ansible_deprecation_warnings"));
        assert_eq!(asked("NO_SUCH_THING", "", None), Err(NoSetting::Undefined));
        assert!(matches!(asked("DIFF_CONTEXT", "[diff]\ncontext=many", None), Err(NoSetting::Invalid(_))));
    }

    #[test]
    fn a_plugins_option_has_the_older_variable_too() {
        let ask = |kind, name, option| {
            find(option, Some((kind, name)), &RunOptions::default(), &|asked| {
                (asked == "ansible_ssh_port").then(|| Value::from("2022"))
            })
        };
        assert_eq!(
            ask("connection", "ssh", "port"),
            Ok((Value::from(2022), "var: ansible_ssh_port".to_owned()))
        );
        assert_eq!(ask("lookup", "nothing", "port"), Err(NoSetting::NoPlugin));
        assert_eq!(ask("connection", "ssh", "nothing"), Err(NoSetting::Undefined));
    }
}
