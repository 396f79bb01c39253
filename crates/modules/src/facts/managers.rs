//! Which program manages services and which one packages on this host.

use std::fs;
use std::path::Path;

use data::Map;

use super::{Gather, files};

/// Package managers by the path that gives them away; the last one found wins.
const PACKAGE_MANAGERS: [(&str, &str); 25] = [
    ("/usr/bin/rpm-ostree", "atomic_container"),
    ("/usr/bin/yum", "dnf"),
    ("/usr/bin/dnf-3", "dnf"),
    ("/usr/bin/dnf5", "dnf5"),
    ("/usr/bin/apt-get", "apt"),
    ("/usr/bin/zypper", "zypper"),
    ("/usr/sbin/urpmi", "urpmi"),
    ("/usr/bin/pacman", "pacman"),
    ("/bin/opkg", "opkg"),
    ("/usr/pkg/bin/pkgin", "pkgin"),
    ("/opt/local/bin/pkgin", "pkgin"),
    ("/opt/tools/bin/pkgin", "pkgin"),
    ("/opt/local/bin/port", "macports"),
    ("/usr/local/bin/brew", "homebrew"),
    ("/opt/homebrew/bin/brew", "homebrew"),
    ("/sbin/apk", "apk"),
    ("/usr/sbin/pkg", "pkgng"),
    ("/usr/sbin/swlist", "swdepot"),
    ("/usr/bin/emerge", "portage"),
    ("/usr/sbin/pkgadd", "svr4pkg"),
    ("/usr/bin/pkg", "pkg5"),
    ("/usr/bin/xbps-install", "xbps"),
    ("/usr/local/sbin/pkg", "pkgng"),
    ("/usr/bin/swupd", "swupd"),
    ("/usr/sbin/sorcery", "sorcery"),
];

/// `pkg_mgr`. The distribution's own manager is preferred to others that happen to be installed.
pub(super) fn package_manager(gather: &Gather) -> Map {
    let family = gather.fact("os_family");
    let found = PACKAGE_MANAGERS.iter().rev().find(|(path, _)| {
        // On ALT this is a Perl program.
        (family != "Altlinux" || *path != "/usr/bin/pkg") && Path::new(path).exists()
    });
    let found = found.map_or("unknown", |(_, name)| *name);
    let name = match (family, found) {
        ("RedHat", _) => red_hat_manager(),
        ("Debian", _) => apt_flavor(gather),
        ("Altlinux", "apt") => "apt_rpm",
        (_, "apt") => apt_flavor(gather),
        (_, other) => other,
    };
    Map::from([("pkg_mgr", name)])
}

/// The name of this host's package manager.
pub(crate) fn package_manager_of_this_host() -> String {
    let mut gather = Gather::new(Vec::new(), std::path::PathBuf::new(), std::time::Duration::ZERO);
    gather.facts = super::distribution::of_this_host().clone();
    package_manager(&gather).get_str("pkg_mgr").unwrap_or("unknown").to_owned()
}

fn red_hat_manager() -> &'static str {
    if Path::new("/run/ostree-booted").exists() {
        return "atomic_container";
    }
    let program = ["/usr/bin/dnf", "/usr/bin/microdnf"].into_iter().find(|path| Path::new(path).exists());
    match program.map(fs::canonicalize) {
        Some(Ok(target)) if target == Path::new("/usr/bin/dnf5") => "dnf5",
        Some(_) => "dnf",
        // Releases before dnf (CentOS 7) have yum only.
        None if Path::new("/usr/bin/yum").exists() => "yum",
        None => "unknown",
    }
}

/// `apt_rpm` if an RPM package owns apt-get, else `apt`.
fn apt_flavor(gather: &Gather) -> &'static str {
    let owned = Path::new("/usr/bin/rpm").exists()
        && gather.stdout_of(&["/usr/bin/rpm", "-q", "--whatprovides", "/usr/bin/apt-get"]).is_some();
    if owned { "apt_rpm" } else { "apt" }
}

/// `service_mgr`.
pub(super) fn service_manager(gather: &Gather) -> Map {
    let first = files::content("/proc/1/comm").or_else(|| files::link_name("/sbin/init"));
    // `init` says nothing, and a shell is probably the first process of a container.
    let first = first.filter(|name| name != "init" && !name.ends_with("sh"));
    let name = match first.as_deref() {
        Some("procd") => "openwrt_init",
        Some("runit-init") => "runit",
        Some("svscan") => "svc",
        Some("openrc-init") => "openrc",
        Some(other) => other,
        None => guessed_service_manager(gather.fact("distribution")),
    };
    Map::from([("service_mgr", name)])
}

fn guessed_service_manager(distribution: &str) -> &'static str {
    let there = |path: &str| Path::new(path).exists();
    match distribution {
        "OpenWrt" => "openwrt_init",
        "SMGL" => "simpleinit_msb",
        _ if booted_by_systemd() => "systemd",
        _ if files::program("initctl").is_some() && there("/etc/init/") => "upstart",
        _ if there("/sbin/openrc") => "openrc",
        _ if starts_systemd() => "systemd",
        _ if there("/etc/init.d/") => "sysvinit",
        _ if there("/etc/dinit.d/") => "dinit",
        _ => "service",
    }
}

/// Whether systemd runs the host, by the test of sd_booted(3).
pub(crate) fn booted_by_systemd() -> bool {
    let marks = ["/run/systemd/system/", "/dev/.run/systemd/", "/dev/.systemd/"];
    files::program("systemctl").is_some() && marks.iter().any(|mark| Path::new(mark).exists())
}

/// Whether the host would start systemd, though it does not run now (a container's or installer's root).
fn starts_systemd() -> bool {
    files::program("systemctl").is_some() && files::link_name("/sbin/init").as_deref() == Some("systemd")
}

/// `systemd`: version and features, if systemd runs the host.
pub(super) fn systemd(gather: &Gather) -> Map {
    if !booted_by_systemd() {
        return Map::new();
    }
    let Some(out) = gather.stdout_of(&["systemctl", "--version"]) else { return Map::new() };
    let version = out.split(' ').nth(1).and_then(|text| text.parse::<i64>().ok());
    let features = out.lines().nth(1).unwrap_or_default();
    Map::from([(
        "systemd",
        Map::from([("features", data::Value::from(features)), ("version", version.into())]),
    )])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debian_host_has_apt_whatever_else_is_installed() {
        let mut gather = Gather::for_test();
        gather.facts.insert("os_family", "Debian");
        assert!(package_manager(&gather).get_str("pkg_mgr").unwrap().starts_with("apt"));
    }

    #[test]
    fn distributions_with_one_manager_need_no_look() {
        assert_eq!(guessed_service_manager("OpenWrt"), "openwrt_init");
        assert_eq!(guessed_service_manager("SMGL"), "simpleinit_msb");
    }
}
