//! Questions to the person at the terminal: `vars_prompt`, `pause`, `--step`.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use data::{Diagnostic, Text};
use runner::{Prompter, Question};

/// Asks at the terminal, one question at a time.
#[derive(Default)]
pub(crate) struct TerminalPrompter {
    one_at_a_time: Mutex<()>,
}

impl TerminalPrompter {
    /// A prompter, if a person is there to answer.
    pub(crate) fn of_stdin() -> Option<Arc<dyn Prompter>> {
        std::io::stdin().is_terminal().then(|| Arc::new(Self::default()) as Arc<dyn Prompter>)
    }

    fn once(question: &str, hidden: bool) -> Result<String, Diagnostic> {
        let answer = if hidden { self::hidden(question) } else { read_line(question) };
        answer.map_err(|error| Diagnostic::error(format!("no answer to `{}`: {error}", question.trim_end())))
    }
}

/// An answer that does not show while it is typed. Without a terminal it is the next line of standard input, as in Ansible.
///
/// # Errors
/// There is no answer.
pub(crate) fn hidden(question: &str) -> std::io::Result<String> {
    match std::fs::File::open("/dev/tty") {
        Ok(_) => rpassword::prompt_password(question),
        Err(_) => read_line(question),
    }
}

/// The next line of standard input, after a question.
///
/// # Errors
/// There is no answer.
pub(crate) fn read_line(question: &str) -> std::io::Result<String> {
    let mut out = std::io::stdout();
    write!(out, "{question}")?;
    out.flush()?;
    let mut line = String::new();
    if std::io::stdin().read_line(&mut line)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

impl Prompter for TerminalPrompter {
    fn ask(&self, question: &Question) -> Result<Text, Diagnostic> {
        let _turn = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let text = match &question.default {
            Some(default) if !default.is_empty() => format!("{} [{default}]: ", question.text),
            _ => format!("{}: ", question.text),
        };
        loop {
            let answer = Self::once(&text, question.hidden)?;
            if question.confirm && Self::once(&format!("confirm {text}"), question.hidden)? != answer {
                anstream::println!("***** VALUES ENTERED DO NOT MATCH ****");
                continue;
            }
            let chosen =
                if answer.is_empty() { question.default.clone().unwrap_or_default() } else { answer };
            let chosen = Text::plain(chosen);
            return Ok(if question.hidden { chosen.into_secret() } else { chosen });
        }
    }
}
