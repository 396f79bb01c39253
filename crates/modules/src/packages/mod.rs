//! Modules that install, remove and list packages.

mod apt;
mod deb822_repository;
mod debian_version;
mod dpkg;
mod dpkg_selections;
mod facts;
mod package;

use crate::ModuleSpec;

pub(crate) const MODULES: &[&ModuleSpec] =
    &[&apt::SPEC, &deb822_repository::SPEC, &dpkg_selections::SPEC, &facts::SPEC, &package::SPEC];
