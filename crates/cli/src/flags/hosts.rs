//! `-i` and `--limit`: which hosts there are, and which of them are meant.

use clap::Args;
use data::{Diagnose, Diagnostic, Severity};
use inventory::{LoadOptions, Loaded, Pattern, Reader};

use super::FlagError;
use crate::diagnostics::report_all;

/// Where Ansible looks when nothing is said.
const DEFAULT_INVENTORY: &str = "/etc/ansible/hosts";

/// The inventory.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Hosts")]
pub(crate) struct HostFlags {
    /// An inventory: a file, a folder of files, a program, or `host1,host2`. May be given several times.
    #[arg(short, long, alias = "inventory-file", value_name = "SOURCE")]
    inventory: Vec<String>,
    /// Only these hosts: a pattern, or `@file` with one on each line.
    #[arg(short, long, alias = "subset", value_name = "PATTERN")]
    pub(crate) limit: Option<String>,
}

impl HostFlags {
    /// The sources: those given, else `ANSIBLE_INVENTORY`, else Ansible's default.
    pub(crate) fn sources(&self) -> Vec<String> {
        if !self.inventory.is_empty() {
            return self.inventory.clone();
        }
        match std::env::var("ANSIBLE_INVENTORY") {
            Ok(given) if given.contains(',') && std::path::Path::new(&given).exists() => vec![given],
            Ok(given) if !given.is_empty() => given.split(',').map(str::to_owned).collect(),
            _ => vec![DEFAULT_INVENTORY.to_owned()],
        }
    }

    /// Reads the inventory. Sources that cannot be read are warned of, as Ansible does.
    ///
    /// # Errors
    /// An inventory that must not be used.
    pub(crate) fn load(&self, reader: &Reader) -> Result<Loaded, FlagError> {
        let options = LoadOptions { reader: reader.clone(), ..LoadOptions::default() };
        let sources = self.sources();
        let loaded = inventory::load(&sources, &options).map_err(|error| FlagError::from_error(&error))?;
        report_all(&loaded.warnings);
        // Nobody named the default inventory, so it may be missing.
        let implicit = self.inventory.is_empty() && sources == [DEFAULT_INVENTORY];
        for failure in loaded.failures.iter().filter(|_| !implicit) {
            report_all(&failure.diagnostics().into_iter().map(as_warning).collect::<Vec<_>>());
        }
        Ok(loaded)
    }

    /// The hosts that `--limit` selects; `None` without one.
    ///
    /// # Errors
    /// A pattern that cannot be read, or selects nothing.
    pub(crate) fn limited(&self, loaded: &Loaded) -> Result<Option<Vec<inventory::HostName>>, FlagError> {
        let Some(limit) = &self.limit else { return Ok(None) };
        let selected = Pattern::parse_limit(limit)
            .and_then(|pattern| pattern.select(&loaded.inventory))
            .map_err(|error| FlagError::error(error.diagnostic(None)))?;
        if selected.hosts.is_empty() {
            let found = Diagnostic::error(
                "specified inventory, host pattern and/or `--limit` leaves us with no hosts to target",
            );
            return Err(FlagError::error(found.note(format!("the limit is `{limit}`"))));
        }
        Ok(Some(selected.hosts))
    }
}

fn as_warning(found: Diagnostic) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, ..found }
}
