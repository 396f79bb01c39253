//! Dynamic includes: files and roles named by results, read once for all hosts that name the same, and given to these hosts.

use std::path::PathBuf;
use std::sync::Arc;

use data::{Diagnose, Diagnostic, Map, Value};
use playbook::{Item, PlaybookError, RoleUse, Task};

use crate::event::{Event, HostName, Included, TaskHead};
use crate::play::run::PlayRun;
use crate::stats::ExitCode;
use crate::task::outcome::{self, Execution, Finished, is_true};

/// One include with the hosts that want it.
struct Wanted {
    task: Arc<Task>,
    head: Arc<TaskHead>,
    target: Target,
    special: Map,
    hosts: Vec<HostName>,
    /// The task's results on these hosts.
    results: Vec<Map>,
}

#[derive(PartialEq)]
enum Target {
    File(PathBuf),
    Role(Map),
}

impl PlayRun<'_> {
    /// Carries out the includes among finished tasks. The hosts' next tasks are the included ones. Returns the hosts on which an include
    /// failed.
    pub(crate) fn include(&mut self, finished: &[Finished]) -> Vec<HostName> {
        let mut wanted: Vec<Wanted> = Vec::new();
        for done in finished.iter().filter(|done| is_include(&done.task)) {
            for execution in done.outcome.executions() {
                if !is_true(&execution.result, "skipped") && !is_true(&execution.result, "failed") {
                    self.want(done, execution, &mut wanted);
                }
            }
        }
        let mut brought: Vec<(Vec<HostName>, Vec<Item>)> = Vec::new();
        let mut failed = Vec::new();
        for include in wanted {
            match self.read(&include) {
                Ok(items) => {
                    for host in &include.hosts {
                        self.state.stats.host(host).ok += 1;
                    }
                    self.tell_included(&include);
                    brought.push((include.hosts, items));
                }
                Err(error) if !error.is_missing() => {
                    self.abort_with(ExitCode::Unreachable, error.diagnostics());
                    return failed;
                }
                Err(error) => {
                    self.include_failed(&include, &error);
                    failed.extend(include.hosts);
                }
            }
        }
        // A host with several failed includes of one loop has failed once.
        let mut seen = std::collections::HashSet::new();
        failed.retain(|host: &HostName| seen.insert(host.clone()));
        for host in &failed {
            self.fail_host(host);
        }
        self.give(brought);
        failed
    }

    fn want(&self, done: &Finished, execution: &Execution, wanted: &mut Vec<Wanted>) {
        let args = execution.result.get("include_args").and_then(Value::as_map).cloned().unwrap_or_default();
        let target = match execution.result.get_str("include") {
            Some(file) => {
                Target::File(self.shared.loader.included_path(file, &done.task, &self.play.base_dir))
            }
            None => Target::Role(args),
        };
        let mut special = execution.special.clone();
        special.remove("_ansible_item_label");
        let same = wanted.iter_mut().find(|known| {
            known.task.id == done.task.id
                && known.target == target
                && known.special == special
                && !known.hosts.contains(&done.host)
        });
        match same {
            Some(known) => {
                known.hosts.push(done.host.clone());
                known.results.push(done.outcome.whole.result.clone());
            }
            None => wanted.push(Wanted {
                task: Arc::clone(&done.task),
                head: Arc::clone(&done.head),
                target,
                special,
                hosts: vec![done.host.clone()],
                results: vec![done.outcome.whole.result.clone()],
            }),
        }
    }

    /// The tasks that an include brings, chosen by tags. Roles join the play.
    fn read(&mut self, include: &Wanted) -> Result<Vec<Item>, PlaybookError> {
        let (loader, base) = (&self.shared.loader, &self.play.base_dir);
        let (items, warnings) = match &include.target {
            Target::File(path) => {
                let ((items, imported), warnings) =
                    loader.include_tasks(&include.task, path, &include.special, &self.vars, base)?;
                for role in imported {
                    self.handlers.extend(role.handlers.iter().cloned());
                    self.roles.push(role.role);
                }
                (items, warnings)
            }
            Target::Role(args) => {
                let used = RoleUse::from_args(args, &include.task)
                    .ok_or_else(|| Diagnostic::error("`name` is a required field for `include_role`"))?;
                let (included, warnings) =
                    loader.include_role(&include.task, &used, &include.special, &self.vars, base)?;
                for role in included.imported.into_iter().chain([included.compiled.clone()]) {
                    self.handlers.extend(role.handlers.iter().cloned());
                    self.roles.push(role.role);
                }
                (included.compiled.tasks, warnings)
            }
        };
        warnings.into_iter().for_each(|warning| self.shared.warn(warning));
        crate::check::actions(&items, &self.shared.options)?;
        self.refresh_scope();
        if include.task.kind == playbook::TaskKind::Handler {
            return Ok(items);
        }
        let scope = self.task_scope(None, None);
        let mut keep = |task: &Arc<Task>| self.tags.keeps(task, &scope.with_task(task));
        Ok(playbook::filter(&items, &mut keep))
    }

    /// Puts the tasks before what the hosts would do next, and into the common order.
    fn give(&mut self, brought: Vec<(Vec<HostName>, Vec<Item>)>) {
        let mut ids = Vec::new();
        for (_, items) in &brought {
            ids.extend(playbook::flatten(items).iter().map(|task| task.id));
        }
        // A host may get several includes of one loop: the first must come out first.
        for host in self.hosts.batch.clone() {
            let items: Vec<Item> = brought
                .iter()
                .filter(|(hosts, _)| hosts.contains(&host))
                .flat_map(|(_, items)| items.iter().cloned())
                .collect();
            if let Some(cursor) = self.cursors.get_mut(&host).filter(|_| !items.is_empty()) {
                cursor.insert(&items);
            }
        }
        self.sequence_insert(&ids);
    }

    fn tell_included(&mut self, include: &Wanted) {
        let file = match &include.target {
            Target::File(path) => path.display().to_string(),
            Target::Role(args) => {
                args.get_str("name").or_else(|| args.get_str("role")).unwrap_or_default().to_owned()
            }
        };
        let item =
            include.special.get_str("ansible_loop_var").and_then(|name| include.special.get(name)).cloned();
        let task = Arc::clone(&include.head);
        self.tell(Event::Included(Included { file, hosts: include.hosts.clone(), item, task }));
    }

    fn include_failed(&mut self, include: &Wanted, error: &PlaybookError) {
        let findings = error.diagnostics();
        let reason = findings.first().map_or_else(String::new, |finding| finding.title.clone());
        for finding in &findings {
            self.tell(Event::Error(finding.clone()));
        }
        for (host, result) in include.hosts.iter().zip(&include.results) {
            let mut result = without_args(result);
            result.insert("failed", true);
            result.insert("reason", reason.clone());
            result.insert(outcome::BLAME, outcome::INCLUDE);
            let execution = Execution { result, findings: findings.clone(), ..Execution::default() };
            let finished = Finished {
                host: host.clone(),
                task: Arc::clone(&include.task),
                head: Arc::clone(&include.head),
                outcome: crate::task::outcome::Outcome { whole: execution, items: None },
                started: std::time::SystemTime::now(),
                duration: std::time::Duration::ZERO,
            };
            self.state.stats.host(host).failed += 1;
            self.tell(Event::TaskResult(crate::play::results::shown(&finished, false, false)));
        }
    }
}

/// An include's result without the arguments that were taken from it.
fn without_args(result: &Map) -> Map {
    let mut result = result.clone();
    result.remove("include_args");
    if let Some(Value::List(items)) = result.get("results").cloned() {
        let items =
            items.iter().map(|item| item.as_map().map_or(Value::Null, |item| Value::Map(without_args(item))));
        result.insert("results", items.collect::<Value>());
    }
    result
}

/// Whether the main thread has to carry the task out.
pub(crate) fn is_include(task: &Task) -> bool {
    matches!(task.action.short_name(), "include_tasks" | "include_role")
}
