//! A process on a host and its pipes, whatever carries them: what a session of the agent runs over.

use std::io::{self, Read, Write};
use std::time::Duration;

/// Standard input and output of a process on a host. Reading and writing fail with [`io::ErrorKind::TimedOut`] when no byte has
/// moved for as long as the patience lasts, and reading gives 0 when the process has closed its output.
pub(crate) trait Transport: Read + Write + Send {
    /// How long to wait for a byte.
    fn set_patience(&mut self, patience: Duration);

    /// How it ended; to be asked when reading gave 0 or failed.
    fn ending(&mut self) -> Ending;

    /// No more input; everything until the process ends.
    ///
    /// # Errors
    /// The carrier broke, or was silent for too long.
    fn finish(self: Box<Self>) -> io::Result<Output>;
}

/// How a process on a host ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// What it wrote to standard error, and its exit code, in a line for a message.
    pub(crate) words: String,
    /// Whether rather the connection ended, as far as can be told.
    pub(crate) carrier_lost: bool,
}

/// All that a process said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// The exit code; 128 and the signal's number if one ended it.
    pub(crate) code: i32,
}

/// Breaks a transport from another thread.
pub(crate) type Breaker = Box<dyn Fn() + Send + Sync>;

/// Text of a host for a message: one line, no control signs, not too long.
pub(crate) fn for_message(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut line: String = lines.join(" / ").chars().filter(|sign| !sign.is_control()).collect();
    if line.chars().count() > 500 {
        line = line.chars().take(500).chain("...".chars()).collect();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_host_cannot_draw_on_the_terminal() {
        assert_eq!(for_message(b"a\r\n\n\x1b[31mb\n"), "a / [31mb");
        assert_eq!(for_message(&[b'x'; 600]).len(), 503);
    }
}
