//! Programs that are started, and programs that are written to be started, in a process with many threads.
//!
//! Linux runs no file that is open for writing ("Text file busy"). Between a thread's fork and its exec the child holds all that the
//! process has open, also the script that another thread is writing just then. So a program is written only while none is started.

use std::io;
use std::process::{Child, Command};
use std::sync::{PoisonError, RwLock};

/// Shared by those who start a program, held alone by whoever writes one.
static WRITING: RwLock<()> = RwLock::new(());

/// [`Command::spawn`], at a time when no thread is writing a program. When it returns, the child has become its program and has given up
/// what it inherited.
///
/// # Errors
/// As [`Command::spawn`].
pub fn start(command: &mut Command) -> io::Result<Child> {
    let _shared = WRITING.read().unwrap_or_else(PoisonError::into_inner);
    command.spawn()
}

/// Does what `write` does, at a time when no thread is starting a program. `write` has to close the file that is to be run, and must not
/// [`start`] anything itself.
pub fn write<T>(write: impl FnOnce() -> T) -> T {
    let _alone = WRITING.write().unwrap_or_else(PoisonError::into_inner);
    write()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::OpenOptionsExt;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::{fs, io::Write, thread};

    use super::*;

    /// Writes a script and runs it, many times over, while other threads start programs.
    #[test]
    fn a_script_runs_while_others_start_programs() {
        let folder = tempfile::tempdir().unwrap();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        start(&mut Command::new("/bin/true")).unwrap().wait().unwrap();
                    }
                });
            }
            let busy: Vec<_> = (0..300)
                .filter_map(|round| {
                    let script = folder.path().join(format!("script-{round}"));
                    write(|| {
                        let mut options = fs::OpenOptions::new();
                        let mut file =
                            options.write(true).create_new(true).mode(0o700).open(&script).unwrap();
                        file.write_all(b"#!/bin/sh\n").unwrap();
                    });
                    start(&mut Command::new(&script)).and_then(|mut child| child.wait()).err()
                })
                .collect();
            done.store(true, Ordering::Relaxed);
            assert!(busy.is_empty(), "{} of 300: {:?}", busy.len(), busy.first());
        });
    }
}
