//! How hosts are reached and as whom: `-c`, `-u`, `-k`, `-b`, `-K` and their companions.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use data::{Diagnostic, Text, fs};
use runner::connection::{BecomeKeywords, ConnectionDefaults};

use super::FlagError;

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
    /// Arguments for ssh alone.
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    ssh_extra_args: Option<String>,
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

/// What the flags say, passwords included.
///
/// # Errors
/// A password that cannot be asked for or read.
pub(crate) fn resolve(
    connection: &ConnectionFlags,
    privilege: &PrivilegeFlags,
) -> Result<(ConnectionDefaults, BecomeKeywords), FlagError> {
    let password = password(connection.ask_password, connection.password_file.as_ref(), "SSH password: ")?;
    let question = match &password {
        Some(_) => "BECOME password[defaults to SSH password]: ",
        None => "BECOME password: ",
    };
    let become_password =
        self::password(privilege.ask_become_password, privilege.become_password_file.as_ref(), question)?;
    let become_password = match become_password {
        Some(given) if given.is_empty() && privilege.ask_become_password => password.clone(),
        given => given,
    };
    let defaults = ConnectionDefaults {
        connection: connection.connection.clone(),
        user: connection.user.clone(),
        password,
        become_password,
        private_key_file: connection.private_key.clone(),
        timeout: connection.timeout.map(Duration::from_secs),
        ssh_common_args: connection.ssh_common_args.clone(),
        ssh_extra_args: connection.ssh_extra_args.clone(),
        ..ConnectionDefaults::default()
    };
    let keywords = BecomeKeywords {
        enabled: privilege.become_enabled,
        method: privilege.become_method.clone(),
        user: privilege.become_user.clone(),
        ..BecomeKeywords::default()
    };
    Ok((defaults, keywords))
}

fn password(ask: bool, file: Option<&PathBuf>, question: &str) -> Result<Option<Text>, FlagError> {
    let secret = |chars: String| Some(Text::plain(chars).into_secret());
    if ask {
        let given = rpassword::prompt_password(question);
        return given.map(secret).map_err(|error| {
            FlagError::error(Diagnostic::error(format!("cannot ask for a password: {error}")))
        });
    }
    let Some(path) = file else { return Ok(None) };
    let source = fs::read_source(path).map_err(|error| FlagError::from_error(&error))?;
    Ok(secret(source.text().trim().to_owned()))
}
