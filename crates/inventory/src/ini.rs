//! Inventories in Ansible's INI dialect: `hosts.ini`. Text becomes words, words a syntax tree with places, the tree hosts and groups.

mod apply;
mod error;
mod syntax;
mod words;

pub(crate) use apply::apply;
pub use error::{IniError, IniProblem};
pub use syntax::{Entry, HostLine, IniFile, IniVar, Section, SectionKind};
