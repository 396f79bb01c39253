//! Compares our facts with those of ansible-core on the same host, name by name. It runs where `TASKBOX_ANSIBLE` names the program
//! `ansible`; elsewhere there is nothing to compare with.

use std::process::Command;

use data::json::{self, JsonStyle};
use serde_json::{Map, Value};
use taskbox_modules::{RunRequest, run_local};

/// Facts that may differ, and why.
const IGNORED: &[(&str, &str)] = &[
    ("ansible_python", "there is no Python here"),
    ("ansible_python_version", "there is no Python here"),
    ("ansible_date_time", "time goes on between the two runs"),
    ("ansible_env", "the two programs run in different environments"),
    ("ansible_loadavg", "the runs themselves are load"),
    ("ansible_memfree_mb", "memory is in use"),
    ("ansible_memory_mb", "memory is in use"),
    ("ansible_uptime_seconds", "time goes on between the two runs"),
    ("ansible_mounts", "free space changes; compared by device and place below"),
    ("ansible_interfaces", "a set; compared sorted below"),
    ("ansible_virtualization_tech_guest", "a set; compared sorted below"),
    ("ansible_virtualization_tech_host", "a set; compared sorted below"),
];

fn theirs(ansible: &str) -> Map<String, Value> {
    let output = Command::new(ansible)
        .args(["localhost", "-c", "local", "-m", "setup"])
        .output()
        .expect("ansible starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let start = text.find('{').expect("ansible prints a result");
    let result: Value = serde_json::from_str(&text[start..]).expect("the result is JSON");
    result["ansible_facts"].as_object().cloned().expect("the result has facts")
}

fn ours() -> Map<String, Value> {
    let result = run_local(&RunRequest::new("setup", data::Map::new()));
    let text = json::write(&result.into(), &JsonStyle::default());
    let result: Value = serde_json::from_str(&text).expect("the result is JSON");
    result["ansible_facts"].as_object().cloned().expect("the result has facts")
}

/// What is compared of the facts that are ignored as a whole.
fn sketch(facts: &Map<String, Value>) -> [Vec<String>; 4] {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |name: &str| facts.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let set = |name: &str| {
        let mut names: Vec<String> = list(name).iter().map(text).collect();
        names.sort();
        names
    };
    let mut mounts: Vec<String> = list("ansible_mounts")
        .iter()
        .map(|mount| {
            format!("{} {} {}", text(&mount["device"]), text(&mount["mount"]), text(&mount["options"]))
        })
        .collect();
    mounts.sort();
    let guest = set("ansible_virtualization_tech_guest");
    [set("ansible_interfaces"), mounts, guest, set("ansible_virtualization_tech_host")]
}

#[test]
fn facts_are_those_of_ansible() {
    let Ok(ansible) = std::env::var("TASKBOX_ANSIBLE") else { return };
    let (theirs, ours) = (theirs(&ansible), ours());
    let ignored = |name: &str| IGNORED.iter().any(|(known, _)| *known == name);
    let names: std::collections::BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    let differ: Vec<String> = names
        .into_iter()
        .filter(|name| !ignored(name) && theirs.get(*name) != ours.get(*name))
        .map(|name| format!("{name}: {:?} in Ansible, {:?} here", theirs.get(name), ours.get(name)))
        .collect();
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert_eq!(sketch(&theirs), sketch(&ours));
}
