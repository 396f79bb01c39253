//! Ours against what ansible-core was recorded to do: every field of every result, in check mode, for real and again, and the files left.
//!
//! `oracle/record.py` makes the recording; `oracle/recorded.json` says of which version. What cannot be equal is listed in [`IGNORED`].

#![allow(clippy::unwrap_used, reason = "the functions beside the test are test code too")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use data::json::{self, JsonStyle};
use data::{Map, Value};
use taskbox_modules::{RunRequest, run_local};

/// Fields that no two runs have in common, whoever runs them, and those that tell of the machine and the user of the recording.
const IGNORED: &[&str] = &[
    // Arguments come back with every default and alias.
    "invocation",
    "deprecations",
    "exception",
    // Times and numbers of this machine.
    "start",
    "end",
    "delta",
    "atime",
    "mtime",
    "ctime",
    "inode",
    "dev",
    "blocks",
    "block_size",
    "device_type",
    "secontext",
    // Sizes of folders are the file system's; those of files are in the content.
    "size",
    // The user of the recording.
    "uid",
    "gid",
    "owner",
    "group",
    "pw_name",
    "gr_name",
];

/// Where ours differs on purpose; each with the reason.
const DELIBERATE: &[(&str, &str)] = &[
    // Ours says what Ansible's shows in its log only: which rule is broken, or which word is near.
    ("argument_errors", "all mistakes at once"),
    // Ansible's module shows none when it copies on the host, and assembles.
    ("diff", "one more than Ansible's"),
    // The rest of a failed check by a program.
    ("exit_status", "the program's own words"),
    ("stdout", "the program's own words"),
    ("stderr", "the program's own words"),
];

#[test]
fn results_and_files_are_ansibles() {
    let cases = read("cases.json");
    let recorded = read("recorded.json");
    let mut wrong = Vec::new();
    for case in cases.as_list().unwrap() {
        let name = case.get("name").and_then(Value::as_str).unwrap();
        let expected = recorded
            .get("cases")
            .and_then(|all| all.get(name))
            .expect("record.py was run after the last change of cases.json");
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path(), case.get("before").and_then(Value::as_map).unwrap());
        for (step, check) in [("check", true), ("first", false), ("again", false)] {
            let ours = run(folder.path(), case, check);
            compare(&format!("{name}, {step}"), expected.get(step).unwrap(), &ours, &mut wrong);
        }
        let left = Value::Map(tree(folder.path()));
        if Some(&left) != expected.get("tree") {
            wrong.push(format!(
                "{name}, files: {} instead of {}",
                show(&left),
                show(expected.get("tree").unwrap())
            ));
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(name);
    json::parse(&fs::read_to_string(path).unwrap()).unwrap()
}

fn show(value: &Value) -> String {
    json::write(value, &JsonStyle::default().sorted())
}

fn prepare(folder: &Path, before: &Map) {
    for (name, content) in before {
        let path = folder.join(name.to_string());
        match content {
            Value::Null => {
                fs::create_dir_all(&path).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            }
            Value::Str(text) => {
                fs::write(&path, text.as_str()).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            }
            link => symlink(link.get("link").and_then(Value::as_str).unwrap(), &path).unwrap(),
        }
    }
}

fn replace(value: &Value, old: &str, new: &str) -> Value {
    match value {
        Value::Str(text) => Value::from(text.replace(old, new)),
        Value::List(items) => items.iter().map(|item| replace(item, old, new)).collect(),
        Value::Map(map) => Value::Map(
            map.iter()
                .map(|(key, item)| (key.to_string().replace(old, new), replace(item, old, new)))
                .collect(),
        ),
        other => other.clone(),
    }
}

fn run(folder: &Path, case: &Value, check: bool) -> Value {
    let base = folder.to_str().unwrap();
    let args = replace(case.get("args").unwrap(), "@", base).as_map().unwrap().clone();
    let module = case.get("module").and_then(Value::as_str).unwrap();
    let request = RunRequest { check, diff: true, ..RunRequest::new(module, args) };
    replace(&Value::Map(run_local(&request)), base, "@")
}

fn compare(place: &str, expected: &Value, ours: &Value, wrong: &mut Vec<String>) {
    let (expected, ours) = (plain(expected), plain(ours));
    let (Value::Map(expected), Value::Map(ours)) = (&expected, &ours) else {
        panic!("{place}: a result is a dictionary")
    };
    for (key, value) in expected {
        let key = key.to_string();
        match ours.get(key.as_str()) {
            Some(found) if found == value => {}
            Some(found) => {
                wrong.push(format!("{place}: {key} is {} instead of {}", show(found), show(value)))
            }
            None => wrong.push(format!("{place}: {key} is missing, should be {}", show(value))),
        }
    }
    for key in ours.keys().map(ToString::to_string) {
        if !expected.contains_key(key.as_str()) && !DELIBERATE.iter().any(|(name, _)| *name == key) {
            wrong.push(format!("{place}: {key} is too much: {}", show(ours.get(key.as_str()).unwrap())));
        }
    }
}

/// Without what cannot be equal, at any depth.
fn plain(value: &Value) -> Value {
    match value {
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Map(map) => {
            let kept = map.iter().filter(|(key, _)| !IGNORED.contains(&key.to_string().as_str()));
            Value::Map(kept.map(|(key, item)| (key.clone(), plain(item))).collect())
        }
        other => other.clone(),
    }
}

fn tree(folder: &Path) -> Map {
    let mut found = BTreeMap::new();
    let base = folder.to_str().unwrap();
    for entry in walkdir::WalkDir::new(folder).min_depth(1) {
        let entry = entry.unwrap();
        let name = entry.path().strip_prefix(folder).unwrap().display().to_string();
        let about = fs::symlink_metadata(entry.path()).unwrap();
        let mode = || Value::from(format!("0o{:o}", about.mode() & 0o7777));
        let state = if about.is_symlink() {
            let target = fs::read_link(entry.path()).unwrap().display().to_string();
            Map::from([("link", Value::from(target.replace(base, "@")))])
        } else if about.is_dir() {
            Map::from([("mode", mode())])
        } else if entry.path().extension().is_some_and(|end| end == "gz" || end == "tar" || end == "zip") {
            // Times are in it; what it holds is compared by unpacking, beside the module.
            Map::from([("mode", mode())])
        } else {
            let content = fs::read_to_string(entry.path()).unwrap().replace(base, "@");
            Map::from([("mode", mode()), ("content", content.into())])
        };
        found.insert(name, Value::Map(state));
    }
    found.into_iter().collect()
}
