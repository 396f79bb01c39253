//! Starts an agent of another user through `sudo`, `su` or `doas`, and tells apart what can go wrong on the way.
//!
//! The password is written to the program's input when, and only when, the program asks for it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::codec::{Kind, read_frame};
use super::context_child::{ContextChild, Said};
use super::message::{BecomeError, BecomeMethod, BecomeRequest, Hello, Message};
use super::password_prompt::asks_for_password;
use super::serve::{Agent, ServeOptions};
use crate::process::find_program;
use crate::{Context, hex};

/// Runs as the other user: starts our program if that user may read it; otherwise asks for it on its input and keeps it in a folder of
/// its own, the first where programs may be run.
const SCRIPT: &str = r#"
if test -x "$0"; then exec "$0" serve; fi
umask 077
for base in "$HOME" /tmp /var/tmp /dev/shm /run; do
    own=$(mktemp -d "$base/.taskbox-XXXXXXXXXX" 2>/dev/null) || continue
    printf '#!/bin/sh\n' > "$own/agent" && chmod 700 "$own/agent" && "$own/agent" 2>/dev/null || { rm -rf "$own"; continue; }
    rm -f "$own/agent"
    echo need
    head -c "$1" > "$own/agent" && chmod 700 "$own/agent" && exec "$own/agent" serve --once
    rm -rf "$own"
    exit 1
done
echo "taskbox: found no folder in which this user may run a program" >&2
exit 1
"#;

/// Starts the agent that `request` wants.
///
/// # Errors
/// See [`BecomeError`].
pub(super) fn become_user(
    agent: &Arc<Agent>,
    request: &BecomeRequest,
    options: &ServeOptions,
) -> Result<(Hello, ContextChild), BecomeError> {
    let prompt = unique_prompt();
    let mut child = spawn(request, &prompt, &options.program)?;
    match Handshake::new(&mut child, request, prompt, &options.program).and_then(Handshake::run) {
        Ok(Ready { hello, stdin, stdout, said }) => {
            Ok((hello, ContextChild::new(agent, request.context, child, stdin, stdout, said)))
        }
        Err(error) => {
            let _ = child.kill();
            let _ = child.try_wait();
            Err(error)
        }
    }
}

/// A prompt that cannot be confused with anything else the program says.
fn unique_prompt() -> String {
    let mut bytes = [0; 8];
    // Without random numbers it is merely less unique.
    let _ = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    format!("[taskbox become {}] password:", hex::encode(&bytes))
}

fn spawn(request: &BecomeRequest, prompt: &str, agent: &Path) -> Result<Child, BecomeError> {
    let name = request.program.as_deref().unwrap_or(request.method.name());
    let missing = || BecomeError::NoProgram { program: name.to_string() };
    let program = if name.contains('/') {
        Path::new(name).to_path_buf()
    } else {
        find_program(name, &Context::local()).ok_or_else(missing)?
    };
    let size = std::fs::metadata(agent).map_or(0, |about| about.len()).to_string();
    let agent = agent.to_string_lossy();
    let mut command = Command::new(program);
    let flags = request.flags.iter().flatten().filter(|flag| *flag != "-n");
    match request.method {
        BecomeMethod::Sudo => {
            if request.flags.is_none() {
                command.arg("-H");
            }
            command.args(flags).args([
                "-S",
                "-p",
                prompt,
                "-u",
                &request.user,
                "--",
                "/bin/sh",
                "-c",
                SCRIPT,
            ]);
            command.args([&*agent, &size]);
        }
        BecomeMethod::Doas => {
            command.args(flags).args(["-u", &request.user, "/bin/sh", "-c", SCRIPT, &agent, &size]);
        }
        BecomeMethod::Su => {
            let script = format!(
                "/bin/sh -c '{}' {} {size}",
                SCRIPT.replace('\'', r"'\''"),
                crate::process::quote(&agent)
            );
            command.args(flags).args([&request.user, "-c", &script]);
        }
    }
    command
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    data::program::start(&mut command).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => missing(),
        _ => BecomeError::Refused { message: format!("could not start {name}: {error}") },
    })
}

enum Event {
    /// Something came on standard error.
    Heard,
    /// The script wants the program.
    Need,
    /// The agent's first frame came; what follows is frames.
    Hello(Box<Hello>, ChildStdout),
    /// Standard output was closed.
    Closed,
}

struct Ready {
    hello: Hello,
    stdin: ChildStdin,
    stdout: ChildStdout,
    said: Said,
}

struct Handshake<'a> {
    request: &'a BecomeRequest,
    prompt: String,
    program: &'a Path,
    stdin: ChildStdin,
    said: Said,
    events: Receiver<Event>,
    answered: bool,
}

