//! `listen_ports_facts`: what listens on the host and which process it is.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use data::{Map, Value};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::sockets::{Protocol, Socket, sockets};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome, accounts};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "listen_ports_facts",
    collection: "community.general",
    summary: "Gather facts on processes listening on TCP and UDP ports",
    args: &[
        Arg::str("command")
            .choices(&["netstat", "ss"])
            .help("The program that the original asks; here the kernel is asked, so that none is needed."),
        Arg::bool("include_non_listening").default_bool(false).help("Connected sockets too."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, _: &mut Context) -> Result<Outcome, Failure> {
    let all = args.bool("include_non_listening");
    let owners = owners();
    let boot = boot_time();
    let list = |protocol: Protocol| -> Value {
        let mut seen = Vec::new();
        for socket in sockets(protocol).iter().filter(|socket| all || socket.listens()) {
            let processes = owners.get(&socket.inode).map_or(&[0][..], Vec::as_slice);
            seen.extend(processes.iter().map(|pid| Value::Map(describe(socket, *pid, boot, all))));
        }
        Value::from(seen)
    };
    let facts = Map::from([("tcp_listen", list(Protocol::Tcp)), ("udp_listen", list(Protocol::Udp))]);
    Ok(Outcome::unchanged().with_facts(facts))
}

fn describe(socket: &Socket, pid: u32, boot: i64, all: bool) -> Map {
    let mut entry = Map::from([
        ("protocol", Value::from(socket.protocol.name())),
        ("address", socket.local.0.to_string().into()),
        ("port", i64::from(socket.local.1).into()),
        ("pid", i64::from(pid).into()),
        ("name", process_name(pid).into()),
        ("stime", start_time(pid, boot).into()),
        ("user", process_user(pid).into()),
    ]);
    if all {
        let (address, port) = socket.remote;
        entry.insert("state", socket.state_name());
        entry.insert("foreign_address", format!("{address}:{port}"));
    }
    entry
}

/// The processes that hold each socket, by the socket's inode. Those of other users are seen by root only.
fn owners() -> HashMap<u64, Vec<u32>> {
    let mut owners: HashMap<u64, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        for link in fs::read_dir(entry.path().join("fd")).into_iter().flatten().flatten() {
            let Ok(target) = fs::read_link(link.path()) else { continue };
            let name = target.to_string_lossy();
            let inode = name.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
            if let Some(inode) = inode.and_then(|digits| digits.parse().ok()) {
                let pids = owners.entry(inode).or_default();
                if !pids.contains(&pid) {
                    pids.push(pid);
                }
            }
        }
    }
    owners
}

fn process_name(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end().to_string()
}

fn process_user(pid: u32) -> String {
    fs::metadata(format!("/proc/{pid}")).map(|about| accounts::user_name(about.uid())).unwrap_or_default()
}

/// When the process began, as `ps -o lstart` writes it.
fn start_time(pid: u32, boot: i64) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name may hold anything, brackets and spaces too; it ends at the last bracket.
    let ticks =
        text.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19)?.parse::<i64>().ok());
    // The kernel shows times in hundredths of a second, whatever its own clock does.
    let moment = ticks.and_then(|ticks| Timestamp::from_second(boot + ticks / 100).ok());
    moment
        .map(|moment| moment.to_zoned(TimeZone::system()).strftime("%a %b %e %H:%M:%S %Y").to_string())
        .unwrap_or_default()
}

fn boot_time() -> i64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn our_own_listener_is_found_with_our_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = i64::from(listener.local_addr().unwrap().port());
        let result = crate::run_local(&crate::RunRequest::new("listen_ports_facts", Map::new()));
        let facts = result.get("ansible_facts").unwrap();
        let list = facts.get("tcp_listen").and_then(Value::as_list).unwrap();
        let ours = list.iter().find(|entry| entry.get("port") == Some(&Value::from(port))).unwrap();
        assert_eq!(ours.get("pid"), Some(&Value::from(i64::from(std::process::id()))));
        assert_eq!(ours.get("address"), Some(&Value::from("127.0.0.1")));
        assert!(!ours.get("stime").and_then(Value::as_str).unwrap().is_empty());
    }
}
