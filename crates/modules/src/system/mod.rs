//! Modules for what a host is: its name, users, kernel settings, mounts and times.

mod alternatives;
mod authorized_key;
mod cron;
mod crontab;
mod fstab;
mod getent;
mod group;
mod hostname;
mod known_hosts;
mod locale_gen;
mod modprobe;
mod mount;
mod seboolean;
mod selinux;
mod sysctl;
mod timezone;
mod user;

use crate::ModuleSpec;

pub(crate) const MODULES: &[&ModuleSpec] = &[
    &alternatives::SPEC,
    &authorized_key::SPEC,
    &cron::SPEC,
    &getent::SPEC,
    &group::SPEC,
    &hostname::SPEC,
    &known_hosts::SPEC,
    &locale_gen::SPEC,
    &modprobe::SPEC,
    &mount::SPEC,
    &seboolean::SPEC,
    &selinux::SPEC,
    &sysctl::SPEC,
    &timezone::SPEC,
    &user::SPEC,
];
