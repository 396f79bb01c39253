//! The programs that an install uses, by their upstream names, and how each tells its version.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::elf;
use crate::manifest::Kind;

/// Programs and the arguments that make them tell their version.
pub const PROGRAMS: &[(&str, &[&str])] = &[
    ("kubeadm", &["version", "-o", "short"]),
    ("kubelet", &["--version"]),
    ("kubectl", &["version", "--client"]),
    ("etcd", &["--version"]),
    ("etcdctl", &["version"]),
    ("etcdutl", &["version"]),
    ("containerd", &["--version"]),
    ("containerd-shim-runc-v2", &["-v"]),
    ("ctr", &["--version"]),
    ("runc", &["--version"]),
    ("crictl", &["--version"]),
    ("helm", &["version", "--short"]),
    ("calicoctl", &["version"]),
    ("cilium", &["version", "--client"]),
    ("nerdctl", &["--version"]),
    ("cri-dockerd", &["--version"]),
    ("registry", &["--version"]),
    ("docker-registry", &["--version"]),
    ("haproxy", &["-v"]),
    ("keepalived", &["--version"]),
    ("yq", &["--version"]),
];

/// Plugins of the CNI project and of network plugins that come as such.
pub const CNI_PLUGINS: &[&str] = &[
    "bandwidth",
    "bridge",
    "dhcp",
    "dummy",
    "firewall",
    "flannel",
    "host-device",
    "host-local",
    "ipvlan",
    "loopback",
    "macvlan",
    "portmap",
    "ptp",
    "sbr",
    "static",
    "tap",
    "tuning",
    "vlan",
    "vrf",
    "calico",
    "calico-ipam",
    "cilium-cni",
];

/// How long a program may take to tell its version.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const ANSWER: u64 = 64 * 1024;

/// The program that a file is by its name, with an architecture or version in it or not: `runc.amd64`, `calicoctl-linux-arm64`.
pub(super) fn known(file: &str) -> Option<(&'static str, Kind)> {
    let programs = PROGRAMS.iter().map(|(name, _)| (*name, Kind::Program));
    let plugins = CNI_PLUGINS.iter().map(|name| (*name, Kind::CniPlugin));
    let candidates: Vec<(&'static str, Kind)> = programs.chain(plugins).collect();
    if let Some(exact) = candidates.iter().find(|(name, _)| *name == file) {
        return Some(*exact);
    }
    // With a suffix that begins as an architecture, a system or a version: never `kubectl-plugin`.
    let suffixed = |name: &str| {
        let rest = file.strip_prefix(name).and_then(|rest| rest.strip_prefix(['.', '-', '_']));
        rest.is_some_and(|rest| {
            ["amd64", "arm64", "linux", "x86_64", "aarch64"].iter().any(|word| rest.starts_with(word))
                || rest.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit())
        })
    };
    candidates.into_iter().filter(|(_, kind)| *kind == Kind::Program).find(|(name, _)| suffixed(name))
}

/// Asks a program for its version. `None` if it is for another machine, does not start, or does not say.
pub(super) fn version(file: &Path, name: &str, arch: &str) -> Option<String> {
    if arch != elf::own() {
        return None;
    }
    // A CNI plugin without its environment tells what it is.
    let arguments =
        PROGRAMS.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, arguments)| *arguments);
    version_in(&ask(file, arguments)?)
}

/// What it says, on both streams. It gets no input, no environment but a path, and little time.
fn ask(file: &Path, arguments: &[&str]) -> Option<String> {
    let mut child = Command::new(std::path::absolute(file).ok()?)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let (out, err) = (child.stdout.take()?, child.stderr.take()?);
    let readers = [Box::new(out) as Box<dyn Read + Send>, Box::new(err)].map(|stream| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            // What is cut off or not UTF-8 simply holds no version.
            let _ = stream.take(ANSWER).read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        })
    });
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait().ok()?.is_none() {
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Some(readers.into_iter().filter_map(|reader| reader.join().ok()).collect::<Vec<_>>().join("\n"))
}

/// The first version in a text: at least two numbers with a point, then what belongs to it.
fn version_in(text: &str) -> Option<String> {
    let word = |c: char| c.is_whitespace() || "\"',;:()[]{}".contains(c);
    text.split(word).map(|word| word.trim_start_matches('v')).find_map(|word| {
        let plain = word.trim_end_matches('.');
        let core = plain.split(['-', '+', '~']).next()?;
        let mut numbers = core.split('.');
        let fine = numbers.clone().count() >= 2
            && numbers.all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
        fine.then(|| plain.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (said, version) in [
            ("Kubernetes v1.36.2", "1.36.2"),
            ("etcd Version: 3.5.24\nGit SHA: abc\nGo Version: go1.24.1", "3.5.24"),
            ("containerd github.com/containerd/containerd/v2 v2.2.3 abcdef", "2.2.3"),
            ("runc version 1.1.5+ds1\ncommit: 1", "1.1.5+ds1"),
            ("v3.18.5+gb78692c", "3.18.5+gb78692c"),
            ("CNI bridge plugin v1.9.1\nCNI protocol versions supported: 0.1.0, 0.2.0", "1.9.1"),
            ("crictl version v1.35.0", "1.35.0"),
        ] {
            assert_eq!(version_in(said).as_deref(), Some(version), "{said}");
        }
        assert_eq!(version_in("unknown flag --version"), None);
    }

    #[test]
    fn upstream_names_with_an_architecture_are_known() {
        for (file, name) in [
            ("runc.amd64", Some("runc")),
            ("calicoctl-linux-arm64", Some("calicoctl")),
            ("kubectl-v1.36.2", Some("kubectl")),
            ("kubectl", Some("kubectl")),
            ("bridge", Some("bridge")),
            ("kubectl-convert", None),
            ("bash", None),
        ] {
            assert_eq!(known(file).map(|(name, _)| name), name, "{file}");
        }
    }
}
