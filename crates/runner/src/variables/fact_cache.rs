//! Facts that outlive a run: `fact_caching: jsonfile`, one file a host, named and written as Ansible does.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use data::{Diagnostic, Map, Value};

use crate::options::FactCache;

impl FactCache {
    /// The facts of a host from an earlier run; empty when there are none, or when they are too old.
    ///
    /// # Errors
    /// The file cannot be read, or is no JSON. Ansible warns and goes on without.
    pub(crate) fn read(&self, host: &str) -> Result<Map, Diagnostic> {
        let Some(path) = self.path(host).filter(|path| path.is_file()) else { return Ok(Map::new()) };
        if self.is_old(&path) {
            return Ok(Map::new());
        }
        let wrong = |why: String| {
            let title = format!("the cached facts in `{}` cannot be used: {why}", path.display());
            Diagnostic::warning(title).help("`--flush-cache` forgets all cached facts")
        };
        let text = std::fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
        match data::json::parse(&text) {
            Ok(Value::Map(facts)) => Ok(facts),
            Ok(_) => Err(wrong("it holds no mapping".to_owned())),
            Err(error) => Err(wrong(error.to_string())),
        }
    }

    /// Keeps the facts of a host for later runs.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write(&self, host: &str, facts: &Map) -> Result<(), Diagnostic> {
        let Some(path) = self.path(host) else { return Ok(()) };
        let text =
            data::json::write(&Value::Map(facts.clone()), &data::json::JsonStyle::indented(4).sorted());
        let folder = path.parent().map(PathBuf::from).unwrap_or_default();
        let written = data::fs::create_folder(&folder)
            .and_then(|()| data::fs::write_atomic(&path, text.as_bytes(), Some(0o600)));
        written.map_err(|error| Diagnostic::warning(format!("cannot keep the facts of `{host}`: {error}")))
    }

    /// Forgets a host.
    pub fn forget(&self, host: &str) {
        if let Some(path) = self.path(host) {
            // What is not there is forgotten already.
            let _ = std::fs::remove_file(path);
        }
    }

    fn path(&self, host: &str) -> Option<PathBuf> {
        match self {
            Self::Memory => None,
            // A host's name must not lead out of the folder.
            Self::JsonFile { folder, prefix, .. } if !host.contains('/') => {
                Some(folder.join(format!("{prefix}{host}")))
            }
            Self::JsonFile { .. } => None,
        }
    }

    fn is_old(&self, path: &std::path::Path) -> bool {
        let Self::JsonFile { timeout, .. } = self else { return false };
        let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
        *timeout > 0 && age.is_some_and(|age| age > Duration::from_secs(*timeout))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_back_until_they_are_old_or_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let cache = |timeout| FactCache::JsonFile {
            folder: folder.path().join("facts"),
            prefix: "p_".into(),
            timeout,
        };
        let facts = Map::from([("ansible_os_family", "Debian")]);
        cache(0).write("a", &facts).unwrap();
        assert!(folder.path().join("facts/p_a").is_file());
        assert_eq!(cache(60).read("a").unwrap(), facts);
        let old = SystemTime::now() - Duration::from_secs(90);
        let file = std::fs::File::options().write(true).open(folder.path().join("facts/p_a")).unwrap();
        file.set_modified(old).unwrap();
        assert!(cache(60).read("a").unwrap().is_empty());
        assert_eq!(cache(0).read("a").unwrap(), facts);
        cache(0).forget("a");
        assert!(cache(0).read("a").unwrap().is_empty());
    }

    #[test]
    fn a_broken_file_is_told_and_a_name_cannot_leave_the_folder() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("cache");
        std::fs::create_dir(&folder).unwrap();
        let cache = FactCache::JsonFile { folder: folder.clone(), prefix: String::new(), timeout: 0 };
        std::fs::write(folder.join("a"), "{").unwrap();
        assert!(cache.read("a").unwrap_err().title.contains("cannot be used"));
        cache.write("../b", &Map::new()).unwrap();
        assert!(!parent.path().join("b").exists());
    }
}
