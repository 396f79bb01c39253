//! `./install.sh`: the menu and the question, the files, the run, the summary.

mod all_in_one;
mod args;
mod console;
mod menu;
mod offline;
mod run_log;
mod session;
mod summary;

pub(crate) use args::{AddNodesArgs, InstallArgs, Job, UninstallArgs};
pub(crate) use menu::confirm;
pub(crate) use run_log::{RunLog, now};
pub(crate) use session::run;
pub(crate) use summary::{Placement, Summary};
