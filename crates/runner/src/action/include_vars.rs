//! `include_vars`: variables of files, for the rest of the play.

use std::path::{Path, PathBuf};

use data::{Map, Value};

use super::ActionCall;
use crate::task::finalized::shown;
use crate::trouble::Trouble;
use crate::variables::vars_file;

pub(super) const ARGS: &[&str] = &[
    "file",
    "dir",
    "name",
    "depth",
    "files_matching",
    "ignore_files",
    "ignore_unknown_extensions",
    "extensions",
    "hash_behaviour",
];

/// Reads `file`, or all files of `dir`.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let file = call.raw().or_else(|| call.text("file")).filter(|file| !file.is_empty());
    let mut vars = Map::new();
    let mut read = Vec::new();
    match (call.text("dir"), file) {
        (Some(_), Some(_)) => return Err(Trouble::failed("You are mixing file only and dir only arguments")),
        (Some(dir), None) => {
            for path in files_of(call, &folder(call, &dir)?)? {
                vars.extend_from(&variables(call, &path)?);
                read.push(path);
            }
        }
        (None, Some(file)) => {
            let found = call.scope.search().find("vars", file.trim());
            let path = found.ok_or_else(|| unreadable(call.not_found("vars", file.trim())))?;
            vars = variables(call, &path)?;
            read.push(path);
        }
        (None, None) => return Err(Trouble::failed("No arguments were given")),
    }
    // The content of a vaulted file is shown nowhere.
    let reader = &call.job.shared.options.reader;
    let hidden = read.iter().any(|path| reader.read(path).is_ok_and(|source| source.is_secret()));
    if let Some(name) = call.text("name") {
        vars = Map::from([(name, Value::Map(vars))]);
    }
    Ok(Map::from([
        ("_ansible_no_log", hidden.into()),
        ("ansible_facts", Value::Map(vars)),
        (
            "ansible_included_var_files",
            read.iter().map(|path| Value::from(path.display().to_string())).collect(),
        ),
        ("changed", false.into()),
    ]))
}

/// Ansible tells in `message` why nothing could be included; `msg` does not know.
fn unreadable(message: String) -> Trouble {
    Trouble::failed("Task failed: Action failed: Unknown error.")
        .with("ansible_facts", Map::new())
        .with("ansible_included_var_files", Value::List(data::List::default()))
        .with("message", message)
}

fn variables(call: &ActionCall<'_>, path: &Path) -> Result<Map, Trouble> {
    vars_file::read(path, &call.job.shared, false).map_err(|findings| {
        let msg = findings.first().map_or_else(String::new, |finding| finding.title.clone());
        Trouble { findings, ..Trouble::failed(msg) }
    })
}

/// A folder: in the role's `vars/`, or beside the file of the task.
fn folder(call: &ActionCall<'_>, dir: &str) -> Result<PathBuf, Trouble> {
    let around = &call.job.task.enclosing;
    let base = match &around.role {
        // A folder that already begins with `vars` is one of the role's.
        Some(role) if Path::new(dir).starts_with("vars") => role.path.clone(),
        Some(role) => role.path.join("vars"),
        None => around
            .files()
            .next()
            .and_then(|file| file.parent())
            .unwrap_or(&call.scope.play.play.base_dir)
            .to_path_buf(),
    };
    let path = base.join(dir);
    if path.is_dir() {
        Ok(path)
    } else {
        Err(Trouble::failed(format!("{} directory does not exist", path.display())))
    }
}

/// The files of a folder that the options let in, by folder and name.
fn files_of(call: &ActionCall<'_>, folder: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let depth = call.number("depth")?.unwrap_or(0.0) as usize;
    let matching =
        call.text("files_matching").map(|pattern| data::pattern::Pattern::new(&pattern)).transpose();
    let matching = matching.map_err(|error| Trouble::failed(error.to_string()))?;
    let ignored = words(call.args.get("ignore_files"));
    let extensions = match words(call.args.get("extensions")) {
        list if list.is_empty() => vec!["yaml".to_owned(), "yml".into(), "json".into()],
        list => list,
    };
    let lenient = call.flag("ignore_unknown_extensions").unwrap_or(false);
    let mut files = Vec::new();
    collect(folder, 1, depth, &mut files)
        .map_err(|error| Trouble::failed(format!("could not read `{}`: {error}", folder.display())))?;
    let mut chosen = Vec::new();
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if matching.as_ref().is_some_and(|pattern| !pattern.is_match(&name).unwrap_or(false))
            || ignored.contains(&name)
        {
            continue;
        }
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        if extensions.contains(&extension) {
            chosen.push(path);
        } else if !lenient {
            return Err(unreadable(format!(
                "{} does not have a valid extension: {}",
                path.display(),
                extensions.join(", ")
            )));
        }
    }
    Ok(chosen)
}

fn collect(folder: &Path, level: usize, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    let (folders, plain): (Vec<_>, Vec<_>) = entries.into_iter().partition(|path| path.is_dir());
    files.extend(plain);
    if depth == 0 || level < depth {
        folders.iter().try_for_each(|below| collect(below, level + 1, depth, files))?;
    }
    Ok(())
}

fn words(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::List(list)) => list.iter().filter_map(shown).collect(),
        Some(Value::Str(text)) => text.split_whitespace().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
