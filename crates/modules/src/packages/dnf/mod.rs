//! `dnf`, `yum` and `dnf5`: packages on RPM hosts through whichever of these programs the host has. What is installed is asked of `rpm`;
//! the program itself decides about everything else, so check mode shows the very transaction that it would run.

mod command;
mod complaint;
mod list;
mod plan;
mod transaction;

use std::path::Path;

use crate::{Arg, ArgType, Args, Context, Default, Failure, ModuleSpec, Outcome, Rules};
use command::Manager;
use data::Value;

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "dnf",
    aliases: &["yum", "dnf5"],
    summary: "Manages packages with the dnf package manager",
    args: &[
        Arg::list("name", ArgType::Str)
            .aliases(&["pkg"])
            .default(Default::List(&[]))
            .help("Names, with `-version` or a comparison such as `name >= 1.0` if wanted, patterns, `@groups`, files that a package provides, package files or their addresses; `*` with `state: latest` means all."),
        Arg::str("state")
            .choices(&["absent", "installed", "latest", "present", "removed"])
            .help("Whether the packages are to be there, in their newest version, or not; `present` unless `autoremove` is set."),
        Arg::str("list").help("Only list: `installed`, `available`, `updates`, `repos`, or the packages of a name."),
        Arg::list("enablerepo", ArgType::Str).default(Default::List(&[])).help("Repositories to use for this task."),
        Arg::list("disablerepo", ArgType::Str).default(Default::List(&[])).help("Repositories not to use for this task."),
        Arg::str("conf_file").help("The configuration file to use."),
        Arg::bool("disable_gpg_check").default_bool(false).help("Accept packages without a valid signature."),
        Arg::str("installroot").default_str("/").help("Install into this folder instead of the host."),
        Arg::str("releasever").help("The release to install from."),
        Arg::bool("autoremove").default_bool(false).help("Remove packages that were installed as dependencies and that nothing needs any more; alone or with `state: absent`."),
        Arg::list("exclude", ArgType::Str).default(Default::List(&[])).help("Packages to leave alone."),
        Arg::bool("skip_broken").default_bool(false).help("Skip packages that are not available or cannot be installed."),
        Arg::bool("update_cache").default_bool(false).aliases(&["expire-cache"]).help("Look for new package lists first."),
        Arg::bool("update_only").default_bool(false).help("With `latest`: upgrade what is installed, install nothing."),
        Arg::bool("security").default_bool(false).help("With `latest`: only what mends security."),
        Arg::bool("bugfix").default_bool(false).help("With `latest`: only what mends errors."),
        Arg::list("enable_plugin", ArgType::Str).default(Default::List(&[])).help("Plugins of dnf to use for this task."),
        Arg::list("disable_plugin", ArgType::Str).default(Default::List(&[])).help("Plugins of dnf not to use for this task."),
        Arg::str("disable_excludes").help("Excludes of the configuration to ignore: `all`, `main` or a repository."),
        Arg::bool("validate_certs").default_bool(true).help("Refuse certificates that nobody trusts when a package's address is fetched."),
        Arg::bool("sslverify").default_bool(true).help("Refuse certificates of repositories that nobody trusts."),
        Arg::bool("allow_downgrade").default_bool(false).help("Accept an older version than the installed one."),
        Arg::bool("install_repoquery").default_bool(true).help("Accepted for playbooks that set it; has no effect."),
        Arg::bool("download_only").default_bool(false).help("Only fetch the packages."),
        Arg::str("download_dir").help("Where `download_only` puts them."),
        Arg::int("lock_timeout").default_int(30).help("How many seconds to wait for another program that uses the package manager."),
        Arg::bool("install_weak_deps").default_bool(true).help("Install recommended packages too."),
        Arg::bool("allowerasing").default_bool(false).help("Remove installed packages that stand in the way."),
        Arg::bool("nobest").help("The opposite of `best`."),
        Arg::bool("best").help("Insist on the newest version, or accept an older one that can be installed; not given: as the host is configured."),
        Arg::bool("cacheonly").default_bool(false).help("Use what was fetched before, fetch nothing."),
        Arg::str("use_backend")
            .aliases(&["use"])
            .default_str("auto")
            .choices(&["auto", "dnf", "yum", "yum4", "dnf4", "dnf5"])
            .help("The program to use; `auto` takes the one the host has."),
        Arg::bool("auto_install_module_deps").default_bool(true).help("Accepted for playbooks that set it; nothing needs to be installed."),
    ],
    rules: Rules {
        mutually_exclusive: &[&["name", "list"], &["best", "nobest"]],
        required_one_of: &[&["name", "list", "update_cache"]],
        ..Rules::NONE
    },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let names = split_commas(&args.strings("name"));
    let spaced = |name: &&String| name.contains(' ') && !name.contains(['@', '<', '>', '=']);
    if names.iter().any(|name| spaced(&name)) {
        return Err(Failure::new(
            "It appears that a space separated string of packages was passed in as an argument. \
             To operate on several packages, pass a comma separated string of packages or a list of packages.",
        ));
    }
    if args.bool("autoremove") && args.opt_str("state").is_some_and(|state| state != "absent") {
        return Err(failed("Autoremove should be used alone or with state=absent"));
    }
    if let Some(file) = args.opt_str("conf_file").filter(|file| !Path::new(file).is_file()) {
        return Err(failed("cannot read configuration file").with("conf_file", file));
    }
    let manager = Manager::find(args, context)?;
    if args.bool("update_cache") && names.is_empty() && !args.has("list") {
        manager.fetch_lists(context)?;
        return Ok(result(Outcome::unchanged(), Vec::new()).msg("Cache updated"));
    }
    if let Some(what) = args.opt_str("list") {
        return list::list(what, &manager, args, context);
    }
    if !args.bool("download_only") && !rustix::process::geteuid().is_root() {
        return Err(failed("This command has to be run under the root user."));
    }
    plan::carry_out(&names, &manager, args, context)
}

/// The names, with those that are lists separated by commas taken apart.
fn split_commas(names: &[&str]) -> Vec<String> {
    let (lists, single): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.contains(','));
    let parts = lists.into_iter().flat_map(|list| list.split(','));
    let all: Vec<String> = single.into_iter().chain(parts).map(|name| name.trim().to_owned()).collect();
    if all == [""] { Vec::new() } else { all }
}

/// A failure as the module reports most of them: with no results.
fn failed(msg: impl Into<String>) -> Failure {
    Failure::new(msg).with("results", Vec::<Value>::new())
}

/// The fields that a result always has.
fn result(outcome: Outcome, results: Vec<String>) -> Outcome {
    let results: Value = results.into_iter().map(Value::from).collect();
    outcome.with("results", results).with("rc", 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_be_lists_themselves() {
        assert_eq!(split_commas(&["a", "b,c , d", "e"]), ["a", "e", "b", "c", "d"]);
        assert!(split_commas(&[""]).is_empty());
    }
}
