//! The task debugger: `debugger:` of a task, `strategy: debug`, or the setting `enable_task_debugger` stop at a result and ask the user.

use std::sync::Arc;

use data::{Diagnostic, Map, Text, Value};
use playbook::{Inherited, Task};

use crate::event::{Event, Status};
use crate::options::Question;
use crate::play::run::PlayRun;
use crate::task::outcome::{Finished, status};
use crate::variables::scope::TaskScope;

/// What the user knows.
const HELP: &str = "p EXPRESSION (task, task.args, task_vars, host, result._result), task.args['key'] = value, \
                    task_vars['key'] = value, u(pdate_task), r(edo), c(ontinue), q(uit)";

/// What happens next.
pub(crate) enum Next {
    /// The result counts.
    Continue,
    /// The task runs again on its host.
    Redo(Arc<Task>),
    /// The run ends.
    Quit,
}

impl PlayRun<'_> {
    /// Stops at a result if that was asked for, and lets the user say how it goes on.
    pub(crate) fn debug(&mut self, finished: &Finished) -> Next {
        let scope = self.task_scope(Some(&finished.task), Some(&finished.host));
        if !self.needs_debugger(finished, &scope) {
            return Next::Continue;
        }
        let Some(prompter) = self.shared.options.prompter.clone() else {
            let error = Diagnostic::error("the task debugger needs a terminal")
                .help("take `debugger` out, or run where somebody can answer");
            self.tell(Event::Error(error.at_opt(finished.task.place.as_ref(), "")));
            return self.quit();
        };
        let mut session = Session::new(finished, scope);
        let text = format!("[{}] TASK: {} (debug)> ", finished.host, finished.head.name);
        loop {
            let question = Question { text: text.clone(), hidden: false, default: None, confirm: false };
            let Ok(answer) = prompter.ask(&question) else { return self.quit() };
            match answer.trim() {
                "" => {}
                "c" | "continue" => return Next::Continue,
                "q" | "quit" => return self.quit(),
                "r" | "redo" => return Next::Redo(Arc::new(session.task)),
                line => {
                    let said = session.command(line);
                    if !said.is_empty() {
                        self.tell(Event::Verbose { level: 0, text: said });
                    }
                }
            }
        }
    }

    fn quit(&mut self) -> Next {
        self.tell(Event::Verbose { level: 0, text: "User interrupted execution".to_owned() });
        self.shared.options.interrupt.set();
        Next::Quit
    }

    fn needs_debugger(&self, finished: &Finished, scope: &TaskScope) -> bool {
        let whole = &finished.outcome.whole;
        let ignored = self.shared.options.debugger_on_ignored && whole.ignore_errors;
        let state = status(&whole.result);
        let failed = state == Status::Failed && !ignored;
        let unreachable = state == Status::Unreachable;
        let raw = finished.task.keywords.get(Inherited::Debugger);
        let word = raw.and_then(|raw| scope.resolve(raw).ok());
        match word.as_ref().and_then(Value::as_str) {
            Some("always") => true,
            Some("never") => false,
            Some("on_failed") if failed => true,
            Some("on_unreachable") if unreachable => true,
            Some("on_skipped") if state == Status::Skipped => true,
            _ => self.state.debugging && (failed || unreachable),
        }
    }
}

/// A stop at one result.
struct Session {
    task: Task,
    scope: TaskScope,
    /// What was assigned to `task_vars` and waits for `update_task`.
    assigned: Map,
}

impl Session {
    fn new(finished: &Finished, mut scope: TaskScope) -> Self {
        let result = Map::from([("_result", Value::Map(finished.outcome.whole.result.clone()))]);
        scope.local.insert("host", Value::from(&*finished.host));
        scope.local.insert("result", Value::Map(result));
        Self { task: (*finished.task).clone(), scope, assigned: Map::new() }
    }

    /// Does what a line says; returns what is to be shown.
    fn command(&mut self, line: &str) -> String {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match word {
            "p" | "pprint" | "print" => {
                self.evaluate(rest).map_or_else(|why| why, |value| data::python::repr(&value))
            }
            "h" | "help" | "?" => HELP.to_owned(),
            "u" | "update_task" => {
                self.task.vars.extend_from(&self.assigned);
                String::new()
            }
            _ => self.assign(line).err().unwrap_or_default(),
        }
    }

    /// `task.args['x'] = value` and `task_vars['x'] = value`.
    fn assign(&mut self, line: &str) -> Result<(), String> {
        let unknown = || format!("*** unknown command: {line}\n{HELP}");
        let (left, right) = line.split_once('=').ok_or_else(unknown)?;
        let (target, key) = left.trim().split_once(['[', '.']).ok_or_else(unknown)?;
        let (target, key) = match (target, key.strip_prefix("args")) {
            ("task", Some(key)) => ("task.args", key.trim_start_matches(['[', '.'])),
            _ => (target, key),
        };
        let key = key.trim().trim_end_matches(']').trim_matches(['\'', '"']).to_owned();
        let value = self.evaluate(right)?;
        match target {
            "task.args" => drop(self.task.action.args.insert(key, value)),
            "task_vars" => drop(self.assigned.insert(key, value)),
            _ => return Err(unknown()),
        }
        Ok(())
    }

    fn evaluate(&self, expression: &str) -> Result<Value, String> {
        let mut scope = self.scope.clone();
        let task = Map::from([
            ("name", Value::from(self.task.full_name())),
            ("action", self.task.action.name.as_str().into()),
            ("args", Value::Map(self.task.action.args.clone())),
        ]);
        scope.local.insert("task", Value::Map(task));
        let mut vars = template::Scope::get(&scope, "vars").unwrap_or(Value::Null);
        if let Value::Map(vars) = &mut vars {
            vars.extend_from(&self.assigned);
        }
        scope.local.insert("task_vars", vars);
        let text = Text::template(expression.trim(), None);
        scope.shared.engine.evaluate(&text, &scope.context()).map_err(|error| format!("*** {error}"))
    }
}
