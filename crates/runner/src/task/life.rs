//! A task's life on one host: items, conditions, keywords, arguments, action, verdict. Runs on a thread of the pool.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant, SystemTime};

use data::{Diagnostic, Map, Value};
use playbook::Task;

use crate::action::{self, ActionCall};
use crate::event::{Event, HostName, TaskHead};
use crate::play::scope::PlayScope;
use crate::shared::Shared;
use crate::task::ahead::Ahead;
use crate::task::attempts;
use crate::task::conditional::{self, Verdict};
use crate::task::finalized::{self, Finalized};
use crate::task::looping::{self, NoItems};
use crate::task::outcome::{self, Execution, Finished, Outcome};
use crate::task::rounds;
use crate::trouble::Trouble;
use crate::variables::scope::TaskScope;

/// A task to be run on a host.
pub(crate) struct Job {
    pub(crate) shared: Arc<Shared>,
    pub(crate) play: Arc<PlayScope>,
    pub(crate) task: Arc<Task>,
    pub(crate) head: Arc<TaskHead>,
    pub(crate) host: HostName,
    pub(crate) messages: Sender<Message>,
}

/// What threads of the pool tell the main thread.
pub(crate) enum Message {
    /// Something to show.
    Event(Box<Event>),
    /// A task is done on a host.
    Finished(Box<Finished>),
}

impl Job {
    /// Lives the task and sends what came of it.
    pub(crate) fn run(self) {
        let (started, clock) = (SystemTime::now(), Instant::now());
        let outcome = self.outcome();
        let finished = Finished {
            host: self.host,
            task: self.task,
            head: self.head,
            outcome,
            started,
            duration: clock.elapsed(),
        };
        // The main thread hangs up only when the run has ended.
        let _ = self.messages.send(Message::Finished(Box::new(finished)));
    }

    fn outcome(&self) -> Outcome {
        let mut scope = TaskScope::new(&self.shared, &self.play, Some(&self.task), Some(&self.host));
        scope.deprecations = Some(Arc::default());
        crate::variables::reserved::warn(&self.shared, &self.task.vars);
        crate::variables::reserved::warn(&self.shared, &self.task.enclosing.vars);
        let (items, loop_error) = match looping::items(&self.task, &scope) {
            Ok(items) => (items, None),
            Err(NoItems::Undefined(trouble)) => (None, Some(trouble)),
            Err(NoItems::Wrong(trouble)) => {
                return Outcome { whole: self.ended(&scope, trouble), items: None };
            }
        };
        match items {
            None => {
                let mut whole = self.execute(scope, loop_error);
                if !whole.result.contains_key("changed") {
                    whole.result.insert("changed", false);
                }
                Outcome { whole, items: None }
            }
            Some(items) if items.is_empty() => {
                let whole = Execution { result: looping::nothing(), ..Execution::default() };
                Outcome { whole, items: Some(Vec::new()) }
            }
            Some(items) => rounds::run(self, &scope, &items),
        }
    }

    /// One execution: the task, or one item of its loop. Never fails; trouble becomes its result.
    pub(crate) fn execute(&self, mut scope: TaskScope, loop_error: Option<Trouble>) -> Execution {
        match self.prepare(&mut scope, loop_error) {
            Ok(Step::Done(execution)) => execution,
            Ok(Step::Act(act)) => self.act(&scope, &act, None),
            Err(trouble) => self.ended(&scope, trouble),
        }
    }

    /// Runs a prepared action as often as the task asks for; `ahead` has the answer if it was asked already.
    pub(crate) fn act(&self, scope: &TaskScope, act: &Act, ahead: Option<&Ahead>) -> Execution {
        let keywords = &act.keywords;
        let (mut result, findings) = match attempts::run(act.call(self, scope, ahead)) {
            Ok(result) => (result, Vec::new()),
            Err(trouble) => (trouble.result, trouble.findings),
        };
        add_deprecations(&mut result, scope);
        Execution { findings, notify: keywords.notify.clone(), ..self.execution(result, keywords) }
    }

    pub(crate) fn ended(&self, scope: &TaskScope, mut trouble: Trouble) -> Execution {
        add_deprecations(&mut trouble.result, scope);
        let keywords = Finalized::tolerant(scope, &self.task);
        let delegated_to = finalized::delegate(scope, &self.task).unwrap_or_else(|_| {
            // Ansible shows the template of a host that nobody knows.
            let written = self.task.keywords.get(playbook::Inherited::DelegateTo).and_then(Value::as_str);
            written.map(HostName::from)
        });
        Execution {
            result: trouble.result,
            findings: trouble.findings,
            no_log: keywords.no_log,
            ignore_errors: keywords.ignore_errors,
            ignore_unreachable: keywords.ignore_unreachable,
            show_diff: keywords.diff,
            delegated_to,
            ..Execution::default()
        }
    }

