//! What the roles say of a cluster that they wait for, where kubectl gives no answer and where it gives one.

use std::path::Path;
use std::process::Command;

/// What `expression` gives, with the variables of a role and `vars` in JSON.
fn said(role: &str, vars: &str, expression: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let role = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../roles").join(role).join("vars/main.yml");
    let play = format!(
        "- hosts: localhost\n  gather_facts: false\n  vars_files: ['{}']\n  tasks:\n  - debug: {{msg: \"<{{{{ {expression} }}}}>\"}}\n",
        role.display()
    );
    std::fs::write(folder.path().join("site.yml"), play).expect("writable");
    let output = Command::new(env!("CARGO_BIN_EXE_taskbox"))
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .args(["playbook", "-i", "localhost,", "-c", "local", "-e", vars, "site.yml"])
        .output()
        .expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let inside = text.split_once("\"<").and_then(|(_, rest)| rest.split_once(">\""));
    inside.map(|(inside, _)| inside.to_owned()).unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn no_answer_of_kubectl_is_waited_out() {
    let vars = r#"{"manifest_wait_namespace": "x", "manifest_seen": {"rc": 1, "stdout": "", "stderr": "connection refused"}}"#;
    assert_eq!(said("manifest", vars, "_manifest_not_yet"), "True");
    assert_eq!(said("manifest", vars, "_manifest_nothing"), "True");
    assert_eq!(said("manifest", vars, "_manifest_missing"), "nothing is there yet connection refused");
}

#[test]
fn a_pod_that_is_not_ready_is_named_with_its_reason() {
    let vars = r#"{"manifest_wait_namespace": "x", "manifest_seen": {"rc": 0, "stderr": "", "stdout":
        "{\"items\": [{\"metadata\": {\"name\": \"one\"}, \"status\": {\"phase\": \"Pending\"}}]}"}}"#;
    assert_eq!(said("manifest", vars, "_manifest_missing"), "one (Pending)");
}

#[test]
fn probes_that_were_not_seen_are_waited_for() {
    let vars = r#"{"verify_probes_seen": {"rc": 1, "stdout": ""}}"#;
    assert_eq!(said("verify", vars, "_verify_probes_waiting | trim"), "['no pod yet']");
}
