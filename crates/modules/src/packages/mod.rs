//! Modules that install, remove and list packages.

mod apt;
mod apt_key;
mod apt_repository;
mod deb822_repository;
mod debconf;
mod debian_version;
mod dnf;
mod dpkg;
mod dpkg_selections;
mod facts;
mod package;
mod pip;
mod pip_requirement;
mod pip_version;
mod remote_file;
mod rpm;
mod rpm_key;
mod source_list;
mod yum_repository;
mod zypper;

use crate::ModuleSpec;

pub(crate) const MODULES: &[&ModuleSpec] = &[
    &apt::SPEC,
    &apt_key::SPEC,
    &apt_repository::SPEC,
    &deb822_repository::SPEC,
    &debconf::SPEC,
    &dnf::SPEC,
    &dpkg_selections::SPEC,
    &facts::SPEC,
    &package::SPEC,
    &pip::SPEC,
    &rpm_key::SPEC,
    &yum_repository::SPEC,
    &zypper::SPEC,
];
