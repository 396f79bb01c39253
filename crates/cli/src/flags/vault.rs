//! `--vault-id`, `--vault-password-file`, `--ask-vault-pass`: where vault passwords come from.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use data::vault::{self, Secrets};
use data::{Diagnose, Diagnostic, Severity, fs};

use super::FlagError;
use crate::diagnostics::report_all;
use crate::prompt;
use crate::settings::{Settings, resolve};

/// The exit code by which a client program says that it does not know a label.
const UNKNOWN_LABEL: i32 = 2;

/// Passwords for vaulted files and values.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Vault")]
pub(crate) struct VaultFlags {
    /// A label and where its password is: `label@file`, `label@script`, `label@prompt`; without a label just the source.
    #[arg(id = "vault_ids", long = "vault-id", value_name = "LABEL@SOURCE")]
    ids: Vec<String>,
    /// A file with the password, or a program that prints it.
    #[arg(id = "vault_files", long = "vault-password-file", alias = "vault-pass-file", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Ask for the password.
    #[arg(short = 'J', long = "ask-vault-password", alias = "ask-vault-pass")]
    ask: bool,
}

/// What the passwords are wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To open what is vaulted, if anything is: nobody is asked unless a flag says so.
    Run,
    /// To open a vault now: one password at least.
    Open,
    /// To close a vault now; a password that is typed is asked for twice.
    Close,
}

impl VaultFlags {
    /// The passwords for a run, in the order in which they are tried.
    ///
    /// # Errors
    /// A password that cannot be had, where it is the only one.
    pub(crate) fn secrets(&self, settings: &Settings) -> Result<Secrets, FlagError> {
        self.secrets_for(Purpose::Run, settings)
    }

    /// The passwords, in the order in which they are tried. One that cannot be had is warned of if there are others.
    ///
    /// # Errors
    /// A label that cannot be one, a password that cannot be had where it is the only one.
    pub(crate) fn secrets_for(&self, purpose: Purpose, settings: &Settings) -> Result<Secrets, FlagError> {
        let ids = settings.list("DEFAULT_VAULT_IDENTITY_LIST").into_iter().chain(self.ids.iter().cloned());
        let files = self.files.iter().cloned().chain(settings.path("DEFAULT_VAULT_PASSWORD_FILE"));
        let ask = self.ask || settings.flag("DEFAULT_ASK_VAULT_PASS");
        gather(ids.collect(), files.collect(), ask, purpose, settings)
    }
}

/// The passwords of these labels and files.
///
/// # Errors
/// As [`VaultFlags::secrets_for`].
pub(crate) fn gather(
    ids: Vec<String>,
    files: Vec<PathBuf>,
    ask: bool,
    purpose: Purpose,
    settings: &Settings,
) -> Result<Secrets, FlagError> {
    let default = settings.text("DEFAULT_VAULT_IDENTITY").unwrap_or_else(|| "default".to_owned());
    let mut sources = Vec::new();
    for id in &ids {
        if id.contains(';') {
            let error = Diagnostic::error(format!("`{id}` is not a valid vault id"));
            return Err(FlagError::option(error.help("a label cannot hold `;`")));
        }
        sources.push(match id.split_once('@') {
            Some((label, source)) => (Some(label.to_owned()), source.to_owned()),
            None => (None, id.clone()),
        });
    }
    sources.extend(files.iter().map(|file| (Some(default.clone()), file.to_string_lossy().into_owned())));
    if ask || purpose != Purpose::Run && sources.is_empty() {
        sources.push((Some(default.clone()), "prompt_ask_vault_pass".to_owned()));
    }
    let mut secrets = Secrets::new();
    if settings.flag("DEFAULT_VAULT_ID_MATCH") {
        secrets.only_matching();
    }
    let mut failed = Vec::new();
    for (label, source) in &sources {
        let name = label.as_deref().filter(|label| !label.is_empty()).unwrap_or(&default);
        let password = match source.as_str() {
            "prompt" => Ok(asked(&format!("ault password ({name}): "), purpose)?),
            "prompt_ask_vault_pass" => Ok(asked("ault password: ", purpose)?),
            path => from_file(&resolve(path, None), label.as_deref(), &secrets),
        };
        match password {
            Ok(password) => secrets.add(name, password),
            Err(error) => failed.push(error),
        }
    }
    match failed.pop() {
        Some(last) if secrets.is_empty() => Err(last),
        last => {
            let failed = failed.iter().chain(&last).flat_map(Diagnose::diagnostics);
            let warnings = failed.map(|found| Diagnostic { severity: Severity::Warning, ..found });
            report_all(&warnings.collect::<Vec<_>>());
            Ok(secrets)
        }
    }
}

/// Asks in Ansible's words, which programs that answer look for: `Vault password: `, or `New Vault password: ` and its confirmation.
fn asked(question: &str, purpose: Purpose) -> Result<Vec<u8>, FlagError> {
    let ask = |question: &str| {
        let password = prompt::hidden(question).map_err(|error| {
            FlagError::error(Diagnostic::error(format!("cannot ask for the vault password: {error}")))
        })?;
        match password.trim() {
            "" => Err(FlagError::error(Diagnostic::error("the vault password from the prompt is empty"))),
            password => Ok(password.as_bytes().to_vec()),
        }
    };
    if purpose != Purpose::Close {
        return ask(&format!("V{question}"));
    }
    let initial = if question.contains('(') { 'v' } else { 'V' };
    let password = ask(&format!("New {initial}{question}"))?;
    let new = if question.contains('(') { "new" } else { "New" };
    if ask(&format!("Confirm {new} {initial}{question}"))? != password {
        return Err(FlagError::error(Diagnostic::error("the passwords do not match")));
    }
    Ok(password)
}

