//! Reads the text files of an inventory; those that are vaulted as a whole are opened.

use std::path::Path;
use std::sync::Arc;

use data::fs::FsError;
use data::vault::{self, Secrets, VaultError};
use data::{Diagnose, Diagnostic, Source};
use thiserror::Error;

/// A file that cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The system refuses, or it is not text.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// It is vaulted and cannot be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Diagnose for ReadError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            Self::Fs(error) => error.diagnostics(),
            Self::Vault(error) => error.diagnostics(),
        }
    }
}

/// Reads files, with the vault passwords of the run.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    secrets: Arc<Secrets>,
}

impl Reader {
    /// A reader that opens vaulted files with these passwords.
    pub fn new(secrets: Secrets) -> Self {
        Self { secrets: Arc::new(secrets) }
    }

    /// The vault passwords, for texts that are vaulted one by one (`!vault`).
    pub fn secrets(&self) -> &Arc<Secrets> {
        &self.secrets
    }

    /// The text of a file, under its path as given.
    ///
    /// # Errors
    /// A file that is not there, may not be read, is not UTF-8, or is vaulted and cannot be opened.
    pub fn read(&self, path: &Path) -> Result<Arc<Source>, ReadError> {
        Ok(vault::open(&data::fs::read_source(path)?, &self.secrets)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vaulted_file_is_opened_with_the_password_of_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.yml");
        std::fs::write(&path, vault::encrypt(b"a: 1\n", "default", b"right")).unwrap();
        let mut secrets = Secrets::new();
        secrets.add("default", "right");
        assert_eq!(Reader::new(secrets).read(&path).unwrap().text(), "a: 1\n");
        assert!(Reader::default().read(&path).unwrap_err().to_string().contains("no vault password"));
    }
}
