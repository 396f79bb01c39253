//! Jinja2 as Ansible speaks it: lazy variables, filters, tests, lookups.
//!
//! [`Engine`] renders values ([`Engine::resolve`]), bare expressions ([`Engine::evaluate`], [`Engine::condition`]) and template files
//! ([`Engine::render_file`]). minijinja's lexer and parser read the templates; `lower` turns what they give into a compact form of our own,
//! and `eval` runs it with Python's meaning of values, operators and methods.

mod args;
mod checks;
mod csv;
mod encoding;
mod engine;
mod error;
mod eval;
mod filters;
mod functions;
mod ini;
mod ir;
mod literal;
mod lookups;
mod lower;
mod methods;
mod nesting;
mod omit;
mod prepare;
mod registry;
mod repair;
mod scope;
mod search;
mod settings;
mod stand_in;
mod template_file;
mod val;
mod version;

pub use encoding::encode;
pub use engine::Engine;
pub use error::{ErrorKind, TemplateError};
pub use lookups::{has_lookup, stop_commands};
pub use omit::{OMITTED, is_omit, omit};
pub use scope::{Context, Host, HostVars, Scope};
pub use search::SearchPath;
pub use settings::{FileOptions, Limits, Newline, Settings, Syntax};
pub use template_file::{DEFAULT_MANAGED, managed, template_vars};
