//! Flags of commands that change hosts, and the run that they describe.

use std::path::PathBuf;

use clap::{ArgAction, Args};
use data::{Diagnose, Diagnostic, Map};
use inventory::{Loaded, Reader};
use runner::{FactCache, Gathering, PatternMismatch, Reload, RunOptions};

use super::{ConnectionFlags, ExtraVarsFlags, FlagError, HostFlags, PrivilegeFlags, VaultFlags};
use crate::diagnostics::report_all;
use crate::prompt::TerminalPrompter;
use crate::settings::Settings;

/// What all runs share.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct RunFlags {
    /// Say what would change, change nothing.
    #[arg(short = 'C', long)]
    pub(crate) check: bool,
    /// Show how files differ.
    #[arg(short = 'D', long)]
    diff: bool,
    /// How many hosts at a time.
    #[arg(short, long, value_name = "N")]
    forks: Option<usize>,
    /// Say more; up to -vvvv.
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,
    /// List the hosts, run nothing.
    #[arg(long)]
    pub(crate) list_hosts: bool,
    /// Print every event as a line of JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    /// Also write every event as a line of JSON into this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
    /// List the slowest tasks at the end.
    #[arg(long)]
    pub(crate) profile: bool,
    /// Run handlers even if a task failed.
    #[arg(long)]
    force_handlers: bool,
    /// Forget the facts of earlier runs.
    #[arg(long)]
    flush_cache: bool,
    /// Folders with modules of your own.
    #[arg(short = 'M', long, value_name = "FOLDERS")]
    module_path: Vec<String>,
    #[command(flatten)]
    extra_vars: ExtraVarsFlags,
    #[command(flatten)]
    pub(crate) hosts: HostFlags,
    #[command(flatten)]
    connection: ConnectionFlags,
    #[command(flatten)]
    privilege: PrivilegeFlags,
    #[command(flatten)]
    vault: VaultFlags,
}

impl RunFlags {
    /// The number of `-v`, on top of what the settings say.
    pub(crate) fn verbosity(&self, settings: &Settings) -> u8 {
        let base = settings.number("DEFAULT_VERBOSITY").unwrap_or(0).clamp(0, 6);
        self.verbose.saturating_add(base as u8)
    }

    /// Whether an output shows more of a task that went well than that it did.
    fn shows_whole_results(&self, settings: &Settings) -> bool {
        let name = settings.text("DEFAULT_STDOUT_CALLBACK").unwrap_or_default();
        let plain = ["timer", "profile_tasks", "profile_roles"];
        let short = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
        self.json
            || self.events.is_some()
            || short(&name) != "default"
            || settings.list("CALLBACKS_ENABLED").iter().any(|name| !plain.contains(&short(name).as_str()))
    }

