//! Settings of the configuration that playbooks ask for (`lookup('config', ...)`) or that templates need. The command line reads them; here
//! are the variables that win over them.

use data::{Value, python};

use crate::options::RunOptions;

/// An option of a plugin that Ansible builds a connection with.
struct PluginOption {
    plugin: (&'static str, &'static str),
    name: &'static str,
    /// The variables that give it, strongest first.
    variables: &'static [&'static str],
    /// The setting behind it, if there is one.
    setting: &'static str,
}

const fn of(
    plugin: (&'static str, &'static str),
    name: &'static str,
    variables: &'static [&'static str],
    setting: &'static str,
) -> PluginOption {
    PluginOption { plugin, name, variables, setting }
}

const SSH: (&str, &str) = ("connection", "ssh");

/// Those that a play can ask for by `lookup('config', NAME, plugin_type=TYPE, plugin_name=PLUGIN)`.
#[rustfmt::skip]
const OPTIONS: &[PluginOption] = &[
    of(SSH, "host", &["ansible_host", "ansible_ssh_host"], ""),
    of(SSH, "host_key_checking", &["ansible_host_key_checking", "ansible_ssh_host_key_checking"], "HOST_KEY_CHECKING"),
    of(SSH, "password", &["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"], ""),
    of(SSH, "password_mechanism", &["ansible_ssh_password_mechanism"], "ssh_password_mechanism"),
    of(SSH, "sshpass_prompt", &["ansible_sshpass_prompt"], "sshpass_prompt"),
    of(SSH, "ssh_args", &["ansible_ssh_args"], "ssh_args"),
    of(SSH, "ssh_common_args", &["ansible_ssh_common_args"], "ssh_common_args"),
    of(SSH, "ssh_extra_args", &["ansible_ssh_extra_args"], "ssh_extra_args"),
    of(SSH, "ssh_executable", &["ansible_ssh_executable"], "ssh_executable"),
    of(SSH, "sftp_executable", &["ansible_sftp_executable"], "sftp_executable"),
    of(SSH, "sftp_extra_args", &["ansible_sftp_extra_args"], "sftp_extra_args"),
    of(SSH, "sftp_batch_mode", &["ansible_sftp_batch_mode"], "sftp_batch_mode"),
    of(SSH, "scp_executable", &["ansible_scp_executable"], "scp_executable"),
    of(SSH, "scp_extra_args", &["ansible_scp_extra_args"], "scp_extra_args"),
    of(SSH, "ssh_transfer_method", &["ansible_ssh_transfer_method"], "ssh_transfer_method"),
    of(SSH, "reconnection_retries", &["ansible_ssh_retries"], "reconnection_retries"),
    of(SSH, "port", &["ansible_port", "ansible_ssh_port"], "DEFAULT_REMOTE_PORT"),
    of(SSH, "remote_user", &["ansible_user", "ansible_ssh_user"], "DEFAULT_REMOTE_USER"),
    of(SSH, "pipelining", &["ansible_pipelining", "ansible_ssh_pipelining"], "ANSIBLE_PIPELINING"),
    of(SSH, "private_key_file", &["ansible_private_key_file", "ansible_ssh_private_key_file"], "DEFAULT_PRIVATE_KEY_FILE"),
    of(SSH, "private_key", &["ansible_private_key", "ansible_ssh_private_key"], ""),
    of(SSH, "private_key_passphrase", &["ansible_private_key_passphrase", "ansible_ssh_private_key_passphrase"], ""),
    of(SSH, "control_path", &["ansible_control_path"], "ssh_control_path"),
    of(SSH, "control_path_dir", &["ansible_control_path_dir"], "ssh_control_path_dir"),
    of(SSH, "use_tty", &["ansible_ssh_use_tty"], "ssh_usetty"),
    of(SSH, "timeout", &["ansible_ssh_timeout"], "DEFAULT_TIMEOUT"),
    of(("shell", "sh"), "remote_tmp", &["ansible_remote_tmp"], "remote_tmp"),
    of(("become", "sudo"), "become_user", &["ansible_become_user"], "DEFAULT_BECOME_USER"),
];

/// The variables of settings that have one.
const VARIABLES: &[(&str, &str)] = &[
    ("DEPRECATION_WARNINGS", "ansible_deprecation_warnings"),
    ("FACTS_MODULES", "ansible_facts_modules"),
    ("INTERPRETER_PYTHON", "ansible_python_interpreter"),
];

/// A setting's value and where it comes from: `default`, `env: X`, `var: x`, or the file's name.
pub(crate) type Found = (Value, String);

