//! The tests (`is defined`, `is match(...)`), one file per family.

mod basic;
mod files;
mod results;

use crate::registry::Test;

/// All tables of tests.
pub(crate) fn tables() -> &'static [&'static [Test]] {
    &[basic::TESTS, files::TESTS, results::TESTS]
}
