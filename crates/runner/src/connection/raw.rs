//! Shell commands without an agent: `raw` and `script` on hosts where nothing can be placed, also as another user.

use std::io;
use std::time::{Duration, Instant};

use modules::wire::{BecomeMethod, asks_for_password};

use super::ssh_args::split_words;
use super::transport::{Output, Transport, for_message};
use super::{Become, BecomeFailure, ConnectionError, ConnectionSettings};

/// How long a raw command may be silent: it may well be an upgrade of the host.
pub(crate) const PATIENCE: Duration = Duration::from_secs(24 * 3600);
/// What the other user's shell says first.
const STARTED: &str = "TASKBOX-BECOME-SUCCESS";
/// What `sudo` is told to ask with.
const PROMPT: &str = "[taskbox] password:";

/// The command line that runs a command as another user, with both streams as one, so that a question is seen in its place.
pub(crate) fn become_line(user: &Become, command: &str) -> String {
    let inner = quote(&format!("echo {STARTED}; {command}"));
    let name = quote(&user.user);
    let program = quote(user.program());
    let flags: Vec<String> =
        user.flags.as_deref().map(split_words).unwrap_or_default().iter().map(|flag| quote(flag)).collect();
    let line = match user.method {
        BecomeMethod::Sudo => {
            let flags = if user.flags.is_some() { flags.join(" ") } else { "-H".into() };
            format!("{program} {flags} -S -p {} -u {name} /bin/sh -c {inner}", quote(PROMPT))
        }
        BecomeMethod::Su => format!("{program} {} {name} -c {inner}", flags.join(" ")),
        BecomeMethod::Doas => format!("{program} {} -u {name} /bin/sh -c {inner}", flags.join(" ")),
    };
    format!("LC_ALL=C {line} 2>&1")
}

/// Answers the question for the password, then waits for the end.
pub(crate) fn finish_as(
    mut transport: Box<dyn Transport>,
    user: &Become,
    settings: &ConnectionSettings,
    lost: impl Fn(&io::Error) -> ConnectionError,
) -> Result<Output, ConnectionError> {
    let failed = |cause| ConnectionError::Become { host: settings.host.clone(), cause };
    let method = user.method;
    let deadline = Instant::now() + settings.become_timeout;
    let (mut seen, mut answered) = (Vec::new(), false);
    let mark = format!("{STARTED}\n");
    loop {
        if let Some(at) = find(&seen, mark.as_bytes()) {
            transport.set_patience(PATIENCE);
            let mut output = transport.finish().map_err(|error| lost(&error))?;
            output.stdout.splice(..0, seen.drain(at + mark.len()..));
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&seen).to_lowercase();
        let asked = match method {
            BecomeMethod::Sudo => said.contains(PROMPT),
            BecomeMethod::Su => asks_for_password(&said, &user.prompts),
            BecomeMethod::Doas => said.trim_end().ends_with("password:"),
        };
        if !answered && asked {
            let password =
                user.password.as_ref().ok_or_else(|| failed(BecomeFailure::MissingPassword { method }))?;
            answered = true;
            seen.clear();
            transport
                .write_all(format!("{}\n", password.as_str()).as_bytes())
                .map_err(|error| lost(&error))?;
        } else if answered && (said.contains("try again") || said.contains(PROMPT)) {
            return Err(failed(BecomeFailure::WrongPassword { method }));
        }
        transport.set_patience(deadline.saturating_duration_since(Instant::now()));
        let mut buffer = [0; 4096];
        match transport.read(&mut buffer) {
            Ok(0) => return Err(failed(refusal(method, answered, &seen))),
            Ok(count) => seen.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                let detail = for_message(&seen);
                return Err(failed(BecomeFailure::Timeout { method, after: settings.become_told(), detail }));
            }
            Err(error) => return Err(lost(&error)),
        }
    }
}

/// It ended before the command began.
fn refusal(method: BecomeMethod, answered: bool, seen: &[u8]) -> BecomeFailure {
    let said = String::from_utf8_lossy(seen).to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if any(&["not found", "no such file"]) && said.contains(method.name()) {
        BecomeFailure::NoProgram { method }
    } else if answered
        && any(&["incorrect password", "authentication fail", "sorry, try again", "permission denied"])
    {
        BecomeFailure::WrongPassword { method }
    } else if !answered && any(&["password is required", "no password was provided", "authentication fail"]) {
        BecomeFailure::MissingPassword { method }
    } else {
        BecomeFailure::NotAllowed { method, detail: for_message(seen) }
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// A word in single quotes, for a shell.
pub(crate) fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::connection::child::ChildPipes;

    /// A stand-in for sudo that asks, checks and runs, as the real one does with `-S`.
    const SUDO: &str = r#"#!/bin/sh
while [ "$1" != -c ]; do [ "$1" = -p ] && prompt=$2; shift; done
printf '%s' "$prompt" >&2
read -r given
[ "$given" = right ] || { echo 'Sorry, try again.' >&2; exit 1; }
exec /bin/sh "$@"
"#;

    fn run(script: &str, password: Option<&str>, command: &str) -> Result<Output, ConnectionError> {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("sudo");
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut user = Become::sudo("app");
        user.program = Some(program.to_string_lossy().into_owned());
        user.password = password.map(Into::into);
        let line = become_line(&user, command);
        let pipes =
            ChildPipes::start(Command::new("sh").args(["-c", &line]), Duration::from_secs(20)).unwrap();
        finish_as(Box::new(pipes), &user, &ConnectionSettings::local("h"), |error| panic!("{error}"))
    }

    #[test]
    fn the_command_runs_after_the_right_password() {
        let output = run(SUDO, Some("right"), "echo it''s; exit 3").unwrap();
        assert_eq!((output.stdout, output.code), (b"its\n".to_vec(), 3));
    }

    #[test]
    fn what_can_go_wrong_is_told_apart() {
        for (script, password, expected) in [
            (SUDO, Some("wrong"), "Incorrect sudo password"),
            (SUDO, None, "Missing sudo password"),
            (
                "#!/bin/sh\necho app is not in the sudoers file; exit 1\n",
                Some("right"),
                "sudo refuses: app is not in the sudoers file",
            ),
            ("#!/bin/sh\necho sudo: not found; exit 127\n", Some("right"), "sudo: command not found"),
        ] {
            assert_eq!(run(script, password, "true").unwrap_err().to_string(), expected);
        }
    }
}
