//! What `lab up` says while it works: one line a step, with the time since the beginning.

use std::time::{Duration, Instant};

/// Says what happens, on standard error, from any thread.
#[derive(Debug)]
pub(crate) struct Progress {
    begin: Instant,
}

impl Progress {
    /// Starts the clock.
    pub(crate) fn start() -> Self {
        Self { begin: Instant::now() }
    }

    /// Says one line.
    pub(crate) fn say(&self, text: &str) {
        anstream::eprintln!("{:>6}  {text}", seconds(self.begin.elapsed()));
    }
}

/// A duration in seconds with one decimal place: `12.3s`.
fn seconds(duration: Duration) -> String {
    format!("{:.1}s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_shown_in_tenths_of_seconds() {
        assert_eq!(seconds(Duration::from_millis(12_340)), "12.3s");
    }
}
