//! A play from its hosts to its last handler: who takes part, in which batches, where each host stands, what a result leads to.

pub(crate) mod batches;
pub(crate) mod cursor;
pub(crate) mod handlers;
pub(crate) mod hosts;
pub(crate) mod includes;
pub(crate) mod meta;
pub(crate) mod plan;
pub(crate) mod prompts;
pub(crate) mod results;
pub(crate) mod run;
pub(crate) mod scope;
