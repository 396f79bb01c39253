//! Lookups that read files: `file`, `fileglob`, `first_found`, `template`, `unvault`.

use std::path::PathBuf;
use std::sync::Arc;

use data::Source;

use crate::error::{ErrorKind, TemplateError};
use crate::lookups::{Lookup, Request};
use crate::settings::{FileOptions, Syntax};
use crate::val::{Res, Val, fail};

pub(crate) const LOOKUPS: &[Lookup] = &[
    Lookup::new("file", file),
    Lookup::new("fileglob", fileglob),
    Lookup::lenient("first_found", first_found),
    Lookup::new("template", template),
    Lookup::new("unvault", unvault),
];

/// A file along the task's search path.
pub(crate) fn find(request: &Request<'_, '_>, subdir: &str, name: &str) -> Option<PathBuf> {
    request.ev.ctx.search.find(subdir, name)
}

/// The text of a file; a vaulted one is opened.
pub(crate) fn read(request: &Request<'_, '_>, path: &PathBuf) -> Res<String> {
    let failed = |message: String| TemplateError::new(ErrorKind::Operation(message));
    let source = data::fs::read_source(path).map_err(|error| failed(error.to_string()))?;
    if data::vault::is_envelope(source.text()) {
        let Some(secrets) = request.ev.ctx.secrets else {
            return fail(format!("`{}` is vaulted and no vault password is given", path.display()));
        };
        let opened = data::vault::open(&source, secrets).map_err(|error| failed(error.to_string()))?;
        return Ok(opened.text().to_owned());
    }
    Ok(source.text().to_owned())
}

fn file(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let (lstrip, rstrip) = (request.flag("lstrip", false)?, request.flag("rstrip", true)?);
    let mut found = Vec::new();
    for term in request.text_terms()? {
        let Some(path) = find(request, "files", &term) else {
            return fail(format!(
                "Unable to access the file '{term}': File not found. Use -vvvvv to see paths searched."
            ));
        };
        let text = read(request, &path)?;
        let text = if lstrip { text.trim_start() } else { &text };
        found.push(Val::from(if rstrip { text.trim_end() } else { text }));
    }
    Ok(found)
}

fn unvault(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let mut found = Vec::new();
    for term in request.text_terms()? {
        let Some(path) = find(request, "files", &term) else {
            return fail(format!("Unable to find file matching \"{term}\""));
        };
        found.push(Val::from(read(request, &path)?));
    }
    Ok(found)
}

fn fileglob(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let mut found = Vec::new();
    for term in request.text_terms()? {
        let (dir, name) =
            term.rsplit_once('/').map_or((None, term.as_str()), |(dir, name)| (Some(dir), name));
        let dirs: Vec<PathBuf> = match dir {
            Some("") => vec![PathBuf::from("/")],
            Some(dir) => find(request, "files", dir).into_iter().collect(),
            None => {
                request.ev.ctx.search.dirs().iter().flat_map(|dir| [dir.join("files"), dir.clone()]).collect()
            }
        };
        for dir in dirs {
            let files = matching_files(&dir.join(name).to_string_lossy());
            if !files.is_empty() {
                found.extend(files);
                break;
            }
        }
    }
    Ok(found)
}

/// The files that a pattern finds, in order; folders are left out.
pub(crate) fn matching_files(pattern: &str) -> Vec<Val> {
    let files = data::glob(pattern).into_iter().filter(|path| path.is_file());
    let mut names: Vec<String> = files.filter_map(|path| path.into_os_string().into_string().ok()).collect();
    names.sort();
    names.into_iter().map(Val::from).collect()
}

/// The names in a text, split as Ansible still does.
fn names(request: &Request<'_, '_>, value: &Val, splitters: &[char]) -> Res<Vec<String>> {
    let mut found = Vec::new();
    match value {
        Val::Str(text) => found.extend(text.split(splitters).map(str::to_owned)),
        Val::List(_) | Val::Tuple(_) => {
            for item in request.ev.items(value)? {
                found.extend(names(request, &item, splitters)?);
            }
        }
        other => found.push(request.ev.text(other)?),
    }
    Ok(found)
}

