//! What the default text looks like, event by event, against what ansible-core printed for the same.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use data::{Map, Source, Span};
use runner::Stats;

use super::*;

#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the events print on standard output and standard error, without colors.
fn printed(verbosity: u8, events: &[Event]) -> (String, String) {
    let (out, err) = (Shared::default(), Shared::default());
    let options = TextOptions { verbosity, color: false, columns: 40, display: Display::default() };
    let mut sink = AnsibleText::new(Box::new(out.clone()), Box::new(err.clone()), options);
    events.iter().for_each(|event| sink.event(event).unwrap());
    (out.text(), err.text())
}

fn task(id: u64, name: &str, action: &str) -> Arc<TaskHead> {
    let source = Source::new("/site.yml", "- hosts: a\n  tasks:\n    - command: /bin/false\n");
    Arc::new(TaskHead {
        id,
        name: name.into(),
        action: action.into(),
        role: None,
        place: Some(Place::new(&source, Span::new(26, 27))),
        kind: TaskKind::Task,
        args: Map::new(),
        check_mode: false,
    })
}

fn result(task: &Arc<TaskHead>, host: &str, status: Status, fields: Map) -> TaskResult {
    TaskResult {
        task: task.clone(),
        host: host.into(),
        delegated_to: None,
        status,
        ignored: false,
        rescued: false,
        item: None,
        result: fields,
        findings: Vec::new(),
        censored: false,
        show_diff: false,
        blame: runner::Blame::Told,
        shown_whole: matches!(task.action.as_str(), "debug" | "assert") && status != Status::Skipped,
        started: SystemTime::UNIX_EPOCH,
        duration: Duration::ZERO,
    }
}

fn item(label: &str, result: TaskResult) -> TaskResult {
    TaskResult { item: Some(Item { variable: "item".into(), label: label.into() }), ..result }
}

#[test]
fn a_play_with_a_task_and_its_results() {
    let head = task(1, "say", "debug");
    let play = PlayStart {
        name: "first".into(),
        check_mode: false,
        hosts: vec!["a".into()],
        place: None,
        free: false,
    };
    let fields = Map::from([("msg", Value::from("hello")), ("changed", false.into())]);
    let (out, _) = printed(
        0,
        &[
            Event::PlayStart(play),
            Event::TaskStart(head.clone()),
            Event::TaskResult(result(&head, "a", Status::Ok, fields)),
            Event::TaskResult(result(&head, "b", Status::Skipped, Map::from([("skipped", true)]))),
        ],
    );
    assert_eq!(
        out,
        "\nPLAY [first] ****************************\n\nTASK [say] ******************************\n\
         ok: [a] => {\n    \"msg\": \"hello\"\n}\nskipping: [b]\n"
    );
}

#[test]
fn a_loop_shows_its_items_and_no_line_for_the_whole() {
    let head = task(1, "loop", "command");
    let fields = || Map::from([("changed", true)]);
    let (out, _) = printed(
        0,
        &[
            Event::ItemResult(item("one", result(&head, "a", Status::Changed, fields()))),
            Event::ItemResult(item("two", result(&head, "a", Status::Skipped, Map::new()))),
            Event::TaskResult(result(&head, "a", Status::Changed, fields())),
        ],
    );
    assert_eq!(
        out,
        "\nTASK [loop] *****************************\nchanged: [a] => (item=one)\nskipping: [a] => (item=two) \n"
    );
}

#[test]
fn the_cause_of_a_failure_is_shown_once_with_its_lines() {
    let head = task(1, "command", "command");
    let failed = |host: &str| TaskResult {
        ignored: host == "b",
        ..result(
            &head,
            host,
            Status::Failed,
            Map::from([("msg", Value::from("non-zero return code")), ("rc", 1.into())]),
        )
    };
    let (out, _) = printed(0, &[Event::TaskResult(failed("a")), Event::TaskResult(failed("b"))]);
    assert_eq!(
        out,
        "\nTASK [command] **************************\n\
         [ERROR]: Task failed: Module failed: non-zero return code\nOrigin: /site.yml:3:7\n\n\
         1 - hosts: a\n2   tasks:\n3     - command: /bin/false\n        ^ column 7\n\n\
         fatal: [a]: FAILED! => {\"msg\": \"non-zero return code\", \"rc\": 1}\n\
         fatal: [b]: FAILED! => {\"msg\": \"non-zero return code\", \"rc\": 1}\n...ignoring\n"
    );
}

