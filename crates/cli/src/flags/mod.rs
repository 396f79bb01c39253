//! Flags that several commands share, named as Ansible names them, and what they turn into.

mod cluster;
mod connection;
mod extra_vars;
mod hosts;
mod rejected;
mod run;
mod vault;

use std::process::ExitCode;

use data::{Diagnose, Diagnostic};

pub(crate) use cluster::ClusterFlags;
pub(crate) use connection::{ConnectionFlags, PrivilegeFlags};
pub(crate) use extra_vars::ExtraVarsFlags;
pub(crate) use hosts::HostFlags;
pub(crate) use run::{RunFlags, words};
pub(crate) use vault::{Purpose, VaultFlags, gather as gather_vault_secrets};

/// Why a command cannot begin, and the exit code that says so.
#[derive(Debug, thiserror::Error)]
#[error("{}", .findings.first().map(|found| found.title.as_str()).unwrap_or_default())]
pub(crate) struct FlagError {
    findings: Vec<Diagnostic>,
    code: u8,
}

/// Ansible's exit code for options that cannot be used.
pub(crate) const BAD_OPTION: u8 = 5;

impl FlagError {
    /// An option that cannot be used as given.
    pub(crate) fn option(finding: Diagnostic) -> Self {
        Self { findings: vec![finding], code: BAD_OPTION }
    }

    /// Options that are well, about something that is not: a file, a pattern, a program.
    pub(crate) fn error(finding: Diagnostic) -> Self {
        Self { findings: vec![finding], code: 1 }
    }

    /// [`Self::error`] of several findings.
    pub(crate) fn errors(findings: Vec<Diagnostic>) -> Self {
        Self { findings, code: 1 }
    }

    /// [`Self::error`] with all that `error` found.
    pub(crate) fn from_error(error: &dyn Diagnose) -> Self {
        Self { findings: error.diagnostics(), code: 1 }
    }

    /// A file or text that cannot be parsed: Ansible's exit code 4.
    pub(crate) fn parse(error: &dyn Diagnose) -> Self {
        Self { findings: error.diagnostics(), code: runner::ExitCode::Unreachable as u8 }
    }

    /// The exit code.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl Diagnose for FlagError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.findings.clone()
    }
}
