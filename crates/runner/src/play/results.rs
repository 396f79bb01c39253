//! What follows from a finished task: counts, facts, registered results, new hosts, notifications, the host's way on.

use data::{Diagnostic, Map, Value};
use playbook::Inherited;

use crate::event::{Event, HostName, Item, Status, TaskResult};
use crate::play::run::PlayRun;
use crate::task::outcome::{self, Execution, Finished, is_true, status};
use crate::task::{attempts, finalized};

/// What the strategy needs to know of a finished task.
pub(crate) struct Handled {
    pub(crate) host: HostName,
    pub(crate) failed: bool,
    pub(crate) unreachable: bool,
}

impl PlayRun<'_> {
    /// Takes in a finished task. Facts of tasks that run once are given to all hosts.
    pub(crate) fn handle(&mut self, finished: &mut Finished, run_once: bool) -> Handled {
        let kind = status(&finished.outcome.whole.result);
        let whole = &finished.outcome.whole;
        let ignored = match kind {
            Status::Failed => whole.ignore_errors,
            Status::Unreachable => whole.ignore_unreachable,
            _ => false,
        };
        let mut rescued = false;
        match kind {
            Status::Failed if !ignored => rescued = self.failed(finished, run_once),
            Status::Unreachable if !ignored => self.unreachable(&finished.host),
            Status::Failed | Status::Unreachable => self.count_ignored(finished, kind),
            Status::Skipped => self.state.stats.host(&finished.host).skipped += 1,
            Status::Ok | Status::Changed => self.effects(finished, run_once),
        }
        if self.state.aborted.is_some() {
            // What its notifications met has ended the run; nobody hears of the task.
            return Handled { host: finished.host.clone(), failed: true, unreachable: false };
        }
        self.register(finished, run_once);
        self.mark_role(finished, kind);
        let result = shown(finished, ignored, rescued);
        self.tell(Event::TaskResult(result));
        Handled {
            host: finished.host.clone(),
            failed: kind == Status::Failed,
            unreachable: kind == Status::Unreachable,
        }
    }

    fn count_ignored(&mut self, finished: &Finished, kind: Status) {
        let line = self.state.stats.host(&finished.host);
        line.ok += 1;
        line.ignored += 1;
        if kind == Status::Failed && is_true(&finished.outcome.whole.result, "changed") {
            line.changed += 1;
        }
    }

    /// A failure: the host goes to its rescue, or out of the play. With `run_once` all hosts do.
    fn failed(&mut self, finished: &Finished, run_once: bool) -> bool {
        let host = finished.host.clone();
        let mut rescued = self.fail_host(&host);
        if run_once {
            for other in self.hosts_left().into_iter().filter(|other| *other != host) {
                self.fail_host(&other);
            }
        }
        let line = self.state.stats.host(&host);
        if rescued {
            line.rescued += 1;
            let failed_result = Value::Map(outcome::for_register(&finished.outcome.whole.result));
            let vars = Map::from([
                ("ansible_failed_task", failed_task(finished)),
                ("ansible_failed_result", failed_result),
            ]);
            self.shared.variables.set(&host, &vars);
        } else {
            line.failed += 1;
            rescued = false;
        }
        rescued
    }

    fn unreachable(&mut self, host: &HostName) {
        self.state.stats.host(host).unreachable += 1;
        self.state.unreachable.insert(host.clone());
        self.hosts.removed.insert(host.clone());
        self.refresh_scope();
    }

    /// A task that went well: notifications, inventory, facts, statistics, counts.
    fn effects(&mut self, finished: &mut Finished, run_once: bool) {
        let task = finished.task.clone();
        let changed = is_true(&finished.outcome.whole.result, "changed");
        let mut inventory_changed = false;
        if matches!(task.action.short_name(), "add_host" | "group_by") {
            inventory_changed = self.grow_inventory(finished);
        }
        let executions: Vec<Execution> = finished.outcome.executions().to_vec();
        for execution in &executions {
            if changed {
                execution.notify.iter().for_each(|name| self.notify(&finished.host, name, &task));
            }
            if let Some(Value::Map(facts)) = execution.result.get("ansible_facts") {
                self.keep_facts(finished, execution, facts, run_once);
            }
            if let Some(Value::Map(stats)) = execution.result.get("ansible_stats") {
                self.keep_stats(&finished.host, stats, run_once);
            }
        }
        let is_include = matches!(task.action.short_name(), "include_tasks" | "include_role");
        if !is_include {
            let line = self.state.stats.host(&finished.host);
            line.ok += 1;
            if changed || inventory_changed {
                line.changed += 1;
            }
        }
    }

    /// `add_host` and `group_by`: their items are told here, when it is known what was new.
    fn grow_inventory(&mut self, finished: &mut Finished) -> bool {
        let host = finished.host.clone();
        let judged = !finished.task.changed_when.is_empty();
        let mut any = false;
        let mut outcome = finished.outcome.clone();
        let executions = match &mut outcome.items {
            Some(items) => items.as_mut_slice(),
            None => std::slice::from_mut(&mut outcome.whole),
        };
        for execution in executions {
            if is_true(&execution.result, "skipped") {
                continue;
            }
            let new = self.change_inventory(&host, &execution.result);
            execution.result.insert("changed", new);
            if judged {
                // Only now it is known what the conditions may ask for.
                let mut scope = self.task_scope(Some(&finished.task), Some(&host));
                scope.local.extend_from(&execution.special);
                attempts::remember(&finished.task, &mut scope, &execution.result);
                attempts::judge(&finished.task, &scope, &mut execution.result);
            }
            any |= is_true(&execution.result, "changed");
            if let Some(label) = execution.special.get("_ansible_item_label") {
                let variable = execution.special.get_str("ansible_loop_var").unwrap_or("item").to_owned();
                let item = Item { variable, label: label.clone() };
                let result = shown_execution(finished, execution, Some(item));
                self.tell(Event::ItemResult(result));
            }
        }
        if let Some(items) = &outcome.items {
            outcome.whole.result = crate::task::looping::sum(items).result;
        }
        finished.outcome = outcome;
        any
    }

    fn keep_facts(&mut self, finished: &Finished, execution: &Execution, facts: &Map, run_once: bool) {
        let action = finished.task.action.short_name();
        if action == "debug" {
            return;
        }
        if matches!(action, "include_vars" | "set_fact") {
            crate::variables::reserved::warn(&self.shared, facts);
        }
        let hosts = match (&execution.delegated_to, execution.delegate_facts) {
            (Some(delegated), true) => vec![delegated.clone()],
            _ => self.receivers(&finished.host, run_once),
        };
        for host in hosts {
            match action {
                "include_vars" => {
                    let behaviour = self.shared.inventory().hash_behaviour();
                    self.shared.variables.include(&host, facts, behaviour);
                }
                "set_fact" => {
                    if is_true(&execution.result, "_ansible_facts_cacheable") {
                        self.shared.variables.add_facts(&host, facts);
                    }
                    self.shared.variables.set(&host, facts);
                }
                _ => self.shared.variables.add_facts(&host, facts),
            }
        }
    }

    /// Whose variables a result becomes: with `run_once` those of all hosts left.
    fn receivers(&self, host: &HostName, run_once: bool) -> Vec<HostName> {
        if run_once { self.hosts_left() } else { vec![host.clone()] }
    }

    fn keep_stats(&mut self, host: &HostName, stats: &Map, run_once: bool) {
        let Some(Value::Map(values)) = stats.get("data") else { return };
        let owners = if is_true(stats, "per_host") {
            self.receivers(host, run_once).into_iter().map(Some).collect()
        } else {
            vec![None]
        };
        for owner in owners {
            let kept = self.state.stats.custom.entry(owner).or_default();
            for (key, value) in values.iter() {
                let joined = match (is_true(stats, "aggregate"), kept.get(key.to_string().as_str())) {
                    (true, Some(old)) => aggregate(old, value),
                    _ => value.clone(),
                };
                kept.insert(key.clone(), joined);
            }
        }
    }

    fn register(&mut self, finished: &Finished, run_once: bool) {
        let Some(name) = &finished.task.register else { return };
        let kept = outcome::for_register(&finished.outcome.whole.result);
        let vars = Map::from([(data::Key::from(name.clone()), Value::Map(kept))]);
        crate::variables::reserved::warn(&self.shared, &vars);
        for host in self.receivers(&finished.host, run_once) {
            self.shared.variables.set(&host, &vars);
        }
    }

    fn mark_role(&mut self, finished: &Finished, kind: Status) {
        let ran = matches!(kind, Status::Ok | Status::Changed | Status::Failed);
        if let Some(role) = finished.task.enclosing.role.as_ref().filter(|_| ran) {
            self.started_roles.entry(role.signature.clone()).or_default().insert(finished.host.clone());
        }
    }

    /// Puts what `add_host` or `group_by` gave into the inventory; says whether it was new.
    fn change_inventory(&mut self, host: &HostName, result: &Map) -> bool {
        self.state.grown.push((host.clone(), result.clone()));
        let changed = self.shared.change_inventory(|inventory| grow(inventory, host, result));
        let changed = changed.unwrap_or_else(|error| {
            self.shared.warn(Diagnostic::warning(error.to_string()));
            false
        });
        self.refresh_scope();
        changed
    }
}

