//! `-i` and `--limit`: which hosts there are, and which of them are meant.

use std::path::Path;

use clap::Args;
use data::{Diagnose, Diagnostic, Map, Severity};
use inventory::{
    Enabled, GroupNames, HashBehaviour, Ignored, Inventory, LoadOptions, Loaded, Pattern, Reader, Selection,
    SourceFailure,
};

use super::FlagError;
use crate::diagnostics::report_all;
use crate::settings::Settings;

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
    /// The sources: those given, else those of the settings, else Ansible's default.
    pub(crate) fn sources(&self, settings: &Settings) -> Vec<String> {
        if !self.inventory.is_empty() {
            return self.inventory.clone();
        }
        // A list of hosts is no list of paths.
        match std::env::var("ANSIBLE_INVENTORY") {
            Ok(given) if given.ends_with(',') => vec![given],
            Ok(given) if given.contains(',') && Path::new(&given).exists() => vec![given],
            _ => settings.list("DEFAULT_HOST_LIST"),
        }
    }

    /// Reads the inventory. Sources that cannot be read are warned of, as Ansible does.
    ///
    /// # Errors
    /// An inventory that must not be used.
    pub(crate) fn load(
        &self,
        reader: &Reader,
        settings: &Settings,
        extra_vars: &Map,
    ) -> Result<Loaded, FlagError> {
        let options = LoadOptions {
            reader: reader.clone(),
            hash_behaviour: match settings.text("DEFAULT_HASH_BEHAVIOUR").as_deref() {
                Some("merge") => HashBehaviour::Merge,
                _ => HashBehaviour::Replace,
            },
            ignored: Ignored::new(
                settings.list("INVENTORY_IGNORE_EXTS"),
                &settings.list("INVENTORY_IGNORE_PATTERNS"),
            )
            .map_err(|(pattern, why)| {
                let title =
                    format!("`{pattern}` of `inventory_ignore_patterns` is no regular expression: {why}");
                FlagError::error(Diagnostic::error(title).help("write it as Python's `re` reads it"))
            })?,
            group_names: settings
                .text("TRANSFORM_INVALID_GROUP_CHARS")
                .map_or_else(GroupNames::default, |word| GroupNames::named(&word)),
            extra_vars: extra_vars.clone(),
            use_extra_vars: settings.flag("use_extra_vars"),
            hide_stderr: !settings.flag("always_show_stderr"),
            enabled: Enabled::new(settings.list("INVENTORY_ENABLED")),
            any_unparsed_is_failed: settings.flag("INVENTORY_ANY_UNPARSED_IS_FAILED"),
            unparsed_is_failed: settings.flag("INVENTORY_UNPARSED_IS_FAILED"),
        };
        let sources = self.sources(settings);
        let mut loaded =
            inventory::load(&sources, &options).map_err(|error| FlagError::from_error(&error))?;
        if !(settings.flag("INVENTORY_UNPARSED_WARNING") && settings.flag("LOCALHOST_WARNING")) {
            loaded.warnings.retain(|warning| !warning.title.starts_with("No inventory was parsed"));
        }
        report_all(&loaded.warnings);
        // Nobody named the default inventory, so it may be missing.
        let implicit = self.inventory.is_empty() && sources == [DEFAULT_INVENTORY];
        for failure in loaded.failures.iter().filter(|_| !implicit) {
            report_all(&warnings_of(failure));
        }
        Ok(loaded)
    }

    /// Says that nobody but this machine is there, unless `pattern` names it; playbooks have none.
    pub(crate) fn warn_of_no_hosts(inventory: &Inventory, pattern: Option<&str>, settings: &Settings) {
        let names_it = pattern.is_some_and(|pattern| ["127.0.0.1", "localhost", "::1"].contains(&pattern));
        if inventory.hosts().len() == 0 && !names_it && settings.flag("LOCALHOST_WARNING") {
            report_all(&[Diagnostic::warning(
                "provided hosts list is empty, only localhost is available. Note that the implicit localhost does not match 'all'",
            )]);
        }
    }

    /// The hosts that `--limit` selects, be they none; `None` without one.
    ///
    /// # Errors
    /// A pattern that cannot be read.
    pub(crate) fn selected(&self, loaded: &Loaded) -> Result<Option<Selection>, FlagError> {
        let Some(limit) = &self.limit else { return Ok(None) };
        Pattern::parse_limit(limit)
            .and_then(|pattern| pattern.select(&loaded.inventory))
            .map(Some)
            .map_err(|error| FlagError::error(error.diagnostic(None)))
    }

    /// Looks whether `--limit` leaves a host to run on.
    ///
    /// # Errors
    /// A pattern that cannot be read, or selects nothing.
    pub(crate) fn check_limit(&self, loaded: &Loaded) -> Result<(), FlagError> {
        let Some(selected) = self.selected(loaded)? else { return Ok(()) };
        if selected.hosts.is_empty() {
            let ignoring = |part: &String| {
                Diagnostic::warning(format!("Could not match supplied host pattern, ignoring: {part}"))
            };
            report_all(&selected.unmatched.iter().map(ignoring).collect::<Vec<_>>());
            let found = Diagnostic::error(
                "Specified inventory, host pattern and/or --limit leaves us with no hosts to target.",
            );
            let limit = self.limit.as_deref().unwrap_or_default();
            return Err(FlagError::error(found.note(format!("the limit is `{limit}`"))));
        }
        Ok(())
    }
}

/// A source that could not be read, in Ansible's words around ours.
fn warnings_of(failure: &SourceFailure) -> Vec<Diagnostic> {
    let mut warnings = failure.diagnostics();
    for warning in &mut warnings {
        warning.severity = Severity::Warning;
        if let Some(format) = failure.format() {
            warning.title = format!("Failed to parse inventory with '{format}' plugin: {}", warning.title);
        }
    }
    if failure.format().is_some() {
        warnings.push(Diagnostic::warning(failure.summary()));
    }
    warnings
}
