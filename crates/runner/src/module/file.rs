//! Files of modules that are no part of taskbox: where they lie on the controller, how they want their arguments, and what they import.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use playbook::{Task, short_name};

use crate::module::foreign;
use crate::module::routing::{self, Route};
use crate::options::RunOptions;

/// A module's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModuleFile {
    pub(crate) path: PathBuf,
    /// Its name as Python imports it; `None` for the files of a `library`.
    pub(crate) package: Option<String>,
    /// The folder that holds `ansible` or `ansible_collections`, for a module with a package.
    root: Option<PathBuf>,
}

/// How a module gets its arguments (`module_common.py` of ansible-core tells styles apart by the same marks).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// By Ansible's Python library.
    Python,
    /// A JSON file; binary modules too.
    JsonFile,
    /// A file of `key=value` pairs.
    PairsFile,
    /// In its own text.
    Inside,
    /// Windows only.
    PowerShell,
}

impl Style {
    /// The style of a module by its content.
    pub(crate) fn of(content: &[u8]) -> Self {
        if is_binary(content) {
            return Self::JsonFile;
        }
        let text = String::from_utf8_lossy(content);
        if text.contains("#<<INCLUDE_ANSIBLE_MODULE_COMMON>>") || text.lines().any(imports_module_utils) {
            Self::Python
        } else if text.contains("#<<INCLUDE_POWERSHELL_COMMON>>")
            || text.contains("#Requires -Module")
            || text.contains("#AnsibleRequires -")
        {
            Self::PowerShell
        } else if text.contains("<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>") {
            Self::Inside
        } else if text.contains("WANT_JSON") {
            Self::JsonFile
        } else {
            Self::PairsFile
        }
    }

    /// Its word in the request to the target.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::JsonFile => "json_file",
            Self::PairsFile => "pairs_file",
            Self::Inside | Self::PowerShell => "inside",
        }
    }
}

fn is_binary(content: &[u8]) -> bool {
    let start = &content[..content.len().min(1024)];
    start.iter().any(|byte| !matches!(byte, 7..=10 | 12 | 13 | 27 | 0x20..=0x7e | 0x80..))
}

fn imports_module_utils(line: &str) -> bool {
    let words = line.trim_start();
    let imported = words.strip_prefix("from ").or_else(|| words.strip_prefix("import ")).map(str::trim_start);
    imported.is_some_and(|name| {
        name.starts_with("ansible.module_utils")
            || (name.starts_with("ansible_collections.") && name.contains(".plugins.module_utils"))
            || (name.starts_with("..")
                && name.trim_start_matches('.').trim_start().starts_with("module_utils"))
    })
}

/// The words of a `#!` line.
pub(crate) fn interpreter(content: &[u8]) -> Vec<String> {
    let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let words = line.strip_prefix("#!").unwrap_or_default().split_whitespace();
    let mut words: Vec<String> = words.map(str::to_owned).collect();
    // `/usr/bin/env python` names the program by its second word.
    if words.len() > 1 && words[0].ends_with("/env") {
        words.remove(0);
    }
    words
}

/// The file of a module: in a `library`, in a collection, or in an ansible-core of this machine.
pub(crate) fn find(name: &str, task: &Task, options: &RunOptions) -> Option<ModuleFile> {
    let parts: Vec<&str> = name.split('.').collect();
    let builtin = matches!(parts.as_slice(), [_] | ["ansible", "builtin" | "legacy", _]);
    if !matches!(parts.as_slice(), ["ansible", "builtin", _])
        && builtin
        && let Some(path) = foreign::library_file(name, task, options)
    {
        return Some(ModuleFile { path, package: None, root: None });
    }
    if builtin {
        let short = short_name(name);
        let own = python_libraries().into_iter().find_map(|root| {
            let path = root.join("ansible/modules").join(format!("{short}.py"));
            let package = Some(format!("ansible.modules.{short}"));
            path.is_file().then_some(ModuleFile { path, package, root: Some(root) })
        });
        if own.is_some() {
            return own;
        }
    }
    match routing::look_up(name, task, options) {
        Route::File(file) => Some(file),
        Route::Away | Route::Removed(_) | Route::Nothing => None,
    }
}

/// The file of a module by the full name that its collection has for it.
pub(crate) fn in_collections(name: &str, options: &RunOptions) -> Option<ModuleFile> {
    let parts: Vec<&str> = name.split('.').collect();
    let [namespace, collection, rest @ ..] = parts.as_slice() else { return None };
    routing::roots(options).into_iter().find_map(|root| {
        let below =
            format!("ansible_collections/{namespace}/{collection}/plugins/modules/{}", rest.join("/"));
        let package = below.replace('/', ".");
        ["", ".py", ".sh"].iter().find_map(|ending| {
            let path = root.join(format!("{below}{ending}"));
            let package = Some(package.clone()).filter(|_| *ending == ".py");
            path.is_file().then(|| ModuleFile { path, package, root: Some(root.clone()) })
        })
    })
}

/// The folder of a collection, if it is on this machine.
pub(crate) fn collection_folder(namespace: &str, collection: &str, options: &RunOptions) -> Option<PathBuf> {
    let folders = routing::roots(options).into_iter();
    folders
        .map(|root| root.join("ansible_collections").join(namespace).join(collection))
        .find(|folder| folder.is_dir())
}

