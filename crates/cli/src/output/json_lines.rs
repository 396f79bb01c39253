//! Every event as one line of JSON, for programs: logs, dashboards, tests.
//!
//! Each line is an object with `event` (its kind) and `time` (UTC, RFC 3339). Secrets are stars. Fields may be added; none changes its
//! meaning.

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use data::{Diagnostic, Map, Place, Severity, Value, json};
use runner::{Event, HostName, Stats, Status, TaskHead, TaskKind, TaskResult};

use super::{EventSink, result_text};

/// Writes one line an event.
pub(crate) struct JsonLines {
    out: Box<dyn Write>,
    now: fn() -> SystemTime,
}

impl JsonLines {
    /// Writes to `out`, for example a log file or standard output.
    pub(crate) fn new(out: Box<dyn Write>) -> Self {
        Self { out, now: SystemTime::now }
    }

    #[cfg(test)]
    fn at_epoch(out: Box<dyn Write>) -> Self {
        Self { out, now: || SystemTime::UNIX_EPOCH }
    }
}

impl EventSink for JsonLines {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        let (kind, fields) = describe(event);
        let mut line = Map::from([("event", Value::from(kind)), ("time", time((self.now)()))]);
        line.extend_from(&fields);
        let style = json::JsonStyle::compact().unicode();
        writeln!(self.out, "{}", json::write(&result_text::masked(&Value::from(line)), &style))?;
        self.out.flush()
    }
}

/// Kind and fields of an event.
fn describe(event: &Event) -> (&'static str, Map) {
    match event {
        Event::PlaybookStart { path, .. } => ("playbook_start", Map::from([("playbook", path.as_str())])),
        Event::PlayStart(play) => (
            "play_start",
            Map::from([
                ("play", Value::from(play.name.as_str())),
                ("check_mode", play.check_mode.into()),
                ("hosts", hosts(&play.hosts)),
                ("place", place(play.place.as_ref())),
            ]),
        ),
        Event::NoHostsMatched => ("no_hosts_matched", Map::new()),
        Event::NoHostsRemaining => ("no_hosts_remaining", Map::new()),
        Event::TaskStart(task) => ("task_start", head(task)),
        Event::HostStart { task, host } => ("host_start", with_host(head(task), host)),
        Event::ItemResult(result) => ("item_result", outcome(result)),
        Event::Retry(result) => ("retry", outcome(result)),
        Event::AsyncPoll(result) => ("async_poll", outcome(result)),
        Event::TaskResult(result) => ("task_result", outcome(result)),
        Event::Included(included) => (
            "included",
            Map::from([
                ("file", Value::from(included.file.as_str())),
                ("hosts", hosts(&included.hosts)),
                ("item", included.item.clone().unwrap_or(Value::Null)),
                ("task", included.task.name.as_str().into()),
            ]),
        ),
        Event::Notify { handler, host } => {
            ("notify", with_host(Map::from([("handler", handler.as_str())]), host))
        }
        Event::Verbose { level, text } => (
            "verbose",
            Map::from([("level", Value::from(u32::from(*level))), ("text", text.as_str().into())]),
        ),
        Event::Warning(found) => ("warning", finding(found)),
        Event::Error(found) => ("error", finding(found)),
        Event::PlayEnd { name, duration } => {
            ("play_end", Map::from([("play", Value::from(name.as_str())), ("seconds", seconds(*duration))]))
        }
        Event::Stats(stats) => ("stats", recap(stats)),
    }
}

fn head(task: &TaskHead) -> Map {
    Map::from([
        ("task", Value::from(task.name.as_str())),
        ("task_id", task.id.into()),
        ("action", task.action.as_str().into()),
        ("role", task.role.as_deref().into()),
        ("handler", (task.kind == TaskKind::Handler).into()),
        ("place", place(task.place.as_ref())),
    ])
}

fn with_host(mut fields: Map, host: &HostName) -> Map {
    fields.insert("host", &**host);
    fields
}

fn outcome(result: &TaskResult) -> Map {
    let mut fields = with_host(head(&result.task), &result.host);
    let status = match result.status {
        Status::Ok => "ok",
        Status::Changed => "changed",
        Status::Skipped => "skipped",
        Status::Failed => "failed",
        Status::Unreachable => "unreachable",
    };
    fields.insert("status", status);
    fields.insert("ignored", result.ignored);
    fields.insert("rescued", result.rescued);
    fields.insert("delegated_to", result.delegated_to.as_deref());
    if let Some(item) = result.item.as_ref().filter(|_| !result.censored) {
        fields.insert("item", item.label.clone());
    }
    fields.insert("started", time(result.started));
    fields.insert("seconds", seconds(result.duration));
    fields.insert("result", result.result.clone());
    if !result.findings.is_empty() && !result.censored {
        fields.insert(
            "findings",
            result.findings.iter().map(|found| Value::from(finding(found))).collect::<Value>(),
        );
    }
    fields
}

fn finding(found: &Diagnostic) -> Map {
    let texts = |texts: &[String]| texts.iter().map(|text| Value::from(text.as_str())).collect::<Value>();
    Map::from([
        ("severity", Value::from(if found.severity == Severity::Error { "error" } else { "warning" })),
        ("title", found.title.as_str().into()),
        ("place", place(found.place())),
        ("notes", texts(&found.notes)),
        ("help", texts(&found.helps)),
    ])
}

fn recap(stats: &Stats) -> Map {
    let line = |counts: &runner::HostStats| {
        Value::from(Map::from([
            ("ok", counts.ok),
            ("changed", counts.changed),
            ("unreachable", counts.unreachable),
            ("failed", counts.failed),
            ("skipped", counts.skipped),
            ("rescued", counts.rescued),
            ("ignored", counts.ignored),
        ]))
    };
    let lines: Map = stats.hosts.iter().map(|(host, counts)| (host.to_string(), line(counts))).collect();
    Map::from([("hosts", lines)])
}

fn hosts(hosts: &[HostName]) -> Value {
    hosts.iter().map(|host| Value::from(&**host)).collect()
}

fn place(place: Option<&Place>) -> Value {
    place.map(ToString::to_string).into()
}

fn seconds(duration: Duration) -> Value {
    Value::from((duration.as_secs_f64() * 1000.0).round() / 1000.0)
}

fn time(at: SystemTime) -> Value {
    jiff::Timestamp::try_from(at).map(|at| format!("{at:.3}")).ok().into()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Rc<RefCell<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_one_line_with_kind_and_time() {
        let out = Shared::default();
        let mut sink = JsonLines::at_epoch(Box::new(out.clone()));
        sink.event(&Event::PlayEnd { name: "two\nlines".into(), duration: Duration::from_millis(1500) })
            .unwrap();
        sink.event(&Event::NoHostsMatched).unwrap();
        assert_eq!(
            String::from_utf8(out.0.take()).unwrap(),
            "{\"event\":\"play_end\",\"time\":\"1970-01-01T00:00:00.000Z\",\"play\":\"two\\nlines\",\"seconds\":1.5}\n\
             {\"event\":\"no_hosts_matched\",\"time\":\"1970-01-01T00:00:00.000Z\"}\n"
        );
    }
}