/// Why there is no value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoSetting {
    /// There is no setting of this name.
    Undefined,
    /// There is no plugin of this name.
    NoPlugin,
}

/// The value of a setting, or of an option of a plugin (its type and name); `variable` gives the rendered variables of the task.
///
/// # Errors
/// It is unknown.
pub(crate) fn find(
    name: &str,
    plugin: Option<(&str, &str)>,
    options: &RunOptions,
    variable: &dyn Fn(&str) -> Option<Value>,
) -> Result<Found, NoSetting> {
    let Some((kind, plugin)) = plugin else {
        let known = options.settings.get(name).ok_or(NoSetting::Undefined)?;
        let own = VARIABLES.iter().filter(|(setting, _)| *setting == name).map(|(_, variable)| *variable);
        return Ok(by_variable(own, variable).unwrap_or_else(|| known.clone()));
    };
    let plugin = (kind, plugin.trim_start_matches("ansible.builtin."));
    if !OPTIONS.iter().any(|option| option.plugin == plugin) {
        return Err(NoSetting::NoPlugin);
    }
    let option = OPTIONS
        .iter()
        .find(|option| option.plugin == plugin && option.name == name)
        .ok_or(NoSetting::Undefined)?;
    if let Some(found) = by_variable(option.variables.iter().copied(), variable) {
        return Ok(found);
    }
    let known = options.settings.get(option.setting);
    Ok(known.cloned().unwrap_or_else(|| (Value::Null, "default".to_owned())))
}

fn by_variable<'a>(
    mut names: impl Iterator<Item = &'a str>,
    variable: &dyn Fn(&str) -> Option<Value>,
) -> Option<Found> {
    names.find_map(|name| variable(name).map(|value| (value, format!("var: {name}"))))
}

/// A setting's text when something else than Ansible's default is set.
pub(crate) fn text(name: &str, options: &RunOptions) -> Option<String> {
    let (value, origin) = options.settings.get(name)?;
    (origin != "default").then(|| python::str(value))
}

/// Whether a setting is on; without a configuration it is.
pub(crate) fn is_on(name: &str, options: &RunOptions) -> bool {
    !matches!(options.settings.get(name), Some((Value::Bool(false), _)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> RunOptions {
        let settings = [
            ("DIFF_CONTEXT", (Value::from(3), "default")),
            ("DEPRECATION_WARNINGS", (Value::from(false), "env: ANSIBLE_DEPRECATION_WARNINGS")),
            ("DEFAULT_REMOTE_PORT", (Value::from(2200), "/a.cfg")),
        ];
        let settings = settings.map(|(name, (value, origin))| (name.to_owned(), (value, origin.to_owned())));
        RunOptions { settings: settings.into(), ..RunOptions::default() }
    }

    #[test]
    fn a_setting_comes_from_a_variable_or_the_configuration() {
        let none = |_: &str| None;
        assert_eq!(find("DIFF_CONTEXT", None, &options(), &none), Ok((Value::from(3), "default".to_owned())));
        assert_eq!(find("NO_SUCH_THING", None, &options(), &none), Err(NoSetting::Undefined));
        let (value, origin) = find("DEPRECATION_WARNINGS", None, &options(), &|name| {
            (name == "ansible_deprecation_warnings").then(|| Value::from(true))
        })
        .unwrap();
        assert_eq!((value, origin.as_str()), (Value::from(true), "var: ansible_deprecation_warnings"));
        assert_eq!(text("DIFF_CONTEXT", &options()), None);
        assert_eq!(text("DEFAULT_REMOTE_PORT", &options()).as_deref(), Some("2200"));
        assert!(
            !is_on("DEPRECATION_WARNINGS", &options())
                && is_on("DEPRECATION_WARNINGS", &RunOptions::default())
        );
    }

    #[test]
    fn a_plugins_option_has_its_older_variable_too() {
        let ask = |kind, plugin, name, with: Option<&str>| {
            find(name, Some((kind, plugin)), &options(), &|asked| {
                (Some(asked) == with).then(|| Value::from(2022))
            })
        };
        let older = Some("ansible_ssh_port");
        assert_eq!(
            ask("connection", "ansible.builtin.ssh", "port", older),
            Ok((Value::from(2022), "var: ansible_ssh_port".to_owned()))
        );
        assert_eq!(ask("connection", "ssh", "port", None), Ok((Value::from(2200), "/a.cfg".to_owned())));
        assert_eq!(ask("lookup", "nothing", "port", None), Err(NoSetting::NoPlugin));
        assert_eq!(ask("connection", "ssh", "nothing", None), Err(NoSetting::Undefined));
    }
}
