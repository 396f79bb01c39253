//! What a run says while it goes on. Everything that a screen, a log or a report shows is drawn from these; the runner itself prints nothing.
//! Events arrive in the order in which they happened, from one thread.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use data::{Diagnostic, Map, Place, Value};

use crate::stats::Stats;

/// A host's name, shared by all events about it.
pub type HostName = Arc<str>;

/// The level of [`Event::Verbose`] lines that no number of `-v` shows, only the setting `debug`.
pub const DEBUG: u8 = 100;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A playbook file begins.
    PlaybookStart {
        /// Its path as the user gave it.
        path: String,
        /// How many plays it has, those of imported playbooks included.
        plays: usize,
    },
    /// A play begins, or the next batch of it under `serial`.
    PlayStart(PlayStart),
    /// The play's pattern matched no host; its tasks do not run.
    NoHostsMatched,
    /// Every host of the play has failed; the rest of it does not run.
    NoHostsRemaining,
    /// A task or handler begins on some hosts. Under `linear` before the first of them, under `free` once per task and group of hosts.
    TaskStart(Arc<TaskHead>),
    /// A task begins on one host.
    HostStart {
        /// The task.
        task: Arc<TaskHead>,
        /// The host.
        host: HostName,
    },
    /// One item of a loop is done on one host.
    ItemResult(TaskResult),
    /// An attempt failed and will be repeated (`until`, `retries`). The result's map has `attempts` and `retries`.
    Retry(TaskResult),
    /// An asynchronous job was looked at and goes on. The result's map has `ansible_job_id`, `started` and `finished`.
    AsyncPoll(TaskResult),
    /// A task is done on one host. For a loop this follows its items and has `results`.
    TaskResult(TaskResult),
    /// A file or role was included at run time for these hosts.
    Included(Included),
    /// A handler was notified and will run on the host at the next flush.
    Notify {
        /// The handler's full name.
        handler: String,
        /// The host.
        host: HostName,
    },
    /// A line that only `-v` and more show.
    Verbose {
        /// From how many `-v` on.
        level: u8,
        /// The line.
        text: String,
    },
    /// Something the user should know that does not stop the run.
    Warning(Diagnostic),
    /// An error outside any task: the run ends after it, or an include fails by it.
    Error(Diagnostic),
    /// A play ended.
    PlayEnd {
        /// The play's name.
        name: String,
        /// How long it took, all batches together.
        duration: Duration,
    },
    /// The end of the run, or of a playbook file when several were given: the recap.
    Stats(Stats),
}

/// The head of a play.
#[derive(Clone, Debug)]
pub struct PlayStart {
    /// `name:`, or the pattern of `hosts:`.
    pub name: String,
    /// Whether the play runs in check mode.
    pub check_mode: bool,
    /// The hosts of this batch, in the order they are worked on.
    pub hosts: Vec<HostName>,
    /// Where the play is written.
    pub place: Option<Place>,
    /// Whether the play's strategy is `free`: headlines of its tasks wait for their first result.
    pub free: bool,
}

/// Whose word it is that something failed, for outputs that say so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Blame {
    /// The module's or the action's own.
    #[default]
    Told,
    /// It ended well; a condition of the task, or the end of its attempts, made it a failure.
    Judged,
    /// The action gave up before it had a result.
    Raised,
    /// The task could not begin.
    Outside,
    /// An include that could not be read: the result says it all.
    Include,
}

/// Which list a task stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskKind {
    /// `tasks`, `pre_tasks`, `post_tasks`, or a role's tasks.
    Task,
    /// A handler.
    Handler,
}

/// What is known of a task before it runs.
#[derive(Clone, Debug)]
pub struct TaskHead {
    /// Names the task within the run; results carry the same head.
    pub id: u64,
    /// The name as Ansible shows it: `role : name`, or the action when there is no name. Templates in it are rendered as far as possible.
    pub name: String,
    /// The action as the user wrote it.
    pub action: String,
    /// The role it belongs to.
    pub role: Option<String>,
    /// Where it is written.
    pub place: Option<Place>,
    /// Task or handler.
    pub kind: TaskKind,
    /// The arguments as written, for outputs that show them (`display_args_to_stdout`); empty under `no_log`.
    pub args: Map,
    /// Whether this task runs in check mode, as far as that is known before its hosts' variables are.
    pub check_mode: bool,
}

/// How a task, or one item of its loop, ended on one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Nothing had to change.
    Ok,
    /// Something changed.
    Changed,
    /// A condition was false, or there was nothing to do.
    Skipped,
    /// It failed.
    Failed,
    /// The host could not be reached.
    Unreachable,
}

/// The end of a task, or of one item of its loop, on one host.
#[derive(Clone, Debug)]
pub struct TaskResult {
    /// The task.
    pub task: Arc<TaskHead>,
    /// The host whose task it is.
    pub host: HostName,
    /// The host it ran on, when `delegate_to` named another.
    pub delegated_to: Option<HostName>,
    /// How it ended.
    pub status: Status,
    /// `ignore_errors` or `ignore_unreachable` let the host go on in spite of the status.
    pub ignored: bool,
    /// A `rescue` section takes over; the host has not failed.
    pub rescued: bool,
    /// The loop's item, when this is the result of one.
    pub item: Option<Item>,
    /// The fields as Ansible names them (`changed`, `msg`, `rc`, `stdout`, `results`, `diff`, `invocation`, ...). Under `no_log` it holds
    /// only `censored` and the status.
    pub result: Map,
    /// Whether `no_log` hid the fields.
    pub censored: bool,
    /// Whether the task asks for diffs to be shown (`--diff`, or the keyword `diff`).
    pub show_diff: bool,
    /// Whose word a failure is.
    pub blame: Blame,
    /// Whether the action wants its result to be shown whole, however few `-v` there are.
    pub shown_whole: bool,
    /// What went wrong, with places in the user's files; empty when it ended well.
    pub findings: Vec<Diagnostic>,
    /// When it began.
    pub started: SystemTime,
    /// How long it took on this host.
    pub duration: Duration,
}

/// One item of a loop.
#[derive(Clone, Debug)]
pub struct Item {
    /// The name of the loop variable, nearly always `item`.
    pub variable: String,
    /// Its value, or `loop_control.label` rendered: what is shown in `(item=...)`.
    pub label: Value,
}

/// A dynamic include.
#[derive(Clone, Debug)]
pub struct Included {
    /// The file of tasks, or the role's name.
    pub file: String,
    /// The hosts that go on with it.
    pub hosts: Vec<HostName>,
    /// The loop's item it was included for.
    pub item: Option<Value>,
    /// The including task.
    pub task: Arc<TaskHead>,
}
