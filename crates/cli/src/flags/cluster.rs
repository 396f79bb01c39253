//! The flags that say which cluster a command is about.

use std::path::PathBuf;

use clap::Args;

/// `--home`, `--conf` and `--lab`.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ClusterFlags {
    /// The folder of the release or checkout, with roles/, playbooks/ and inventory/.
    #[arg(long, value_name = "DIR", hide = true, global = true)]
    pub(crate) home: Option<PathBuf>,

    /// The folder with hosts.ini and vars.yml (or common.yaml, or config-sample.yaml).
    #[arg(long, value_name = "DIR", conflicts_with = "lab", global = true)]
    pub(crate) conf: Option<PathBuf>,

    /// The hosts of a lab (containers on this machine) instead of those of conf/; the install makes them if they are not there.
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "default", require_equals = true, global = true)]
    pub(crate) lab: Option<String>,
}