/// Puts a result of `add_host` or `group_by` into an inventory; says whether it was new.
pub(crate) fn grow(
    inventory: &mut inventory::Inventory,
    host: &HostName,
    result: &Map,
) -> Result<bool, inventory::GraphError> {
    let mut changed = false;
    if let Some(Value::Map(added)) = result.get("add_host") {
        changed |= add_host(inventory, added)?;
    }
    if let Some(group) = result.get_str("add_group") {
        changed |= group_by(inventory, host, group, result)?;
    }
    inventory.reconcile();
    Ok(changed)
}

fn add_host(inventory: &mut inventory::Inventory, added: &Map) -> Result<bool, inventory::GraphError> {
    let Some(name) = added.get_str("host_name") else { return Ok(false) };
    let mut changed = inventory.add_host(name, None, None)?;
    if let Some(Value::Map(vars)) = added.get("host_vars") {
        let known = inventory.host(name).map(|host| host.vars().clone()).unwrap_or_default();
        for (key, value) in vars.iter() {
            changed |= known.get(key.to_string().as_str()) != Some(value);
            inventory.set_host_var(name, key.clone(), value.clone())?;
        }
    }
    for group in added.get("groups").and_then(Value::as_list).into_iter().flat_map(|list| list.iter()) {
        let Some(group) = finalized::shown(group).filter(|group| !group.is_empty()) else { continue };
        changed |= inventory.add_group(&group, None)?;
        changed |= inventory.add_to_group(name, &group)?;
    }
    Ok(changed)
}

