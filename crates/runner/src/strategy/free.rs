//! `free` and `host_pinned`: every host goes through the play on its own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use data::Diagnostic;
use playbook::{Task, TaskId};

use crate::action;
use crate::event::{Event, HostName};
use crate::play::includes::is_include;
use crate::play::meta;
use crate::play::run::PlayRun;
use crate::task::debugger::Next;
use crate::task::finalized;

/// Runs the batch; with `pinned` at most so many hosts are under way, each until it is through.
pub(super) fn run(run: &mut PlayRun<'_>, pinned: Option<usize>) {
    let mut going = Going::default();
    loop {
        let started = start(run, &mut going, pinned);
        if run.is_broken() || run.interrupted() || (!started && going.busy.is_empty()) {
            return;
        }
        if going.busy.is_empty() {
            continue;
        }
        let Some(mut finished) = run.wait() else { return };
        going.finish(&finished.host, finished.task.id);
        match run.debug(&finished) {
            Next::Continue => {}
            Next::Redo(task) => {
                run.spawn(&task, &finished.head, &finished.host);
                going.busy.insert(finished.host.clone());
                *going.tasks.entry(task.id).or_default() += 1;
                continue;
            }
            Next::Quit => return,
        }
        let once = going.once.remove(&finished.task.id);
        run.handle(&mut finished, once);
        if is_include(&finished.task) {
            let host = finished.host.clone();
            run.include(&[finished]);
            going.under_way.insert(host);
        }
    }
}

#[derive(Default)]
struct Going {
    /// Hosts with a task in the pool.
    busy: HashSet<HostName>,
    /// Hosts that have begun and are not through.
    under_way: HashSet<HostName>,
    /// How often a task is in the pool.
    tasks: HashMap<TaskId, usize>,
    /// Tasks in the pool that count for all hosts.
    once: HashSet<TaskId>,
    /// Such tasks that are done: other hosts pass over them.
    over: HashSet<TaskId>,
    /// The task whose banner was shown last.
    shown: Option<TaskId>,
}

impl Going {
    fn finish(&mut self, host: &HostName, task: TaskId) {
        self.busy.remove(host);
        if let Some(count) = self.tasks.get_mut(&task) {
            *count -= 1;
        }
    }
}

/// Gives each host that waits its next task. Says whether any did something.
fn start(run: &mut PlayRun<'_>, going: &mut Going, pinned: Option<usize>) -> bool {
    let mut any = false;
    for host in run.hosts_left() {
        if run.interrupted() {
            return any;
        }
        if going.busy.contains(&host) {
            continue;
        }
        if pinned.is_some_and(|limit| going.under_way.len() >= limit && !going.under_way.contains(&host)) {
            continue;
        }
        let Some(task) = run.peek(&host) else {
            going.under_way.remove(&host);
            continue;
        };
        any |= start_one(run, going, &host, &task);
    }
    any
}

fn start_one(run: &mut PlayRun<'_>, going: &mut Going, host: &HostName, task: &Arc<Task>) -> bool {
    going.under_way.insert(host.clone());
    if task.action.short_name() == "meta" {
        run.take(host);
        // Words for all hosts are said by each host for itself here, except those that end the play.
        if meta::for_all(task.meta().unwrap_or_default()) && !going.over.insert(task.id) {
            return true;
        }
        run.meta(task, host);
        return true;
    }
    let scope = run.task_scope(Some(task), Some(host));
    let once = action::find(task.action.name.as_str()).is_some_and(|spec| spec.once);
    if !once && finalized::run_once(&scope, task).unwrap_or_default() {
        run.shared.warn(unsupported(task, RUN_ONCE));
    }
    if finalized::any_errors_fatal(&scope, task) {
        run.shared.warn(unsupported(task, ANY_ERRORS_FATAL));
    }
    let limit = match finalized::throttle(&scope, task) {
        Ok(limit) => limit,
        Err(finding) => {
            run.abort(vec![finding]);
            return false;
        }
    };
    if limit.is_some_and(|limit| going.tasks.get(&task.id).copied().unwrap_or_default() >= limit) {
        return false;
    }
    run.take(host);
    if once && !going.over.insert(task.id) {
        return true;
    }
    if once {
        going.once.insert(task.id);
    }
    let head = run.head(task, host);
    if going.shown != Some(task.id) {
        run.tell(Event::TaskStart(Arc::clone(&head)));
        going.shown = Some(task.id);
    }
    run.tell(Event::HostStart { task: Arc::clone(&head), host: host.clone() });
    run.spawn(task, &head, host);
    going.busy.insert(host.clone());
    *going.tasks.entry(task.id).or_default() += 1;
    true
}

/// Ansible's words for what cannot be where no host waits for another.
const RUN_ONCE: &str = "Using run_once with the free strategy is not currently supported. This task will still be executed for every host in \
                        the inventory list.";
const ANY_ERRORS_FATAL: &str = "Using any_errors_fatal with the free strategy is not supported, as tasks are executed independently on each host";

fn unsupported(task: &Task, title: &str) -> Diagnostic {
    Diagnostic::warning(title).at_opt(task.place.as_ref(), "")
}
