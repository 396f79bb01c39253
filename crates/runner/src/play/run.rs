//! One batch of a play while it runs: where its hosts stand, what has failed, and how tasks get to the pool and back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use data::{Diagnostic, Map};
use indexmap::IndexMap;
use playbook::{Item, Play, Role, Task, TaskId, TaskKind};
use rayon::prelude::*;

use crate::event::{self, Event, HostName, TaskHead};
use crate::play::cursor::Cursor;
use crate::play::scope::{PlayHosts, PlayScope};
use crate::shared::Shared;
use crate::stats::{ExitCode, Stats};
use crate::tags::TagFilter;
use crate::task::life::{Job, Message};
use crate::task::outcome::Finished;
use crate::variables::scope::TaskScope;

/// What outlives a play: the recap, and hosts that are out.
#[derive(Default)]
pub(crate) struct RunState {
    pub(crate) stats: Stats,
    /// Hosts that failed: later plays leave them out.
    pub(crate) failed: HashSet<HostName>,
    /// Hosts that could not be reached: later plays leave them out.
    pub(crate) unreachable: HashSet<HostName>,
    /// `--start-at-task`, until its task was found.
    pub(crate) start_at: Option<String>,
    /// A mistake outside any task was found: the run ends with this code.
    pub(crate) aborted: Option<ExitCode>,
    /// Whether `--step` still asks.
    pub(crate) stepping: bool,
    /// What `add_host` and `group_by` gave, in order: done again when the inventory is read anew.
    pub(crate) grown: Vec<(HostName, Map)>,
    /// Whether tasks that fail open the debugger where no `debugger:` says otherwise.
    pub(crate) debugging: bool,
}

/// A batch of a play.
pub(crate) struct PlayRun<'r> {
    pub(crate) shared: Arc<Shared>,
    pub(crate) pool: &'r rayon::ThreadPool,
    pub(crate) state: &'r mut RunState,
    pub(crate) emit: &'r mut dyn FnMut(Event),
    pub(crate) play: Arc<Play>,
    pub(crate) vars: Map,
    pub(crate) roles: Vec<Arc<Role>>,
    pub(crate) handlers: Vec<Arc<Task>>,
    pub(crate) hosts: PlayHosts,
    pub(crate) scope: Arc<PlayScope>,
    pub(crate) cursors: IndexMap<HostName, Cursor>,
    pub(crate) tags: TagFilter,
    /// All tasks of the batch in their order, for hosts that go in step.
    pub(crate) sequence: Vec<TaskId>,
    /// Where in `sequence` the hosts are.
    pub(crate) sequence_at: usize,
    /// Hosts that have run a role to its end, by its signature.
    pub(crate) completed_roles: HashMap<String, HashSet<HostName>>,
    /// Hosts on which a task of a role ran, by its signature.
    pub(crate) started_roles: HashMap<String, HashSet<HostName>>,
    /// `meta: end_play` was met: no further batch.
    pub(crate) end_play: bool,
    /// Tasks in the pool.
    running: usize,
    sender: Sender<Message>,
    receiver: Receiver<Message>,
}

/// How long running tasks may take to stop when the user wants the run to end.
const STOPPING: Duration = Duration::from_secs(5);

