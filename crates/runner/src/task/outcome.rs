//! What came of a task on a host, before it is counted, registered and shown.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use data::{Diagnostic, Map, Value};
use playbook::Task;

use crate::event::{Blame, HostName, Item, Status, TaskHead, TaskResult};

/// One execution: the task itself, or one item of its loop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Execution {
    /// The fields as Ansible names them.
    pub(crate) result: Map,
    /// Handlers to notify if something changed.
    pub(crate) notify: Vec<String>,
    pub(crate) no_log: bool,
    pub(crate) ignore_errors: bool,
    pub(crate) ignore_unreachable: bool,
    pub(crate) show_diff: bool,
    pub(crate) delegated_to: Option<HostName>,
    pub(crate) delegate_facts: bool,
    /// Loop variables, for includes.
    pub(crate) special: Map,
    /// What went wrong, with places.
    pub(crate) findings: Vec<Diagnostic>,
}

impl Execution {
    /// The execution as an event carries it.
    pub(crate) fn shown(
        &self,
        (head, host): (&Arc<TaskHead>, &HostName),
        item: Option<Item>,
        started: SystemTime,
        duration: Duration,
    ) -> TaskResult {
        TaskResult {
            task: Arc::clone(head),
            host: host.clone(),
            delegated_to: self.delegated_to.clone(),
            status: status(&self.result),
            ignored: false,
            rescued: false,
            item,
            result: for_display(&self.result, self.no_log),
            censored: self.no_log,
            show_diff: self.show_diff,
            blame: blame(&self.result),
            shown_whole: is_true(&self.result, "_ansible_verbose_always"),
            findings: if self.no_log { Vec::new() } else { self.findings.clone() },
            started,
            duration,
        }
    }
}

/// The task on a host, its loop included.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The whole: for a loop with `results`.
    pub(crate) whole: Execution,
    /// The items of the loop; `None` without one.
    pub(crate) items: Option<Vec<Execution>>,
}

impl Outcome {
    /// The executions that have effects: the items, or the one.
    pub(crate) fn executions(&self) -> &[Execution] {
        self.items.as_deref().unwrap_or(std::slice::from_ref(&self.whole))
    }
}

/// A finished task, on its way to the thread that handles results.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) host: HostName,
    pub(crate) task: Arc<Task>,
    pub(crate) head: Arc<TaskHead>,
    pub(crate) outcome: Outcome,
    pub(crate) started: SystemTime,
    pub(crate) duration: Duration,
}

/// The field that says whose word a failure is; outputs get it as [`Blame`].
pub(crate) const BLAME: &str = "_ansible_blame";
/// [`Blame::Judged`] in [`BLAME`].
pub(crate) const JUDGED: &str = "judged";
/// [`Blame::Raised`] in [`BLAME`].
pub(crate) const RAISED: &str = "raised";
/// [`Blame::Outside`] in [`BLAME`].
pub(crate) const OUTSIDE: &str = "outside";
/// [`Blame::Include`] in [`BLAME`].
pub(crate) const INCLUDE: &str = "include";

/// Whose word it is that a result is a failure.
pub(crate) fn blame(result: &Map) -> Blame {
    match result.get_str(BLAME) {
        Some(JUDGED) => Blame::Judged,
        Some(RAISED) => Blame::Raised,
        Some(OUTSIDE) => Blame::Outside,
        Some(INCLUDE) => Blame::Include,
        _ => Blame::Told,
    }
}

/// Whether a field is set and true.
pub(crate) fn is_true(result: &Map, field: &str) -> bool {
    result.get(field).is_some_and(Value::is_truthy)
}

/// Whether a result is a failure: the word of `failed_when` goes before all others, as in Ansible.
pub(crate) fn has_failed(result: &Map) -> bool {
    if let Some(judged) = result.get("failed_when_result") {
        return judged.is_truthy();
    }
    match result.get("results") {
        Some(Value::List(items)) => {
            let of_items = |field| {
                let maps = items.iter().filter_map(Value::as_map);
                maps.filter_map(move |item| item.get(field)).map(Value::is_truthy).collect::<Vec<_>>()
            };
            match of_items("failed_when_result") {
                judged if judged.is_empty() => is_true(result, "failed"),
                judged => judged.contains(&true),
            }
        }
        _ => is_true(result, "failed"),
    }
}

/// The status that a result's fields tell.
pub(crate) fn status(result: &Map) -> Status {
    if is_true(result, "unreachable") {
        Status::Unreachable
    } else if has_failed(result) {
        Status::Failed
    } else if is_true(result, "skipped") {
        Status::Skipped
    } else if is_true(result, "changed") {
        Status::Changed
    } else {
        Status::Ok
    }
}

/// What outputs may show of a result under `no_log`.
pub(crate) fn censored(result: &Map) -> Map {
    let mut shown = Map::from([(
        "censored",
        Value::from(
            "the output has been hidden due to the fact that 'no_log: true' was specified for this result",
        ),
    )]);
    for field in ["attempts", "changed", "retries", "failed", "unreachable", "skipped"] {
        if let Some(value) = result.get(field) {
            shown.insert(field, value.clone());
        }
    }
    if let Some(Value::List(items)) = result.get("results") {
        let items =
            items.iter().map(|item| item.as_map().map_or(Value::Null, |item| Value::Map(censored(item))));
        shown.insert("results", items.collect::<Value>());
    }
    shown
}

/// A result as events carry it: without the engine's own fields, and hidden under `no_log`.
pub(crate) fn for_display(result: &Map, no_log: bool) -> Map {
    if no_log { censored(result) } else { without_internals(result) }
}

/// A result as `register` keeps it.
pub(crate) fn for_register(result: &Map) -> Map {
    let mut kept = without_internals(result);
    kept.remove("invocation");
    note_failure(&mut kept);
    if let Some(Value::List(items)) = kept.get("results").cloned() {
        let cleaned = items.iter().map(|item| match item {
            Value::Map(item) => {
                let mut item = without_internals(item);
                item.remove("invocation");
                note_failure(&mut item);
                Value::Map(item)
            }
            other => other.clone(),
        });
        kept.insert("results", cleaned.collect::<Value>());
    }
    kept
}

/// Ansible keeps a word about the exception behind every failure; without a traceback to show it says so.
fn note_failure(kept: &mut Map) {
    if is_true(kept, "failed") && !kept.contains_key("exception") {
        kept.insert("exception", "(traceback unavailable)");
    }
}

fn without_internals(result: &Map) -> Map {
    if !result.keys().any(|key| key.as_str().is_some_and(|name| name.starts_with("_ansible_"))) {
        return result.clone();
    }
    let kept =
        result.iter().filter(|(key, _)| !key.as_str().is_some_and(|name| name.starts_with("_ansible_")));
    kept.map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_censored_result_keeps_only_its_status() {
        let result = Map::from([("changed", Value::from(true)), ("stdout", "secret".into())]);
        let shown = for_display(&result, true);
        assert!(shown.get("stdout").is_none());
        assert_eq!(shown.get("changed"), Some(&Value::from(true)));
    }

    #[test]
    fn a_registered_result_has_no_invocation() {
        let item = Map::from([("invocation", Value::from(1)), ("rc", 0.into())]);
        let result = Map::from([("invocation", Value::from(1)), ("results", vec![Value::Map(item)].into())]);
        let kept = for_register(&result);
        assert!(kept.get("invocation").is_none());
        let Some(Value::List(items)) = kept.get("results") else { panic!("no results") };
        assert!(items[0].get("invocation").is_none() && items[0].get("rc").is_some());
    }
}
