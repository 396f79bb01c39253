//! `synchronize`: a tree between the controller and the target, over the task's own connection.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data::{Map, Value};
use modules::{BlobStore, Cancel, RunRequest, run_local_with};

use super::ActionCall;
use crate::connection::Content;
use crate::task::outcome::is_true;
use crate::trouble::Trouble;

/// How much content goes along in one request.
const BATCH: u64 = 8 * 1024 * 1024;
/// How many files go along in one request.
const BATCH_FILES: usize = 200;

/// Arguments of Ansible's module that mean something to rsync and SSH only.
const REFUSED: [&str; 5] = ["dest_port", "link_dest", "private_key", "rsync_path", "_local_rsync_path"];

/// Lists the source, asks the target what differs, sends that, and sets the rest.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    if let Some(name) = REFUSED.into_iter().find(|name| call.args.get(*name).is_some()) {
        return Err(Trouble::failed(format!(
            "synchronize: `{name}` is not supported: the tree goes over the task's own connection, not through rsync"
        )));
    }
    let (Some(src), Some(dest)) = (call.text("src"), call.text("dest")) else {
        return Err(Trouble::failed("synchronize requires both src and dest parameters are set"));
    };
    if let Some(address) =
        [&src, &dest].into_iter().find(|path| path.starts_with("rsync:") || path.contains("::"))
    {
        return Err(Trouble::failed(format!(
            "synchronize: `{address}` is an address of an rsync server, which is not supported"
        )));
    }
    match &call.keywords.delegate_to {
        // The tree is copied within the host.
        Some(host) if **host == *call.job.host => {
            return call.module("synchronize", call.args.clone(), Vec::new());
        }
        Some(host) => {
            return Err(Trouble::failed(format!(
                "synchronize with `delegate_to: {host}` is not supported: trees go between the controller and a host, or within one host"
            )));
        }
        None => {}
    }
    if call.text("mode").as_deref() == Some("pull") {
        pull(call, &src, &dest)
    } else {
        push(call, &src, &dest)
    }
}

/// A path of the controller; a slash at its end stays.
fn local(call: &ActionCall<'_>, path: &str, must_exist: bool) -> Result<String, Trouble> {
    let found = if must_exist && !path.starts_with('~') {
        call.file("files", path.trim_end_matches('/'))?
    } else {
        match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
            (Some(rest), Some(home)) => Path::new(&home).join(rest),
            _ => call.scope.play.play.base_dir.join(path),
        }
    };
    let slash = if path.ends_with('/') && !found.to_string_lossy().ends_with('/') { "/" } else { "" };
    Ok(format!("{}{slash}", found.display()))
}

fn arguments(call: &ActionCall<'_>, src: &str, dest: &str, phase: &str, entries: Option<&[Value]>) -> Map {
    let mut args = call.args.clone();
    args.insert("src", src);
    args.insert("dest", dest);
    args.insert("_phase", phase);
    if let Some(entries) = entries {
        args.insert("_entries", entries.to_vec());
    }
    args
}

/// Runs the module on the controller.
fn here(args: Map, blobs: Arc<BlobStore>) -> Result<Map, Trouble> {
    good(run_local_with(&RunRequest::new("synchronize", args), blobs, Cancel::default(), Box::new(|_| {})))
}

fn good(result: Map) -> Result<Map, Trouble> {
    if is_true(&result, "failed") { Err(Trouble { result, ..Trouble::failed("") }) } else { Ok(result) }
}

fn list_in(result: &Map, name: &str) -> Vec<Value> {
    result.get(name).and_then(Value::as_list).map(|list| list.to_vec()).unwrap_or_default()
}

fn path_of(entry: &Value) -> &str {
    entry.get("path").and_then(Value::as_str).unwrap_or_default()
}

/// The root that paths of entries are below.
fn root(src: &str) -> PathBuf {
    let path = Path::new(src);
    if src.ends_with('/') { path.to_owned() } else { path.parent().unwrap_or(path).to_owned() }
}

