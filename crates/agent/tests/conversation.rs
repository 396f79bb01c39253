//! The agent at the end of a pipe: what it answers, and how it ends when the pipe does or carries garbage.

#![allow(clippy::unwrap_used, reason = "the functions beside the tests are test code too")]

mod running;

use std::io::Write;
use std::process::{Command, Stdio};

use data::{Map, Value};
use modules::RunRequest;
use modules::wire::{BUILD, Frame, Kind, MAX_PAYLOAD, Reply, Request};
use running::{Agent, feed};

#[test]
fn the_first_word_names_the_build() {
    let folder = tempfile::tempdir().unwrap();
    let agent = Agent::start(folder.path());
    assert_eq!(agent.hello.build, BUILD);
    assert_eq!(agent.hello.pid, agent.process.id());
}

#[test]
fn a_request_gets_a_result() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = Agent::start(folder.path());
    let result = agent.run(0, "ping", Map::from([("data", "hello")]));
    assert_eq!(result.get_str("ping"), Some("hello"));
}

#[test]
fn several_requests_may_wait_in_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = Agent::start(folder.path());
    let ids: Vec<u32> = (0..20)
        .map(|number: i32| {
            let args = Map::from([("data", number.to_string())]);
            agent.send(0, &Request::Run(Box::new(RunRequest::new("ping", args))))
        })
        .collect();
    for (number, id) in ids.into_iter().enumerate() {
        let (request, reply) = agent.reply();
        assert_eq!(request, id);
        let Reply::Result(result) = reply else { panic!("{reply:?}") };
        assert_eq!(result.get_str("ping"), Some(number.to_string().as_str()));
    }
}

#[test]
fn content_is_taken_once_and_only_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = Agent::start(folder.path());
    let bytes = vec![b'x'; 3 * 1024 * 1024];
    let sha256 = sha256(&bytes);
    let offer = Request::Offer { sha256: vec![sha256.clone()] };
    assert_eq!(agent.ask(0, &offer), Reply::Need { sha256: vec![sha256.clone()] });

    let cheat = agent.send(0, &Request::Blob { sha256: sha256.clone(), size: 4 });
    agent.chunk(cheat, b"four");
    assert!(matches!(agent.reply(), (_, Reply::Failed { .. })));
    assert_eq!(agent.ask(0, &offer), Reply::Need { sha256: vec![sha256.clone()] });

    let honest = agent.send(0, &Request::Blob { sha256, size: bytes.len() as u64 });
    for part in bytes.chunks(1024 * 1024) {
        agent.chunk(honest, part);
    }
    assert_eq!(agent.reply(), (honest, Reply::Stored));
    assert_eq!(agent.ask(0, &offer), Reply::Need { sha256: Vec::new() });
}

#[test]
fn content_that_one_agent_laid_down_is_taken_over_by_another() {
    let (folder, other_folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut one, mut other) = (Agent::start(folder.path()), Agent::start(other_folder.path()));
    let bytes = vec![b'x'; 3 * 1024 * 1024];
    let sha256 = sha256(&bytes);
    let id = other.send(0, &Request::Lay { sha256: sha256.clone(), size: bytes.len() as u64 });
    for part in bytes.chunks(1024 * 1024) {
        other.chunk(id, part);
    }
    let (_, Reply::Laid(file)) = other.reply() else { panic!("it was not laid down") };
    assert!(file.path.starts_with(other_folder.path()));
    drop(other);
    let adopt = Request::Adopt { sha256: sha256.clone(), file };
    assert_eq!(one.ask(0, &adopt), Reply::Stored);
    assert_eq!(one.ask(0, &Request::Offer { sha256: vec![sha256] }), Reply::Need { sha256: Vec::new() });
    // It is gone from where it lay.
    assert!(matches!(one.ask(0, &adopt), Reply::Failed { .. }));
}

/// Whatever the size of a file, no more of it than a few chunks is in memory.
#[test]
fn a_large_file_does_not_make_the_agent_large() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = Agent::start(folder.path());
    let (chunk, count) = (vec![b'x'; 1024 * 1024], 200);
    let size = (chunk.len() * count) as u64;
    let id = agent.send(0, &Request::Blob { sha256: "00".into(), size });
    for _ in 0..count {
        agent.chunk(id, &chunk);
    }
    // The hash is wrong, so that nothing stays.
    assert!(matches!(agent.reply(), (_, Reply::Failed { .. })));
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.process.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 40_000, "{peak} kB");
}

