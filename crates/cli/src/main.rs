//! The binary `taskbox`.

mod bundle_command;
mod called_as;
mod cluster;
mod commands;
mod diagnostics;
mod drill;
mod engine_run;
mod flags;
mod install;
mod interrupt;
mod lab;
mod output;
mod prompt;
mod settings;
mod verify;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use data::Diagnose;

use crate::settings::Settings;

/// Installs Kubernetes and KubeSphere on a set of hosts.
#[derive(Debug, Parser)]
#[command(name = "taskbox", version, infer_long_args = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    AddNodes(Box<install::AddNodesArgs>),
    Bundle(bundle_command::BundleArgs),
    Config(commands::config::ConfigArgs),
    Doc(commands::doc::DocArgs),
    Drill(drill::DrillArgs),
    Install(Box<install::InstallArgs>),
    Inventory(commands::inventory::InventoryArgs),
    Lab(lab::LabArgs),
    Playbook(commands::playbook::PlaybookArgs),
    Run(commands::ad_hoc::AdHocArgs),
    Vault(commands::vault::VaultArgs),
    Uninstall(Box<install::UninstallArgs>),
    Verify(verify::VerifyArgs),
}

fn main() -> ExitCode {
    // The panic has told its place; Ansible's code for a bug is 250.
    std::panic::catch_unwind(command).unwrap_or(ExitCode::from(runner::ExitCode::Unexpected as u8))
}

fn command() -> ExitCode {
    if let Some(answer) = runner::connection::asked_for_password(std::env::args_os().nth(1)) {
        return give_password(answer);
    }
    let command = match called_as::program() {
        Some(program) => {
            diagnostics::speak_as_ansible();
            match called_as::parse(&program, std::env::args_os()) {
                Ok(command) => command.map_err(|words| explain(&words, called_as::USAGE)),
                Err(error) => return ended(Err(error)),
            }
        }
        None => Cli::try_parse().map(|cli| cli.command).map_err(|words| explain(&words, code_of_usage())),
    };
    match command {
        Ok(command) => run(command),
        Err(code) => code,
    }
}

fn run(command: Command) -> ExitCode {
    match command {
        Command::AddNodes(args) => perform(&args.common, install::Job::AddNodes),
        Command::Bundle(args) => bundle_command::run(args).unwrap_or_else(|error| refuse(&*error)),
        Command::Drill(args) => drill::run(&args).unwrap_or_else(|error| refuse(&*error)),
        Command::Install(args) => perform(&args, install::Job::Install),
        Command::Inventory(args) => with_settings(|settings| commands::inventory::run(&args, &settings)),
        Command::Playbook(args) => with_settings(|settings| commands::playbook::run(&args, &settings)),
        Command::Run(args) => with_settings(|settings| commands::ad_hoc::run(&args, &settings)),
        Command::Vault(args) => with_settings(|settings| commands::vault::run(&args, &settings)),
        Command::Config(args) => with_settings(|settings| commands::config::run(&args, settings)),
        Command::Doc(args) => ended(commands::doc::run(&args)),
        Command::Lab(args) => lab::run(args).unwrap_or_else(|error| refuse(&error)),
        Command::Uninstall(args) => perform(&args.common, install::Job::Uninstall { data: args.data }),
        Command::Verify(args) => verify::run(&args).unwrap_or_else(|error| refuse(&*error)),
    }
}

/// The system's `ssh` of another run of ours has started us to ask for a password; it reads our standard output.
fn give_password(answer: std::io::Result<String>) -> ExitCode {
    match answer {
        // Byte for byte: a password may hold what a terminal takes for a command.
        Ok(password) if !password.is_empty() && writeln!(std::io::stdout(), "{password}").is_ok() => {
            ExitCode::SUCCESS
        }
        // `ssh` takes that as a refusal.
        _ => ExitCode::FAILURE,
    }
}

/// Prints help that was asked for, or what is wrong with the words, which ends with `code`.
fn explain(words: &clap::Error, code: u8) -> ExitCode {
    // Nothing is left to do when the screen is gone.
    let _ = words.print();
    if words.use_stderr() { ExitCode::from(code) } else { ExitCode::SUCCESS }
}

/// The exit code for wrong words: Ansible's 5; for the installer 1, as its users know it.
fn code_of_usage() -> u8 {
    let installer = std::env::args_os().nth(1).is_some_and(|word| word == "install");
    if installer { 1 } else { flags::BAD_OPTION }
}

/// Runs a command that follows Ansible's settings.
fn with_settings(run: impl FnOnce(Settings) -> Result<ExitCode, flags::FlagError>) -> ExitCode {
    ended(Settings::load().and_then(run))
}

/// Installs, adds nodes or uninstalls.
fn perform(args: &install::InstallArgs, job: install::Job) -> ExitCode {
    install::run(args, job).unwrap_or_else(|error| refuse(&*error))
}

/// Draws an error; the run ends with exit code 1.
fn refuse(error: &dyn Diagnose) -> ExitCode {
    diagnostics::report(error);
    ExitCode::FAILURE
}

/// The exit code of a command that ended; its error drawn, with the exit code that fits it.
fn ended(result: Result<ExitCode, flags::FlagError>) -> ExitCode {
    result.unwrap_or_else(|error| {
        diagnostics::report(&error);
        error.exit_code()
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_words_and_flags_of_all_commands_fit_together() {
        super::Cli::command().debug_assert();
    }
}
