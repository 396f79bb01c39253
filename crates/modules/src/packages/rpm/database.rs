//! What is installed on an RPM host, asked of `rpm` once, and the ways to name it.

use std::cmp::Ordering;

use data::{Map, Value, fnmatch};

use super::version::compare_evr;
use crate::process::{self, Command};
use crate::{Context, Failure};

/// One line a package, as [`Package::parse`] reads it; `dnf repoquery` and `rpm` share the shape but not the names of the fields.
const FORMAT: &str = "%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\n";

/// One package in one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::packages) struct Package {
    pub(in crate::packages) name: String,
    pub(in crate::packages) epoch: u64,
    pub(in crate::packages) version: String,
    pub(in crate::packages) release: String,
    pub(in crate::packages) arch: String,
    /// The repository's id; `@System` for what is installed.
    pub(in crate::packages) repo: String,
}

impl Package {
    /// Reads `name TAB epoch TAB version TAB release TAB arch [TAB repository]`.
    pub(in crate::packages) fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.trim_end().split('\t').collect();
        let [name, epoch, version, release, arch, rest @ ..] = fields.as_slice() else { return None };
        Some(Self {
            name: (*name).to_owned(),
            epoch: epoch.parse().unwrap_or(0),
            version: (*version).to_owned(),
            release: (*release).to_owned(),
            arch: (*arch).to_owned(),
            repo: rest.first().map_or("@System", |repo| repo).to_owned(),
        })
    }

    /// `version-release`, after the epoch if there is one.
    fn evr(&self) -> String {
        let epoch = if self.epoch == 0 { String::new() } else { format!("{}:", self.epoch) };
        format!("{epoch}{}-{}", self.version, self.release)
    }

    /// `name-[epoch:]version-release.arch`.
    pub(in crate::packages) fn nevra(&self) -> String {
        format!("{}-{}.{}", self.name, self.evr(), self.arch)
    }

    /// The ways to name it, from the most precise.
    fn spellings(&self) -> [Vec<String>; 5] {
        let Self { name, epoch, version, release, arch, .. } = self;
        [
            vec![
                self.nevra(),
                format!("{name}-{version}-{release}.{arch}"),
                format!("{name}-{epoch}:{version}-{release}.{arch}"),
            ],
            vec![format!("{name}.{arch}")],
            vec![name.clone()],
            vec![format!("{name}-{}", self.evr()), format!("{name}-{version}-{release}")],
            vec![format!("{name}-{version}"), format!("{name}-{epoch}:{version}")],
        ]
    }

    pub(in crate::packages) fn compare(&self, other: &Self) -> Ordering {
        compare_evr((self.epoch, &self.version, &self.release), (other.epoch, &other.version, &other.release))
    }

    /// As the results of `list` show it.
    pub(in crate::packages) fn to_value(&self) -> Value {
        let Self { name, epoch, version, release, arch, repo } = self;
        let full = format!("{epoch}:{name}-{version}-{release}.{arch}");
        let installed = repo == "@System";
        Value::Map(Map::from([
            ("name", Value::from(name.as_str())),
            ("arch", arch.as_str().into()),
            ("epoch", epoch.to_string().into()),
            ("release", release.as_str().into()),
            ("version", version.as_str().into()),
            ("repo", repo.as_str().into()),
            ("envra", full.as_str().into()),
            ("nevra", full.into()),
            ("yumstate", if installed { "installed" } else { "available" }.into()),
        ]))
    }
}

/// All that is installed under one root.
#[derive(Debug)]
pub(in crate::packages) struct Database {
    root: String,
    packages: Vec<Package>,
}

impl Database {
    /// Asks `rpm` for all packages under a root (`/` for the host itself).
    ///
    /// # Errors
    /// If there is no `rpm`, or its database cannot be read.
    pub(in crate::packages) fn read(root: &str, context: &mut Context) -> Result<Self, Failure> {
        process::require_program("rpm", context)?;
        let output = rpm(root).args(["-qa", "--queryformat", FORMAT]).run_ok(context)?;
        let packages = output.stdout_text().lines().filter_map(Package::parse).collect();
        Ok(Self::of(root, packages))
    }

