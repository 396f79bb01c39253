//! What the roles write for every minor version of Kubernetes, compared with the files kept in tests/golden. `UPDATE_GOLDEN=1` writes them anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every minor version that the table knows, with a patch release of it.
const VERSIONS: [(&str, &str); 7] = [
    ("1.30", "v1.30.14"),
    ("1.31", "v1.31.14"),
    ("1.32", "v1.32.13"),
    ("1.33", "v1.33.13"),
    ("1.34", "v1.34.10"),
    ("1.35", "v1.35.7"),
    ("1.36", "v1.36.2"),
];

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden")
}

/// Runs the playbook that writes a set of files; their names and texts.
fn render(set: &str, extra: &[&str]) -> BTreeMap<String, String> {
    let out = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_taskbox"));
    command.arg("playbook").arg("-i").arg(golden().join("hosts.ini")).arg(golden().join("render.yml"));
    command
        .arg("-e")
        .arg(format!("golden_out={}", out.path().display()))
        .arg("-e")
        .arg(format!("golden_set={set}"));
    for pair in extra {
        command.arg("-e").arg(pair);
    }
    let done = command.output().expect("the binary runs");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{set}: {said}\n{}", String::from_utf8_lossy(&done.stderr));
    let entries = fs::read_dir(out.path()).expect("it is there").map(|entry| entry.expect("an entry"));
    entries
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).expect("text");
            (entry.file_name().to_string_lossy().into_owned(), text)
        })
        .collect()
}

/// Compares with what is kept in a folder, or keeps it.
fn compare(folder: &str, files: &BTreeMap<String, String>) {
    let folder = golden().join(folder);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("writable");
        for (name, text) in files {
            fs::write(folder.join(name), text).expect("writable");
        }
    }
    let kept: Vec<String> = fs::read_dir(&folder)
        .expect("golden files")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(
        kept.len(),
        files.len(),
        "{}: {kept:?} are kept, {:?} are written",
        folder.display(),
        files.keys()
    );
    for (name, text) in files {
        let path = folder.join(name);
        let expected = fs::read_to_string(&path).unwrap_or_default();
        let differs = expected.lines().zip(text.lines()).position(|(kept, written)| kept != written);
        let line = differs.unwrap_or_else(|| expected.lines().count().min(text.lines().count()));
        assert!(
            &expected == text,
            "{}:{}: kept {:?}, written {:?}",
            path.display(),
            line + 1,
            expected.lines().nth(line),
            text.lines().nth(line)
        );
    }
}

#[test]
fn kubeadm_reads_what_its_version_knows() {
    for (minor, version) in VERSIONS {
        let files = render("version", &[&format!("kube_version={version}")]);
        let api = if minor == "1.30" { "v1beta3" } else { "v1beta4" };
        for (name, text) in &files {
            assert!(text.contains(&format!("kubeadm.k8s.io/{api}")), "{minor}/{name}");
        }
        compare(minor, &files);
    }
}

#[test]
fn the_table_of_versions_has_no_others() {
    let table =
        fs::read_to_string(golden().join("../../inventory/group_vars/all/versions.yml")).expect("the table");
    let rows: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("  \"")?.split_once('"'))
        .map(|(minor, _)| minor)
        .collect();
    let mut expected: Vec<&str> = VERSIONS.iter().map(|(minor, _)| *minor).collect();
    expected.reverse();
    assert_eq!(rows, expected);
}

#[test]
fn etcd_may_be_a_pod_and_networks_may_be_two() {
    compare("stacked", &render("stacked", &["etcd_deployment_type=kubeadm"]));
    let dual = [
        "kube_service_addresses=10.233.0.0/18,fd00:10:96::/112",
        "kube_pods_subnet=10.233.64.0/18,fd00:10:244::/108",
        "ip6=fd00::1",
        "kube_proxy_mode=nftables",
    ];
    compare("dual", &render("dual", &dual));
}

/// A bundle's images and a folder's archives of the same: a worker runs no control plane, and nobody runs etcd as a pod unless kubeadm does.
#[test]
fn a_host_gets_the_images_that_it_runs() {
    const NAMES: [&str; 10] = [
        "registry.k8s.io/kube-apiserver:v1.36.2",
        "registry.k8s.io/kube-controller-manager:v1.36.2",
        "registry.k8s.io/kube-scheduler@sha256:00ff",
        "registry.k8s.io/kube-proxy:v1.36.2",
        "registry.k8s.io/etcd:3.6.8-0",
        "registry.k8s.io/pause:3.10.2",
        "registry.k8s.io/coredns/coredns:v1.14.2",
        "ghcr.io/kube-vip/kube-vip:v1.0.3",
        "docker.io/example/etcd-operator:v1.0.0",
        "docker.io/library/etcd/backup:1",
    ];
    const ARCHIVES: [&str; 6] = [
        "etcd-operator-1.0.tar",
        "etcd.tar",
        "etcd_3.6.8-0.tar.gz",
        "kube-apiserver-v1.36.2.tar",
        "kube-proxy.tar",
        "kube-vip.tar.zst",
    ];
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("images")).expect("writable");
    for name in ARCHIVES {
        fs::write(folder.path().join("images").join(name), "").expect("writable");
    }
    let settings = serde_json::json!({"golden_images": NAMES, "golden_folder": folder.path()}).to_string();
    let gets = |extra: &[&str]| render("images", &[&[settings.as_str()], extra].concat());
    let lines = |names: &[&str]| names.iter().map(|name| format!("{name}\n")).collect::<String>();

    let hosts = gets(&[]);
    let worker =
        [NAMES[3], NAMES[5], NAMES[6], NAMES[8], NAMES[9], "etcd-operator-1.0.tar", "kube-proxy.tar"];
    assert_eq!(hosts["node1"], lines(&worker));
    let without_etcd =
        |name: &&str| !name.contains("/etcd:") && *name != "etcd.tar" && *name != "etcd_3.6.8-0.tar.gz";
    let everything: Vec<&str> = NAMES.iter().chain(&ARCHIVES).copied().collect();
    let master: Vec<&str> = everything.iter().copied().filter(without_etcd).collect();
    assert_eq!(hosts["master1"], lines(&master));

    let stacked = gets(&["etcd_deployment_type=kubeadm"]);
    assert_eq!(stacked["master1"], lines(&everything));
    assert_eq!(stacked["node1"], lines(&worker));
}

#[test]
fn kube_proxy_leaves_the_address_of_kube_vip_alone() {
    let files = render("vip", &["internal_lb=kube_vip", "kube_proxy_mode=ipvs"]);
    assert!(
        files["kubeadm.yaml"].contains("excludeCIDRs:\n  - 192.168.0.10/32"),
        "{}",
        files["kubeadm.yaml"]
    );
    let others = render("vip", &["internal_lb=kube_vip", "kube_proxy_mode=iptables"]);
    assert!(!others["kubeadm.yaml"].contains("excludeCIDRs"));
}

#[test]
fn manifests_stay_as_they_are() {
    compare("manifests", &render("manifests", &[]));
}
