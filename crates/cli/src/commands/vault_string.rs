//! `taskbox vault encrypt_string`: texts to be pasted into YAML.

use std::io::{IsTerminal, Read};

use clap::Args;
use data::Diagnostic;

use super::vault::Key;
use crate::flags::FlagError;
use crate::prompt;

/// Columns that Ansible indents an envelope by.
const INDENT: usize = 10;

/// Which texts, and their names.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct StringArgs {
    /// The texts; `-` or none is standard input.
    #[arg(value_name = "TEXT")]
    texts: Vec<String>,
    /// Ask for the text.
    #[arg(short, long)]
    prompt: bool,
    /// Show the text while it is typed.
    #[arg(long)]
    show_input: bool,
    /// A variable's name, one for each text.
    #[arg(short, long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// The variable's name for what is read from standard input.
    #[arg(long, value_name = "NAME")]
    stdin_name: Option<String>,
}

/// One text, where it came from and its variable's name.
struct Plain {
    text: String,
    origin: &'static str,
    name: Option<String>,
}

impl StringArgs {
    fn reads_stdin(&self) -> bool {
        let nothing_else = self.texts.is_empty() && !self.prompt;
        self.texts.iter().any(|text| text == "-") || self.stdin_name.is_some() || nothing_else
    }

    /// # Errors
    /// Flags that exclude each other.
    pub(super) fn check(&self) -> Result<(), FlagError> {
        if self.prompt && self.reads_stdin() {
            let error = Diagnostic::error("`--prompt` does not go together with reading standard input");
            return Err(FlagError::option(error));
        }
        Ok(())
    }

    fn plain(&self) -> Result<Vec<Plain>, FlagError> {
        let mut all = Vec::new();
        if self.prompt {
            all.push(self.asked()?);
        }
        if self.reads_stdin() {
            all.push(self.stdin_text()?);
        }
        let texts: Vec<&String> = self.texts.iter().filter(|text| *text != "-").collect();
        if let Some(last) = self.names.last().filter(|_| texts.len() > self.names.len()) {
            // The texts themselves are secret, so the message does not show them.
            anstream::eprintln!("The number of --name options do not match the number of args.");
            anstream::eprintln!("The last named variable will be \"{last}\". The rest will not have names.");
        }
        for (at, text) in texts.into_iter().enumerate() {
            let name = self.names.get(at).cloned();
            all.push(Plain {
                text: not_empty(text.clone(), "command line")?,
                origin: "the command line args",
                name,
            });
        }
        Ok(all)
    }

    fn asked(&self) -> Result<Plain, FlagError> {
        let failed = |error: std::io::Error| {
            FlagError::error(Diagnostic::error(format!("cannot ask for the text: {error}")))
        };
        let name = prompt::read_line("Variable name (enter for no name): ").map_err(failed)?;
        let text = match self.show_input {
            true => prompt::read_line("String to encrypt:"),
            false => prompt::hidden("String to encrypt (hidden): "),
        };
        let text = not_empty(text.map_err(failed)?, "prompt")?;
        Ok(Plain { text, origin: "the interactive prompt", name: Some(name).filter(|name| !name.is_empty()) })
    }

    fn stdin_text(&self) -> Result<Plain, FlagError> {
        if std::io::stdout().is_terminal() {
            anstream::eprintln!(
                "Reading plaintext input from stdin. (ctrl-d to end input, twice if your content does not already have a newline)"
            );
        }
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|error| {
            FlagError::error(Diagnostic::error(format!("standard input cannot be read: {error}")))
        })?;
        if std::io::stdout().is_terminal() && !text.ends_with('\n') {
            anstream::println!();
        }
        Ok(Plain { text: not_empty(text, "standard input")?, origin: "stdin", name: self.stdin_name.clone() })
    }
}

fn not_empty(text: String, origin: &str) -> Result<String, FlagError> {
    if text.is_empty() {
        let error =
            Diagnostic::error(format!("the text from the {origin} is empty, so nothing is encrypted"));
        return Err(FlagError::option(error));
    }
    Ok(text)
}

/// The texts as YAML; with several of them, standard error says which is which.
///
/// # Errors
/// A text that is empty or cannot be read.
pub(super) fn encrypt_string(args: &StringArgs, key: &Key) -> Result<String, FlagError> {
    let all = args.plain()?;
    let mut yaml = String::new();
    for (at, plain) in all.iter().enumerate() {
        if all.len() > 1 {
            let (number, origin) = (at + 1, plain.origin);
            match &plain.name {
                Some(name) => anstream::eprintln!(
                    "# The encrypted version of variable (\"{name}\", the string #{number} from {origin})."
                ),
                None => {
                    anstream::eprintln!("# The encrypted version of the string #{number} from {origin}.)")
                }
            }
        }
        yaml.push_str(&block(&key.seal(plain.text.as_bytes()), plain.name.as_deref()));
    }
    Ok(yaml)
}

fn block(envelope: &str, name: Option<&str>) -> String {
    let name = name.map(|name| format!("{name}: ")).unwrap_or_default();
    let lines: String = envelope.lines().map(|line| format!("{:INDENT$}{line}\n", "")).collect();
    format!("{name}!vault |\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_a_block_under_its_name() {
        let text = block("$ANSIBLE_VAULT;1.1;AES256\n6162\n", Some("password"));
        assert_eq!(text, "password: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n          6162\n");
        assert!(block("x\n", None).starts_with("!vault |\n"));
    }

    #[test]
    fn a_question_and_standard_input_exclude_each_other() {
        let args = StringArgs { texts: vec!["-".into()], prompt: true, ..StringArgs::default() };
        assert!(args.check().is_err());
        let args = StringArgs { prompt: true, ..StringArgs::default() };
        assert!(args.check().is_ok() && !args.reads_stdin());
        assert!(StringArgs::default().reads_stdin());
    }
}
