//! The conf folder as a whole: the seeds' samples load as they stand and mean the same, and every mistake under `tests/conf/cases` gives
//! the findings kept beside it. `UPDATE_CASES=1` writes those anew, to be read before they are committed.
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use data::{Diagnostic, Key, Severity, Value, python};
use taskbox_inventory::conf::keys::{self, Kind};
use taskbox_inventory::conf::{Conf, ConfOptions};
use taskbox_inventory::{HashBehaviour, Inventory, Reader, VarsFiles};

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conf").join(path)
}

fn load(path: &Path) -> Conf {
    Conf::load(path, &ConfOptions::default())
}

/// A finding as text, with paths below the case.
fn show(finding: &Diagnostic, case: &Path) -> String {
    let prefix = format!("{}/", case.display());
    let mut text = String::new();
    let word = if finding.severity == Severity::Error { "error" } else { "warning" };
    writeln!(text, "{word}: {}", finding.title).unwrap();
    for label in &finding.labels {
        let line = label.place.source.line(label.place.location().line).trim();
        writeln!(text, "  --> {} {} | {line}", label.place, label.text).unwrap();
    }
    for note in &finding.notes {
        writeln!(text, "  note: {note}").unwrap();
    }
    for help in &finding.helps {
        writeln!(text, "  help: {help}").unwrap();
    }
    text.replace(&prefix, "").replace(case.to_str().unwrap(), "conf")
}

#[test]
fn every_mistake_gives_the_findings_kept_beside_it() {
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(folder("cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    let mut wrong = Vec::new();
    for case in &cases {
        let findings: String = load(case).findings.iter().map(|finding| show(finding, case)).collect();
        let kept = case.join("findings.txt");
        if std::env::var_os("UPDATE_CASES").is_some() {
            std::fs::write(&kept, &findings).unwrap();
        }
        if std::fs::read_to_string(&kept).unwrap_or_default() != findings {
            wrong.push(format!("{}:\n{findings}", case.file_name().unwrap().display()));
        }
    }
    assert!(cases.len() > 30, "the cases are there");
    assert!(wrong.is_empty(), "findings differ from those kept:\n\n{}", wrong.join("\n"));
}

/// Hosts with the variables that matter to the cluster, and the groups.
fn shape(inventory: &Inventory) -> (Vec<String>, BTreeMap<String, Vec<String>>) {
    let hosts = inventory.hosts().map(|host| host.name().to_string()).collect();
    let members = |group| inventory.hosts_of(group).into_iter().map(|host| host.name().to_string()).collect();
    let groups = inventory.groups().map(|group| (group.name().to_owned(), members(group)));
    (hosts, groups.filter(|(name, _)| name != "ungrouped").collect())
}

fn var<'a>(conf: &'a Conf, host: &str, name: &str) -> Option<&'a str> {
    conf.inventory.host(host).unwrap().vars().get_str(name)
}

fn titles(conf: &Conf) -> Vec<&str> {
    conf.findings.iter().map(|finding| finding.title.as_str()).collect()
}

#[test]
fn the_sample_of_the_2_0_guide_loads_as_it_stands() {
    let conf = load(&folder("seeds/2.0"));
    assert_eq!(titles(&conf), Vec::<&str>::new());
    let (hosts, groups) = shape(&conf.inventory);
    assert_eq!(hosts, ["master1", "master2", "master3", "node1", "node2", "node3"]);
    assert_eq!(groups["etcd"], ["master1", "master2", "master3"]);
    assert_eq!(groups["kube-master"], ["master1", "master2", "master3"]);
    assert_eq!(groups["kube-node"], ["node1", "node2", "node3"]);
    assert_eq!(groups["k8s-cluster"], ["node1", "node2", "node3", "master1", "master2", "master3"]);
    assert_eq!(var(&conf, "master1", "ansible_connection"), Some("local"));
    assert_eq!(var(&conf, "node3", "ansible_host"), Some("192.168.0.6"));
    assert!(conf.inventory.host("node3").unwrap().vars()["ansible_ssh_pass"].as_text().unwrap().is_secret());
    let balancer = &conf.vars["loadbalancer_apiserver"];
    assert_eq!(balancer.get("address").and_then(Value::as_str), Some("192.168.0.10"));
    assert_eq!(balancer.get("port"), Some(&Value::from(6443)));
}

