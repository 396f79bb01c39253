//! `taskbox inventory`: what `ansible-inventory` shows of hosts, groups and their variables.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use data::{Diagnostic, Map, Value, fs, json, yaml};
use inventory::{Listing, Reader, VarsFiles, marked};

use crate::diagnostics::report_all;
use crate::flags::{FlagError, HostFlags, VaultFlags};

/// Show hosts, groups and their variables.
#[derive(Debug, Args)]
#[command(infer_long_args = true, args_override_self = true)]
#[command(group = ArgGroup::new("what").required(true).args(["list", "host", "graph"]))]
pub(crate) struct InventoryArgs {
    /// All groups, hosts and variables, in the form of an inventory program.
    #[arg(long)]
    list: bool,
    /// The variables of one host.
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// The tree of groups and hosts, below `all` or the named group.
    #[arg(long)]
    graph: bool,
    /// The group that the tree begins with.
    #[arg(value_name = "GROUP", requires = "graph", default_value = "all")]
    group: String,
    /// Show variables in the tree.
    #[arg(long, requires = "graph")]
    vars: bool,
    /// As YAML.
    #[arg(short, long, conflicts_with = "graph")]
    yaml: bool,
    /// Show variables where they are defined, rather than all of a host's at the host.
    #[arg(long)]
    export: bool,
    /// Write into this file.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// A folder with group_vars and host_vars, as beside a playbook.
    #[arg(long, value_name = "DIR")]
    playbook_dir: Option<PathBuf>,
    #[command(flatten)]
    hosts: HostFlags,
    #[command(flatten)]
    vault: VaultFlags,
}

/// Runs `taskbox inventory`.
///
/// # Errors
/// Flags that cannot be used, unreadable files, an unknown host or group.
pub(crate) fn run(args: &InventoryArgs) -> Result<ExitCode, FlagError> {
    let reader = Reader::new(args.vault.secrets()?);
    let loaded = args.hosts.load(&reader)?;
    let limit = args.hosts.limited(&loaded)?;
    let files = VarsFiles::new(
        loaded.folders.clone(),
        // Without the flag, the current folder counts as the playbook's.
        vec![args.playbook_dir.clone().unwrap_or_else(|| ".".into())],
        loaded.inventory.hash_behaviour(),
        reader,
    );
    let listing = Listing {
        inventory: &loaded.inventory,
        files: &files,
        export: args.export,
        playbook_dir: args.playbook_dir.is_some(),
        limit: limit.as_deref(),
    };
    let shown = shown(args, &listing);
    report_all(&files.take_warnings());
    let text = shown?;
    match &args.output {
        Some(path) => {
            fs::write_atomic(path, text.as_bytes(), None).map_err(|error| FlagError::from_error(&error))?
        }
        None => anstream::print!("{text}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn shown(args: &InventoryArgs, listing: &Listing<'_>) -> Result<String, FlagError> {
    let value = if let Some(name) = &args.host {
        host_vars(args, listing, name)?
    } else if args.graph {
        return tree(args, listing);
    } else if args.yaml {
        listing.to_yaml().map_err(|error| FlagError::from_error(&error))?
    } else {
        listing.to_json().map_err(|error| FlagError::from_error(&error))?
    };
    Ok(if args.yaml {
        yaml::dump(&value, &yaml::DumpStyle { indent: 2, ..yaml::DumpStyle::nice() })
    } else {
        json::write(&value, &json::JsonStyle::indented(4).sorted().unicode()) + "\n"
    })
}

fn host_vars(args: &InventoryArgs, listing: &Listing<'_>, name: &str) -> Result<Value, FlagError> {
    let Some(host) = listing.inventory.host(name) else {
        let names = listing.inventory.hosts().map(|host| &**host.name());
        let error = Diagnostic::error(format!("could not match supplied host pattern `{name}`"));
        return Err(FlagError::option(suggest(error, name, names)));
    };
    let vars: Map = listing.host_vars(host).map_err(|error| FlagError::from_error(&error))?;
    let value = Value::from(vars);
    Ok(if args.yaml { value } else { marked(&value) })
}

fn tree(args: &InventoryArgs, listing: &Listing<'_>) -> Result<String, FlagError> {
    let Some(group) = listing.inventory.group(&args.group) else {
        let names = listing.inventory.groups().map(inventory::Group::name);
        let error = Diagnostic::error(format!("there is no group `{}`", args.group));
        return Err(FlagError::option(suggest(error, &args.group, names)));
    };
    let text = listing.to_graph(group, args.vars).map_err(|error| FlagError::from_error(&error))?;
    Ok(text + "\n")
}

fn suggest<'a>(error: Diagnostic, word: &str, names: impl Iterator<Item = &'a str>) -> Diagnostic {
    match data::suggest::nearest(word, names) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error,
    }
}
