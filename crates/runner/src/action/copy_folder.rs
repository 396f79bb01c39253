//! `copy` of a folder: its files, then its folders, then its links, each by a module of the target, as Ansible does it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use data::{Map, Value};

use super::copy::{send_file, send_packed};
use super::{ActionCall, PATH_ARGS};
use crate::options::PackedFile;
use crate::task::outcome::is_true;
use crate::trouble::Trouble;

/// What lies below a folder, by its path there.
#[derive(Default)]
struct Tree {
    /// Each with the file whose content it is.
    files: Vec<(PathBuf, PathBuf)>,
    folders: Vec<PathBuf>,
    /// Each with what the link says.
    links: Vec<(PathBuf, PathBuf)>,
}

/// A folder of the controller with all below it; `src/` sends its contents, `src` the folder itself.
///
/// # Errors
/// A file cannot be read, or the target cannot be reached.
pub(super) fn from_disk(call: &ActionCall<'_>, folder: &Path, src: &str, dest: &str) -> Result<Map, Trouble> {
    let mut tree = Tree::default();
    let base = if src.ends_with('/') {
        PathBuf::new()
    } else {
        PathBuf::from(folder.file_name().unwrap_or_default())
    };
    let follow = call.flag("local_follow").unwrap_or(true);
    tree.read(folder, &base, follow, &mut Vec::new())
        .map_err(|error| Trouble::raised(format!("could not read `{}`: {error}", folder.display())))?;
    let shown = format!("{}{}", folder.display(), if src.ends_with('/') { "/" } else { "" });
    send(call, &tree, &shown, dest, |name, from| send_file(call, from, name, &with_slash(dest)))
}

/// A folder of the run's archive.
///
/// # Errors
/// The target cannot be reached.
pub(super) fn from_archive(
    call: &ActionCall<'_>,
    files: &[(PathBuf, PackedFile)],
    src: &str,
    dest: &str,
) -> Result<Map, Trouble> {
    let name = Path::new(src).file_name().filter(|_| !src.ends_with('/')).unwrap_or_default();
    let mut tree = Tree::default();
    for (below, _) in files {
        let below = Path::new(name).join(below);
        let above =
            below.ancestors().skip(1).filter(|path| *path != Path::new("") && *path != Path::new(name));
        for folder in above.collect::<Vec<_>>().into_iter().rev() {
            if !tree.folders.iter().any(|known| known == folder) {
                tree.folders.push(folder.to_owned());
            }
        }
        tree.files.push((below.clone(), below));
    }
    send(call, &tree, src, dest, |shown, below| {
        match files.iter().find(|(path, _)| Path::new(name).join(path) == below) {
            Some((path, file)) => send_packed(call, file, path, shown, &with_slash(dest)),
            None => Err(Trouble::raised(format!("`{}` is not in the bundle", below.display()))),
        }
    })
}

impl Tree {
    /// Adds what lies in a folder. `above` are the folders it was reached through, so that a link back up ends.
    fn read(
        &mut self,
        folder: &Path,
        below: &Path,
        follow: bool,
        above: &mut Vec<PathBuf>,
    ) -> io::Result<()> {
        above.push(fs::canonicalize(folder)?);
        let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (path, name) = (entry.path(), below.join(entry.file_name()));
            let is_link = entry.file_type()?.is_symlink();
            let leads_up = is_link && fs::canonicalize(&path).is_ok_and(|real| above.contains(&real));
            if is_link && (!follow || !path.exists() || leads_up) {
                self.links.push((name, fs::read_link(&path)?));
            } else if path.is_dir() {
                self.folders.push(name.clone());
                self.read(&path, &name, follow, above)?;
            } else {
                self.files.push((name, path));
            }
        }
        above.pop();
        Ok(())
    }
}

/// Carries a tree over, until something fails.
fn send(
    call: &ActionCall<'_>,
    tree: &Tree,
    src: &str,
    dest: &str,
    send_one: impl Fn(&str, &Path) -> Result<Map, Trouble>,
) -> Result<Map, Trouble> {
    if call.ahead.is_some() {
        return Err(Trouble::raised("the action asks more than once"));
    }
    let (mut changed, mut last) = (false, Map::new());
    let mut note = |result: Map| -> Option<Map> {
        if is_true(&result, "failed") {
            return Some(result);
        }
        changed |= is_true(&result, "changed");
        last = result;
        None
    };
    for (name, from) in &tree.files {
        if let Some(failed) = note(send_one(&name.display().to_string(), from)?) {
            return Ok(failed);
        }
    }
    for name in &tree.folders {
        if let Some(failed) = note(make_folder(call, &Path::new(dest).join(name))?) {
            return Ok(failed);
        }
    }
    for (name, target) in &tree.links {
        if let Some(failed) =
            note(make_link(call, &Path::new(dest).join(name), target, !tree.folders.is_empty())?)
        {
            return Ok(failed);
        }
    }
    if tree.files.len() == 1 && !last.is_empty() {
        // Ansible tells the last module's result here, with the changes of that module only.
        if let (false, Some(path)) = (last.contains_key("dest"), last.get("path").cloned()) {
            last.insert("dest", path);
        }
        return Ok(last);
    }
    Ok(Map::from([("changed", Value::from(changed)), ("dest", with_slash(dest).into()), ("src", src.into())]))
}

fn with_slash(dest: &str) -> String {
    if dest.ends_with('/') { dest.to_owned() } else { format!("{dest}/") }
}

/// The arguments that a file, a folder and a link have in common.
fn common_args(call: &ActionCall<'_>) -> Map {
    PATH_ARGS.iter().filter_map(|name| Some((*name, call.args.get(*name)?.clone()))).collect()
}

fn make_folder(call: &ActionCall<'_>, path: &Path) -> Result<Map, Trouble> {
    let mut args = common_args(call);
    args.remove("mode");
    args.insert("path", path.display().to_string());
    args.insert("state", "directory");
    if let Some(mode) = call.args.get("directory_mode") {
        args.insert("mode", mode.clone());
    }
    call.module("file", args, Vec::new())
}

fn make_link(call: &ActionCall<'_>, path: &Path, target: &Path, in_tree: bool) -> Result<Map, Trouble> {
    let mut args = common_args(call);
    if args.get_str("mode") == Some("preserve") {
        args.remove("mode");
    }
    args.insert("path", path.display().to_string());
    args.insert("src", target.display().to_string());
    args.insert("state", "link");
    args.insert("force", true);
    if in_tree {
        args.insert("follow", false);
    }
    call.module("file", args, Vec::new())
}
