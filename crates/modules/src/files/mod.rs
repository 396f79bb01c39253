//! Modules that look at files and change them.

mod assemble;
mod blockinfile;
mod copy;
mod copy_tree;
mod edit;
mod file;
mod find;
mod ini_file;
mod ini_section;
mod lineinfile;
mod replace;
mod slurp;
mod stat;
mod tar_entry;
mod temporary;
mod unarchive;

use crate::ModuleSpec;

pub(crate) use stat::checksum;

pub(crate) const MODULES: &[&ModuleSpec] = &[
    &assemble::SPEC,
    &blockinfile::SPEC,
    &copy::SPEC,
    &file::SPEC,
    &find::SPEC,
    &ini_file::SPEC,
    &lineinfile::SPEC,
    &replace::SPEC,
    &slurp::SPEC,
    &stat::SPEC,
    &temporary::SPEC,
    &unarchive::SPEC,
];
