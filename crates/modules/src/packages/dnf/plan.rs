//! From names and a state to the subcommands that bring it about.

use std::path::PathBuf;

use super::command::{Flavor, Manager};
use super::complaint;
use super::list::repoquery;
use super::transaction::Transaction;
use super::{failed, result};
use crate::packages::remote_file;
use crate::packages::rpm::{Database, Package, has_pattern};
use crate::process::{Command, Output};
use crate::{Args, Context, Failure, Outcome};

/// What is to be done.
#[derive(Debug, Default)]
struct Plan {
    install: Vec<String>,
    upgrade: Vec<String>,
    remove: Vec<String>,
    upgrade_all: bool,
    autoremove: bool,
    /// Sentences for `results`.
    remarks: Vec<String>,
    /// The groups among `install`.
    groups: Vec<String>,
}

/// Does what `names` and the state ask for, or says what it would do.
pub(super) fn carry_out(
    names: &[String],
    manager: &Manager,
    args: &Args,
    context: &mut Context,
) -> Result<Outcome, Failure> {
    let database = Database::read(args.str("installroot")?, context)?;
    let absent = names.is_empty() || matches!(args.opt_str("state"), Some("absent" | "removed"));
    let absent = absent || args.bool("autoremove");
    let downloads = if absent { Vec::new() } else { fetch_addresses(names, args, context)? };
    let names = local_names(names, &downloads);
    let plan = if absent {
        plan_removal(&names, args)?
    } else {
        plan_install(&names, &database, manager, args, context)?
    };
    let outcome = perform(&plan, &database, manager, args, context);
    for file in &downloads {
        // A temporary file that cannot be removed does no harm.
        let _ = std::fs::remove_file(&file.path);
    }
    outcome
}

struct Download {
    address: String,
    path: PathBuf,
}

/// Fetches what is named by its address, as Ansible does, so that `validate_certs` holds for it.
fn fetch_addresses(names: &[String], args: &Args, context: &mut Context) -> Result<Vec<Download>, Failure> {
    let addresses = names.iter().filter(|name| name.contains("://"));
    addresses
        .map(|address| {
            let path = remote_file::fetch(address, ".rpm", args.bool("validate_certs"), context)
                .map_err(|failure| failed(failure.msg).with("rc", 1))?;
            Ok(Download { address: address.clone(), path })
        })
        .collect()
}

/// The names with addresses replaced by the files they were fetched to.
fn local_names(names: &[String], downloads: &[Download]) -> Vec<String> {
    let local = |name: &String| downloads.iter().find(|file| file.address == *name);
    names
        .iter()
        .map(|name| local(name).map_or_else(|| name.clone(), |file| file.path.display().to_string()))
        .collect()
}

fn is_file(name: &str) -> bool {
    name.ends_with(".rpm")
}

fn plan_removal(names: &[String], args: &Args) -> Result<Plan, Failure> {
    if names.iter().any(|name| is_file(name) || name.contains("://")) {
        return Err(failed("Cannot remove paths -- please specify package name."));
    }
    Ok(Plan { remove: names.to_vec(), autoremove: args.bool("autoremove"), ..Plan::default() })
}

fn plan_install(
    names: &[String],
    database: &Database,
    manager: &Manager,
    args: &Args,
    context: &mut Context,
) -> Result<Plan, Failure> {
    let latest = args.opt_str("state") == Some("latest");
    let mut plan = Plan::default();
    if latest && names == ["*"] {
        plan.upgrade_all = true;
        return Ok(plan);
    }
    for name in names.iter().filter(|name| is_file(name)) {
        plan.remarks.push(format!("Installed {name}"));
        if args.bool("update_only") || !is_older_file(name, database, args, context)? {
            plan.install.push(name.clone());
        }
    }
    for name in names.iter().filter(|name| !is_file(name)) {
        let installed = |context: &mut Context| is_installed(name, database, manager, context);
        if name.starts_with('@') {
            plan.groups.push(name.clone());
            plan.install.push(name.clone());
        } else if args.bool("update_only") {
            if installed(context)? {
                plan.upgrade.push(name.clone());
            } else {
                let words = "not installed due to update_only specified";
                plan.remarks.push(format!("Packages providing {name} {words}"));
            }
        } else if has_pattern(name) {
            plan.install.push(name.clone());
            if latest && !database.named(name).is_empty() {
                plan.upgrade.push(name.clone());
            }
        } else if is_newer_installed(name, database, manager, context)? {
            if args.bool("allow_downgrade") {
                plan.install.push(name.clone());
            }
        } else if !installed(context)? {
            plan.install.push(name.clone());
        } else if latest {
            plan.upgrade.push(name.clone());
        }
    }
    Ok(plan)
}

