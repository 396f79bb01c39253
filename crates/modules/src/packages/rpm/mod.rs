//! What RPM hosts have in common, whichever program installs there: the database of what is installed, and the order of versions.

mod database;
mod version;

pub(super) use database::{Database, Package, has_pattern};
