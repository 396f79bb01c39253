//! Reads the small files that facts come from (`/proc`, `/sys`, `/etc`): what cannot be read is simply not there, as Ansible has it.

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::{Context, process};

/// The file's text without surrounding white space; `None` if it is missing, unreadable or empty.
pub(super) fn content(path: impl AsRef<Path>) -> Option<String> {
    // Some files of /proc and /sys wait for a device when they are read; a fact is not worth waiting for.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// [`content`], or nothing.
pub(super) fn text(path: impl AsRef<Path>) -> String {
    content(path).unwrap_or_default()
}

/// The names in a folder, in the order of the file system; empty if it cannot be read.
pub(super) fn names(folder: impl AsRef<Path>) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// The last part of what a link points at.
pub(super) fn link_name(path: impl AsRef<Path>) -> Option<String> {
    let target = fs::read_link(path).ok()?;
    Some(target.file_name()?.to_string_lossy().into_owned())
}

/// The full path of a program, if it is installed.
pub(super) fn program(name: &str) -> Option<PathBuf> {
    process::find_program(name, &Context::local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_counts_as_missing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("empty"), " \n").unwrap();
        fs::write(folder.path().join("full"), " 7\n").unwrap();
        assert_eq!(content(folder.path().join("empty")), None);
        assert_eq!(content(folder.path().join("none")), None);
        assert_eq!(content(folder.path().join("full")).as_deref(), Some("7"));
    }

    #[test]
    fn programs_are_found_by_name() {
        assert!(program("sh").is_some());
        assert_eq!(program("no-such-program"), None);
    }
}