/// Folders of Python packages on this machine that hold ansible-core, by their usual places; no Python is asked.
pub(crate) fn python_libraries() -> Vec<PathBuf> {
    let mut parents: Vec<PathBuf> = Vec::new();
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let mut found: Vec<PathBuf> =
        std::env::var_os("PYTHONPATH").map(|all| std::env::split_paths(&all).collect()).unwrap_or_default();
    parents.extend(variable("VIRTUAL_ENV").map(|folder| folder.join("lib")));
    parents.extend(variable("HOME").map(|folder| folder.join(".local/lib")));
    parents.extend(["/usr/local/lib", "/usr/lib", "/usr/local/lib64", "/usr/lib64"].map(PathBuf::from));
    for parent in parents {
        let mut versions: Vec<PathBuf> = fs::read_dir(&parent)
            .map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
            .unwrap_or_default();
        let named = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python"))
        };
        versions.retain(named);
        versions.sort();
        for version in versions.into_iter().rev() {
            found.extend(["site-packages", "dist-packages"].map(|name| version.join(name)));
        }
    }
    found.retain(|folder| folder.join("ansible/module_utils/basic.py").is_file());
    found
}

/// All that a Python module may import of Ansible: the library of an ansible-core, and those of the collections it names.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn imports(module: &ModuleFile, core: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let stub = "from ansible.release import __author__, __version__\n";
    files.insert("ansible/__init__.py".to_owned(), stub.as_bytes().to_vec());
    files.insert("ansible/release.py".to_owned(), fs::read(core.join("ansible/release.py"))?);
    add_folder(core, "ansible/module_utils", &mut files)?;
    let content = fs::read(&module.path)?;
    let mut waiting = collections_of(&content);
    if let (Some(package), Some(root)) = (&module.package, &module.root) {
        add_packages(package, &mut files);
        let parts: Vec<&str> = package.split('.').collect();
        if let ["ansible_collections", namespace, collection, ..] = parts.as_slice() {
            waiting.insert((namespace.to_string(), collection.to_string()));
        }
        files.insert(format!("{}.py", package.replace('.', "/")), content);
        let mut done = BTreeSet::new();
        while let Some(next) = waiting.pop_first() {
            if !done.insert(next.clone()) {
                continue;
            }
            let below = format!("ansible_collections/{}/{}/plugins/module_utils", next.0, next.1);
            let Some(root) = [root.as_path(), core].into_iter().find(|root| root.join(&below).is_dir())
            else {
                continue;
            };
            add_packages(&below.replace('/', "."), &mut files);
            let mut more = BTreeMap::new();
            add_folder(root, &below, &mut more)?;
            waiting.extend(more.values().flat_map(|content| collections_of(content)));
            files.extend(more);
        }
    }
    Ok(files)
}

/// Every folder above a module is a package.
fn add_packages(package: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    let parts: Vec<&str> = package.split('.').collect();
    for length in 1..parts.len() {
        files.entry(format!("{}/__init__.py", parts[..length].join("/"))).or_default();
    }
}

fn add_folder(root: &Path, below: &str, files: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = format!("{below}/{}", entry.file_name().to_string_lossy());
        let path = entry.path();
        if path.is_dir() {
            add_folder(root, &name, files)?;
        } else if name.ends_with(".py") {
            files.insert(name, fs::read(path)?);
        }
    }
    Ok(())
}

/// The collections that a file imports from.
fn collections_of(content: &[u8]) -> BTreeSet<(String, String)> {
    let text = String::from_utf8_lossy(content);
    let named = text.match_indices("ansible_collections.").filter_map(|(at, word)| {
        let mut parts = text[at + word.len()..].split('.');
        let (namespace, collection) = (parts.next()?, parts.next()?);
        let is_name =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        (is_name(namespace) && is_name(collection)).then(|| (namespace.to_owned(), collection.to_owned()))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_are_told_by_their_marks() {
        for (content, style) in [
            ("#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n", Style::Python),
            ("#!/usr/bin/python\n    from ..module_utils.x import y\n", Style::Python),
            (
                "#!/usr/bin/python\nfrom ansible_collections.a.b.plugins.module_utils.x import y\n",
                Style::Python,
            ),
            ("#!/usr/bin/python\n# WANT_JSON\n", Style::JsonFile),
            ("#!/bin/sh\necho '<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>'\n", Style::Inside),
            ("#!/bin/sh\n. $1\n", Style::PairsFile),
            ("\u{7f}ELF\u{1}\u{0}", Style::JsonFile),
            ("#!powershell\n#AnsibleRequires -CSharpUtil Ansible.Basic\n", Style::PowerShell),
        ] {
            assert_eq!(Style::of(content.as_bytes()), style, "{content:?}");
        }
    }

    #[test]
    fn the_first_line_names_the_interpreter() {
        assert_eq!(interpreter(b"#!/usr/bin/python -u\nx"), ["/usr/bin/python", "-u"]);
        assert_eq!(interpreter(b"#!/usr/bin/env python3\n"), ["python3"]);
        assert!(interpreter(b"echo\n").is_empty());
    }

    #[test]
    fn collections_are_found_in_imports() {
        let text = b"from ansible_collections.community.general.plugins.module_utils.x import y\nimport ansible_collections.a.b.plugins\n";
        let found: Vec<_> = collections_of(text).into_iter().map(|(a, b)| format!("{a}.{b}")).collect();
        assert_eq!(found, ["a.b", "community.general"]);
    }
}
