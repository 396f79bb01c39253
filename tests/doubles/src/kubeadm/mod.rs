//! kubeadm: its words and flags.

mod configuration;
mod files;
mod init;
mod join;
mod preflight;
mod token;

use std::collections::BTreeMap;
use std::process::Command;

use crate::api_client::Api;
use crate::{Result, VERSION, print};

/// Where the administrator's kubeconfig lies.
const ADMIN: &str = "/etc/kubernetes/admin.conf";
const CERTIFICATES: &str = "/etc/kubernetes/pki";

/// Does what the words say.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let plain: Vec<&str> =
        words.iter().map(String::as_str).take_while(|word| !word.starts_with('-')).collect();
    let flags = |known: &[&str]| flags(&words[plain.len()..], known);
    match plain.as_slice() {
        ["version"] => {
            flags(&["output", "o"])?;
            print(&format!("{VERSION}+standin"));
            Ok(())
        }
        ["config", "validate"] => {
            let documents = configuration::read(flags(&["config"])?.get("config"))?;
            if documents.is_empty() { Err("no kubeadm document".to_owned()) } else { Ok(()) }
        }
        ["config", "images", "list"] => images(&flags(&["config", "kubernetes-version"])?),
        ["init"] => {
            let flags =
                flags(&["config", "skip-token-print", "upload-certs", "ignore-preflight-errors", "v"])?;
            init::run(&flags)
        }
        ["init", "phase", "upload-config", "all"] => init::upload(&flags(&["config", "v"])?),
        ["init", "phase", "control-plane", "all"] => init::pods(&flags(&["config", "v"])?),
        ["init", "phase", "addon", "kube-proxy"] => init::proxy(&flags(&["config", "v"])?),
        ["upgrade", "node", "phase", "kubelet-config"] => {
            flags(&["v"])?;
            join::refresh_kubelet()
        }
        ["join"] => join::run(&flags(&["config", "ignore-preflight-errors", "v"])?),
        ["token", "create"] => token::create(&flags(&["ttl", "print-join-command", "kubeconfig"])?),
        ["reset"] => {
            reset(&flags(&["force", "f", "cert-dir", "cri-socket", "cleanup-tmp-dir", "skip-phases"])?)
        }
        ["certs", "check-expiration"] => check_expiration(),
        other => Err(format!("unknown command {:?} for \"kubeadm\"", other.join(" "))),
    }
}

/// `--name=value`, `--name value` and `--name`.
fn flags(words: &[String], known: &[&str]) -> Result<BTreeMap<String, String>> {
    const SWITCHES: [&str; 6] =
        ["skip-token-print", "upload-certs", "print-join-command", "force", "f", "cleanup-tmp-dir"];
    let mut found = BTreeMap::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let bare = word.trim_start_matches('-');
        if bare.len() == word.len() {
            return Err(format!("accepts no argument, received {word:?}"));
        }
        let (name, value) = match bare.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None if SWITCHES.contains(&bare) => (bare, "true".to_owned()),
            None => (bare, words.next().cloned().ok_or_else(|| format!("flag needs an argument: --{bare}"))?),
        };
        if !known.contains(&name) {
            return Err(format!("unknown flag: --{name}"));
        }
        found.insert(name.to_owned(), value);
    }
    Ok(found)
}

fn images(flags: &BTreeMap<String, String>) -> Result<()> {
    if flags.contains_key("config") {
        configuration::read(flags.get("config"))?;
    }
    for name in ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"] {
        print(&format!("registry.k8s.io/{name}:{VERSION}"));
    }
    for name in ["coredns/coredns:v1.14.2", "pause:3.10.2", "etcd:3.6.8-0"] {
        print(&format!("registry.k8s.io/{name}"));
    }
    Ok(())
}

/// The administrator's way to the API; refused before the cluster is there, as the real one does.
fn admin() -> Result<Api> {
    Api::from_kubeconfig(ADMIN).map_err(|error| format!("failed to load admin kubeconfig: {error}"))
}

/// Runs systemctl.
fn systemctl(words: &[&str]) -> Result<()> {
    let done =
        Command::new("systemctl").args(words).status().map_err(|error| format!("systemctl: {error}"))?;
    if done.success() { Ok(()) } else { Err(format!("systemctl {} failed", words.join(" "))) }
}

/// What kubeadm takes back; like the real one it leaves packet filter rules and `/etc/cni/net.d`, and empties the data folder of an etcd that is not
/// its own if it is not told to skip that.
fn reset(flags: &BTreeMap<String, String>) -> Result<()> {
    if !flags.contains_key("force") && !flags.contains_key("f") {
        return Err("aborted reset operation: nobody answered [y/N]".to_owned());
    }
    let _ = systemctl(&["stop", "kubelet"]);
    let certificates = flags.get("cert-dir").map_or(CERTIFICATES, String::as_str);
    let skipped = flags
        .get("skip-phases")
        .is_some_and(|phases| phases.split(',').any(|phase| phase == "remove-etcd-member"));
    let etcd = (!skipped).then_some("/var/lib/etcd");
    for folder in ["/etc/kubernetes/manifests", "/var/lib/kubelet", certificates].into_iter().chain(etcd) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let _ = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        }
    }
    for name in ["admin", "super-admin", "kubelet", "bootstrap-kubelet", "controller-manager", "scheduler"] {
        let _ = std::fs::remove_file(format!("/etc/kubernetes/{name}.conf"));
    }
    print(
        "[reset] the stand-in has taken back what it made; iptables rules and /etc/cni/net.d are left, as kubeadm leaves them",
    );
    Ok(())
}

fn check_expiration() -> Result<()> {
    print("CERTIFICATE                EXPIRES                  [taskbox's stand-in]");
    for name in ["apiserver", "apiserver-etcd-client", "front-proxy-ca", "ca"] {
        let path = format!("{CERTIFICATES}/{name}.crt");
        let end = crate::certificates::openssl(&["x509", "-noout", "-enddate", "-in", &path], b"")?;
        print(&format!(
            "{name:<26} {}",
            String::from_utf8_lossy(&end).trim().trim_start_matches("notAfter=")
        ));
    }
    Ok(())
}