#[test]
fn a_file_is_sent_with_its_hash() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let bytes = vec![b'y'; 1_000_000];
    std::fs::write(&file, &bytes).unwrap();
    let mut agent = Agent::start(folder.path());
    agent.send(0, &Request::Fetch { path: file.to_str().unwrap().to_string() });
    assert!(matches!(agent.reply().1, Reply::File { size: 1_000_000, .. }));
    let mut seen = Vec::new();
    loop {
        let message = agent.message();
        if message.kind == Kind::Chunk {
            seen.extend(message.payload);
        } else {
            let end = Reply::FileEnd { sha256: sha256(&bytes), size: 1_000_000 };
            assert_eq!(message.decode::<Reply>().unwrap(), end);
            break;
        }
    }
    assert!(seen == bytes);
    let missing = Request::Fetch { path: "/no/such/file".to_string() };
    assert!(matches!(agent.ask(0, &missing), Reply::Failed { message } if message.contains("/no/such/file")));
}

#[test]
fn a_context_that_is_not_there_is_said_to_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = Agent::start(folder.path());
    assert_eq!(agent.ask(7, &Request::Ping), Reply::Failed { message: "there is no context 7".to_string() });
}

#[test]
fn a_request_that_cannot_be_read_does_not_end_the_agent() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = Agent::start(folder.path());
    let garbage = Frame::new(Kind::Request, 0, 9, vec![0xff; 10]);
    garbage.write_to(agent.stdin.as_mut().unwrap()).unwrap();
    assert!(matches!(agent.reply(), (9, Reply::Failed { .. })));
    assert_eq!(agent.ask(0, &Request::Ping), Reply::Pong);
}

#[test]
fn the_end_of_input_is_a_good_end() {
    assert_eq!(feed(b""), (true, String::new()));
    assert!(feed(&Frame::new(Kind::Request, 0, 0, Vec::new()).to_bytes()).0);
}

#[test]
fn garbage_cut_frames_and_giant_lengths_end_it_with_a_word() {
    let mut giant = Frame::new(Kind::Request, 0, 1, Vec::new()).to_bytes();
    giant[13..17].copy_from_slice(&u32::try_from(MAX_PAYLOAD + 1).unwrap().to_le_bytes());
    let whole = Frame::new(Kind::Request, 0, 1, vec![1; 100]).to_bytes();
    for (bytes, word) in [
        (b"GET / HTTP/1.0\r\n\r\n".to_vec(), "not from the agent"),
        (giant, "longer than"),
        (whole[..50].to_vec(), "in the middle of a frame"),
        (whole[..10].to_vec(), "in the middle of a frame"),
    ] {
        let (good, said) = feed(&bytes);
        assert!(!good);
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn once_means_that_nothing_stays() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own");
    std::fs::create_dir(&own).unwrap();
    let program = own.join("agent");
    std::fs::copy(env!("CARGO_BIN_EXE_taskbox-agent"), &program).unwrap();
    let mut process = Command::new(&program)
        .args(["serve", "--once"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().flush().unwrap();
    assert!(process.wait().unwrap().success());
    assert!(!own.exists());
}

#[test]
fn a_module_that_is_unknown_is_a_result_and_not_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = Agent::start(folder.path());
    let result = agent.run(0, "no_such_module", Map::new());
    assert_eq!(result.get("failed"), Some(&Value::from(true)));
}

fn sha256(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bytes");
    std::fs::write(&file, bytes).unwrap();
    let output = Command::new("sha256sum").arg(file).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_string()
}

#[test]
fn a_job_outlives_the_agent_and_its_result_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (gate, jobs) = (folder.path().join("gate"), folder.path().join("jobs"));
    let made = Command::new("mkfifo").arg(&gate).status().unwrap();
    assert!(made.success());
    let args = Map::from([("_raw_params", format!("cat {}", gate.display()))]);
    let job = modules::job::Job {
        id: "j1.2".to_string(),
        seconds: 600,
        folder: jobs.to_str().unwrap().to_string(),
    };
    let request = RunRequest { job: Some(job), ..RunRequest::new("shell", args) };
    let ask = || Map::from([("jid", "j1.2"), ("_async_dir", jobs.to_str().unwrap())]);

    let mut agent = Agent::start(folder.path());
    let Reply::Result(started) = agent.ask(0, &Request::Run(Box::new(request))) else { panic!() };
    assert_eq!(started.get("started"), Some(&Value::from(true)), "{started:?}");
    assert_eq!(agent.run(0, "async_status", ask()).get("finished"), Some(&Value::from(false)));
    drop(agent);

    // Opening the pipe waits for the job to read from it; then it ends.
    std::fs::write(&gate, "done\n").unwrap();
    let mut agent = Agent::start(folder.path());
    let result = loop {
        let result = agent.run(0, "async_status", ask());
        if result.get("finished") == Some(&Value::from(true)) {
            break result;
        }
    };
    assert_eq!(result.get_str("stdout"), Some("done"));
    assert_eq!(result.get("changed"), Some(&Value::from(true)));
    assert!(agent.run(0, "async_status", Map::from([("jid", "../x")])).get("failed").is_some());
}
