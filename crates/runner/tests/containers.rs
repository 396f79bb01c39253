//! Connections into a real container, made from programs of this machine. Without a container engine there is nothing to test.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test that cannot prepare has failed")]

mod sshd;

use std::path::Path;
use std::process::{Command, Stdio};

use data::{Map, Value};
use taskbox_runner::connection::{
    Call, ConnectionDefaults, ConnectionError, ConnectionSettings, Connections, Unreachable,
};

/// All that the agent's first words need.
const PROGRAMS: [&str; 22] = [
    "sh",
    "uname",
    "id",
    "ls",
    "mkdir",
    "chmod",
    "head",
    "gzip",
    "sha256sum",
    "mv",
    "rm",
    "tail",
    "find",
    "sleep",
    "cat",
    "echo",
    "mktemp",
    "rmdir",
    "env",
    "true",
    "dirname",
    "kill",
];

/// A running container; gone with its value, as is its image.
struct Container {
    name: String,
}

impl Container {
    fn start() -> Option<Self> {
        let found = Command::new("docker").arg("info").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !found.is_ok_and(|status| status.success()) {
            eprintln!("no docker here: nothing is tested");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        std::fs::create_dir_all(root.join("tmp")).unwrap();
        std::fs::create_dir_all(root.join("root")).unwrap();
        for program in PROGRAMS {
            let path = ["/bin", "/usr/bin"].map(|folder| Path::new(folder).join(program));
            let path = path.iter().find(|path| path.exists()).unwrap();
            place(&root, path);
            let libraries = Command::new("ldd").arg(path).output().unwrap().stdout;
            let libraries = String::from_utf8(libraries).unwrap();
            for word in libraries.split_whitespace().filter(|word| word.starts_with('/')) {
                place(&root, Path::new(word));
            }
        }
        let name = format!("taskbox-test-{}", std::process::id());
        let image = format!("tar -C {} -c . | docker import - {name}", root.display());
        run(Command::new("sh").args(["-c", &image]));
        run(Command::new("docker").args([
            "run",
            "-d",
            "--rm",
            "--network",
            "none",
            "--name",
            &name,
            &name,
            "sleep",
            "600",
        ]));
        Some(Self { name })
    }

    fn settings(&self, vars: &[(&str, &str)]) -> ConnectionSettings {
        let mut all =
            vec![("ansible_connection", "community.docker.docker"), ("ansible_host", self.name.as_str())];
        all.extend(vars);
        let get =
            |name: &str| all.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| Value::from(*value));
        ConnectionSettings::from_vars("c1", &get, &ConnectionDefaults::default()).unwrap()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        for words in [["rm", "-f"], ["rmi", "-f"]] {
            let _ = Command::new("docker")
                .args(words)
                .arg(&self.name)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}

/// Copies a file of this machine to the same place below a folder.
fn place(root: &Path, path: &Path) {
    let target = root.join(path.strip_prefix("/").unwrap());
    std::fs::create_dir_all(target.parent().unwrap()).unwrap();
    std::fs::copy(path, target).unwrap();
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn modules_and_raw_commands_run_in_a_container() {
    sshd::build_agent();
    let Some(container) = Container::start() else { return };
    let connection = Connections::new().get(&container.settings(&[]));
    let inside = |args: &str| {
        let call = Call::new("shell", Map::from([("_raw_params", args)]));
        connection.run(&call, &mut |_| ()).unwrap().get_str("stdout").unwrap().to_owned()
    };
    assert_eq!(inside("echo kept > /tmp/kept; cat /tmp/kept"), "kept");
    assert_eq!(connection.raw("cat /tmp/kept; exit 3", None).unwrap().rc, 3);
    let mut text = Vec::new();
    connection.fetch("/tmp/kept", None, &mut text).unwrap();
    assert_eq!(text, b"kept\n");
    drop(connection);
    let missing = container.settings(&[("ansible_host", "taskbox-test-no-such")]);
    let error =
        Connections::new().get(&missing).run(&Call::new("ping", Map::new()), &mut |_| ()).unwrap_err();
    let ConnectionError::Unreachable { cause, .. } = error else { panic!("{error:?}") };
    assert!(matches!(*cause, Unreachable::Program { .. }), "{cause:?}");
}

#[test]
fn an_engine_that_is_not_there_is_named() {
    sshd::build_agent();
    let get = |name: &str| match name {
        "ansible_connection" => Some(Value::from("containers.podman.podman")),
        "ansible_podman_executable" => Some(Value::from("/no/such/podman")),
        _ => None,
    };
    let settings = ConnectionSettings::from_vars("c1", &get, &ConnectionDefaults::default()).unwrap();
    let error =
        Connections::new().get(&settings).run(&Call::new("ping", Map::new()), &mut |_| ()).unwrap_err();
    assert!(error.is_unreachable());
    assert!(error.to_string().contains("/no/such/podman"), "{error}");
}