    /// All that comes before the action: conditions, keywords, arguments.
    pub(crate) fn prepare(
        &self,
        scope: &mut TaskScope,
        loop_error: Option<Trouble>,
    ) -> Result<Step, Trouble> {
        let task = &*self.task;
        let delegate = finalized::delegate(scope, task)?;
        scope.delegated.clone_from(&delegate);
        match conditional::evaluate(task.keywords.list(playbook::Inherited::When), scope) {
            Ok(Verdict::Holds) => {}
            Ok(Verdict::Fails(condition)) => {
                return Ok(Step::Done(self.skipped(scope, condition, delegate)));
            }
            Err(trouble) => return Err(loop_error.unwrap_or(trouble)),
        }
        if let Some(trouble) = loop_error {
            return Err(trouble);
        }
        let keywords = Finalized::new(scope, task, delegate)?;
        if matches!(task.action.short_name(), "include_tasks" | "include_role") {
            return self.include(scope, &keywords).map(Step::Done);
        }
        let name = action::name(task, scope)?;
        let args = action::arguments(task, &name, scope)?;
        Ok(Step::Act(Box::new(Act { name, args, keywords })))
    }

    fn execution(&self, result: Map, keywords: &Finalized) -> Execution {
        Execution {
            no_log: keywords.no_log || outcome::is_true(&result, "_ansible_no_log"),
            result,
            ignore_errors: keywords.ignore_errors,
            ignore_unreachable: keywords.ignore_unreachable,
            show_diff: keywords.diff,
            delegated_to: keywords.delegate_to.clone(),
            delegate_facts: keywords.delegate_facts,
            ..Execution::default()
        }
    }

    fn skipped(&self, scope: &TaskScope, condition: Value, delegated_to: Option<HostName>) -> Execution {
        let mut result = Map::from([
            ("changed", Value::from(false)),
            ("skipped", true.into()),
            ("skip_reason", "Conditional result was False".into()),
            ("false_condition", condition),
        ]);
        add_deprecations(&mut result, scope);
        Execution {
            result,
            delegated_to,
            no_log: Finalized::tolerant(scope, &self.task).no_log,
            ..Execution::default()
        }
    }

    /// A dynamic include is only prepared here; the main thread reads the file and gives its tasks to the host.
    fn include(&self, scope: &TaskScope, keywords: &Finalized) -> Result<Execution, Trouble> {
        let args = action::arguments(&self.task, self.task.action.short_name(), scope)?;
        let mut result = Map::new();
        if self.task.action.short_name() == "include_tasks" {
            let file = args.get("_raw_params").or_else(|| args.get("file")).and_then(finalized::shown);
            let Some(file) = file.filter(|file| !file.is_empty()) else {
                return Err(Trouble::failed("No include file was specified to the include"));
            };
            result.insert("include", file);
        }
        let mut args = args;
        args.remove("_raw_params");
        args.remove("file");
        result.insert("include_args", Value::Map(args));
        Ok(self.execution(result, keywords))
    }

    /// A result of the moment: a retry.
    pub(crate) fn send_retry(&self, result: &Map, keywords: &Finalized) {
        let execution = self.execution(result.clone(), keywords);
        let shown = execution.shown((&self.head, &self.host), None, SystemTime::now(), Duration::ZERO);
        self.send(Event::Retry(shown));
    }

    /// A look at a job that goes on.
    pub(crate) fn send_poll(&self, result: &Map, keywords: &Finalized) {
        let execution = self.execution(result.clone(), keywords);
        let shown = execution.shown((&self.head, &self.host), None, SystemTime::now(), Duration::ZERO);
        self.send(Event::AsyncPoll(shown));
    }

    /// A line for those who gave so many `-v`.
    pub(crate) fn tell(&self, level: u8, text: String) {
        self.send(Event::Verbose { level, text });
    }

    pub(crate) fn send(&self, event: Event) {
        let _ = self.messages.send(Message::Event(Box::new(event)));
    }

    /// Tells the user something.
    pub(crate) fn warn(&self, warning: Diagnostic) {
        self.send(Event::Warning(warning));
    }
}

/// Puts what was used that Ansible will take away beside what the module warns of.
fn add_deprecations(result: &mut Map, scope: &TaskScope) {
    let Some(Value::List(heard)) = scope.take_deprecations() else { return };
    let told = result.get("deprecations").and_then(Value::as_list);
    let all = told.into_iter().flat_map(|told| told.iter().cloned()).chain(heard.iter().cloned());
    let all: Value = all.collect();
    result.insert("deprecations", all);
}

/// What came of preparing an execution.
pub(crate) enum Step {
    /// It is over: a condition does not hold, or it is an include.
    Done(Execution),
    /// The action is to be run.
    Act(Box<Act>),
}

/// An action with all that was rendered for it.
pub(crate) struct Act {
    pub(crate) name: String,
    args: Map,
    keywords: Finalized,
}

impl Act {
    /// A run of it.
    pub(crate) fn call<'a>(
        &'a self,
        job: &'a Job,
        scope: &'a TaskScope,
        ahead: Option<&'a Ahead>,
    ) -> ActionCall<'a> {
        let (name, args) = (self.name.clone(), self.args.clone());
        ActionCall { job, name, args, scope, keywords: &self.keywords, ahead }
    }
}

/// Tasks whose items are told by the main thread, which knows more of them: what was new to the inventory.
pub(crate) fn told_later(task: &Task) -> bool {
    matches!(task.action.short_name(), "add_host" | "group_by")
}
