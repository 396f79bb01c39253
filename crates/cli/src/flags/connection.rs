//! How hosts are reached and as whom: `-c`, `-u`, `-k`, `-b`, `-K` and their companions.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use data::{Diagnostic, Text, fs};
use runner::connection::{BecomeKeywords, ConnectionDefaults};

use super::FlagError;
use crate::diagnostics::report_all;
use crate::prompt;
use crate::settings::Settings;

/// The way to the hosts.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionFlags {
    /// The kind of connection: ssh or local.
    #[arg(short = 'c', long, value_name = "KIND")]
    connection: Option<String>,
    /// The user to log in as.
    #[arg(short = 'u', long = "user", value_name = "USER")]
    user: Option<String>,
    /// Ask for the login password.
    #[arg(short = 'k', long = "ask-pass")]
    ask_password: bool,
    /// A file with the login password.
    #[arg(
        long = "connection-password-file",
        alias = "conn-pass-file",
        value_name = "FILE",
        conflicts_with = "ask_password"
    )]
    password_file: Option<PathBuf>,
    /// The private key to log in with.
    #[arg(long = "private-key", alias = "key-file", value_name = "FILE")]
    private_key: Option<PathBuf>,
    /// Seconds to wait for a connection.
    #[arg(short = 'T', long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Arguments for ssh; the system's ssh is then used.
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    ssh_common_args: Option<String>,
    /// Leave no agent on the hosts: it is sent for each run and goes with the session.
    #[arg(long)]
    ephemeral: bool,
    /// Arguments for ssh alone.
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    ssh_extra_args: Option<String>,
    /// Not used: files travel over the session itself.
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    sftp_extra_args: Option<String>,
    /// Not used: files travel over the session itself.
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    scp_extra_args: Option<String>,
}

/// The user to become on the hosts.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Privilege")]
pub(crate) struct PrivilegeFlags {
    /// Become another user, root by default.
    #[arg(short = 'b', long = "become")]
    become_enabled: bool,
    /// How: sudo, su, ...
    #[arg(long = "become-method", value_name = "METHOD")]
    become_method: Option<String>,
    /// Whom.
    #[arg(long = "become-user", value_name = "USER")]
    become_user: Option<String>,
    /// Ask for the password that becoming needs.
    #[arg(short = 'K', long = "ask-become-pass")]
    ask_become_password: bool,
    /// A file with the password that becoming needs.
    #[arg(
        long = "become-password-file",
        alias = "become-pass-file",
        value_name = "FILE",
        conflicts_with = "ask_become_password"
    )]
    become_password_file: Option<PathBuf>,
}

/// What the flags and the settings say, passwords included.
///
/// # Errors
/// A password that cannot be asked for or read.
pub(crate) fn resolve(
    connection: &ConnectionFlags,
    privilege: &PrivilegeFlags,
    settings: &Settings,
) -> Result<(ConnectionDefaults, BecomeKeywords), FlagError> {
    for (flag, given) in
        [("--sftp-extra-args", &connection.sftp_extra_args), ("--scp-extra-args", &connection.scp_extra_args)]
    {
        if given.is_some() {
            let unused = Diagnostic::warning(format!("`{flag}` is not used"));
            report_all(&[unused.note("files travel over the session itself")]);
        }
    }
    let ask = connection.ask_password || settings.flag("DEFAULT_ASK_PASS");
    let file = connection.password_file.clone().or_else(|| settings.path("CONNECTION_PASSWORD_FILE"));
    let password = password(ask, file, "SSH password: ")?;
    let question = match &password {
        Some(_) => "BECOME password[defaults to SSH password]: ",
        None => "BECOME password: ",
    };
    let ask = privilege.ask_become_password || settings.flag("DEFAULT_BECOME_ASK_PASS");
    let file = privilege.become_password_file.clone().or_else(|| settings.path("BECOME_PASSWORD_FILE"));
    let privileges = privileges(privilege, settings);
    let method = privileges.method.as_deref().unwrap_or("sudo").rsplit('.').next().unwrap_or_default();
    let become_password = match self::password(ask, file, question)? {
        Some(given) if given.is_empty() && ask => password.clone(),
        None => settings.text(&format!("{method}_pass")).map(|chars| Text::plain(chars).into_secret()),
        given => given,
    };
    let defaults = ConnectionDefaults {
        password,
        become_password,
        ssh_common_args: connection
            .ssh_common_args
            .clone()
            .or_else(|| settings.text_if_set("ssh_common_args")),
        ssh_extra_args: connection.ssh_extra_args.clone().or_else(|| settings.text_if_set("ssh_extra_args")),
        ephemeral: connection.ephemeral,
        ..way(connection, settings)
    };
    Ok((defaults, privileges))
}

