//! The two records of a run: the text a person saw, named as the old installer named it, and the same run as JSON lines.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The files of one run, open for writing. Only their owner can read them.
pub(crate) struct RunLog {
    /// `logs/Install[2026-11-21~07:55:00].log`
    pub(crate) path: PathBuf,
    /// What the screen shows, without colors.
    pub(crate) text: File,
    /// One event per line.
    pub(crate) events: File,
}

impl RunLog {
    /// Makes `logs/<what>[<date>~<time>].log` below `home`, and `.jsonl` beside it. `now` is local time as `2026-11-21~07:55:00`.
    pub(crate) fn create(home: &Path, what: &str, now: &str) -> io::Result<Self> {
        let folder = home.join("logs");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let path = folder.join(format!("{what}[{now}].log"));
        Ok(Self { text: open(&path)?, events: open(&path.with_extension("jsonl"))?, path })
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

/// The local time as the old installer wrote it into file names.
pub(crate) fn now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d~%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_run_leaves_two_files_that_only_the_owner_can_read() {
        let home = tempfile::tempdir().unwrap();
        let log = RunLog::create(home.path(), "Install", "2026-11-21~07:55:00").unwrap();
        assert_eq!(log.path, home.path().join("logs/Install[2026-11-21~07:55:00].log"));
        for file in [&log.text, &log.events] {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(home.path().join("logs/Install[2026-11-21~07:55:00].jsonl").exists());
    }
}
