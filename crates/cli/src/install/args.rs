//! The words and flags of `./install.sh`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::flags::{ClusterFlags, ExtraVarsFlags};

/// Install the cluster that conf/hosts.ini and conf/vars.yml describe.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Edit conf/hosts.ini and conf/vars.yml first. A run that broke can be started again: what is done stays done."
)]
pub(crate) struct InstallArgs {
    /// Where the cluster runs; asked for with a menu when it is not given and a person is there.
    #[arg(value_enum)]
    pub(crate) mode: Option<Mode>,

    #[command(flatten)]
    pub(crate) cluster: ClusterFlags,

    /// Answer the question with yes.
    #[arg(short, long)]
    pub(crate) yes: bool,

    /// Say what would change, change nothing.
    #[arg(short = 'C', long)]
    pub(crate) check: bool,

    /// Show how files differ.
    #[arg(short = 'D', long)]
    pub(crate) diff: bool,

    /// Only these hosts (a pattern, as Ansible's).
    #[arg(short, long, value_name = "PATTERN")]
    pub(crate) limit: Option<String>,

    /// Only what has one of these tags: preflight, os, pki, etcd, loadbalancer, container_runtime, kubernetes, storage, addons, kubesphere, verify.
    #[arg(short, long, value_name = "TAGS", value_delimiter = ',')]
    pub(crate) tags: Vec<String>,

    /// Not what has one of these tags.
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub(crate) skip_tags: Vec<String>,

    #[command(flatten)]
    pub(crate) extra_vars: ExtraVarsFlags,

    /// An offline bundle to install from.
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,

    /// How many hosts at a time.
    #[arg(short, long, default_value_t = 50, value_name = "N")]
    pub(crate) forks: usize,

    /// More detail; repeat for more.
    #[arg(short, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// Where the cluster runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Everything on this machine.
    AllInOne,
    /// The hosts of hosts.ini.
    MultiNode,
}

/// Take the cluster off its hosts: what the install changed is taken back. Asks first.
#[derive(Clone, Debug, Args)]
pub(crate) struct UninstallArgs {
    /// Take etcd's data and backups, images and local volumes too.
    #[arg(long)]
    pub(crate) data: bool,

    #[command(flatten)]
    pub(crate) common: InstallArgs,
}

/// Let the workers join that are new in hosts.ini. The other hosts only learn their names.
#[derive(Clone, Debug, Args)]
pub(crate) struct AddNodesArgs {
    #[command(flatten)]
    pub(crate) common: InstallArgs,
}

/// What is done with the hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// `./install.sh`
    Install,
    /// `./add-nodes.sh`
    AddNodes,
    /// `./uninstall.sh`
    Uninstall {
        /// Whether data goes too.
        data: bool,
    },
}

impl Job {
    /// The playbook that does it.
    pub(crate) fn playbook(self) -> &'static str {
        match self {
            Self::Install => "install.yml",
            Self::AddNodes => "add-nodes.yml",
            Self::Uninstall { .. } => "uninstall.yml",
        }
    }

    /// The first word of its log's name, as the 2.x installer had it.
    pub(crate) fn log_name(self) -> &'static str {
        match self {
            Self::Install => "Install",
            Self::AddNodes => "Scale",
            Self::Uninstall { .. } => "Uninstall",
        }
    }

    /// How the summary begins when it went well.
    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Install => "Installed",
            Self::AddNodes => "Nodes added",
            Self::Uninstall { .. } => "Uninstalled",
        }
    }
}
