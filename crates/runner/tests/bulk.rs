//! Large content over a connection of its own, by the system's `ssh`: who gets it, what happens where that cannot be, and when it breaks.
#![allow(clippy::unwrap_used, reason = "a test that cannot prepare has failed")]

mod sshd;

use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use data::{Map, Value};
use taskbox_runner::connection::{
    Become, Call, Connection, ConnectionError, ConnectionSettings, Connections, Content,
};

use sshd::Sshd;

/// As much as is worth a login, and a little more than whole chunks.
const SIZE: usize = 65 * 1024 * 1024 + 4321;

fn connect(settings: &ConnectionSettings) -> Arc<dyn Connection> {
    Connections::new().get(settings)
}

/// Content that no two places of the file share.
fn large() -> Content {
    let mut bytes = vec![7; SIZE];
    for (number, page) in bytes.chunks_exact_mut(4096).enumerate() {
        page[..8].copy_from_slice(&number.to_le_bytes());
    }
    Content::from_bytes(bytes)
}

fn copy(content: &Content, dest: &Path) -> Call {
    let args = Map::from([
        ("dest", dest.display().to_string()),
        ("content_blob", content.hex()),
        ("mode", "0600".into()),
    ]);
    Call { contents: vec![content.clone()], ..Call::new("copy", args) }
}

fn send(connection: &dyn Connection, call: &Call) -> Result<bool, ConnectionError> {
    let result = connection.run(call, &mut |_| ())?;
    assert_ne!(result.get("failed"), Some(&Value::from(true)), "{result:?}");
    Ok(result.get("changed") == Some(&Value::from(true)))
}

fn logins(sshd: &Sshd) -> usize {
    sshd.log().matches("Accepted publickey").count()
}

fn is_whole(content: &Content, dest: &Path) -> bool {
    Content::from_file(dest).unwrap().hash() == content.hash()
}

/// What lies in the agent's folder beside the agent.
fn left_over(sshd: &Sshd) -> Vec<PathBuf> {
    let entries = fs::read_dir(sshd.home().join(".cache/taskbox")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| !path.to_string_lossy().contains("/agent-")).collect()
}

