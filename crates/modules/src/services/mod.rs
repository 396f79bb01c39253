//! Modules that start, stop, enable and list services.

mod facts;
mod init_script;
mod service;
mod systemctl;
mod systemd;

use crate::ModuleSpec;

pub(crate) const MODULES: &[&ModuleSpec] = &[&facts::SPEC, &service::SPEC, &systemd::SPEC];
