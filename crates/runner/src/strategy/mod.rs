//! Strategies: in which order the hosts of a batch go through the play.

mod free;
mod linear;

use data::Diagnostic;

use crate::play::run::PlayRun;

/// A strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// All hosts do a task before any does the next.
    Linear,
    /// Every host goes as fast as it can.
    Free,
    /// Like `linear`; failed tasks open the debugger.
    Debug,
    /// Like `free`, but a host keeps its place among the `forks` until it is through.
    HostPinned,
}

impl Strategy {
    /// The strategy of this name.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn named(name: &str) -> Result<Self, Diagnostic> {
        match playbook::short_name(name) {
            "linear" => Ok(Self::Linear),
            "free" => Ok(Self::Free),
            "host_pinned" => Ok(Self::HostPinned),
            "debug" => Ok(Self::Debug),
            other => {
                let error = Diagnostic::error(format!("Invalid play strategy specified: {other}"));
                let near = data::suggest::nearest(other, ["linear", "free", "host_pinned", "debug"]);
                Err(match near {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error.help("the strategies are `linear`, `free`, `host_pinned` and `debug`"),
                })
            }
        }
    }

    /// Runs the batch to its end.
    pub(crate) fn run(self, run: &mut PlayRun<'_>, max_fail_percentage: Option<f64>) {
        match self {
            Self::Linear => linear::run(run, max_fail_percentage),
            Self::Debug => {
                let before = std::mem::replace(&mut run.state.debugging, true);
                linear::run(run, max_fail_percentage);
                run.state.debugging = before;
            }
            Self::Free => free::run(run, None),
            Self::HostPinned => free::run(run, Some(run.shared.options.forks)),
        }
    }
}
