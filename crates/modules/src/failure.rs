//! Why a module failed: the text Ansible would give and the fields that go with it.

use std::fmt::Display;
use std::io;
use std::path::Path;

use data::{Key, Map, Value};

/// A failed module. Becomes a result with `failed: true`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{msg}")]
pub struct Failure {
    /// What went wrong; names the thing and, where it helps, the cure.
    pub msg: String,
    /// Other fields of the result (`rc`, `stderr`, `path` ...).
    pub fields: Map,
    /// The SHA-256 of content that must be sent before the module can go on; the controller sends it and asks again.
    pub(crate) need: Option<String>,
}

impl Failure {
    /// A failure with this message.
    pub fn new(msg: impl Into<String>) -> Self {
        Self { msg: msg.into(), fields: Map::new(), need: None }
    }

    /// Content of this SHA-256 has not come yet.
    pub fn need(sha256: &str) -> Self {
        let msg = format!("the content {sha256} was not sent");
        Self { need: Some(sha256.to_string()), ..Self::new(msg) }
    }

    /// A failed system call on a path: `could not read /etc/x: Permission denied (os error 13)`.
    pub fn io(doing: &str, path: impl AsRef<Path>, error: &io::Error) -> Self {
        Self::new(format!("{doing} {}: {error}", path.as_ref().display()))
            .with("path", path.as_ref().display().to_string())
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        self.fields.insert(key, value);
        self
    }

    /// Puts words before the message: `context: message`.
    #[must_use]
    pub fn context(mut self, words: impl Display) -> Self {
        self.msg = format!("{words}: {}", self.msg);
        self
    }

    /// The result that Ansible would show.
    pub fn to_result(&self) -> Map {
        let mut result = Map::from([("failed", Value::from(true)), ("msg", Value::from(self.msg.as_str()))]);
        if !self.fields.contains_key("changed") {
            result.insert("changed", false);
        }
        result.extend_from(&self.fields);
        result
    }
}

impl From<rustix::io::Errno> for Failure {
    fn from(error: rustix::io::Errno) -> Self {
        Self::new(io::Error::from(error).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_path_and_keeps_its_fields() {
        let result = Failure::io("could not read", "/etc/x", &io::Error::from_raw_os_error(13))
            .with("rc", 1)
            .to_result();
        assert_eq!(result.get_str("msg"), Some("could not read /etc/x: Permission denied (os error 13)"));
        assert_eq!(result.get("failed"), Some(&Value::from(true)));
        assert_eq!(result.get("rc"), Some(&Value::from(1)));
    }
}
