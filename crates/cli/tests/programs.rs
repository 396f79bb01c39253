//! The binary under the names of Ansible's programs, end to end: settings, outputs, vaults.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;

/// A folder with links to the binary under Ansible's names.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["ansible", "ansible-playbook", "ansible-vault", "ansible-config", "ansible-inventory"] {
            std::os::unix::fs::symlink(cargo_bin("taskbox"), folder.path().join(name)).expect("a link");
        }
        Self { folder }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("it can be written");
        path
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).expect("it is there")
    }

    fn run(&self, program: &str, args: &[&str], env: &[(&str, &str)]) -> Output {
        let mut command = Command::new(self.folder.path().join(program));
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ANSIBLE_"))
        {
            command.env_remove(name);
        }
        command.current_dir(self.folder.path()).args(args).envs(env.iter().copied());
        command.output().expect("it starts")
    }

    fn says(&self, program: &str, args: &[&str], env: &[(&str, &str)]) -> String {
        String::from_utf8(self.run(program, args, env).stdout).expect("UTF-8")
    }
}

const PLAYBOOK: &str = "\
- hosts: h1
  gather_facts: false
  tasks:
    - name: one
      command: 'true'
    - name: two
      debug: {msg: hi}
      when: false
    - name: three
      command: 'false'
";

#[test]
fn settings_decide_what_a_playbook_shows() {
    let place = Place::new();
    place.write("site.yml", PLAYBOOK);
    place.write(
        "ansible.cfg",
        "[defaults]\ninventory = hosts\ndisplay_skipped_hosts = no\nretry_files_enabled = yes\ngather_timeout = 5\n",
    );
    place.write("hosts", "h1 ansible_connection=local\n");
    let output = place.run("ansible-playbook", &["site.yml", "-v"], &[]);
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(
        said.starts_with(&format!("Using {}/ansible.cfg as config file\n", place.folder.path().display())),
        "{said}"
    );
    assert!(
        said.contains("TASK [one]") && said.contains("TASK [three]") && !said.contains("TASK [two]"),
        "{said}"
    );
    assert!(errors.contains("[WARNING]: the setting `gather_timeout` is not followed"), "{errors}");
    assert_eq!(place.read("site.retry"), "h1\n");
    assert!(said.contains("\tto retry, use: --limit @"), "{said}");
    let again = place.says("ansible-playbook", &["site.yml", "--list-hosts", "--limit", "@site.retry"], &[]);
    assert!(again.contains("hosts (1):\n      h1\n"), "{again}");
}

#[test]
fn further_outputs_follow_the_recap() {
    let place = Place::new();
    place.write("site.yml", PLAYBOOK);
    let junit = place.folder.path().join("junit");
    let env = [
        ("ANSIBLE_CALLBACKS_ENABLED", "timer, ansible.posix.profile_tasks, profile_roles, junit"),
        ("JUNIT_OUTPUT_DIR", junit.to_str().expect("UTF-8")),
    ];
    let said = place.says("ansible-playbook", &["-i", "h1,", "-c", "local", "site.yml"], &env);
    let order = ["PLAY RECAP ***", "PLAYBOOK RECAP ***", "TASKS RECAP ***", "ROLES RECAP ***"];
    let found: Vec<usize> =
        order.iter().map(|title| said.find(title).unwrap_or_else(|| panic!("{title}: {said}"))).collect();
    assert!(found.is_sorted(), "{said}");
    let files: Vec<_> = std::fs::read_dir(&junit).expect("it was made").flatten().collect();
    let xml = std::fs::read_to_string(files[0].path()).expect("UTF-8");
    assert!(
        xml.contains("failures=\"1\" tests=\"3\"")
            && xml.contains("<skipped>Conditional result was False</skipped>"),
        "{xml}"
    );
}

#[test]
fn the_output_json_is_one_document() {
    let place = Place::new();
    place.write("site.yml", PLAYBOOK);
    let env = [("ANSIBLE_STDOUT_CALLBACK", "ansible.posix.json")];
    let said = place.says("ansible-playbook", &["-i", "h1,", "-c", "local", "site.yml"], &env);
    let document: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(document["plays"][0]["tasks"][2]["hosts"]["h1"]["rc"], 1);
    assert_eq!(document["plays"][0]["tasks"][1]["hosts"]["h1"]["skipped"], true);
    assert_eq!(document["stats"]["h1"]["failures"], 1);
}