/// How hosts are reached, but for passwords and words for ssh alone.
fn way(flags: &ConnectionFlags, settings: &Settings) -> ConnectionDefaults {
    let seconds = settings.number("DEFAULT_TIMEOUT").and_then(|seconds| u64::try_from(seconds).ok());
    let whole = |name: &str| settings.number(name).filter(|_| settings.is_set(name));
    ConnectionDefaults {
        connection: flags.connection.clone().or_else(|| settings.text_if_set("DEFAULT_TRANSPORT")),
        user: flags.user.clone().or_else(|| settings.text("DEFAULT_REMOTE_USER")),
        port: whole("DEFAULT_REMOTE_PORT").and_then(|port| u16::try_from(port).ok()),
        private_key_file: flags.private_key.clone().or_else(|| settings.path("DEFAULT_PRIVATE_KEY_FILE")),
        timeout: flags.timeout.or(seconds).map(Duration::from_secs),
        host_key_checking: settings
            .flag_if_set("ssh_host_key_checking")
            .or_else(|| settings.flag_if_set("HOST_KEY_CHECKING")),
        ssh_args: settings.text_if_set("ssh_args"),
        ssh_program: settings.text_if_set("ssh_executable"),
        password_prompt: settings.text("sshpass_prompt"),
        retries: whole("reconnection_retries").and_then(|retries| u32::try_from(retries).ok()),
        ..ConnectionDefaults::default()
    }
}

/// Whom to become, and how. Settings of the method itself go before those of all methods, as in Ansible.
fn privileges(flags: &PrivilegeFlags, settings: &Settings) -> BecomeKeywords {
    let method = flags.become_method.clone().or_else(|| settings.text_if_set("DEFAULT_BECOME_METHOD"));
    let program = method.as_deref().unwrap_or("sudo").rsplit('.').next().unwrap_or("sudo").to_owned();
    let setting = |own: &str, shared: &str| {
        settings.text_if_set(&format!("{program}_{own}")).or_else(|| settings.text_if_set(shared))
    };
    BecomeKeywords {
        enabled: flags.become_enabled || settings.flag("DEFAULT_BECOME"),
        user: flags.become_user.clone().or_else(|| setting("user", "DEFAULT_BECOME_USER")),
        flags: setting("flags", "DEFAULT_BECOME_FLAGS"),
        exe: setting("exe", "DEFAULT_BECOME_EXE"),
        prompts: settings.list("su_prompt_l10n"),
        method,
    }
}

fn password(ask: bool, file: Option<PathBuf>, question: &str) -> Result<Option<Text>, FlagError> {
    let secret = |chars: String| Some(Text::plain(chars).into_secret());
    if ask {
        let given = prompt::hidden(question);
        return given.map(secret).map_err(|error| {
            FlagError::error(Diagnostic::error(format!("cannot ask for a password: {error}")))
        });
    }
    let Some(path) = file else { return Ok(None) };
    let source = fs::read_source(path).map_err(|error| FlagError::from_error(&error))?;
    Ok(secret(source.text().trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_a_method_go_before_those_of_all_methods_and_flags_before_both() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ansible.cfg");
        let text = "[privilege_escalation]\nbecome = yes\nbecome_user = app\nbecome_exe = /bin/x\n\
                    [sudo_become_plugin]\nuser = other\n[defaults]\nremote_user = admin\nhost_key_checking = no\n\
                    [ssh_connection]\nretries = 3\nssh_args = -C\n";
        std::fs::write(&path, text).unwrap();
        let settings = Settings::read(Some(&path)).unwrap();
        let (way, keywords) =
            resolve(&ConnectionFlags::default(), &PrivilegeFlags::default(), &settings).unwrap();
        assert!(keywords.enabled);
        assert_eq!((keywords.user.as_deref(), keywords.exe.as_deref()), (Some("other"), Some("/bin/x")));
        assert_eq!(
            (way.user.as_deref(), way.host_key_checking, way.retries),
            (Some("admin"), Some(false), Some(3))
        );
        assert_eq!(way.ssh_args.as_deref(), Some("-C"));
        let flags = PrivilegeFlags { become_user: Some("me".into()), ..PrivilegeFlags::default() };
        assert_eq!(privileges(&flags, &settings).user.as_deref(), Some("me"));
    }
}
