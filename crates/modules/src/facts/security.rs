//! What confines programs on this host: SELinux, AppArmor, FIPS mode, capabilities, a changed root.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use data::{Map, Value};

use super::{Gather, files};

/// `selinux` and `selinux_python_present`; true always, because no Python library is needed here.
pub(super) fn selinux() -> Map {
    let folder = Path::new("/sys/fs/selinux");
    let mut fact = Map::new();
    if !folder.join("enforce").exists() {
        fact.insert("status", "disabled");
    } else {
        let config = files::text("/etc/selinux/config");
        let setting = |name: &str| {
            let value = config.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
            value.map_or("unknown", str::trim).to_owned()
        };
        let version = files::text(folder.join("policyvers")).parse::<i64>();
        let mode = if files::text(folder.join("enforce")) == "1" { "enforcing" } else { "permissive" };
        fact.insert("status", "enabled");
        fact.insert("policyvers", version.map_or_else(|_| Value::from("unknown"), Value::from));
        fact.insert("config_mode", setting("SELINUX"));
        fact.insert("mode", mode);
        fact.insert("type", setting("SELINUXTYPE"));
    }
    Map::from([("selinux", Value::from(fact)), ("selinux_python_present", true.into())])
}

/// `apparmor`.
pub(super) fn apparmor() -> Map {
    let status = if Path::new("/sys/kernel/security/apparmor").exists() { "enabled" } else { "disabled" };
    Map::from([("apparmor", Map::from([("status", status)]))])
}

/// `fips`.
pub(super) fn fips() -> Map {
    Map::from([("fips", files::text("/proc/sys/crypto/fips_enabled") == "1")])
}

/// `system_capabilities` and `system_capabilities_enforced`, as `capsh` prints them; `N/A` without it.
pub(super) fn capabilities(gather: &Gather) -> Map {
    let printed = gather.stdout_of(&["capsh", "--print"]);
    let line = printed.as_deref().and_then(|out| out.lines().find_map(|line| line.strip_prefix("Current:")));
    let (enforced, list) = match line.map(str::trim) {
        None => ("N/A", Value::from("N/A")),
        Some("=ep") => ("False", Value::from(Vec::new())),
        Some(current) => {
            let names = current.split('=').nth(1).unwrap_or_default();
            ("True", names.split(',').map(|name| Value::from(name.trim())).collect())
        }
    };
    Map::from([("system_capabilities_enforced", Value::from(enforced)), ("system_capabilities", list)])
}

/// `is_chroot`.
pub(super) fn chroot() -> Map {
    Map::from([("is_chroot", is_chroot())])
}

/// Whether our root is not the root of the first process.
pub(crate) fn is_chroot() -> bool {
    let marked = std::env::var_os("debian_chroot").is_some_and(|value| !value.is_empty());
    let place = |path: &str| fs::metadata(path).ok().map(|root| (root.ino(), root.dev()));
    let changed = match (place("/"), place("/proc/1/root/.")) {
        (Some(own), Some(first)) => own != first,
        // The root of a file system has the number 2 (128 on xfs, 256 on btrfs).
        (Some((number, _)), None) => !matches!(number, 2 | 128 | 256),
        _ => false,
    };
    marked || changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_there_on_any_host() {
        assert!(selinux().get("selinux").unwrap().get("status").is_some());
        assert!(apparmor().get("apparmor").unwrap().get("status").is_some());
        assert!(fips().contains_key("fips"));
        assert!(chroot().contains_key("is_chroot"));
    }
}
