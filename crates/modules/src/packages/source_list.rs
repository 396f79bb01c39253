//! apt's one-line package sources: `/etc/apt/sources.list` and `sources.list.d/*.list`, read, changed and written back.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Failure, atomic_write};

/// One line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Whether it is a source, enabled or not.
    pub(super) valid: bool,
    /// Whether it is not commented out.
    pub(super) enabled: bool,
    /// The source with single blanks, or whatever else the line says.
    pub(super) source: String,
    comment: String,
}

impl Line {
    /// Reads a line as Ansible's module does: a `#` in front disables it, one further on begins a comment.
    pub(super) fn parse(line: &str) -> Self {
        let line = line.trim();
        let (enabled, rest) = line.strip_prefix('#').map_or((true, line), |rest| (false, rest));
        let (text, comment) = match rest.find('#').filter(|at| *at > 0) {
            Some(at) => (&rest[..at], rest[at + 1..].trim()),
            None => (rest, ""),
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let valid = matches!(words.first(), Some(&("deb" | "deb-src")));
        let source = if valid { words.join(" ") } else { text.trim().to_owned() };
        Self { valid, enabled, source, comment: comment.to_owned() }
    }

    fn write(&self) -> String {
        let mark = if self.enabled { "" } else { "# " };
        let comment = if self.comment.is_empty() { String::new() } else { format!(" # {}", self.comment) };
        format!("{mark}{}{comment}\n", self.source)
    }
}

/// All files of sources, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SourceList {
    folder: PathBuf,
    files: BTreeMap<PathBuf, Vec<Line>>,
}

impl SourceList {
    /// Reads the files of an apt folder (`/etc/apt`).
    pub(super) fn read(apt: &Path) -> Result<Self, Failure> {
        let folder = apt.join("sources.list.d");
        let mut paths = vec![apt.join("sources.list")];
        let parts = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
        paths.extend(parts.filter(|path| path.extension().is_some_and(|end| end == "list")));
        let mut files = BTreeMap::new();
        for path in paths {
            match fs::read(&path) {
                Ok(bytes) => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    files.insert(path, text.lines().map(Line::parse).collect());
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Failure::io("could not read", &path, &error)),
            }
        }
        Ok(Self { folder, files })
    }

    /// Enables a source wherever it stands disabled, or adds it to the file of this name.
    pub(super) fn add(&mut self, source: &str, file: &str) {
        let mut found = false;
        for line in self.files.values_mut().flatten().filter(|line| line.valid && line.source == source) {
            line.enabled = true;
            found = true;
        }
        if !found {
            let path = if file.contains('/') { PathBuf::from(file) } else { self.folder.join(file) };
            let line = Line { valid: true, enabled: true, source: source.to_owned(), comment: String::new() };
            self.files.entry(path).or_default().push(line);
        }
    }

    /// Whether an enabled line has this source.
    pub(super) fn has(&self, source: &str) -> bool {
        self.files.values().flatten().any(|line| line.valid && line.enabled && line.source == source)
    }

    /// Removes the enabled lines of a source.
    pub(super) fn remove(&mut self, source: &str) {
        for lines in self.files.values_mut() {
            lines.retain(|line| !(line.valid && line.enabled && line.source == source));
        }
    }

    /// The text of each file that has any.
    pub(super) fn texts(&self) -> BTreeMap<PathBuf, String> {
        let filled = self.files.iter().filter(|(_, lines)| !lines.is_empty());
        filled.map(|(path, lines)| (path.clone(), lines.iter().map(Line::write).collect())).collect()
    }

    /// Writes the files that differ from what is there, and removes those that have no line left.
    pub(super) fn save(&self) -> Result<(), Failure> {
        let texts = self.texts();
        for path in self.files.keys() {
            match texts.get(path) {
                Some(text) => write(path, text.as_bytes())?,
                None => remove(path)?,
            }
        }
        Ok(())
    }
}

/// Writes a file of sources if it does not say that already.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| {
            Failure::new(format!("Failed to create directory {}: {error}", folder.display()))
        })?;
    }
    atomic_write::write(path, bytes, false)
}

/// Removes a file that may be gone already.
pub(super) fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::io("could not remove", path, &error))
        }
        _ => Ok(()),
    }
}

/// The file that a source gets when none is named: its address without scheme and credentials, all but letters and digits as `_`.
pub(super) fn file_name(source: &str) -> String {
    let mut text = source.to_owned();
    while let (Some(start), Some(end)) = (text.find('['), text.find(']')) {
        if end < start {
            break;
        }
        text.replace_range(start..=end, "");
    }
    let words = text.split_whitespace().filter(|word| !matches!(*word, "deb" | "deb-src"));
    let address = words.map(without_scheme).next().unwrap_or_default();
    let address = address.split_once('@').map_or(address.as_str(), |(_, rest)| rest);
    let plain: String = address.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
    let name = plain.split_whitespace().collect::<Vec<_>>().join("_");
    format!("{name}.list")
}

fn without_scheme(word: &str) -> String {
    match word.split_once("://") {
        Some((scheme, rest)) => {
            let kept = scheme.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_');
            format!("{kept}{rest}")
        }
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_ansible_reads_them() {
        let line = Line::parse("#deb   http://a/  stable main # why");
        assert!(line.valid && !line.enabled);
        assert_eq!((line.source.as_str(), line.comment.as_str()), ("deb http://a/ stable main", "why"));
        assert_eq!(line.write(), "# deb http://a/ stable main # why\n");
        assert!(!Line::parse("# See sources.list(5)").valid);
        assert_eq!(Line::parse("").write(), "\n");
    }

    #[test]
    fn files_are_named_after_the_address() {
        for (source, name) in [
            ("deb http://archive.canonical.com/ubuntu hardy partner", "archive_canonical_com_ubuntu.list"),
            ("deb [arch=amd64 trusted=yes] https://u:p@example.org:80/x/ ./", "example_org_80_x.list"),
            ("ppa:nginx/stable_focal", "ppa_nginx_stable_focal.list"),
            ("deb-src file:///tmp/r ./", "tmp_r.list"),
        ] {
            assert_eq!(file_name(source), name);
        }
    }

    #[test]
    fn sources_are_enabled_added_and_removed() {
        let apt = tempfile::tempdir().unwrap();
        fs::create_dir(apt.path().join("sources.list.d")).unwrap();
        fs::write(apt.path().join("sources.list"), "# deb http://a/ s main\n").unwrap();
        let mut list = SourceList::read(apt.path()).unwrap();
        list.add("deb http://a/ s main", "a.list");
        list.add("deb http://b/ s main", "b.list");
        list.save().unwrap();
        let read = |name: &str| fs::read_to_string(apt.path().join(name)).ok();
        assert_eq!(read("sources.list").unwrap(), "deb http://a/ s main\n");
        assert_eq!(read("sources.list.d/b.list").unwrap(), "deb http://b/ s main\n");
        let mut list = SourceList::read(apt.path()).unwrap();
        assert!(list.has("deb http://b/ s main"));
        list.remove("deb http://b/ s main");
        list.save().unwrap();
        assert_eq!(read("sources.list.d/b.list"), None);
    }
}
