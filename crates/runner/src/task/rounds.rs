//! A task's loop on one host: its rounds one after the other, or several asked ahead where no round needs what an earlier one did.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use data::{Map, Value};

use crate::action;
use crate::connection::{Call, Connection};
use crate::event::{Event, Item, Status};
use crate::task::ahead::{self, Ahead};
use crate::task::conditional;
use crate::task::life::{Act, Job, Step, told_later};
use crate::task::looping::{self, Looping};
use crate::task::outcome::{self, Execution, Outcome, status};
use crate::trouble::Trouble;
use crate::variables::scope::TaskScope;

/// Runs all rounds.
pub(crate) fn run(job: &Job, scope: &TaskScope, items: &[Value]) -> Outcome {
    let looping = match Looping::new(&job.task.loop_control, scope) {
        Ok(looping) => looping,
        Err(trouble) => return Outcome { whole: job.ended(scope, trouble), items: None },
    };
    let several = items.len() > 1 && ahead::possible(&job.task, &looping);
    let began = (SystemTime::now(), Instant::now());
    let mut rounds = Rounds {
        job,
        scope: scope.clone(),
        items,
        looping,
        registered: Map::new(),
        executions: Vec::new(),
        began,
        enough: false,
        broken: None,
    };
    while rounds.executions.len() < items.len() && !rounds.enough && !job.shared.options.interrupt.is_set() {
        if several {
            rounds.several();
        } else {
            rounds.one();
        }
    }
    if let Some(trouble) = rounds.broken {
        return Outcome { whole: job.ended(scope, trouble), items: None };
    }
    Outcome { whole: looping::sum(&rounds.executions), items: Some(rounds.executions) }
}

struct Rounds<'a> {
    job: &'a Job,
    /// The task's scope, with the facts that earlier rounds gathered.
    scope: TaskScope,
    items: &'a [Value],
    looping: Looping,
    /// What earlier rounds registered, and set by `set_fact` and `include_vars`.
    registered: Map,
    executions: Vec<Execution>,
    /// When the round that runs began.
    began: (SystemTime, Instant),
    enough: bool,
    /// Why nobody can tell whether it is enough.
    broken: Option<Trouble>,
}

/// A round that is prepared.
struct Prepared {
    special: Map,
    scope: TaskScope,
    step: Step,
}

/// Rounds whose requests go out together.
struct Together {
    connection: Arc<dyn Connection>,
    calls: Vec<Call>,
    /// Each with whether it has a call: a round that is skipped has none.
    rounds: Vec<(Prepared, bool)>,
}

