//! Runs the docker command. Everything the lab asks of Docker goes through here.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::error::{LabError, Result};

/// Enough for every call that does not copy an image; those that do say so.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    /// Whether it ended with 0.
    pub(crate) ok: bool,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

/// The docker command, found and answering (see [`super::engine`]).
#[derive(Clone, Debug)]
pub(crate) struct Docker;

impl Docker {
    /// A docker command with these arguments.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new("docker");
        command.args(args);
        command
    }

    /// Runs docker; `action` (`create the network`) names the purpose in an error. Returns its output without the last line end.
    ///
    /// # Errors
    /// [`LabError::Docker`] with what docker said, [`LabError::Hangs`], [`LabError::DockerMissing`].
    pub(crate) fn call<S: AsRef<OsStr>>(&self, action: &str, args: &[S]) -> Result<String> {
        self.call_with(action, args, b"", PATIENCE)
    }

    /// [`Self::call`] with bytes for its standard input and its own patience.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub(crate) fn call_with<S: AsRef<OsStr>>(
        &self,
        action: &str,
        args: &[S],
        input: &[u8],
        patience: Duration,
    ) -> Result<String> {
        let said = self.ask_with(action, args, input, patience)?;
        if said.ok {
            return Ok(said.out.trim_end_matches('\n').to_owned());
        }
        let detail = if said.err.trim().is_empty() { said.out } else { said.err };
        Err(LabError::Docker { action: action.to_owned(), detail: last_lines(&detail, 15) })
    }

    /// Runs docker where a failure is an answer too.
    ///
    /// # Errors
    /// [`LabError::Hangs`], [`LabError::DockerMissing`].
    pub(crate) fn ask<S: AsRef<OsStr>>(&self, action: &str, args: &[S]) -> Result<Said> {
        self.ask_with(action, args, b"", PATIENCE)
    }

    /// [`Self::ask`] with bytes for its standard input and its own patience.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(crate) fn ask_with<S: AsRef<OsStr>>(
        &self,
        action: &str,
        args: &[S],
        input: &[u8],
        patience: Duration,
    ) -> Result<Said> {
        run(&mut self.command(args), input, patience).map_err(|error| match error {
            RunError::Start(error) if error.kind() == std::io::ErrorKind::NotFound => LabError::DockerMissing,
            RunError::Start(error) => {
                LabError::Docker { action: action.to_owned(), detail: error.to_string() }
            }
            RunError::Hangs => LabError::Hangs { action: action.to_owned(), seconds: patience.as_secs() },
        })
    }
}

/// Why a command has no result.
#[derive(Debug)]
pub(crate) enum RunError {
    /// It could not be started or waited for.
    Start(std::io::Error),
    /// It ran longer than allowed and was killed.
    Hangs,
}

/// Runs a command to its end: feeds `input`, collects both outputs, kills it after `patience`.
///
/// # Errors
/// [`RunError`]; an exit status other than 0 is no error here.
pub(crate) fn run(
    command: &mut Command,
    input: &[u8],
    patience: Duration,
) -> std::result::Result<Said, RunError> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(RunError::Start)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        scope.spawn(move || {
            // A command that does not read its input is no error; its exit status tells.
            if let Some(mut pipe) = stdin {
                let _ = pipe.write_all(input);
            }
        });
        let out = scope.spawn(move || read_all(stdout));
        let err = scope.spawn(move || read_all(stderr));
        let status = wait(&mut child, patience)?;
        Ok(Said { ok: status, out: out.join().unwrap_or_default(), err: err.join().unwrap_or_default() })
    })
}

fn read_all(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // What could be read before an error is still worth showing.
        let _ = pipe.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits until the child ends; true if with 0.
fn wait(child: &mut Child, patience: Duration) -> std::result::Result<bool, RunError> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(RunError::Start)? {
            return Ok(status.success());
        }
        if begin.elapsed() > patience {
            // It may have ended just now; either way it is gone afterwards.
            let _ = child.kill();
            let _ = child.wait();
            return Err(RunError::Hangs);
        }
        thread::sleep(Duration::from_millis(15));
    }
}

/// The last `count` lines of a text.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_gets_its_input_and_gives_both_outputs() {
        let mut command = Command::new("sh");
        command.args(["-c", "cat; echo oops >&2; exit 3"]);
        let said = run(&mut command, b"hello", PATIENCE).expect("it ran");
        assert!(!said.ok);
        assert_eq!((said.out.as_str(), said.err.as_str()), ("hello", "oops\n"));
    }

    #[test]
    fn a_command_without_end_is_killed() {
        let result = run(Command::new("sleep").arg("1000"), b"", Duration::ZERO);
        assert!(matches!(result, Err(RunError::Hangs)));
    }

    #[test]
    fn only_the_end_of_a_long_text_is_shown() {
        assert_eq!(last_lines("a\nb\nc\n", 2), "b\nc");
        assert_eq!(last_lines("a", 5), "a");
    }
}
