//! The recap: what happened to each host, and the exit code that follows from it.

use data::Map;
use indexmap::IndexMap;

use crate::event::HostName;

/// A host's line of the recap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostStats {
    /// Tasks that ended well, changed or not; ignored failures too.
    pub ok: u64,
    /// Tasks that changed something.
    pub changed: u64,
    /// Times the host could not be reached.
    pub unreachable: u64,
    /// Tasks that failed.
    pub failed: u64,
    /// Tasks that were skipped.
    pub skipped: u64,
    /// Failures that a `rescue` section took over.
    pub rescued: u64,
    /// Failures that `ignore_errors` or `ignore_unreachable` let pass.
    pub ignored: u64,
}

/// The recap of a run. Hosts appear in the order of their first result.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// One line per host.
    pub hosts: IndexMap<HostName, HostStats>,
    /// What `set_stats` collected, per host; `None` is the run as a whole.
    pub custom: IndexMap<Option<HostName>, Map>,
}

impl Stats {
    /// The host's line, to count in.
    pub fn host(&mut self, host: &HostName) -> &mut HostStats {
        if !self.hosts.contains_key(host) {
            self.hosts.insert(host.clone(), HostStats::default());
        }
        &mut self.hosts[host]
    }

    /// Adds another playbook's recap to this one.
    pub fn add(&mut self, other: &Self) {
        for (host, more) in &other.hosts {
            let line = self.host(host);
            line.ok += more.ok;
            line.changed += more.changed;
            line.unreachable += more.unreachable;
            line.failed += more.failed;
            line.skipped += more.skipped;
            line.rescued += more.rescued;
            line.ignored += more.ignored;
        }
        for (host, values) in &other.custom {
            self.custom.entry(host.clone()).or_default().extend_from(values);
        }
    }
}

/// Ansible's exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// All went well.
    Ok = 0,
    /// An error before or outside any task.
    Error = 1,
    /// A host failed.
    Failed = 2,
    /// A host was unreachable, or a file could not be parsed.
    Unreachable = 4,
    /// The user stopped the run.
    Interrupted = 99,
    /// A bug.
    Unexpected = 250,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recaps_of_two_playbooks_add_up() {
        let host: HostName = "a".into();
        let mut first = Stats::default();
        first.host(&host).ok = 2;
        let mut second = Stats::default();
        second.host(&host).ok = 3;
        second.host(&host).failed = 1;
        first.add(&second);
        assert_eq!((first.hosts[&host].ok, first.hosts[&host].failed), (5, 1));
    }
}
