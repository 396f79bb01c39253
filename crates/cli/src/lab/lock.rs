//! Locks, so that two commands do not work on one lab, or make one image, at the same time.

use std::fs::File;
use std::path::PathBuf;

use super::error::{LabError, Result};

/// Held while something is changed; released when dropped, and by the kernel however the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock called `name`, and says so if that takes time. Lab names are unique to a machine, whatever
    /// folder a lab lives in, so the locks are in the user's cache and not beside the lab.
    ///
    /// # Errors
    /// [`LabError::File`].
    pub(crate) fn hold(name: &str) -> Result<Self> {
        let folder = cache_folder();
        let path = folder.join(format!("{name}.lock"));
        let open = std::fs::create_dir_all(&folder).and_then(|()| File::create(&path));
        let file =
            open.and_then(wait_for).map_err(|source| LabError::File { action: "lock", path, source })?;
        Ok(Self { _file: file })
    }
}

fn wait_for(file: File) -> std::io::Result<File> {
    if file.try_lock().is_err() {
        anstream::eprintln!("waiting for another `taskbox lab` to end");
        file.lock()?;
    }
    Ok(file)
}

fn cache_folder() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    cache.or_else(home).unwrap_or_else(std::env::temp_dir).join("taskbox")
}
