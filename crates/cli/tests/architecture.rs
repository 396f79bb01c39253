//! Guards of the house: arrows between crates point down only, and the agent depends on nothing it does not need.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// What each crate may use of ours, as docs/architecture.md draws it.
const ARROWS: [(&str, &[&str]); 9] = [
    ("cli", &["runner", "bundle", "playbook", "inventory", "template", "modules", "data"]),
    ("runner", &["playbook", "inventory", "template", "modules", "data"]),
    ("bundle", &["data"]),
    ("agent", &["modules", "data"]),
    ("playbook", &["inventory", "template", "data"]),
    ("inventory", &["template", "data"]),
    ("template", &["data"]),
    ("modules", &["data"]),
    ("data", &[]),
];

/// What must never be linked into the agent: it stays small, and has no business with templates, SSH or prompts.
const NOT_IN_THE_AGENT: [&str; 6] =
    ["minijinja", "ssh2", "openssl-sys", "clap", "rayon", "annotate-snippets"];

fn metadata() -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline", "--locked", "--filter-platform"])
        .arg(format!("{}-unknown-linux-gnu", std::env::consts::ARCH))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

fn list<'a>(value: &'a serde_json::Value, key: &str) -> &'a Vec<serde_json::Value> {
    value[key].as_array().unwrap_or_else(|| panic!("cargo metadata has no list {key}"))
}

#[test]
fn arrows_point_down() {
    let metadata = metadata();
    let mut seen = BTreeSet::new();
    for package in list(&metadata, "packages") {
        let Some(name) = package["name"].as_str().and_then(|name| name.strip_prefix("taskbox-")) else {
            continue;
        };
        let (_, allowed) = ARROWS
            .iter()
            .find(|(krate, _)| *krate == name)
            .unwrap_or_else(|| panic!("crate {name} is not in the house; docs/architecture.md lists nine"));
        seen.insert(name.to_owned());
        for dependency in list(package, "dependencies") {
            let is_test = dependency["kind"].as_str() == Some("dev");
            let Some(used) = dependency["name"].as_str().and_then(|name| name.strip_prefix("taskbox-"))
            else {
                continue;
            };
            assert!(is_test || allowed.contains(&used), "{name} may not use {used}: arrows point down");
        }
    }
    assert_eq!(seen.len(), ARROWS.len(), "the house has nine crates");
}

#[test]
fn the_agent_links_only_what_it_needs() {
    let metadata = metadata();
    let names: BTreeMap<&str, &str> = list(&metadata, "packages")
        .iter()
        .filter_map(|package| Some((package["id"].as_str()?, package["name"].as_str()?)))
        .collect();
    let nodes: BTreeMap<&str, &serde_json::Value> = list(&metadata["resolve"], "nodes")
        .iter()
        .filter_map(|node| Some((node["id"].as_str()?, node)))
        .collect();
    let agent = names
        .iter()
        .find(|(_, name)| **name == "taskbox-agent")
        .map(|(id, _)| *id)
        .expect("the agent is a crate");
    let mut reached = BTreeSet::new();
    let mut open = vec![agent];
    while let Some(id) = open.pop() {
        if !reached.insert(names[id]) {
            continue;
        }
        for dependency in list(nodes[id], "deps") {
            let normal = list(dependency, "dep_kinds").iter().any(|kind| kind["kind"].is_null());
            if let (true, Some(id)) = (normal, dependency["pkg"].as_str()) {
                open.push(id);
            }
        }
    }
    for unwanted in NOT_IN_THE_AGENT {
        assert!(!reached.contains(unwanted), "the agent links {unwanted}");
    }
}
