//! The cluster that a command is about: the folder with roles and playbooks, the hosts, and their settings.

use std::path::{Path, PathBuf};

use data::{Diagnose, Diagnostic, Severity};
use inventory::conf::{Conf, ConfOptions, role_variables};
use runner::RunOptions;

use crate::diagnostics;
use crate::flags::ClusterFlags;
use crate::install::Placement;
use crate::lab::{Lab, LabSpec, Progress, ensure_up};

/// Which hosts a command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Those of a conf folder; `None` is `conf/` of the installation.
    Conf(Option<PathBuf>),
    /// A lab's; it is made, completed and started.
    Lab(String),
    /// A lab's, as it is now.
    LabAsItIs(String),
}

/// A cluster as its files describe it.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// The folder of the release or checkout.
    pub(crate) home: PathBuf,
    /// The folder of `hosts.ini` and `vars.yml`.
    pub(crate) folder: PathBuf,
    /// What they say.
    pub(crate) conf: Conf,
}

impl Cluster {
    /// Finds the files, brings a lab up if it is one, reads and checks everything that can be known from files.
    ///
    /// # Errors
    /// No folder with roles, a lab that does not come up. Mistakes in the files are in [`Self::mistakes`].
    pub(crate) fn open(home: Option<&Path>, target: &Target) -> Result<Self, Box<dyn Diagnose>> {
        let home = find_home(home)?;
        let folder = match target {
            Target::Conf(folder) => folder.clone().unwrap_or_else(|| home.join("conf")),
            Target::Lab(name) => lab_folder(&home, name, true)?,
            Target::LabAsItIs(name) => lab_folder(&home, name, false)?,
        };
        Self::read(home, folder)
    }

    /// Opens a cluster as it is now. Its mistakes are reported; with any there is `None`.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn existing(flags: &ClusterFlags) -> Result<Option<Self>, Box<dyn Diagnose>> {
        let target = match &flags.lab {
            Some(name) => Target::LabAsItIs(name.clone()),
            None => Target::Conf(flags.conf.clone()),
        };
        let cluster = Self::open(flags.home.as_deref(), &target)?;
        let mistakes = cluster.mistakes();
        diagnostics::report_all(&mistakes);
        Ok(mistakes.is_empty().then_some(cluster))
    }

    /// Reads the conf folder.
    pub(crate) fn read(home: PathBuf, folder: PathBuf) -> Result<Self, Box<dyn Diagnose>> {
        let known_variables = role_variables(&home.join("roles"));
        let defaults = Some(home.join("inventory"));
        let conf = Conf::load(&folder, &ConfOptions { known_variables, defaults, ..ConfOptions::default() });
        Ok(Self { home, folder, conf })
    }

    /// Mistakes in the files; with any, nothing is run.
    pub(crate) fn mistakes(&self) -> Vec<Diagnostic> {
        self.found(Severity::Error)
    }

    /// What the user should know of the files.
    pub(crate) fn warnings(&self) -> Vec<Diagnostic> {
        self.found(Severity::Warning)
    }

    fn found(&self, severity: Severity) -> Vec<Diagnostic> {
        self.conf.findings.iter().filter(|finding| finding.severity == severity).cloned().collect()
    }

    /// A run of one of the bundled playbooks on these hosts.
    pub(crate) fn run_options(&self, playbook: &str) -> RunOptions {
        RunOptions {
            inventory: self.conf.inventory.clone(),
            inventory_folders: vec![self.folder.clone()],
            playbooks: vec![self.home.join("playbooks").join(playbook)],
            roles_path: vec![self.home.join("roles")],
            // The log's events can do without the SHA-1 and MD5 of what the bundle's manifest knows by its SHA-256.
            whole_results: false,
            ..RunOptions::default()
        }
    }

    /// The names of a group's hosts.
    pub(crate) fn hosts(&self, group: &str) -> Vec<String> {
        let inventory = &self.conf.inventory;
        let hosts = inventory.group(group).map(|group| inventory.hosts_of(group)).unwrap_or_default();
        hosts.iter().map(|host| host.name().to_string()).collect()
    }

    /// What runs where after an install.
    pub(crate) fn placements(&self) -> Vec<Placement> {
        let inventory = &self.conf.inventory;
        let hosts = |name: &str| self.hosts(name);
        let default = |name: &str| inventory.group("all").and_then(|all| all.vars().get_str(name));
        let text = |name: &str| {
            self.conf.vars.get_str(name).or_else(|| default(name)).unwrap_or_default().to_owned()
        };
        let endpoint = self.conf.vars.get("loadbalancer_apiserver");
        let address = endpoint.and_then(|map| map.get("address")).map(data::python::str).unwrap_or_default();
        let port =
            endpoint.and_then(|map| map.get("port")).map_or_else(|| "6443".to_owned(), data::python::str);
        let rows = [
            ("etcd", hosts("etcd"), "https, port 2379".to_owned()),
            ("load balancer", hosts("loadbalancer"), format!("{address}:{port}")),
            ("masters", hosts("kube-master"), text("apiserver_loadbalancer_domain_name")),
            ("nodes", hosts("kube-node"), String::new()),
        ];
        rows.into_iter()
            .filter(|(_, hosts, _)| !hosts.is_empty())
            .map(|(what, hosts, reached)| Placement { what: what.to_owned(), hosts, reached })
            .collect()
    }
}

fn lab_folder(home: &Path, name: &str, bring_up: bool) -> Result<PathBuf, Box<dyn Diagnose>> {
    let found = LabSpec::named(name, home).and_then(|spec| {
        if bring_up {
            ensure_up(&spec, &Progress::start())?
        } else {
            Lab::find(&spec)?
        };
        Ok(spec.folder())
    });
    found.map_err(|error| Box::new(error) as Box<dyn Diagnose>)
}

/// The folder with roles/ and playbooks/: the one given, or the nearest around the current folder, or else around the binary.
fn find_home(given: Option<&Path>) -> Result<PathBuf, Box<dyn Diagnose>> {
    let is_home = |folder: &Path| folder.join("playbooks/install.yml").is_file();
    if let Some(given) = given {
        if is_home(given) {
            return Ok(given.to_owned());
        }
        let wrong = Diagnostic::error(format!("`{}` has no playbooks/install.yml", given.display()));
        return Err(Box::new(wrong.help("give the folder of an unpacked release or a checkout")));
    }
    let starts = [std::env::current_dir().ok(), std::env::current_exe().ok()];
    let around = starts.iter().flatten().flat_map(|start| start.ancestors());
    around.into_iter().find(|folder| is_home(folder)).map(Path::to_owned).ok_or_else(|| {
        let missing = Diagnostic::error("the roles and playbooks of taskbox are not here");
        Box::new(
            missing
                .help("call it from the folder of an unpacked release or a checkout, or give `--home DIR`"),
        ) as Box<dyn Diagnose>
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_playbooks_is_no_home() {
        let empty = tempfile::tempdir().unwrap();
        let error = find_home(Some(empty.path())).unwrap_err();
        assert!(error.diagnostics()[0].title.ends_with("has no playbooks/install.yml"));
    }

    #[test]
    fn the_checkout_is_its_own_home() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let cluster =
            Cluster::open(Some(&root), &Target::Conf(None)).map_err(|error| error.diagnostics()).unwrap();
        assert!(cluster.mistakes().is_empty(), "conf/ as shipped has mistakes: {:?}", cluster.mistakes());
        let places: Vec<_> =
            cluster.placements().into_iter().map(|row| (row.what, row.hosts.len())).collect();
        assert!(places.contains(&("etcd".to_owned(), 3)), "{places:?}");
    }
}
