//! What is wrong with playbooks and roles: all mistakes of a load together, each with its place.

use std::fmt;

use data::{Diagnose, Diagnostic};

/// One or more mistakes in the files of a playbook.
#[derive(Clone, Debug)]
pub struct PlaybookError {
    findings: Vec<Diagnostic>,
    missing: bool,
}

impl PlaybookError {
    /// The error of these findings; `None` when there is none.
    pub fn from_findings(findings: Vec<Diagnostic>) -> Option<Self> {
        (!findings.is_empty()).then(|| Self::new(findings))
    }

    /// The error of these findings.
    pub(crate) fn new(findings: Vec<Diagnostic>) -> Self {
        debug_assert!(!findings.is_empty(), "an error without a finding");
        Self { findings, missing: false }
    }

    /// The error of a file or role that is not there.
    pub(crate) fn missing(finding: Diagnostic) -> Self {
        Self { missing: true, ..Self::new(vec![finding]) }
    }

    /// Whether the first mistake is a file or role that is not there. Ansible lets a task that includes one fail; of mistakes inside of
    /// files a run dies.
    pub fn is_missing(&self) -> bool {
        self.missing
    }
}

impl From<Diagnostic> for PlaybookError {
    fn from(finding: Diagnostic) -> Self {
        Self::new(vec![finding])
    }
}

impl fmt::Display for PlaybookError {
    /// The first finding and how many follow.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.findings[0].title)?;
        match self.findings.len() {
            1 => Ok(()),
            count => write!(f, " (and {} more)", count - 1),
        }
    }
}

impl std::error::Error for PlaybookError {}

impl Diagnose for PlaybookError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.findings.clone()
    }
}

/// Collects what a load finds, so that one pass reports every mistake.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    /// Whether the first of the errors is a file or role that is not there.
    missing: bool,
}

impl Findings {
    /// Notes a mistake; the load goes on to find more.
    pub(crate) fn error(&mut self, finding: Diagnostic) {
        self.errors.push(finding);
    }

    /// Notes a file or role that is not there, or has no tasks where they should be.
    pub(crate) fn missing(&mut self, finding: Diagnostic) {
        self.missing |= self.errors.is_empty();
        self.errors.push(finding);
    }

    /// Notes something the user should know.
    pub(crate) fn warn(&mut self, finding: Diagnostic) {
        self.warnings.push(finding);
    }

    /// The value with its warnings, or the error of all mistakes.
    pub(crate) fn finish<T>(self, value: T) -> Result<(T, Vec<Diagnostic>), PlaybookError> {
        if self.errors.is_empty() {
            return Ok((value, self.warnings));
        }
        Err(PlaybookError { missing: self.missing, ..PlaybookError::new(self.errors) })
    }
}