#[test]
fn a_file_is_vaulted_viewed_edited_and_rekeyed() {
    let place = Place::new();
    place.write("old", "one\n");
    place.write("new", "two\n");
    let file = place.write("secret.yml", "a: 1\n");
    let editor = place.write("editor.sh", "#!/bin/sh\nls -l \"$1\" > seen\necho 'b: 2' >> \"$1\"\n");
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    let vault = |args: &[&str]| {
        let output = place.run("ansible-vault", args, &[("EDITOR", "./editor.sh")]);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    vault(&["encrypt", "--vault-id", "prod@old", "secret.yml"]);
    assert!(place.read("secret.yml").starts_with("$ANSIBLE_VAULT;1.2;AES256;prod\n"));
    assert_eq!(mode(&file) & 0o077, mode(Path::new(&place.folder.path().join("old"))) & 0o077);
    assert_eq!(vault(&["view", "--vault-password-file", "old", "secret.yml"]), "a: 1\n");
    vault(&["edit", "--vault-id", "old", "secret.yml"]);
    assert!(place.read("seen").starts_with("-rw-------"));
    assert!(place.read("secret.yml").starts_with("$ANSIBLE_VAULT;1.2;AES256;prod\n"), "the label stays");
    vault(&["rekey", "--vault-id", "old", "--new-vault-password-file", "new", "secret.yml"]);
    let output = place.run("ansible-vault", &["view", "--vault-id", "old", "secret.yml"], &[]);
    assert_eq!(output.status.code(), Some(1));
    vault(&["decrypt", "--vault-id", "new", "secret.yml"]);
    assert_eq!(place.read("secret.yml"), "a: 1\nb: 2\n");
    let string = vault(&["encrypt_string", "--vault-id", "new", "--name", "password", "hunter2"]);
    assert!(string.starts_with("password: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n"), "{string}");
    assert!(!string.contains("hunter2"));
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("it is there").permissions().mode()
}

#[test]
fn wrong_words_end_with_ansibles_codes() {
    let place = Place::new();
    for (program, args, code) in [
        ("ansible-playbook", &["--no-such-flag"] as &[&str], 2),
        ("ansible-inventory", &[], 5),
        ("ansible-inventory", &["-i", "h1,", "--list", "--graph"], 5),
        ("ansible", &["all", "-i", "h1,", "-m", "command"], 5),
        ("ansible-config", &["view", "-c", "nowhere.cfg"], 5),
        ("ansible-vault", &["encrypt", "--vault-id", "a;b@x", "f"], 5),
    ] {
        let output = place.run(program, args, &[]);
        assert_eq!(output.status.code(), Some(code), "{program} {args:?}");
    }
}

#[test]
fn lists_hold_what_cannot_run_here() {
    let place = Place::new();
    place.write(
        "lists.yml",
        "- hosts: h1\n  tasks:\n    - npm: {path: /x}\n    - not.on.this_disk: {}\n    - shell: true warn=no\n    - command: {cmd: x, warn: false}\n",
    );
    let tasks = place.says("ansible-playbook", &["-i", "h1,", "--list-tasks", "lists.yml"], &[]);
    for name in ["npm", "not.on.this_disk", "shell", "command"] {
        assert!(tasks.contains(&format!("      {name}\tTAGS: []\n")), "{tasks}");
    }
    let checked = place.run("ansible-playbook", &["-i", "h1,", "--syntax-check", "lists.yml"], &[]);
    assert_eq!(checked.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&checked.stderr).contains("`command` has no argument `warn`"));
    let run = place.run("ansible-playbook", &["-i", "h1,", "lists.yml"], &[]);
    assert_eq!(run.status.code(), Some(4), "before anything runs, it is a mistake");
    place.write("gone.yml", "- hosts: h1\n  tasks:\n    - include: x.yml\n");
    let gone = place.run("ansible-playbook", &["-i", "h1,", "--list-tasks", "gone.yml"], &[]);
    assert_eq!(gone.status.code(), Some(1));
    let words = "The 'ansible.builtin.include' action plugin has been removed. Use include_tasks or import_tasks instead. This feature was \
                 removed from ansible-core in a release after 2023-05-16.";
    assert!(String::from_utf8_lossy(&gone.stderr).contains(words));
}

