//! Modules that run something and report it.

mod async_status;
mod command;
mod foreign_module;
mod git;
mod git_repository;
mod ping;
mod raw;
mod script;
mod shell;

use crate::ModuleSpec;

pub(crate) const MODULES: &[&ModuleSpec] = &[
    &async_status::SPEC,
    &command::SPEC,
    &foreign_module::SPEC,
    &git::SPEC,
    &shell::SPEC,
    &raw::SPEC,
    &script::SPEC,
    &ping::SPEC,
];