fn push(call: &ActionCall<'_>, src: &str, dest: &str) -> Result<Map, Trouble> {
    let src = local(call, src, true)?;
    let root = root(&src);
    let unreadable = |path: &Path, error: &std::io::Error| {
        Trouble::failed(format!("could not read `{}`: {error}", path.display()))
    };
    let listed = here(arguments(call, &src, dest, "list", None), Arc::default())?;
    let mut entries = list_in(&listed, "entries");
    if call.flag("checksum").unwrap_or(false) {
        for entry in &mut entries {
            let path = root.join(path_of(entry));
            if entry.get("kind").and_then(Value::as_str) == Some("file") {
                let content = Content::from_file(&path).map_err(|error| unreadable(&path, &error))?;
                set_hash(entry, &content.hex());
            }
        }
    }
    let plan =
        good(call.module("synchronize", arguments(call, &src, dest, "plan", Some(&entries)), Vec::new())?)?;
    if !call.keywords.check {
        let (needed, mut batch) = (needed(&plan), Batch::default());
        for mut entry in chosen(&entries, &plan) {
            if needed.contains(path_of(&entry)) {
                let path = root.join(path_of(&entry));
                let content = Content::from_file(&path).map_err(|error| unreadable(&path, &error))?;
                set_hash(&mut entry, &content.hex());
                batch.size += content.size();
                batch.contents.push(content);
            }
            batch.entries.push(entry);
            if batch.is_full() {
                batch.send(call, &src, dest)?;
            }
        }
        batch.send(call, &src, dest)?;
        good(call.module(
            "synchronize",
            arguments(call, &src, dest, "finish", Some(&entries)),
            Vec::new(),
        )?)?;
    }
    Ok(told(plan))
}

fn pull(call: &ActionCall<'_>, src: &str, dest: &str) -> Result<Map, Trouble> {
    let dest = local(call, dest, false)?;
    let root = root(src);
    let listed = good(call.module("synchronize", arguments(call, src, &dest, "list", None), Vec::new())?)?;
    let entries = list_in(&listed, "entries");
    if call.flag("checksum").unwrap_or(false) {
        return Err(Trouble::failed(
            "synchronize: `checksum` with `mode: pull` is not supported; sizes and times are compared",
        ));
    }
    let plan = here(arguments(call, src, &dest, "plan", Some(&entries)), Arc::default())?;
    if !call.keywords.check {
        let needed = needed(&plan);
        let (connection, become_as) = call.connection()?;
        let folder = tempfile::tempdir()
            .map_err(|error| Trouble::failed(format!("no place for what is fetched: {error}")))?;
        for mut entry in chosen(&entries, &plan) {
            let blobs = Arc::new(BlobStore::default());
            if needed.contains(path_of(&entry)) {
                let path = folder.path().join("content");
                let mut file = std::fs::File::create(&path).map_err(|error| {
                    Trouble::failed(format!("could not write `{}`: {error}", path.display()))
                })?;
                let from = root.join(path_of(&entry)).display().to_string();
                let fetched = connection.fetch(&from, become_as.as_ref(), &mut file)?;
                let hash = modules::hex::encode(&fetched.sha256);
                blobs.lend(&hash, path);
                set_hash(&mut entry, &hash);
            }
            here(arguments(call, src, &dest, "put", Some(&[entry])), blobs)?;
        }
        here(arguments(call, src, &dest, "finish", Some(&entries)), Arc::default())?;
    }
    Ok(told(plan))
}

/// What goes along in the next request.
#[derive(Default)]
struct Batch {
    entries: Vec<Value>,
    contents: Vec<Content>,
    size: u64,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.size >= BATCH || self.entries.len() >= BATCH_FILES
    }

    fn send(&mut self, call: &ActionCall<'_>, src: &str, dest: &str) -> Result<(), Trouble> {
        if self.entries.is_empty() {
            return Ok(());
        }
        let Self { entries, contents, .. } = std::mem::take(self);
        // Two files with the same content need it once.
        let once: HashMap<String, Content> =
            contents.into_iter().map(|content| (content.hex(), content)).collect();
        let contents = once.into_values().collect();
        good(call.module("synchronize", arguments(call, src, dest, "put", Some(&entries)), contents)?)
            .map(drop)
    }
}

fn set_hash(entry: &mut Value, hash: &str) {
    if let Value::Map(map) = entry {
        map.insert("hash", hash);
    }
}

/// The paths whose content must travel.
fn needed(plan: &Map) -> HashSet<String> {
    list_in(plan, "needed").iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The entries that the plan touches, in the source's order.
fn chosen(entries: &[Value], plan: &Map) -> Vec<Value> {
    let touched = list_in(plan, "touched");
    let touched: HashSet<&str> = touched.iter().filter_map(Value::as_str).collect();
    entries.iter().filter(|entry| touched.contains(path_of(entry))).cloned().collect()
}

/// The plan as the task's result.
fn told(mut plan: Map) -> Map {
    for of_phase in ["needed", "touched", "invocation"] {
        plan.remove(of_phase);
    }
    plan
}
