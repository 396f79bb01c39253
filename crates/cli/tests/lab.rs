//! The lab for real: needs Docker, and a minute. `cargo test -p taskbox-cli --test lab -- --ignored`.

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

/// A lab of one master, one node and one load balancer in a folder of its own; taken down when dropped.
struct Lab {
    folder: tempfile::TempDir,
    name: String,
}

impl Lab {
    fn up() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let lab = Self { folder, name: format!("test-{}", std::process::id()) };
        lab.ok(&["up", "--masters", "1", "--nodes", "1", "--lb", "1"]);
        lab
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::cargo_bin("taskbox").expect("the binary");
        command.args(["lab", "--name", &self.name]).args(args).current_dir(self.folder.path());
        command.output().expect("it runs")
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    fn file(&self, name: &str) -> String {
        let path = self.folder.path().join(".lab").join(&self.name).join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn state_of(&self, host: &str) -> (String, bool) {
        let lab: Value = serde_json::from_str(&self.ok(&["status", "--json"])).expect("JSON");
        let status = lab["hosts"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|status| status["name"] == host)
            .expect("there");
        (status["state"].as_str().expect("a word").to_owned(), status["ssh"] == true)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.run(&["down"]);
    }
}

#[test]
#[ignore = "needs Docker"]
fn hosts_are_machines_that_can_be_stopped_cut_and_made_anew() {
    let lab = Lab::up();
    assert_eq!(lab.state_of("master1"), ("running".into(), true));

    // Each is somebody of its own, with systemd and a password for sudo.
    let identity = |host| lab.ok(&["ssh", host, "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub"]);
    assert_ne!(identity("master1"), identity("node1"));
    assert_eq!(lab.ok(&["ssh", "node1", "ps -o comm= -p 1"]), "systemd");
    assert!(!lab.run(&["ssh", "ops@node1", "sudo -n true"]).status.success(), "sudo without a password");
    let state: Value = serde_json::from_str(&lab.file("lab.json")).expect("JSON");
    let password = state["ops_password"].as_str().expect("a password");
    assert_eq!(lab.ok(&["ssh", "ops@node1", &format!("echo {password} | sudo -S -p '' id -u")]), "0");

    // An address, data and an identity outlast a stop.
    let before = identity("node1");
    lab.ok(&["ssh", "node1", "echo kept >/var/lib/kept"]);
    lab.ok(&["stop", "node1"]);
    assert_eq!(lab.state_of("node1"), ("stopped".into(), false));
    lab.ok(&["start", "node1"]);
    assert_eq!(lab.ok(&["ssh", "node1", "cat /var/lib/kept"]), "kept");
    assert_eq!(identity("node1"), before);

    // A cut host runs on and cannot be reached.
    lab.ok(&["cut", "master1"]);
    assert_eq!(lab.state_of("master1"), ("cut".into(), false));
    lab.ok(&["heal", "master1"]);
    assert_eq!(lab.state_of("master1"), ("running".into(), true));

    // A host made anew is a stranger with the old name, and known.
    lab.ok(&["reset", "node1"]);
    assert_ne!(identity("node1"), before);
    assert!(!lab.run(&["ssh", "node1", "test -e /var/lib/kept"]).status.success());

    // Fewer hosts are asked for: the others go.
    lab.ok(&["up", "--nodes", "0"]);
    assert!(!lab.file("hosts.ini").contains("node1 "));
    lab.ok(&["down"]);
    assert!(!Path::new(&lab.folder.path().join(".lab").join(&lab.name)).exists());
    assert!(!lab.run(&["status"]).status.success());
}
