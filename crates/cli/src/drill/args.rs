//! The flags of `taskbox drill`.

use std::path::PathBuf;

use clap::Args;

/// Stop each master in turn, measure how long the API does not answer, start it, wait until all is well. Asks first.
#[derive(Clone, Debug, Args)]
pub(crate) struct DrillArgs {
    /// The folder of the release or checkout, with roles/ and playbooks/.
    #[arg(long, value_name = "DIR", hide = true)]
    pub(crate) home: Option<PathBuf>,

    /// The folder with hosts.ini and vars.yml.
    #[arg(long, value_name = "DIR", conflicts_with = "lab")]
    pub(crate) conf: Option<PathBuf>,

    /// The lab's hosts instead of those of conf/.
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "default", require_equals = true)]
    pub(crate) lab: Option<String>,

    /// Answer the question with yes.
    #[arg(short, long)]
    pub(crate) yes: bool,

    /// How long a master stays stopped, in seconds.
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    pub(crate) down: u64,

    /// How long the API may be away, in seconds; more ends with exit code 2.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    pub(crate) aim: u64,

    /// More detail; repeat for more.
    #[arg(short, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}
