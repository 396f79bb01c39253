//! Ctrl-C as a user presses it: once for the recap, twice for the end, and nothing of the run is left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot prepare has failed")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::CommandCargoExt;

/// The command does not mind Ctrl-C itself and says who it is.
const PLAY: &str = "- hosts: all
  gather_facts: false
  tasks:
    - name: Long
      shell: \"trap '' INT; echo $$ > pid.new; mv pid.new pid; sleep 90\"
      args: { chdir: '{{ playbook_dir }}' }
    - name: Never
      file: { path: '{{ playbook_dir }}/never', state: touch }
";

/// A run in its first task, and the process id of that task's shell.
fn start(folder: &Path) -> (Child, String) {
    fs::write(folder.join("play.yml"), PLAY).unwrap();
    let mut run = Command::cargo_bin("taskbox")
        .expect("the binary is built")
        .current_dir(folder)
        .args(["playbook", "-i", "h1,", "-c", "local", "play.yml"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for _ in 0..1200 {
        if let Ok(pid) = fs::read_to_string(folder.join("pid")) {
            return (run, pid.trim().to_owned());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    panic!("the task does not start");
}

fn press(run: &Child) {
    assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap().success());
}

/// Waits for the end, but not for the 90 seconds of the task.
fn end(run: Child) -> Output {
    let begun = Instant::now();
    let output = run.wait_with_output().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    output
}

#[test]
fn the_first_stops_what_runs_and_shows_the_recap() {
    let folder = tempfile::tempdir().unwrap();
    let (run, pid) = start(folder.path());
    press(&run);
    let output = end(run);
    assert_eq!(output.status.code(), Some(99));
    assert!(String::from_utf8_lossy(&output.stdout).contains("PLAY RECAP"));
    assert!(!folder.path().join("never").exists());
    for _ in 0..200 {
        if !Path::new("/proc").join(&pid).exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the task's shell still runs");
}

#[test]
fn the_second_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = start(folder.path());
    press(&run);
    // It may have ended already.
    let _ = Command::new("kill").args(["-INT", &run.id().to_string()]).stderr(Stdio::null()).status();
    assert_eq!(end(run).status.code(), Some(99));
}
