//! Runs playbooks for a command: events go to its outputs, Ctrl-C ends the run in order.

use data::Diagnostic;
use runner::{Event, RunOptions, RunOutcome, Runner};

use crate::diagnostics;
use crate::output::EventSink;

/// Runs and shows. An output that cannot be written to (a closed pipe, a full disk) is named once and then left alone; the run goes on.
pub(crate) fn run(
    options: RunOptions,
    sink: &mut dyn EventSink,
    mut listen: impl FnMut(&Event),
) -> RunOutcome {
    let mut broken = false;
    Runner::new(options).run(&mut |event| {
        listen(&event);
        if broken {
            return;
        }
        if let Err(error) = sink.event(&event) {
            broken = true;
            let lost = Diagnostic::warning(format!("the output cannot be written any more: {error}"));
            diagnostics::report(&lost.help("the run goes on; free the disk or keep the pipe open next time"));
        }
    })
}
