//! `taskbox vault`: what `ansible-vault` does with vaulted files and texts.

use std::io::{IsTerminal, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use data::vault::{self, Secrets};
use data::{Diagnose, Diagnostic, Value, fs, python};

use super::vault_editor;
use super::vault_string::{StringArgs, encrypt_string};
use crate::diagnostics::report_all;
use crate::flags::{FlagError, Purpose, VaultFlags, gather_vault_secrets};
use crate::settings::Settings;

/// Vaulted files and texts: make, read, change.
#[derive(Debug, Args)]
#[command(infer_long_args = true, args_override_self = true)]
pub(crate) struct VaultArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write a new file in an editor and vault it.
    Create {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        label: EncryptLabel,
        /// The file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Open the editor although there is no terminal.
        #[arg(long)]
        skip_tty_check: bool,
    },
    /// Take a file's vault away.
    Decrypt {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        output: Output,
        /// The files; `-` or none is standard input.
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Change a vaulted file in an editor.
    Edit {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        label: EncryptLabel,
        /// The files.
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Show what is in a vaulted file.
    View {
        #[command(flatten)]
        common: Common,
        /// The files; `-` is standard input.
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Vault a file.
    Encrypt {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        label: EncryptLabel,
        #[command(flatten)]
        output: Output,
        /// The files; `-` or none is standard input.
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Vault texts, for use as values in YAML.
    #[command(name = "encrypt_string")]
    EncryptString {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        label: EncryptLabel,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        texts: StringArgs,
    },
    /// Give a vaulted file another password.
    Rekey {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        label: EncryptLabel,
        /// A file with the new password, or a program that prints it.
        #[arg(long, value_name = "FILE", conflicts_with = "new_vault_id")]
        new_vault_password_file: Option<PathBuf>,
        /// The new label, and where its password is.
        #[arg(long, value_name = "LABEL@SOURCE")]
        new_vault_id: Option<String>,
        /// The files.
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// Flags of all actions.
#[derive(Clone, Debug, Default, Args)]
struct Common {
    #[command(flatten)]
    passwords: VaultFlags,
    /// Say more.
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Clone, Debug, Default, Args)]
struct EncryptLabel {
    /// The label whose password encrypts; needed when there are several.
    #[arg(long, value_name = "LABEL")]
    encrypt_vault_id: Option<String>,
}

#[derive(Clone, Debug, Default, Args)]
struct Output {
    /// Where to write; `-` is standard output.
    #[arg(long = "output", value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Runs `taskbox vault`.
///
/// # Errors
/// Passwords that are missing or wrong, files that cannot be read or written.
pub(crate) fn run(args: &VaultArgs, settings: &Settings) -> Result<ExitCode, FlagError> {
    match &args.action {
        Action::Create { common, label, file, skip_tty_check } => {
            let key = key(common, label, settings)?;
            if !std::io::stdout().is_terminal() && !skip_tty_check {
                let error = Diagnostic::error("not a tty, editor cannot be opened");
                return Err(FlagError::option(error.help("`--skip-tty-check` opens it anyway")));
            }
            vault_editor::create(file, &key, settings)?;
        }
        Action::Decrypt { common, output, files } => {
            let secrets = common.passwords.secrets_for(Purpose::Open, settings)?;
            each(files, output, "ciphertext", |from, to| {
                let content = unsealed(from, &read(from)?, &secrets)?.content;
                write(to, &content)
            })?;
            told("Decryption successful");
        }
        Action::Edit { common, files, .. } => {
            let secrets = common.passwords.secrets_for(Purpose::Open, settings)?;
            for file in files {
                vault_editor::edit(file, &secrets, settings)?;
            }
        }
        Action::View { common, files } => {
            let secrets = common.passwords.secrets_for(Purpose::Open, settings)?;
            for file in files {
                let mut content = unsealed(file, &read(file)?, &secrets)?.content;
                if !content.ends_with(b"\n") {
                    content.push(b'\n');
                }
                write(Path::new("-"), &content)?;
            }
        }
        Action::Encrypt { common, label, output, files } => {
            let key = key(common, label, settings)?;
            each(files, output, "plaintext", |from, to| {
                let content = read(from)?;
                if content.starts_with(b"$ANSIBLE_VAULT") {
                    return Err(FlagError::error(Diagnostic::error("input is already encrypted")));
                }
                write(to, key.seal(&content).as_bytes())
            })?;
            told("Encryption successful");
        }
        Action::EncryptString { common, label, output, texts } => {
            texts.check()?;
            let key = key(common, label, settings)?;
            let text = encrypt_string(texts, &key)?;
            write(output.file.as_deref().unwrap_or(Path::new("-")), text.as_bytes())?;
            told("Encryption successful");
        }
        Action::Rekey { common, label, new_vault_password_file, new_vault_id, files } => {
            let old = common.passwords.secrets_for(Purpose::Open, settings)?;
            let label = chosen_label(label, settings);
            let mut ids =
                if label.is_some() { settings.list("DEFAULT_VAULT_IDENTITY_LIST") } else { Vec::new() };
            ids.extend(new_vault_id.clone());
            let from = new_vault_password_file.iter().cloned();
            let from = from.chain(settings.path("DEFAULT_VAULT_PASSWORD_FILE")).collect();
            let new = gather_vault_secrets(ids, from, false, Purpose::Close, settings)?;
            let key = Key::choose(&new, label.as_deref(), false, settings)?;
            for file in files {
                let content = unsealed(file, &read(file)?, &old)?.content;
                write(file, key.seal(&content).as_bytes())?;
            }
            told("Rekey successful");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn chosen_label(label: &EncryptLabel, settings: &Settings) -> Option<String> {
    label.encrypt_vault_id.clone().or_else(|| settings.text("DEFAULT_VAULT_ENCRYPT_IDENTITY"))
}

fn key(common: &Common, label: &EncryptLabel, settings: &Settings) -> Result<Key, FlagError> {
    let secrets = common.passwords.secrets_for(Purpose::Close, settings)?;
    Key::choose(&secrets, chosen_label(label, settings).as_deref(), true, settings)
}

/// What a vault is closed with.
pub(super) struct Key {
    label: String,
    password: Vec<u8>,
    salt: Option<String>,
}

impl Key {
    /// The password of this label; without one the first, which with `only` must be the only one.
    fn choose(
        secrets: &Secrets,
        label: Option<&str>,
        only: bool,
        settings: &Settings,
    ) -> Result<Self, FlagError> {
        let labels: Vec<&str> = secrets.iter().map(|(label, _)| label).collect();
        if label.is_none() && only && labels.len() > 1 {
            let title = format!("the vault ids {} could encrypt", labels.join(", "));
            let error = Diagnostic::error(title).help("choose one with `--encrypt-vault-id LABEL`");
            return Err(FlagError::option(error));
        }
        let found = secrets.iter().find(|(known, _)| label.is_none_or(|label| label == *known));
        let Some((label, password)) = found else {
            let known = python::str(&labels.iter().map(|label| Value::from(*label)).collect::<Value>());
            let error = Diagnostic::error(format!(
                "Did not find a match for --encrypt-vault-id={} in the known vault-ids {known}",
                label.unwrap_or_default()
            ));
            return Err(FlagError::error(error));
        };
        let (label, password) = (label.to_owned(), password.to_vec());
        Ok(Self { label, password, salt: settings.text("VAULT_ENCRYPT_SALT") })
    }

    /// The key that closed an envelope.
    pub(super) fn of(opened: &vault::Opened, secrets: &Secrets, settings: &Settings) -> Self {
        let password = secrets.iter().nth(opened.password).map(|(_, password)| password.to_vec());
        Self {
            label: opened.label.clone(),
            password: password.unwrap_or_default(),
            salt: settings.text("VAULT_ENCRYPT_SALT"),
        }
    }

    /// An envelope around `content`.
    pub(super) fn seal(&self, content: &[u8]) -> String {
        match &self.salt {
            Some(salt) => vault::encrypt_with_salt(content, &self.label, &self.password, salt.as_bytes()),
            None => vault::encrypt(content, &self.label, &self.password),
        }
    }
}

/// Does something for each file, from it and to the output or back to it; standard input goes to standard output.
fn each(
    files: &[PathBuf],
    output: &Output,
    what: &str,
    mut change: impl FnMut(&Path, &Path) -> Result<(), FlagError>,
) -> Result<(), FlagError> {
    if output.file.is_some() && files.len() > 1 {
        let error = Diagnostic::error("at most one input file may be used with `--output`");
        return Err(FlagError::option(error));
    }
    if files.is_empty() {
        if std::io::stdin().is_terminal() {
            anstream::eprintln!("Reading {what} input from stdin");
        }
        let stdin = Path::new("-");
        return change(stdin, output.file.as_deref().unwrap_or(stdin));
    }
    files.iter().try_for_each(|file| change(file, output.file.as_deref().unwrap_or(file)))
}

/// What a file says, or standard input.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, FlagError> {
    if path != Path::new("-") {
        return fs::read(path).map_err(|error| FlagError::from_error(&error));
    }
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(|error| {
        FlagError::error(Diagnostic::error(format!("standard input cannot be read: {error}")))
    })?;
    Ok(bytes)
}

/// What is in an envelope that stands in a file.
pub(super) fn unsealed(path: &Path, bytes: &[u8], secrets: &Secrets) -> Result<vault::Opened, FlagError> {
    let text = String::from_utf8_lossy(bytes);
    let shown =
        if path == Path::new("-") { "standard input".to_owned() } else { format!("`{}`", path.display()) };
    if !vault::is_envelope(&text) {
        return Err(FlagError::error(Diagnostic::error(format!(
            "input is not vault encrypted data: {shown}"
        ))));
    }
    vault::unseal(&text, secrets).map_err(|error| {
        let found = error.diagnostics().into_iter().map(|found| found.note(format!("in {shown}")));
        FlagError::errors(found.collect())
    })
}

/// Writes a file that only its owner can read, from the first byte on; one that is there keeps its mode and owner. A link's target is meant.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), FlagError> {
    let failed = |error: std::io::Error| {
        FlagError::error(Diagnostic::error(format!("`{}` cannot be written: {error}", path.display())))
    };
    if path == Path::new("-") {
        let mut out = std::io::stdout();
        return out.write_all(bytes).and_then(|()| out.flush()).map_err(failed);
    }
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let before = std::fs::metadata(&real).ok();
    if before.as_ref().is_some_and(|found| !found.is_file()) {
        // A device or a pipe is written into, not replaced.
        let file = std::fs::OpenOptions::new().write(true).mode(0o600).open(&real);
        return file.and_then(|mut file| file.write_all(bytes)).map_err(failed);
    }
    let mode = before.as_ref().map_or(0o600, |found| found.mode() & 0o7777);
    fs::write_atomic(&real, bytes, Some(mode)).map_err(|error| FlagError::from_error(&error))?;
    if let Some(before) = before {
        let kept = std::os::unix::fs::chown(&real, Some(before.uid()), Some(before.gid()));
        if let Err(error) = kept {
            let lost = Diagnostic::warning(format!("`{}` has another owner now: {error}", real.display()));
            report_all(&[lost]);
        }
    }
    Ok(())
}

/// A last word, where a person reads it.
fn told(text: &str) {
    if std::io::stdout().is_terminal() {
        anstream::eprintln!("{text}");
    }
}
