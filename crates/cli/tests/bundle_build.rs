//! `taskbox bundle build` where things go wrong around it: a full disk, a kill in the middle, a way out through a proxy only, a source whose
//! certificate nobody knows. The program runs as a user runs it; file system, signals, servers and TLS are real.
//!
//! Small file systems are mounted in a namespace of their own (`unshare`); where that is not allowed, the test says so and does nothing.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "the functions beside the tests are test code too; a skipped test says so"
)]

#[path = "bundle_build/servers.rs"]
mod servers;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use servers::{FileServer, Proxy};
use sha2::{Digest, Sha256};

/// More than the small file system has room for, less than it has room for twice once it is larger.
const LARGE: usize = 6_000_000;
/// What a full disk must say: what happened, and what to do.
const FULL: [&str; 2] = ["No space left on device", "make room on that disk and run the same command again"];

/// The program, without the settings of whoever runs the tests.
fn taskbox() -> Command {
    let mut command = Command::new(cargo_bin("taskbox"));
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Bytes that no compression makes smaller.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 1_u64;
    (0..size)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect()
}

/// Kubernetes objects of about this size.
fn objects(size: usize) -> Vec<u8> {
    let mut text = String::from("apiVersion: v1\nkind: ConfigMap\n");
    while text.len() < size {
        text.push_str("# a line that makes it longer\n");
    }
    text.into_bytes()
}

/// A program of this machine, made as large as wanted, under the name of one that an install uses.
fn program(folder: &Path) -> PathBuf {
    let to = folder.join("runc");
    let mut bytes = fs::read("/bin/true").unwrap();
    bytes.extend(noise(LARGE));
    fs::write(&to, bytes).unwrap();
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).unwrap();
    to
}

/// Packs files of a folder as a release archive is packed.
fn pack(folder: &Path, names: &[&str], to: &Path) {
    let status = Command::new("tar").arg("-C").arg(folder).arg("-czf").arg(to).args(names).status();
    assert!(status.unwrap().success());
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| text(entry.unwrap().file_name().as_encoded_bytes()))
        .collect();
    names.sort();
    names
}

/// Builds on a disk of 4 MB, makes the disk larger, and builds again; gives what was said. `None` where nothing may be mounted.
fn on_a_small_disk(source: &[&str]) -> Option<String> {
    let disk = tempfile::tempdir().unwrap();
    let script = r#"
        exec 2>&1; set -e
        disk=$1 taskbox=$2; shift 2
        mount -t tmpfs -o size=4m tmpfs "$disk"
        echo mounted
        ! "$taskbox" bundle build "$@" -o "$disk/b"
        echo; echo "left: $(ls -x "$disk")"
        mount -o remount,size=64m "$disk"
        "$taskbox" bundle build "$@" -o "$disk/b"
        "$taskbox" bundle verify "$disk/b"
        echo "then: $(ls -x "$disk")"
    "#;
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", script, "sh"])
        .arg(disk.path())
        .arg(cargo_bin("taskbox"))
        .args(source)
        .output()
        .unwrap();
    let said = text(&output.stdout);
    if !said.starts_with("mounted\n") {
        eprintln!(
            "skipped: this user may not mount in a namespace of its own: {said}{}",
            text(&output.stderr)
        );
        return None;
    }
    assert!(output.status.success(), "{said}");
    Some(said)
}

#[test]
fn a_full_disk_is_named_as_such_and_the_next_call_goes_on() {
    let base = tempfile::tempdir().unwrap();
    let folder = |name: &str| {
        let folder = base.path().join(name);
        fs::create_dir(&folder).unwrap();
        folder
    };
    let (plain, release, image) = (folder("plain"), folder("release"), folder("image"));
    program(&plain);
    pack(&plain, &["runc"], &release.join("runc.tar.gz"));
    saved_image(base.path(), &image.join("image.tar.gz"));
    let bytes = objects(LARGE);
    let server = FileServer::start("/objects.yaml", bytes);
    for (what, source) in [
        ("the bundle itself", ["--from", plain.to_str().unwrap()]),
        ("a program out of a release archive", ["--from", release.to_str().unwrap()]),
        ("an image archive that is made plain", ["--from", image.to_str().unwrap()]),
        ("a download", ["--url", &server.url()]),
    ] {
        let Some(said) = on_a_small_disk(&source) else { return };
        for words in FULL {
            assert!(said.contains(words), "{what}: {said}");
        }
        assert!(!said.contains("damaged"), "{what}: nothing is wrong with what it reads: {said}");
        assert!(said.contains("\nleft: b.work\n"), "{what}: no half bundle stays: {said}");
        assert!(said.contains("\nthen: b\n"), "{what}: and nothing else: {said}");
    }
}

