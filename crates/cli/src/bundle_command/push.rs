//! `taskbox bundle push`: the images of a bundle into a registry; an install with a `[local-registry]` does the same.

use std::collections::HashMap;
use std::path::PathBuf;

use bundle::{
    Bundle, BundleError, Client, ClientOptions, Content, Downloads, Event, Manifest, Placed, Pushed,
    Registry, push_all,
};
use clap::Args;
use runner::RegistryAccess;

use super::network::{login, resolver};
use super::show::many;

/// Send the images of a bundle to a registry: what it has already is left out.
#[derive(Debug, Args)]
pub(super) struct PushArgs {
    /// The bundle.
    file: PathBuf,

    /// The registry, and a prefix for all repositories if wanted: `10.0.0.9:5000`, `harbor.example/kubernetes`.
    #[arg(value_name = "REGISTRY[/PREFIX]")]
    to: String,

    /// Users and passwords of registries, in the form of Docker's config.json.
    #[arg(long, value_name = "FILE")]
    registry_auth: Option<PathBuf>,

    /// A file with certificates to trust besides the system's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// The registry speaks HTTP without TLS.
    #[arg(long)]
    plain: bool,

    /// Only say what would be sent.
    #[arg(long)]
    dry_run: bool,
}

/// Sends them.
pub(super) fn run(args: &PushArgs) -> Result<(), BundleError> {
    let bundle = Bundle::open(&args.file)?;
    bundle.verify()?;
    let (host, prefix) = match args.to.trim_end_matches('/').split_once('/') {
        Some((host, prefix)) => (host, Some(prefix.to_owned())),
        None => (args.to.as_str(), None),
    };
    let to = RegistryAccess {
        host: host.to_owned(),
        prefix,
        login: args.registry_auth.as_deref().map(|file| login(file, host)).transpose()?.flatten(),
        authority: args.ca.clone(),
        plain: args.plain,
    };
    let contents = bundle.contents()?;
    let (mut changed, mut kept) = (0, 0);
    let mut say = |placed: &Placed, pushed: Pushed| {
        let word = match (pushed.changed, args.dry_run) {
            (false, _) => "kept",
            (true, true) => "lacking",
            (true, false) => "sent",
        };
        if pushed.changed {
            changed += 1
        } else {
            kept += 1
        }
        anstream::println!("{word:<8} {:<58} {}", placed.name(), many(pushed.sent, "blob"));
    };
    push_all_to(&to, (bundle.manifest(), &contents), args.dry_run, &mut say)?;
    let word = if args.dry_run { "lacking" } else { "sent" };
    anstream::println!("{}: {} {word}, {kept} there already", args.to, many(changed, "image"));
    Ok(())
}

/// Sends what a registry lacks of a bundle's images; `say` hears of each name.
///
/// # Errors
/// The registry cannot be reached, does not know us, or does not take an image.
pub(crate) fn push_all_to(
    to: &RegistryAccess,
    from: (&Manifest, &HashMap<String, Content>),
    look_only: bool,
    say: &mut dyn FnMut(&Placed, Pushed),
) -> Result<(), BundleError> {
    let mut options = ClientOptions::new(resolver());
    options.authorities = to.authority.clone().into_iter().collect();
    options.tries = 3;
    let client = Client::new(options)?;
    let registry = Registry::new(&client, &to.host, to.plain, to.login.clone());
    // Nothing is fetched, so nothing lies in the folder.
    let nowhere = std::env::temp_dir();
    let downloads = Downloads { client: &client, folder: &nowhere, watch: &|_: Event| {} };
    push_all(&registry, &downloads, from, to.prefix.as_deref(), look_only, say)
}
