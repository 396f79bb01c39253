//! Flags of commands that change hosts, and the run that they describe.

use std::path::PathBuf;

use clap::{ArgAction, Args};
use data::Diagnostic;
use inventory::{Loaded, Reader};
use runner::RunOptions;

use super::{ConnectionFlags, ExtraVarsFlags, FlagError, HostFlags, PrivilegeFlags, VaultFlags};
use crate::prompt::TerminalPrompter;

/// Hosts at a time where nothing is said.
const FORKS: usize = 50;

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
    #[arg(short, long, value_name = "N", env = "ANSIBLE_FORKS", default_value_t = FORKS)]
    forks: usize,
    /// Say more; up to -vvvv.
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,
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
    /// The run that the flags describe, without its playbooks. With `ask`, passwords are asked for.
    ///
    /// # Errors
    /// Flags that cannot be used, unreadable files, a limit that leaves no host.
    pub(crate) fn options(&self, ask: bool) -> Result<RunOptions, FlagError> {
        if self.forks == 0 {
            return Err(FlagError::option(Diagnostic::error(
                "the number of processes (`--forks`) must be at least 1",
            )));
        }
        let reader = Reader::new(self.vault.secrets()?);
        let (connection, become_as) = if ask {
            super::connection::resolve(&self.connection, &self.privilege)?
        } else {
            Default::default()
        };
        let extra_vars = self.extra_vars.load(&reader)?;
        let loaded = self.hosts.load(&reader)?;
        self.hosts.limited(&loaded)?;
        let Loaded { inventory, folders, .. } = loaded;
        Ok(RunOptions {
            inventory,
            inventory_folders: folders,
            inventory_sources: self.hosts.sources(),
            reader,
            extra_vars,
            limit: self.hosts.limit.clone(),
            check: self.check,
            diff: self.diff,
            forks: self.forks,
            verbosity: self.verbose,
            roles_path: roles_path(),
            connection,
            become_as,
            prompter: TerminalPrompter::of_stdin(),
            ..RunOptions::default()
        })
    }
}

/// `ANSIBLE_ROLES_PATH`, or Ansible's default.
fn roles_path() -> Vec<PathBuf> {
    if let Some(given) = std::env::var_os("ANSIBLE_ROLES_PATH").filter(|given| !given.is_empty()) {
        return std::env::split_paths(&given).collect();
    }
    let home = std::env::home_dir().map(|home| home.join(".ansible/roles"));
    home.into_iter().chain(["/usr/share/ansible/roles".into(), "/etc/ansible/roles".into()]).collect()
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
