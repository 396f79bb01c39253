//! `dnf` against what ansible-core was recorded to do with the same steps on the same packages, with the host's own dnf.
//!
//! It runs as root where dnf, rpmbuild and createrepo_c are (Debian packages all three: dnf, rpm, createrepo-c); elsewhere there is
//! nothing to run. `oracle/record_rpm.py` makes the recording.

#![allow(clippy::unwrap_used, reason = "the functions beside the test are test code too")]

use std::fs;
use std::path::Path;
use std::process::Command;

use data::json::{self, JsonStyle};
use data::{Map, Value};
use taskbox_modules::{RunRequest, run_local};

#[test]
fn steps_of_dnf_are_ansibles() {
    if !ready() {
        eprintln!("not run: needs root, dnf, rpmbuild and createrepo_c");
        return;
    }
    let cases = read("rpm_cases.json");
    let recorded = read("rpm_recorded.json");
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), cases.get("packages").and_then(Value::as_list).unwrap());
    let mut wrong = Vec::new();
    for step in cases.get("steps").and_then(Value::as_list).unwrap() {
        let name = step.get("name").and_then(Value::as_str).unwrap();
        let expected = recorded.get("steps").and_then(|steps| steps.get(name));
        let expected = expected.expect("record_rpm.py was run after the last change of rpm_cases.json");
        compare(name, expected, &run(folder.path(), step), &mut wrong);
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

fn ready() -> bool {
    let there = |name: &str| Path::new("/usr/bin").join(name).exists();
    rustix::process::geteuid().is_root() && ["dnf", "rpmbuild", "createrepo_c"].into_iter().all(there)
}

fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(name);
    json::parse(&fs::read_to_string(path).unwrap()).unwrap()
}

fn show(value: &Value) -> String {
    json::write(value, &JsonStyle::default().sorted())
}

/// The repository and the configuration that the recording had.
fn build(base: &Path, packages: &[Value]) {
    for package in packages {
        let field = |name: &str| package.get(name).and_then(Value::as_str).unwrap();
        let (name, version) = (field("name"), field("version"));
        let spec = format!(
            "Name: {name}\nVersion: {version}\nRelease: {}\nSummary: A package of the tests\nLicense: none\nBuildArch: noarch\n{}\n\
             %description\nA package of the tests.\n%install\nmkdir -p %{{buildroot}}/usr/share/{name}\n\
             echo {version} > %{{buildroot}}/usr/share/{name}/version\n%files\n/usr/share/{name}\n",
            field("release"),
            field("more")
        );
        fs::write(base.join("package.spec"), spec).unwrap();
        let mut rpmbuild = Command::new("rpmbuild");
        rpmbuild.args(["-bb", "--define", &format!("_rpmdir {}/repo", base.display())]);
        rpmbuild
            .args(["--define", &format!("_topdir {}/build", base.display())])
            .arg(base.join("package.spec"));
        let output = rpmbuild.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let done = Command::new("createrepo_c").arg("-q").arg(base.join("repo/noarch")).status().unwrap();
    assert!(done.success());
    fs::create_dir(base.join("repos")).unwrap();
    let address = format!("baseurl=file://{}/repo/noarch\ngpgcheck=0\n", base.display());
    let repos = format!("[local]\nname=local\n{address}[other]\nname=other\nenabled=0\n{address}");
    fs::write(base.join("repos/local.repo"), repos).unwrap();
    let repos = base.join("repos").display().to_string();
    let settings = format!("[main]\nreposdir={repos}\nbest=False\ncachedir=/cache\nplugins=0\n");
    fs::write(base.join("dnf.conf"), settings).unwrap();
}

fn replace(value: &Value, old: &str, new: &str) -> Value {
    match value {
        Value::Str(text) => Value::from(text.replace(old, new)),
        Value::List(items) => items.iter().map(|item| replace(item, old, new)).collect(),
        Value::Map(map) => {
            map.iter().map(|(key, item)| (key.to_string(), replace(item, old, new))).collect::<Map>().into()
        }
        other => other.clone(),
    }
}

fn run(base: &Path, step: &Value) -> Value {
    let mut args = Map::from([("installroot", "@/root"), ("releasever", "9"), ("conf_file", "@/dnf.conf")]);
    args.extend_from(step.get("args").and_then(Value::as_map).unwrap());
    let base = format!("{}/", base.display());
    let args = replace(&Value::Map(args), "@/", &base).as_map().unwrap().clone();
    let check = step.get("check").and_then(Value::as_bool).unwrap_or(false);
    let request = RunRequest { check, ..RunRequest::new("dnf", args) };
    replace(&Value::Map(run_local(&request)), &base, "@/")
}

fn compare(step: &str, expected: &Value, ours: &Value, wrong: &mut Vec<String>) {
    let (Value::Map(expected), Value::Map(ours)) = (expected, ours) else {
        panic!("{step}: a result is a dictionary")
    };
    let mut keys: Vec<String> = expected.keys().chain(ours.keys()).map(ToString::to_string).collect();
    keys.sort();
    keys.dedup();
    for key in keys.iter().filter(|key| *key != "invocation") {
        let (theirs, mine) = (expected.get(key.as_str()).map(sorted), ours.get(key.as_str()).map(sorted));
        if theirs != mine {
            let text = |value: &Option<Value>| value.as_ref().map_or_else(|| "missing".to_owned(), show);
            wrong.push(format!("{step}: {key} is {} instead of {}", text(&mine), text(&theirs)));
        }
    }
}

/// The order of results is that of Python's sets: another in each run.
fn sorted(value: &Value) -> Value {
    let Some(items) = value.as_list() else { return value.clone() };
    let mut items: Vec<Value> = items.to_vec();
    items.sort_by_key(show);
    items.into()
}
