//! Modules that let traffic through or not: `iptables`, `ufw` and `firewalld`, each by the program of that name.

mod firewall_cmd;
mod firewalld;
mod iptables;
mod iptables_rule;
mod ufw;
mod ufw_status;

use crate::ModuleSpec;

pub(crate) const MODULES: &[&ModuleSpec] = &[&firewalld::SPEC, &iptables::SPEC, &ufw::SPEC];
