//! Modules for what a host is: its name, users, kernel settings, mounts and times.

mod authorized_key;
mod cron;
mod crontab;
mod fstab;
mod getent;
mod group;
mod hostname;
mod modprobe;
mod mount;
mod sysctl;
mod timezone;
mod user;

use crate::ModuleSpec;

pub(crate) const MODULES: &[&ModuleSpec] = &[
    &authorized_key::SPEC,
    &cron::SPEC,
    &getent::SPEC,
    &group::SPEC,
    &hostname::SPEC,
    &modprobe::SPEC,
    &mount::SPEC,
    &sysctl::SPEC,
    &timezone::SPEC,
    &user::SPEC,
];
