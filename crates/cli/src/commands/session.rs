//! A run at this terminal: its events go to the screen, Ctrl-C ends it, its outcome becomes the exit code.

use std::process::ExitCode;

use runner::RunOptions;

use crate::output::EventSink;
use crate::{engine_run, interrupt};

/// Runs, and shows what happens.
pub(crate) fn run(options: RunOptions, mut screen: impl EventSink) -> ExitCode {
    interrupt::listen(&options.interrupt);
    let outcome = engine_run::run(options, &mut screen, |_| {});
    ExitCode::from(outcome.exit_code as u8)
}