#[test]
fn the_sample_of_the_2_1_guide_loads_as_it_stands() {
    let (old, new) = (load(&folder("seeds/2.0")), load(&folder("seeds/2.1")));
    assert_eq!(titles(&new), Vec::<&str>::new());
    assert_eq!(shape(&old.inventory), shape(&new.inventory));
    assert_eq!(
        new.vars["loadbalancer_apiserver"].get("address").and_then(Value::as_str),
        Some("192.168.0.253")
    );
}

#[test]
fn the_sample_of_the_3_0_guide_loads_as_it_stands_and_means_the_same() {
    let (old, new) = (load(&folder("seeds/2.1")), load(&folder("seeds/3.0")));
    assert_eq!(titles(&new), Vec::<&str>::new());
    assert_eq!(shape(&old.inventory), shape(&new.inventory));
    assert_eq!(old.vars["loadbalancer_apiserver"], new.vars["loadbalancer_apiserver"]);
    assert_eq!(new.vars.get_str("apiserver_loadbalancer_domain_name"), Some("lb.kubesphere.local"));
    for (name, value) in [
        ("ansible_host", "192.168.0.2"),
        ("ip", "192.168.0.2"),
        ("ansible_user", "ubuntu"),
        ("ansible_ssh_pass", "Testing123"),
        ("ansible_become_pass", "Testing123"),
    ] {
        assert_eq!(var(&new, "master1", name), Some(value), "{name}");
    }
}

/// Everything but the places: which file a host stands in is its own affair.
fn meaning(conf: &Conf) -> (Vec<String>, String) {
    let hosts = conf.inventory.hosts().map(|host| {
        let files = |key: &Key| matches!(key.as_str(), Some("inventory_file" | "inventory_dir"));
        let mut vars: Vec<String> = host
            .vars()
            .iter()
            .filter(|(key, _)| !files(key))
            .map(|(key, value)| format!("{key}={}", python::repr(value)))
            .collect();
        vars.sort();
        format!("{} {}", host.name(), vars.join(" "))
    });
    let mut vars: Vec<String> =
        conf.vars.iter().map(|(key, value)| format!("{key}: {}", python::repr(value))).collect();
    vars.sort();
    (hosts.collect(), vars.join("\n"))
}

#[test]
fn all_forms_of_one_cluster_give_the_same_hosts_groups_and_variables() {
    let form = |name: &str| load(&folder(&format!("forms/{name}")));
    let first = form("2.0");
    for name in ["2.1", "v1alpha1", "v1alpha2"] {
        let other = form(name);
        assert!(other.is_valid(), "{name}: {:?}", titles(&other));
        assert_eq!(shape(&first.inventory), shape(&other.inventory), "{name}");
        let (hosts, vars) = meaning(&other);
        assert_eq!(meaning(&first).0, hosts, "{name}");
        assert_eq!(meaning(&first).1, vars, "{name}");
    }
}

/// A file or folder of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

#[test]
fn the_conf_folder_that_users_get_is_the_sample_of_the_guide_without_findings() {
    let (shipped, sample) = (load(&repository("conf")), load(&folder("seeds/2.0")));
    assert_eq!(titles(&shipped), Vec::<&str>::new());
    assert_eq!(shape(&shipped.inventory), shape(&sample.inventory));
    assert_eq!(meaning(&shipped).0, meaning(&sample).0);
    assert_eq!(shipped.vars["loadbalancer_apiserver"], sample.vars["loadbalancer_apiserver"]);
}

