//! Fetches the package lists if they are asked for and too old.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::command::AptGet;
use super::private_lists;
use crate::{Args, Context, Failure, Outcome};

/// Files whose time tells how old the lists are; the first one that exists counts.
const STAMPS: [&str; 2] = ["/var/lib/apt/periodic/update-success-stamp", LISTS];
/// Where apt keeps the lists.
const LISTS: &str = "/var/lib/apt/lists";

/// What became of the lists.
pub(super) struct Lists {
    /// Whether the task asked for new lists.
    pub(super) asked: bool,
    /// Whether they were fetched and are new.
    pub(super) updated: bool,
    /// When they were last fetched, in seconds since 1970.
    pub(super) time: i64,
}

impl Lists {
    /// Adds Ansible's fields about the lists.
    pub(super) fn add_to(&self, outcome: Outcome) -> Outcome {
        outcome.with("cache_updated", self.updated).with("cache_update_time", self.time)
    }
}

/// Fetches the lists if `update_cache` or `cache_valid_time` asks for it and they are older than that. Check mode fetches
/// them into the agent's own folder, so that it can tell what would be installed.
pub(super) fn update(args: &Args, apt: &AptGet, context: &mut Context) -> Result<Lists, Failure> {
    let valid = args.int("cache_valid_time").unwrap_or(0);
    let asked = args.bool("update_cache") || valid != 0;
    let before = time_of_lists();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
    if !asked || before.0.saturating_add(valid) >= now {
        return Ok(Lists { asked, updated: false, time: before.0 });
    }
    let state = state_of_lists();
    if !context.check {
        fetch(args, apt, context)?;
    } else if private_lists::prepare(context)? {
        fetch(args, apt, context)?;
        private_lists::complete(context)?;
    }
    Ok(Lists { asked, updated: context.check || state != state_of_lists(), time: time_of_lists().0 })
}

/// What changes when a fetch brings something new: the stamp, or the lists themselves. The folder's own time is no sign: `apt-get` may
/// renew it where python-apt, which Ansible asks, does not.
fn state_of_lists() -> BTreeMap<OsString, (i64, i64, u64)> {
    let mut state = BTreeMap::new();
    let mut note = |name: OsString, about: fs::Metadata| {
        state.insert(name, (about.mtime(), about.mtime_nsec(), about.len()));
    };
    if let Ok(about) = fs::metadata(STAMPS[0]) {
        note(STAMPS[0].into(), about);
    }
    for entry in fs::read_dir(LISTS).into_iter().flatten().flatten() {
        if let Ok(about) = entry.metadata()
            && about.is_file()
            && entry.file_name() != "lock"
        {
            note(entry.file_name(), about);
        }
    }
    state
}

/// Seconds and nanoseconds; lists that are not there are as old as can be.
// Differs from Ansible: it takes an empty folder's time for the lists' age, and then finds no package on a freshly made host.
fn time_of_lists() -> (i64, i64) {
    if !any_list(Path::new(LISTS)) {
        return (0, 0);
    }
    STAMPS
        .iter()
        .find_map(|path| fs::metadata(path).ok())
        .map_or((0, 0), |found| (found.mtime(), found.mtime_nsec()))
}

/// Whether the folder holds a list, not only apt's lock and its folder for unfinished ones.
fn any_list(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.path().is_file() && entry.file_name() != "lock")
}

/// Tries, and tries again after pauses that double.
pub(super) fn fetch(args: &Args, apt: &AptGet, context: &mut Context) -> Result<(), Failure> {
    let tries = args.int("update_cache_retries").unwrap_or(5);
    let longest = u64::try_from(args.int("update_cache_retry_max_delay").unwrap_or(12)).unwrap_or(0);
    let mut reason = String::from("unknown reason");
    for attempt in 1..=tries {
        // Without the option apt-get calls it a success when only some of the lists could be fetched.
        let output = apt.run(&["update", "-q", "-o", "APT::Update::Error-Mode=any"], context)?;
        let errors = output.stderr_text();
        if output.ok() && !errors.contains("Failed to fetch") {
            return Ok(());
        }
        reason = errors.trim().to_owned();
        if attempt == tries {
            break;
        }
        let pause = 2u64.saturating_pow(u32::try_from(attempt - 1).unwrap_or(u32::MAX)).min(longest);
        context.warn(format!("Failed to update cache after {attempt} retries due to {reason}, retrying"));
        context.warn(format!("Sleeping for {pause} seconds, before attempting to refresh the cache again"));
        context.go_on()?;
        thread::sleep(Duration::from_secs(pause));
    }
    Err(Failure::new(format!("Failed to update apt cache after {tries} retries: {reason}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_only_a_lock_has_no_lists() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("lock"), []).unwrap();
        fs::create_dir(folder.path().join("partial")).unwrap();
        assert!(!any_list(folder.path()));
        fs::write(folder.path().join("mirror_Packages"), []).unwrap();
        assert!(any_list(folder.path()));
    }
}