impl<'a> Handshake<'a> {
    fn new(
        child: &mut Child,
        request: &'a BecomeRequest,
        prompt: String,
        program: &'a Path,
    ) -> Result<Self, BecomeError> {
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(BecomeError::Refused { message: "its pipes could not be opened".to_string() });
        };
        let (said, (sender, events)) = (Said::default(), mpsc::channel());
        let (ears, heard) = (said.clone(), sender.clone());
        thread::spawn(move || ears.listen(stderr, || drop(heard.send(Event::Heard))));
        thread::spawn(move || watch(stdout, &sender));
        Ok(Self { request, prompt, program, stdin, said, events, answered: false })
    }

    fn run(mut self) -> Result<Ready, BecomeError> {
        let limit = Duration::from_millis(self.request.timeout_ms);
        let start = Instant::now();
        loop {
            let left = limit.saturating_sub(start.elapsed());
            match self.events.recv_timeout(left) {
                Ok(Event::Heard) => self.answer()?,
                Ok(Event::Need) => self.send_program()?,
                Ok(Event::Hello(hello, stdout)) => {
                    self.said.clear();
                    return Ok(Ready { hello: *hello, stdin: self.stdin, stdout, said: self.said });
                }
                Ok(Event::Closed) => return Err(self.refusal()),
                Err(_) => {
                    return Err(BecomeError::Timeout { seconds: limit.as_secs(), output: self.visible() });
                }
            }
        }
    }

    fn method(&self) -> String {
        self.request.method.name().to_string()
    }

    /// Gives the password once. Being asked again means that it was wrong.
    fn answer(&mut self) -> Result<(), BecomeError> {
        if !self.is_asked() {
            return Ok(());
        }
        if self.answered {
            return Err(BecomeError::WrongPassword { method: self.method() });
        }
        let Some(password) = &self.request.password else {
            return Err(BecomeError::MissingPassword { method: self.method() });
        };
        self.said.clear();
        self.answered = true;
        let mut line = password.as_bytes().to_vec();
        line.push(b'\n');
        // A program that has ended meanwhile is noticed by its closed output.
        let _ = self.stdin.write_all(&line).and_then(|()| self.stdin.flush());
        Ok(())
    }

    fn is_asked(&self) -> bool {
        let said = self.said.text();
        match self.request.method {
            BecomeMethod::Sudo => said.contains(&self.prompt),
            BecomeMethod::Su => asks_for_password(&said, &self.request.prompts),
            BecomeMethod::Doas => said.to_lowercase().trim_end().ends_with("password:"),
        }
    }

    fn send_program(&mut self) -> Result<(), BecomeError> {
        let sent = File::open(self.program).and_then(|mut file| {
            io::copy(&mut file, &mut self.stdin)?;
            self.stdin.flush()
        });
        sent.map_err(|error| BecomeError::Refused {
            message: format!("could not hand over the agent: {error}"),
        })
    }

    /// It ended before our agent spoke.
    fn refusal(&self) -> BecomeError {
        // The last words on standard error may come after the end of standard output.
        while let Ok(Event::Heard) = self.events.recv_timeout(Duration::from_millis(200)) {}
        let said = self.visible();
        let lower = said.to_lowercase();
        let any = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        let method = self.method();
        if self.answered
            && any(&["incorrect password", "authentication fail", "sorry", "try again", "permission denied"])
        {
            BecomeError::WrongPassword { method }
        } else if !self.answered
            && any(&[
                "password is required",
                "no password was provided",
                "authentication fail",
                "authorization required",
                "authentication required",
            ])
        {
            BecomeError::MissingPassword { method }
        } else if said.is_empty() {
            BecomeError::Refused { message: format!("{method} ended without a word") }
        } else {
            BecomeError::Refused { message: said }
        }
    }

    fn visible(&self) -> String {
        self.said.text().replace(&self.prompt, "").trim().to_string()
    }
}

/// Reads standard output until the agent's first frame. Whatever a start-up file prints before it is passed over.
fn watch(stdout: ChildStdout, events: &Sender<Event>) {
    // One byte at a time, so that nothing of the frames after the first is taken.
    let mut reader = BufReader::with_capacity(1, stdout);
    loop {
        match reader.fill_buf() {
            Ok([0xf5, ..]) => break,
            Ok([]) | Err(_) => return drop(events.send(Event::Closed)),
            Ok(_) => {}
        }
        let mut line = Vec::new();
        loop {
            let mut byte = [0];
            match reader.read(&mut byte) {
                Ok(1) if byte[0] != b'\n' => line.push(byte[0]),
                Ok(1) => break,
                _ => return drop(events.send(Event::Closed)),
            }
        }
        if line == b"need" && events.send(Event::Need).is_err() {
            return;
        }
    }
    let hello = match read_frame(&mut reader) {
        Ok(Some(frame)) if frame.kind == Kind::Hello => {
            let message = Message { kind: frame.kind, context: 0, request: 0, payload: frame.payload };
            message.decode::<Hello>().ok()
        }
        _ => None,
    };
    let event = match hello {
        Some(hello) => Event::Hello(Box::new(hello), reader.into_inner()),
        None => Event::Closed,
    };
    let _ = events.send(event);
}