fn group_by(
    inventory: &mut inventory::Inventory,
    host: &HostName,
    group: &str,
    result: &Map,
) -> Result<bool, inventory::GraphError> {
    let mut changed = inventory.add_group(group, None)?;
    for parent in
        result.get("parent_groups").and_then(Value::as_list).into_iter().flat_map(|list| list.iter())
    {
        let Some(parent) = parent.as_str().filter(|parent| *parent != "all") else { continue };
        changed |= inventory.add_group(parent, None)?;
        changed |= inventory.add_child_group(parent, group)?;
    }
    Ok(changed | inventory.add_to_group(host, group)?)
}

/// The sum of two values of `set_stats`: numbers and texts add up, lists and mappings are joined.
fn aggregate(old: &Value, new: &Value) -> Value {
    match (old, new) {
        (Value::Int(a), Value::Int(b)) => Value::Int(a.saturating_add(*b)),
        (Value::Float(a), Value::Float(b)) => Value::Float(a + b),
        (Value::Str(a), Value::Str(b)) => Value::from(format!("{a}{b}")),
        (Value::List(a), Value::List(b)) => a.iter().chain(b.iter()).cloned().collect(),
        (Value::Map(a), Value::Map(b)) => {
            let mut joined = a.clone();
            joined.extend_from(b);
            Value::Map(joined)
        }
        _ => new.clone(),
    }
}

/// `ansible_failed_task`: the task as its keywords say.
fn failed_task(finished: &Finished) -> Value {
    let task = &finished.task;
    let mut fields = Map::from([
        ("name", Value::from(task.name.as_deref().unwrap_or_default())),
        ("action", task.action.name.as_str().into()),
        ("args", Value::Map(task.action.args.clone())),
        ("vars", Value::Map(task.vars.clone())),
        ("register", task.register.as_deref().map(Value::from).into()),
    ]);
    for (name, keyword) in [("tags", Inherited::Tags), ("when", Inherited::When)] {
        fields.insert(name, task.keywords.list(keyword).to_vec());
    }
    Value::Map(fields)
}

pub(crate) fn shown(finished: &Finished, ignored: bool, rescued: bool) -> TaskResult {
    TaskResult { ignored, rescued, ..shown_execution(finished, &finished.outcome.whole, None) }
}

fn shown_execution(finished: &Finished, execution: &Execution, item: Option<Item>) -> TaskResult {
    execution.shown((&finished.head, &finished.host), item, finished.started, finished.duration)
}
