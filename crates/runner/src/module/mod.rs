//! Which module a task's name stands for, and the modules that are not built in.

pub(crate) mod file;
pub(crate) mod foreign;
pub(crate) mod routing;
