//! The value of a name that has none: strict when used, chainable when looked into, as Ansible configures Jinja2.

use crate::Place;

/// Says which name was missing, so that the error at its use can name it.
#[derive(Clone, Debug, Default)]
pub struct Undefined {
    /// The message Jinja2 would give, such as `'x' is undefined` or `'dict object' has no attribute 'y'`.
    pub hint: String,
    /// Where the missing name stands, when known.
    pub place: Option<Place>,
}

impl Undefined {
    /// A missing variable.
    pub fn variable(name: &str) -> Self {
        Self { hint: format!("'{name}' is undefined"), place: None }
    }
}
