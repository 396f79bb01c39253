//! Plays to results: strategies, loops, handlers, delegation, connections, become; emits events.
//!
//! [`Runner::run`] reads and checks the playbooks, then runs them. The calling thread alone decides what runs next, takes in results and
//! emits events; a pool of `forks` threads lives the tasks, one host a job, each in a snapshot of its host's variables.

mod action;
mod check;
pub mod connection;
mod connections;
mod event;
mod module;
mod options;
mod play;
mod runner;
mod settings;
mod shared;
mod stats;
mod strategy;
mod tags;
mod task;
mod trouble;
mod variables;

pub use event::{
    Blame, DEBUG, Event, HostName, Included, Item, PlayStart, Status, TaskHead, TaskKind, TaskResult,
};
pub use options::{
    FactCache, Gathering, Interrupt, Packed, PackedFile, PackedFiles, PatternMismatch, Prompter, PushedImage,
    Question, RegistryAccess, Reload, RunOptions,
};
pub use play::plan::{PlayPlan, PlaybookPlan, TaskPlan};
pub use runner::{LoadFailure, RunOutcome, Runner};
pub use stats::{ExitCode, HostStats, Stats};
