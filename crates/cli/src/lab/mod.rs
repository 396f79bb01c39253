//! The lab: a cluster's worth of hosts as containers on this machine, with systemd, sshd and addresses of their own.
//!
//! `taskbox lab` and `install.sh --lab` use it; nothing else of taskbox knows that a host may be a container. What the lab
//! hands over is what an operator would write: a `hosts.ini` with passwords, and a `vars.yml`.
//!
//! Another command comes in by [`spec::LabSpec::named`], then [`up::ensure_up`] (make or complete it) or [`up::Lab::find`] (only
//! use it), and takes [`up::Lab::inventory`] and [`up::Lab::variables`].
//!
//! Data flow: [`spec`] (what is wanted) -> [`network`] (addresses) -> [`image`] -> [`host`] (containers) -> [`state`] and
//! [`inventory_file`] (files in `.lab/NAME/`). [`docker`] runs the docker command for all of them.

mod apt;
mod base;
mod cable;
mod command;
mod docker;
mod engine;
mod error;
mod host;
mod image;
mod inventory_file;
mod lifecycle;
mod lock;
mod network;
mod progress;
mod recipe;
mod spec;
mod state;
mod status;
mod up;
mod vars_file;

pub(crate) use command::{LabArgs, run};
pub(crate) use progress::Progress;
pub(crate) use spec::LabSpec;
pub(crate) use up::{Lab, ensure_up};
