//! Removes, upgrades and cleans.

use super::candidates::{self, Wanted};
use super::command::{self, AptGet};
use super::install::release_and_recommends;
use crate::packages::dpkg::Database;
use crate::{Args, Context, Failure, Outcome};

/// Removes those of `packages` that are there.
pub(super) fn remove(
    packages: &[&str],
    args: &Args,
    apt: &AptGet,
    context: &mut Context,
) -> Result<Outcome, Failure> {
    let specs = candidates::expand(packages, context)?;
    let database = Database::read()?;
    let purge = args.bool("purge");
    let there = |spec: &&str| {
        let wanted = Wanted::parse(spec);
        database.get(wanted.name).is_some_and(|package| {
            (package.is_installed() && wanted.accepts(&package.version)) || (purge && package.has_leftovers())
        })
    };
    let chosen: Vec<&str> = specs.iter().map(AsRef::as_ref).filter(there).collect();
    if chosen.is_empty() {
        return Ok(Outcome::unchanged());
    }
    let mut words = vec!["-q"];
    for (on, word) in [
        (purge, "--purge"),
        (args.bool("force"), "--allow-remove-essential"),
        (args.bool("autoremove"), "--auto-remove"),
        (args.bool("allow_change_held_packages"), "--allow-change-held-packages"),
    ] {
        if on {
            words.push(word);
        }
    }
    words.push("remove");
    words.extend(&chosen);
    let (output, _) = apt.change(&words, context)?;
    command::outcome(&output, &format!("apt-get remove {}", chosen.join(" ")), true)
}

/// Upgrades all packages: `dist` and `full` may remove some, `yes` and `safe` may not.
pub(super) fn upgrade(
    mode: &str,
    args: &Args,
    apt: &AptGet,
    context: &mut Context,
) -> Result<Outcome, Failure> {
    let mut words = AptGet::permissions(args);
    if args.bool("fail_on_autoremove") {
        words.push("--no-remove");
    }
    if matches!(mode, "dist" | "full") {
        words.push("dist-upgrade");
    } else {
        words.extend(["upgrade", "--with-new-pkgs"]);
    }
    if args.bool("autoremove") {
        words.push("--auto-remove");
    }
    words.extend(release_and_recommends(args));
    let (output, _) = apt.change(&words, context)?;
    let shown = format!("apt-get {}", words.join(" "));
    let outcome = command::outcome(&output, &shown, command::did_something(&output))?;
    Ok(outcome.msg(output.stdout_text()))
}

/// `autoremove` or `autoclean`.
pub(super) fn clean_up(
    operation: &str,
    args: &Args,
    apt: &AptGet,
    context: &mut Context,
) -> Result<Outcome, Failure> {
    let mut words = Vec::new();
    if args.bool("force") {
        words.push("--allow-remove-essential");
    }
    if args.bool("purge") {
        words.push("--purge");
    }
    words.push(operation);
    let (output, _) = apt.change(&words, context)?;
    let sign = if operation == "autoremove" { "The following packages will be REMOVED" } else { "Del " };
    let changed = output.stdout_text().contains(sign);
    command::outcome(&output, &format!("apt-get {operation}"), changed)
}

/// Removes all downloaded package files.
pub(super) fn clean(apt: &AptGet, context: &mut Context) -> Result<Outcome, Failure> {
    let words: &[&str] = if context.check { &["--simulate", "clean"] } else { &["clean"] };
    let output = apt.run(words, context)?;
    let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
    if !output.ok() || !stderr.is_empty() {
        return Err(Failure::new(format!("apt-get clean failed: {stderr}"))
            .with("stdout", stdout)
            .with("rc", output.code));
    }
    Ok(Outcome::changed().msg(stdout.as_str()).with("stdout", stdout).with("stderr", stderr))
}
