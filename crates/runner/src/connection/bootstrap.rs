//! First words with a host: a shell script of one line finds the agent there, or takes it in, and becomes it.
//!
//! The script (`bootstrap.sh`) speaks in lines that begin with `TASKBOX-BOOT`; whatever else a login shell prints before them is noise.
//! `run`: the agent's frames follow. `need MACHINE gz|raw`: it waits for a line with a size, then that many bytes. Others say why not.

use std::io;
use std::time::Duration;

use super::AgentFailure;
use super::agent_file::AgentFiles;
use super::transport::{Transport, for_message};

const SCRIPT: &str = include_str!("bootstrap.sh");
const MARK: &str = "TASKBOX-BOOT ";
/// Noise of a login shell that is read before we give up.
const NOISE: usize = 256 * 1024;

/// The command that starts the agent, for a login shell of any kind: it has no line end and no single quote inside its quotes. An
/// `ephemeral` one is sent each time, into a folder that goes with it.
pub(crate) fn command(files: &AgentFiles, ephemeral: bool) -> String {
    let cases = files.iter().map(|file| {
        let names = if file.machine == "aarch64" { "aarch64|arm64" } else { "x86_64|amd64" };
        format!("{names}) h={};;", file.hash)
    });
    let script = SCRIPT
        .replace("@CASES@", &cases.collect::<Vec<_>>().join(" "))
        .replace("@ONCE@", if ephemeral { "--once" } else { "" });
    format!("exec sh -c '{}'", one_line(&script))
}

/// The script's lines joined: by `;` where a command ends, by a blank where the shell's grammar goes on.
fn one_line(script: &str) -> String {
    let mut joined = String::new();
    for line in script.lines() {
        if !joined.is_empty() {
            let goes_on = ["do", "in", "{", ";;"].iter().any(|word| joined.ends_with(word));
            joined.push_str(if goes_on { " " } else { "; " });
        }
        joined.push_str(line.trim());
    }
    joined
}

/// Why the agent did not come to life.
#[derive(Debug)]
pub(crate) enum BootFailure {
    /// The host's answer says so.
    Agent(AgentFailure),
    /// The session broke or fell silent.
    Broken(io::Error),
}

impl From<io::Error> for BootFailure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

/// Talks with the script until the agent runs. Returns what the agent has said already.
pub(crate) fn start_agent(
    transport: &mut dyn Transport,
    files: &AgentFiles,
    patience: Duration,
) -> Result<Vec<u8>, BootFailure> {
    transport.set_patience(patience);
    let mut lines = BootLines { transport, seen: Vec::new(), total: 0 };
    loop {
        let line = lines.next()?;
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match word {
            "run" => return Ok(lines.seen),
            "need" => upload(&mut lines, files, rest)?,
            "unknown" => {
                return Err(BootFailure::Agent(match files.of(rest) {
                    Err(failure) => failure,
                    Ok(_) => AgentFailure::Shell { detail: format!("it does not know the machine `{rest}`") },
                }));
            }
            "nospace" => return Err(BootFailure::Agent(AgentFailure::NoSpace { detail: rest.to_owned() })),
            "nofolder" if rest.contains("No space left") => {
                return Err(BootFailure::Agent(AgentFailure::NoSpace { detail: rest.to_owned() }));
            }
            "nofolder" => return Err(BootFailure::Agent(AgentFailure::NoFolder { detail: rest.to_owned() })),
            "damaged" => return Err(BootFailure::Agent(AgentFailure::Damaged { detail: rest.to_owned() })),
            _ => {
                return Err(BootFailure::Agent(AgentFailure::Shell { detail: for_message(line.as_bytes()) }));
            }
        }
    }
}

/// Sends the agent for a machine.
fn upload(lines: &mut BootLines<'_>, files: &AgentFiles, wanted: &str) -> Result<(), BootFailure> {
    let (machine, form) = wanted.split_once(' ').unwrap_or((wanted, "raw"));
    let file = files.of(machine).map_err(BootFailure::Agent)?;
    let bytes = file.bytes(form == "gz");
    let sent = lines.transport.write_all(format!("{}\n", bytes.len()).as_bytes()).and_then(|()| {
        lines.transport.write_all(bytes)?;
        lines.transport.flush()
    });
    match sent {
        // A shell that could not take it has said why, and gone.
        Err(error) if error.kind() != io::ErrorKind::TimedOut => Ok(()),
        other => other.map_err(BootFailure::Broken),
    }
}

/// Splits the marked lines out of what comes.
struct BootLines<'a> {
    transport: &'a mut dyn Transport,
    seen: Vec<u8>,
    total: usize,
}

