//! `taskbox inventory`: what `ansible-inventory` shows of hosts, groups and their variables.

use std::io::{BufWriter, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, Args};
use data::{Diagnostic, Map, Value, fs, json, yaml};
use inventory::{Listing, Reader, VarsFiles, marked};

use crate::diagnostics::report_all;
use crate::flags::{ExtraVarsFlags, FlagError, HostFlags, VaultFlags};
use crate::settings::Settings;

/// Show hosts, groups and their variables.
#[derive(Debug, Args)]
#[command(infer_long_args = true, args_override_self = true)]
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
    #[arg(value_name = "GROUP")]
    group: Option<String>,
    /// Show variables in the tree.
    #[arg(long)]
    vars: bool,
    /// As YAML.
    #[arg(short, long)]
    yaml: bool,
    /// As TOML.
    #[arg(long)]
    toml: bool,
    /// Show variables where they are defined, rather than all of a host's at the host.
    #[arg(long)]
    export: bool,
    /// Write into this file.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// A folder with group_vars and host_vars, as beside a playbook.
    #[arg(long, value_name = "DIR")]
    playbook_dir: Option<PathBuf>,
    /// Say more.
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,
    #[command(flatten)]
    extra_vars: ExtraVarsFlags,
    #[command(flatten)]
    hosts: HostFlags,
    #[command(flatten)]
    vault: VaultFlags,
}

impl InventoryArgs {
    /// Exactly one thing is to be shown, in a form that there is.
    fn check(&self) -> Result<(), FlagError> {
        let refuse = |title: &str, help: &str| Err(FlagError::option(Diagnostic::error(title).help(help)));
        let given = usize::from(self.list) + usize::from(self.host.is_some()) + usize::from(self.graph);
        let trouble = match given {
            0 => Some("No action selected, at least one of --host, --graph or --list needs to be specified."),
            1 => None,
            _ => Some(
                "Conflicting options used, only one of --host, --graph or --list can be used at the same time.",
            ),
        };
        if let Some(trouble) = trouble {
            return refuse(trouble, "give one of them");
        }
        Ok(())
    }
}

/// Runs `taskbox inventory`.
///
/// # Errors
/// Flags that cannot be used, unreadable files, an unknown host or group.
pub(crate) fn run(args: &InventoryArgs, settings: &Settings) -> Result<ExitCode, FlagError> {
    args.check()?;
    let reader = Reader::new(args.vault.secrets(settings)?);
    let extra_vars = args.extra_vars.load(&reader)?;
    let playbook_dir = args.playbook_dir.clone().or_else(|| settings.path("PLAYBOOK_DIR"));
    let loaded = args.hosts.load(&reader, settings, &extra_vars)?;
    let limit = args.hosts.selected(&loaded)?.map(|selected| selected.hosts);
    let files = VarsFiles::new(
        loaded.folders.clone(),
        // Without the flag, the current folder counts as the playbook's.
        vec![playbook_dir.clone().unwrap_or_else(|| ".".into())],
        loaded.inventory.hash_behaviour(),
        reader,
    );
    let listing = Listing {
        inventory: &loaded.inventory,
        files: &files,
        export: args.export || settings.flag("INVENTORY_EXPORT"),
        playbook_dir: playbook_dir.is_some(),
        inject_facts: settings.flag("INJECT_FACTS_AS_VARS"),
        extra_vars: &extra_vars,
        limit: limit.as_deref(),
    };
    let is_json = args.list && !args.yaml && !args.toml;
    if is_json && args.output.is_none() {
        let printed = print_json(&listing);
        report_all(&files.take_warnings());
        return printed.map(|()| ExitCode::SUCCESS);
    }
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

/// Prints all hosts and groups while they are written.
fn print_json(listing: &Listing<'_>) -> Result<(), FlagError> {
    let mut out = BufWriter::new(anstream::stdout().lock());
    let mut written = Ok(());
    let mut print = |piece: &str| {
        if written.is_ok() {
            written = out.write_all(piece.as_bytes());
        }
    };
    listing.to_json(&mut print).map_err(|error| FlagError::from_error(&error))?;
    print("\n");
    // A reader that has seen enough (`| head`) is no mistake.
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let error = Diagnostic::error(format!("cannot write the inventory: {error}"));
            Err(FlagError::error(error.help("look at what standard output leads to")))
        }
        _ => Ok(()),
    }
}

fn shown(args: &InventoryArgs, listing: &Listing<'_>) -> Result<String, FlagError> {
    let value = if let Some(name) = &args.host {
        host_vars(args, listing, name)?
    } else if args.graph {
        return tree(args, listing);
    } else if args.toml && !args.yaml {
        return listing.to_toml().map_err(|error| FlagError::from_error(&error));
    } else if args.yaml {
        listing.to_yaml().map_err(|error| FlagError::from_error(&error))?
    } else {
        let mut text = String::new();
        listing.to_json(&mut |piece| text.push_str(piece)).map_err(|error| FlagError::from_error(&error))?;
        return Ok(text + "\n");
    };
    Ok(if args.yaml {
        let style = yaml::DumpStyle { indent: 2, ..yaml::DumpStyle::nice() };
        yaml::dump_shared(&value, &style, &yaml::Shared::everything(&value))
    } else {
        json::write(&value, &json::JsonStyle::indented(4).sorted().unicode()) + "\n"
    })
}

fn host_vars(args: &InventoryArgs, listing: &Listing<'_>, name: &str) -> Result<Value, FlagError> {
    let Some(host) = listing.inventory.host(name) else {
        let names = listing.inventory.hosts().map(|host| &**host.name());
        let ignoring = format!("Could not match supplied host pattern, ignoring: {name}");
        report_all(&[Diagnostic::warning(ignoring)]);
        let error = Diagnostic::error("You must pass a single valid host to --host parameter");
        return Err(FlagError::option(suggest(error, name, names)));
    };
    let vars: Map = listing.host_vars(host).map_err(|error| FlagError::from_error(&error))?;
    let value = Value::from(vars);
    Ok(if args.yaml { value } else { marked(&value) })
}

fn tree(args: &InventoryArgs, listing: &Listing<'_>) -> Result<String, FlagError> {
    let name = args.group.as_deref().unwrap_or("all");
    let Some(group) = listing.inventory.group(name) else {
        let names = listing.inventory.groups().map(inventory::Group::name);
        let error = Diagnostic::error("Pattern must be valid group name when using --graph")
            .note(format!("there is no group `{name}`"));
        return Err(FlagError::option(suggest(error, name, names)));
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
