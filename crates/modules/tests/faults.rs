//! What is left of a file when writing it goes wrong: a full disk, a file system that is read-only, a folder that is not there, a process
//! that is killed in the middle. The old file or the new one is there, whole, and nothing else.
//!
//! Full and read-only file systems are mounted in a namespace of their own (`unshare`); where that is not allowed, those tests say so and
//! do nothing.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "the functions beside the tests are test code too; a skipped test says so"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use data::json::{self, JsonStyle};
use data::{Map, Value};

/// More than the full file system has room for.
const TOO_MUCH: usize = 256 * 1024;

/// The example that runs one module in a process of its own.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join("examples/call")
}

/// Each module that writes a file, with arguments that make it write one of more than the file system has room for.
fn writers(folder: &str, big: &str) -> Vec<(&'static str, Map)> {
    let text = "x".repeat(TOO_MUCH);
    let at = |name: &str| Value::from(format!("{folder}/{name}"));
    let line = |module: &'static str, name: &str| {
        (module, Map::from([(name, at("old")), ("line", text.as_str().into())]))
    };
    vec![
        ("copy", Map::from([("dest", at("old")), ("content", Value::from(text.as_str()))])),
        ("copy", Map::from([("dest", at("new")), ("src", big.into()), ("remote_src", true.into())])),
        line("lineinfile", "path"),
        ("blockinfile", Map::from([("path", at("old")), ("block", text.as_str().into())])),
        (
            "replace",
            Map::from([("path", at("old")), ("regexp", "old".into()), ("replace", text.as_str().into())]),
        ),
        (
            "ini_file",
            Map::from([
                ("path", at("old")),
                ("section", "s".into()),
                ("option", "o".into()),
                ("value", text.as_str().into()),
            ]),
        ),
        (
            "get_url",
            Map::from([("dest", at("old")), ("url", format!("file://{big}").into()), ("force", true.into())]),
        ),
        (
            "assemble",
            Map::from([
                ("dest", at("old")),
                ("src", Path::new(big).parent().unwrap().to_str().unwrap().into()),
            ]),
        ),
    ]
}

/// Names and contents of a folder.
fn state(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap()))
        .collect()
}

/// Runs a module after `prepare`, a line of shell that has mounted `$1` and put the old file there; gives the result and what is left.
fn in_namespace(prepare: &str, module: &str, args: &Map) -> (Value, String) {
    let script = format!(
        "set -e; {prepare}; \"$2\" \"$3\" \"$4\" || true; echo; echo LEFT; cd \"$1\"; ls -A; md5sum old"
    );
    let folder = args
        .get_str("dest")
        .or_else(|| args.get_str("path"))
        .map(|path| Path::new(path).parent().unwrap())
        .unwrap();
    let text = json::write(&Value::Map(args.clone()), &JsonStyle::default());
    let arguments = folder.join("../arguments.json");
    fs::write(&arguments, text).unwrap();
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", &script, "sh"])
        .arg(folder)
        .arg(program())
        .arg(module)
        .arg(format!("@{}", arguments.display()))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (result, left) = text
        .split_once("\nLEFT\n")
        .unwrap_or_else(|| panic!("{module}: {text}{}", String::from_utf8_lossy(&output.stderr)));
    (json::parse(result.trim()).unwrap(), left.to_owned())
}

fn namespaces_work() -> bool {
    let works = Command::new("unshare")
        .args(["-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !works {
        eprintln!("skipped: this user may not mount in a namespace of its own");
    }
    works
}

/// Runs every writer on a file system that is prepared so, and expects it to fail and to leave the old file alone.
fn every_writer_leaves_the_old_file(prepare: &str, words: &[&str]) {
    if !namespaces_work() {
        return;
    }
    let base = tempfile::tempdir().unwrap();
    let (folder, fragments) = (base.path().join("full"), base.path().join("fragments"));
    fs::create_dir_all(&folder).unwrap();
    fs::create_dir_all(&fragments).unwrap();
    let big = fragments.join("big");
    fs::write(&big, "y".repeat(TOO_MUCH)).unwrap();
    for (module, args) in writers(folder.to_str().unwrap(), big.to_str().unwrap()) {
        let (result, left) = in_namespace(prepare, module, &args);
        assert_eq!(result.get("failed"), Some(&Value::from(true)), "{module}: {result:?}");
        let msg = result.get("msg").and_then(Value::as_str).unwrap();
        assert!(words.iter().any(|word| msg.contains(word)), "{module}: {msg}");
        // The md5 of "old\n": whole, and alone.
        assert_eq!(left, "old\n814fa5ca98406a903e22b43d9b610105  old\n", "{module} left something else");
    }
}

#[test]
fn a_full_disk_leaves_the_old_file() {
    every_writer_leaves_the_old_file(
        "mount -t tmpfs -o size=64k tmpfs \"$1\"; echo old > \"$1/old\"",
        &["No space left on device"],
    );
}

#[test]
fn a_read_only_file_system_leaves_the_old_file() {
    every_writer_leaves_the_old_file(
        "mount -t tmpfs tmpfs \"$1\"; echo old > \"$1/old\"; mount -o remount,ro \"$1\"",
        &["Read-only file system"],
    );
}

#[test]
fn a_missing_folder_is_named_and_not_made() {
    let base = tempfile::tempdir().unwrap();
    let missing = base.path().join("missing");
    // The others make the folder, as Ansible's do, or would read all of /etc.
    let named = ["copy", "replace", "get_url"];
    for (module, args) in writers(missing.to_str().unwrap(), "/etc/hostname") {
        if !named.contains(&module) {
            continue;
        }
        let result = taskbox_modules::run_local(&taskbox_modules::RunRequest::new(module, args));
        assert_eq!(result.get("failed"), Some(&Value::from(true)), "{module}");
        let msg = result.get_str("msg").unwrap();
        assert!(msg.contains(missing.to_str().unwrap()), "{module}: {msg}");
        assert!(!missing.exists(), "{module} made the folder");
    }
}

/// A server that sends half of what it promised and then waits; tells when it has.
fn half_a_server() -> (String, std::sync::mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/file", listener.local_addr().unwrap());
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n").unwrap();
        stream.write_all(&vec![b'n'; 100_000]).unwrap();
        sender.send(()).unwrap();
        // Until the other side has gone.
        let _ = stream.read(&mut [0; 1]);
    });
    (url, receiver)
}

/// Needs a file system with files that have no name (ext4, xfs, btrfs, tmpfs ...), as the folder of temporary files has nearly everywhere.
#[test]
fn a_killed_process_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("old"), "old").unwrap();
    let before = state(folder.path());
    let (url, half) = half_a_server();
    let args = Map::from([
        ("url", Value::from(url)),
        ("dest", folder.path().join("old").to_str().unwrap().into()),
        ("force", true.into()),
        ("use_proxy", false.into()),
    ]);
    let arguments = json::write(&Value::Map(args), &JsonStyle::default());
    let mut child =
        Command::new(program()).arg("get_url").arg(arguments).stdout(Stdio::null()).spawn().unwrap();
    half.recv().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(state(folder.path()), before);
}
