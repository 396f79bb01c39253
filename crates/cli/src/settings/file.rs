//! The settings file: where it is, and what stands in it. It is read as Python's configparser reads it, which Ansible uses.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data::{Diagnostic, Place, Source, Span, fs};

use super::paths;
use crate::flags::FlagError;

/// Ansible's settings for everybody on this machine.
const SYSTEM: &str = "/etc/ansible/ansible.cfg";

/// A settings file as it stands.
#[derive(Clone, Debug)]
pub(crate) struct ConfigFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its text.
    pub(crate) source: Arc<Source>,
    /// Its lines, in order.
    pub(crate) entries: Vec<Entry>,
}

/// One `key = value`.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The section that it stands in.
    pub(crate) section: String,
    /// In small letters.
    pub(crate) key: String,
    /// Lines that go on are joined by line breaks.
    pub(crate) value: String,
    /// Where the key stands.
    pub(crate) place: Place,
}

/// The file that Ansible would use: `ANSIBLE_CONFIG`, then `ansible.cfg` in the current folder, in the home folder, for the machine. The
/// second value is a warning about one that was passed over, because everybody can write into its folder.
pub(crate) fn find(named: Option<&str>) -> (Option<PathBuf>, Option<Diagnostic>) {
    let mut candidates: Vec<PathBuf> = Vec::new();
    if let Some(named) = named {
        let path = paths::resolve(named, None);
        candidates.push(if path.is_dir() { path.join("ansible.cfg") } else { path });
    }
    let mut passed_over = None;
    if let Ok(folder) = std::env::current_dir() {
        let here = folder.join("ansible.cfg");
        let open = std::fs::metadata(&folder).is_ok_and(|found| found.mode() & 0o002 != 0);
        match open {
            true if here.exists() => passed_over = Some(folder),
            true => {}
            false => candidates.push(here),
        }
    }
    candidates.push(paths::resolve("~/.ansible.cfg", None));
    candidates.push(SYSTEM.into());
    let chosen = candidates.iter().find(|path| readable(path)).cloned();
    let by_name = named.is_some() && chosen.is_some() && chosen.as_ref() == candidates.first();
    let warning = passed_over.filter(|_| !by_name).map(|folder| {
        let title = format!(
            "everybody can write into the current folder ({}), so its `ansible.cfg` is not used",
            folder.display()
        );
        Diagnostic::warning(title).help("take that right away, or name the file in `ANSIBLE_CONFIG`")
    });
    (chosen, warning)
}

fn readable(path: &Path) -> bool {
    path.exists() && rustix::fs::access(path, rustix::fs::Access::READ_OK).is_ok()
}

impl ConfigFile {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, or has lines that mean nothing.
    pub(crate) fn read(path: &Path) -> Result<Self, FlagError> {
        let known = path.extension().is_some_and(|ending| ending == "cfg" || ending == "ini");
        if !known {
            let error = Diagnostic::error(format!(
                "Unsupported configuration file extension for `{}`",
                path.display()
            ));
            return Err(FlagError::option(error.help("its name must end in `.cfg` or `.ini`")));
        }
        let source = fs::read_source(path).map_err(|error| FlagError::from_error(&error))?;
        let entries = entries(&source).map_err(FlagError::option)?;
        Ok(Self { path: path.to_owned(), source, entries })
    }

    /// What the file says under a key.
    pub(crate) fn get(&self, section: &str, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.section == section && entry.key == key)
    }
}

fn entries(source: &Arc<Source>) -> Result<Vec<Entry>, Diagnostic> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut section: Option<String> = None;
    let mut indent = 0;
    // Whether a deeper line goes on with the last value.
    let mut open = false;
    let mut start = 0;
    for whole in source.text().split_inclusive('\n') {
        let begin = start;
        start += whole.len();
        let line = without_remark(whole);
        let text = line.trim();
        let place = |from: usize, to: usize| Place::new(source, Span::new(from, to));
        if text.is_empty() {
            if whole.trim().is_empty() && open {
                entries.last_mut().into_iter().for_each(|entry| entry.value.push('\n'));
            }
            continue;
        }
        let depth = line.len() - line.trim_start().len();
        if open && depth > indent {
            entries.last_mut().into_iter().for_each(|entry| entry.value.push_str(&format!("\n{text}")));
            continue;
        }
        indent = depth;
        let here = place(begin + depth, begin + depth + text.len());
        if let Some(name) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name)
        {
            section = Some(name.to_owned());
            open = false;
            continue;
        }
        let Some(section) = &section else {
            let error = Diagnostic::error("a settings file begins with a section");
            return Err(error.at(&here, "").help("write `[defaults]` above it"));
        };
        let Some((key, value)) = text.split_once(['=', ':']) else {
            let error = Diagnostic::error("a line of a settings file has the form `key = value`");
            return Err(error.at(&here, ""));
        };
        let key = key.trim().to_lowercase();
        if let Some(first) = entries.iter().find(|entry| entry.section == *section && entry.key == key) {
            let error = Diagnostic::error(format!("`{key}` stands twice in section `[{section}]`"));
            return Err(error.at(&here, "again here").also(&first.place, "first here"));
        }
        let place = place(begin + depth, begin + depth + key.len());
        entries.push(Entry { section: section.clone(), key, value: value.trim().to_owned(), place });
        open = true;
    }
    for entry in &mut entries {
        entry.value = entry.value.trim_end_matches('\n').to_owned();
    }
    Ok(entries)
}

/// The line without a comment: a whole line after `#` or `;`, the rest of one after a blank and `;`.
fn without_remark(line: &str) -> &str {
    if line.trim_start().starts_with(['#', ';']) {
        return "";
    }
    let mut before = true;
    for (at, letter) in line.char_indices() {
        if letter == ';' && before {
            return &line[..at];
        }
        before = letter.is_whitespace();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String, String)>, Diagnostic> {
        let found = entries(&Source::new("ansible.cfg", text))?;
        Ok(found.into_iter().map(|entry| (entry.section, entry.key, entry.value)).collect())
    }

    #[test]
    fn lines_are_read_as_configparser_reads_them() {
        let text = "# a\n[defaults]\nForks = 5 ; few\nroles_path: a:b\n  :c\n; no\nx=a;b#c\n\n[ssh_connection]\ny =\n";
        let expected = [
            ("defaults", "forks", "5"),
            ("defaults", "roles_path", "a:b\n:c"),
            ("defaults", "x", "a;b#c"),
            ("ssh_connection", "y", ""),
        ];
        let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
        assert_eq!(read(text).unwrap(), expected);
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (text, title, place) in [
            ("forks = 5\n", "begins with a section", "ansible.cfg:1:1"),
            ("[defaults]\nforks\n", "has the form `key = value`", "ansible.cfg:2:1"),
            (
                "[defaults]\nforks=5\nforks=6\n",
                "`forks` stands twice in section `[defaults]`",
                "ansible.cfg:3:1",
            ),
        ] {
            let found = read(text).unwrap_err();
            assert!(found.title.contains(title), "{}", found.title);
            assert_eq!(found.place().unwrap().to_string(), place);
        }
    }
}
