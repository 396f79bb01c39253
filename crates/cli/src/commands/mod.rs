//! The commands that Ansible's users know under other names: `ansible-playbook`, `ansible-inventory`, `ansible`.

pub(crate) mod ad_hoc;
pub(crate) mod config;
pub(crate) mod doc;
pub(crate) mod inventory;
mod modules_page;
pub(crate) mod playbook;
mod reference;
mod session;
pub(crate) mod vault;
mod vault_editor;
mod vault_string;
