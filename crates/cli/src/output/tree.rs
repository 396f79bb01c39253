//! The output `tree`: each host's last result in a file of its own, named after the host.

use std::io;
use std::path::{Path, PathBuf};

use data::Diagnostic;
use runner::{Event, TaskResult};

use super::{EventSink, result_text};
use crate::diagnostics::report_all;

/// Writes one file a host.
pub(crate) struct Tree {
    folder: PathBuf,
}

impl Tree {
    /// Writes into `folder`, which is made when it is needed.
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// A result may hold what is not for everybody, so only the owner can read the file.
    fn write(&self, result: &TaskResult) -> Result<(), data::fs::FsError> {
        // A host may be named as a path; such a name must not lead out of the folder.
        let name = result.host.replace('/', "_");
        let name = if name.starts_with('.') { format!("_{name}") } else { name };
        let text = result_text::as_json(&result_text::shown_fields(result, 0), false);
        data::fs::create_folder(&self.folder)?;
        data::fs::write_atomic(self.folder.join(name), text.as_bytes(), Some(0o600))
    }
}

impl EventSink for Tree {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        if let Event::TaskResult(result) = event
            && let Err(error) = self.write(result)
        {
            report_all(&[Diagnostic::warning(error.to_string())]);
        }
        Ok(())
    }
}
