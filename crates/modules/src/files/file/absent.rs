//! `state: absent`: nothing is there afterwards.

use std::fs;
use std::io;
use std::path::Path;

use data::Map;

use super::{State, shown, tree};
use crate::{Context, Diff, Failure, Outcome};

pub(super) fn run(path: &Path, context: &Context) -> Result<Outcome, Failure> {
    let before = State::of(path);
    let outcome = Outcome::new(before != State::Absent).with("path", shown(path)).with("state", "absent");
    if before == State::Absent {
        return Ok(outcome);
    }
    let mut old = Map::from([("path", shown(path)), ("state", before.name().into())]);
    if before == State::Folder && context.diff {
        old.insert("path_content", tree(path));
    }
    if !context.check {
        remove(path, before)?;
    }
    let new = Map::from([("path", shown(path)), ("state", "absent".into())]);
    Ok(outcome.with_diff(Diff::properties(old, new)))
}

/// A link goes, not what it points to.
fn remove(path: &Path, before: State) -> Result<(), Failure> {
    let (removed, words) = match before {
        State::Folder => (fs::remove_dir_all(path), "rmtree failed"),
        _ => (fs::remove_file(path), "Unlinking failed."),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::new(format!("{words}: {error}")).with("path", shown(path)))
        }
        _ => Ok(()),
    }
}
