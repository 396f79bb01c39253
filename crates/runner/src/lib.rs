//! Plays to results: strategies, loops, handlers, delegation, connections, become; emits events.
//!
//! [`Runner::run`] reads and checks the playbooks, then runs them. The calling thread alone decides what runs next, takes in results and
//! emits events; a pool of `forks` threads lives the tasks, one host a job, each in a snapshot of its host's variables.

mod action;
mod ahead;
mod attempts;
mod batches;
mod check;
mod conditional;
pub mod connection;
mod connections;
mod cursor;
mod debugger;
mod event;
mod fact_cache;
mod finalized;
mod foreign;
mod handlers;
mod hosts;
mod includes;
mod lookups;
mod looping;
mod meta;
mod module_file;
mod options;
mod outcome;
mod plan;
mod play_run;
mod play_scope;
mod prompts;
mod reserved;
mod results;
mod rounds;
mod routing;
mod runner;
mod scope;
mod settings;
mod shared;
mod stats;
mod strategy;
mod tags;
mod task_life;
mod trouble;
mod variables;
mod vars_file;

pub use event::{
    Blame, DEBUG, Event, HostName, Included, Item, PlayStart, Status, TaskHead, TaskKind, TaskResult,
};
pub use options::{
    FactCache, Gathering, Interrupt, Packed, PackedFile, PackedFiles, PatternMismatch, Prompter, PushedImage,
    Question, RegistryAccess, Reload, RunOptions,
};
pub use plan::{PlayPlan, PlaybookPlan, TaskPlan};
pub use runner::{LoadFailure, RunOutcome, Runner};
pub use stats::{ExitCode, HostStats, Stats};
