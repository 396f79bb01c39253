//! Running an action until it is done: `until`, `retries`, `delay`, and what `changed_when` and `failed_when` say of each attempt.

use std::time::{Duration, Instant};

use data::{Map, Value};
use playbook::Task;

use crate::action::{self, ActionCall};
use crate::options::Interrupt;
use crate::task::conditional;
use crate::task::outcome::{self, is_true};
use crate::trouble::Trouble;
use crate::variables::scope::TaskScope;

/// Attempts without `retries` when `until` is set: the first and three more.
const DEFAULT_RETRIES: u64 = 3;

/// Runs the action as often as the task asks for; the result has `failed` and `changed`.
///
/// # Errors
/// The action could not be run, or a condition of `until` could not be evaluated.
pub(crate) fn run(call: ActionCall<'_>) -> Result<Map, Trouble> {
    let task = call.job.task.clone();
    let keywords = call.keywords;
    let more = keywords.retries.unwrap_or(if task.until.is_empty() { 0 } else { DEFAULT_RETRIES });
    let attempts = more + 1;
    let mut scope = call.scope.clone();
    let mut trouble = None;
    for attempt in 1..=attempts {
        let (mut result, failure) = match action::run(&call) {
            Ok(result) => (result, None),
            Err(failure) => (failure.result.clone(), Some(failure)),
        };
        complete(&mut result);
        if more > 0 {
            result.insert("attempts", attempt);
        }
        remember(&task, &mut scope, &result);
        let told = is_true(&result, "failed");
        if !result.contains_key("skipped") && !is_true(&result, "unreachable") {
            judge(&task, &scope, &mut result);
            remember(&task, &mut scope, &result);
        }
        if !told && is_true(&result, "failed") {
            result.insert(outcome::BLAME, outcome::JUDGED);
        }
        trouble = failure;
        if let Some(failure) = &mut trouble {
            failure.result = result.clone();
        }
        if more == 0 || is_true(&result, "unreachable") || done(&task, &scope, &result)? {
            return finish(result, trouble);
        }
        if attempt < attempts {
            result.insert("retries", attempts);
            call.job.send_retry(&result, keywords);
            pause(keywords.delay, &call.job.shared.options.interrupt);
        } else {
            result.insert("attempts", more);
            if !is_true(&result, "failed") {
                result.insert("failed", true);
                result.insert(outcome::BLAME, outcome::JUDGED);
            }
            return finish(result, trouble);
        }
    }
    finish(Map::new(), trouble)
}

/// A failure keeps its findings only while the result is still a failure.
fn finish(result: Map, trouble: Option<Trouble>) -> Result<Map, Trouble> {
    match trouble {
        Some(trouble) if is_true(&result, "failed") || is_true(&result, "unreachable") => {
            Err(Trouble { result, findings: trouble.findings })
        }
        _ => Ok(result),
    }
}

/// `failed` and `changed` are always there.
fn complete(result: &mut Map) {
    if !result.contains_key("failed") {
        let rc = result.get("rc").is_some_and(|rc| *rc != Value::from(0) && rc.as_str() != Some("0"));
        result.insert("failed", rc);
    }
    if !result.contains_key("changed") {
        result.insert("changed", false);
    }
}

/// The task's own conditions see its result under the name it registers, and the facts it gathered.
pub(crate) fn remember(task: &Task, scope: &mut TaskScope, result: &Map) {
    if let Some(register) = &task.register {
        scope.local.insert(register.as_str(), outcome::for_register(result));
    }
    if let Some(Value::Map(facts)) = result.get("ansible_facts") {
        match task.action.short_name() {
            "set_fact" | "include_vars" => scope.local.extend_from(facts),
            "debug" => {}
            _ => scope.add_local_facts(facts),
        }
    }
}

/// `changed_when` and `failed_when`. One that cannot be evaluated fails the task.
pub(crate) fn judge(task: &Task, scope: &TaskScope, result: &mut Map) {
    if !task.changed_when.is_empty() {
        match conditional::holds(&task.changed_when, scope) {
            Ok(changed) => drop(result.insert("changed", changed)),
            Err(trouble) => return refuse(result, "changed_when_result", &trouble),
        }
    }
    if !task.failed_when.is_empty() {
        match conditional::holds(&task.failed_when, scope) {
            Ok(failed) => {
                if !failed && is_true(result, "failed") {
                    result.insert("failed_when_suppressed_exception", "(traceback unavailable)");
                }
                result.insert("failed", failed);
                result.insert("failed_when_result", failed);
            }
            Err(trouble) => refuse(result, "failed_when_result", &trouble),
        }
    }
}

fn refuse(result: &mut Map, field: &str, trouble: &Trouble) {
    let msg = trouble.result.get_str("msg").unwrap_or_default();
    result.insert("failed", true);
    result.insert(field, msg.trim_start_matches("Task failed: "));
}

fn done(task: &Task, scope: &TaskScope, result: &Map) -> Result<bool, Trouble> {
    if task.until.is_empty() {
        Ok(!is_true(result, "failed"))
    } else {
        conditional::holds(&task.until, scope)
    }
}

/// Waits, but not beyond the user's wish to stop.
pub(crate) fn pause(time: Duration, interrupt: &Interrupt) {
    let end = Instant::now() + time;
    while !interrupt.is_set() {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(Duration::from_millis(200)));
    }
}
