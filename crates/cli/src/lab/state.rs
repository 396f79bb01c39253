//! What a lab remembers: `.lab/NAME/lab.json`, readable by its owner only, because passwords are in it.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::Ipv4Addr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ipnet::Ipv4Net;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::engine::Rights;
use super::error::{LabError, Result};
use super::network::Addresses;
use super::spec::{Counts, Kind};

/// A lab as it is on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LabState {
    /// How many hosts of each kind.
    pub(crate) counts: Counts,
    /// The range of its network.
    pub(crate) range: Ipv4Net,
    /// The image of its hosts.
    pub(crate) image: String,
    /// The version of the control group hierarchy: 1 or 2.
    pub(crate) cgroup_version: u8,
    /// Name servers for the hosts; none = Docker's own resolver.
    pub(crate) nameservers: Vec<String>,
    /// What containers may have here.
    pub(crate) rights: Rights,
    /// How many files a process of a host may open at most; none = no limit.
    #[serde(default)]
    pub(crate) open_files: Option<u64>,
    /// The password of `root` on every host.
    pub(crate) root_password: String,
    /// The password of `ops`, for login and for sudo.
    pub(crate) ops_password: String,
}

/// One host of a lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LabHost {
    /// `master1`.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) kind: Kind,
    /// Its address, for good.
    pub(crate) address: Ipv4Addr,
}

impl LabState {
    /// All hosts, in the order of the inventory.
    pub(crate) fn hosts(&self) -> Vec<LabHost> {
        let host = |(kind, number): (Kind, u8)| LabHost {
            name: format!("{}{number}", kind.prefix()),
            kind,
            address: Addresses(self.range).host(kind, number),
        };
        self.counts.hosts().map(host).collect()
    }

    /// The host called `name`.
    ///
    /// # Errors
    /// [`LabError::NoHost`].
    pub(crate) fn host(&self, name: &str) -> Result<LabHost> {
        let hosts = self.hosts();
        hosts.iter().find(|host| host.name == name).cloned().ok_or_else(|| LabError::NoHost {
            name: name.to_owned(),
            known: hosts.into_iter().map(|host| host.name).collect(),
        })
    }

    /// The virtual address of the load balancers, if there are any.
    pub(crate) fn vip(&self) -> Option<Ipv4Addr> {
        (self.counts.lbs > 0).then(|| Addresses(self.range).vip())
    }
}

/// The lab's folder and the files in it.
#[derive(Clone, Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    /// The path of a file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Makes the folder, for its owner only, and keeps all of `.lab` out of version control.
    ///
    /// # Errors
    /// [`LabError::File`].
    pub(crate) fn create(&self) -> Result<()> {
        let mut builder = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(builder.recursive(true), 0o700);
        builder.create(&self.0).map_err(|source| LabError::File {
            action: "create",
            path: self.0.clone(),
            source,
        })?;
        let ignore = self.0.with_file_name(".gitignore");
        if ignore.exists() { Ok(()) } else { write_private(&ignore, "*\n") }
    }

    /// Reads the state; none if there is no such lab.
    ///
    /// # Errors
    /// [`LabError::File`], [`LabError::State`].
    pub(crate) fn load(&self) -> Result<Option<LabState>> {
        let path = self.file("lab.json");
        match std::fs::read_to_string(&path) {
            Ok(text) => match serde_json::from_str(&text) {
                Ok(state) => Ok(Some(state)),
                Err(error) => Err(LabError::State { path, detail: error.to_string() }),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LabError::File { action: "read", path, source }),
        }
    }

    /// Writes the state.
    ///
    /// # Errors
    /// [`LabError::File`].
    pub(crate) fn save(&self, state: &LabState) -> Result<()> {
        let path = self.file("lab.json");
        let text = serde_json::to_string_pretty(state)
            .map_err(|error| LabError::State { path: path.clone(), detail: error.to_string() })?;
        write_private(&path, &format!("{text}\n"))
    }

    /// Writes a file that only its owner may read, as a whole or not at all.
    ///
    /// # Errors
    /// [`LabError::File`].
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<()> {
        write_private(&self.file(name), text)
    }

    /// Removes the folder with all in it.
    ///
    /// # Errors
    /// [`LabError::File`].
    pub(crate) fn remove(&self) -> Result<()> {
        match std::fs::remove_dir_all(&self.0) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(LabError::File { action: "remove", path: self.0.clone(), source })
            }
            _ => Ok(()),
        }
    }
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    let fresh = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        // A leftover of an interrupted run may have other rights.
        let _ = std::fs::remove_file(&fresh);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&fresh, path)
    };
    write().map_err(|source| LabError::File { action: "write", path: path.to_owned(), source })
}

/// A password that no file format or shell can misread: 20 letters and digits.
pub(crate) fn password() -> String {
    let mut random = rand::rng();
    (0..20).map(|_| char::from(random.sample(rand::distr::Alphanumeric))).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A lab for the tests of this and other files.
    pub(crate) fn example(counts: Counts) -> LabState {
        LabState {
            counts,
            range: "172.30.0.0/24".parse().expect("a range"),
            image: "taskbox-lab:bookworm-0".into(),
            cgroup_version: 1,
            nameservers: vec!["192.0.2.53".into()],
            rights: Rights { dropped: vec!["SYS_RESOURCE".into()], kernel_log: true, modules: false },
            open_files: Some(20_000),
            root_password: "rootsecret".into(),
            ops_password: "opssecret".into(),
        }
    }

    #[test]
    fn a_saved_lab_is_read_back_and_private() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder(dir.path().join(".lab/a"));
        assert_eq!(folder.load().expect("readable"), None);
        folder.create().expect("made");
        let state = example(Counts::default());
        folder.save(&state).expect("saved");
        assert_eq!(folder.load().expect("readable"), Some(state));
        let mode = std::fs::metadata(folder.file("lab.json")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(dir.path().join(".lab/.gitignore")).expect("there"), "*\n");
        folder.remove().expect("removed");
        folder.remove().expect("removed again");
    }

    #[test]
    fn a_damaged_state_file_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder(dir.path().to_owned());
        std::fs::write(folder.file("lab.json"), "{").expect("written");
        assert!(matches!(folder.load(), Err(LabError::State { path, .. }) if path.ends_with("lab.json")));
    }

    #[test]
    fn an_unknown_host_is_answered_with_the_known_ones() {
        let state = example(Counts { masters: 1, nodes: 1, lbs: 0 });
        assert_eq!(state.host("node1").expect("known").address, Ipv4Addr::new(172, 30, 0, 101));
        assert!(
            matches!(state.host("lb1"), Err(LabError::NoHost { known, .. }) if known == ["master1", "node1"])
        );
        assert_eq!(state.vip(), None);
    }

    #[test]
    fn passwords_differ() {
        assert_ne!(password(), password());
        assert!(password().len() == 20 && password().chars().all(|c| c.is_ascii_alphanumeric()));
    }
}
