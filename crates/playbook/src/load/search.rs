//! Where files of tasks and roles are looked for.

use std::path::{Path, PathBuf};

use data::Diagnostic;
use data::suggest::nearest;

use super::Reader;
use crate::enclosing::Enclosing;
use crate::keyword::Inherited;
use crate::task::TaskKind;

impl Reader<'_> {
    /// The file of tasks that an import or include names: beside the files that lead here, in the role's folder for it, beside the
    /// playbook. When none exists, the path where it was expected.
    pub(super) fn tasks_file(&self, name: &str, around: &Enclosing, kind: TaskKind) -> PathBuf {
        let name = expand_home(name);
        if name.is_absolute() {
            return clean(&name);
        }
        let subfolder = if kind == TaskKind::Handler { "handlers" } else { "tasks" };
        let mut folders: Vec<PathBuf> =
            around.files().filter_map(|file| file.parent().map(Path::to_path_buf)).collect();
        if let Some(role) = &around.role {
            folders.insert(0, role.path.join(subfolder));
            // A handler's include finds the files of the role's tasks too.
            folders.push(role.path.join("tasks"));
            // Handlers may name files of the role's tasks.
            folders.push(role.path.join("tasks"));
            folders.push(role.path.clone());
        }
        folders.push(self.base_dir.join(subfolder));
        folders.push(self.base_dir.clone());
        let expected = match &around.role {
            Some(role) => role.path.join(subfolder).join(&name),
            None => self.base_dir.join(&name),
        };
        let found = folders.iter().map(|folder| clean(&folder.join(&name))).find(|path| path.is_file());
        found.unwrap_or_else(|| clean(&expected))
    }

    /// The folder and the name of a role. `None` after a mistake, which is noted.
    pub(super) fn role_folder(
        &mut self,
        name: &str,
        around: &Enclosing,
        place: Option<&data::Place>,
    ) -> Option<(String, PathBuf)> {
        if let Some(found) = self.collection_role(name, around) {
            return Some(found);
        }
        let mut folders = vec![self.base_dir.join("roles")];
        folders.extend(self.loader.settings.roles_path.iter().cloned());
        folders.extend(around.role.as_ref().and_then(|role| role.path.parent().map(Path::to_path_buf)));
        folders.push(self.base_dir.clone());
        if let Some(path) = folders.iter().map(|folder| clean(&folder.join(name))).find(|path| path.is_dir())
        {
            return Some((name.to_owned(), path));
        }
        let path = clean(&expand_home(name));
        if path.is_dir() && name.contains('/') {
            let last =
                path.file_name().map_or_else(|| name.to_owned(), |last| last.to_string_lossy().into_owned());
            let path = std::path::absolute(&path).unwrap_or(path);
            return Some((last, path));
        }
        self.role_not_found(name, &folders, place);
        None
    }

    /// The folder of a collection's role: by its full name, or by its own name in one of the collections that `collections:` lists.
    fn collection_role(&self, name: &str, around: &Enclosing) -> Option<(String, PathBuf)> {
        let mut parts: Vec<(String, String)> = Vec::new();
        if let [namespace, collection, role @ ..] = name.split('.').collect::<Vec<_>>().as_slice()
            && !role.is_empty()
            && name.split('.').all(is_identifier)
        {
            parts.push((format!("{namespace}/{collection}"), role.join("/")));
        } else {
            // A role of a collection finds its siblings first.
            let own = around.role.as_ref().and_then(|role| role.collection());
            parts.extend(own.map(|collection| (collection.replacen('.', "/", 1), name.to_owned())));
            let listed = around.keywords.list(Inherited::Collections).iter().filter_map(data::Value::as_str);
            parts.extend(listed.map(|collection| (collection.replacen('.', "/", 1), name.to_owned())));
        }
        let roots = std::iter::once(self.base_dir.join("collections"))
            .chain(self.loader.settings.collections_path.iter().cloned());
        for root in roots {
            for (collection, role) in &parts {
                let folder = root.join("ansible_collections").join(collection).join("roles").join(role);
                if folder.is_dir() {
                    let full = format!("{}.{}", collection.replace('/', "."), role.replace('/', "."));
                    return Some((full, clean(&folder)));
                }
            }
        }
        None
    }

    fn role_not_found(&mut self, name: &str, folders: &[PathBuf], place: Option<&data::Place>) {
        let searched =
            folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(":");
        let mut error =
            Diagnostic::error(format!("the role '{name}' was not found in {searched}")).at_opt(place, "");
        let existing: Vec<String> = folders
            .iter()
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flat_map(|entries| entries.flatten())
            .filter(|entry| entry.path().join("tasks").is_dir())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        if let Some(near) = nearest(name, existing.iter().map(String::as_str)) {
            error = error.help(format!("did you mean `{near}`?"));
        }
        self.findings.missing(error);
    }
}

/// Whether it can be a part of a full name in a collection: such a name is one of Python.
fn is_identifier(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `~` and `~/x` in the home folder of the user.
pub(super) fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix('~'), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            PathBuf::from(home).join(rest.trim_start_matches('/'))
        }
        _ => PathBuf::from(path),
    }
}

/// Without `.` and `x/..`, links not followed.
pub(super) fn clean(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(parts.components().next_back(), Some(Component::Normal(_))) => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    if parts.as_os_str().is_empty() { PathBuf::from(".") } else { parts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_their_detours() {
        for (from, to) in [("a/./b/../c", "a/c"), ("../a", "../a"), ("/x/../y", "/y"), (".", ".")] {
            assert_eq!(clean(Path::new(from)), Path::new(to), "{from}");
        }
    }
}
