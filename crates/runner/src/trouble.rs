//! Why a task did not end well: a result with Ansible's fields, and findings with places for the screen.

use data::{Diagnose, Diagnostic, Map, Value};
use template::TemplateError;

use crate::connection::ConnectionError;
use crate::task::outcome;

/// The failure of one execution of a task.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    /// `failed` or `unreachable`, `msg`, and what else is known.
    pub(crate) result: Map,
    /// The same for a person, with places.
    pub(crate) findings: Vec<Diagnostic>,
}

impl Trouble {
    /// A failure with this message, as an action reports it.
    pub(crate) fn failed(msg: impl Into<String>) -> Self {
        let msg = msg.into();
        let result =
            Map::from([("failed", Value::from(true)), ("changed", false.into()), ("msg", msg.into())]);
        Self { result, findings: Vec::new() }
    }

    /// A failure of an action that gave up before it had a result.
    pub(crate) fn raised(msg: impl Into<String>) -> Self {
        Self::failed(msg).with(outcome::BLAME, outcome::RAISED)
    }

    /// A failure with findings.
    pub(crate) fn from_finding(msg: String, findings: Vec<Diagnostic>) -> Self {
        // Ansible's words for an error of the controller; playbooks ask whether the field is there.
        Self { findings, ..Self::failed(format!("Task failed: {msg}")) }
            .with("exception", "(traceback unavailable)")
    }

    /// A failure before the task itself begins, such as of its loop: Ansible's words for it do not say that a task failed.
    pub(crate) fn outside(msg: String, findings: Vec<Diagnostic>) -> Self {
        let result = Map::from([
            ("failed", Value::from(true)),
            ("msg", msg.into()),
            (outcome::BLAME, outcome::OUTSIDE.into()),
        ]);
        Self { result, findings }
    }

    /// A template in a place that has no name of its own.
    pub(crate) fn template(error: TemplateError) -> Self {
        Self::from_finding(error.to_string(), error.diagnostics())
    }

    /// A template in a keyword.
    pub(crate) fn keyword(name: &str, error: TemplateError) -> Self {
        Self::from_finding(format!("Error processing keyword '{name}': {error}"), error.diagnostics())
    }

    /// The same failure, before the task itself begins.
    #[must_use]
    pub(crate) fn of_outside(self) -> Self {
        let said = self.result.get_str("msg").unwrap_or_default();
        Self::outside(said.strip_prefix("Task failed: ").unwrap_or(said).to_owned(), self.findings)
    }

    /// Without the name of the keyword in its message: Ansible renders some keywords before the others, and does not name them.
    #[must_use]
    pub(crate) fn without_keyword(mut self, name: &str) -> Self {
        let said = self.result.get_str("msg").unwrap_or_default();
        let msg = said.replacen(&format!("Error processing keyword '{name}': "), "", 1);
        self.result.insert("msg", msg);
        self
    }

    /// A template in an argument.
    pub(crate) fn argument(action: &str, name: &str, error: &TemplateError) -> Self {
        let msg = format!(
            "Finalization of task args for '{action}' failed: Error while resolving value for '{name}': {error}"
        );
        Self::from_finding(msg, error.diagnostics())
    }

    /// A condition that cannot be evaluated.
    pub(crate) fn condition(error: TemplateError) -> Self {
        let text = error.to_string();
        let msg = match text.strip_prefix("Syntax error in template: ") {
            Some(syntax) => format!("Syntax error in expression: {syntax}"),
            None if error.is_undefined() => format!("Error while evaluating conditional: {text}"),
            None => text,
        };
        Self::from_finding(msg, error.diagnostics())
    }

    /// An expression that `debug` was to show.
    pub(crate) fn shown_expression(error: TemplateError) -> Self {
        Self::from_finding(format!("Error while resolving `var` expression: {error}"), error.diagnostics())
    }

    /// Adds a field to the result.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.result.insert(key, value);
        self
    }
}

impl From<ConnectionError> for Trouble {
    fn from(error: ConnectionError) -> Self {
        Self { result: error.to_result(), findings: error.diagnostics() }
    }
}
