//! What kubeadm looks at before it changes anything. All findings at once, as the real one reports them.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::configuration::ignored;
use super::{CERTIFICATES, files};
use crate::etcd::Etcd;
use crate::{Result, VERSION, certificates, kubelet, print};

/// The oldest etcd that this Kubernetes takes.
const ETCD: [u32; 3] = [3, 5, 24];

/// Findings, gathered.
#[derive(Default)]
pub(super) struct Findings(Vec<(String, String)>);

impl Findings {
    pub(super) fn add(&mut self, check: &str, found: impl Into<String>) {
        self.0.push((check.to_owned(), found.into()));
    }

    pub(super) fn require(&mut self, check: &str, fine: bool, found: impl Into<String>) {
        if !fine {
            self.add(check, found);
        }
    }

    /// Warns of those that are ignored, fails for the others.
    pub(super) fn judge(self, node: &Value) -> Result<()> {
        let (warn, fail): (Vec<_>, Vec<_>) = self.0.into_iter().partition(|(check, _)| ignored(node, check));
        for (check, found) in warn {
            print(&format!("\t[WARNING {check}]: {found}"));
        }
        if fail.is_empty() {
            return Ok(());
        }
        let lines: Vec<String> =
            fail.iter().map(|(check, found)| format!("\t[ERROR {check}]: {found}")).collect();
        Err(format!("[preflight] Some fatal errors occurred:\n{}", lines.join("\n")))
    }
}

/// What every host needs.
pub(super) fn host(findings: &mut Findings) {
    findings.require(
        "SystemVerification",
        !kubelet::control_groups_v1(),
        "cgroups v1 support is deprecated and will be removed",
    );
    findings.require(
        "CRI",
        Path::new("/run/containerd/containerd.sock").exists(),
        "container runtime is not running",
    );
    let forward = std::fs::read_to_string("/proc/sys/net/ipv4/ip_forward").unwrap_or_default();
    findings.require(
        "FileContent--proc-sys-net-ipv4-ip_forward",
        forward.trim() == "1",
        "contents are not set to 1",
    );
    findings.require("Port-10250", TcpListener::bind("0.0.0.0:10250").is_ok(), "Port 10250 is in use");
    for program in ["ip", "iptables", "mount", "nsenter", "conntrack"] {
        let found = std::env::var("PATH")
            .unwrap_or_default()
            .split(':')
            .any(|folder| Path::new(folder).join(program).exists());
        findings.require(
            &format!("FileExisting-{program}"),
            found,
            format!("{program} not found in system path"),
        );
    }
    let version = Command::new("kubelet")
        .arg("--version")
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    match version {
        Ok(version) => findings.require(
            "KubeletVersion",
            version.contains(VERSION),
            format!("the kubelet is {}", version.trim()),
        ),
        Err(error) => findings.add("KubeletVersion", format!("couldn't get kubelet version: {error}")),
    }
    let unit = Command::new("systemctl")
        .args(["is-enabled", "kubelet"])
        .output()
        .is_ok_and(|output| output.status.success());
    findings.require("Service-Kubelet", unit, "kubelet service is not enabled");
}

/// What may not be there yet on a master.
pub(super) fn fresh_master(findings: &mut Findings) {
    findings.require("Port-6443", TcpListener::bind("0.0.0.0:6443").is_ok(), "Port 6443 is in use");
    for name in files::PODS {
        let path = format!("/etc/kubernetes/manifests/{name}.yaml");
        findings.require(
            &format!("FileAvailable--etc-kubernetes-manifests-{name}.yaml"),
            !Path::new(&path).exists(),
            format!("{path} already exists"),
        );
    }
}

/// The files that all masters share, and the API server's certificate with all its names.
pub(super) fn certificates(findings: &mut Findings, cluster: &Value, names: &[String]) {
    let external = &cluster["etcd"]["external"];
    let mut wanted: Vec<String> =
        ["ca.crt", "ca.key", "sa.key", "sa.pub", "front-proxy-ca.crt", "front-proxy-ca.key"]
            .map(|name| format!("{CERTIFICATES}/{name}"))
            .to_vec();
    wanted.extend(
        ["caFile", "certFile", "keyFile"]
            .iter()
            .filter_map(|field| external[field].as_str().map(str::to_owned)),
    );
    for path in wanted {
        findings.require(
            "Certificates",
            Path::new(&path).exists(),
            format!("failure loading {path}: no such file"),
        );
    }
    let path = format!("{CERTIFICATES}/apiserver.crt");
    let (ca, text) =
        (format!("{CERTIFICATES}/ca.crt"), ["x509", "-noout", "-ext", "subjectAltName", "-in", &path]);
    if let Err(error) = certificates::openssl(&["verify", "-CAfile", &ca, &path], b"") {
        findings.add("Certificates", format!("{path}: {error}"));
    }
    match certificates::openssl(&text, b"") {
        Ok(said) => {
            let said = String::from_utf8_lossy(&said).into_owned();
            let has = |name: &str| {
                said.split([',', '\n'])
                    .any(|part| part.trim().split_once(':').is_some_and(|(_, value)| value == name))
            };
            for name in names.iter().filter(|name| !has(name)) {
                findings.add("Certificates", format!("{path}: certificate is missing the name {name}"));
            }
        }
        Err(error) => findings.add("Certificates", error),
    }
}

/// Whether the external etcd answers and is new enough.
pub(super) fn etcd(findings: &mut Findings, cluster: &Value) {
    let external = &cluster["etcd"]["external"];
    let text = |field: &str| external[field].as_str().unwrap_or_default();
    let endpoints: Vec<&str> =
        external["endpoints"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let asked = Etcd::open(&endpoints.join(","), text("caFile"), text("certFile"), text("keyFile"))
        .and_then(|etcd| etcd.version());
    match asked {
        Ok(version) => {
            let parts: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
            findings.require("ExternalEtcdVersion", parts.as_slice() >= &ETCD[..], format!("this version of kubeadm only supports external etcd version >= 3.5.24. Current version: {version}"));
        }
        Err(error) => findings.add("ExternalEtcdVersion", error),
    }
}
