//! The form in which answers are compared: events in a fixed order, without what differs from run to run.

use std::path::Path;

use serde_json::{Map, Value, json};

/// Fields that differ from run to run, or that only Python's Ansible has.
const VOLATILE: &[&str] = &[
    "delta",
    "start",
    "end",
    "exception",
    "invocation",
    "warnings",
    "deprecations",
    "diff",
    "mtime",
    "ctime",
    "atime",
    "ansible_job_id",
    "results_file",
    "elapsed",
    "module_stdout",
    "module_stderr",
    "stdout_callback",
    "state",
    "uid",
    "gid",
    "owner",
    "group",
    "size",
    "md5sum",
    "src",
    "argument_spec_data",
    "failed_when_suppressed_exception",
    "reason",
    "stat",
];

/// Puts events into their fixed form: sorted within a task by host, paths of the case replaced.
pub(crate) fn normalize(events: Vec<Value>, case: &Path, exit_code: i32) -> Value {
    let mut task = 0;
    let mut keyed: Vec<(usize, String, usize, Value)> = Vec::new();
    for (at, mut event) in events.into_iter().enumerate() {
        let kind = event["event"].as_str().unwrap_or_default().to_owned();
        if matches!(
            kind.as_str(),
            "task" | "play" | "recap" | "no_hosts_matched" | "no_hosts_remaining" | "included"
        ) {
            task += 1;
        }
        let host = event["host"].as_str().unwrap_or_default().to_owned();
        reduce(&mut event);
        replace(&mut event, &case.display().to_string());
        keyed.push((task, host, at, event));
    }
    keyed.sort_by(|a, b| (a.0, &a.1, a.2).cmp(&(b.0, &b.1, b.2)));
    let events: Vec<Value> = keyed.into_iter().map(|(_, _, _, event)| event).collect();
    json!({"exit_code": exit_code, "events": events})
}

/// Takes the volatile fields out of results.
fn reduce(event: &mut Value) {
    let is_setup = event["task"] == "Gathering Facts";
    let Some(Value::Object(result)) = event.get_mut("result") else { return };
    reduce_result(result);
    if is_setup {
        result.retain(|key, _| key == "changed" || key == "msg");
    }
}

fn reduce_result(result: &mut Map<String, Value>) {
    result.retain(|key, value| {
        let hidden = key.starts_with("_ansible_") || VOLATILE.contains(&key.as_str());
        // Callbacks of Ansible do not see these; the status says the same.
        let told = key == "failed" || key == "skipped";
        if key == "ansible_facts" {
            value.as_object_mut().map(|facts| facts.remove("discovered_interpreter_python"));
        }
        let empty = key == "ansible_facts" && value.as_object().is_some_and(Map::is_empty);
        !hidden && !told && !empty
    });
    if let Some(Value::Array(items)) = result.get_mut("results") {
        items.iter_mut().filter_map(Value::as_object_mut).for_each(reduce_result);
    }
}

/// Replaces the folder of the run in every text.
fn replace(value: &mut Value, folder: &str) {
    match value {
        Value::String(text) => *text = text.replace(folder, "CASE"),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, folder)),
        Value::Object(map) => map.values_mut().for_each(|value| replace(value, folder)),
        _ => {}
    }
}

/// Both answers line by line where they differ; `None` when they are the same.
pub(crate) fn difference(expected: &Value, actual: &Value) -> Option<String> {
    if expected == actual {
        return None;
    }
    let codes = [expected, actual].map(|answer| answer["exit_code"].clone());
    let mut shown = Vec::new();
    if codes[0] != codes[1] {
        shown.push(format!("exit code: ansible {}, taskbox {}", codes[0], codes[1]));
    }
    let [expected, actual] =
        [expected, actual].map(|answer| answer["events"].as_array().cloned().unwrap_or_default());
    let same = expected.iter().zip(&actual).take_while(|(a, b)| a == b).count();
    for at in same..expected.len().max(actual.len()).min(same + 4) {
        let line = |events: &[Value]| events.get(at).map_or_else(|| "(nothing)".into(), ToString::to_string);
        if expected.get(at) != actual.get(at) {
            shown.push(format!("ansible: {}\ntaskbox: {}", line(&expected), line(&actual)));
        }
    }
    Some(shown.join("\n"))
}
