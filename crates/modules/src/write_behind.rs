//! Large files are flushed to the disk while the next task runs, where somebody waits for it before the process ends.
//!
//! A disk that takes a gigabyte in ten seconds would hold up the host for as long. Until it is done, a power failure can leave such a file
//! cut short under its name; the next run sees that by its hash and sends it again. Small files are flushed before they take their place.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Files from this size on are flushed behind.
const LARGE: u64 = 8 * 1024 * 1024;

/// Flushes under way; none while nobody has promised to wait for them.
static BEHIND: Mutex<Option<Vec<JoinHandle<()>>>> = Mutex::new(None);

/// From here on large files are flushed behind; whoever calls this calls [`wait`] before the process ends.
pub(crate) fn allow() {
    BEHIND.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
}

/// Waits until all is on the disk.
pub(crate) fn wait() {
    let under_way = BEHIND.lock().unwrap_or_else(PoisonError::into_inner).take();
    for flush in under_way.into_iter().flatten() {
        // A thread that could not flush has nobody to tell; the kernel's log has the disk's fault.
        let _ = flush.join();
    }
}

/// Flushes a file now, or begins to if it is large.
///
/// # Errors
/// The system's, for a file that is flushed now.
pub(crate) fn flush(file: &File) -> io::Result<()> {
    let mut behind = BEHIND.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(under_way) = behind.as_mut().filter(|_| can_wait(file)) else {
        drop(behind);
        return file.sync_all();
    };
    let file = file.try_clone()?;
    under_way.retain(|flush| !flush.is_finished());
    under_way.push(thread::spawn(move || drop(file.sync_all())));
    Ok(())
}

/// Whether the file is large, and on a file system that has taken room for it when it was written: elsewhere only a flush tells that the
/// disk is full.
fn can_wait(file: &File) -> bool {
    // The magic numbers of statfs(2): ext2 to ext4, xfs, btrfs, tmpfs, overlayfs.
    const RESERVING: [i64; 5] = [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630];
    file.metadata().is_ok_and(|about| about.len() >= LARGE)
        && rustix::fs::fstatfs(file.as_fd()).is_ok_and(|system| RESERVING.contains(&system.f_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_large_files_wait_and_only_where_somebody_waits_for_them() {
        let (small, large) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        large.set_len(LARGE).unwrap();
        let under_way = || BEHIND.lock().unwrap().as_ref().map(Vec::len);
        flush(&large).unwrap();
        assert_eq!(under_way(), None);
        allow();
        flush(&small).unwrap();
        assert_eq!(under_way(), Some(0));
        flush(&large).unwrap();
        assert_eq!(under_way(), Some(1));
        wait();
        assert_eq!(under_way(), None);
    }
}