/// A password file may itself be vaulted, by a password that was given before it.
fn from_file(path: &Path, label: Option<&str>, known: &Secrets) -> Result<Vec<u8>, FlagError> {
    let shown = path.display();
    let name = label.unwrap_or("None");
    let refuse = |why: String| {
        let title = format!("Error getting vault password file ({name}): {why}");
        Err(FlagError::error(Diagnostic::error(title)))
    };
    let Ok(found) = std::fs::metadata(path) else {
        return refuse(format!("`{shown}` was not found"));
    };
    if found.is_dir() {
        return refuse(format!("`{shown}` cannot be a folder"));
    }
    if found.permissions().mode() & 0o111 != 0 {
        let printed = output_of(path, label)?;
        return not_empty(without_line_ends(&printed).to_vec(), name, path);
    }
    let bytes = fs::read(path).map_err(|error| {
        let title = format!("Error in vault password file loading ({name}): {error}");
        FlagError::error(Diagnostic::error(title))
    })?;
    let mut password = bytes.trim_ascii().to_vec();
    if let Some(envelope) = std::str::from_utf8(&password).ok().filter(|text| vault::is_envelope(text)) {
        password = vault::decrypt(envelope, known).map_err(|error| FlagError::from_error(&error))?;
    }
    not_empty(without_line_ends(&password).to_vec(), name, path)
}

fn without_line_ends(bytes: &[u8]) -> &[u8] {
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let start = bytes.iter().position(|byte| !is_end(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_end(byte)).map_or(start, |at| at + 1);
    &bytes[start..end]
}

/// What a program prints; one whose name ends in `-client` is told the label, as Ansible does.
fn output_of(path: &Path, label: Option<&str>) -> Result<Vec<u8>, FlagError> {
    let shown = path.display();
    let failed = |why: String| {
        FlagError::error(Diagnostic::error(format!("the vault password program `{shown}` failed: {why}")))
    };
    let mut command = Command::new(path);
    command.stdin(Stdio::inherit()).stderr(Stdio::inherit());
    if path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("-client")) {
        command.args(label.into_iter().flat_map(|label| ["--vault-id", label])).stderr(Stdio::piped());
    }
    let output = command.output().map_err(|error| {
        let error = Diagnostic::error(format!("the vault password program `{shown}` cannot be run: {error}"));
        FlagError::error(error.help("if it is no program, take its permission to be run away"))
    })?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    match (output.status.code(), label) {
        (Some(0), _) => Ok(output.stdout),
        (Some(UNKNOWN_LABEL), Some(label)) => {
            Err(failed(format!("it has no password for `{label}`: {said}")))
        }
        _ => Err(failed(format!("{}: {said}", output.status))),
    }
}

fn not_empty(password: Vec<u8>, name: &str, path: &Path) -> Result<Vec<u8>, FlagError> {
    if password.is_empty() {
        let title = format!("Error in vault password file loading ({name}): `{}` is empty", path.display());
        return Err(FlagError::error(Diagnostic::error(title)));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(ids: Vec<String>, files: Vec<PathBuf>) -> Result<Secrets, FlagError> {
        VaultFlags { ids, files, ask: false }.secrets(&Settings::default())
    }

    #[test]
    fn passwords_come_from_files_and_programs_also_from_vaulted_files() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str, mode: u32| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let file = write("password", "from file\n", 0o600);
        let program = write("password-client.sh", "#!/bin/sh\necho from program \"$@\"\n", 0o755);
        let vaulted = write("vaulted", &vault::encrypt(b"from vault\n", "prod", b"from file"), 0o600);
        let id = |label: &str, path: &Path| format!("{label}@{}", path.display());
        let ids = vec![id("prod", &program), id("first", &file), id("second", &vaulted)];
        let secrets = flags(ids, vec![file]).unwrap();
        let found: Vec<_> =
            secrets.iter().map(|(label, password)| (label, String::from_utf8_lossy(password))).collect();
        let expected = [
            ("prod", "from program --vault-id prod"),
            ("first", "from file"),
            ("second", "from vault"),
            ("default", "from file"),
        ];
        assert_eq!(found, expected.map(|(label, password)| (label, password.into())));
    }

    #[test]
    fn a_password_that_cannot_be_had_is_an_error_only_if_there_is_no_other() {
        assert!(flags(vec![], vec!["/dev/null".into()]).unwrap_err().to_string().contains("is empty"));
        assert!(flags(vec!["a@/nowhere".into()], vec![]).unwrap_err().to_string().contains("was not found"));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "x").unwrap();
        assert!(flags(vec!["a@/nowhere".into()], vec![file.path().into()]).is_ok());
        assert!(
            flags(vec!["a;b@x".into()], vec![]).unwrap_err().to_string().contains("not a valid vault id")
        );
    }
}
