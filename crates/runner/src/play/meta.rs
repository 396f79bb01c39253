//! `meta`: words to the engine itself. They run on the main thread, host by host.

use std::sync::Arc;

use data::{Diagnostic, Map, Value};
use playbook::{Inherited, Task};

use crate::event::{self, Blame, Event, HostName, Status, TaskHead, TaskResult};
use crate::play::run::PlayRun;
use crate::task::conditional;

impl PlayRun<'_> {
    /// Carries out a `meta` task for a host. Whether it holds for all hosts at once is known by [`for_all`].
    pub(crate) fn meta(&mut self, task: &Arc<Task>, host: &HostName) {
        let word = task.meta().unwrap_or_default().to_owned();
        if !task.implicit {
            let head = self.head(task, host);
            self.tell(Event::TaskStart(Arc::clone(&head)));
        }
        let unconditional = matches!(word.as_str(), "noop" | "refresh_inventory" | "reset_connection");
        let when = task.keywords.list(Inherited::When);
        if unconditional && !when.is_empty() && !task.implicit {
            let title = format!("`{word}` does not support `when`: the condition is ignored");
            self.tell(Event::Warning(Diagnostic::warning(title).at_opt(task.place.as_ref(), "")));
        }
        if !unconditional && !when.is_empty() {
            let scope = self.task_scope(Some(task), Some(host));
            match conditional::holds(when, &scope) {
                Ok(true) => {}
                Ok(false) => return self.meta_skipped(task, host, &word),
                Err(trouble) => return self.meta_failed(task, host, trouble.result, trouble.findings),
            }
        }
        self.carry_out(&word, task, host);
        let told = match word.as_str() {
            "clear_facts" => "facts cleared".to_owned(),
            "clear_host_errors" => "cleared host errors".to_owned(),
            "end_batch" => "ending batch".to_owned(),
            "end_play" => "ending play".to_owned(),
            "end_host" => format!("ending play for {host}"),
            "end_role" => format!("ending role execution for {host}"),
            "flush_handlers" => format!("triggered running handlers for {host}"),
            "noop" => "noop".to_owned(),
            "refresh_inventory" => "inventory successfully refreshed".to_owned(),
            "reset_connection" => "reset connection".to_owned(),
            "role_complete" => format!("role_complete for {host}"),
            other => other.to_owned(),
        };
        let level = if task.implicit { event::DEBUG } else { 2 };
        if word != "role_complete" {
            self.tell(Event::Verbose { level, text: format!("META: {told}") });
        }
    }

    fn carry_out(&mut self, word: &str, task: &Arc<Task>, host: &HostName) {
        match word {
            "flush_handlers" => self.flush_handlers(host),
            "clear_facts" => self.hosts.all.iter().for_each(|host| self.shared.variables.clear_facts(host)),
            "clear_host_errors" => self.clear_host_errors(),
            "end_host" => self.end_host(host),
            "end_batch" => self.end_batch(),
            "end_play" => {
                self.end_play = true;
                self.end_batch();
            }
            "end_role" => self.end_role(host, task),
            "role_complete" => self.complete_role(task, host),
            "reset_connection" => self.shared.connections.reset(host),
            "refresh_inventory" => {
                self.shared.reload_inventory();
                for (host, result) in self.state.grown.clone() {
                    let grown = self
                        .shared
                        .change_inventory(|inventory| crate::play::results::grow(inventory, &host, &result));
                    if let Err(error) = grown {
                        self.shared.warn(Diagnostic::warning(error.to_string()));
                    }
                }
                self.refresh_scope();
            }
            _ => {}
        }
    }

    fn clear_host_errors(&mut self) {
        for host in self.hosts.all.clone() {
            self.state.failed.remove(&host);
            self.state.unreachable.remove(&host);
            if let Some(cursor) = self.cursors.get_mut(&host) {
                cursor.clear_errors();
            }
        }
    }

    fn end_host(&mut self, host: &HostName) {
        if let Some(cursor) = self.cursors.get_mut(host) {
            cursor.end();
        }
        self.hosts.removed.insert(host.clone());
        self.refresh_scope();
    }

    fn end_batch(&mut self) {
        for host in self.hosts_left() {
            self.end_host(&host);
        }
    }

    /// Passes over the rest of the role.
    fn end_role(&mut self, host: &HostName, task: &Arc<Task>) {
        let role = task.enclosing.role.as_ref().map(|role| role.id);
        while let Some(next) = self.peek(host) {
            let own = next.enclosing.role.as_ref().map(|role| role.id);
            if next.meta() == Some("role_complete") && own == role {
                return;
            }
            self.take(host);
        }
    }

    fn complete_role(&mut self, task: &Arc<Task>, host: &HostName) {
        let Some(role) = &task.enclosing.role else { return };
        if self.started_roles.get(&role.signature).is_some_and(|hosts| hosts.contains(host)) {
            self.completed_roles.entry(role.signature.clone()).or_default().insert(host.clone());
        }
    }

    fn meta_skipped(&mut self, task: &Arc<Task>, host: &HostName, word: &str) {
        let mut reason = format!("{word} conditional evaluated to False");
        match word {
            "end_host" => reason.push_str(&format!(", continuing execution for {host}")),
            "end_play" => reason.push_str(", continuing play"),
            "end_batch" => reason.push_str(", continuing current batch"),
            "end_role" => {
                let role = task.enclosing.role.as_ref().map_or("", |role| role.name.as_str());
                reason.push_str(&format!("continuing role {role} for {host}"));
            }
            "flush_handlers" => reason.push_str(&format!(", not running handlers for {host}")),
            _ => {}
        }
        self.tell(Event::Verbose { level: 2, text: format!("META: {reason}") });
        let msg = match word {
            "end_host" => format!("end_host conditional evaluated to false, continuing execution for {host}"),
            other => other.to_owned(),
        };
        let result =
            Map::from([("msg", Value::from(msg)), ("skipped", true.into()), ("skip_reason", reason.into())]);
        let head = self.head(task, host);
        let result = event_result(head, host, Status::Skipped, result, Vec::new());
        self.tell(Event::TaskResult(result));
    }

    fn meta_failed(&mut self, task: &Arc<Task>, host: &HostName, result: Map, findings: Vec<Diagnostic>) {
        let head = self.head(task, host);
        self.fail_host(host);
        self.state.stats.host(host).failed += 1;
        let result = event_result(head, host, Status::Failed, result, findings);
        self.tell(Event::TaskResult(result));
    }
}

/// Whether a word of `meta` is said once for all hosts.
pub(crate) fn for_all(word: &str) -> bool {
    !matches!(
        word,
        "noop" | "reset_connection" | "end_host" | "role_complete" | "flush_handlers" | "end_role"
    )
}

fn event_result(
    task: Arc<TaskHead>,
    host: &HostName,
    status: Status,
    result: Map,
    findings: Vec<Diagnostic>,
) -> TaskResult {
    TaskResult {
        task,
        host: host.clone(),
        delegated_to: None,
        status,
        ignored: false,
        rescued: false,
        item: None,
        result,
        censored: false,
        show_diff: false,
        blame: Blame::Told,
        shown_whole: false,
        findings,
        started: std::time::SystemTime::now(),
        duration: std::time::Duration::ZERO,
    }
}