/// Whether the package that a name means is installed. A capability counts only if no package has that very name.
fn is_installed(
    name: &str,
    database: &Database,
    manager: &Manager,
    context: &mut Context,
) -> Result<bool, Failure> {
    if !database.named(name).is_empty() {
        return Ok(true);
    }
    if !database.provides(name, context)? {
        return Ok(false);
    }
    if name.starts_with('/') || name.contains(' ') {
        return Ok(true);
    }
    let available = repoquery(manager, &["--available", name], context)?;
    Ok(!available.iter().any(|package| package.name == name))
}

/// Whether a newer package is installed than a name with a version asks for, if that version can be had at all.
fn is_newer_installed(
    name: &str,
    database: &Database,
    manager: &Manager,
    context: &mut Context,
) -> Result<bool, Failure> {
    if !database.named(name).is_empty() {
        return Ok(false);
    }
    let Some((installed, _)) =
        database.versioned(name).filter(|(found, asked)| asked.may_be_older_than(found))
    else {
        return Ok(false);
    };
    let available = repoquery(manager, &["--available", name], context)?;
    let same = available.iter().filter(|package| package.name == installed.name);
    let newest = same.max_by(|a, b| a.compare(b));
    Ok(newest.is_some_and(|newest| installed.compare(newest).is_gt()))
}

/// Whether a package file is older than what is installed, and may not take its place.
fn is_older_file(
    file: &str,
    database: &Database,
    args: &Args,
    context: &mut Context,
) -> Result<bool, Failure> {
    if args.bool("allow_downgrade") {
        return Ok(false);
    }
    let format = "%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\n";
    let query = Command::new("rpm").args(["-qp", "--nosignature", "--queryformat", format, file]);
    let output = query.plain_language().run(context)?;
    // A file that cannot be read is the package manager's to complain about.
    let package = output.stdout_text().lines().find_map(Package::parse);
    let installed = package.as_ref().and_then(|package| database.predecessor(&package.name, &package.arch));
    Ok(installed.zip(package.as_ref()).is_some_and(|(installed, package)| {
        installed.arch == package.arch && installed.compare(package).is_gt()
    }))
}

/// Runs the subcommands of a plan, or asks for their transactions in check mode.
fn perform(
    plan: &Plan,
    database: &Database,
    manager: &Manager,
    args: &Args,
    context: &mut Context,
) -> Result<Outcome, Failure> {
    let mut results = plan.remarks.clone();
    let mut all = Transaction::default();
    for words in subcommands(plan, args, manager.flavor) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = run_transaction(&words, manager, context)?;
        note_release(&output, context);
        if words.contains(&"remove") {
            results.extend(not_there(&output));
        }
        all.then(Transaction::parse(&output.stdout_text(), database));
    }
    for group in &plan.groups {
        let state = if all.is_empty() { "already installed" } else { "installed" };
        results.push(format!("Group {} {state}.", group.trim_start_matches('@')));
    }
    let coming = if args.bool("download_only") { "Downloaded" } else { "Installed" };
    results.extend(all.installed.iter().map(|package| format!("{coming}: {package}")));
    results.extend(all.removed.iter().map(|package| format!("Removed: {package}")));
    let msg = match (all.is_empty(), context.check) {
        (true, _) => "Nothing to do",
        (false, true) => "Check mode: No changes made, but would have if not in check mode",
        (false, false) => "",
    };
    Ok(result(Outcome::new(!all.is_empty()), results).msg(msg))
}

