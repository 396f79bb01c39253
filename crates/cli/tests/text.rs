//! The text on the screen against what ansible-playbook printed for the same playbook (recorded by `text/record.sh`), line for line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt;
use fancy_regex::Regex;

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/text");
    let mut cases: Vec<PathBuf> = data::fs::list(folder).expect("the cases are there");
    cases.retain(|path| path.is_dir());
    cases
}

fn read(path: PathBuf) -> String {
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Times and temporary names differ from run to run.
fn without_times(text: &str) -> String {
    let times = Regex::new(r#""(delta|start|end)": "[^"]*""#).expect("a regular expression");
    times.replace_all(text, "\"$1\": \"TIME\"").into_owned()
}

/// The settings that a case wants: `NAME=value`, one a line.
fn environment(case: &Path) -> Vec<(String, String)> {
    let Ok(text) = fs::read_to_string(case.join("environment")) else { return Vec::new() };
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

/// What taskbox prints for a case, and its exit code.
fn printed(case: &Path) -> (String, String) {
    let scratch = tempfile::tempdir().expect("a folder for what the case writes");
    let flags = read(case.join("flags"));
    let output = Command::cargo_bin("taskbox")
        .expect("the binary is built")
        .current_dir(case)
        .env_remove("ANSIBLE_FORCE_COLOR")
        .env("HOME", scratch.path())
        .envs(environment(case))
        .args(["playbook", "-i", "h1,", "-c", "local", "-e"])
        .arg(format!("scratch={}", scratch.path().display()))
        .args(flags.split_whitespace())
        .arg("site.yml")
        .output()
        .expect("it starts");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let text = text
        // Depends on the machine; the recording leaves it out too.
        .replace("No config file found; using defaults\n", "")
        .replace(&scratch.path().display().to_string(), "SCRATCH")
        .replace(&case.display().to_string(), "CASE");
    // What comes before is about the program: its version, its Python.
    let text = text.find("PLAYBOOK: ").map_or(text.as_str(), |start| &text[start..]).to_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code().is_some(), "{}: {errors}", case.display());
    (without_times(&text), format!("{}\n", output.status.code().unwrap_or(-1)))
}

#[test]
fn playbooks_print_what_ansible_prints() {
    let mut differences = String::new();
    for case in cases() {
        let (text, code) = printed(&case);
        let expected = without_times(&read(case.join("printed")));
        if text != expected || code != read(case.join("code")) {
            let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
            differences.push_str(&format!("== {name}, exit code {}", code));
            let pairs = expected.lines().map(Some).chain(std::iter::repeat(None)).zip(text.lines());
            for (number, (expected, found)) in
                pairs.enumerate().filter(|(_, (expected, found))| *expected != Some(*found)).take(6)
            {
                differences.push_str(&format!(
                    "line {}\n  expected {expected:?}\n  found    {found:?}\n",
                    number + 1
                ));
            }
        }
    }
    assert!(differences.is_empty(), "\n{differences}");
}
