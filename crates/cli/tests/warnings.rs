//! What templates are warned of, against what ansible-playbook said of the same playbook (recorded by `warnings/record.sh`): the words and
//! their order. Where a warning belongs to a place in a file, ours shows it too, or (for deprecations, which results carry) leaves it out.

use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt;

/// The warnings of a text, each by its first line.
fn warnings(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| line.starts_with("[WARNING]: ") || line.starts_with("[DEPRECATION WARNING]: "))
        .collect()
}

#[test]
fn templates_are_warned_of_as_in_ansible() {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/warnings");
    let expected = std::fs::read_to_string(case.join("printed")).expect("what Ansible printed");
    let home = tempfile::tempdir().expect("a folder");
    let output = Command::cargo_bin("taskbox")
        .expect("the binary is built")
        .current_dir(&case)
        .env_remove("ANSIBLE_FORCE_COLOR")
        .env("HOME", home.path())
        .args(["playbook", "-i", "h1,", "-c", "local", "site.yml"])
        .output()
        .expect("it starts");
    let found = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(warnings(&found), warnings(&expected), "{found}");
    // The place of the condition with a template in a string constant.
    assert!(found.contains(":15:13") && found.contains("Use inline expressions"), "{found}");
}
