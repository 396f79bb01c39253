//! Modules that are no part of taskbox, run on the target as Ansible runs them. Only such modules may need Python there.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use data::{Map, Value};

use super::ActionCall;
use crate::connection::Content;
use crate::module::file::{self, ModuleFile, Style};
use crate::task::finalized::shown;
use crate::trouble::Trouble;

/// Libraries that were packed before, by the module's path: the same for all hosts.
static LIBRARIES: Mutex<Option<HashMap<PathBuf, Content>>> = Mutex::new(None);
/// Modules that the user was told about.
static TOLD: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Runs the module of this file.
///
/// # Errors
/// It cannot be read or run, or the target cannot be reached.
pub(super) fn run(call: &ActionCall<'_>, file: &ModuleFile) -> Result<Map, Trouble> {
    let unreadable =
        |error: std::io::Error| Trouble::raised(format!("could not read `{}`: {error}", file.path.display()));
    let content = std::fs::read(&file.path).map_err(unreadable)?;
    let style = Style::of(&content);
    if style == Style::PowerShell {
        return Err(Trouble::raised(format!(
            "the module `{}` is for Windows hosts, which taskbox does not reach",
            call.name
        )));
    }
    let interpreter = interpreter(call, style, &content)?;
    let module = Content::from_bytes(content);
    let mut args = Map::from([
        ("module", Value::from(call.name.as_str())),
        ("style", style.word().into()),
        ("content_blob", module.hex().into()),
        ("interpreter", interpreter.into_iter().map(Value::from).collect()),
        ("arguments", call.args.clone().into()),
    ]);
    let mut contents = vec![module];
    if style == Style::Python {
        let library = library(call, file)?;
        args.insert("library_blob", library.hex());
        if let Some(package) = &file.package {
            args.insert("package", package.as_str());
        }
        contents.push(library);
    }
    let mut result = call.module("taskbox.core.foreign_module", args, contents)?;
    if TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(file.path.clone()) {
        notice(&mut result, call, &file.path);
    }
    Ok(result)
}

/// Says once that the module is not ours.
fn notice(result: &mut Map, call: &ActionCall<'_>, path: &Path) {
    let text = format!(
        "the module `{}` is not built in: {} was run on the host as Ansible runs it",
        call.name,
        path.display()
    );
    let known = result.get("warnings").and_then(Value::as_list).cloned().unwrap_or_default();
    result.insert("warnings", known.into_iter().chain([Value::from(text)]).collect::<Value>());
}

/// What runs the file: the variable `ansible_NAME_interpreter` for the program of its first line, else that program. A Python is the host's
/// own unless the variable says which.
fn interpreter(call: &ActionCall<'_>, style: Style, content: &[u8]) -> Result<Vec<String>, Trouble> {
    let mut words = file::interpreter(content);
    if words.is_empty() && style == Style::Python {
        words.push("python".to_owned());
    }
    let Some(first) = words.first_mut() else { return Ok(words) };
    let name = first.rsplit('/').next().unwrap_or_default();
    let is_python =
        name.starts_with("python") && name["python".len()..].chars().all(|c| c.is_ascii_digit() || c == '.');
    let name = if is_python { "python" } else { name };
    let variable =
        call.target_scope().variable(&format!("ansible_{name}_interpreter")).map_err(Trouble::template)?;
    match variable.as_ref().and_then(shown) {
        Some(path) if !path.starts_with("auto") => *first = path,
        _ if is_python => *first = "python".to_owned(),
        _ => {}
    }
    Ok(words)
}

/// The archive of what a Python module imports.
fn library(call: &ActionCall<'_>, file: &ModuleFile) -> Result<Content, Trouble> {
    let mut libraries = LIBRARIES.lock().unwrap_or_else(PoisonError::into_inner);
    let libraries = libraries.get_or_insert_with(HashMap::new);
    if let Some(known) = libraries.get(&file.path) {
        return Ok(known.clone());
    }
    let core = file::python_libraries().into_iter().next().ok_or_else(|| {
        let near = super::nearest(&call.name).map(|near| format!(" The nearest module that is built in is `{near}`."));
        Trouble::raised(format!(
            "the module `{}` ({}) imports Ansible's Python library, which taskbox has no copy of and did not find on this machine: \
             install ansible-core here (it is only read), or use a module that is built in.{}",
            call.name,
            file.path.display(),
            near.unwrap_or_default()
        ))
    })?;
    let failed = |error: std::io::Error| {
        Trouble::raised(format!("could not pack the imports of `{}`: {error}", call.name))
    };
    let files = file::imports(file, &core).map_err(failed)?;
    let packed = modules::zip_of(files.iter().map(|(name, content)| (name.as_str(), content.as_slice())));
    let content = Content::from_bytes(packed.map_err(failed)?);
    libraries.insert(file.path.clone(), content.clone());
    Ok(content)
}
