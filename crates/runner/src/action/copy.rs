//! `copy`: files, folders and text of the controller to the target.

use std::path::Path;

use data::{Map, Value};
use modules::Sum;

use super::{ActionCall, copy_folder};
use crate::connection::Content;
use crate::options::{Packed, PackedFile};
use crate::trouble::Trouble;

/// Sends what `src` or `content` name; with `remote_src` the module does all on the target.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let dest = call.text("dest").filter(|dest| !dest.is_empty());
    let (src, content) = (call.text("src").filter(|src| !src.is_empty()), call.args.get("content"));
    let problem = match (&src, content.is_some(), &dest) {
        (None, false, _) => Some("src (or content) is required"),
        (_, _, None) => Some("dest is required"),
        (Some(_), true, _) => Some("src and content are mutually exclusive"),
        (_, true, Some(dest)) if dest.ends_with('/') => Some("can not use content with a dir as dest"),
        _ => None,
    };
    if let Some(msg) = problem {
        return Err(Trouble::raised(msg));
    }
    let (Some(dest), args) = (dest, call.args.clone()) else {
        return Err(Trouble::raised("dest is required"));
    };
    if let Some(content) = content {
        return send_text(call, content, args);
    }
    let src = src.unwrap_or_default();
    if call.flag("remote_src").unwrap_or(false) {
        return call.module("copy", args, Vec::new());
    }
    match call.packed(&src)? {
        Some(Packed::File(file)) => {
            return send_packed(call, &file, Path::new(&src), &name_of(Path::new(&src)), &dest);
        }
        Some(Packed::Folder(files)) => return copy_folder::from_archive(call, &files, &src, &dest),
        None => {}
    }
    let path = call.file("files", &src).map_err(unexpected)?;
    if path.is_dir() {
        copy_folder::from_disk(call, &path, &src, &dest)
    } else {
        send_file(call, &path, &name_of(&path), &dest)
    }
}

/// Ansible's `copy` says so of a file that it cannot find.
fn unexpected(trouble: Trouble) -> Trouble {
    let msg = trouble.result.get_str("msg").unwrap_or_default();
    let msg = format!("Unexpected AnsibleActionFail error: {msg}");
    trouble.with("msg", msg)
}

/// `content`: text as it is, lists and mappings as JSON.
fn send_text(call: &ActionCall<'_>, content: &Value, mut args: Map) -> Result<Map, Trouble> {
    let text = match content {
        Value::List(_) | Value::Map(_) => data::json::write(content, &data::json::JsonStyle::default()),
        other => data::python::str(other),
    };
    args.remove("content");
    send_content(call, Content::from_bytes(data::python::bytes_of_text(&text)), args)
}

/// Runs the module with content; its hash stands in the arguments.
pub(super) fn send_content(call: &ActionCall<'_>, content: Content, mut args: Map) -> Result<Map, Trouble> {
    args.insert("content_blob", content.hex());
    for of_action in ["decrypt", "local_follow"] {
        args.remove(of_action);
    }
    if !content.has_sums_here() {
        return call.only_module("copy", args, vec![content]);
    }
    args.insert("_sums_follow", true);
    if !call.is_looked_at() {
        return call.only_module("copy", args, vec![content]);
    }
    content.begin_sum(Sum::Sha1);
    let content = content.with_sums();
    let mut result = call.only_module("copy", args, vec![content.clone()])?;
    for sum in [Sum::Sha1, Sum::Md5] {
        if result.get(sum.field()).is_some_and(Value::is_null) {
            let found = content.sum(sum);
            result.insert(
                sum.field(),
                found.map_err(|error| Trouble::failed(format!("could not read the file again: {error}")))?,
            );
        }
    }
    Ok(result)
}

/// The file's own name.
fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A file of the controller; `name` is what it is called below `dest`.
pub(super) fn send_file(call: &ActionCall<'_>, path: &Path, name: &str, dest: &str) -> Result<Map, Trouble> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).map(|data| data.permissions().mode() & 0o7777).unwrap_or(0o644);
    send_named(call, content_of(call, path)?, mode, path, name, dest)
}

/// A file of the run's archive.
pub(super) fn send_packed(
    call: &ActionCall<'_>,
    file: &PackedFile,
    path: &Path,
    name: &str,
    dest: &str,
) -> Result<Map, Trouble> {
    send_named(call, file.content.clone(), file.mode, path, name, dest)
}

/// Content under its name at `dest`; `mode` is for `mode: preserve`.
fn send_named(
    call: &ActionCall<'_>,
    content: Content,
    mode: u32,
    path: &Path,
    name: &str,
    dest: &str,
) -> Result<Map, Trouble> {
    let mut args = call.args.clone();
    args.remove("src");
    args.insert("dest", dest);
    args.insert("_original_basename", name);
    args.insert("_source", path.display().to_string());
    if args.get_str("mode") == Some("preserve") {
        args.insert("mode", format!("{mode:04o}"));
    }
    send_content(call, content, args)
}

/// The bytes of a file, decrypted when it is a vault envelope and `decrypt` does not say no.
pub(super) fn content_of(call: &ActionCall<'_>, path: &Path) -> Result<Content, Trouble> {
    let unreadable =
        |error: std::io::Error| Trouble::raised(format!("could not read `{}`: {error}", path.display()));
    if call.flag("decrypt").unwrap_or(true) && is_vault(path).map_err(unreadable)? {
        let source =
            call.job.shared.options.reader.read(path).map_err(|error| Trouble::raised(error.to_string()))?;
        return Ok(Content::from_bytes(source.text().as_bytes()));
    }
    Content::from_file(path).map_err(unreadable)
}

fn is_vault(path: &Path) -> std::io::Result<bool> {
    use std::io::Read;
    let mut start = [0u8; 14];
    let read = std::fs::File::open(path)?.take(14).read(&mut start)?;
    Ok(start[..read].starts_with(b"$ANSIBLE_VAULT"))
}
