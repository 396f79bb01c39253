//! Modules of a user's `library`: each style gets its arguments as Ansible gives them, and a file goes before a built-in module.

use std::fs;
use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt;

const PLAYBOOK: &str = r#"
- hosts: all
  gather_facts: false
  tasks:
    - as_json: { name: a b }
      register: json
    - as_pairs: { name: a b }
      register: pairs
    - inside: { name: a b }
      register: text
    - ping:
      register: mine
    - ansible.builtin.ping:
      register: built_in
    - assert:
        that:
          - json.name == 'a b' and json is not changed
          - pairs.msg == 'a b' and pairs is changed
          - text.name == 'a b'
          - mine.ping == 'mine' and built_in.ping == 'pong'
"#;

const LIBRARY: [(&str, &str); 5] = [
    ("as_json", "#!/bin/sh\n# WANT_JSON\ncat \"$1\"\n"),
    (
        "as_pairs",
        "#!/bin/sh\n. \"$1\" 2>/dev/null\nprintf '{\"changed\": true, \"msg\": \"%s\"}' \"$name\"\n",
    ),
    ("inside", "#!/bin/sh\necho '<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>'\n"),
    ("ping", "#!/bin/sh\n# WANT_JSON\necho '{\"ping\": \"mine\"}'\n"),
    ("needs_library", "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n"),
];

fn play(folder: &Path, playbook: &str) -> (String, bool) {
    fs::create_dir_all(folder.join("library")).expect("a folder");
    for (name, text) in LIBRARY {
        fs::write(folder.join("library").join(name), text).expect("a module");
    }
    fs::write(folder.join("site.yml"), playbook).expect("a playbook");
    let output = Command::cargo_bin("taskbox")
        .expect("the binary is built")
        .current_dir(folder)
        .args(["playbook", "-i", "h1,", "-c", "local", "site.yml"])
        // An ansible-core of this machine would be found there.
        .env_remove("VIRTUAL_ENV")
        .env_remove("PYTHONPATH")
        .env("HOME", folder)
        .output()
        .expect("it starts");
    let both = [output.stdout, output.stderr].concat();
    (String::from_utf8_lossy(&both).into_owned(), output.status.success())
}

#[test]
fn modules_of_a_library_run_as_ansible_runs_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let (text, ok) = play(folder.path(), PLAYBOOK);
    assert!(ok, "{text}");
    assert!(text.contains("the module `as_pairs` is not built in"), "{text}");
}

#[test]
fn a_module_that_needs_ansibles_library_says_so() {
    let installed = |parent: &str| Path::new(parent).join("ansible/module_utils").exists();
    if installed("/usr/lib/python3/dist-packages") || installed("/usr/local/lib/python3/site-packages") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (text, ok) =
        play(folder.path(), "- hosts: all\n  gather_facts: false\n  tasks:\n    - needs_library:\n");
    assert!(!ok && text.contains("imports Ansible's Python library"), "{text}");
}
