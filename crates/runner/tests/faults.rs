//! Plays over a real sshd whose hosts reboot, freeze, fill up or are slow: what becomes of their tasks, and of the other hosts.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test that cannot prepare has failed")]

mod sshd;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use data::{Map, Value};
use inventory::LoadOptions;
use taskbox_runner::{Event, ExitCode, RunOptions, Runner, Status};

use sshd::Sshd;

/// What a task said on a host, in the order in which it came.
struct Said {
    host: String,
    task: String,
    status: Status,
    result: Map,
}

/// A line of the inventory for a host behind a server.
fn host(name: &str, sshd: &Sshd, vars: &str) -> String {
    format!(
        "{name} ansible_host=127.0.0.1 ansible_port={} ansible_ssh_private_key_file={} \
         ansible_ssh_common_args='-o UserKnownHostsFile={}' {vars}\n",
        sshd.port(),
        sshd.path("user").display(),
        sshd.known_hosts("host_ed25519").display()
    )
}

/// Runs a play on hosts; gives what was said and how it ended.
fn play(hosts: &[String], text: &str) -> (Vec<Said>, ExitCode) {
    let folder = tempfile::tempdir().unwrap();
    let (inventory, playbook) = (folder.path().join("hosts.ini"), folder.path().join("play.yml"));
    fs::write(&inventory, hosts.join("")).unwrap();
    fs::write(&playbook, text).unwrap();
    let loaded = inventory::load(&[inventory.display().to_string()], &LoadOptions::default()).unwrap();
    let options = RunOptions {
        inventory: loaded.inventory,
        inventory_folders: loaded.folders,
        playbooks: vec![playbook],
        forks: hosts.len(),
        ..RunOptions::default()
    };
    let mut said = Vec::new();
    let outcome = Runner::new(options).run(&mut |event| match event {
        Event::TaskResult(result) => said.push(Said {
            host: result.host.to_string(),
            task: result.task.name.clone(),
            status: result.status,
            result: result.result,
        }),
        Event::Error(finding) | Event::Warning(finding) => eprintln!("{}", finding.title),
        _ => {}
    });
    (said, outcome.exit_code)
}

fn of<'a>(said: &'a [Said], host: &str, task: &str) -> &'a Said {
    let found = said.iter().find(|one| one.host == host && one.task == task);
    found.unwrap_or_else(|| panic!("{task} was not done on {host}"))
}

/// Signs of life every two seconds, and three of them missing end a session.
const SOON: &str = "ansible_ssh_extra_args='-o ServerAliveInterval=2 -o ServerAliveCountMax=3'";

#[test]
fn a_host_that_reboots_is_waited_for() {
    let mut server = Sshd::start();
    let (boot, asked) = (server.path("boot_id"), server.path("asked"));
    fs::write(&boot, "one\n").unwrap();
    let text = format!(
        "- hosts: all
  gather_facts: false
  tasks:
    - name: Reboot
      reboot: {{ boot_time_command: cat {boot}, reboot_command: touch {asked}, reboot_timeout: 120 }}
    - name: After
      command: echo here
",
        boot = boot.display(),
        asked = asked.display()
    );
    let hosts = [host("h1", &server, "")];
    let (said, code) = std::thread::scope(|scope| {
        // What a machine does: it goes down with all sessions, and comes back as another boot.
        let machine = scope.spawn(|| {
            while !asked.exists() {
                std::thread::sleep(Duration::from_millis(20));
            }
            server.stop();
            std::thread::sleep(Duration::from_secs(2));
            fs::write(&boot, "two\n").unwrap();
            server.start_again();
        });
        let ended = play(&hosts, &text);
        machine.join().unwrap();
        ended
    });
    assert_eq!(of(&said, "h1", "Reboot").result.get("rebooted"), Some(&Value::from(true)));
    assert_eq!(of(&said, "h1", "After").result.get_str("stdout"), Some("here"));
    assert_eq!(code, ExitCode::Ok);
}

