//! Tests of collections that ask for more than the template engine knows: which modules there are, and which names the resolver knows.

use std::process::Command;

use assert_cmd::cargo::CommandCargoExt;

const PLAYBOOK: &str = r#"
- hosts: localhost
  gather_facts: false
  tasks:
    - assert:
        that:
          - "'copy' is community.general.a_module"
          - "'ansible.builtin.command' is community.general.a_module"
          - "'set_fact' is community.general.a_module"
          - "'ansible.posix.sysctl' is community.general.a_module"
          - "'nonsense' is not community.general.a_module"
          - "'community.general.nonsense' is not community.general.a_module"
          - "'' is not community.general.a_module"
          - "'localhost' is ansible.utils.resolvable"
          - "'127.0.0.1' is ansible.utils.resolvable"
          - "'192.0.2.77' is not ansible.utils.resolvable"
          - "'no-such-host.invalid' is not ansible.utils.resolvable"
"#;

#[test]
fn modules_and_names_are_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("site.yml"), PLAYBOOK).expect("the playbook");
    let output = Command::cargo_bin("taskbox")
        .expect("the binary is built")
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .args(["playbook", "site.yml"])
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}