impl<'r> PlayRun<'r> {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        pool: &'r rayon::ThreadPool,
        state: &'r mut RunState,
        emit: &'r mut dyn FnMut(Event),
        play: &Arc<Play>,
        vars: Map,
        hosts: PlayHosts,
    ) -> Self {
        let (sender, receiver) = mpsc::channel();
        let roles: Vec<Arc<Role>> = play.all_roles().cloned().collect();
        let scope = PlayScope::new(shared, play, &vars, &roles, &hosts, shared.options.check);
        let tags = TagFilter::new(&shared.options.tags, &shared.options.skip_tags);
        Self {
            shared: Arc::clone(shared),
            pool,
            state,
            emit,
            play: Arc::clone(play),
            vars,
            roles,
            handlers: play.handlers.clone(),
            hosts,
            scope: Arc::new(scope),
            cursors: IndexMap::new(),
            tags,
            sequence: Vec::new(),
            sequence_at: 0,
            completed_roles: HashMap::new(),
            started_roles: HashMap::new(),
            end_play: false,
            running: 0,
            sender,
            receiver,
        }
    }

    /// The variables of the play, after its hosts or roles changed.
    pub(crate) fn refresh_scope(&mut self) {
        let scope = PlayScope::new(
            &self.shared,
            &self.play,
            &self.vars,
            &self.roles,
            &self.hosts,
            self.shared.options.check,
        );
        self.scope = Arc::new(scope);
    }

    /// The scope of a task without a host, or with one.
    pub(crate) fn task_scope(&self, task: Option<&Arc<Task>>, host: Option<&HostName>) -> TaskScope {
        TaskScope::new(&self.shared, &self.scope, task, host)
    }

    /// Puts every host at the start of the play.
    pub(crate) fn prepare(&mut self, gathers: &dyn Fn(&HostName) -> bool) {
        let force = self.force_handlers();
        let scope = self.task_scope(None, None);
        let gathering = Arc::new(self.play.gathering_task());
        let mut keep = |task: &Arc<Task>| self.tags.keeps(task, &scope.with_task(task));
        let gather = Item::Task(Arc::clone(&gathering));
        let gather = playbook::filter(&[gather], &mut keep);
        let items = playbook::filter(&self.play.compile(force), &mut keep);
        let start = self.state.start_at.clone();
        let found = start.as_ref().and_then(|name| starting_at(&items, name));
        let main = if start.is_some() { found.clone() } else { Some(Cursor::new(items.clone())) };
        self.sequence = gather
            .iter()
            .chain(&items)
            .flat_map(|item| playbook::flatten(std::slice::from_ref(item)))
            .map(|task| task.id)
            .collect();
        for host in self.hosts.batch.clone() {
            let mut cursor = main.clone().unwrap_or_else(|| Cursor::new(Vec::new()));
            if main.is_some() && gathers(&host) {
                cursor.insert(&gather);
            }
            self.cursors.insert(host, cursor);
        }
        if found.is_some() {
            self.state.start_at = None;
        }
    }

    fn force_handlers(&self) -> bool {
        let scope = self.task_scope(None, None);
        let set = self.play.force_handlers.as_ref().and_then(|raw| scope.resolve(raw).ok());
        set.as_ref().and_then(playbook::boolean).unwrap_or(self.shared.options.force_handlers)
    }

    /// Hosts of the batch that can be reached, in order; the failed ones are among them, with nothing left to do.
    pub(crate) fn hosts_left(&self) -> Vec<HostName> {
        self.hosts.batch.iter().filter(|host| !self.state.unreachable.contains(*host)).cloned().collect()
    }

    /// A host's next task, without passing over it.
    pub(crate) fn peek(&mut self, host: &HostName) -> Option<Arc<Task>> {
        let completed = &self.completed_roles;
        let cursor = self.cursors.get_mut(host)?;
        cursor.peek(&|task, cursor| {
            if task.implicit && task.meta() == Some("flush_handlers") {
                return !cursor.has_notifications();
            }
            let role = task.enclosing.role.as_ref();
            role.is_some_and(|role| {
                !role.allow_duplicates
                    && completed.get(&role.signature).is_some_and(|hosts| hosts.contains(host))
            })
        })
    }

    /// Passes over a host's next task.
    pub(crate) fn take(&mut self, host: &HostName) {
        if let Some(cursor) = self.cursors.get_mut(host) {
            cursor.take();
        }
    }

    /// Marks a host as failed; says whether a rescue takes over.
    pub(crate) fn fail_host(&mut self, host: &HostName) -> bool {
        let Some(cursor) = self.cursors.get_mut(host) else { return false };
        if cursor.is_done() {
            return false;
        }
        let rescued = cursor.fail();
        if !rescued {
            self.hosts.removed.insert(host.clone());
            if cursor.is_done() {
                self.state.failed.insert(host.clone());
            }
            self.refresh_scope();
        }
        rescued
    }

    /// A task's name. Text stands for what cannot be rendered, and is warned of.
    fn rendered_name(&mut self, task: &Arc<Task>, host: &HostName, name: &data::Text) -> String {
        let scope = self.task_scope(Some(task), Some(host));
        match scope.shared.engine.resolve_shown(name, &scope.context()) {
            Ok((value, warnings)) => {
                for warning in warnings {
                    self.tell(Event::Warning(Diagnostic::warning(warning).at_opt(name.place(), "")));
                }
                if template::is_omit(&value) { String::new() } else { data::python::str(&value) }
            }
            Err(error) => format!("<< error 1 - {error} >>"),
        }
    }

    /// What is known of a task, its name rendered with the host's variables.
    pub(crate) fn head(&mut self, task: &Arc<Task>, host: &HostName) -> Arc<TaskHead> {
        let name = task.name.as_ref().map(|name| self.rendered_name(task, host, name)).unwrap_or_default();
        let no_log = task
            .keywords
            .get(playbook::Inherited::NoLog)
            .is_some_and(|value| playbook::boolean(value) != Some(false));
        let check = task.keywords.get(playbook::Inherited::CheckMode).and_then(playbook::boolean);
        Arc::new(TaskHead {
            id: task.id.number(),
            name: task.named(&name),
            action: task.action.name.to_string(),
            role: task.enclosing.role.as_ref().map(|role| role.name.clone()),
            place: task.place.clone(),
            kind: if task.kind == TaskKind::Handler {
                event::TaskKind::Handler
            } else {
                event::TaskKind::Task
            },
            args: if no_log { Map::new() } else { task.action.args.clone() },
            check_mode: check.unwrap_or(self.shared.options.check),
        })
    }

    /// Gives a task to the pool.
    pub(crate) fn spawn(&mut self, task: &Arc<Task>, head: &Arc<TaskHead>, host: &HostName) {
        let job = Job {
            shared: Arc::clone(&self.shared),
            play: Arc::clone(&self.scope),
            task: Arc::clone(task),
            head: Arc::clone(head),
            host: host.clone(),
            messages: self.sender.clone(),
        };
        self.running += 1;
        self.pool.spawn(move || job.run());
    }

    /// Waits for the next finished task, passing on what is told meanwhile. `None` when the user stopped the run.
    pub(crate) fn wait(&mut self) -> Option<Finished> {
        loop {
            match self.receiver.recv_timeout(Duration::from_millis(100)) {
                Ok(Message::Event(event)) => self.tell(*event),
                Ok(Message::Finished(finished)) => {
                    self.running -= 1;
                    return Some(*finished);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
            self.tell_warnings();
            if self.interrupted() {
                self.shared.connections.interrupt();
                template::stop_commands();
                self.await_stop();
                return None;
            }
        }
    }

    /// Waits until what runs has been told to stop and has done so: what it started on this machine must not outlive us.
    fn await_stop(&mut self) {
        let end = Instant::now() + STOPPING;
        while self.running > 0 {
            match self.receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(Message::Finished(_)) => self.running -= 1,
                Ok(Message::Event(_)) => {}
                Err(_) => return,
            }
        }
    }

    /// Puts tasks into the common order where the hosts are now.
    pub(crate) fn sequence_insert(&mut self, ids: &[TaskId]) {
        let at = self.sequence_at.min(self.sequence.len());
        self.sequence.splice(at..at, ids.iter().copied());
    }

    /// The batch is through: hosts that failed stay out of later plays.
    pub(crate) fn finish(&mut self) {
        for (host, cursor) in &self.cursors {
            if cursor.is_failed() {
                self.state.failed.insert(host.clone());
            }
        }
        self.tell_warnings();
    }

    /// Sends an event, after the warnings that came before it.
    pub(crate) fn tell(&mut self, event: Event) {
        self.tell_warnings();
        (self.emit)(event);
    }

    /// Ends the run when a file of variables turned out to be broken; says whether it did.
    pub(crate) fn is_broken(&mut self) -> bool {
        let broken = self.shared.take_broken();
        if broken.is_empty() {
            return false;
        }
        self.abort_with(ExitCode::Unreachable, broken);
        true
    }

    /// Reads the variables of every host of the batch, so that a broken file is met before anything runs on a host.
    pub(crate) fn read_variables(&self) {
        let (shared, scope, files) = (&self.shared, &self.scope, !self.play.vars_files.is_empty());
        let read = |host: &HostName| {
            shared.inventory_vars(host);
            if files {
                TaskScope::new(shared, scope, None, Some(host));
            }
        };
        let hosts = &self.hosts.batch;
        self.pool.install(|| hosts.par_iter().for_each(read));
    }

    fn tell_warnings(&mut self) {
        for warning in self.shared.take_warnings() {
            (self.emit)(Event::Warning(warning));
        }
    }

    /// Whether the user wants the run to stop.
    pub(crate) fn interrupted(&self) -> bool {
        self.shared.options.interrupt.is_set()
    }

    /// Asks the user with `--step` whether to run a task.
    pub(crate) fn steps_over(&mut self, head: &TaskHead) -> bool {
        if !self.state.stepping {
            return false;
        }
        let Some(prompter) = self.shared.options.prompter.clone() else { return false };
        let text = format!("Perform task: TASK: {} (N)o/(y)es/(c)ontinue: ", head.name);
        let question = crate::options::Question { text, hidden: false, default: None, confirm: false };
        let answer = prompter.ask(&question).map(|answer| answer.to_ascii_lowercase()).unwrap_or_default();
        match answer.trim() {
            "y" | "yes" => false,
            "c" | "continue" => {
                self.state.stepping = false;
                false
            }
            _ => true,
        }
    }

    /// Ends the batch because a mistake outside any task was found.
    pub(crate) fn abort(&mut self, findings: Vec<Diagnostic>) {
        self.abort_with(ExitCode::Error, findings);
    }

    /// [`Self::abort`] with another exit code: of files that cannot be read as what they should be, a run dies as one that never began.
    pub(crate) fn abort_with(&mut self, code: ExitCode, findings: Vec<Diagnostic>) {
        self.state.aborted = Some(code);
        for finding in findings {
            self.tell(Event::Error(finding));
        }
        for host in self.hosts.batch.clone() {
            if let Some(cursor) = self.cursors.get_mut(&host) {
                cursor.end();
            }
        }
    }
}

/// A cursor at the first task whose name is `name` or matches it as a glob.
fn starting_at(items: &[Item], name: &str) -> Option<Cursor> {
    let mut cursor = Cursor::new(items.to_vec());
    while let Some(task) = cursor.peek(&|_, _| false) {
        let own = task.name.as_deref().unwrap_or_default();
        let full = task.full_name();
        let matches = |text: &str| text == name || (!text.is_empty() && data::fnmatch(name, text));
        if !task.implicit && (matches(own) || matches(&full)) {
            return Some(cursor);
        }
        cursor.take();
    }
    None
}
