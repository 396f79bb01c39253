//! A task on one host: its items, its conditions and keywords, its attempts, and what came of it. All of it runs on a thread of the pool.

pub(crate) mod ahead;
pub(crate) mod attempts;
pub(crate) mod conditional;
pub(crate) mod debugger;
pub(crate) mod finalized;
pub(crate) mod life;
pub(crate) mod looping;
pub(crate) mod outcome;
pub(crate) mod rounds;
