//! What is wrong, where, and what to do: the one form in which every error and warning reaches the screen.

use crate::Place;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The run cannot go on.
    Error,
    /// The run goes on; the user should know.
    Warning,
    /// A warning of what Ansible will take away.
    Deprecation,
}

/// A place with a word about it; the primary one gets the caret.
#[derive(Clone, Debug)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// A few words shown beside the caret; may be empty.
    pub text: String,
    /// Whether this is the place the title speaks of.
    pub primary: bool,
}

/// One error or warning, ready to be drawn. Built from the errors of all crates, drawn only by the command line.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// One sentence: lower case, no full stop, the user's words in backticks.
    pub title: String,
    /// Places in the user's files, most important first.
    pub labels: Vec<Label>,
    /// Evidence: what was tried, what a host said.
    pub notes: Vec<String>,
    /// What to do.
    pub helps: Vec<String>,
}

impl Diagnostic {
    /// An error with this title.
    pub fn error(title: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            title: title.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            helps: Vec::new(),
        }
    }

    /// A warning with this title.
    pub fn warning(title: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(title) }
    }

    /// A warning of what Ansible will take away, with this title.
    pub fn deprecation(title: impl Into<String>) -> Self {
        Self { severity: Severity::Deprecation, ..Self::error(title) }
    }

    /// Points at the place the title speaks of, with a word beside the caret.
    #[must_use]
    pub fn at(mut self, place: &Place, text: impl Into<String>) -> Self {
        self.labels.push(Label { place: place.clone(), text: text.into(), primary: true });
        self
    }

    /// [`Self::at`] for a place that may be unknown.
    #[must_use]
    pub fn at_opt(self, place: Option<&Place>, text: impl Into<String>) -> Self {
        match place {
            Some(place) => self.at(place, text),
            None => self,
        }
    }

    /// Points at a second place that explains the first.
    #[must_use]
    pub fn also(mut self, place: &Place, text: impl Into<String>) -> Self {
        self.labels.push(Label { place: place.clone(), text: text.into(), primary: false });
        self
    }

    /// Adds a line of evidence.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.helps.push(help.into());
        self
    }

    /// The place of the first primary label, if it has one.
    pub fn place(&self) -> Option<&Place> {
        self.labels.iter().find(|label| label.primary).map(|label| &label.place)
    }
}

/// An error that can say where it is and what to do. Every error type of ours implements it.
pub trait Diagnose {
    /// All findings in it, worst first; never empty.
    fn diagnostics(&self) -> Vec<Diagnostic>;
}

impl Diagnose for Diagnostic {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        vec![self.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, Span};

    #[test]
    fn the_first_primary_label_is_the_place() {
        let source = Source::new("hosts.ini", "a\nb\na\n");
        let first = Place::new(&source, Span::new(0, 1));
        let again = Place::new(&source, Span::new(4, 5));
        let found = Diagnostic::error("host `a` is listed twice").also(&first, "first").at(&again, "again");
        assert_eq!(found.place(), Some(&again));
        assert_eq!(found.severity, Severity::Error);
    }
}
