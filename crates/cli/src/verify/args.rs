//! The words and flags of `taskbox verify`.

use clap::{Args, Subcommand};

use crate::flags::ClusterFlags;

/// Look at an installed cluster and report every finding; changes nothing. Ends with 2 if something is wrong.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = false)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterFlags,

    /// As JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// More detail; repeat for more.
    #[arg(short, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) part: Option<VerifyPart>,
}

/// The words etcdctl had for it, as users of the 2.x installer type them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum VerifyPart {
    /// Whether etcd's members are those of the inventory.
    Member {
        #[command(subcommand)]
        what: MemberWord,
    },
    /// Whether every etcd member is healthy and the quorum holds.
    ClusterHealth,
}

/// The second word of `member list`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum MemberWord {
    /// List the members.
    List,
}
