//! Hands a password to the system's `ssh`: it starts our program as SSH_ASKPASS, which asks us over a socket in a folder of our own.
//! The password is in no argument, no environment variable and no file.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use data::Text;
use tempfile::TempDir;

/// Names the socket to the helper.
const SOCKET: &str = "TASKBOX_ASKPASS_SOCKET";

/// Answers for one connection as long as it lives.
pub(crate) struct Askpass {
    folder: TempDir,
    program: PathBuf,
}

impl Askpass {
    /// Begins to answer with these passwords, each with whose it is: `user@address`. The first is for questions that do not say. With a
    /// `prompt` only questions that contain it are answered, and others wait for ever, as with `sshpass -P`.
    pub(crate) fn new(passwords: Vec<(String, Text)>, prompt: Option<String>) -> io::Result<Self> {
        // Mode 0700: only the user who runs us reaches the socket.
        let folder = tempfile::Builder::new().prefix("taskbox-").tempdir()?;
        let listener = UnixListener::bind(folder.path().join("ask"))?;
        let answers = Answers { passwords, prompt };
        thread::spawn(move || {
            let mut waiting = Vec::new();
            for stream in listener.incoming() {
                match stream.and_then(|stream| answers.answer(stream)) {
                    Ok(Asked::Nothing) | Err(_) => return,
                    Ok(Asked::Answered) => {}
                    Ok(Asked::SomethingElse(stream)) => waiting.push(stream),
                }
            }
        });
        Ok(Self { folder, program: std::env::current_exe()? })
    }

    /// Makes `ssh` ask us.
    pub(crate) fn prepare(&self, ssh: &mut Command) {
        ssh.env("SSH_ASKPASS", &self.program).env("SSH_ASKPASS_REQUIRE", "force").env(SOCKET, self.socket());
        // OpenSSH before 8.4 asks a program only if there is a display.
        if std::env::var_os("DISPLAY").is_none() {
            ssh.env("DISPLAY", ":0");
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("ask")
    }
}

impl Drop for Askpass {
    fn drop(&mut self) {
        // A call without a question ends the thread.
        drop(UnixStream::connect(self.socket()));
    }
}

/// What one call of the helper was about.
enum Asked {
    Nothing,
    Answered,
    /// None of the questions that are waited for; closing the stream would be an answer.
    SomethingElse(UnixStream),
}

struct Answers {
    passwords: Vec<(String, Text)>,
    prompt: Option<String>,
}

impl Answers {
    fn answer(&self, mut stream: UnixStream) -> io::Result<Asked> {
        let mut question = String::new();
        BufReader::new(&stream).take(4096).read_line(&mut question)?;
        if question.is_empty() {
            return Ok(Asked::Nothing);
        }
        let asks = match &self.prompt {
            Some(prompt) if !question.contains(prompt.as_str()) => return Ok(Asked::SomethingElse(stream)),
            Some(_) => true,
            // Nothing for `Are you sure you want to continue connecting`.
            None => ["password", "passphrase"].iter().any(|word| question.to_lowercase().contains(word)),
        };
        let whose = self.passwords.iter().find(|(who, _)| question.contains(who)).or(self.passwords.first());
        if let Some((_, password)) = whose.filter(|_| asks) {
            stream.write_all(password.as_bytes())?;
        }
        Ok(Asked::Answered)
    }
}

/// Whether this process was started by `ssh` to ask for a password; then the answer, to be printed with a line end. The program's `main`
/// calls it before anything else, with its first argument.
pub fn asked(question: Option<OsString>) -> Option<io::Result<String>> {
    let socket = std::env::var_os(SOCKET)?;
    let question = question.unwrap_or_default().to_string_lossy().replace('\n', " ");
    Some(ask(Path::new(&socket), &question))
}

fn ask(socket: &Path, question: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(format!("{question}\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_questions_for_a_password_are_answered() {
        let secret = |text| Text::plain(text).into_secret();
        let passwords = vec![("root@host".into(), secret("hunter2")), ("gate@outer".into(), secret("other"))];
        let askpass = Askpass::new(passwords, None).unwrap();
        for (question, expected) in [
            ("root@host's password: ", "hunter2"),
            ("The authenticity of host ... Are you sure you want to continue connecting (yes/no)?", ""),
            ("(root@host) Password: ", "hunter2"),
            ("gate@outer's password: ", "other"),
            ("Password: ", "hunter2"),
        ] {
            assert_eq!(ask(&askpass.socket(), question).unwrap(), expected, "{question}");
        }
    }

    #[test]
    fn with_a_prompt_only_that_question_is_answered_and_others_wait() {
        let passwords = vec![("root@host".into(), Text::plain("1234").into_secret())];
        let askpass = Askpass::new(passwords, Some("Enter PIN for".into())).unwrap();
        let mut other = UnixStream::connect(askpass.socket()).unwrap();
        other.write_all(b"root@host's password: \n").unwrap();
        assert_eq!(ask(&askpass.socket(), "Enter PIN for 'card': ").unwrap(), "1234");
        other.set_nonblocking(true).unwrap();
        let said = other.read(&mut [0; 8]).unwrap_err();
        assert_eq!(said.kind(), io::ErrorKind::WouldBlock, "neither an answer nor an end");
    }
}