#[test]
fn every_variable_in_the_shipped_vars_file_has_its_default() {
    let text = std::fs::read_to_string(repository("conf/vars.yml")).unwrap();
    let mut seen = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with("##")) {
        let Some((name, rest)) = line.strip_prefix("# ").unwrap_or(line).split_once(':') else { continue };
        let Some(key) = keys::find(name) else { continue };
        seen.push(name);
        let value = rest.split("  #").next().unwrap().trim();
        // A list or mapping shows an example below its name.
        assert!(
            value == key.default || (value.is_empty() && !matches!(key.kind, Kind::Bool | Kind::Int)),
            "{line}"
        );
    }
    let missing: Vec<&str> = keys::keys()
        .filter(|key| key.since != "new")
        .map(|key| key.name)
        .filter(|name| !seen.contains(name))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "variables of the old installer");
}

#[test]
fn the_clusters_defaults_are_those_of_the_table() {
    for file in ["cluster", "network", "etcd"] {
        let source =
            data::fs::read_source(repository(&format!("inventory/group_vars/all/{file}.yml"))).unwrap();
        let node = data::yaml::load(&source).unwrap().node.unwrap();
        for (name, value) in node.as_map().unwrap() {
            let Some(key) = keys::find(name.as_str().unwrap()) else { continue };
            let default = data::yaml::load(&data::Source::new(key.name, key.default)).unwrap().node.unwrap();
            assert_eq!(value.to_value(), default.to_value(), "{}", key.name);
        }
    }
}

#[test]
fn the_sample_inventories_are_valid() {
    for (name, vars, hosts) in [
        ("all-in-one", "", 1),
        (
            "ha-3-masters",
            "internal_lb: haproxy_keepalived\nloadbalancer_apiserver: {address: 192.168.0.10, port: 6443}\n",
            8,
        ),
        ("ha-non-root", "loadbalancer_apiserver: {address: 192.168.0.10, port: 6443}\n", 6),
        ("large", "loadbalancer_apiserver: {address: 10.20.0.250, port: 6443}\n", 108),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(repository(&format!("inventory/samples/{name}.ini")), folder.path().join("hosts.ini"))
            .unwrap();
        std::fs::write(folder.path().join("vars.yml"), vars).unwrap();
        let conf = load(folder.path());
        assert_eq!((titles(&conf), conf.inventory.hosts().len()), (vec![], hosts), "{name}");
    }
}

#[test]
fn a_password_that_looks_like_a_number_stays_as_it_was_written() {
    let conf = load(&folder("cases/numeric-passwords"));
    assert_eq!(var(&conf, "w1", "ansible_ssh_pass"), Some("1e5"));
}

#[test]
fn the_user_wins_over_the_defaults_at_every_level() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let names = ["default", "all", "group", "file", "host"];
    let from = |level: usize, sign: &str| -> Vec<String> {
        names[level..].iter().map(|name| format!("{name}{sign}{}", names[level])).collect()
    };
    write("defaults/group_vars/all.yml", &from(0, ": ").join("\n"));
    write("conf/vars.yml", &from(3, ": ").join("\n"));
    let (all, group, host) = (from(1, "=").join("\n"), from(2, "=").join("\n"), from(4, "=").join(" "));
    write("conf/hosts.ini", &format!("[all]\nh {host}\n[all:vars]\n{all}\n[g]\nh\n[g:vars]\n{group}\n"));
    let options = ConfOptions { defaults: Some(folder.path().join("defaults")), ..ConfOptions::default() };
    let conf = Conf::load(&folder.path().join("conf"), &options);
    let files =
        VarsFiles::new(vec![folder.path().join("conf")], vec![], HashBehaviour::Replace, Reader::default());
    let vars = files.host_vars(&conf.inventory, conf.inventory.host("h").unwrap()).unwrap();
    for name in names {
        assert_eq!(vars.get_str(name), Some(name));
    }
}
