//! YAML 1.1 as PyYAML's C loader and dumper understand it, with the place of every node in the user's file.
//!
//! [`load()`] reads one document into a [`Node`] tree; [`Node::to_value`] forgets the places of everything but text.

mod beyond;
mod dump;
mod error;
mod load;
mod merge;
mod node;
mod offset;
mod raw;
mod resolve;
mod slip;

pub use dump::{DumpStyle, Shared, dump, dump_shared};
pub use error::YamlError;
pub use load::{Documents, Loaded, load, load_all};
pub use merge::DuplicateKeys;
pub use node::{Node, NodeKind, Tag};
pub use offset::scalar_offset;
pub(crate) use resolve::timestamp;
