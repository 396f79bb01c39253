//! The engine's answer to a case, from its events.

use std::path::Path;

use data::json::JsonStyle;
use data::{Diagnose, Map};
use inventory::LoadOptions;
use serde_json::{Value, json};
use taskbox_runner::{Event, RunOptions, Runner, Stats, Status, TaskKind, TaskResult};

use super::answer;
use super::case::Case;

/// Runs the case in a fresh copy of it.
pub(crate) fn answer(case: &Case) -> Value {
    let copy = case.copy();
    let mut events = Vec::new();
    let outcome = Runner::new(options(case, copy.path())).run(&mut |event| events.extend(fields(&event)));
    answer::normalize(events, copy.path(), i32::from(outcome.exit_code as u8))
}

fn options(case: &Case, folder: &Path) -> RunOptions {
    let source = folder.join("inventory.ini");
    let sources: Vec<String> = source.is_file().then(|| source.display().to_string()).into_iter().collect();
    let loaded = inventory::load(&sources, &LoadOptions::default()).unwrap();
    for failure in &loaded.failures {
        eprintln!("{}: {:?}", case.name, failure.diagnostics());
    }
    let text = |name: &str| case.option(name).and_then(Value::as_str).map(str::to_owned);
    RunOptions {
        inventory: loaded.inventory,
        inventory_folders: loaded.folders,
        inventory_sources: sources,
        playbooks: vec![folder.join("playbook.yml")],
        extra_vars: case.option("extra_vars").map(extra_vars).unwrap_or_default(),
        limit: text("limit"),
        start_at_task: text("start_at_task"),
        tags: case.words("tags"),
        skip_tags: case.words("skip_tags"),
        check: case.flag("check"),
        diff: case.flag("diff"),
        force_handlers: case.flag("force_handlers"),
        forks: 5,
        ..RunOptions::default()
    }
}

/// Extra variables are JSON of the command line: their texts are templates.
fn extra_vars(vars: &Value) -> Map {
    let source = data::Source::new("<extra vars>", vars.to_string());
    data::yaml::load(&source).unwrap().node.unwrap().to_value().as_map().unwrap().clone()
}

/// The event as the recorder writes it.
fn fields(event: &Event) -> Option<Value> {
    Some(match event {
        Event::PlayStart(play) => json!({"event": "play", "name": play.name}),
        Event::NoHostsMatched => json!({"event": "no_hosts_matched"}),
        Event::NoHostsRemaining => json!({"event": "no_hosts_remaining"}),
        Event::TaskStart(task) => {
            let kind = if task.kind == TaskKind::Handler { "handler" } else { "task" };
            json!({"event": "task", "name": task.name, "kind": kind})
        }
        Event::Included(included) => {
            let mut hosts: Vec<_> = included.hosts.iter().map(ToString::to_string).collect();
            hosts.sort();
            json!({"event": "included", "file": included.file, "hosts": hosts})
        }
        Event::Notify { handler, host } => json!({"event": "notify", "handler": handler, "host": &**host}),
        Event::ItemResult(result) => with(result, "item", true),
        Event::Retry(result) => {
            let mut fields = with(result, "", false);
            fields["status"] = "retry".into();
            fields.as_object_mut().unwrap().remove("ignored");
            fields
        }
        Event::TaskResult(result) => with(result, "", false),
        Event::Stats(stats) => recap(stats),
        Event::Error(finding) | Event::Warning(finding) => {
            eprintln!("{:?}: {} {:?}", finding.severity, finding.title, finding.place());
            return None;
        }
        _ => return None,
    })
}

fn with(result: &TaskResult, mark: &str, set: bool) -> Value {
    let status = match result.status {
        Status::Ok => "ok",
        Status::Changed => "changed",
        Status::Skipped => "skipped",
        Status::Failed => "failed",
        Status::Unreachable => "unreachable",
    };
    let mut fields = json!({
        "event": "result", "status": status, "task": result.task.name, "host": &*result.host, "result": to_json(&result.result),
    });
    if set {
        fields[mark] = true.into();
    } else if matches!(result.status, Status::Failed | Status::Unreachable) {
        fields["ignored"] = result.ignored.into();
    }
    fields
}

fn recap(stats: &Stats) -> Value {
    let mut hosts = json!({});
    for (host, line) in &stats.hosts {
        hosts[&**host] = json!({
            "ok": line.ok, "changed": line.changed, "unreachable": line.unreachable, "failed": line.failed, "skipped": line.skipped,
            "rescued": line.rescued, "ignored": line.ignored,
        });
    }
    let mut custom = json!({});
    for (host, values) in &stats.custom {
        custom[host.as_deref().unwrap_or("_run")] = to_json(values);
    }
    json!({"event": "recap", "hosts": hosts, "custom": custom})
}

fn to_json(map: &Map) -> Value {
    serde_json::from_str(&data::json::write(&data::Value::Map(map.clone()), &JsonStyle::default())).unwrap()
}
