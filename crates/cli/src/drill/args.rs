//! The flags of `taskbox drill`.

use clap::Args;

use crate::flags::ClusterFlags;

/// Stop each master in turn, measure how long the API (and KubeSphere's console) does not answer, start it, wait until all is well. Asks first.
#[derive(Clone, Debug, Args)]
pub(crate) struct DrillArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterFlags,

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
