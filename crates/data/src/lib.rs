//! Values with their places, sources and diagnostics; YAML 1.1 in and out as PyYAML; Python's text forms; vault; file access that names
//! the path. The lowest floor of the house: it uses nothing of ours, and everything above speaks in its types.

pub mod date;
mod descent;
mod diagnostic;
pub mod fs;
mod glob;
pub mod json;
mod key;
mod list;
pub mod literal;
mod map;
pub mod pattern;
pub mod program;
pub mod python;
mod source;
pub mod split;
pub mod suggest;
mod text;
mod undefined;
mod value;
mod variable_name;
pub mod vault;
pub mod yaml;

pub use diagnostic::{Diagnose, Diagnostic, Label, Severity};
pub use glob::{Glob, fits_ssh_patterns, fnmatch, glob};
pub use key::Key;
pub use list::{List, ListKind};
pub use map::Map;
pub use source::{Location, Place, Source, Span};
pub use text::Text;
pub use undefined::Undefined;
pub use value::{Kind, Value};
pub use variable_name::{VARIABLE_NAME_RULE, invalid_variable_name, is_variable_name};