    pub(in crate::packages) fn of(root: &str, mut packages: Vec<Package>) -> Self {
        // Imported keys are no packages that could be installed.
        packages.retain(|package| package.name != "gpg-pubkey");
        packages.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.compare(b)));
        Self { root: root.to_owned(), packages }
    }

    pub(in crate::packages) fn all(&self) -> &[Package] {
        &self.packages
    }

    /// The packages that a name means, by the most precise spelling that fits any; patterns are allowed.
    pub(in crate::packages) fn named(&self, spec: &str) -> Vec<&Package> {
        let fits = |spelling: &String| spelling == spec || fnmatch(spec, spelling);
        (0..5)
            .map(|form| {
                let same = |package: &&Package| package.spellings()[form].iter().any(fits);
                self.packages.iter().filter(same).collect::<Vec<_>>()
            })
            .find(|found| !found.is_empty())
            .unwrap_or_default()
    }

    /// The newest package of exactly this name.
    pub(in crate::packages) fn newest(&self, name: &str) -> Option<&Package> {
        self.packages.iter().rfind(|package| package.name == name)
    }

    /// The package that a newer or older one of the same name and architecture takes the place of.
    pub(in crate::packages) fn predecessor(&self, name: &str, arch: &str) -> Option<&Package> {
        let mut same = self.packages.iter().filter(|package| package.name == name);
        same.clone().rfind(|package| package.arch == arch).or_else(|| same.next_back())
    }

    /// The installed package whose name begins a versioned spec (`bash-5.1` or `bash-5.1-2.el9`), with the version and release asked for.
    pub(in crate::packages) fn versioned<'a>(&self, spec: &'a str) -> Option<(&Package, Version<'a>)> {
        let dashes = spec.match_indices('-').map(|(at, _)| at).collect::<Vec<_>>();
        dashes.into_iter().rev().find_map(|at| {
            let found = self.newest(&spec[..at])?;
            let version = spec[at + 1..].strip_suffix(&format!(".{}", found.arch)).unwrap_or(&spec[at + 1..]);
            version.starts_with(|c: char| c.is_ascii_digit()).then(|| (found, Version::parse(version)))
        })
    }

    /// Whether anything installed provides this capability, file, or comparison such as `bash >= 5`.
    pub(in crate::packages) fn provides(&self, spec: &str, context: &mut Context) -> Result<bool, Failure> {
        let words: Vec<&str> = spec.split_whitespace().collect();
        let [capability, operator, wanted] = words.as_slice() else {
            return Ok(rpm(&self.root).args(["-q", "--whatprovides", spec]).run(context)?.ok());
        };
        let wanted = Version::parse(wanted);
        let format = "[%{PROVIDENAME}\\t%{PROVIDEVERSION}\\n]";
        let query = ["-q", "--whatprovides", capability, "--queryformat", format];
        let output = rpm(&self.root).args(query).run(context)?;
        Ok(output.ok()
            && output.stdout_text().lines().filter_map(|line| line.split_once('\t')).any(
                |(name, version)| name == *capability && Version::parse(version).satisfies(operator, &wanted),
            ))
    }
}

/// `rpm` on a root, in English.
fn rpm(root: &str) -> Command {
    let command = Command::new("rpm").plain_language();
    if root == "/" { command } else { command.args(["--root", root]) }
}

/// `[epoch:]version[-release]` as a user writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::packages) struct Version<'a> {
    epoch: Option<u64>,
    version: &'a str,
    release: &'a str,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Self {
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => (epoch.parse().ok(), rest),
            None => (None, text),
        };
        let (version, release) = rest.split_once('-').unwrap_or((rest, ""));
        Self { epoch, version, release }
    }

    /// Whether an installed package is newer than this. Without an epoch in either spelling, epochs do not count against a user who
    /// left it out.
    pub(in crate::packages) fn may_be_older_than(&self, package: &Package) -> bool {
        let own = (self.epoch.unwrap_or(0), self.version, self.release);
        compare_evr((package.epoch, &package.version, &package.release), own) == Ordering::Greater
    }

    fn satisfies(&self, operator: &str, wanted: &Self) -> bool {
        let own = (self.epoch.unwrap_or(0), self.version, self.release);
        let order = compare_evr(own, (wanted.epoch.unwrap_or(0), wanted.version, wanted.release));
        match operator {
            ">" => order == Ordering::Greater,
            ">=" => order != Ordering::Less,
            "<" => order == Ordering::Less,
            "<=" => order != Ordering::Greater,
            "=" | "==" => order == Ordering::Equal,
            _ => false,
        }
    }
}

/// Whether a name is a shell pattern.
pub(in crate::packages) fn has_pattern(spec: &str) -> bool {
    spec.contains(['*', '?', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Database {
        let text = "bash\t0\t5.1.8\t6.el9\tx86_64\nkernel\t0\t5.14.0\t1.el9\tx86_64\nkernel\t0\t5.14.0\t9.el9\tx86_64\n\
            python3-dnf\t1\t4.14\t1\tnoarch\ngpg-pubkey\t0\t1\t2\t(none)\n";
        Database::of("/", text.lines().filter_map(Package::parse).collect())
    }

    #[test]
    fn packages_are_found_by_every_spelling() {
        let database = database();
        for spec in [
            "bash",
            "bash.x86_64",
            "bash-5.1.8",
            "bash-5.1.8-6.el9",
            "bash-5.1.8-6.el9.x86_64",
            "bash-0:5.1.8-6.el9.x86_64",
            "ba*",
            "bash-5.1*",
        ] {
            assert_eq!(database.named(spec).len(), 1, "{spec}");
        }
        assert_eq!(database.named("kernel").len(), 2);
        assert_eq!(database.named("python3-dnf-1:4.14").len(), 1);
        assert!(database.named("bash-5.1").is_empty() && database.named("gpg-pubkey").is_empty());
    }

    #[test]
    fn a_version_older_than_the_installed_one_is_noticed() {
        let database = database();
        let (package, version) = database.versioned("kernel-5.14.0-3.el9.x86_64").unwrap();
        assert_eq!(package.release, "9.el9");
        assert!(version.may_be_older_than(package));
        let (package, version) = database.versioned("bash-5.1.8").unwrap();
        assert!(!version.may_be_older_than(package));
        assert!(database.versioned("python3-dnf").is_none() && database.versioned("zsh-5").is_none());
    }

    #[test]
    fn comparisons_hold_as_rpm_compares() {
        let own = Version::parse("0:3.2-1");
        for (operator, wanted, holds) in [
            (">=", "3", true),
            (">", "3.2", false),
            ("=", "3.2", true),
            ("<", "1:1", true),
            ("<=", "3.2-0", false),
        ] {
            assert_eq!(own.satisfies(operator, &Version::parse(wanted)), holds, "{operator} {wanted}");
        }
    }
}
