//! `--vault-id`, `--vault-password-file`, `--ask-vault-pass`: where vault passwords come from.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use data::vault::Secrets;
use data::{Diagnostic, fs};

use super::FlagError;

/// Passwords for vaulted files and values.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Vault")]
pub(crate) struct VaultFlags {
    /// A label and where its password is: `label@file`, `label@script`, `label@prompt`; without a label just the source.
    #[arg(long = "vault-id", value_name = "LABEL@SOURCE")]
    ids: Vec<String>,
    /// A file with the password, or a program that prints it.
    #[arg(
        long = "vault-password-file",
        alias = "vault-pass-file",
        value_name = "FILE",
        env = "ANSIBLE_VAULT_PASSWORD_FILE"
    )]
    files: Vec<PathBuf>,
    /// Ask for the password.
    #[arg(short = 'J', long = "ask-vault-password", alias = "ask-vault-pass")]
    ask: bool,
}

impl VaultFlags {
    /// The passwords, in the order in which they are tried.
    ///
    /// # Errors
    /// A file that cannot be read, a program that fails, an empty password.
    pub(crate) fn secrets(&self) -> Result<Secrets, FlagError> {
        let mut secrets = Secrets::new();
        for id in &self.ids {
            let (label, source) = id.split_once('@').unwrap_or(("default", id));
            let label = if label.is_empty() { "default" } else { label };
            match source {
                "prompt" | "prompt_ask_vault_pass" => {
                    secrets.add(label, ask(&format!("Vault password ({label}): "))?)
                }
                path => secrets.add(label, from_file(Path::new(path), label)?),
            }
        }
        for path in &self.files {
            secrets.add("default", from_file(path, "default")?);
        }
        if self.ask {
            secrets.add("default", ask("Vault password: ")?);
        }
        Ok(secrets)
    }
}

fn ask(question: &str) -> Result<Vec<u8>, FlagError> {
    let password = rpassword::prompt_password(question).map_err(|error| {
        FlagError::error(Diagnostic::error(format!("cannot ask for the vault password: {error}")))
    })?;
    not_empty(password.into_bytes(), "the prompt")
}

fn from_file(path: &Path, label: &str) -> Result<Vec<u8>, FlagError> {
    let runs =
        std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    let bytes = if runs {
        output_of(path, label)?
    } else {
        fs::read(path).map_err(|error| FlagError::from_error(&error))?
    };
    not_empty(bytes.trim_ascii().to_vec(), &format!("`{}`", path.display()))
}

/// What a program prints; one whose name ends in `-client` is told the label, as Ansible does.
fn output_of(path: &Path, label: &str) -> Result<Vec<u8>, FlagError> {
    let shown = path.display();
    let failed = |why: String| {
        FlagError::error(Diagnostic::error(format!("the vault password program `{shown}` failed: {why}")))
    };
    let path = std::path::absolute(path).map_err(|error| failed(error.to_string()))?;
    let mut command = Command::new(&path);
    if path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("-client")) {
        command.args(["--vault-id", label]);
    }
    let output =
        command.stdin(std::process::Stdio::inherit()).output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(output.stdout)
}

fn not_empty(password: Vec<u8>, origin: &str) -> Result<Vec<u8>, FlagError> {
    if password.is_empty() {
        return Err(FlagError::error(Diagnostic::error(format!(
            "the vault password from {origin} is empty"
        ))));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use data::vault;

    use super::*;

    #[test]
    fn passwords_come_from_files_and_programs() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "from file\n").unwrap();
        let program = folder.path().join("password.sh");
        std::fs::write(&program, "#!/bin/sh\necho from program\n").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let flags =
            VaultFlags { ids: vec![format!("prod@{}", program.display())], files: vec![file], ask: false };
        let secrets = flags.secrets().unwrap();
        for (label, password) in [("prod", "from program"), ("default", "from file")] {
            assert_eq!(
                vault::decrypt(&vault::encrypt(b"x", label, password.as_bytes()), &secrets).unwrap(),
                b"x"
            );
        }
    }

    #[test]
    fn an_empty_password_is_refused() {
        let flags = VaultFlags { files: vec!["/dev/null".into()], ..VaultFlags::default() };
        assert!(flags.secrets().unwrap_err().to_string().contains("is empty"));
    }
}
