//! Ctrl-C: the first asks the run to stop and show its recap, the second ends the program at once.

use std::thread;

use runner::Interrupt;

/// Exit code of a run that the user ended.
const INTERRUPTED: i32 = 99;

/// Hears SIGINT and SIGTERM from now on.
pub(crate) fn listen(interrupt: &Interrupt) {
    let interrupt = interrupt.clone();
    let signals =
        signal_hook::iterator::Signals::new([signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM]);
    let Ok(mut signals) = signals else {
        // Without a listener the signals end the program, which is all that is lost.
        return;
    };
    thread::spawn(move || {
        for _ in signals.forever() {
            if interrupt.is_set() {
                exit();
            }
            interrupt.set();
        }
    });
}

#[expect(clippy::exit, reason = "the second Ctrl-C asks for exactly this")]
fn exit() -> ! {
    std::process::exit(INTERRUPTED)
}
