//! `apt`: packages on Debian and its kin. What is installed is read from dpkg's database, what could be from `apt-cache`, and only
//! `apt-get` changes anything (never aptitude, whose decisions differ from host to host).

mod candidates;
mod change;
mod command;
mod install;
mod lists;
mod local_file;
mod policy_rc_d;
mod private_lists;

use crate::{Arg, ArgType, Args, Context, Failure, ModuleSpec, Outcome, Rules};
use command::AptGet;

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "apt",
    summary: "Manages apt-packages",
    args: &[
        Arg::str("state")
            .default_str("present")
            .choices(&["absent", "build-dep", "fixed", "latest", "present"])
            .help("Whether the packages are to be there, in their newest version, or not; or their build dependencies; or broken ones mended."),
        Arg::bool("update_cache").aliases(&["update-cache"]).help("Fetch the package lists first, unless `cache_valid_time` says that they are new enough."),
        Arg::int("update_cache_retries").default_int(5).help("How often to try to fetch the lists."),
        Arg::int("update_cache_retry_max_delay").default_int(12).help("The longest pause between two tries, in seconds; pauses double."),
        Arg::int("cache_valid_time").default_int(0).help("Fetch the lists only if they are older than this many seconds; implies `update_cache`."),
        Arg::bool("purge").default_bool(false).help("Remove configuration files too."),
        Arg::list("package", ArgType::Str)
            .aliases(&["pkg", "name"])
            .help("Names, each with a shell pattern, `=version` (patterns allowed) or `>=version` if wanted."),
        Arg::path("deb").help("A package file on the host."),
        Arg::str("default_release").aliases(&["default-release"]).help("The release to prefer (`apt-get -t`)."),
        Arg::bool("install_recommends").aliases(&["install-recommends"]).help("Install recommended packages too; not given: as apt is configured."),
        Arg::bool("force").default_bool(false).help("Allow downgrades, unauthenticated and held packages, and removal of essential ones."),
        Arg::str("upgrade")
            .default_str("no")
            .choices(&["dist", "full", "no", "safe", "yes"])
            .help("Upgrade all packages: `yes` and `safe` without removing any, `full` and `dist` with."),
        Arg::str("dpkg_options").default_str("force-confdef,force-confold").help("Options for dpkg, separated by commas, without the dashes."),
        Arg::bool("autoremove").default_bool(false).help("Remove packages that nothing needs any more."),
        Arg::bool("autoclean").default_bool(false).help("Remove package files that can no longer be downloaded."),
        Arg::bool("fail_on_autoremove").default_bool(false).help("Fail if a package would have to be removed."),
        Arg::int("policy_rc_d").help("Keep services from starting while packages are installed: the exit code of `policy-rc.d`, usually 101."),
        Arg::bool("only_upgrade").default_bool(false).help("Upgrade what is installed, install nothing new."),
        Arg::bool("force_apt_get").default_bool(false).help("Accepted for playbooks that set it; apt-get is used always."),
        Arg::bool("clean").default_bool(false).help("Remove all downloaded package files."),
        Arg::bool("allow_unauthenticated").default_bool(false).aliases(&["allow-unauthenticated"]).help("Accept packages without a valid signature."),
        Arg::bool("allow_downgrade")
            .default_bool(false)
            .aliases(&["allow-downgrade", "allow_downgrades", "allow-downgrades"])
            .help("Accept an older version than the installed one."),
        Arg::bool("allow_change_held_packages").default_bool(false).help("Change packages that are on hold."),
        Arg::int("lock_timeout").default_int(60).help("How many seconds to wait for another program that uses apt."),
        Arg::bool("auto_install_module_deps").default_bool(true).help("Accepted for playbooks that set it; nothing needs to be installed."),
    ],
    rules: Rules {
        mutually_exclusive: &[&["deb", "package", "upgrade"]],
        required_one_of: &[&["autoremove", "deb", "package", "update_cache", "upgrade"]],
        ..Rules::NONE
    },
    run,
    ..ModuleSpec::DEFAULTS
};

/// Fetches the package lists, as often as `update_cache_retries` says.
pub(super) fn update_lists(args: &Args, context: &mut Context) -> Result<(), Failure> {
    lists::fetch(args, &AptGet::new(args, context)?, context)
}

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let apt = AptGet::new(args, context)?;
    private_lists::look_or_remove(context);
    let packages = args.strings("package");
    let upgrade = args.opt_str("upgrade").filter(|mode| *mode != "no");
    let nothing_else = packages.is_empty() && upgrade.is_none() && !args.has("deb");
    if args.bool("clean") {
        let cleaned = change::clean(&apt, context)?;
        if nothing_else {
            return Ok(cleaned);
        }
    }
    let lists = lists::update(args, &apt, context)?;
    if nothing_else && lists.asked {
        return Ok(lists.add_to(Outcome::new(lists.updated)));
    }
    if let Some(mode) = upgrade {
        return change::upgrade(mode, args, &apt, context);
    }
    if let Some(file) = args.opt_str("deb") {
        return local_file::install(file, args, &apt, context);
    }
    let all = packages.contains(&"*");
    let packages: Vec<&str> = packages.into_iter().filter(|name| *name != "*").map(str::trim).collect();
    if all && args.str("state")? == "latest" {
        if !packages.is_empty() {
            return Err(Failure::new(
                "unable to install additional packages when upgrading all installed packages",
            ));
        }
        return change::upgrade("yes", args, &apt, context);
    }
    if let Some(wrong) = packages.iter().find(|name| name.matches('=').count() > 1) {
        return Err(Failure::new(format!("invalid package spec: {wrong}")));
    }
    if packages.is_empty() {
        for operation in ["autoclean", "autoremove"] {
            if args.bool(operation) {
                return change::clean_up(operation, args, &apt, context);
            }
        }
    }
    match args.str("state")? {
        "absent" => change::remove(&packages, args, &apt, context),
        state => install::install(&packages, state, lists.updated, args, &apt, context)
            .map(|outcome| lists.add_to(outcome))
            .map_err(|failure| {
                failure.with("cache_updated", lists.updated).with("cache_update_time", lists.time)
            }),
    }
}
