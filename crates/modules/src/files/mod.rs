//! Modules that look at files and change them.

mod archive;
mod archive_format;
mod assemble;
mod blockinfile;
mod copy;
mod copy_tree;
mod edit;
#[cfg(test)]
mod edited;
mod file;
mod find;
mod ini_file;
mod ini_section;
mod lineinfile;
mod replace;
mod slurp;
mod stat;
mod sync_change;
mod sync_tree;
mod synchronize;
mod tar_entry;
mod temporary;
mod unarchive;
mod zip_reader;
mod zip_writer;

pub use zip_writer::zip_of;

use crate::ModuleSpec;

pub(crate) use stat::checksum;

pub(crate) const MODULES: &[&ModuleSpec] = &[
    &archive::SPEC,
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
    &synchronize::SPEC,
    &temporary::SPEC,
    &unarchive::SPEC,
];
