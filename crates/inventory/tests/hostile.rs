//! Whatever stands in a file or on a command line, the parsers answer: they never panic, and take bounded time and memory.
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use data::Source;
use proptest::prelude::*;
use taskbox_inventory::conf::{Conf, ConfOptions};
use taskbox_inventory::{IniFile, Inventory, Pattern};

/// Text made of what the grammars care about, mixed with anything.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z0-9]{1,4}",
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(":".to_owned()),
        "\\[[0-9a-z]{0,2}:[0-9a-z]{0,2}(:[0-9]{1,2})?\\]",
        "[=\\\\\"'#;,!&~*?@. \t-]",
        Just("\n".to_owned()),
        Just("\n[g:children]\n".to_owned()),
        Just("\n[g:vars]\n".to_owned()),
        "\\PC{0,3}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn inventory() -> Inventory {
    let mut inventory = Inventory::default();
    for host in ["a", "b1", "10.0.0.1"] {
        inventory.add_host(host, None, None).unwrap();
    }
    inventory.add_group("g", None).unwrap();
    inventory.add_to_group("a", "g").unwrap();
    inventory.reconcile();
    inventory
}

proptest! {
    #[test]
    fn ini_files_parse_or_fail_with_places_inside_the_text(text in text()) {
        let source = Source::new("hosts.ini", text.clone());
        for error in IniFile::parse_tolerant(&source).1 {
            prop_assert!(error.place.span.range().end <= text.len());
            prop_assert!(text.get(error.place.span.range()).is_some(), "a place cuts a character: {error}");
        }
    }

    #[test]
    fn places_of_a_parsed_file_show_its_words(text in text()) {
        let source = Source::new("hosts.ini", text);
        for (_, line) in IniFile::parse_tolerant(&source).0.host_lines() {
            for var in &line.vars {
                prop_assert_eq!(var.name.place().unwrap().text().contains('='), false);
            }
        }
    }

    #[test]
    fn patterns_select_or_fail(text in text()) {
        if let Ok(selection) = Pattern::parse(&text).and_then(|pattern| pattern.select(&inventory())) {
            let mut seen = std::collections::HashSet::new();
            prop_assert!(selection.hosts.iter().all(|host| seen.insert(host.clone())), "a host is selected twice");
        }
    }

    #[test]
    fn excluding_a_pattern_leaves_nothing_of_it(text in "[a-z0-9*?.]{1,6}") {
        let selection = Pattern::parse_list(&[text.clone(), format!("!{text}")]).unwrap().select(&inventory()).unwrap();
        prop_assert!(selection.hosts.is_empty());
    }
}

/// Lines of files that the installer reads, cut and mixed.
fn conf_text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("[all]".to_owned()),
        Just("[kube-master]".to_owned()),
        Just("[etcd:vars]".to_owned()),
        Just("m1 ip=10.0.0.1 ansible_ssh_pass='x#y'".to_owned()),
        Just("loadbalancer_apiserver:".to_owned()),
        Just("  address: 10.0.0.1".to_owned()),
        Just("spec:\n  hosts:\n  - {name: m1, address: 10.0.0.1, password: 0123}".to_owned()),
        Just("  roleGroups:\n    etcd: [m[1:3], x]".to_owned()),
        Just("  controlPlaneEndpoint: {internalLoadbalancer: haproxy, port: '6443'}".to_owned()),
        Just("kube_pods_subnet: 10.0.0.0/99".to_owned()),
        Just("console_port: [1]".to_owned()),
        Just("---".to_owned()),
        "[ \t]{0,3}[a-zA-Z_]{1,12}[:=] ?\\PC{0,8}",
        "\\PC{0,12}",
    ];
    prop::collection::vec(line, 0..16).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn conf_folders_load_with_findings(hosts in conf_text(), vars in conf_text(), is_kubekey in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let name = if is_kubekey { "config-sample.yaml" } else { "hosts.ini" };
        std::fs::write(folder.path().join(name), hosts).unwrap();
        std::fs::write(folder.path().join("vars.yml"), vars).unwrap();
        let conf = Conf::load(folder.path(), &ConfOptions::default());
        for finding in &conf.findings {
            prop_assert!(!finding.title.is_empty());
            for label in &finding.labels {
                let text = label.place.source.text();
                prop_assert!(text.get(label.place.span.range()).is_some(), "a place cuts a character: {}", finding.title);
            }
        }
    }
}