#[test]
fn a_diff_stands_before_the_line_of_its_change() {
    let head = task(1, "file", "copy");
    let diff = Map::from([("before", Value::from("")), ("after", "x\n".into())]);
    let fields = Map::from([("changed", Value::from(true)), ("diff", diff.into())]);
    let (out, _) = printed(
        0,
        &[Event::TaskResult(TaskResult { show_diff: true, ..result(&head, "a", Status::Changed, fields) })],
    );
    assert!(out.ends_with("--- before\n+++ after\n@@ -0,0 +1 @@\n+x\n\nchanged: [a]\n"), "{out}");
}

#[test]
fn more_verbose_shows_fields_then_paths_then_invocations() {
    let head = task(1, "command", "command");
    let fields = Map::from([("rc", Value::from(0)), ("invocation", Map::from([("x", 1)]).into())]);
    let event = || [Event::TaskResult(result(&head, "a", Status::Ok, fields.clone()))];
    assert!(printed(0, &event()).0.ends_with("ok: [a]\n"));
    assert!(printed(1, &event()).0.ends_with("ok: [a] => {\"rc\": 0}\n"));
    assert!(printed(2, &event()).0.contains("task path: /site.yml:3\n"));
    assert!(printed(3, &event()).0.contains("\"invocation\": {\n"));
}

#[test]
fn warnings_go_to_the_other_stream_once() {
    let head = task(1, "command", "command");
    let fields = Map::from([("warnings", Value::from(vec![Value::from("careful")]))]);
    let event = Event::TaskResult(result(&head, "a", Status::Ok, fields));
    let (out, err) = printed(0, &[event.clone(), event]);
    assert!(!out.contains("careful"));
    assert_eq!(err, "[WARNING]: careful\n");
}

#[test]
fn a_censored_failure_says_where_and_not_what() {
    let head = task(1, "secret", "command");
    let failed = result(&head, "a", Status::Failed, Map::from([("censored", Value::from("hidden"))]));
    let finding = Diagnostic::error("`hunter2` is wrong");
    let (out, _) =
        printed(0, &[Event::TaskResult(TaskResult { censored: true, findings: vec![finding], ..failed })]);
    assert!(out.contains("[ERROR]: Task failed: Module failed.\nOrigin: /site.yml:3:7\n"), "{out}");
    assert!(!out.contains("hunter2"));
}

#[test]
fn a_censored_item_does_not_show_its_label() {
    let head = task(1, "secret", "command");
    let censored = TaskResult { censored: true, ..result(&head, "a", Status::Ok, Map::new()) };
    let (out, _) = printed(0, &[Event::ItemResult(item("hunter2", censored))]);
    assert!(out.ends_with("ok: [a] => (item=(censored due to no_log))\n"), "{out}");
}

#[test]
fn delegation_retries_includes_and_the_recap() {
    let head = task(1, "wait", "command");
    let retry = result(&head, "a", Status::Failed, Map::from([("attempts", 1), ("retries", 4)]));
    let delegated =
        TaskResult { delegated_to: Some("b".into()), ..result(&head, "a", Status::Ok, Map::new()) };
    let included = Included {
        file: "/inc.yml".into(),
        hosts: vec!["a".into(), "b".into()],
        item: None,
        task: head.clone(),
    };
    let mut stats = Stats::default();
    stats.host(&"a".into()).ok = 1;
    let (out, _) = printed(
        0,
        &[Event::Retry(retry), Event::TaskResult(delegated), Event::Included(included), Event::Stats(stats)],
    );
    assert!(out.starts_with("FAILED - RETRYING: [a]: wait (3 retries left).\n"), "{out}");
    assert!(out.contains("ok: [a -> b]\nincluded: /inc.yml for a, b\n\nPLAY RECAP"), "{out}");
    assert!(out.ends_with("rescued=0    ignored=0   \n\n"));
}
