//! No way into glibc's name service from the agent: in a static binary it loads plugins of another libc and crashes.

use std::process::Command;

/// Functions that ask the name service.
const FORBIDDEN: &[&str] = &[
    "getaddrinfo",
    "gethostbyaddr",
    "gethostbyname",
    "getgrent",
    "getgrgid",
    "getgrnam",
    "getgrouplist",
    "getnameinfo",
    "getpwent",
    "getpwnam",
    "getpwuid",
    "getservbyname",
    "getservbyport",
    "getspnam",
    "initgroups",
];

#[test]
fn the_agent_never_asks_the_name_service() {
    let output = Command::new("nm").arg(env!("CARGO_BIN_EXE_taskbox-agent")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let functions: Vec<&str> = text
        .lines()
        .filter_map(|line| {
            let (rest, name) = line.rsplit_once(' ')?;
            rest.ends_with(['T', 't', 'W', 'w', 'U']).then_some(name)
        })
        .collect();
    assert!(
        functions.contains(&"main"),
        "the symbol table was not read: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let found: Vec<&&str> = functions
        .iter()
        .filter(|name| {
            let plain = name.trim_start_matches('_').trim_end_matches("_r");
            FORBIDDEN.contains(&plain)
        })
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

/// Run after `cargo build --profile agent -p taskbox-agent`.
#[test]
#[ignore = "needs the agent built for release"]
fn the_agent_stays_small() {
    let debug = std::path::Path::new(env!("CARGO_BIN_EXE_taskbox-agent"));
    let agent = debug.parent().unwrap().with_file_name("agent").join("taskbox-agent");
    let size = std::fs::metadata(&agent).unwrap().len();
    assert!(size < 11 * 512 * 1024, "{} has {size} bytes", agent.display());
}