/// The agents tidy up as they end, which is after their connections were closed here.
fn nothing_is_left(sshd: &Sshd) {
    let limit = Instant::now() + Duration::from_secs(60);
    while Instant::now() < limit && !left_over(sshd).is_empty() {
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(left_over(sshd), Vec::<PathBuf>::new());
}

/// A program that can be run in place of another.
fn script(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn large_content_has_a_connection_of_its_own_which_is_kept() {
    let sshd = Sshd::start();
    let (one, other) = (sshd.path("one"), sshd.path("other"));
    let content = large();
    {
        let connection = connect(&sshd.settings(&[]));
        let small = Content::from_bytes(vec![1; 2 * 1024 * 1024]);
        assert!(send(&*connection, &copy(&small, &one)).unwrap());
        assert_eq!(logins(&sshd), 1, "small content needs no second login");
        assert!(send(&*connection, &copy(&content, &one)).unwrap());
        assert_eq!(logins(&sshd), 2);
        assert!(!send(&*connection, &copy(&content, &one)).unwrap(), "the same is not sent again");
        // The file it was moved to is what another copy is made of.
        assert!(send(&*connection, &copy(&content, &other)).unwrap());
        let next = Content::from_bytes([&fs::read(&one).unwrap()[..], b"and more"].concat());
        assert!(send(&*connection, &copy(&next, &other)).unwrap());
        assert_eq!(logins(&sshd), 2, "one connection carries all of it");
        assert!(is_whole(&content, &one) && is_whole(&next, &other));
    }
    nothing_is_left(&sshd);
}

#[test]
fn where_there_is_no_ssh_the_session_carries_it() {
    let sshd = Sshd::start();
    let (content, dest) = (large(), sshd.path("dest"));
    let connection = connect(&sshd.settings(&[("ansible_ssh_executable", "/no/such/ssh")]));
    assert!(send(&*connection, &copy(&content, &dest)).unwrap());
    assert!(is_whole(&content, &dest));
    assert_eq!(logins(&sshd), 1);
}

#[test]
fn where_ssh_cannot_log_in_it_is_tried_once() {
    let sshd = Sshd::start();
    let (content, dest) = (large(), sshd.path("dest"));
    let log = sshd.path("tries");
    let ssh = script(&sshd.path(""), "locked-out", &format!("echo try >>{}; exit 255", log.display()));
    let connection = connect(&sshd.settings(&[("ansible_ssh_executable", &ssh)]));
    assert!(send(&*connection, &copy(&content, &dest)).unwrap());
    fs::remove_file(&dest).unwrap();
    let next = Content::from_bytes([&[7; 64 * 1024 * 1024][..], b"next"].concat());
    assert!(send(&*connection, &copy(&next, &dest)).unwrap());
    assert!(is_whole(&next, &dest));
    assert_eq!(fs::read_to_string(log).unwrap(), "try\n");
}

/// Passes the first connection on to one port, later ones to another.
fn forward(first: u16, later: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let to = if number == 0 { first } else { later };
            let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", to))) else { return };
            for (from, into) in [
                (client.try_clone().unwrap(), server.try_clone().unwrap()),
                (server.try_clone().unwrap(), client.try_clone().unwrap()),
            ] {
                thread::spawn(move || {
                    let (mut from, mut into) = (from, into);
                    let _ = io::copy(&mut from, &mut into);
                    let _ = into.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    port
}

#[test]
fn a_host_that_shows_another_key_than_the_session_saw_gets_nothing() {
    let (host, impostor) = (Sshd::start(), Sshd::start());
    // Whoever has the key of the user may log in at both.
    fs::copy(host.path("user.pub"), impostor.path("user.pub")).unwrap();
    let public = fs::read_to_string(host.path("host_ed25519.pub")).unwrap();
    let known = host.path("known");
    let (content, dest) = (large(), host.path("dest"));
    for checking in ["yes", "no"] {
        let port = forward(host.port(), impostor.port()).to_string();
        fs::write(&known, format!("[127.0.0.1]:{port} {public}")).unwrap();
        let args = format!("-o UserKnownHostsFile={} -o StrictHostKeyChecking={checking}", known.display());
        let settings = host.settings(&[("ansible_port", &port), ("ansible_ssh_common_args", &args)]);
        assert!(send(&*connect(&settings), &copy(&content, &dest)).unwrap());
        assert!(is_whole(&content, &dest), "the session carries it");
        fs::remove_file(&dest).unwrap();
    }
    assert_eq!(logins(&impostor), 0, "{}", impostor.log());
    assert!(!impostor.home().join(".cache").exists());
    assert!(impostor.log().contains("Connection"), "it was met: {}", impostor.log());
}

#[test]
fn what_breaks_off_in_the_middle_comes_whole_over_the_session() {
    let sshd = Sshd::start();
    let (content, dest) = (large(), sshd.path("dest"));
    fs::write(&dest, "old").unwrap();
    let ssh = script(&sshd.path(""), "short", "head -c 30000000 | ssh \"$@\"");
    {
        let connection = connect(&sshd.settings(&[("ansible_ssh_executable", &ssh)]));
        assert!(send(&*connection, &copy(&content, &dest)).unwrap());
        assert_eq!(logins(&sshd), 2);
        assert!(is_whole(&content, &dest));
    }
    nothing_is_left(&sshd);
}

#[test]
fn a_host_that_goes_in_the_middle_has_the_old_file_or_the_new_one() {
    let mut sshd = Sshd::start();
    let (content, dest) = (large(), sshd.path("dest"));
    fs::write(&dest, "old").unwrap();
    let ssh = script(&sshd.path(""), "slow", "{ head -c 30000000; sleep 5; exec cat; } | ssh \"$@\"");
    let settings = sshd.settings(&[("ansible_ssh_executable", &ssh)]);
    let sending = {
        let (connection, call) = (connect(&settings), copy(&content, &dest));
        thread::spawn(move || connection.run(&call, &mut |_| ()))
    };
    let limit = Instant::now() + Duration::from_secs(60);
    let under_way = || {
        sshd.home().join(".cache/taskbox").exists()
            && left_over(&sshd).iter().any(|path| fs::metadata(path).is_ok_and(|about| about.len() > 1 << 20))
    };
    while !under_way() {
        assert!(Instant::now() < limit, "nothing comes");
        thread::sleep(Duration::from_millis(5));
    }
    sshd.stop();
    let lost = sending.join().unwrap().unwrap_err();
    assert!(lost.is_unreachable(), "{lost:?}");
    assert_eq!(fs::read_to_string(&dest).unwrap(), "old");
    sshd.start_again();
    assert!(send(&*connect(&sshd.settings(&[])), &copy(&content, &dest)).unwrap());
    assert!(is_whole(&content, &dest));
}

#[test]
fn a_user_who_was_become_gets_it_too() {
    let sshd = Sshd::start();
    let sudo = script(&sshd.path(""), "sudo", "while [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\"");
    let (content, dest) = (large(), sshd.path("dest"));
    {
        let connection = connect(&sshd.settings(&[]));
        let mut user = Become::sudo("root");
        user.program = Some(sudo);
        let call = Call { become_as: Some(user), ..copy(&content, &dest) };
        assert!(send(&*connection, &call).unwrap());
        assert_eq!(logins(&sshd), 2);
        assert!(is_whole(&content, &dest));
    }
    nothing_is_left(&sshd);
}

#[test]
fn an_interrupt_ends_it_at_once() {
    let sshd = Sshd::start();
    let connection = connect(&sshd.settings(&[]));
    let call = copy(&large(), &sshd.path("dest"));
    let running = {
        let connection = Arc::clone(&connection);
        thread::spawn(move || connection.run(&call, &mut |_| ()))
    };
    while !sshd.home().join(".cache/taskbox").exists() || left_over(&sshd).is_empty() {
        thread::sleep(Duration::from_millis(1));
    }
    sshd.freeze_sessions();
    let begun = Instant::now();
    connection.interrupt();
    let ended = running.join().unwrap().unwrap_err();
    assert!(matches!(ended, ConnectionError::Interrupted { .. }), "{ended:?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