    /// The run that the flags and settings describe, without its playbooks. With `ask`, passwords are asked for. `pattern` is that of an ad hoc command.
    ///
    /// # Errors
    /// Flags that cannot be used, unreadable files, a limit that leaves no host.
    pub(crate) fn options(
        &self,
        ask: bool,
        pattern: Option<&str>,
        settings: &Settings,
    ) -> Result<RunOptions, FlagError> {
        let forks = self.forks.or_else(|| usize::try_from(settings.number("DEFAULT_FORKS")?).ok());
        let forks = forks.filter(|forks| *forks > 0).ok_or_else(|| {
            FlagError::option(Diagnostic::error("the number of processes (`--forks`) must be at least 1"))
        })?;
        let reader = Reader::new(self.vault.secrets(settings)?);
        let (connection, become_as) = if ask {
            super::connection::resolve(&self.connection, &self.privilege, settings)?
        } else {
            Default::default()
        };
        let extra_vars = self.extra_vars.load(&reader)?;
        let loaded = self.hosts.load(&reader, settings, &extra_vars)?;
        HostFlags::warn_of_no_hosts(&loaded.inventory, pattern, settings);
        self.hosts.check_limit(&loaded)?;
        let fact_cache = fact_cache(settings)?;
        if self.flush_cache {
            loaded.inventory.hosts().for_each(|host| fact_cache.forget(host.name()));
        }
        let Loaded { inventory, folders, .. } = loaded;
        let paths = |name: &str| settings.list(name).into_iter().map(PathBuf::from).collect::<Vec<_>>();
        let seconds = |name: &str| settings.number(name).and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let reload = self.reload(&reader, settings, &extra_vars);
        let reader_of_filters = reader.clone();
        Ok(RunOptions {
            inventory,
            inventory_folders: folders,
            inventory_sources: self.hosts.sources(settings),
            reader,
            extra_vars,
            limit: self.hosts.limit.clone(),
            check: self.check,
            diff: self.diff || settings.flag("DIFF_ALWAYS"),
            forks,
            verbosity: self.verbosity(settings),
            whole_results: self.shows_whole_results(settings),
            roles_path: paths("DEFAULT_ROLES_PATH"),
            connection,
            become_as,
            gathering: match settings.text("DEFAULT_GATHERING").as_deref() {
                Some("explicit") => Gathering::Explicit,
                Some("smart") => Gathering::Smart,
                _ => Gathering::Implicit,
            },
            any_errors_fatal: settings.flag("ANY_ERRORS_FATAL"),
            error_on_missing_handler: settings.flag("ERROR_ON_MISSING_HANDLER"),
            force_handlers: self.force_handlers || settings.flag("DEFAULT_FORCE_HANDLERS"),
            collections_path: paths("COLLECTIONS_PATHS"),
            library: self
                .module_path
                .iter()
                .flat_map(|folders| folders.split(':'))
                .map(|folder| crate::settings::resolve(folder, None))
                .chain(paths("DEFAULT_MODULE_PATH"))
                .collect(),
            private_role_vars: settings.flag_if_set("DEFAULT_PRIVATE_ROLE_VARS"),
            inject_facts: settings.flag("INJECT_FACTS_AS_VARS"),
            strategy: settings.text_if_set("DEFAULT_STRATEGY"),
            no_log: settings.flag("DEFAULT_NO_LOG"),
            task_timeout: seconds("TASK_TIMEOUT"),
            poll_interval: settings
                .number("DEFAULT_POLL_INTERVAL")
                .and_then(|n| u64::try_from(n).ok())
                .unwrap_or(15),
            task_debugger: settings.flag("ENABLE_TASK_DEBUGGER"),
            debugger_on_ignored: settings.flag("TASK_DEBUGGER_IGNORE_ERRORS"),
            fact_cache,
            reload: Some(reload),
            pattern_mismatch: match settings.text("HOST_PATTERN_MISMATCH").as_deref() {
                Some("error") => PatternMismatch::Error,
                Some("ignore") => PatternMismatch::Ignore,
                _ => PatternMismatch::Warning,
            },
            config_file: settings.file.as_ref().map(|file| file.path.clone()),
            settings: settings.for_playbooks(),
            rejected_modules: super::rejected::modules(settings, &reader_of_filters)?,
            prompter: TerminalPrompter::of_stdin(),
            ..RunOptions::default()
        })
    }
}

impl RunFlags {
    /// Reads the same inventory again when the run asks for it; `--flush-cache` has forgotten the facts before.
    fn reload(&self, reader: &Reader, settings: &Settings, extra_vars: &Map) -> Reload {
        let (hosts, reader, settings) = (self.hosts.clone(), reader.clone(), settings.clone());
        let extra_vars = extra_vars.clone();
        std::sync::Arc::new(move || {
            hosts.load(&reader, &settings, &extra_vars).map_err(|error| error.diagnostics())
        })
    }
}

/// Where facts are kept between runs.
fn fact_cache(settings: &Settings) -> Result<FactCache, FlagError> {
    let name = settings.text("CACHE_PLUGIN").unwrap_or_default();
    match name.rsplit('.').next().unwrap_or_default() {
        "memory" | "" => Ok(FactCache::Memory),
        "jsonfile" => {
            let folder = settings.text("CACHE_PLUGIN_CONNECTION").ok_or_else(|| {
                let error = Diagnostic::error("`fact_caching = jsonfile` needs a folder");
                FlagError::option(error.help("name it in `fact_caching_connection`"))
            })?;
            Ok(FactCache::JsonFile {
                folder: crate::settings::resolve(&folder, None),
                prefix: settings.text_if_set("CACHE_PLUGIN_PREFIX").unwrap_or_default(),
                timeout: settings
                    .number("CACHE_PLUGIN_TIMEOUT")
                    .and_then(|seconds| u64::try_from(seconds).ok())
                    .unwrap_or(86400),
            })
        }
        other => {
            let unknown = Diagnostic::warning(format!("facts cannot be kept by `{other}`"));
            report_all(&[unknown.help("`fact_caching` is memory or jsonfile")]);
            Ok(FactCache::Memory)
        }
    }
}

/// The parts of a comma-separated flag that may be given several times.
pub(crate) fn words(given: &[String]) -> Vec<String> {
    given
        .iter()
        .flat_map(|given| given.split(','))
        .map(|word| word.trim().to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}