/// The names to look for, in order, and whether finding none is fine.
fn candidates(
    request: &Request<'_, '_>,
    term: &Val,
    paths: Option<&Val>,
    skip: &mut bool,
) -> Res<Vec<String>> {
    let ev = request.ev;
    let (files, paths) = if let Some(config) = ev.mapping(term)? {
        if let Some(flag) = config.get_str(ev, "skip")? {
            *skip = flag.truth()?;
        }
        (config.get_str(ev, "files")?.unwrap_or_else(|| Val::list(Vec::new())), config.get_str(ev, "paths")?)
    } else {
        match term {
            Val::Str(_) => (term.clone(), paths.cloned()),
            Val::List(_) | Val::Tuple(_) => {
                let mut all = Vec::new();
                for item in ev.items(term)? {
                    all.extend(candidates(request, &item, paths, skip)?);
                }
                return Ok(all);
            }
            other => {
                let kind = other.type_name();
                return fail(format!(
                    "Invalid term supplied. A string, dict or list is required, not '{kind}'."
                ));
            }
        }
    };
    let files = names(request, &files, &[',', ';'])?;
    let paths = match paths {
        Some(paths) => names(request, &paths, &[',', ':', ';'])?,
        None => Vec::new(),
    };
    if paths.is_empty() {
        return Ok(files);
    }
    let join = |path: &String, file: &String| PathBuf::from(path).join(file).display().to_string();
    Ok(paths.iter().flat_map(|path| files.iter().map(move |file| join(path, file))).collect())
}

fn first_found(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    request.options.check()?;
    for term in &request.terms {
        term.check()?;
    }
    let mut skip = request.flag("skip", false)?;
    let (files, paths) = (request.option("files")?, request.option("paths")?);
    if request.terms.is_empty() {
        request.terms = files.into_iter().collect();
    }
    let mut all = Vec::new();
    for term in &request.terms {
        all.extend(candidates(request, term, paths.as_ref(), &mut skip)?);
    }
    let subdir = first_found_subdir(request);
    for name in all {
        if let Some(path) = find(request, subdir, &name) {
            return Ok(vec![Val::from(clean(&path))]);
        }
    }
    if skip { Ok(Vec::new()) } else { fail("No file was found when using first_found.") }
}

/// The subfolder that `first_found` looks into: as `with_first_found` the one that the action's name speaks of, as a lookup none.
fn first_found_subdir(request: &Request<'_, '_>) -> &'static str {
    if !request.as_with {
        return "";
    }
    let action = request.ev.ctx.host.and_then(|host| host.action()).unwrap_or_default();
    let named =
        [("template", "templates"), ("var", "vars")].into_iter().find(|(word, _)| action.contains(word));
    named.map_or("files", |(_, subdir)| subdir)
}

/// The absolute path without `.` and `..`.
fn clean(path: &PathBuf) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
    crate::filters::normpath(&path.display().to_string())
}

fn template(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let mut syntax = Syntax::default();
    let mut set = |name: &str, slot: fn(&mut Syntax) -> &mut Arc<str>| -> Res<()> {
        if let Some(text) = request.text(name)? {
            *slot(&mut syntax) = text.into();
        }
        Ok(())
    };
    set("variable_start_string", |syntax| &mut syntax.variable.0)?;
    set("variable_end_string", |syntax| &mut syntax.variable.1)?;
    set("comment_start_string", |syntax| &mut syntax.comment.0)?;
    set("comment_end_string", |syntax| &mut syntax.comment.1)?;
    syntax.trim_blocks = request.flag("trim_blocks", true)?;
    let _ = request.flag("convert_data", true)?;
    let extra = match request.option("template_vars")? {
        Some(vars) => request.ev.mapping(&vars)?,
        None => None,
    };
    request.finish()?;
    let options = FileOptions { syntax, ..FileOptions::default() };
    let mut found = Vec::new();
    for term in request.text_terms()? {
        let Some(path) = find(request, "templates", &term) else {
            request.ev.warn(&format!("Unable to find '{term}' in expected paths (use -vvvvv to see paths)"));
            return fail(format!("the template file {term} could not be found for the lookup"));
        };
        let source = Source::new(path.display().to_string(), read(request, &path)?);
        if source.text().is_empty() {
            // An empty file is empty text, although a template that prints nothing is `None`.
            found.push(Val::from(""));
            continue;
        }
        let mut vars: Vec<(String, Val)> = Vec::new();
        if let Some(extra) = &extra {
            for (key, value) in extra.entries(request.ev)? {
                vars.push((key.to_string(), value));
            }
        }
        for (name, value) in crate::template_vars(&term, &path, None).iter() {
            vars.push((name.to_string(), request.plain(value)?));
        }
        let options = FileOptions { dated: Some(path), ..options.clone() };
        found.push(request.ev.render_source(&source, &options, vars, request.scope)?);
    }
    Ok(found)
}
