//! Which sinks a run's flags ask for, on this process's own streams.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use data::fs::FsError;

use super::ansible_text::{AnsibleText, TextOptions};
use super::{Fan, JsonLines, Minimal, Profile, Tree, banner};
use crate::flags::RunFlags;
use crate::settings::Settings;

/// The screen of `taskbox playbook`.
///
/// # Errors
/// The file for events cannot be made.
pub(crate) fn screen(flags: &RunFlags, settings: &Settings) -> Result<Fan, FsError> {
    let options = TextOptions::of_stdout(flags.verbosity(settings));
    let mut fan = shared(flags)?;
    if !flags.json {
        fan.add(AnsibleText::new(stdout(), stderr(), options));
    }
    if flags.profile {
        fan.add(Profile::new(stdout(), banner::columns()));
    }
    Ok(fan)
}

/// The screen of `taskbox run`.
///
/// # Errors
/// The file for events cannot be made.
pub(crate) fn ad_hoc_screen(
    flags: &RunFlags,
    settings: &Settings,
    one_line: bool,
    tree: Option<&Path>,
) -> Result<Fan, FsError> {
    let mut fan = shared(flags)?;
    if !flags.json {
        let options = TextOptions::of_stdout(flags.verbosity(settings));
        fan.add(Minimal::new(stdout(), stderr(), options, one_line));
    }
    if let Some(folder) = tree {
        fan.add(Tree::new(folder));
    }
    Ok(fan)
}

fn shared(flags: &RunFlags) -> Result<Fan, FsError> {
    let mut fan = Fan::default();
    if flags.json {
        fan.add(JsonLines::new(stdout()));
    }
    if let Some(path) = &flags.events {
        fan.add(JsonLines::new(events_file(path)?));
    }
    Ok(fan)
}

/// Results may hold what is not for everybody, so only the owner can read the file.
fn events_file(path: &Path) -> Result<Box<dyn Write>, FsError> {
    let file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path);
    let file = file.map_err(|error| FsError::Io { action: "write", path: path.to_owned(), error })?;
    Ok(Box::new(BufWriter::new(file)))
}

/// Each event is written as a whole and then flushed.
fn stdout() -> Box<dyn Write> {
    Box::new(BufWriter::new(io::stdout()))
}

fn stderr() -> Box<dyn Write> {
    Box::new(io::stderr())
}
