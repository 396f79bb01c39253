//! Installs packages, or brings them to their newest or an asked version.

use super::candidates::{self, Condition, Known, Wanted};
use super::command::{self, AptGet};
use crate::packages::dpkg::{self, Database};
use crate::process::{self, Command};
use crate::{Args, Context, Failure, Outcome};

/// Installs what is missing of `packages`. `state` is `present`, `latest`, `build-dep` or `fixed`; `lists_pending` says that new package
/// lists would be fetched before, if this were not check mode.
pub(super) fn install(
    packages: &[&str],
    state: &str,
    lists_pending: bool,
    args: &Args,
    apt: &AptGet,
    context: &mut Context,
) -> Result<Outcome, Failure> {
    let specs = candidates::expand(packages, context)?;
    let specs: Vec<&str> = specs.iter().map(AsRef::as_ref).collect();
    if state == "build-dep" {
        return build_dependencies(&specs, args, apt, context);
    }
    let wanted: Vec<Wanted<'_>> = specs.iter().map(|spec| Wanted::parse(spec)).collect();
    let chosen = match choose(&wanted, state == "latest", args, context) {
        Ok(chosen) => chosen,
        // A real run would fetch the lists first; what they will say is not known now.
        Err(failure) if context.check && lists_pending => {
            context.warn(format!("{}, but the package lists would be fetched first", failure.msg));
            return Ok(Outcome::changed());
        }
        Err(failure) => return Err(failure),
    };
    let outcome = if chosen.is_empty() {
        Outcome::unchanged()
    } else {
        let mut words = options(state, args);
        words.push("install");
        words.extend(release_and_recommends(args));
        words.extend(chosen.iter().map(String::as_str));
        let (output, shown) = apt.change(&words, context)?;
        command::outcome(&output, &shown, command::did_something(&output))?
    };
    if !context.check {
        mark_manual(&wanted, context)?;
    }
    Ok(outcome)
}

fn build_dependencies(
    specs: &[&str],
    args: &Args,
    apt: &AptGet,
    context: &mut Context,
) -> Result<Outcome, Failure> {
    if specs.is_empty() {
        return Ok(Outcome::unchanged());
    }
    let mut words = options("build-dep", args);
    words.push("build-dep");
    words.extend(release_and_recommends(args));
    words.extend(specs);
    let (output, shown) = apt.change(&words, context)?;
    command::outcome(&output, &shown, command::did_something(&output))
}

/// Options before the command's word.
fn options(state: &str, args: &Args) -> Vec<&'static str> {
    let mut words = AptGet::permissions(args);
    for (on, word) in [
        (args.bool("only_upgrade"), "--only-upgrade"),
        (state == "fixed", "--fix-broken"),
        (args.bool("autoremove") && state != "build-dep", "--auto-remove"),
        (args.bool("fail_on_autoremove"), "--no-remove"),
    ] {
        if on {
            words.push(word);
        }
    }
    words
}

/// Options that name a release and say whether recommended packages come along.
pub(super) fn release_and_recommends(args: &Args) -> Vec<&str> {
    let mut words = Vec::new();
    if let Some(release) = args.opt_str("default_release") {
        words.extend(["-t", release]);
    }
    if let Some(recommends) = args.opt_bool("install_recommends") {
        words.extend([
            "-o",
            if recommends { "APT::Install-Recommends=yes" } else { "APT::Install-Recommends=no" },
        ]);
    }
    words
}

/// What to hand to apt-get: `name=version`, or `name` for virtual packages, for everything that is not as it should be. apt is asked only
/// about what dpkg's database does not settle.
fn choose(
    wanted: &[Wanted<'_>],
    latest: bool,
    args: &Args,
    context: &mut Context,
) -> Result<Vec<String>, Failure> {
    let database = Database::read()?;
    let settled = |wanted: &&Wanted<'_>| {
        let installed = database.installed(wanted.name);
        let pattern =
            matches!(wanted.version, Condition::Like(version) if super::candidates::is_pattern(version));
        !latest && !pattern && installed.is_some_and(|package| wanted.accepts(&package.version))
    };
    let open: Vec<_> = wanted.iter().filter(|wanted| !settled(wanted)).collect();
    let names: Vec<&str> = open.iter().map(|wanted| wanted.name).collect();
    let known = candidates::ask(&names, args.opt_str("default_release"), context)?;
    let only_upgrade = args.bool("only_upgrade");
    let mut chosen = Vec::new();
    for wanted in open {
        let known = known.iter().find(|known| known.name == wanted.name);
        chosen.extend(choose_one(wanted, known, &database, latest, only_upgrade, context)?);
    }
    Ok(chosen)
}

