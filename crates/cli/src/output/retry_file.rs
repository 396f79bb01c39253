//! The file of failed hosts that `--limit @file` reads again (`retry_files_enabled`).

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use data::Diagnostic;
use runner::{Event, Stats};

use super::EventSink;
use crate::diagnostics::report_all;

/// Writes the file at the end of a run with failures, and says where it is.
pub(crate) struct RetryFile {
    out: Box<dyn Write>,
    folder: Option<PathBuf>,
    playbook: PathBuf,
}

impl RetryFile {
    /// Writes into `folder`, or beside the playbook.
    pub(crate) fn new(out: Box<dyn Write>, folder: Option<PathBuf>) -> Self {
        Self { out, folder, playbook: PathBuf::new() }
    }

    fn write(&mut self, stats: &Stats) -> io::Result<()> {
        let lost = stats.hosts.iter().filter(|(_, line)| line.failed > 0 || line.unreachable > 0);
        let mut lost: Vec<&str> = lost.map(|(host, _)| &**host).collect();
        lost.sort_unstable();
        if lost.is_empty() {
            return Ok(());
        }
        let folder = self.folder.as_deref().or(self.playbook.parent()).unwrap_or(Path::new("."));
        let name = self.playbook.file_stem().unwrap_or_default().to_string_lossy();
        let file = folder.join(format!("{name}.retry"));
        let written = data::fs::create_folder(folder)
            .and_then(|()| data::fs::write_atomic(&file, (lost.join("\n") + "\n").as_bytes(), None));
        match written {
            Ok(()) => writeln!(self.out, "\tto retry, use: --limit @{}", file.display()),
            Err(error) => {
                let warning = format!("could not create retry file: {error}");
                report_all(&[Diagnostic::warning(warning)]);
                Ok(())
            }
        }?;
        self.out.flush()
    }
}

impl EventSink for RetryFile {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::PlaybookStart { path, .. } => {
                self.playbook = std::path::absolute(path).unwrap_or_else(|_| path.into());
                Ok(())
            }
            Event::Stats(stats) => self.write(stats),
            _ => Ok(()),
        }
    }
}