#[test]
fn inventories_are_shown_as_ansible_shows_them() {
    let place = Place::new();
    place.write("same.ini", "[localhost]\nlocalhost ansible_connection=local\n");
    let graph = place.says("ansible-inventory", &["-i", "same.ini", "--graph", "--vars"], &[]);
    assert!(graph.ends_with("  |--@localhost:\n  |  |--localhost\n  |  |  |--{ansible_connection = local}\n  |  |--{ansible_connection = local}\n"), "{graph}");
    place.write("anchors.ini", "[g]\na\nb\n[g:vars]\nl=[1]\n");
    let yaml = place.says("ansible-inventory", &["-i", "anchors.ini", "--list", "--yaml"], &[]);
    assert!(yaml.contains("l: &id001\n") && yaml.contains("l: *id001\n"), "{yaml}");
    let local =
        place.says("ansible-inventory", &["-i", "a,", "--list"], &[("ANSIBLE_INJECT_FACT_VARS", "false")]);
    assert!(local.contains("\"a\": {\n                \"ansible_local\": {}\n            }"), "{local}");
    std::fs::create_dir(place.folder.path().join("folder")).expect("a folder");
    place.write("folder/one.ini", "one\n");
    place.write("folder/two", "two\n");
    let names = |env: &[(&str, &str)]| place.says("ansible-inventory", &["-i", "folder", "--graph"], env);
    assert!(names(&[]).contains("one") && !names(&[("ANSIBLE_INVENTORY_IGNORE", ".ini")]).contains("one"));
    assert!(!names(&[("ANSIBLE_INVENTORY_IGNORE_REGEX", "^tw")]).contains("two"));
}

/// They are found out only where somebody sees them, which must be everybody who looks.
#[test]
fn sums_of_a_large_copy_are_there_for_whoever_looks() {
    let place = Place::new();
    place.write("hosts", "h1 ansible_connection=local\n");
    let large = place.write("large", &"0123456789abcdef".repeat(200_000));
    let sum = |program: &str| {
        let output = Command::new(program).arg(&large).output().expect("coreutils");
        String::from_utf8(output.stdout).expect("UTF-8").split(' ').next().unwrap_or_default().to_owned()
    };
    let (md5, sha1) = (sum("md5sum"), sum("sha1sum"));
    let copy = |dest: &str, more: &str| {
        format!("    - copy: {{src: large, dest: {}/{dest}}}\n{more}", place.folder.path().display())
    };
    let head = "- hosts: h1\n  gather_facts: false\n  tasks:\n";
    let register = "      register: it\n    - debug: {msg: 'md5 {{ it.md5sum }} sha1 {{ it.checksum }}'}\n";
    place.write("registered.yml", &format!("{head}{}", copy("one", register)));
    let said = place.says("ansible-playbook", &["-i", "hosts", "registered.yml"], &[]);
    assert!(said.contains(&format!("md5 {md5} sha1 {sha1}")), "{said}");
    for (number, (flags, env)) in [
        (vec!["-v"], vec![]),
        (vec![], vec![("ANSIBLE_STDOUT_CALLBACK", "json")]),
        (vec![], vec![("ANSIBLE_CALLBACKS_ENABLED", "tree"), ("ANSIBLE_CALLBACK_TREE_DIR", "tree")]),
    ]
    .into_iter()
    .enumerate()
    {
        place.write("shown.yml", &format!("{head}{}", copy(&format!("shown{number}"), "")));
        let args = [&["-i", "hosts", "shown.yml"], &flags[..]].concat();
        let mut said = place.says("ansible-playbook", &args, &env);
        if number == 2 {
            said = place.read("tree/h1");
        }
        assert!(said.contains(&md5) && said.contains(&sha1), "{number}: {said}");
    }
    place.write("unseen.yml", &format!("{head}{}", copy("unseen", "")));
    let said = place.says("ansible-playbook", &["-i", "hosts", "unseen.yml"], &[]);
    assert!(said.contains("changed=1") && !said.contains(&md5), "{said}");
    assert_eq!(place.read("unseen"), place.read("large"));
}
