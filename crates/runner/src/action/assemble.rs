//! `assemble`: fragments of the controller joined into one file on the target.

use std::path::Path;

use data::{Map, Value};

use super::{ActionCall, copy};
use crate::connection::Content;
use crate::trouble::Trouble;

/// Joins the fragments here when `remote_src` is false; Ansible's default is that they lie on the target.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    if call.flag("remote_src").unwrap_or(true) {
        let mut args = call.args.clone();
        args.remove("remote_src");
        args.remove("decrypt");
        return call.module("assemble", args, Vec::new());
    }
    let Some(src) = call.text("src") else { return Err(Trouble::raised("src and dest are required")) };
    let folder = call.file("files", &src)?;
    if !folder.is_dir() {
        return Err(Trouble::raised(format!("Source ({}) is not a directory", folder.display())));
    }
    let joined = join(call, &folder)?;
    let mut args = call.args.clone();
    for of_action in ["src", "remote_src", "delimiter", "regexp", "ignore_hidden"] {
        args.remove(of_action);
    }
    let mut result = copy::send_content(call, Content::from_bytes(joined), args)?;
    // Here Ansible shows the content only, and not as a list.
    if let Some(Value::List(diffs)) = result.get("diff").cloned() {
        result.insert("diff", diffs.iter().next().cloned().unwrap_or(Value::Null));
    }
    Ok(result)
}

/// The fragments in the order of their names, the delimiter between them on lines of its own.
fn join(call: &ActionCall<'_>, folder: &Path) -> Result<Vec<u8>, Trouble> {
    let pattern = call.text("regexp").map(|regexp| data::pattern::Pattern::new(&regexp)).transpose();
    let pattern = pattern.map_err(|error| Trouble::raised(format!("Invalid Regexp: {error}")))?;
    let delimiter = call.text("delimiter").map(|text| text.replace("\\n", "\n").replace("\\t", "\t"));
    let hidden = call.flag("ignore_hidden").unwrap_or(false);
    let unreadable = |error: &dyn std::fmt::Display| {
        Trouble::raised(format!("could not read `{}`: {error}", folder.display()))
    };
    let mut joined: Vec<u8> = Vec::new();
    for path in data::fs::list(folder).map_err(|error| unreadable(&error))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let wanted = pattern.as_ref().is_none_or(|pattern| pattern.is_match(&name).unwrap_or(false));
        if !path.is_file() || !wanted || (hidden && name.starts_with('.')) {
            continue;
        }
        let fragment = std::fs::read(&path).map_err(|error| unreadable(&error))?;
        if let (Some(delimiter), false) = (&delimiter, joined.is_empty()) {
            if !joined.ends_with(b"\n") {
                joined.push(b'\n');
            }
            joined.extend(delimiter.as_bytes());
            if !delimiter.ends_with('\n') {
                joined.push(b'\n');
            }
        }
        joined.extend(fragment);
    }
    Ok(joined)
}
