//! `taskbox bundle`: make, look into, check, sign and unpack offline bundles.

mod build;
mod network;
mod plan;
mod push;
mod serve;
mod show;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bundle::{Bundle, BundleError, PublicKey, SigningKey};
use clap::{Args, Subcommand};
use data::Diagnose;

pub(crate) use push::push_all_to;

/// Offline bundles: one file with everything an air-gapped install needs.
#[derive(Debug, Args)]
pub(crate) struct BundleArgs {
    #[command(subcommand)]
    command: BundleCommand,
}

#[derive(Debug, Subcommand)]
enum BundleCommand {
    /// List what the cluster of a conf folder needs from the network.
    Plan {
        /// The folder with hosts.ini and vars.yml [default: conf/ of the installation].
        #[arg(long, value_name = "DIR")]
        conf: Option<PathBuf>,
        /// The architectures.
        #[arg(long, value_name = "ARCH", value_delimiter = ',', default_value = "amd64")]
        arch: Vec<String>,
        /// As a list for `bundle build --list`.
        #[arg(long, conflicts_with = "sizes")]
        list: bool,
        /// Ask the sources how large everything is.
        #[arg(long)]
        sizes: bool,
        #[command(flatten)]
        network: Box<network::NetworkFlags>,
    },
    Build(Box<build::BuildArgs>),
    /// List what is in a bundle.
    Show {
        /// The bundle.
        file: PathBuf,
        /// Every file with its SHA-256, blobs too.
        #[arg(short, long)]
        verbose: bool,
        /// The manifest as it is.
        #[arg(long)]
        json: bool,
    },
    /// Check every file of a bundle, and its signature if a key is given.
    Verify {
        /// The bundle; `-` reads it from standard input.
        file: PathBuf,
        /// The signer's public key: a file, or base64.
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// Say what differs between two bundles; exit code 1 if something does.
    Diff {
        /// The first.
        one: PathBuf,
        /// The second.
        other: PathBuf,
    },
    /// Make a pair of keys for signing: FILE, readable by you only, and FILE.pub.
    Key {
        /// The private key's file.
        file: PathBuf,
    },
    /// Sign a bundle, in place.
    Sign {
        /// The bundle.
        file: PathBuf,
        /// The private key's file.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    Push(push::PushArgs),
    Serve(serve::ServeArgs),
    /// Unpack a bundle, checking every file.
    Unpack {
        /// The bundle.
        file: PathBuf,
        /// Where to.
        folder: PathBuf,
    },
}

/// Runs it.
///
/// # Errors
/// When the bundle or what it is made from is not as it should be.
pub(crate) fn run(args: BundleArgs) -> Result<ExitCode, Box<dyn Diagnose>> {
    let boxed = |error: BundleError| Box::new(error) as Box<dyn Diagnose>;
    match args.command {
        BundleCommand::Plan { conf, arch, list, sizes, network } => {
            let (plan, _) = plan::of_conf(conf.as_ref(), &arch)?;
            if list {
                plan::list(&plan);
            } else {
                plan::show(&plan, &arch, sizes.then_some(&*network)).map_err(boxed)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        BundleCommand::Build(args) => build::run(&args),
        other => run_on_files(other).map_err(boxed),
    }
}

/// Commands that look at or change bundles that are there.
fn run_on_files(command: BundleCommand) -> Result<ExitCode, BundleError> {
    match command {
        BundleCommand::Plan { .. } | BundleCommand::Build(_) => {}
        BundleCommand::Show { file, verbose, json } => show::show(&file, verbose, json)?,
        BundleCommand::Verify { file, key } => verify(&file, key.as_deref())?,
        BundleCommand::Diff { one, other } => return show::diff(&one, &other),
        BundleCommand::Key { file } => {
            let (public, key) = SigningKey::generate(&file)?;
            anstream::println!("made {} (keep it secret) and {}", file.display(), public.display());
            anstream::println!("in vars.yml of those who install:  bundle_public_key: {}", key.base64());
        }
        BundleCommand::Sign { file, key } => {
            let public = SigningKey::read(&key)?.sign(&file)?;
            anstream::println!("{} is signed; its public key is {}", file.display(), public.base64());
        }
        BundleCommand::Push(args) => push::run(&args)?,
        BundleCommand::Serve(args) => serve::run(&args)?,
        BundleCommand::Unpack { file, folder } => {
            let bundle = Bundle::open(&file)?;
            bundle.unpack(&folder, |_| true)?;
            anstream::println!("unpacked {} into {}", show::counted(bundle.manifest()), folder.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn verify(file: &Path, key: Option<&str>) -> Result<(), BundleError> {
    let key = key.map(|text| PublicKey::from_setting(text, Path::new(""))).transpose()?;
    let bundle = if file == Path::new("-") {
        Bundle::verify_stream(std::io::stdin().lock(), Path::new("standard input"))?
    } else {
        let bundle = Bundle::open(file)?;
        bundle.verify()?;
        bundle
    };
    if let Some(key) = &key {
        bundle.check_signature(key)?;
    }
    let signed = match (&key, bundle.signer()) {
        (Some(_), _) => "signed with that key",
        (None, Some(_)) => "signed; give --key to check by whom",
        (None, None) => "not signed",
    };
    anstream::println!(
        "{} is whole: {}; {signed}",
        bundle.path().display(),
        show::counted(bundle.manifest())
    );
    Ok(())
}
