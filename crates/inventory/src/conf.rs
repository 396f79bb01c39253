//! The installer's `conf/` folder: all that a user edits.
//!
//! `hosts.ini` with `vars.yml` (2.0), with `common.yaml` and `plugin-*.yaml` (2.1), or KubeKey's `config-sample.yaml` in place of them:
//! each gives the same hosts, groups and variables. Old and mistaken names are translated with a warning, unknown ones kept with a
//! warning, and everything that can be known from the files alone is checked at once, before any host is touched.

mod check;
mod credentials;
mod defaults;
mod document;
mod folder;
mod hosts;
pub mod keys;
mod kubekey;
mod lookalikes;
mod lookup;
mod names;
mod vars;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use data::{Diagnostic, Map, Severity};

use crate::Inventory;
use crate::mask::mask_findings;
use crate::read::Reader;
use folder::{Description, Files};

pub use document::reference_page;
pub use names::role_variables;

/// Groups that a cluster may do without; they are there all the same, so that plays can name them.
const OPTIONAL_GROUPS: [&str; 3] = ["bastion", "loadbalancer", "local-registry"];

/// What a conf folder says.
#[derive(Debug)]
pub struct Conf {
    /// Its hosts and groups. The variable files are its cluster variables, the defaults are variables of `all`. Passwords are marked
    /// secret; a user's sudo password also serves for SSH where no other is given.
    pub inventory: Inventory,
    /// The cluster's variables, under the names that roles use: those of `[all:vars]`, then those of the variable files.
    pub vars: Map,
    /// Mistakes and warnings, with their places; mistakes first.
    pub findings: Vec<Diagnostic>,
    /// The files that were read.
    pub files: Vec<PathBuf>,
}

/// How a conf folder is read.
#[derive(Clone, Debug, Default)]
pub struct ConfOptions {
    /// Names of variables that are known although the table of [`keys`] does not have them: the roles' own (see [`role_variables`]).
    pub known_variables: Vec<String>,
    /// The folder whose `group_vars/all` holds the cluster's defaults. They are weaker than anything in the conf folder, `[group:vars]`
    /// too; so this must not be an inventory folder of the run at the same time.
    pub defaults: Option<PathBuf>,
    /// How files are read.
    pub reader: Reader,
}

impl Conf {
    /// Reads and checks a conf folder. Mistakes do not stop the reading: they are in [`Self::findings`], all at once.
    pub fn load(folder: &Path, options: &ConfOptions) -> Self {
        let mut findings = Vec::new();
        let files = Files::find(folder, &mut findings);
        let described =
            files.description.as_ref().and_then(|file| Described::read(file, options, &mut findings));
        let is_described = described.is_some();
        let Described { mut inventory, all_vars: mut vars, mut cluster_vars, unsure, is_kubekey } =
            described.unwrap_or_default();

        let before = findings.len();
        for path in &files.vars {
            vars::load(path, options, &mut cluster_vars, &mut findings);
        }
        let vars_are_whole = findings[before..].iter().all(|finding| finding.severity != Severity::Error);
        vars::hide_secrets(&mut cluster_vars);
        vars.extend_from(&cluster_vars);
        credentials::complete(&mut inventory, &vars, &mut findings);

        if is_described {
            let (inventory, vars) = (&inventory, &vars);
            findings.extend(check::Facts { inventory, vars, is_kubekey, unsure, vars_are_whole }.check());
        }
        inventory.set_cluster_vars(cluster_vars);
        if let Some(defaults) = &options.defaults {
            defaults::put_below(&mut inventory, defaults, &options.reader, &mut findings);
        }
        for group in OPTIONAL_GROUPS {
            // A name that cannot be a group's is no name of ours.
            let _ = inventory.add_group(group, None);
        }
        mask_findings(&mut findings);
        findings.sort_by_key(|finding| finding.severity != Severity::Error);
        Self { inventory, vars, findings, files: files.paths() }
    }

    /// Whether nothing in the folder is a mistake; warnings may be there.
    pub fn is_valid(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Error)
    }
}

/// What the file with the hosts says.
#[derive(Default)]
struct Described {
    inventory: Inventory,
    /// Variables of `[all:vars]`; they are the inventory's too.
    all_vars: Map,
    /// Variables that stand where those of `vars.yml` do: KubeKey's file has hosts and variables in one.
    cluster_vars: Map,
    /// Hosts whose lines have mistakes.
    unsure: HashSet<String>,
    is_kubekey: bool,
}

impl Described {
    /// Reads the file; `None` when it cannot be read at all.
    fn read(file: &Description, options: &ConfOptions, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut unsure = HashSet::new();
        Some(match file {
            Description::Hosts(path) => {
                let (inventory, all_vars) = hosts::load(path, &options.reader, findings, &mut unsure)?;
                Self { inventory, all_vars, unsure, ..Self::default() }
            }
            Description::KubeKey(path) => {
                let (inventory, cluster_vars) = kubekey::load(path, &options.reader, findings)?;
                Self { inventory, cluster_vars, is_kubekey: true, ..Self::default() }
            }
        })
    }
}
