//! `linear`: the hosts go in step. Of the tasks that hosts are at, the first in the play's order is done on all hosts that are at it.

use std::collections::VecDeque;
use std::sync::Arc;

use playbook::{Task, TaskId, TaskKind};

use crate::action;
use crate::event::{Event, HostName};
use crate::play::includes::is_include;
use crate::play::meta;
use crate::play::results::Handled;
use crate::play::run::PlayRun;
use crate::task::debugger::Next;
use crate::task::finalized;
use crate::task::outcome::Finished;

/// Runs the batch.
pub(super) fn run(run: &mut PlayRun<'_>, max_fail_percentage: Option<f64>) {
    let mut step = Step { at: 0 };
    while !run.interrupted() && !run.is_broken() {
        let Some((task, hosts)) = step.next(run) else { return };
        if task.action.short_name() == "meta" {
            meta_task(run, &task, &hosts);
            if task.meta() == Some("flush_handlers") {
                let handlers: Vec<TaskId> = run.handlers.iter().map(|handler| handler.id).collect();
                run.sequence_at = step.at;
                run.sequence_insert(&handlers);
            }
            continue;
        }
        run.sequence_at = step.at;
        if !one_task(run, &task, &hosts, max_fail_percentage) {
            return;
        }
    }
}

/// The place in the play's order.
struct Step {
    at: usize,
}

impl Step {
    /// The next task in order that some host is at, with these hosts, which pass over it.
    fn next(&mut self, run: &mut PlayRun<'_>) -> Option<(Arc<Task>, Vec<HostName>)> {
        let mut next: Vec<(HostName, Arc<Task>)> = Vec::new();
        for host in run.hosts_left() {
            if let Some(task) = run.peek(&host) {
                next.push((host, task));
            }
        }
        let id = self.first(run, &next)?;
        let task = next.iter().find(|(_, task)| task.id == id).map(|(_, task)| Arc::clone(task))?;
        let hosts: Vec<HostName> =
            next.into_iter().filter(|(_, task)| task.id == id).map(|(host, _)| host).collect();
        hosts.iter().for_each(|host| run.take(host));
        Some((task, hosts))
    }

    /// Searches on from the last place; hosts may also have been sent back, so the search wraps once.
    fn first(&mut self, run: &PlayRun<'_>, next: &[(HostName, Arc<Task>)]) -> Option<TaskId> {
        let wanted = |id: &TaskId| next.iter().any(|(_, task)| task.id == *id);
        let sequence = &run.sequence;
        let start = self.at.min(sequence.len());
        let found = sequence[start..].iter().position(wanted).map(|at| start + at);
        let found = found.or_else(|| sequence[..start].iter().position(wanted));
        match found {
            Some(at) => {
                self.at = at + 1;
                Some(sequence[at])
            }
            // A task outside the order can only be one that a handler's include brought: first come, first served.
            None => next.first().map(|(_, task)| task.id),
        }
    }
}

fn meta_task(run: &mut PlayRun<'_>, task: &Arc<Task>, hosts: &[HostName]) {
    let once = meta::for_all(task.meta().unwrap_or_default());
    let hosts = if once { &hosts[..1] } else { hosts };
    for host in hosts {
        run.meta(task, host);
    }
}

/// Does a task on hosts and all that follows from it. False ends the batch.
fn one_task(
    run: &mut PlayRun<'_>,
    task: &Arc<Task>,
    hosts: &[HostName],
    max_fail_percentage: Option<f64>,
) -> bool {
    let scope = run.task_scope(Some(task), Some(&hosts[0]));
    let action_once = action::find(task.action.name.as_str()).is_some_and(|spec| spec.once);
    let run_once = action_once || finalized::run_once(&scope, task).unwrap_or_default();
    let fatal = finalized::any_errors_fatal(&scope, task) || run_once;
    let limit = match finalized::throttle(&scope, task) {
        Ok(limit) => limit,
        Err(finding) => {
            run.abort(vec![finding]);
            return false;
        }
    };
    drop(scope);
    let head = run.head(task, &hosts[0]);
    if run.steps_over(&head) {
        return true;
    }
    run.tell(Event::TaskStart(Arc::clone(&head)));
    let on = if run_once { &hosts[..1] } else { hosts };
    if run_once && task.kind == TaskKind::Handler {
        run.cursors.values_mut().for_each(|cursor| cursor.unnotify(task.id));
    }
    let mut waiting: VecDeque<HostName> = on.iter().cloned().collect();
    let mut running = 0;
    let mut done: Vec<Finished> = Vec::new();
    let mut handled: Vec<Handled> = Vec::new();
    while running > 0 || !waiting.is_empty() {
        while limit.is_none_or(|limit| running < limit) && !run.interrupted() {
            let Some(host) = waiting.pop_front() else { break };
            run.tell(Event::HostStart { task: Arc::clone(&head), host: host.clone() });
            run.spawn(task, &head, &host);
            running += 1;
        }
        let Some(mut finished) = run.wait() else { return false };
        running -= 1;
        match run.debug(&finished) {
            Next::Continue => {}
            Next::Redo(task) => {
                run.spawn(&task, &head, &finished.host);
                running += 1;
                continue;
            }
            Next::Quit => return false,
        }
        handled.push(run.handle(&mut finished, run_once));
        if is_include(task) {
            done.push(finished);
        }
    }
    // Results come in any order; includes follow the order of the hosts.
    done.sort_by_key(|finished| hosts.iter().position(|host| *host == finished.host));
    let lost = run.include(&done);
    for one in handled.iter_mut().filter(|one| lost.contains(&one.host)) {
        one.failed = true;
    }
    fail_others(run, task, fatal, &handled);
    !too_many_failed(run, &handled, max_fail_percentage)
}

/// `any_errors_fatal`: a failure takes all other hosts along.
fn fail_others(run: &mut PlayRun<'_>, task: &Task, fatal: bool, handled: &[Handled]) {
    let ignores =
        task.keywords.get(playbook::Inherited::IgnoreErrors).and_then(playbook::boolean).unwrap_or_default();
    if !fatal || ignores || !handled.iter().any(|one| one.failed || one.unreachable) {
        return;
    }
    for host in run.hosts_left() {
        if !handled.iter().any(|one| one.failed && one.host == host) {
            run.fail_host(&host);
        }
    }
}

/// `max_fail_percentage`: ends the batch when more of it has failed.
fn too_many_failed(run: &mut PlayRun<'_>, handled: &[Handled], max_fail_percentage: Option<f64>) -> bool {
    let Some(limit) = max_fail_percentage.filter(|_| !handled.is_empty()) else { return false };
    let batch = run.hosts.batch.len();
    let failed = run.hosts.batch.iter().filter(|host| run.state.failed.contains(*host)).count();
    if failed as f64 / batch as f64 <= limit / 100.0 {
        return false;
    }
    for host in run.hosts_left() {
        if !handled.iter().any(|one| one.failed && one.host == host) {
            run.state.failed.insert(host.clone());
            run.fail_host(&host);
        }
    }
    // Ansible says it twice: for the limit, and because with it all hosts are gone.
    run.tell(Event::NoHostsRemaining);
    run.tell(Event::NoHostsRemaining);
    true
}
