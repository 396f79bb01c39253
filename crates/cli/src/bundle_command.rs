//! `taskbox bundle`: make, look into, check and unpack offline bundles.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bundle::{Bundle, BundleError, Manifest};
use clap::{Args, Subcommand};

/// Offline bundles: one file with everything an air-gapped install needs.
#[derive(Debug, Args)]
pub(crate) struct BundleArgs {
    #[command(subcommand)]
    command: BundleCommand,
}

#[derive(Debug, Subcommand)]
enum BundleCommand {
    /// Make a bundle from a folder.
    Pack {
        /// The folder; everything below it goes in.
        folder: PathBuf,
        /// The bundle.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// List what is in a bundle.
    Show {
        /// The bundle.
        file: PathBuf,
    },
    /// Check every file of a bundle.
    Verify {
        /// The bundle.
        file: PathBuf,
    },
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
/// When the bundle or the folder is not as it should be.
pub(crate) fn run(args: BundleArgs) -> Result<ExitCode, BundleError> {
    match args.command {
        BundleCommand::Pack { folder, output } => {
            let manifest = bundle::pack(&folder, &output)?;
            anstream::println!("packed {} into {}", counted(&manifest), output.display());
        }
        BundleCommand::Show { file } => show(&file)?,
        BundleCommand::Verify { file } => {
            let bundle = Bundle::open(&file)?;
            bundle.verify()?;
            anstream::println!("{} is whole: {}", file.display(), counted(bundle.manifest()));
        }
        BundleCommand::Unpack { file, folder } => {
            let bundle = Bundle::open(&file)?;
            bundle.unpack(&folder, |_| true)?;
            anstream::println!("unpacked {} into {}", counted(bundle.manifest()), folder.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(file: &Path) -> Result<(), BundleError> {
    let bundle = Bundle::open(file)?;
    for artifact in &bundle.manifest().artifacts {
        anstream::println!(
            "{:>12}  {}  {}",
            artifact.size,
            &artifact.sha256[..16.min(artifact.sha256.len())],
            artifact.path
        );
    }
    anstream::println!("{}", counted(bundle.manifest()));
    Ok(())
}

fn counted(manifest: &Manifest) -> String {
    let bytes: u64 = manifest.artifacts.iter().map(|artifact| artifact.size).sum();
    format!("{} files, {:.1} MB", manifest.artifacts.len(), bytes as f64 / 1e6)
}