/// The subcommands with their words. Installing comes first: if a name cannot be found, nothing has been changed yet.
fn subcommands(plan: &Plan, args: &Args, flavor: Flavor) -> Vec<Vec<String>> {
    let mut advisories: Vec<&str> = Vec::new();
    advisories.extend(args.bool("security").then_some("--security"));
    advisories.extend(args.bool("bugfix").then_some("--bugfix"));
    let mut options = advisories.clone();
    if flavor != Flavor::Yum3 && args.bool("allowerasing") {
        options.push("--allowerasing");
    }
    let folder = args.opt_str("download_dir").map(|folder| match flavor {
        Flavor::Dnf5 => format!("--destdir={folder}"),
        _ => format!("--downloaddir={folder}"),
    });
    if args.bool("download_only") {
        options.push("--downloadonly");
        options.extend(folder.as_deref());
    }
    let with = |subcommand: &str, options: &[&str], names: &[String]| {
        let words = std::iter::once(subcommand).chain(options.iter().copied()).map(str::to_owned);
        words.chain(names.iter().cloned()).collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    let upgrade = if flavor == Flavor::Yum3 { "update" } else { "upgrade" };
    if !plan.install.is_empty() {
        // A yum that is asked for an older version of something installed does nothing without this word.
        let install =
            if flavor == Flavor::Yum3 && args.bool("allow_downgrade") { "downgrade" } else { "install" };
        let plain: Vec<&str> =
            options.iter().copied().filter(|option| !advisories.contains(option)).collect();
        all.push(with(install, &plain, &plan.install));
    }
    if plan.upgrade_all {
        all.push(with(upgrade, &options, &[]));
    } else if !plan.upgrade.is_empty() {
        all.push(with(upgrade, &options, &plan.upgrade));
    }
    if !plan.remove.is_empty() {
        all.push(with("remove", &[], &plan.remove));
    }
    if plan.autoremove {
        all.push(with("autoremove", &[], &[]));
    }
    all
}

/// Runs one subcommand for real, or until its transaction is known.
fn run_transaction(words: &[&str], manager: &Manager, context: &mut Context) -> Result<Output, Failure> {
    let probe: Vec<&str> = std::iter::once("--assumeno").chain(words.iter().copied()).collect();
    let real: Vec<&str> = std::iter::once("-y").chain(words.iter().copied()).collect();
    let names = words.iter().skip(1).filter(|word| !word.starts_with('-')).copied().collect::<Vec<_>>();
    let explained = |output: &Output| complaint::explain_transaction(output, words[0], &names);
    // yum 3 installs what it finds although a name cannot be found, so it is asked first.
    if context.check || manager.flavor == Flavor::Yum3 {
        let output = manager.run(&probe, context)?;
        let said = complaint::said(&output);
        let missing =
            manager.flavor == Flavor::Yum3 && !words.contains(&"remove") && said.contains("No package ");
        let refused = !output.ok() && !is_stop(&said);
        if missing || refused {
            return Err(explained(&output));
        }
        if context.check {
            return Ok(output);
        }
    }
    let output = manager.run(&real, context)?;
    if output.ok() { Ok(output) } else { Err(explained(&output)) }
}

/// Whether it stopped only because it was told to answer no, or has nothing to do (an error to yum 3).
fn is_stop(said: &str) -> bool {
    ["Operation aborted", "Exiting on user command", "Exiting on user Command", "Error: Nothing to do"]
        .iter()
        .any(|words| said.contains(words))
}

/// The names that were to be removed and are not there.
fn not_there(output: &Output) -> Vec<String> {
    let said = complaint::said(output);
    let mut found: Vec<String> = Vec::new();
    for line in said.lines() {
        // dnf 4 and yum 3, dnf 5.
        let words =
            ["No match for argument: ", "No packages to remove for argument: ", "No Match for argument: "];
        if let Some(name) = words.iter().find_map(|words| line.strip_prefix(words)) {
            found.push(format!("No match for argument: {}", name.trim()));
        }
    }
    found
}

fn note_release(output: &Output, context: &mut Context) {
    if complaint::said(output).contains("Unable to detect release version") {
        context
            .warn("Unable to detect release version (use \"releasever\" option to specify release version)");
    }
}

#[cfg(test)]
mod tests {
    use data::{Map, Value};

    use super::super::SPEC;
    use super::*;

    fn words_of(plan: &Plan, more: &[(&'static str, Value)], flavor: Flavor) -> Vec<String> {
        let mut args = Map::from([("name", "x")]);
        for (name, value) in more {
            args.insert(*name, value.clone());
        }
        let args = SPEC.parse(&args, &|_| None).unwrap();
        subcommands(plan, &args, flavor).iter().map(|words| words.join(" ")).collect()
    }

    #[test]
    fn what_cannot_be_found_stops_before_anything_is_upgraded() {
        let plan = Plan { install: vec!["a".into()], upgrade: vec!["b".into()], ..Plan::default() };
        let given = [("state", Value::from("latest")), ("security", true.into())];
        assert_eq!(words_of(&plan, &given, Flavor::Dnf4), ["install a", "upgrade --security b"]);
        assert_eq!(words_of(&plan, &given, Flavor::Yum3), ["install a", "update --security b"]);
    }

    #[test]
    fn downloads_go_where_each_program_wants_them_named() {
        let plan = Plan { install: vec!["a".into()], ..Plan::default() };
        let given = [("download_only", Value::from(true)), ("download_dir", "/d".into())];
        assert_eq!(words_of(&plan, &given, Flavor::Dnf4), ["install --downloadonly --downloaddir=/d a"]);
        assert_eq!(words_of(&plan, &given, Flavor::Dnf5), ["install --downloadonly --destdir=/d a"]);
    }

    #[test]
    fn package_files_cannot_be_removed() {
        let args = SPEC.parse(&Map::from([("name", "x.rpm")]), &|_| None).unwrap();
        let failure = plan_removal(&["x.rpm".to_owned()], &args).unwrap_err();
        assert_eq!(failure.msg, "Cannot remove paths -- please specify package name.");
    }
}
