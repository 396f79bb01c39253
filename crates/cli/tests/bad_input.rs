//! Files that no person wrote: huge, binary, endlessly deep, bombs. Each ends in an error that names the file, within bounded memory.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;

/// What a process may have: enough for what is read at most, a fraction of what the files would need.
const KIBIBYTES: u32 = 2_000_000;

/// The program on files in a folder, with bounded memory.
fn bounded(folder: &Path, args: &[&str]) -> Output {
    let script = format!("ulimit -v {KIBIBYTES}; exec \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh"]).arg(cargo_bin("taskbox")).args(args).current_dir(folder);
    command.env("NO_COLOR", "1").output().unwrap()
}

/// What is said on the way out, after a check of the exit code.
fn refused(folder: &Path, args: &[&str], code: i32) -> String {
    let output = bounded(folder, args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", &said[..said.len().min(2000)]);
    said
}

const CHECK: [&str; 4] = ["playbook", "-i", "localhost,", "--syntax-check"];

#[test]
fn playbooks_that_are_no_playbooks_end_in_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let head = "- hosts: all\n  vars:\n    a: ";
    let bomb: String = (1..12)
        .map(|level| {
            format!("    a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(","))
        })
        .collect();
    let merges: String = (1..40)
        .map(|level| {
            format!("    a{level}: &a{level} {{<<: [{}]}}\n", vec![format!("*a{}", level - 1); 30].join(","))
        })
        .collect();
    for (name, text, words) in [
        ("lists.yml", format!("{head}{}{}\n", "[".repeat(100_000), "]".repeat(100_000)), "nested too deep"),
        (
            "maps.yml",
            format!("{head}{}1{}\n", "{a: ".repeat(100_000), "}".repeat(100_000)),
            "nested too deep",
        ),
        ("items.yml", format!("{}1\n", "- ".repeat(100_000)), "nested too deep"),
        (
            "many.yml",
            format!("{head}[{}1]\n", "1,".repeat(2_500_000)),
            "more than 2000000 values in one file",
        ),
        ("bomb.yml", format!("{head}1\n    a0: &a0 [x]\n{bomb}"), "too many nodes from aliases"),
        ("merges.yml", format!("{head}1\n    a0: &a0 {{k: 1}}\n{merges}"), "too many nodes from aliases"),
        ("zeros.yml", format!("- hosts: all\n{}", "\0".repeat(1000)), "control characters are not allowed"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
        let said = refused(folder.path(), &[&CHECK[..], &[name]].concat(), 4);
        assert!(said.contains(words) && said.contains(name), "{name}: {said}");
        assert!(said.len() < 10_000, "{name}: {} bytes are too much to read", said.len());
    }
}

#[test]
fn a_file_of_variables_that_is_a_bomb_ends_the_run_before_its_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let bomb: String = (1..12)
        .map(|level| format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(",")))
        .collect();
    std::fs::write(folder.path().join("bomb.yml"), format!("a0: &a0 [x]\n{bomb}")).unwrap();
    let play = "- hosts: all\n  gather_facts: false\n  vars_files: [bomb.yml]\n  tasks:\n  - debug: {msg: went on}\n";
    std::fs::write(folder.path().join("site.yml"), play).unwrap();
    for more in [&[][..], &["--syntax-check"], &["--list-tasks"]] {
        let args = [&["playbook", "-i", "localhost,", "-c", "local", "site.yml"], more].concat();
        let said = refused(folder.path(), &args, 4);
        assert!(
            said.contains("too many nodes from aliases") && said.contains("bomb.yml"),
            "{more:?}: {said}"
        );
    }
}

#[test]
fn a_file_of_100_megabytes_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["big.yml", "big.ini"] {
        std::fs::File::create(folder.path().join(name)).unwrap().set_len(100 << 20).unwrap();
    }
    let words = "is too large: 100 MiB, where 32 MiB are read at most";
    assert!(refused(folder.path(), &[&CHECK[..], &["big.yml"]].concat(), 4).contains(words));
    assert!(refused(folder.path(), &["inventory", "-i", "big.ini", "--graph"], 0).contains(words));
}

#[test]
fn inventories_that_are_no_inventories_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let noise: Vec<u8> =
        (0..100_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (name, text, words) in [
        ("noise.ini", noise, "is not UTF-8 text"),
        ("range.ini", b"[web]\nweb[1:99999999]\n".to_vec(), "makes more than 1000000 hosts"),
        ("ranges.ini", "x[1:400000]\n".repeat(10).into_bytes(), "more than 1000000 hosts in one file"),
        ("words.ini", "a word\n".repeat(500_000).into_bytes(), "was not read after 100 mistakes"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
        let said = refused(folder.path(), &["inventory", "-i", name, "--graph"], 0);
        assert!(said.contains(words) && said.contains(name), "{name}: {said}");
        assert!(said.len() < 40_000, "{name}: {} bytes are too much to read", said.len());
    }
}

#[test]
fn a_hundred_duplicate_keys_are_told_and_then_that_there_are_more() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("- hosts: all\n  vars:\n{}", "    k: 1\n".repeat(20_000));
    std::fs::write(folder.path().join("again.yml"), text).unwrap();
    let said = refused(folder.path(), &[&CHECK[..], &["again.yml"]].concat(), 0);
    assert_eq!(said.matches("duplicate mapping key 'k'").count(), 100);
    assert!(said.contains("more keys of this file are duplicates"));
}

#[test]
fn all_mistakes_of_a_file_are_told_together_with_the_nearest_word() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("words.yml"),
        "- hosts: all\n  gather_fact: false\n  becom: true\n  tasks:\n  - debug: {msg: 1}\n    wen: true\n",
    )
    .unwrap();
    let said = refused(folder.path(), &[&CHECK[..], &["words.yml"]].concat(), 4);
    for (place, near) in
        [("words.yml:2:3", "gather_facts"), ("words.yml:3:3", "become"), ("words.yml:6:5", "when")]
    {
        assert!(said.contains(place) && said.contains(&format!("did you mean `{near}`?")), "{place}: {said}");
    }
    std::fs::write(folder.path().join("hosts.ini"), "[web]\na foo\nb x=\"1\n[db:hots]\nc\n").unwrap();
    let said = refused(folder.path(), &["inventory", "-i", "hosts.ini", "--list"], 0);
    for place in ["hosts.ini:2:3", "hosts.ini:3:5", "hosts.ini:4:1"] {
        assert!(said.contains(place), "{place}: {said}");
    }
}

#[test]
fn files_that_import_themselves_are_caught() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("a.yml", "- import_playbook: b.yml\n"),
        ("b.yml", "- import_playbook: a.yml\n"),
        ("c.yml", "- hosts: all\n  tasks:\n  - import_tasks: t.yml\n"),
        ("t.yml", "- import_tasks: t.yml\n"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    for name in ["a.yml", "c.yml"] {
        let said = refused(folder.path(), &[&CHECK[..], &[name]].concat(), 4);
        assert!(said.contains("imports itself"), "{name}: {said}");
    }
}
