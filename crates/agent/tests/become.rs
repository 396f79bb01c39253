//! Becoming another user, with a stand-in for `sudo` that asks, checks and refuses as the real one does.

#![allow(clippy::unwrap_used, reason = "the functions beside the tests are test code too")]

mod running;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use data::{Map, Text, Value};
use modules::wire::{BecomeError, BecomeMethod, BecomeRequest, Reply, Request};
use running::Agent;

const SUDO: &str = r#"#!/bin/sh
while [ "$1" != -- ]; do
    case $1 in
    -p) prompt=$2; shift ;;
    -u) user=$2; shift ;;
    esac
    shift
done
shift
case $user in
free) exec "$@" ;;
hidden) set -- "$1" "$2" "$3" /not/readable "$5"; exec "$@" ;;
nobody) echo "sudo: unknown user nobody" >&2; exit 1 ;;
slow) exec sleep 1000 ;;
esac
echo "We trust you have received the usual lecture." >&2
for try in 1 2 3; do
    printf %s "$prompt" >&2
    read -r password || { echo "sudo: no password was provided" >&2; exit 1; }
    [ "$password" = secret ] && exec "$@"
    echo "Sorry, try again." >&2
done
exit 1
"#;

fn become_as(folder: &Path, user: &str, password: Option<&str>) -> Request {
    let sudo = folder.join("sudo");
    fs::write(&sudo, SUDO).unwrap();
    fs::set_permissions(&sudo, fs::Permissions::from_mode(0o755)).unwrap();
    Request::Become(Box::new(BecomeRequest {
        context: 1,
        method: BecomeMethod::Sudo,
        user: user.to_string(),
        program: Some(sudo.to_str().unwrap().to_string()),
        flags: None,
        password: password.map(|password| Text::plain(password).into_secret()),
        prompts: Vec::new(),
        timeout_ms: if user == "slow" { 300 } else { 60_000 },
    }))
}

fn outcome(user: &str, password: Option<&str>) -> Reply {
    let folder = tempfile::tempdir().unwrap();
    Agent::start(folder.path()).ask(0, &become_as(folder.path(), user, password))
}

#[test]
fn frames_of_the_context_reach_the_other_agent() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = Agent::start(folder.path());
    let Reply::Became(hello) = agent.ask(0, &become_as(folder.path(), "asked", Some("secret"))) else {
        panic!()
    };
    assert_ne!(hello.pid, agent.hello.pid);
    assert_eq!(hello.build, agent.hello.build);
    for context in [1, 0, 1] {
        let result = agent.run(context, "ping", Map::new());
        assert_eq!(result.get("ping"), Some(&Value::from("pong")));
    }
    assert_eq!(agent.ask(0, &Request::Leave { context: 1 }), Reply::Done);
    assert!(!Path::new(&format!("/proc/{}", hello.pid)).exists());
    assert!(matches!(agent.ask(1, &Request::Ping), Reply::Failed { .. }));
}

#[test]
fn no_password_is_sent_when_none_is_asked_for() {
    assert!(matches!(outcome("free", Some("secret")), Reply::Became(_)));
}

#[test]
fn a_user_who_cannot_read_the_program_gets_it_through_the_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = Agent::start(folder.path());
    let Reply::Became(hello) = agent.ask(0, &become_as(folder.path(), "hidden", None)) else { panic!() };
    assert_eq!(agent.ask(1, &Request::Ping), Reply::Pong);
    let program = fs::read_link(format!("/proc/{}/exe", hello.pid)).unwrap();
    assert_eq!(fs::metadata(program.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(agent.ask(0, &Request::Leave { context: 1 }), Reply::Done);
    assert!(!program.parent().unwrap().exists());
}

#[test]
fn what_goes_wrong_is_told_apart() {
    let method = || "sudo".to_string();
    assert_eq!(
        outcome("asked", Some("wrong")),
        Reply::BecomeFailed(BecomeError::WrongPassword { method: method() })
    );
    assert_eq!(
        outcome("asked", None),
        Reply::BecomeFailed(BecomeError::MissingPassword { method: method() })
    );
    assert_eq!(
        outcome("nobody", Some("secret")),
        Reply::BecomeFailed(BecomeError::Refused { message: "sudo: unknown user nobody".to_string() })
    );
    assert!(matches!(outcome("slow", None), Reply::BecomeFailed(BecomeError::Timeout { .. })));
}

#[test]
fn a_missing_program_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let Request::Become(mut request) = become_as(folder.path(), "free", None) else { panic!() };
    request.program = Some("/no/such/sudo".to_string());
    let reply = Agent::start(folder.path()).ask(0, &Request::Become(request));
    assert_eq!(reply, Reply::BecomeFailed(BecomeError::NoProgram { program: "/no/such/sudo".to_string() }));
}

#[test]
fn an_agent_that_dies_in_the_middle_ends_its_request_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = Agent::start(folder.path());
    let Reply::Became(hello) = agent.ask(0, &become_as(folder.path(), "free", None)) else { panic!() };
    assert_eq!(agent.ask(1, &Request::Ping), Reply::Pong);
    let killed = std::process::Command::new("kill").args(["-9", &hello.pid.to_string()]).status().unwrap();
    assert!(killed.success());
    let message = agent.message();
    assert_eq!(message.context, 1);
    assert!(matches!(message.decode::<Reply>().unwrap(), Reply::Failed { .. }));
    assert_eq!(agent.ask(0, &Request::Ping), Reply::Pong);
}