#[test]
fn a_host_that_freezes_is_unreachable_in_time_and_the_others_go_on() {
    let (frozen, well) = (Sshd::start(), Sshd::start());
    let sign = frozen.path("sign");
    let text = format!(
        "- hosts: all
  gather_facts: false
  tasks:
    - name: First
      shell: \"touch {}; sleep {{{{ nap }}}}\"
    - name: Second
      command: echo here
",
        sign.display()
    );
    let start = Instant::now();
    let (said, code) = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !sign.exists() {
                std::thread::sleep(Duration::from_millis(20));
            }
            frozen.freeze_sessions();
        });
        play(&[host("h1", &frozen, &format!("nap=90 {SOON}")), host("h2", &well, "nap=0")], &text)
    });
    assert_eq!(of(&said, "h1", "First").status, Status::Unreachable);
    assert!(said.iter().all(|one| one.host != "h1" || one.task == "First"));
    assert_eq!(of(&said, "h2", "Second").result.get_str("stdout"), Some("here"));
    assert_eq!(code, ExitCode::Unreachable);
    assert!(start.elapsed() < Duration::from_secs(80), "{:?}", start.elapsed());
}

#[test]
fn no_host_waits_for_a_slow_one_under_free() {
    let (slow, fast) = (Sshd::start(), Sshd::start());
    // The slow host's first task ends only when the fast host is through with its last.
    let sign = slow.path("sign");
    let text = format!(
        "- hosts: all
  gather_facts: false
  strategy: free
  tasks:
    - name: First
      shell: \"{{{{ first }}}}\"
    - name: Second
      command: echo here
    - name: Last
      shell: touch {sign}-{{{{ inventory_hostname }}}}
",
        sign = sign.display()
    );
    let wait = format!(
        "first='for n in $(seq 600); do [ ! -e {}-h2 ] || exit 0; sleep 0.1; done; exit 1'",
        sign.display()
    );
    let (said, code) = play(&[host("h1", &slow, &wait), host("h2", &fast, "first=true")], &text);
    assert_eq!(code, ExitCode::Ok);
    assert_eq!(said.len(), 6);
}

/// A file system of one mebibyte at a path; gone with its value. None where only root of a real machine may mount.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn at(path: &'a Path) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(path).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(path));
        }
        eprintln!("nothing can be mounted here: a full disk is not tested");
        None
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_disk_that_is_full_is_named_and_leaves_nothing_half_written() {
    let server = Sshd::start();
    let folder = server.path("small");
    let Some(_disk) = SmallDisk::at(&folder) else { return };
    let large = server.path("large");
    fs::write(&large, vec![7; 3 * 1024 * 1024]).unwrap();
    let text = format!(
        "- hosts: all
  gather_facts: false
  tasks:
    - name: Too much
      copy: {{ src: {}, dest: {}/file }}
      ignore_errors: true
    - name: After
      command: ls -A {}
",
        large.display(),
        folder.display(),
        folder.display()
    );
    let (said, _) = play(&[host("h1", &server, "")], &text);
    let failed = of(&said, "h1", "Too much");
    assert_eq!(failed.status, Status::Failed);
    let msg = failed.result.get_str("msg").unwrap_or_default();
    assert!(msg.contains("No space left on device"), "{msg}");
    assert_eq!(of(&said, "h1", "After").result.get_str("stdout"), Some(""));
}

#[test]
fn an_agent_for_which_there_is_no_room_is_named_as_such_at_once() {
    let server = Sshd::start();
    let home = server.home();
    let Some(_disk) = SmallDisk::at(&home) else { return };
    let text = "- hosts: all
  gather_facts: false
  tasks:
    - name: Here
      command: echo here
";
    let (said, code) = play(&[host("h1", &server, "")], text);
    let one = of(&said, "h1", "Here");
    let msg = one.result.get_str("msg").unwrap_or_default().to_owned();
    assert_eq!((one.status, code), (Status::Failed, ExitCode::Failed), "{msg}");
    assert!(msg.to_lowercase().contains("no space left"), "{msg}");
    assert!(fs::read_dir(home.join(".cache/taskbox")).unwrap().next().is_none());
}
