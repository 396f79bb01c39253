//! `package_facts`: what is installed, as facts.

use data::{Map, Value};

use super::dpkg::{self, Package};
use crate::process::{self, Command};
use crate::{Arg, ArgType, Args, Context, Default, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "package_facts",
    summary: "Package information as facts",
    args: &[
        Arg::list("manager", ArgType::Str)
            .default(Default::List(&["auto"]))
            .help("Which databases to read: `auto`, `apt` or `rpm`; the first that is there, or all with `strategy: all`."),
        Arg::str("strategy").default_str("first").choices(&["first", "all"]).help("Whether to stop at the first database that is there."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let mut managers = Vec::new();
    for manager in args.strings("manager") {
        match manager.to_lowercase().as_str() {
            "auto" => managers.extend(["apt", "rpm"]),
            "apt" => managers.push("apt"),
            "rpm" | "dnf" | "dnf5" | "yum" | "zypper" => managers.push("rpm"),
            _ => return Err(Failure::new(format!("Unsupported package managers requested: {manager}"))),
        }
    }
    let mut packages = Map::new();
    let mut found = 0;
    for manager in managers {
        let Some(list) = list(manager, context)? else { continue };
        found += 1;
        packages.extend_from(&list);
        if args.str("strategy")? == "first" {
            break;
        }
    }
    if found == 0 {
        let asked = args.strings("manager").join(", ");
        return Err(Failure::new(format!(
            "Could not detect a supported package manager from the following list: [{asked}]"
        )));
    }
    Ok(Outcome::unchanged().with_facts(Map::from([("packages", packages)])))
}

/// All packages of one database; `None` if it is not there.
fn list(manager: &str, context: &mut Context) -> Result<Option<Map>, Failure> {
    if manager == "apt" {
        return Ok(dpkg::Database::read().ok().map(|database| of_dpkg(database.all())));
    }
    let Some(program) = process::find_program("rpm", context) else { return Ok(None) };
    let format = "%{NAME}\\t%{VERSION}\\t%{RELEASE}\\t%|EPOCH?{%{EPOCH}}:{}|\\t%{ARCH}\\n";
    match Command::new(program).args(["-qa", "--queryformat", format]).plain_language().run_ok(context) {
        Ok(output) => Ok(Some(of_rpm(&output.stdout_text()))),
        Err(failure) => {
            context.warn(format!(
                "Requested package manager rpm was not usable by this module: {}",
                failure.msg
            ));
            Ok(None)
        }
    }
}

fn add(packages: &mut Map, name: &str, fact: Map) {
    let known = packages.get(name).and_then(Value::as_list).cloned().unwrap_or_default();
    packages.insert(name, known.into_iter().chain([fact.into()]).collect::<Value>());
}

fn of_dpkg(all: &[Package]) -> Map {
    let mut packages = Map::new();
    for package in all.iter().filter(|package| package.is_installed()) {
        let fact = Map::from([
            ("name", package.name.as_str()),
            ("version", package.version.as_str()),
            ("arch", package.architecture.as_str()),
            ("category", package.section.as_str()),
            ("origin", ""),
            ("source", "apt"),
        ]);
        add(&mut packages, &package.name, fact);
    }
    packages
}

fn of_rpm(text: &str) -> Map {
    let mut packages = Map::new();
    for line in text.lines() {
        let [name, version, release, epoch, arch] = line.split('\t').collect::<Vec<_>>()[..] else {
            continue;
        };
        let arch = if arch == "(none)" { Value::Null } else { arch.into() };
        let fact = Map::from([
            ("name", Value::from(name)),
            ("version", version.into()),
            ("release", release.into()),
            ("epoch", epoch.parse::<i64>().ok().into()),
            ("arch", arch),
            ("source", "rpm".into()),
        ]);
        add(&mut packages, name, fact);
    }
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from rpm 4.18.
    #[test]
    fn recorded_rpm_packages_are_read() {
        let found = of_rpm(
            "bash\t5.1.8\t6.el9\t\tx86_64\ngpg-pubkey\t1\t2\t\t(none)\nkernel\t5\t1\t\tx86_64\nkernel\t5\t2\t3\tx86_64\n",
        );
        let bash = &found.get("bash").unwrap().as_list().unwrap()[0];
        assert_eq!(bash.get("release"), Some(&Value::from("6.el9")));
        assert_eq!(bash.get("epoch"), Some(&Value::Null));
        assert_eq!(found.get("kernel").unwrap().as_list().unwrap().len(), 2);
    }
}
