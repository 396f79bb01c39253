//! `copy`: files, folders and text of the controller to the target.

use std::path::{Path, PathBuf};

use data::{Map, Value};
use modules::Sum;

use super::ActionCall;
use crate::connection::Content;
use crate::options::{Packed, PackedFile};
use crate::outcome::is_true;
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
        Some(Packed::File(file)) => return send_packed(call, &file, Path::new(&src), &dest),
        Some(Packed::Folder(files)) => return send_packed_folder(call, &files, &src, &dest),
        None => {}
    }
    let path = call.file("files", &src).map_err(unexpected)?;
    if path.is_dir() {
        send_folder(call, &path, src.ends_with('/'), &dest)
    } else {
        send_file(call, &path, &dest)
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
    send_content(call, Content::from_bytes(text.into_bytes()), args)
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
    content.begin_sum(Sum::Sha1);
    args.insert("_sums_follow", true);
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

fn send_file(call: &ActionCall<'_>, path: &Path, dest: &str) -> Result<Map, Trouble> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).map(|data| data.permissions().mode() & 0o7777).unwrap_or(0o644);
    send_named(call, content_of(call, path)?, mode, path, dest)
}

/// A file of the run's archive.
fn send_packed(call: &ActionCall<'_>, file: &PackedFile, path: &Path, dest: &str) -> Result<Map, Trouble> {
    send_named(call, file.content.clone(), file.mode, path, dest)
}

/// Content under its name at `dest`; `mode` is for `mode: preserve`.
fn send_named(
    call: &ActionCall<'_>,
    content: Content,
    mode: u32,
    path: &Path,
    dest: &str,
) -> Result<Map, Trouble> {
    let mut args = call.args.clone();
    args.remove("src");
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    args.insert("dest", if dest.ends_with('/') { format!("{dest}{name}") } else { dest.to_owned() });
    args.insert("_original_basename", name);
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

/// A folder with all below it; `src/` sends its contents, `src` the folder itself.
fn send_folder(
    call: &ActionCall<'_>,
    folder: &Path,
    contents_only: bool,
    dest: &str,
) -> Result<Map, Trouble> {
    let mut paths = Vec::new();
    walk(folder, Path::new(""), &mut paths)
        .map_err(|error| Trouble::raised(format!("could not read `{}`: {error}", folder.display())))?;
    let root = root_of(folder, contents_only, dest);
    send_all(call, &root, paths, dest, |below, target| send_file(call, &folder.join(below), target))
}

/// A folder of the run's archive; folders on the way are made before what is in them.
fn send_packed_folder(
    call: &ActionCall<'_>,
    files: &[(PathBuf, PackedFile)],
    src: &str,
    dest: &str,
) -> Result<Map, Trouble> {
    let mut paths: Vec<(PathBuf, bool)> = Vec::new();
    for (below, _) in files {
        let mut folders: Vec<&Path> =
            below.ancestors().skip(1).filter(|path| *path != Path::new("")).collect();
        folders.reverse();
        for folder in folders {
            if !paths.iter().any(|(path, _)| path == folder) {
                paths.push((folder.to_owned(), true));
            }
        }
        paths.push((below.clone(), false));
    }
    let root = root_of(Path::new(src.trim_end_matches('/')), src.ends_with('/'), dest);
    send_all(call, &root, paths, dest, |below, target| match files.iter().find(|(path, _)| path == below) {
        Some((path, file)) => send_packed(call, file, path, target),
        None => Err(Trouble::raised(format!("`{}` is not in the bundle", below.display()))),
    })
}

/// Where a folder's contents go.
fn root_of(folder: &Path, contents_only: bool, dest: &str) -> PathBuf {
    if contents_only {
        PathBuf::from(dest)
    } else {
        Path::new(dest).join(folder.file_name().unwrap_or_default())
    }
}

/// Makes folders (`true`) and sends files in order, until one fails.
fn send_all(
    call: &ActionCall<'_>,
    root: &Path,
    paths: Vec<(PathBuf, bool)>,
    dest: &str,
    send: impl Fn(&Path, &str) -> Result<Map, Trouble>,
) -> Result<Map, Trouble> {
    let mut changed = false;
    let mut diffs: Vec<Value> = Vec::new();
    for (below, is_folder) in std::iter::once((PathBuf::new(), true)).chain(paths) {
        let target = if below.as_os_str().is_empty() { root.to_owned() } else { root.join(&below) };
        let result = if is_folder {
            make_folder(call, &target)?
        } else {
            send(&below, &target.display().to_string())?
        };
        if is_true(&result, "failed") {
            return Ok(result);
        }
        changed |= is_true(&result, "changed");
        match result.get("diff") {
            Some(Value::List(list)) => diffs.extend(list.iter().cloned()),
            Some(Value::Null) | None => {}
            Some(other) => diffs.push(other.clone()),
        }
    }
    let mut result = Map::from([
        ("changed", Value::from(changed)),
        ("dest", dest.into()),
        ("src", call.args.get("src").cloned().unwrap_or(Value::Null)),
    ]);
    if call.keywords.diff && !diffs.is_empty() {
        result.insert("diff", diffs);
    }
    Ok(result)
}

fn make_folder(call: &ActionCall<'_>, target: &Path) -> Result<Map, Trouble> {
    let mut args =
        Map::from([("path", Value::from(target.display().to_string())), ("state", "directory".into())]);
    if let Some(mode) = call.args.get("directory_mode") {
        args.insert("mode", mode.clone());
    }
    for shared in ["owner", "group"] {
        if let Some(value) = call.args.get(shared) {
            args.insert(shared, value.clone());
        }
    }
    call.module("file", args, Vec::new())
}

/// Everything below a folder: folders before what is in them, names in order.
fn walk(folder: &Path, below: &Path, found: &mut Vec<(PathBuf, bool)>) -> std::io::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(folder.join(below))?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = below.join(entry.file_name());
        if folder.join(&path).is_dir() {
            found.push((path.clone(), true));
            walk(folder, &path, found)?;
        } else {
            found.push((path, false));
        }
    }
    Ok(())
}