impl Rounds<'_> {
    /// The variables of a round: its own, and the scope with them and with what earlier rounds registered.
    fn variables(&self, at: usize) -> (Map, TaskScope) {
        let special = self.looping.round(self.items, at);
        let mut scope = self.scope.clone();
        scope.local = self.registered.clone();
        scope.local.extend_from(&special);
        (special, scope)
    }

    /// The next round, to its end.
    fn one(&mut self) {
        let at = self.executions.len();
        if at > 0 && !self.looping.pause.is_zero() {
            std::thread::sleep(self.looping.pause);
        }
        self.began = (SystemTime::now(), Instant::now());
        let (special, scope) = self.variables(at);
        let execution = self.job.execute(scope.clone(), None);
        self.close(special, scope, execution);
    }

    fn prepare(&self, at: usize) -> Prepared {
        let (special, mut scope) = self.variables(at);
        let step = match self.job.prepare(&mut scope, None) {
            Ok(step) => step,
            Err(trouble) => Step::Done(self.job.ended(&scope, trouble)),
        };
        Prepared { special, scope, step }
    }

    /// As many of the next rounds as can be asked together, and the first that cannot.
    fn several(&mut self) {
        let next = self.executions.len();
        let mut together: Option<Together> = None;
        let mut alone = None;
        for at in next..self.items.len().min(next + ahead::AT_ONCE) {
            let prepared = self.prepare(at);
            match (self.ask(&prepared), &mut together) {
                (Some((connection, call)), None) => {
                    let (calls, rounds) = (vec![call], vec![(prepared, true)]);
                    together = Some(Together { connection, calls, rounds });
                }
                (Some((connection, call)), Some(known)) if known.takes(&connection, &call) => {
                    known.rounds.push((prepared, true));
                    known.calls.push(call);
                }
                (None, Some(known)) if matches!(prepared.step, Step::Done(_)) => {
                    known.rounds.push((prepared, false));
                }
                _ => {
                    alone = Some(prepared);
                    break;
                }
            }
        }
        if let Some(together) = together {
            self.run_together(together);
        }
        if let Some(prepared) = alone.filter(|_| !self.job.shared.options.interrupt.is_set()) {
            self.began = (SystemTime::now(), Instant::now());
            let Prepared { special, scope, step } = prepared;
            let execution = match step {
                Step::Done(execution) => execution,
                Step::Act(act) => self.job.act(&scope, &act, None),
            };
            self.close(special, scope, execution);
        }
    }

    /// What a prepared round would ask, if it can be asked ahead.
    fn ask(&self, prepared: &Prepared) -> Option<(Arc<dyn Connection>, Call)> {
        let Step::Act(act) = &prepared.step else { return None };
        if !action::asks_once(&act.name) {
            return None;
        }
        let ahead = Ahead::default();
        // It ends where it would ask; other troubles come again when it is run.
        let _ = action::run(&act.call(self.job, &prepared.scope, Some(&ahead)));
        ahead.asked()
    }

    fn run_together(&mut self, together: Together) {
        let Together { connection, calls, rounds } = together;
        self.began = (SystemTime::now(), Instant::now());
        let mut rounds = rounds.into_iter().peekable();
        let interrupt = self.job.shared.options.interrupt.clone();
        connection.run_ahead(&calls, &mut |_, answer| {
            let mut answer = Some(answer);
            // The round of this answer, and those after it that need none.
            while let Some((Prepared { special, scope, step }, _)) =
                rounds.next_if(|(_, asks)| !asks || answer.is_some())
            {
                let execution = match step {
                    Step::Done(execution) => execution,
                    Step::Act(act) => self.answered(&scope, &act, &mut answer),
                };
                self.close(special, scope, execution);
            }
            !interrupt.is_set()
        });
    }

    fn answered(
        &self,
        scope: &TaskScope,
        act: &Act,
        answer: &mut Option<Result<Map, crate::connection::ConnectionError>>,
    ) -> Execution {
        let ahead = answer.take().map(Ahead::answered);
        self.job.act(scope, act, ahead.as_ref())
    }

    /// Later rounds see the facts of a round that went well, even where other variables of these names would win otherwise.
    fn keep_facts(&mut self, execution: &Execution) {
        if !matches!(status(&execution.result), Status::Ok | Status::Changed) || execution.delegate_facts {
            return;
        }
        let Some(Value::Map(facts)) = execution.result.get("ansible_facts") else { return };
        match self.job.task.action.short_name() {
            "set_fact" | "include_vars" => self.registered.extend_from(facts),
            "debug" => {}
            _ => self.scope.add_local_facts(facts),
        }
    }

    /// What follows a round: its result is registered and shown.
    fn close(&mut self, special: Map, scope: TaskScope, mut execution: Execution) {
        let (job, at, mut scope) = (self.job, self.executions.len(), scope);
        if let Some(register) = &job.task.register {
            self.registered.insert(register.as_str(), outcome::for_register(&execution.result));
            scope.local.extend_from(&self.registered);
        }
        self.keep_facts(&execution);
        execution.result.extend_from(&special);
        execution.special = special;
        let label = self.looping.label(&self.items[at], &scope).unwrap_or_else(|trouble| {
            execution.result.extend_from(&trouble.result);
            Value::Null
        });
        execution.special.insert("_ansible_item_label", label.clone());
        let item = Item { variable: self.looping.variable.clone(), label };
        if !told_later(&job.task) || matches!(status(&execution.result), Status::Skipped | Status::Failed) {
            let (began, clock) = self.began;
            job.send(Event::ItemResult(execution.shown(
                (&job.head, &job.host),
                Some(item),
                began,
                clock.elapsed(),
            )));
        }
        self.began = (SystemTime::now(), Instant::now());
        self.executions.push(execution);
        let breaks = &job.task.loop_control.break_when;
        if !breaks.is_empty() {
            self.enough = conditional::holds(breaks, &scope).unwrap_or_else(|trouble| {
                self.broken = Some(trouble.of_outside());
                true
            });
        }
    }
}

impl Together {
    /// Whether one more call belongs to them.
    fn takes(&self, connection: &Arc<dyn Connection>, call: &Call) -> bool {
        Arc::ptr_eq(&self.connection, connection)
            && self.calls.first().is_none_or(|first| first.become_as == call.become_as)
    }
}
