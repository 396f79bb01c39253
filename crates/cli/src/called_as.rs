//! The names of Ansible's programs: the same binary, called `ansible-playbook` (by a link or as a copy), does what `taskbox playbook` does.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{Args, CommandFactory, FromArgMatches};
use data::Diagnostic;

use super::{Cli, Command};
use crate::flags::FlagError;

/// The release of ansible-core that taskbox is compared with and speaks for: what scripts look for in the first line of `--version`.
pub(crate) const ANSIBLE_CORE: &str = "2.19.14";

/// Ansible's programs and our words for them.
const PROGRAMS: [(&str, &str); 6] = [
    ("ansible", "run"),
    ("ansible-config", "config"),
    ("ansible-doc", "doc"),
    ("ansible-inventory", "inventory"),
    ("ansible-playbook", "playbook"),
    ("ansible-vault", "vault"),
];

/// Ansible's programs that taskbox has nothing for.
const REFUSED: [&str; 5] =
    ["ansible-console", "ansible-connection", "ansible-galaxy", "ansible-pull", "ansible-test"];

/// Exit code of Ansible's programs for words that they do not know.
pub(crate) const USAGE: u8 = 2;

/// The name of one of Ansible's programs that we were called by.
pub(crate) fn program() -> Option<String> {
    let name = std::env::args_os().next()?;
    let name = Path::new(&name).file_name().and_then(OsStr::to_str)?.to_owned();
    let known = PROGRAMS.iter().any(|(program, _)| *program == name) || REFUSED.contains(&name.as_str());
    known.then_some(name)
}

/// Reads the words as the program `name` takes them.
///
/// # Errors
/// Words that it does not know; the inner error is a program that there is nothing for.
pub(crate) fn parse(
    name: &str,
    words: impl Iterator<Item = OsString>,
) -> Result<Result<Command, clap::Error>, FlagError> {
    let Some((program, word)) = PROGRAMS.iter().find(|(program, _)| *program == name) else {
        let missing = Diagnostic::error(format!("taskbox cannot stand in for `{name}`"));
        let known: Vec<String> = PROGRAMS.iter().map(|(program, _)| format!("`{program}`")).collect();
        return Err(FlagError::option(missing.help(format!("it does the work of {}", known.join(", ")))));
    };
    let mut all = Cli::command();
    // The command inherits the names of its parent's help and version flags only when it is built below it.
    let command = all.find_subcommand_mut(word).map(|found| found.clone()).unwrap_or_default();
    let command = command.name(*program).bin_name(*program).display_name(*program).version(version());
    Ok(command.try_get_matches_from(words).and_then(|matches| {
        Ok(match *word {
            "run" => Command::Run(read(&matches)?),
            "config" => Command::Config(read(&matches)?),
            "doc" => Command::Doc(read(&matches)?),
            "vault" => Command::Vault(read(&matches)?),
            "inventory" => Command::Inventory(read(&matches)?),
            _ => Command::Playbook(read(&matches)?),
        })
    }))
}

fn read<A: Args + FromArgMatches>(matches: &clap::ArgMatches) -> Result<A, clap::Error> {
    A::from_arg_matches(matches)
}

/// What follows the program's name in the answer to `--version`: the line that scripts look at, then the truth.
pub(crate) fn version() -> String {
    let program = std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default();
    let (file, _) = crate::settings::find_file();
    let file = file.map_or_else(|| "None".to_owned(), |path| path.display().to_string());
    format!(
        "[core {ANSIBLE_CORE}]\n  config file = {file}\n  executable location = {program}\n  \
         python version = None\n  \
         engine = taskbox {}, which does what ansible-core {ANSIBLE_CORE} does; it is not Ansible",
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Command, clap::Error> {
        parse(words[0], words.iter().map(OsString::from)).unwrap()
    }

    #[test]
    fn each_program_is_a_command() {
        assert!(matches!(parsed(&["ansible-playbook", "site.yml", "-i", "h,"]), Ok(Command::Playbook(_))));
        assert!(matches!(parsed(&["ansible", "all", "-m", "ping"]), Ok(Command::Run(_))));
        assert!(matches!(parsed(&["ansible-inventory", "--list"]), Ok(Command::Inventory(_))));
    }

    #[test]
    fn the_first_line_of_the_version_is_the_one_that_scripts_look_for() {
        for (program, _) in PROGRAMS {
            let answer = parsed(&[program, "--version"]).unwrap_err();
            assert_eq!(answer.kind(), clap::error::ErrorKind::DisplayVersion);
            let text = answer.to_string();
            assert_eq!(text.lines().next(), Some(format!("{program} [core {ANSIBLE_CORE}]").as_str()));
            assert!(text.contains("engine = taskbox "), "{text}");
        }
    }

    #[test]
    fn long_flags_may_be_cut_short_and_repeated_as_in_ansible() {
        let words = ["ansible-playbook", "x.yml", "--private", "a", "-u", "one", "-u", "two", "--skip", "t"];
        assert!(matches!(parsed(&words), Ok(Command::Playbook(_))));
    }

    #[test]
    fn a_program_without_a_command_is_refused_by_name() {
        let error = parse("ansible-galaxy", std::iter::empty()).unwrap_err();
        assert_eq!(error.to_string(), "taskbox cannot stand in for `ansible-galaxy`");
    }
}