fn choose_one(
    wanted: &Wanted<'_>,
    known: Option<&Known>,
    database: &Database,
    latest: bool,
    only_upgrade: bool,
    context: &mut Context,
) -> Result<Option<String>, Failure> {
    let installed = database.installed(wanted.name);
    let real = installed.is_some() || known.is_some_and(|known| !known.versions.is_empty());
    if !real {
        return virtual_package(wanted, database, only_upgrade, context);
    }
    if installed.is_none() && only_upgrade {
        return Ok(None);
    }
    let fits = installed.is_some_and(|package| wanted.accepts(&package.version));
    let best = known.and_then(|known| wanted.best(known)).filter(|best| wanted.accepts(best));
    let best = best.filter(|best| installed.is_none_or(|package| package.version != *best));
    match best {
        None if fits => Ok(None),
        None => Err(Failure::new(format!("no available installation candidate for {}", wanted.spec))),
        // A pattern that matches both the installed and a newer version takes the newer one, as Ansible does.
        Some(best) if latest || !fits || matches!(wanted.version, Condition::Like(_)) => {
            Ok(Some(format!("{}={best}", wanted.name)))
        }
        Some(_) => Ok(None),
    }
}

/// A name that only other packages provide: fine if one of them is installed, else apt-get chooses.
fn virtual_package(
    wanted: &Wanted<'_>,
    database: &Database,
    only_upgrade: bool,
    context: &mut Context,
) -> Result<Option<String>, Failure> {
    if database.provider(wanted.name).is_some() || only_upgrade {
        return Ok(None);
    }
    if candidates::providers(wanted.name, context)?.is_empty() {
        return Err(Failure::new(format!("No package matching '{}' is available", wanted.name)));
    }
    Ok(Some(wanted.spec.to_owned()))
}

/// Marks packages that came as a dependency as wanted for themselves, so that autoremove leaves them.
fn mark_manual(wanted: &[Wanted<'_>], context: &mut Context) -> Result<(), Failure> {
    let automatic = dpkg::automatically_installed();
    let plain = |name: &str| name.split(':').next().unwrap_or(name).to_owned();
    let names: Vec<&str> =
        wanted.iter().map(|wanted| wanted.name).filter(|name| automatic.contains(&plain(name))).collect();
    if names.is_empty() {
        return Ok(());
    }
    let Some(program) = process::find_program("apt-mark", context) else {
        context.warn("Could not find apt-mark binary, not marking package(s) as manually installed.");
        return Ok(());
    };
    let command = Command::new(program).arg("manual").args(&names).plain_language();
    let output = command.run(context)?;
    command::outcome(&output, &command.display(), false).map(drop)
}

#[cfg(test)]
mod tests {
    use data::{Map, Value};

    use crate::{RunRequest, run_local};

    fn check(args: Map) -> Map {
        run_local(&RunRequest { check: true, ..RunRequest::new("apt", args) })
    }

    /// These need a Debian host, which the development machine is; elsewhere there is no dpkg database and nothing to test.
    fn on_debian() -> bool {
        std::path::Path::new("/var/lib/dpkg/status").exists()
    }

    #[test]
    fn an_installed_package_is_left_alone() {
        if on_debian() {
            let result = check(Map::from([("name", "dpkg")]));
            assert_eq!(result.get("changed"), Some(&Value::from(false)), "{result:?}");
        }
    }

    #[test]
    fn an_unknown_package_is_named() {
        if on_debian() {
            let result = check(Map::from([("name", "no-such-package-anywhere")]));
            assert_eq!(
                result.get_str("msg"),
                Some("No package matching 'no-such-package-anywhere' is available")
            );
            let result = check(Map::from([("name", "dpkg=0.0.1")]));
            assert_eq!(result.get_str("msg"), Some("no available installation candidate for dpkg=0.0.1"));
        }
    }

    #[test]
    fn two_equal_signs_are_no_package() {
        if on_debian() {
            let result = check(Map::from([("name", "a=1=2")]));
            assert_eq!(result.get_str("msg"), Some("invalid package spec: a=1=2"));
        }
    }
}
