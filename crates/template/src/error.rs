//! What can go wrong in a template, with the template and the place in the user's file.

use std::sync::Arc;

use data::{Diagnose, Diagnostic, Place, Source, Span, Text};

/// What went wrong, in Ansible's words: playbooks compare them with `in result.msg`.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ErrorKind {
    /// The template cannot be read.
    #[error("Syntax error in template: {0}")]
    Syntax(String),
    /// The expression cannot be read because it is written as a template.
    #[error("Syntax error in expression. {0}")]
    ExpressionSyntax(String),
    /// The expression cannot be read.
    #[error("Syntax error in expression: {0}")]
    Unreadable(String),
    /// A name without a value was used.
    #[error("{0}")]
    Undefined(String),
    /// An operator, method or function refused its operands.
    #[error("Error rendering template: {0}")]
    Operation(String),
    /// The same in a bare expression.
    #[error("Error rendering expression: {0}")]
    ExpressionOperation(String),
    /// A vaulted value that nobody can open.
    #[error("Error rendering {within}: Attempt to use undecryptable variable: {reason}")]
    Undecryptable {
        /// `template` or `expression`.
        within: &'static str,
        /// Why.
        reason: String,
    },
    /// A filter failed.
    #[error("The filter plugin '{name}' failed: {message}")]
    Filter {
        /// The filter with its collection.
        name: String,
        /// What it said.
        message: String,
    },
    /// A test failed.
    #[error("The test plugin '{name}' failed: {message}")]
    Test {
        /// The test with its collection.
        name: String,
        /// What it said.
        message: String,
    },
    /// A lookup failed.
    #[error("The lookup plugin '{name}' failed: {message}")]
    Lookup {
        /// The lookup as the user wrote it.
        name: String,
        /// What it said.
        message: String,
    },
    /// There is no such lookup.
    #[error("The lookup plugin '{0}' was not found.")]
    UnknownLookup(String),
    /// Variables refer to each other in a circle.
    #[error("Recursive loop detected in template: {0}")]
    Cycle(String),
    /// One of [`crate::Limits`] was reached.
    #[error("{0}")]
    Limit(String),
    /// A condition that is not a condition.
    #[error("{0}")]
    Condition(String),
}

/// Where a template's text lies.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// In a template file.
    File(Arc<Source>),
    /// In a string of a file or a command line.
    Text(Text),
}

impl Origin {
    fn place(&self, span: Span) -> Option<Place> {
        match self {
            Self::File(source) => Some(Place::new(source, span)),
            Self::Text(text) => {
                let place = text.place()?;
                let start = data::yaml::scalar_offset(text, span.start as usize)?;
                let end = data::yaml::scalar_offset(text, span.end as usize)?.max(start);
                Some(Place::new(&place.source, Span::new(start, end)))
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Inner {
    kind: ErrorKind,
    place: Option<Place>,
    /// The template's text, when no place is known.
    text: Option<Text>,
    /// How the evaluation came here: `while resolving variable x`, outermost last.
    trail: Vec<(String, Option<Place>)>,
    help: Option<String>,
}

/// An error in a template: what, where, and by which variables and files it was reached.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .0.kind)]
pub struct TemplateError(Box<Inner>);

impl TemplateError {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner { kind, place: None, text: None, trail: Vec::new(), help: None }))
    }

    /// In the words for a bare expression, if that itself is what failed and not a variable that it uses.
    pub(crate) fn in_expression(self) -> Self {
        let kind = match self.kind() {
            _ if !self.0.trail.is_empty() => return self,
            ErrorKind::Syntax(message) => ErrorKind::Unreadable(message.clone()),
            ErrorKind::Operation(message) => ErrorKind::ExpressionOperation(message.clone()),
            ErrorKind::Undecryptable { reason, .. } => {
                ErrorKind::Undecryptable { within: "expression", reason: reason.clone() }
            }
            _ => return self,
        };
        self.with_kind(kind)
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Whether it came from an undefined value.
    pub fn is_undefined(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Undefined(_))
    }

    /// Whether it came from a vaulted value that nobody can open.
    pub(crate) fn is_undecryptable(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Undecryptable { .. })
    }

    /// The place in the user's file, when known.
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    /// The template's text, when it is known.
    pub(crate) fn template_text(&self) -> Option<&Text> {
        self.0.text.as_ref()
    }

    /// Whether it ends the whole evaluation, even where `default` would catch an undefined value.
    pub(crate) fn is_fatal(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Limit(_) | ErrorKind::Cycle(_))
    }

    /// The same error of another kind.
    #[must_use]
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Sets the place.
    #[must_use]
    pub(crate) fn at(mut self, place: Place) -> Self {
        self.0.place = Some(place);
        self
    }

    /// Sets the place unless a nearer one is known.
    #[must_use]
    pub(crate) fn located(mut self, origin: &Origin, span: Span) -> Self {
        if self.0.place.is_none() && self.0.text.is_none() {
            self.0.place = origin.place(span);
            if let Origin::Text(text) = origin {
                self.0.text = Some(text.clone());
            }
        }
        self
    }

    /// Adds how the evaluation came here.
    #[must_use]
    pub(crate) fn through(mut self, step: String, place: Option<Place>) -> Self {
        if self.0.trail.len() < 8 {
            self.0.trail.push((step, place));
        }
        self
    }

    /// Says what to do.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }
}

/// Ansible's quotes around names become the house's backticks.
fn in_backticks(message: &str) -> String {
    match message.strip_prefix('\'').and_then(|rest| rest.split_once('\'')) {
        Some((name, rest)) => format!("`{name}`{rest}"),
        None => message.to_owned(),
    }
}

impl Diagnose for TemplateError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        let inner = &self.0;
        let mut found =
            Diagnostic::error(in_backticks(&inner.kind.to_string())).at_opt(inner.place.as_ref(), "");
        if let (None, Some(text)) = (&inner.place, &inner.text)
            && !text.is_secret()
        {
            found = found.note(format!("in the template `{}`", shorten(text)));
        }
        for (step, place) in &inner.trail {
            found = match place {
                Some(place) => found.also(place, step.clone()),
                None => found.note(step.clone()),
            };
        }
        if let Some(help) = &inner.help {
            found = found.help(help.clone());
        }
        vec![found]
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(120) {
        Some((at, _)) => format!("{} ...", &text[..at]),
        None => text.to_owned(),
    }
}
