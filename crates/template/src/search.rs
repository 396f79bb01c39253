//! Where lookups, includes and imports find files: Ansible's search path of a task.

use std::path::{Path, PathBuf};

/// The folders of a task, nearest first: its role, the roles that include it, the folder of the task file, the play's folder.
#[derive(Clone, Debug, Default)]
pub struct SearchPath {
    dirs: Vec<PathBuf>,
}

impl SearchPath {
    /// A path over these folders, nearest first.
    pub fn new(dirs: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { dirs: dirs.into_iter().collect() }
    }

    /// The folders, nearest first.
    pub fn dirs(&self) -> &[PathBuf] {
        &self.dirs
    }

    /// The play's folder: the last one.
    pub fn base(&self) -> &Path {
        self.dirs.last().map_or(Path::new("."), PathBuf::as_path)
    }

    /// The places where `name` may lie, in Ansible's order: in `subdir` (`files`, `templates`, `vars`, `tasks`) of each folder, then in the
    /// folder itself. A folder that is a role's `tasks` stands for its role. Absolute names and `~/` stand for themselves.
    pub fn candidates(&self, subdir: &str, name: &str) -> Vec<PathBuf> {
        if let Some(rest) = name.strip_prefix("~/") {
            return std::env::var_os("HOME").map(|home| PathBuf::from(home).join(rest)).into_iter().collect();
        }
        if Path::new(name).is_absolute() {
            return vec![PathBuf::from(name)];
        }
        let mut found = Vec::with_capacity(self.dirs.len() * 3);
        for dir in &self.dirs {
            let role = dir.file_name().is_some_and(|last| last == "tasks").then(|| dir.parent()).flatten();
            for base in role.into_iter().chain([dir.as_path()]) {
                if !subdir.is_empty() && !name.starts_with(&format!("{subdir}/")) {
                    found.push(base.join(subdir).join(name));
                }
                found.push(base.join(name));
            }
        }
        found
    }

    /// The first of [`Self::candidates`] that exists.
    pub fn find(&self, subdir: &str, name: &str) -> Option<PathBuf> {
        self.candidates(subdir, name).into_iter().find(|path| path.exists())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_folder_wins_and_its_subfolder_first() {
        let path = SearchPath::new([PathBuf::from("/p/roles/web/tasks"), PathBuf::from("/p")]);
        let found: Vec<_> =
            path.candidates("files", "a.txt").iter().map(|path| path.display().to_string()).collect();
        assert_eq!(
            found,
            [
                "/p/roles/web/files/a.txt",
                "/p/roles/web/a.txt",
                "/p/roles/web/tasks/files/a.txt",
                "/p/roles/web/tasks/a.txt",
                "/p/files/a.txt",
                "/p/a.txt"
            ]
        );
        assert_eq!(path.candidates("files", "/etc/hosts"), [PathBuf::from("/etc/hosts")]);
        assert_eq!(path.base(), Path::new("/p"));
    }
}
