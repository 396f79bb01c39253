//! Hosts, groups, patterns, group_vars and host_vars, precedence; hosts.ini, YAML and KubeKey's config-sample.yaml.
//!
//! [`load`] reads the words after `-i` into an [`Inventory`]; a [`Pattern`] selects hosts from it; [`VarsFiles`] gives the variables of a
//! host in Ansible's precedence, with the files beside the inventory and the playbook.

mod address;
mod combine;
pub mod conf;
mod graph;
mod group;
mod group_names;
mod host;
mod ignored;
mod ini;
mod inventory;
mod layers;
mod listing;
mod mask;
mod pattern;
mod plugin;
mod range;
mod read;
mod script;
mod selection;
mod sources;
mod toml;
mod toml_text;
mod vars_files;
mod yaml;

pub use combine::HashBehaviour;
pub use graph::{GraphError, Origin};
pub use group::Group;
pub use group_names::GroupNames;
pub use host::{Host, HostName};
pub use ignored::Ignored;
pub use ini::{Entry, HostLine, IniError, IniFile, IniProblem, IniVar, Section, SectionKind};
pub use inventory::Inventory;
pub use layers::{Level, is_internal_var};
pub use listing::{Listing, marked};
pub use pattern::{Pattern, PatternError, Selection};
pub use plugin::PluginError;
pub use read::{ReadError, Reader};
pub use script::ScriptError;
pub use selection::Enabled;
pub use sources::{InventoryError, LoadOptions, Loaded, SourceError, SourceFailure, load};
pub use vars_files::{VarsFileError, VarsFiles};
pub use yaml::{StructureError, StructureProblem, YamlInventoryError};
