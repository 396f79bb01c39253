//! Paths in settings, as Ansible resolves them: `~`, variables of the environment, relative ones from the settings file's folder.

use std::path::{Component, Path, PathBuf};

/// The absolute path without `.` and `..`; links are left alone. Relative ones start at `base`, or else at the current folder.
pub(crate) fn resolve(path: &str, base: Option<&Path>) -> PathBuf {
    let here = || std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let path = path.replace("{{CWD}}", &here().to_string_lossy());
    let path = with_home(&with_variables(&path));
    let whole = base.map_or_else(here, Path::to_owned).join(path);
    let mut plain = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

fn with_home(path: &str) -> PathBuf {
    let home = std::env::home_dir();
    match (path.strip_prefix('~'), home) {
        (Some(""), Some(home)) => home,
        (Some(rest), Some(home)) if rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => PathBuf::from(path),
    }
}

/// `$NAME` and `${NAME}` replaced by what the environment says; unknown ones stay.
fn with_variables(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (name, tail) = braced.unwrap_or_else(|| {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
            after.split_at(end)
        });
        match std::env::var(name) {
            Ok(value) if !name.is_empty() => out.push_str(&value),
            _ => out.push_str(&rest[at..rest.len() - tail.len()]),
        }
        rest = tail;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_start_at_the_settings_file() {
        let base = Some(Path::new("/srv/site"));
        assert_eq!(resolve("roles", base), Path::new("/srv/site/roles"));
        assert_eq!(resolve("../roles/./x", base), Path::new("/srv/roles/x"));
        assert_eq!(resolve("/etc", base), Path::new("/etc"));
        assert_eq!(resolve("$NOBODY_SETS_THIS/x", base), Path::new("/srv/site/$NOBODY_SETS_THIS/x"));
        let home = std::env::var("HOME").unwrap();
        assert_eq!(resolve("~/x", base), Path::new(&home).join("x"));
        assert_eq!(resolve("${HOME}/x", base), Path::new(&home).join("x"));
    }
}
