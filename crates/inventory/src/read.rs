//! Reads the text files of an inventory; those that are vaulted as a whole are opened.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// Whether a file stayed closed, for all copies of the reader.
    locked_out: Arc<AtomicBool>,
}

impl Reader {
    /// A reader that opens vaulted files with these passwords.
    pub fn new(secrets: Secrets) -> Self {
        Self { secrets: Arc::new(secrets), ..Self::default() }
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
        let opened = vault::open(&data::fs::read_source(path)?, &self.secrets);
        if opened.is_err() {
            self.locked_out.store(true, Ordering::Relaxed);
        }
        Ok(opened?)
    }

    /// Whether a vaulted file could not be opened so far: Ansible's exit code differs from that of a mistake in a file.
    pub fn was_locked_out(&self) -> bool {
        self.locked_out.load(Ordering::Relaxed)
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
        let without = Reader::default();
        assert!(!without.was_locked_out());
        assert!(without.read(&path).unwrap_err().to_string().contains("no vault secrets"));
        assert!(without.was_locked_out());
    }
}
