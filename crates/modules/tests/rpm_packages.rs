//! `dnf`, `zypper`, `yum_repository` and `rpm_key` against what Ansible's modules were recorded to do with the same steps on the same
//! packages, with the host's own programs.
//!
//! It runs as root where all of those are (Debian packages them: dnf, zypper, gnupg, rpm, createrepo-c); elsewhere there is nothing to run. `oracle/record_rpm.py` makes the recording.

#![allow(clippy::unwrap_used, reason = "the functions beside the test are test code too")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use data::json::{self, JsonStyle};
use data::{Map, Value};
use taskbox_modules::{RunRequest, run_local};

#[test]
fn steps_on_rpm_packages_are_ansibles() {
    if !ready() {
        eprintln!("not run: needs root, dnf, zypper, gpg, rpmbuild and createrepo_c");
        return;
    }
    let cases = read("rpm_cases.json");
    let recorded = read("rpm_recorded.json");
    let folder = tempfile::tempdir().unwrap();
    make_key(folder.path());
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
    rustix::process::geteuid().is_root()
        && ["dnf", "zypper", "gpg", "rpmbuild", "createrepo_c"].into_iter().all(there)
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
    let zypp = base.join("zypper/etc/zypp/repos.d");
    fs::create_dir_all(&zypp).unwrap();
    fs::write(zypp.join("local.repo"), format!("[local]\nname=local\nautorefresh=1\n{address}")).unwrap();
    let repos = base.join("repos").display().to_string();
    let settings = format!("[main]\nreposdir={repos}\nbest=False\ncachedir=/cache\nplugins=0\n");
    fs::write(base.join("dnf.conf"), settings).unwrap();
}

/// A key, and a home in which rpm keeps a database of its own.
fn make_key(base: &Path) {
    let home = base.join("home");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(home.join(".rpmmacros"), format!("%_dbpath {}/rpmdb\n", base.display())).unwrap();
    let gpg = |words: &[&str]| {
        let mut command = Command::new("gpg");
        let output =
            command.arg("--homedir").arg(&home).args(["--batch", "--passphrase", ""]).args(words).output();
        output.unwrap().stdout
    };
    gpg(&["--quick-gen-key", "tests@example.org", "rsa2048", "sign"]);
    fs::write(base.join("key.asc"), gpg(&["--armor", "--export"])).unwrap();
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
    let module = step.get("module").and_then(Value::as_str).unwrap_or("dnf");
    let mut args = match module {
        "dnf" => Map::from([("installroot", "@/root"), ("releasever", "9"), ("conf_file", "@/dnf.conf")]),
        "zypper" => Map::from([("extra_args_precommand", "--root @/zypper --no-gpg-checks")]),
        _ => Map::new(),
    };
    args.extend_from(step.get("args").and_then(Value::as_map).unwrap());
    let base = format!("{}/", base.display());
    let args = replace(&Value::Map(args), "@/", &base).as_map().unwrap().clone();
    let mut request = RunRequest { diff: true, ..RunRequest::new(module, args) };
    request.check = step.get("check").and_then(Value::as_bool).unwrap_or(false);
    if module == "rpm_key" {
        request.environment.push(("HOME".to_owned(), format!("{base}home")));
    }
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
        // zypper's own words hold the sizes of packages, which no two builds have in common.
        if key == "stdout" && expected.contains_key("stdout") && ours.contains_key("stdout") {
            continue;
        }
        let (theirs, mine) = (expected.get(key.as_str()).map(sorted), ours.get(key.as_str()).map(sorted));
        if theirs != mine {
            let text = |value: &Option<Value>| value.as_ref().map_or_else(|| "missing".to_owned(), show);
            wrong.push(format!("{step}: {key} is {} instead of {}", text(&mine), text(&theirs)));
        }
    }
}

/// The order of results is that of Python's sets: another in each run.
fn sorted(value: &Value) -> Value {
    // The key is made anew for each run; its fingerprint stands behind the one asked for.
    if let Some((before, _)) =
        value.as_str().and_then(|text| text.split_once("does not match any key fingerprints in"))
    {
        return Value::from(before);
    }
    let Some(items) = value.as_list() else { return value.clone() };
    let mut items: Vec<Value> = items.to_vec();
    items.sort_by_key(show);
    items.into()
}
