//! Strategies: in which order the hosts of a batch go through the play.

mod free;
mod linear;

use data::Diagnostic;

use crate::play_run::PlayRun;

/// A strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// All hosts do a task before any does the next.
    Linear,
    /// Every host goes as fast as it can.
    Free,
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
            "debug" => Err(Diagnostic::error("the strategy `debug` is not supported")
                .note("taskbox has no task debugger")),
            other => {
                let error = Diagnostic::error(format!("unknown strategy `{other}`"));
                let near = data::suggest::nearest(other, ["linear", "free", "host_pinned"]);
                Err(match near {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error.help("the strategies are `linear`, `free` and `host_pinned`"),
                })
            }
        }
    }

    /// Runs the batch to its end.
    pub(crate) fn run(self, run: &mut PlayRun<'_>, max_fail_percentage: Option<f64>) {
        match self {
            Self::Linear => linear::run(run, max_fail_percentage),
            Self::Free => free::run(run, None),
            Self::HostPinned => free::run(run, Some(run.shared.options.forks)),
        }
    }
}
