//! Questions about paths: what a pattern with `*` finds, and how a missing path would be made.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shell_pattern::{is_pattern, matches};

/// The paths that a pattern finds, as Python's `glob.glob`: names that begin with a dot are found only if the pattern says so.
pub(crate) fn glob(pattern: &str) -> Vec<PathBuf> {
    let (mut found, parts) = match pattern.strip_prefix('/') {
        Some(rest) => (vec![PathBuf::from("/")], rest),
        None => (vec![PathBuf::new()], pattern),
    };
    for part in parts.split('/').filter(|part| !part.is_empty()) {
        found = found.iter().flat_map(|folder| step(folder, part)).collect();
    }
    found.retain(|path| fs::symlink_metadata(path).is_ok());
    found
}

/// The paths one level down that a part of the pattern finds.
fn step(folder: &Path, part: &str) -> Vec<PathBuf> {
    if !is_pattern(part) {
        return vec![folder.join(part)];
    }
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| (part.starts_with('.') || !name.starts_with('.')) && matches(part, name));
    names.sort();
    names.into_iter().map(|name| folder.join(name)).collect()
}

/// The folders of a path that are not there yet, outermost first; the path itself included.
pub(crate) fn missing_folders(path: &Path) -> Vec<PathBuf> {
    let mut missing: Vec<PathBuf> = path
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .map(Path::to_path_buf)
        .collect();
    missing.reverse();
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.txt", "b.txt", ".c.txt", "d"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let base = folder.path().to_str().unwrap();
        for (pattern, count) in [("*.txt", 2), (".*", 1), ("d", 1), ("e", 0), ("?", 1), ("[ab].*", 2)] {
            assert_eq!(glob(&format!("{base}/{pattern}")).len(), count, "{pattern}");
        }
    }

    #[test]
    fn only_what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = folder.path().join("a/b");
        assert_eq!(missing_folders(&wanted), [folder.path().join("a"), wanted]);
    }
}
