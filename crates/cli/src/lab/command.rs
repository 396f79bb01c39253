//! `taskbox lab`: its words and flags, and what it prints.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, Subcommand, value_parser};

use super::cable::Cable;
use super::error::{LabError, Result};
use super::lifecycle::{down, reset};
use super::progress::Progress;
use super::spec::{LabSpec, root_around};
use super::status;
use super::up::{Lab, ensure_up};

/// A cluster's worth of hosts in containers on this machine, to try and to test on.
#[derive(Debug, Args)]
pub(crate) struct LabArgs {
    /// The lab's name; several labs can live side by side.
    #[arg(long, global = true, default_value = "default", env = "TASKBOX_LAB", value_name = "NAME")]
    name: String,
    #[command(subcommand)]
    command: LabCommand,
}

#[derive(Debug, Subcommand)]
enum LabCommand {
    /// Make the lab, or what is missing of it; start what is stopped; heal what is cut.
    Up {
        /// How many masters [default: as it is, 3 in a new lab].
        #[arg(long, value_parser = value_parser!(u8).range(1..=9))]
        masters: Option<u8>,
        /// How many worker nodes [default: as it is, 3 in a new lab].
        #[arg(long, value_parser = value_parser!(u8).range(0..=99))]
        nodes: Option<u8>,
        /// How many load balancers [default: as it is, 2 in a new lab].
        #[arg(long, value_parser = value_parser!(u8).range(0..=9))]
        lb: Option<u8>,
        /// Make a new lab in a network without a way out: no route, no names. For installs from a bundle.
        #[arg(long)]
        offline: bool,
    },
    /// Show every host: address, state, systemd, ssh.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Log in to a host, or run a command there: `ssh master1 uptime`, `ssh ops@node1`.
    Ssh {
        /// A host of the lab; as root unless a user is given.
        #[arg(value_name = "[USER@]HOST")]
        host: String,
        /// What to run there.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Shut a host down.
    Stop {
        /// The host.
        host: String,
    },
    /// Start a host that was shut down.
    Start {
        /// The host.
        host: String,
    },
    /// Pull a host's network cable.
    Cut {
        /// The host.
        host: String,
    },
    /// Plug a host's network cable in again.
    Heal {
        /// The host.
        host: String,
    },
    /// Make hosts anew, as they were at first; all if none is named.
    Reset {
        /// The hosts.
        hosts: Vec<String>,
    },
    /// Remove the lab with all its data.
    Down {
        /// Also remove the images that labs are made of.
        #[arg(long)]
        image: bool,
    },
}

/// Runs `taskbox lab`.
///
/// # Errors
/// [`LabError`], to be drawn by the caller; the exit code is then 1.
pub(crate) fn run(args: LabArgs) -> Result<ExitCode> {
    let mut spec = LabSpec::named(&args.name, &root(&args.name)?)?;
    match args.command {
        LabCommand::Up { masters, nodes, lb, offline } => {
            (spec.masters, spec.nodes, spec.lbs, spec.offline) = (masters, nodes, lb, offline);
            show(&ensure_up(&spec, &Progress::start())?);
        }
        LabCommand::Status { json } => show_status(&Lab::find(&spec)?, json)?,
        LabCommand::Ssh { host, command } => {
            let status = Lab::find(&spec)?.ssh(&host, &command)?;
            return Ok(status
                .code()
                .and_then(|code| u8::try_from(code).ok())
                .map_or(ExitCode::FAILURE, ExitCode::from));
        }
        LabCommand::Stop { host } => {
            Lab::find(&spec)?.stop(&host)?;
            anstream::println!("{host} is shut down");
        }
        LabCommand::Start { host } => {
            let host = Lab::find(&spec)?.start(&host)?;
            anstream::println!("{} answers at {}", host.name, host.address);
        }
        LabCommand::Cut { host } => {
            Lab::find(&spec)?.set_cable(&host, Cable::Pulled)?;
            anstream::println!("{host} is cut off");
        }
        LabCommand::Heal { host } => {
            Lab::find(&spec)?.set_cable(&host, Cable::Plugged)?;
            anstream::println!("{host} is connected again");
        }
        LabCommand::Reset { hosts } => show(&reset(&spec, &hosts, &Progress::start())?),
        LabCommand::Down { image } => {
            let removed = down(&spec, image)?;
            let images = removed.images.iter().map(|image| format!(", {image}")).collect::<String>();
            anstream::println!("removed {} hosts{images}", removed.hosts.len());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn root(name: &str) -> Result<std::path::PathBuf> {
    let current = std::env::current_dir();
    let current = current.map_err(|source| LabError::File { action: "find", path: ".".into(), source })?;
    Ok(root_around(&current, name))
}

fn show(lab: &Lab) {
    let hosts = lab.state.hosts();
    anstream::println!("lab `{}`: {} hosts up in {}", lab.name.as_str(), hosts.len(), lab.state.range);
    anstream::println!("inventory  {}", lab.inventory().display());
    anstream::println!("variables  {}", lab.variables().display());
}

fn show_status(lab: &Lab, json: bool) -> Result<()> {
    let hosts = status::look(lab)?;
    if json {
        anstream::println!("{:#}", status::json(lab, &hosts));
    } else {
        anstream::print!("{}", status::table(&hosts));
    }
    Ok(())
}
