//! `policy-rc.d`: keeps package scripts from starting services while a task installs packages.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::Failure;

const PATH: &str = "/usr/sbin/policy-rc.d";

/// Our script while it is in place; the host's own is put back when it goes.
pub(super) struct PolicyRcD {
    path: PathBuf,
    kept: Option<PathBuf>,
    active: bool,
}

impl PolicyRcD {
    /// Puts a script that exits with `code` in place; does nothing without a code.
    pub(super) fn put(code: Option<i64>) -> Result<Self, Failure> {
        Self::put_at(Path::new(PATH), code)
    }

    fn put_at(path: &Path, code: Option<i64>) -> Result<Self, Failure> {
        let mut guard = Self { path: path.to_owned(), kept: None, active: false };
        let Some(code) = code else { return Ok(guard) };
        if path.exists() {
            let kept = path.with_extension("d.kept");
            fs::rename(path, &kept).map_err(|_| {
                Failure::new(format!("Fail to move {} to {}", path.display(), kept.display()))
            })?;
            guard.kept = Some(kept);
        }
        guard.active = true;
        let mut options = fs::OpenOptions::new();
        let written = options.write(true).create_new(true).mode(0o755).open(path).and_then(|mut file| {
            std::io::Write::write_all(&mut file, format!("#!/bin/sh\nexit {code}\n").as_bytes())
        });
        written.map_err(|_| Failure::new(format!("Failed to create or chmod {}", path.display())))?;
        Ok(guard)
    }

    /// Puts the host's own state back.
    pub(super) fn take_back(mut self) -> Result<(), Failure> {
        self.restore()
    }

    fn restore(&mut self) -> Result<(), Failure> {
        if !std::mem::take(&mut self.active) {
            return Ok(());
        }
        let path = self.path.display();
        match self.kept.take() {
            Some(kept) => fs::rename(&kept, &self.path)
                .map_err(|_| Failure::new(format!("Fail to move back {} to {path}", kept.display()))),
            None => fs::remove_file(&self.path)
                .map_err(|_| Failure::new(format!("Fail to remove {path} (after package manipulation)"))),
        }
    }
}

impl Drop for PolicyRcD {
    fn drop(&mut self) {
        // An error on this way out has nowhere to go; on the usual way `take_back` tells it.
        let _ = self.restore();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_own_script_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy-rc.d");
        fs::write(&path, "own").unwrap();
        let guard = PolicyRcD::put_at(&path, Some(101)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "#!/bin/sh\nexit 101\n");
        guard.take_back().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "own");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failure_in_between_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy-rc.d");
        drop(PolicyRcD::put_at(&path, Some(101)).unwrap());
        assert!(!path.exists());
    }
}
