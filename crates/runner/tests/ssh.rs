//! Connections to a real sshd: logging in, host keys, the agent's way there, and what happens when things break.
#![allow(clippy::unwrap_used, reason = "a test that cannot prepare has failed")]

mod sshd;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use data::{Diagnostic, Map, Text, Value};
use taskbox_runner::connection::{
    Become, Call, Connection, ConnectionError, ConnectionSettings, Connections, Content, Progress,
    Unreachable, Way,
};

use taskbox_runner::{Prompter, Question};

use sshd::Sshd;

fn connect(settings: &ConnectionSettings) -> Arc<dyn Connection> {
    Connections::new().get(settings)
}

fn run(connection: &dyn Connection, module: &str, args: Map) -> Result<Map, ConnectionError> {
    connection.run(&Call::new(module, args), &mut |_| ())
}

fn ping(settings: &ConnectionSettings) -> Result<Map, ConnectionError> {
    run(&*connect(settings), "ping", Map::new())
}

fn refusal(settings: &ConnectionSettings) -> Unreachable {
    match ping(settings) {
        Err(ConnectionError::Unreachable { cause, .. }) => *cause,
        other => panic!("{other:?}"),
    }
}

fn agents(sshd: &Sshd) -> Vec<PathBuf> {
    let entries = fs::read_dir(sshd.home().join(".cache/taskbox")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_key_opens_a_session_that_runs_modules() {
    let sshd = Sshd::start();
    let result = ping(&sshd.settings(&[])).unwrap();
    assert_eq!(result.get_str("ping"), Some("pong"), "{result:?}");
}

#[test]
fn keys_of_all_kinds_open_a_session_also_with_a_passphrase() {
    let sshd = Sshd::start();
    for (kind, passphrase) in [("rsa", ""), ("ecdsa", ""), ("ed25519", "open sesame"), ("rsa", "open sesame")]
    {
        let key = sshd.add_key(kind, passphrase).display().to_string();
        let mut vars = vec![("ansible_ssh_private_key_file", key.as_str())];
        if !passphrase.is_empty() {
            let cause = refusal(&sshd.settings(&vars));
            assert!(cause.to_string().contains("ansible_private_key_passphrase"), "{cause}");
            vars.push(("ansible_private_key_passphrase", passphrase));
        }
        let result = ping(&sshd.settings(&vars));
        assert!(result.is_ok(), "{kind}: {result:?}");
    }
}

/// Answers each question with the next of its words, and counts.
struct Person {
    words: Mutex<Vec<&'static str>>,
    asked: AtomicUsize,
}

impl Prompter for Person {
    fn ask(&self, question: &Question) -> Result<Text, Diagnostic> {
        assert!(question.hidden && question.text.starts_with("Enter passphrase for key"), "{question:?}");
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(Text::plain(self.words.lock().unwrap().pop().unwrap_or_default()))
    }
}

#[test]
fn a_passphrase_that_only_the_user_knows_is_asked_for_once_a_run() {
    let sshd = Sshd::start();
    let key = sshd.add_key("ed25519", "open sesame").display().to_string();
    let vars = [("ansible_ssh_private_key_file", key.as_str())];
    let person = Arc::new(Person { words: vec!["open sesame", "wrong"].into(), asked: AtomicUsize::new(0) });
    let connections = Connections::asking(Some(person.clone()));
    for host in ["h1", "h2"] {
        let settings = ConnectionSettings { host: host.into(), ..sshd.settings(&vars) };
        run(&*connections.get(&settings), "ping", Map::new()).unwrap();
    }
    // The first answer was wrong, the second host had no question.
    assert_eq!(person.asked.load(Ordering::Relaxed), 2);
}

#[test]
fn the_agent_is_sent_once_and_found_the_next_time() {
    let sshd = Sshd::start();
    ping(&sshd.settings(&[])).unwrap();
    let sent = agents(&sshd);
    assert_eq!(sent.len(), 1, "{sent:?}");
    let time = fs::metadata(&sent[0]).unwrap().modified().unwrap();
    ping(&sshd.settings(&[])).unwrap();
    assert_eq!(agents(&sshd), sent);
    assert_eq!(fs::metadata(&sent[0]).unwrap().modified().unwrap(), time);
}

#[test]
fn many_tasks_use_one_session() {
    let sshd = Sshd::start();
    let connection = connect(&sshd.settings(&[]));
    for _ in 0..20 {
        run(&*connection, "ping", Map::new()).unwrap();
    }
    assert_eq!(sshd.log().matches("Accepted publickey").count(), 1);
}

#[test]
fn an_unknown_host_key_is_refused_with_its_fingerprint() {
    let sshd = Sshd::start();
    let empty = sshd.path("empty");
    let settings =
        sshd.settings(&[("ansible_ssh_common_args", &format!("-o UserKnownHostsFile={}", empty.display()))]);
    match refusal(&settings) {
        Unreachable::HostKeyUnknown { key, file } => {
            assert_eq!(key.name, format!("[127.0.0.1]:{}", sshd.port()));
            assert!(key.fingerprint.starts_with("SHA256:"), "{key}");
            assert_eq!(file, empty);
            // The line that is offered is the one that helps.
            fs::write(&empty, key.line).unwrap();
        }
        other => panic!("{other:?}"),
    }
    ping(&settings).unwrap();
}

#[test]
fn a_changed_host_key_is_refused_even_without_checking() {
    let sshd = Sshd::start();
    for check in ["yes", "no", "accept-new"] {
        let known = sshd.known_hosts("stranger");
        let args = format!("-o StrictHostKeyChecking={check} -o UserKnownHostsFile={}", known.display());
        let cause = refusal(&sshd.settings(&[("ansible_ssh_common_args", &args)]));
        assert!(matches!(cause, Unreachable::HostKeyChanged { .. }), "{check}: {cause:?}");
    }
}

#[test]
fn new_keys_are_kept_if_asked_for() {
    let sshd = Sshd::start();
    let file = sshd.path("new");
    let args = format!("-o StrictHostKeyChecking=accept-new -o UserKnownHostsFile={}", file.display());
    ping(&sshd.settings(&[("ansible_ssh_common_args", &args)])).unwrap();
    let strict = format!("-o UserKnownHostsFile={}", file.display());
    ping(&sshd.settings(&[("ansible_ssh_common_args", &strict)])).unwrap();
}

#[test]
fn a_known_ecdsa_key_is_asked_for_before_an_unknown_one() {
    let sshd = Sshd::start();
    let args = format!("-o UserKnownHostsFile={}", sshd.known_hosts("host_ecdsa").display());
    ping(&sshd.settings(&[("ansible_ssh_common_args", &args)])).unwrap();
}

#[test]
fn a_refused_login_says_all_that_was_tried_and_what_is_offered() {
    let sshd = Sshd::start();
    let stranger = sshd.path("stranger").display().to_string();
    let settings = sshd.settings(&[
        ("ansible_ssh_private_key_file", &stranger),
        ("ansible_password", "wrong"),
        ("ansible_ssh_extra_args", "-o IdentitiesOnly=yes"),
    ]);
    match refusal(&settings) {
        Unreachable::Auth { tried, offers, .. } => {
            assert_eq!(tried.len(), 2, "{tried:?}");
            assert!(tried[0].contains("stranger") && tried[1].starts_with("password"), "{tried:?}");
            assert!(offers.contains("publickey"), "{offers}");
            assert!(!tried.join(" ").contains("wrong"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_closed_port_is_told_from_a_wrong_name() {
    let sshd = Sshd::start();
    let mut settings = sshd.settings(&[]);
    drop(sshd);
    assert!(matches!(refusal(&settings), Unreachable::Refused { .. }));
    settings.address = "no-such-host.invalid".into();
    assert!(matches!(refusal(&settings), Unreachable::Dns { .. }));
}

#[test]
fn something_that_is_no_ssh_server_is_named_as_such() {
    let sshd = Sshd::start();
    let mut settings = sshd.settings(&[]);
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    settings.port = Some(other.local_addr().unwrap().port());
    settings.timeout = std::time::Duration::from_millis(200);
    std::thread::spawn(move || {
        while let Ok((stream, _)) = other.accept() {
            drop(stream)
        }
    });
    assert!(matches!(refusal(&settings), Unreachable::Handshake { .. }));
}

#[test]
fn a_session_that_is_killed_in_a_task_is_unreachable_and_opened_again() {
    let sshd = Sshd::start();
    let connection = connect(&sshd.settings(&[]));
    run(&*connection, "ping", Map::new()).unwrap();
    let other = Arc::clone(&connection);
    // The command's output is the sign that it runs.
    let (sign, started) = std::sync::mpsc::channel();
    let task = std::thread::spawn(move || {
        let call = Call::new("shell", Map::from([("_raw_params", "echo running; sleep 90")]));
        other.run(&call, &mut |progress| {
            if matches!(progress, Progress::Stdout(_)) {
                let _ = sign.send(());
            }
        })
    });
    started.recv().unwrap();
    sshd.kill_sessions();
    let error = task.join().unwrap().unwrap_err();
    assert!(error.is_unreachable(), "{error:?}");
    assert_eq!(error.to_result().get("unreachable"), Some(&Value::from(true)));
    run(&*connection, "ping", Map::new()).unwrap();
}

#[test]
fn a_session_that_was_killed_between_tasks_is_opened_again_unseen() {
    let sshd = Sshd::start();
    let connection = connect(&sshd.settings(&[]));
    run(&*connection, "ping", Map::new()).unwrap();
    sshd.kill_sessions();
    run(&*connection, "ping", Map::new()).unwrap();
}

#[test]
fn an_interrupt_ends_a_task_at_once() {
    let sshd = Sshd::start();
    let connections = Arc::new(Connections::new());
    let connection = connections.get(&sshd.settings(&[]));
    let stopper = Arc::clone(&connections);
    let call = Call::new("shell", Map::from([("_raw_params", "echo running; sleep 90")]));
    let error = connection
        .run(&call, &mut |progress| {
            if matches!(progress, Progress::Stdout(_)) {
                stopper.interrupt();
            }
        })
        .unwrap_err();
    assert!(matches!(error, ConnectionError::Interrupted { .. }), "{error:?}");
}

#[test]
fn a_task_beyond_its_time_ends_and_the_session_goes_on() {
    let sshd = Sshd::start();
    let connection = connect(&sshd.settings(&[]));
    let mut call = Call::new("shell", Map::from([("_raw_params", "sleep 90")]));
    call.timeout = Some(std::time::Duration::from_millis(300));
    let error = connection.run(&call, &mut |_| ()).unwrap_err();
    assert!(matches!(error, ConnectionError::Timeout { .. }), "{error:?}");
    run(&*connection, "ping", Map::new()).unwrap();
    assert_eq!(sshd.log().matches("Accepted publickey").count(), 1);
}

fn echo(word: &str) -> Call {
    Call::new("command", Map::from([("_raw_params", format!("echo {word}"))]))
}

#[test]
fn several_tasks_go_out_before_the_first_has_answered() {
    let sshd = Sshd::start();
    let connection = connect(&sshd.settings(&[]));
    let calls: Vec<Call> = (0..40).map(|number| echo(&number.to_string())).collect();
    let mut said = Vec::new();
    connection.run_ahead(&calls, &mut |at, result| {
        assert_eq!(at, said.len());
        said.push(result.unwrap().get_str("stdout").unwrap().to_owned());
        true
    });
    assert_eq!(said, (0..40).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[test]
fn tasks_that_were_sent_ahead_are_called_off() {
    let sshd = Sshd::start();
    let connection = connect(&sshd.settings(&[]));
    let file = sshd.path("touched");
    let touch = format!("touch {}", file.display());
    let calls = [
        echo("one"),
        Call::new("command", Map::from([("_raw_params", "sleep 90")])),
        Call::new("command", Map::from([("_raw_params", touch)])),
    ];
    let start = Instant::now();
    let mut seen = 0;
    connection.run_ahead(&calls, &mut |_, _| {
        seen += 1;
        false
    });
    assert_eq!(seen, 1);
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    assert!(!file.exists());
    let result = run(&*connection, "ping", Map::new()).unwrap();
    assert_eq!(result.get_str("ping"), Some("pong"));
}

#[test]
fn a_session_that_breaks_takes_all_that_was_sent_ahead_along() {
    let sshd = Sshd::start();
    let connection = connect(&sshd.settings(&[]));
    let slow = Call::new("command", Map::from([("_raw_params", "sleep 90")]));
    let mut lost = 0;
    connection.run_ahead(&[echo("one"), slow.clone(), slow], &mut |at, result| {
        if at == 0 {
            sshd.kill_sessions();
        } else {
            assert!(result.unwrap_err().is_unreachable());
            lost += 1;
        }
        true
    });
    assert_eq!(lost, 2);
}

/// Signs of life every two seconds, and three of them missing end a session.
const SOON: (&str, &str) = ("ansible_ssh_extra_args", "-o ServerAliveInterval=2 -o ServerAliveCountMax=3");

#[test]
fn a_host_that_freezes_in_a_task_is_unreachable_in_time() {
    let sshd = Sshd::start();
    let connection = connect(&sshd.settings(&[SOON]));
    let call = Call::new("shell", Map::from([("_raw_params", "echo running; sleep 90")]));
    let start = Instant::now();
    let error = connection
        .run(&call, &mut |progress| {
            if matches!(progress, Progress::Stdout(_)) {
                sshd.freeze_sessions();
            }
        })
        .unwrap_err();
    assert!(error.is_unreachable(), "{error:?}");
    assert!(error.to_string().contains("nothing came for"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    // The next session is a new one.
    run(&*connection, "ping", Map::new()).unwrap();
}

#[test]
fn a_host_that_freezes_between_tasks_is_noticed_at_the_next() {
    let sshd = Sshd::start();
    let connection = connect(&sshd.settings(&[SOON]));
    run(&*connection, "ping", Map::new()).unwrap();
    sshd.freeze_sessions();
    let error = run(&*connection, "ping", Map::new()).unwrap_err();
    assert!(error.is_unreachable(), "{error:?}");
}

#[test]
fn a_raw_command_on_a_frozen_host_ends_in_time_and_a_silent_one_does_not() {
    let sshd = Sshd::start();
    let connection = connect(&sshd.settings(&[SOON]));
    // Longer than the silence that is allowed: the server answers for the command.
    assert_eq!(connection.raw("sleep 9; echo slow", None).unwrap().stdout, b"slow\n");
    let sign = sshd.path("sign");
    let error = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !sign.exists() {
                std::thread::sleep(Duration::from_millis(20));
            }
            sshd.freeze_sessions();
        });
        connection.raw(&format!("touch {}; sleep 90", sign.display()), None).unwrap_err()
    });
    assert!(error.is_unreachable(), "{error:?}");
}

#[test]
fn a_killed_agent_fails_its_task_and_the_next_gets_another() {
    let sshd = Sshd::start();
    let connection = connect(&sshd.settings(&[]));
    let error =
        run(&*connection, "shell", Map::from([("_raw_params", "kill -9 $PPID; sleep 90")])).unwrap_err();
    assert!(matches!(error, ConnectionError::AgentLost { .. }), "{error:?}");
    assert!(!error.is_unreachable());
    run(&*connection, "ping", Map::new()).unwrap();
}

#[test]
fn a_server_with_one_session_a_connection_is_enough() {
    let sshd = Sshd::with_options("MaxSessions 1");
    let connection = connect(&sshd.settings(&[]));
    run(&*connection, "ping", Map::new()).unwrap();
    assert_eq!(connection.raw("echo raw", None).unwrap().stdout, b"raw\n");
    run(&*connection, "ping", Map::new()).unwrap();
}

#[test]
fn a_server_that_sheds_load_is_tried_again() {
    let sshd = Sshd::with_options("MaxStartups 1:100:1");
    // Two that never log in: the server hangs up on whoever comes next, until one of them goes.
    let busy = std::net::TcpStream::connect(("127.0.0.1", sshd.port())).unwrap();
    let settings = sshd.settings(&[]);
    let task = std::thread::spawn(move || ping(&settings));
    for _ in 0..600 {
        if sshd.log().contains("drop connection") {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(sshd.log().contains("drop connection"), "{}", sshd.log());
    drop(busy);
    task.join().unwrap().unwrap();
}

#[test]
fn a_host_that_comes_back_is_reached_again() {
    let mut sshd = Sshd::start();
    let connection = connect(&sshd.settings(&[]));
    run(&*connection, "ping", Map::new()).unwrap();
    sshd.stop();
    assert!(run(&*connection, "ping", Map::new()).unwrap_err().is_unreachable());
    sshd.start_again();
    run(&*connection, "ping", Map::new()).unwrap();
}

#[test]
fn an_ephemeral_agent_leaves_nothing() {
    let sshd = Sshd::start();
    let mut settings = sshd.settings(&[]);
    settings.ephemeral = true;
    let connections = Connections::new();
    run(&*connections.get(&settings), "ping", Map::new()).unwrap();
    let kept = || fs::read_dir(sshd.home()).unwrap().count();
    assert_eq!(kept(), 1);
    drop(connections);
    for _ in 0..600 {
        if kept() == 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("something is left in the home folder");
}

#[test]
fn raw_commands_need_no_agent() {
    let sshd = Sshd::start();
    let output = connect(&sshd.settings(&[])).raw("echo out; echo err >&2; exit 7", None).unwrap();
    assert_eq!((output.rc, &output.stdout[..], &output.stderr[..]), (7, &b"out\n"[..], &b"err\n"[..]));
    assert!(!sshd.home().join(".cache").exists());
}

/// A copy of large content to a file.
fn copy_of(content: &Content, dest: &std::path::Path) -> Call {
    let args = Map::from([
        ("dest", dest.display().to_string()),
        ("content_blob", content.hex()),
        ("mode", "0600".into()),
    ]);
    Call { contents: vec![content.clone()], ..Call::new("copy", args) }
}

#[test]
fn large_content_is_sent_when_it_is_needed_and_only_then() {
    let sshd = Sshd::start();
    let connection = connect(&sshd.settings(&[]));
    let content = Content::from_bytes(vec![42; 3 * 1024 * 1024]);
    let dest = sshd.path("copied");
    let call = copy_of(&content, &dest);
    let result = connection.run(&call, &mut |_| ()).unwrap();
    assert_eq!(result.get("changed"), Some(&Value::from(true)), "{result:?}");
    assert_eq!(fs::read(&dest).unwrap(), vec![42; 3 * 1024 * 1024]);
    let again = connection.run(&call, &mut |_| ()).unwrap();
    assert_eq!(again.get("changed"), Some(&Value::from(false)), "{again:?}");
}

#[test]
fn a_session_may_be_compressed_and_a_file_flushed_later() {
    let sshd = Sshd::start();
    let settings = sshd.settings(&[("ansible_ssh_extra_args", "-C")]);
    assert!(settings.compression);
    let connections = Connections::new();
    // Large enough to be flushed to the disk behind the task.
    let content = Content::from_bytes((0..9_000_000_u32).map(|n| (n % 251) as u8).collect::<Vec<u8>>());
    let dest = sshd.path("copied");
    let connection = connections.get(&settings);
    let result = connection.run(&copy_of(&content, &dest), &mut |_| ()).unwrap();
    assert_eq!(result.get("changed"), Some(&Value::from(true)), "{result:?}");
    assert_eq!(Content::from_file(&dest).unwrap().hash(), content.hash());
    run(&*connection, "ping", Map::new()).unwrap();
}

#[test]
fn a_file_of_the_host_is_fetched_whole() {
    let sshd = Sshd::start();
    let path = sshd.path("big");
    fs::write(&path, vec![9; 5_000_000]).unwrap();
    let connection = connect(&sshd.settings(&[]));
    let mut copy = Vec::new();
    let fetched = connection.fetch(&path.display().to_string(), None, &mut copy).unwrap();
    assert_eq!((fetched.size, copy.len()), (5_000_000, 5_000_000));
    let missing = connection.fetch("/no/such/file", None, &mut Vec::new()).unwrap_err();
    assert!(matches!(missing, ConnectionError::RemoteFile { missing: true, .. }), "{missing:?}");
    run(&*connection, "ping", Map::new()).unwrap();
}

#[test]
fn a_login_shell_that_chatters_is_put_up_with() {
    let sshd = Sshd::with_options(
        "ForceCommand echo Welcome to the machine; printf half a line; eval \"$SSH_ORIGINAL_COMMAND\"",
    );
    ping(&sshd.settings(&[])).unwrap();
}

#[test]
fn a_login_shell_that_does_something_else_is_quoted() {
    let sshd = Sshd::with_options("ForceCommand echo This account is currently not available.; exit 1");
    let error = ping(&sshd.settings(&[])).unwrap_err();
    assert!(error.to_string().contains("not available"), "{error}");
}

#[test]
fn the_systems_ssh_carries_the_same_conversation() {
    let sshd = Sshd::start();
    let result = ping(&sshd.settings(&[("ansible_connection", "openssh")])).unwrap();
    assert_eq!(result.get_str("ping"), Some("pong"));
    let unknown = sshd.settings(&[
        ("ansible_connection", "openssh"),
        ("ansible_ssh_common_args", &format!("-o UserKnownHostsFile={}", sshd.path("empty").display())),
    ]);
    match refusal(&unknown) {
        Unreachable::Program { detail } => {
            assert!(detail.contains("Host key verification failed"), "{detail}")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_jump_host_is_gone_through() {
    let (jump, inner) = (Sshd::start(), Sshd::start());
    let both = jump.path("both");
    let keys = [jump.known_hosts("host_ed25519"), inner.known_hosts("host_ed25519")];
    fs::write(&both, keys.map(|file| fs::read_to_string(file).unwrap()).join("")).unwrap();
    let proxy = format!(
        "-o UserKnownHostsFile={both} -o 'ProxyCommand=ssh -i {key} -p {port} -o UserKnownHostsFile={both} -W %h:%p 127.0.0.1'",
        both = both.display(),
        key = jump.path("user").display(),
        port = jump.port(),
    );
    ping(&inner.settings(&[("ansible_ssh_common_args", &proxy)])).unwrap();
    assert!(jump.log().contains("Accepted publickey"), "{}", jump.log());
}

#[test]
fn a_bastion_is_gone_through() {
    let (bastion, inner) = (Sshd::start(), Sshd::start());
    let mut settings = inner.settings(&[]);
    settings.way = Way::OpenSsh("the bastion".into());
    settings.jump = Some(Box::new(bastion.settings(&[])));
    ping(&settings).unwrap();
    assert!(bastion.log().contains("Accepted publickey"), "{}", bastion.log());
}

#[test]
fn becoming_a_user_without_a_way_says_why() {
    let sshd = Sshd::start();
    let mut call = Call::new("ping", Map::new());
    let mut user = Become::sudo("root");
    user.program = Some("/no/such/sudo".into());
    call.become_as = Some(user);
    let connection = connect(&sshd.settings(&[]));
    let error = connection.run(&call, &mut |_| ()).unwrap_err();
    assert!(matches!(error, ConnectionError::Become { .. }), "{error:?}");
    assert!(!error.is_unreachable());
    run(&*connection, "ping", Map::new()).unwrap();
}
