//! The output `json` of the collection ansible.posix: the whole run as one document at its end.

use std::io::{self, Write};
use std::sync::Arc;

use data::{Map, Value, json};
use runner::{Event, PlayStart, Stats, Status, TaskHead, TaskResult};

use super::excerpt::absolute;
use super::{EventSink, result_text};
use crate::diagnostics;

/// Gathers the run and prints it.
pub(crate) struct RunJson {
    out: Box<dyn Write>,
    custom_stats: bool,
    plays: Vec<Play>,
}

struct Play {
    head: Map,
    start: String,
    end: Option<String>,
    tasks: Vec<Task>,
}

struct Task {
    id: u64,
    head: Map,
    start: String,
    end: Option<String>,
    hosts: Map,
}

fn now() -> String {
    format!("{:.6}", jiff::Timestamp::now())
}

fn duration(start: &str, end: Option<&String>) -> Value {
    let mut map = Map::from([("start", start)]);
    if let Some(end) = end {
        map.insert("end", end.as_str());
    }
    Value::from(map)
}

fn path(place: Option<&data::Place>) -> Value {
    let place = place.map(|place| format!("{}:{}", absolute(place.source.name()), place.location().line));
    place.into()
}

impl RunJson {
    /// Writes to `out`; with `custom_stats` what `set_stats` gathered too.
    pub(crate) fn new(out: Box<dyn Write>, custom_stats: bool) -> Self {
        Self { out, custom_stats, plays: Vec::new() }
    }

    fn play(&mut self, play: &PlayStart) {
        let head = Map::from([
            ("name", Value::from(play.name.as_str())),
            ("id", format!("play-{}", self.plays.len() + 1).into()),
            ("path", path(play.place.as_ref())),
        ]);
        self.plays.push(Play { head, start: now(), end: None, tasks: Vec::new() });
    }

    fn task(&mut self, task: &Arc<TaskHead>) {
        let Some(Play { tasks, .. }) = self.plays.last_mut() else { return };
        if tasks.last().is_some_and(|last| last.id == task.id) {
            return;
        }
        let head = Map::from([
            ("name", Value::from(task.name.trim())),
            ("id", format!("task-{}", task.id).into()),
            ("path", path(task.place.as_ref())),
        ]);
        tasks.push(Task { id: task.id, head, start: now(), end: None, hosts: Map::new() });
    }

    fn result(&mut self, result: &TaskResult) {
        let Some(play) = self.plays.last_mut() else { return };
        let Some(task) = play.tasks.iter_mut().rev().find(|task| task.id == result.task.id) else { return };
        let mut fields = result.result.clone();
        match result.status {
            Status::Failed => fields.insert("failed", true),
            Status::Skipped => fields.insert("skipped", true),
            _ => None,
        };
        fields.insert("action", result_text::short_action(&result.task.action));
        task.hosts.insert(result.host.to_string(), result_text::masked(&Value::from(fields)));
        let end = now();
        task.end = Some(end.clone());
        play.end = Some(end);
    }

    fn stats(&mut self, stats: &Stats) -> io::Result<()> {
        let plays: Value = std::mem::take(&mut self.plays)
            .into_iter()
            .map(|Play { mut head, start, end, tasks }| {
                head.insert("duration", duration(&start, end.as_ref()));
                let tasks: Value = tasks.into_iter().map(whole).collect();
                Value::from(Map::from([("play", Value::from(head)), ("tasks", tasks)]))
            })
            .collect();
        let (mut custom, mut global) = (Map::new(), Map::new());
        for (host, values) in stats.custom.iter().filter(|_| self.custom_stats) {
            match host {
                Some(host) => {
                    custom.insert(host.to_string(), values.clone());
                }
                None => global = values.clone(),
            }
        }
        let document = Map::from([
            ("plays", plays),
            ("stats", summary(stats)),
            ("custom_stats", custom.into()),
            ("global_custom_stats", global.into()),
        ]);
        let style = json::JsonStyle::indented(4).sorted();
        writeln!(self.out, "{}", json::write(&Value::from(document), &style))?;
        self.out.flush()
    }
}

fn whole(task: Task) -> Value {
    let mut head = task.head;
    head.insert("duration", duration(&task.start, task.end.as_ref()));
    Value::from(Map::from([("task", Value::from(head)), ("hosts", task.hosts.into())]))
}

fn summary(stats: &Stats) -> Value {
    let line = |counts: &runner::HostStats| {
        Value::from(Map::from([
            ("changed", counts.changed),
            ("failures", counts.failed),
            ("ignored", counts.ignored),
            ("ok", counts.ok),
            ("rescued", counts.rescued),
            ("skipped", counts.skipped),
            ("unreachable", counts.unreachable),
        ]))
    };
    let lines: Map = stats.hosts.iter().map(|(host, counts)| (host.to_string(), line(counts))).collect();
    lines.into()
}

impl EventSink for RunJson {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::PlayStart(play) => self.play(play),
            Event::TaskStart(task) => self.task(task),
            Event::TaskResult(result) => self.result(result),
            // Standard output holds the document alone.
            Event::Warning(found) | Event::Error(found) => {
                diagnostics::report_all(std::slice::from_ref(found));
            }
            Event::Stats(stats) => return self.stats(stats),
            _ => {}
        }
        Ok(())
    }
}
