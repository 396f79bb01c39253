//! `taskbox bundle build`: from a folder, from registries, from the network.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bundle::{Builder, BundleError, Manifest, Survey, Want, missing, survey};
use clap::Args;

use super::show::{counted, many};

/// Make a bundle.
#[derive(Debug, Args)]
pub(super) struct BuildArgs {
    /// A folder of loose things: programs, release archives, image archives, charts, manifests, packages. Repeatable.
    #[arg(long, value_name = "DIR", required = true)]
    from: Vec<PathBuf>,

    /// The bundle.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// The Kubernetes version it is for; what that needs and is not there is listed.
    #[arg(long, value_name = "VERSION")]
    kubernetes: Option<String>,

    /// Fail if something that the Kubernetes version needs is missing.
    #[arg(long, requires = "kubernetes")]
    complete: bool,
}

/// Builds it.
pub(super) fn run(args: &BuildArgs) -> Result<ExitCode, BundleError> {
    let work = work_folder(&args.output)?;
    let mut builder = Builder::new(args.kubernetes.as_deref());
    for folder in &args.from {
        report(&survey(folder, &work, &mut builder)?);
    }
    let wants = wants(&builder.manifest(), args.kubernetes.as_deref());
    report_missing(&wants);
    if args.complete && !wants.is_empty() {
        return Err(BundleError::Missing {
            what: format!("{} missing, and --complete was given", many(wants.len(), "thing")),
            help: "add them to the folder, or leave --complete out".into(),
        });
    }
    let manifest = builder.write(&args.output)?;
    // What was unpacked on the way is of no use any more; what cannot be removed is only in the way.
    let _ = std::fs::remove_dir_all(&work);
    anstream::println!("{}: {}", args.output.display(), counted(&manifest));
    Ok(ExitCode::SUCCESS)
}

/// The folder beside the bundle for what has to be unpacked or fetched; a build that was broken off finds its things there again.
fn work_folder(output: &Path) -> Result<PathBuf, BundleError> {
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".work");
    let folder = output.with_file_name(name);
    std::fs::create_dir_all(&folder)
        .map_err(|error| BundleError::File { action: "create", path: folder.clone(), error })?;
    Ok(folder)
}

fn wants(manifest: &Manifest, kubernetes: Option<&str>) -> Vec<Want> {
    kubernetes.map(|version| missing(manifest, version.trim_start_matches('v'))).unwrap_or_default()
}

fn report(survey: &Survey) {
    for thing in &survey.found {
        anstream::println!("found    {:<58} {}", thing.what, thing.file.display());
    }
    for (file, reason) in &survey.unused {
        anstream::println!("unasked  {:<58} {reason}", file.display().to_string());
    }
}

fn report_missing(wants: &[Want]) {
    for want in wants {
        anstream::println!("missing  {:<58} {}", want.what, want.arch);
    }
}