impl BootLines<'_> {
    /// The next marked line, without its mark; what follows it stays in `seen`.
    fn next(&mut self) -> Result<String, BootFailure> {
        loop {
            if let Some((line, length)) = marked_line(&self.seen) {
                self.seen.drain(..length);
                return Ok(line);
            }
            let mut buffer = [0; 16 * 1024];
            let count = match self.transport.read(&mut buffer) {
                Ok(0) => return Err(self.silent()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::TimedOut && !self.seen.is_empty() => {
                    return Err(self.silent());
                }
                Err(error) => return Err(error.into()),
            };
            self.total += count;
            self.seen.extend_from_slice(&buffer[..count]);
            if self.total > NOISE {
                return Err(self.silent());
            }
        }
    }

    /// The shell ended, or chatters, without having come to the point.
    fn silent(&mut self) -> BootFailure {
        let said = for_message(&self.seen);
        let words = self.transport.ending().words;
        let detail = if said.is_empty() { words } else { format!("{said}; {words}") };
        BootFailure::Agent(AgentFailure::Shell { detail })
    }
}

/// The first whole marked line, and how many bytes lie before the end of it.
fn marked_line(seen: &[u8]) -> Option<(String, usize)> {
    let mark = MARK.as_bytes();
    let start = seen.windows(mark.len()).position(|window| window == mark)? + mark.len();
    let length = seen[start..].iter().position(|byte| *byte == b'\n')?;
    let line = String::from_utf8_lossy(&seen[start..start + length]).trim_end().to_owned();
    Some((line, start + length + 1))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use super::*;
    use crate::connection::child::ChildPipes;

    /// An "agent" that says hello: a shell script, so that these tests need no build of the real one.
    const AGENT: &str = "#!/bin/sh\necho hello from the agent \"$@\"\n";

    fn files(folder: &Path, text: &str) -> AgentFiles {
        for machine in ["x86_64", "aarch64"] {
            fs::write(
                folder.join(format!("taskbox-agent-{machine}")),
                format!("{text}# {}\n", modules::wire::BUILD),
            )
            .unwrap();
        }
        AgentFiles::search(folder)
    }

    fn start(home: &Path, files: &AgentFiles, before: &str) -> (Result<Vec<u8>, BootFailure>, ChildPipes) {
        let line = format!("{before}{}", command(files, false));
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).env("HOME", home);
        let mut pipes = ChildPipes::start(&mut shell, Duration::from_secs(30)).unwrap();
        (start_agent(&mut pipes, files, Duration::from_secs(30)), pipes)
    }

    fn hello(result: Result<Vec<u8>, BootFailure>, pipes: ChildPipes) -> String {
        let mut said = result.unwrap();
        said.extend(Box::new(pipes).finish().unwrap().stdout);
        String::from_utf8(said).unwrap()
    }

    #[test]
    fn the_script_is_one_line_for_any_login_shell() {
        let folder = tempfile::tempdir().unwrap();
        let line = command(&files(folder.path(), AGENT), false);
        assert!(!line.contains('\n'));
        assert_eq!(line.matches('\'').count(), 2);
    }

    #[test]
    fn an_agent_is_sent_once_then_found() {
        let (home, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let files = files(folder.path(), AGENT);
        let (result, pipes) = start(home.path(), &files, "");
        assert_eq!(hello(result, pipes), "hello from the agent serve\n");
        let kept =
            home.path().join(".cache/taskbox").join(format!("agent-{}", files.of("x86_64").unwrap().hash));
        let before = fs::metadata(&kept).unwrap().modified().unwrap();
        let (result, pipes) = start(home.path(), &files, "echo welcome, stranger; printf half;");
        assert_eq!(hello(result, pipes), "hello from the agent serve\n");
        assert_eq!(fs::metadata(&kept).unwrap().modified().unwrap(), before);
    }

    #[test]
    fn a_folder_others_can_write_is_not_trusted() {
        use std::os::unix::fs::PermissionsExt;
        let (home, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let files = files(folder.path(), AGENT);
        let cache = home.path().join(".cache/taskbox");
        fs::create_dir_all(&cache).unwrap();
        let planted = cache.join(format!("agent-{}", files.of("x86_64").unwrap().hash));
        fs::write(&planted, "#!/bin/sh\necho hello from the enemy\n").unwrap();
        fs::set_permissions(&planted, fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).unwrap();
        let (result, pipes) = start(home.path(), &files, "");
        assert_eq!(hello(result, pipes), "hello from the agent serve\n");
    }

    #[test]
    fn old_agents_are_pruned() {
        let (home, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for version in 0..5 {
            let (result, pipes) =
                start(home.path(), &files(folder.path(), &format!("{AGENT}# {version}\n")), "");
            hello(result, pipes);
        }
        assert_eq!(fs::read_dir(home.path().join(".cache/taskbox")).unwrap().count(), 3);
    }

    #[test]
    fn a_shell_that_does_something_else_is_quoted() {
        let (home, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let files = files(folder.path(), AGENT);
        let (result, _pipes) = start(home.path(), &files, "echo This account is not available.; exit 1;");
        match result.unwrap_err() {
            BootFailure::Agent(AgentFailure::Shell { detail }) => {
                assert!(detail.contains("not available"), "{detail}")
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_machine_without_an_agent_is_named() {
        let (home, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (result, _pipes) = start(home.path(), &AgentFiles::search(folder.path()), "");
        match result.unwrap_err() {
            BootFailure::Agent(AgentFailure::NoBuild { machine, .. }) => {
                assert_eq!(machine, std::env::consts::ARCH);
            }
            other => panic!("{other:?}"),
        }
    }
}
