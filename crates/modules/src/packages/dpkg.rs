//! What is installed on a Debian host, read from dpkg's own database: no process, a few milliseconds.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::Failure;

/// One package in one architecture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Package {
    /// Its name, without the architecture.
    pub(super) name: String,
    /// Its architecture, or `all`.
    pub(super) architecture: String,
    /// Its version; that of the removed package if only its configuration is left.
    pub(super) version: String,
    /// What is wanted, whether there was an error, and the state: `install ok installed`.
    pub(super) status: String,
    /// Its section (`admin`).
    pub(super) section: String,
    /// The source package, if it has another name.
    pub(super) source: String,
    /// Names of virtual packages that it provides.
    pub(super) provides: Vec<String>,
}

impl Package {
    /// Whether its files are in place and it is configured.
    pub(super) fn is_installed(&self) -> bool {
        self.status.ends_with(" installed")
    }

    /// Whether it was removed but its configuration was left.
    pub(super) fn has_leftovers(&self) -> bool {
        !self.is_installed() && !self.status.ends_with(" not-installed")
    }
}

/// All that dpkg knows.
#[derive(Debug, Default)]
pub(super) struct Database {
    packages: Vec<Package>,
    by_name: HashMap<String, Vec<usize>>,
    native: String,
}

impl Database {
    /// Reads `/var/lib/dpkg`.
    ///
    /// # Errors
    /// If the host has no dpkg database, or it cannot be read.
    pub(super) fn read() -> Result<Self, Failure> {
        Self::read_from(Path::new("/var/lib/dpkg"))
    }

    fn read_from(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("status");
        let bytes = fs::read(&path).map_err(|error| Failure::io("could not read", &path, &error))?;
        Ok(Self::parse(&String::from_utf8_lossy(&bytes)))
    }

    /// Reads the text of a status file.
    fn parse(text: &str) -> Self {
        let packages: Vec<_> = text.split("\n\n").filter_map(parse_entry).collect();
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, package) in packages.iter().enumerate() {
            by_name.entry(package.name.clone()).or_default().push(index);
        }
        // dpkg is always installed, in the architecture of the host.
        let own = by_name
            .get("dpkg")
            .and_then(|found| found.first())
            .map(|index| packages[*index].architecture.clone());
        Self { packages, by_name, native: own.unwrap_or_default() }
    }

    /// The package of this name, or `name:architecture`. Without an architecture: the host's own, else any.
    pub(super) fn get(&self, name: &str) -> Option<&Package> {
        let (name, architecture) =
            name.split_once(':').map_or((name, None), |(name, arch)| (name, Some(arch)));
        let found = self.by_name.get(name)?.iter().map(|index| &self.packages[*index]);
        let fits = |package: &&Package, wanted: &str| {
            package.architecture == wanted || package.architecture == "all"
        };
        match architecture {
            Some("any") => found.into_iter().next(),
            Some(wanted) => found.into_iter().find(|package| fits(package, wanted)),
            None => {
                found.clone().find(|package| fits(package, &self.native)).or_else(|| found.clone().next())
            }
        }
    }

    /// The installed package of this name.
    pub(super) fn installed(&self, name: &str) -> Option<&Package> {
        self.get(name).filter(|package| package.is_installed())
    }

    /// An installed package that provides this name.
    pub(super) fn provider(&self, name: &str) -> Option<&Package> {
        let provides = |package: &&Package| package.provides.iter().any(|provided| provided == name);
        self.packages.iter().filter(|package| package.is_installed()).find(provides)
    }

    /// All packages, in the order of the database.
    pub(super) fn all(&self) -> &[Package] {
        &self.packages
    }
}

fn parse_entry(entry: &str) -> Option<Package> {
    let mut package = Package::default();
    for line in entry.lines().filter(|line| !line.starts_with([' ', '\t'])) {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match key {
            "Package" => value.clone_into(&mut package.name),
            "Architecture" => value.clone_into(&mut package.architecture),
            "Version" => value.clone_into(&mut package.version),
            "Status" => value.clone_into(&mut package.status),
            "Section" => value.clone_into(&mut package.section),
            "Source" => value.clone_into(&mut package.source),
            "Provides" => {
                let names = value.split(',').filter_map(|item| item.split_whitespace().next());
                package.provides = names.map(str::to_owned).collect();
            }
            _ => {}
        }
    }
    (!package.name.is_empty()).then_some(package)
}

/// Packages that apt installed only because others need them, as `name` or `name:architecture`.
pub(super) fn automatically_installed() -> Vec<String> {
    let text = fs::read_to_string("/var/lib/apt/extended_states").unwrap_or_default();
    parse_extended_states(&text)
}

fn parse_extended_states(text: &str) -> Vec<String> {
    let field = |entry: &str, key: &str| {
        let line = entry.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.map(str::trim).unwrap_or_default().to_owned()
    };
    let automatic = text.split("\n\n").filter(|entry| field(entry, "Auto-Installed") == "1");
    automatic.map(|entry| field(entry, "Package")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\n\
        Package: exim4\nStatus: install ok installed\nArchitecture: all\nVersion: 4\nProvides: mail-transport-agent, x (= 2)\n\n\
        Package: libc6\nStatus: install ok installed\nArchitecture: i386\nVersion: 2.36\n\n\
        Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.37\nDescription: a\n  Status: no\n\n\
        Package: old\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n";

    #[test]
    fn the_hosts_architecture_comes_first() {
        let database = Database::parse(STATUS);
        assert_eq!(database.get("libc6").unwrap().version, "2.37");
        assert_eq!(database.get("libc6:i386").unwrap().version, "2.36");
        assert_eq!(database.get("libc6:arm64"), None);
        assert_eq!(database.get("exim4:amd64").unwrap().version, "4");
    }

    #[test]
    fn removed_packages_leave_their_configuration() {
        let database = Database::parse(STATUS);
        assert!(database.installed("old").is_none());
        assert!(database.get("old").unwrap().has_leftovers());
        assert_eq!(database.provider("x").unwrap().name, "exim4");
        assert_eq!(database.all().len(), 5);
    }

    #[test]
    fn automatic_packages_are_marked() {
        let text = "Package: a\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: b\nArchitecture: amd64\nAuto-Installed: 0\n";
        assert_eq!(parse_extended_states(text), ["a"]);
    }
}
