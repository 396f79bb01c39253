//! Modules that install, remove and list packages.

mod apt;
mod deb822_repository;
mod debian_version;
mod dnf;
mod dpkg;
mod dpkg_selections;
mod facts;
mod package;
mod remote_file;
mod rpm;

use crate::ModuleSpec;

pub(crate) const MODULES: &[&ModuleSpec] =
    &[&apt::SPEC, &deb822_repository::SPEC, &dnf::SPEC, &dpkg_selections::SPEC, &facts::SPEC, &package::SPEC];
