//! The commands that Ansible's users know under other names: `ansible-playbook`, `ansible-inventory`, `ansible`.

pub(crate) mod ad_hoc;
pub(crate) mod inventory;
pub(crate) mod playbook;
mod session;