/// An image as `docker save` writes it, compressed.
fn saved_image(folder: &Path, to: &Path) {
    fs::write(folder.join("layer.tar"), noise(LARGE)).unwrap();
    fs::write(folder.join("config.json"), r#"{"architecture":"amd64","os":"linux"}"#).unwrap();
    let list = r#"[{"Config":"config.json","RepoTags":["example.com/large:1"],"Layers":["layer.tar"]}]"#;
    fs::write(folder.join("manifest.json"), list).unwrap();
    pack(folder, &["manifest.json", "config.json", "layer.tar"], to);
}

/// Kills a build as soon as `reached` says so; it must not have come to its end before.
fn kill_when(mut build: Child, reached: impl Fn() -> bool) {
    let start = Instant::now();
    while !reached() {
        assert!(start.elapsed() < Duration::from_secs(60), "it never came that far");
        assert!(build.try_wait().unwrap().is_none(), "it ended before");
    }
    build.kill().unwrap();
    build.wait().unwrap();
}

fn quietly(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_build_killed_in_a_download_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = objects(3_000_000);
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let server = FileServer::start("/objects.yaml", bytes);
    let url = format!("{} sha256:{hash}", server.url());
    let build = || {
        let mut command = taskbox();
        command.current_dir(dir.path()).args(["bundle", "build", "--url", &url, "-o", "b"]);
        command
    };
    let downloads = dir.path().join("b.work/downloads");
    let part = || {
        fs::read_dir(&downloads).ok()?.flatten().find(|one| one.path().extension() == Some("part".as_ref()))
    };
    server.be_slow(true);
    kill_when(quietly(&mut build()), || {
        part().and_then(|part| part.metadata().ok()).is_some_and(|about| about.len() > 100_000)
    });
    assert_eq!(names(dir.path()), ["b.work"]);
    server.be_slow(false);
    let output = build().output().unwrap();
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    assert!(said.contains("resumed"), "{said}");
    let from = *server.starts().last().unwrap();
    assert!(from > 100_000, "what was there was not asked for again, but it began at {from}");
    assert!(taskbox().current_dir(dir.path()).args(["bundle", "verify", "b"]).status().unwrap().success());
    assert_eq!(names(dir.path()), ["b"]);
}

#[test]
fn a_build_killed_while_it_writes_leaves_no_bundle_and_the_next_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let files = dir.path().join("from/files");
    fs::create_dir_all(&files).unwrap();
    // Without blocks on the disk, so that only the bundle is written.
    fs::File::create(files.join("large")).unwrap().set_len(200_000_000).unwrap();
    let build = |to: &str| {
        let mut command = taskbox();
        command.current_dir(dir.path()).args(["bundle", "build", "--from", "from", "-o", to]);
        command
    };
    assert!(build("undisturbed").output().unwrap().status.success());
    let growing = dir.path().join("b.unfinished");
    kill_when(quietly(&mut build("b")), || fs::metadata(&growing).is_ok_and(|about| about.len() > 0));
    assert!(!dir.path().join("b").exists(), "what is not whole has not the bundle's name");
    assert!(build("b").output().unwrap().status.success());
    assert!(
        Command::new("cmp").current_dir(dir.path()).args(["b", "undisturbed"]).status().unwrap().success()
    );
    assert_eq!(names(dir.path()), ["b", "from", "undisturbed"]);
}

/// `bundle serve` for a bundle with one manifest, with a certificate of its own for `files.example`; ends with the value.
struct Served {
    program: Child,
    port: u16,
}

impl Served {
    fn start(folder: &Path) -> Self {
        fs::create_dir(folder.join("from")).unwrap();
        fs::write(folder.join("from/objects.yaml"), objects(1000)).unwrap();
        let made = taskbox()
            .current_dir(folder)
            .args(["bundle", "build", "--from", "from", "-o", "served"])
            .output();
        assert!(made.unwrap().status.success());
        let mut program = taskbox()
            .current_dir(folder)
            .args([
                "bundle",
                "serve",
                "served",
                "--open",
                "--listen",
                "127.0.0.1:0",
                "--name",
                "files.example",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok());
        Self { program, port: port.unwrap_or_else(|| panic!("no port in {line}")) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn build_through(folder: &Path, proxy: &Proxy, more: &[&str], environment: &[(&str, &str)]) -> Output {
    let url = "https://files.example/manifests/objects.yaml";
    taskbox()
        .current_dir(folder)
        .args(["bundle", "build", "--tries", "1", "--url", url, "-o", "b"])
        .args(more)
        .env("HTTPS_PROXY", proxy.url())
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn a_source_behind_a_proxy_with_a_certificate_of_the_house_is_reached() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start(dir.path());
    // The name is known to the proxy only, as in closed networks.
    let proxy = Proxy::start(served.port);
    let unknown = build_through(dir.path(), &proxy, &[], &[]);
    assert!(!unknown.status.success());
    let said = text(&unknown.stderr);
    assert!(said.contains("certificate"), "it says what is wrong: {said}");
    assert_eq!(proxy.asked(), ["CONNECT files.example:443"]);

    let empty = dir.path().join("empty.pem");
    fs::write(&empty, "no certificate\n").unwrap();
    let useless = build_through(dir.path(), &proxy, &["--ca", "empty.pem"], &[]);
    assert!(text(&useless.stderr).contains("it holds no certificate"), "{}", text(&useless.stderr));

    let direct = build_through(dir.path(), &proxy, &["--ca", "served.cert.pem"], &[("NO_PROXY", ".example")]);
    assert!(text(&direct.stderr).contains("could not be resolved"), "{}", text(&direct.stderr));
    assert_eq!(proxy.asked().len(), 1, "the proxy was not asked");

    let known = build_through(dir.path(), &proxy, &["--ca", "served.cert.pem"], &[]);
    assert!(known.status.success(), "{}", text(&known.stderr));
    assert_eq!(proxy.asked().len(), 2);
    let shown = taskbox().current_dir(dir.path()).args(["bundle", "show", "b"]).output().unwrap();
    assert!(text(&shown.stdout).contains("objects"), "{}", text(&shown.stdout));
}
