//! The tests (`is defined`, `is match(...)`), one file per family.

mod basic;
mod community;
mod files;
mod network;
mod results;

use crate::registry::Test;

/// The collection that a test comes from.
pub(crate) fn collection(_name: &str) -> &'static str {
    "ansible.builtin"
}

/// All tables of tests.
pub(crate) fn tables() -> &'static [&'static [Test]] {
    &[basic::TESTS, files::TESTS, results::TESTS, network::TESTS, community::TESTS]
}
