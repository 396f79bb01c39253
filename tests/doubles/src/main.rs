//! Stand-ins for kubeadm, the kubelet and the control plane. See README.md.

mod api_client;
mod certificates;
mod controllers;
mod documents;
mod etcd;
mod helm;
mod ks_installer;
mod kube_vip;
mod kubeadm;
mod kubelet;
mod objects;
mod server;
mod validation;

use std::process::ExitCode;

/// What went wrong, in words.
type Result<T> = std::result::Result<T, String>;

/// The version it plays, without its mark.
const VERSION: &str = "v1.36.2";

/// How a part of it is started by the kubelet: `kubernetes-standin run NAME MANIFEST`.
const RUN: &str = "run";

fn main() -> ExitCode {
    let mut words = std::env::args();
    let called = words.next().unwrap_or_default();
    let words: Vec<String> = words.collect();
    let name = called.rsplit('/').next().unwrap_or_default();
    let done = match (name, words.first().map(String::as_str)) {
        ("kubeadm", _) => kubeadm::run(&words),
        ("helm", _) => helm::run(&words),
        (_, Some(RUN)) => part(&words[1..]),
        ("kubelet", _) => kubelet::run(&words),
        _ => Err("call it as kubeadm, kubelet or helm (it is taskbox's stand-in for Kubernetes)".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            say(&format!("error: {wrong} [taskbox's stand-in for {name}]"));
            ExitCode::FAILURE
        }
    }
}

/// One program of the control plane, with the arguments of its static pod.
fn part(words: &[String]) -> Result<()> {
    let [name, manifest] = words else { return Err("run wants a name and a manifest".to_owned()) };
    // The name that `ss` and `ps` show; without it the port would seem to be the kubelet's.
    let _ = std::fs::write("/proc/self/comm", name);
    let pod = documents::read(manifest)?.into_iter().next().unwrap_or_default();
    let flags = documents::pod_flags(&pod);
    match name.as_str() {
        "kube-apiserver" => server::run(&flags),
        "kube-controller-manager" => controllers::run(&flags),
        "kube-scheduler" => controllers::hold_lease_forever("kube-scheduler", &flags),
        "kube-vip" => kube_vip::run(&pod),
        _ => loop {
            std::thread::park();
        },
    }
}

/// Tells the person or the journal.
#[allow(clippy::print_stderr, reason = "a program of its own")]
fn say(text: &str) {
    eprintln!("{text}");
}

/// Prints what a program prints.
#[allow(clippy::print_stdout, reason = "a program of its own")]
fn print(text: &str) {
    println!("{text}");
}
