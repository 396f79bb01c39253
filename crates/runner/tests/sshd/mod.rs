//! A real sshd on the loopback address, with keys, configuration and home of its own.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "a test that cannot prepare has failed; each test file uses its part"
)]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;

use data::Value;
use tempfile::TempDir;

use taskbox_runner::connection::{ConnectionDefaults, ConnectionSettings};

/// A running server. Ends with its value.
pub(crate) struct Sshd {
    folder: TempDir,
    process: Child,
    port: u16,
}

impl Sshd {
    /// Starts a server that lets the user who runs the tests in with the key [`Self::key`].
    pub(crate) fn start() -> Self {
        Self::with_options("")
    }

    /// The same with further lines of sshd_config(5).
    pub(crate) fn with_options(options: &str) -> Self {
        build_agent();
        let folder = tempfile::tempdir().unwrap();
        for (name, kind) in [
            ("host_ed25519", "ed25519"),
            ("host_ecdsa", "ecdsa"),
            ("user", "ed25519"),
            ("stranger", "ed25519"),
        ] {
            keygen(&folder.path().join(name), kind, "");
        }
        fs::create_dir(folder.path().join("home")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::write(folder.path().join("sshd_config"), config(folder.path(), port, options)).unwrap();
        // sshd wants its separation folder, which the distribution's service makes.
        let _ = fs::create_dir_all("/run/sshd");
        let process = spawn(folder.path());
        let sshd = Self { folder, process, port };
        sshd.wait_until_it_listens();
        sshd
    }

    fn wait_until_it_listens(&self) {
        for _ in 0..1_000_000 {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            std::thread::yield_now();
        }
        panic!("sshd does not listen: {}", self.log());
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The home folder of logins.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A file in the server's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a key that may log in too, and gives its path.
    pub(crate) fn add_key(&self, kind: &str, passphrase: &str) -> PathBuf {
        let path = self.path(&format!("more_{kind}_{}", passphrase.len()));
        keygen(&path, kind, passphrase);
        let public = fs::read_to_string(path.with_extension("pub")).unwrap();
        let known = fs::read_to_string(self.path("user.pub")).unwrap();
        fs::write(self.path("user.pub"), known + &public).unwrap();
        path
    }

    /// Writes a known_hosts file with the server's ed25519 key, or another one's, and gives its path.
    pub(crate) fn known_hosts(&self, key: &str) -> PathBuf {
        let public = fs::read_to_string(self.path(&format!("{key}.pub"))).unwrap();
        let path = self.path(&format!("known_hosts_{key}"));
        fs::write(&path, format!("[127.0.0.1]:{} {public}", self.port)).unwrap();
        path
    }

    /// Settings that log in with the right key and know the server's; `vars` go over them.
    pub(crate) fn settings(&self, vars: &[(&str, &str)]) -> ConnectionSettings {
        let known = format!("-o UserKnownHostsFile={}", self.known_hosts("host_ed25519").display());
        let (key, port) = (self.path("user").display().to_string(), self.port.to_string());
        let mut all = vec![
            ("ansible_host", "127.0.0.1"),
            ("ansible_port", port.as_str()),
            ("ansible_ssh_private_key_file", key.as_str()),
            ("ansible_ssh_common_args", known.as_str()),
        ];
        all.extend(vars);
        let get =
            |name: &str| all.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| Value::from(*value));
        ConnectionSettings::from_vars("h1", &get, &ConnectionDefaults::default()).unwrap()
    }

    /// Ends the sessions, but not the server: what a reboot or a killed connection looks like.
    pub(crate) fn kill_sessions(&self) {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.process.id())).unwrap();
        for child in children.split_whitespace() {
            assert!(Command::new("kill").args(["-9", child]).status().unwrap().success());
            // Its end of the connection closes only when the kernel has taken it apart, and the server has noticed.
            while Path::new("/proc").join(child).exists() {
                std::thread::yield_now();
            }
        }
    }
}

impl Sshd {
    /// Stops the processes of all sessions, but ends none: what a network looks like in which bytes stop.
    pub(crate) fn freeze_sessions(&self) {
        for child in descendants(self.process.id()) {
            let _ = Command::new("kill").args(["-STOP", &child.to_string()]).stderr(Stdio::null()).status();
        }
    }

    /// Ends the server and its sessions: a host that goes down.
    pub(crate) fn stop(&mut self) {
        self.kill_sessions();
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again on the same port.
    pub(crate) fn start_again(&mut self) {
        self.process = spawn(self.folder.path());
        self.wait_until_it_listens();
    }
}

/// All processes below one.
fn descendants(process: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    let children: Vec<u32> = children.split_whitespace().map(|id| id.parse().unwrap()).collect();
    children.iter().flat_map(|child| [vec![*child], descendants(*child)].concat()).collect()
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // A stopped process does not notice that its connection has gone.
        for child in descendants(self.process.id()) {
            let _ = Command::new("kill").args(["-KILL", &child.to_string()]).stderr(Stdio::null()).status();
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(folder: &Path) -> Child {
    Command::new(program("sshd"))
        .args(["-D", "-e", "-f"])
        .arg(folder.join("sshd_config"))
        .stdin(Stdio::null())
        .stderr(fs::File::create(folder.join("log")).unwrap())
        .spawn()
        .expect("these tests need Debian's openssh-server")
}

fn config(folder: &Path, port: u16, options: &str) -> String {
    let at = folder.display();
    // Of this word sshd takes the last.
    let startups = if options.contains("MaxStartups") { "" } else { "MaxStartups 100\n" };
    format!(
        "{options}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {at}/host_ed25519\nHostKey {at}/host_ecdsa\n\
         AuthorizedKeysFile {at}/user.pub\nStrictModes no\nPidFile none\nUsePAM no\nPermitRootLogin yes\n\
         {startups}LogLevel VERBOSE\nSetEnv HOME={at}/home\n"
    )
}

fn keygen(path: &Path, kind: &str, passphrase: &str) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", kind, "-N", passphrase, "-f"]).arg(path).status();
    assert!(made.unwrap().success());
}

fn program(name: &str) -> PathBuf {
    ["/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("these tests need `{name}`: install Debian's openssh-server"))
}

/// Builds the agent beside the tests, where a checkout's controller finds it.
pub(crate) fn build_agent() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let mut cargo = Command::new(env!("CARGO"));
        // What cargo tells its tests would make it build some dependencies anew.
        for (name, _) in
            std::env::vars().filter(|(name, _)| name.starts_with("CARGO_") && !name.ends_with("_HOME"))
        {
            cargo.env_remove(name);
        }
        assert!(cargo.args(["build", "-q", "-p", "taskbox-agent"]).status().unwrap().success());
    });
}
