//! Every case under `tests/oracle/cases` must give what the real `ansible-inventory` gave for it (recorded by `tests/oracle/record.sh`).
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::path::{Path, PathBuf};

use data::{Value, json};
use taskbox_inventory::{HashBehaviour, Listing, LoadOptions, Loaded, Reader, VarsFiles, load};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/cases");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    assert!(cases.len() >= 11, "the cases are there");
    cases
}

/// Loads a case as `ansible-inventory` did: from within its folder.
fn load_case(case: &Path) -> (Loaded, VarsFiles) {
    let sources: Vec<String> =
        std::fs::read_to_string(case.join("sources"))
            .unwrap()
            .lines()
            .map(|source| {
                if source.contains(',') { source.to_owned() } else { case.join(source).display().to_string() }
            })
            .collect();
    let loaded = load(&sources, &LoadOptions::default()).unwrap();
    assert!(loaded.failures.is_empty(), "{}: {:?}", case.display(), loaded.failures);
    // Without a playbook, Ansible looks beside the current folder.
    let beside = vec![case.to_owned()];
    let files = VarsFiles::new(loaded.folders.clone(), beside, HashBehaviour::Replace, Reader::default());
    (loaded, files)
}

fn recorded(case: &Path, file: &str) -> Value {
    json::parse(&std::fs::read_to_string(case.join(file)).unwrap()).unwrap()
}

/// The first member in which two values differ, for a message that a person can read.
fn difference(ours: &Value, theirs: &Value, path: &str) -> Option<String> {
    if let (Value::Map(a), Value::Map(b)) = (ours, theirs) {
        let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
        let missing = Value::str("(missing)");
        return keys.into_iter().find_map(|key| {
            let (one, other) = (a.get(key).unwrap_or(&missing), b.get(key).unwrap_or(&missing));
            difference(one, other, &format!("{path}.{key}"))
        });
    }
    // `1 == True` in Python; here the type matters too.
    let same = ours == theirs && ours.kind() == theirs.kind();
    (!same).then(|| format!("{path}: ours {ours:?}, Ansible's {theirs:?}"))
}

#[test]
fn list_equals_ansible_inventory() {
    for case in cases() {
        let (loaded, files) = load_case(&case);
        for (export, file) in [(false, "list.json"), (true, "export.json")] {
            let listing = Listing {
                inject_facts: true,
                extra_vars: &data::Map::new(),
                inventory: &loaded.inventory,
                files: &files,
                export,
                playbook_dir: false,
                limit: None,
            };
            let mut text = String::new();
            listing.to_json(&mut |piece| text.push_str(piece)).unwrap();
            let ours = data::json::parse(&text).unwrap();
            assert_eq!(difference(&ours, &recorded(&case, file), ""), None, "{} {file}", case.display());
        }
    }
}

#[test]
fn graph_equals_ansible_inventory() {
    for case in cases() {
        let (loaded, files) = load_case(&case);
        let listing = Listing {
            inject_facts: true,
            extra_vars: &data::Map::new(),
            inventory: &loaded.inventory,
            files: &files,
            export: false,
            playbook_dir: false,
            limit: None,
        };
        let ours = listing.to_graph(loaded.inventory.group("all").unwrap(), true).unwrap();
        let theirs = std::fs::read_to_string(case.join("graph.txt")).unwrap();
        assert_eq!(ours, theirs.trim_end_matches('\n'), "{}", case.display());
    }
}

#[test]
fn yaml_equals_ansible_inventory() {
    for case in cases() {
        let (loaded, files) = load_case(&case);
        let listing = Listing {
            inject_facts: true,
            extra_vars: &data::Map::new(),
            inventory: &loaded.inventory,
            files: &files,
            export: false,
            playbook_dir: false,
            limit: None,
        };
        let source = data::fs::read_source(case.join("list.yaml")).unwrap();
        let theirs = data::yaml::load(&source).unwrap().node.unwrap().to_value();
        assert_eq!(difference(&listing.to_yaml().unwrap(), &theirs, ""), None, "{}", case.display());
    }
}
