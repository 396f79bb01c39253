//! `list`: what is installed, available, or could be newer.

use data::{Map, Value};

use super::command::{Flavor, Manager};
use crate::packages::rpm::{Database, Package};
use crate::{Args, Context, Failure, Outcome};

/// Lists packages or repositories.
pub(super) fn list(
    what: &str,
    manager: &Manager,
    args: &Args,
    context: &mut Context,
) -> Result<Outcome, Failure> {
    let root = args.str("installroot")?;
    let results: Value = match what {
        "installed" => Database::read(root, context)?.all().iter().map(Package::to_value).collect(),
        "available" => repoquery(manager, &["--available"], context)?.iter().map(Package::to_value).collect(),
        "updates" | "upgrades" => {
            repoquery(manager, &["--upgrades"], context)?.iter().map(Package::to_value).collect()
        }
        "repos" | "repositories" => repositories(&manager.ask(&["repolist"], context)?),
        spec => {
            let database = Database::read(root, context)?;
            let mut found: Vec<Package> = database.named(spec).into_iter().cloned().collect();
            found.extend(repoquery(manager, &["--available", spec], context)?);
            found.iter().map(Package::to_value).collect()
        }
    };
    Ok(Outcome::unchanged().msg("").with("results", results))
}

/// The packages of the repositories.
pub(super) fn repoquery(
    manager: &Manager,
    words: &[&str],
    context: &mut Context,
) -> Result<Vec<Package>, Failure> {
    // dnf 4 ends lines itself.
    let end = if manager.flavor == Flavor::Dnf4 { "" } else { "\\n" };
    let format =
        format!("%{{name}}\\t%{{epoch}}\\t%{{version}}\\t%{{release}}\\t%{{arch}}\\t%{{repoid}}{end}");
    let asked: Vec<&str> =
        ["repoquery", "--queryformat", &format].into_iter().chain(words.iter().copied()).collect();
    // In yum 3 it is a program of its own and need not be there; its list command says the same in other columns.
    if manager.flavor == Flavor::Yum3 {
        let listed: Vec<&str> = words
            .iter()
            .map(|word| match *word {
                "--available" => "available",
                "--upgrades" => "updates",
                other => other,
            })
            .collect();
        let mut asked = vec!["list"];
        asked.extend(listed);
        return Ok(of_yum_list(&manager.ask(&asked, context)?));
    }
    let text = manager.ask(&asked, context)?;
    let mut found: Vec<Package> = text.lines().filter_map(Package::parse).collect();
    found.dedup();
    Ok(found)
}

/// `yum list`: `name.arch  [epoch:]version-release  repository`, a long name on a line of its own.
fn of_yum_list(text: &str) -> Vec<Package> {
    let words = text.lines().filter(|line| !line.ends_with("Packages")).flat_map(str::split_whitespace);
    let words: Vec<&str> = words.collect();
    words
        .chunks_exact(3)
        .filter_map(|entry| {
            let (name, arch) = entry[0].rsplit_once('.')?;
            let (epoch, rest) = entry[1].split_once(':').unwrap_or(("0", entry[1]));
            let (version, release) = rest.rsplit_once('-')?;
            Package::parse(&[name, epoch, version, release, arch, entry[2]].join("\t"))
        })
        .collect()
}

/// The first column of `repolist`, below its heading. yum 3 marks ids (`!base/7/x86_64`) and adds a sum at the end.
fn repositories(text: &str) -> Value {
    let rows = text.lines().filter(|line| !line.starts_with("repo id") && !line.starts_with("repolist:"));
    rows.filter_map(|line| line.split_whitespace().next())
        .map(|id| id.trim_start_matches(['!', '*']).split('/').next().unwrap_or(id))
        .map(|id| Value::Map(Map::from([("repoid", id), ("state", "enabled")])))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the form of yum 3.4's manual; not recorded on a host.
    #[test]
    fn a_list_of_yum_3_is_read() {
        let found = of_yum_list(
            "Available Packages\nbash.x86_64      4.2.46-35.el7_9     updates\na-very-long-package-name.noarch\n   1:2.0-1.el7   base\n",
        );
        let names: Vec<String> = found.iter().map(Package::nevra).collect();
        assert_eq!(names, ["bash-4.2.46-35.el7_9.x86_64", "a-very-long-package-name-1:2.0-1.el7.noarch"]);
        assert_eq!(found[1].repo, "base");
    }

    #[test]
    fn ids_of_repositories_are_the_first_column() {
        let ids = |text: &str| {
            let found = repositories(text);
            let ids = found
                .as_list()
                .unwrap()
                .iter()
                .filter_map(|repo| repo.get("repoid")?.as_str().map(str::to_owned));
            ids.collect::<Vec<_>>()
        };
        assert_eq!(ids("repo id      repo name\nlocal    local things\n"), ["local"]);
        assert_eq!(
            ids("repo id  repo name  status\n!base/7/x86_64 CentOS-7 - Base 10,072\nrepolist: 10,072\n"),
            ["base"]
        );
    }
}
