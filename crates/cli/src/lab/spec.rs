//! What a lab should be: its name, its folder, how many hosts of each kind, and how they are called.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::{LabError, Result};

/// What a host is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Control plane and etcd: `master1`, `master2` ...
    Master,
    /// Worker: `node1` ...
    Node,
    /// HAProxy and keepalived: `lb1` ...
    Lb,
}

impl Kind {
    /// The first part of a host's name.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Node => "node",
            Self::Lb => "lb",
        }
    }
}

/// How many hosts of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// 1 to 9.
    pub(crate) masters: u8,
    /// 0 to 99.
    pub(crate) nodes: u8,
    /// 0 to 9; with none the lab has no VIP.
    pub(crate) lbs: u8,
}

impl Default for Counts {
    /// The sample of the documentation: three masters, three nodes; and two load balancers before them.
    fn default() -> Self {
        Self { masters: 3, nodes: 3, lbs: 2 }
    }
}

impl Counts {
    /// Every host: its kind and its number, from 1.
    pub(crate) fn hosts(self) -> impl Iterator<Item = (Kind, u8)> {
        let of = |kind, count| (1..=count).map(move |number| (kind, number));
        of(Kind::Master, self.masters).chain(of(Kind::Node, self.nodes)).chain(of(Kind::Lb, self.lbs))
    }
}

/// What the user asked for. A count that was not given is that of the lab as it is, or the default of a new one.
#[derive(Clone, Debug)]
pub(crate) struct LabSpec {
    /// The lab's name, also part of its containers' and its network's names.
    pub(crate) name: LabName,
    /// The folder that holds `.lab`.
    pub(crate) root: PathBuf,
    /// Number of masters, if given.
    pub(crate) masters: Option<u8>,
    /// Number of nodes, if given.
    pub(crate) nodes: Option<u8>,
    /// Number of load balancers, if given.
    pub(crate) lbs: Option<u8>,
    /// Whether a new lab gets a network without a way out, as in a closed data centre.
    pub(crate) offline: bool,
}

impl LabSpec {
    /// The lab `name` of the project in `root`, as it is, or with the default counts if it is new.
    ///
    /// # Errors
    /// [`LabError::BadName`].
    pub(crate) fn named(name: &str, root: &Path) -> Result<Self> {
        let name = LabName::parse(name)?;
        Ok(Self { name, root: root.to_path_buf(), masters: None, nodes: None, lbs: None, offline: false })
    }

    /// The lab's own folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.root.join(".lab").join(self.name.as_str())
    }

    /// The wanted counts, for a lab that has `current` now.
    pub(crate) fn counts(&self, current: Option<Counts>) -> Counts {
        let base = current.unwrap_or_default();
        Counts {
            masters: self.masters.unwrap_or(base.masters),
            nodes: self.nodes.unwrap_or(base.nodes),
            lbs: self.lbs.unwrap_or(base.lbs),
        }
    }
}

/// The name of a lab: letters a-z, digits and dashes, at most 30.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LabName(String);

impl LabName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`LabError::BadName`].
    pub(crate) fn parse(name: &str) -> Result<Self> {
        let fits = name.len() <= 30
            && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if fits { Ok(Self(name.to_owned())) } else { Err(LabError::BadName(name.to_owned())) }
    }

    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the lab's network, and the first part of its containers' names.
    pub(crate) fn prefix(&self) -> String {
        format!("taskbox-lab-{}", self.0)
    }

    /// The container that is `host`.
    pub(crate) fn container(&self, host: &str) -> String {
        format!("{}-{host}", self.prefix())
    }
}

/// Where the `.lab` of this lab belongs: the project around `from`, else a folder around it that has the lab, else `from`.
pub(crate) fn root_around(from: &Path, name: &str) -> PathBuf {
    let is_project = |dir: &&Path| dir.join("install.sh").is_file() && dir.join("roles").is_dir();
    let has_lab = |dir: &&Path| dir.join(".lab").join(name).join("lab.json").is_file();
    let root = from.ancestors().find(is_project).or_else(|| from.ancestors().find(has_lab));
    root.unwrap_or(from).to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_docker_takes_are_taken() {
        for good in ["default", "roles", "a", "2x2", "ci-17"] {
            assert!(LabName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "Roles", "a_b", "../x", "a b", &"x".repeat(31)] {
            assert!(LabName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn counts_not_given_stay_as_they_are() {
        let mut spec = LabSpec::named("a", Path::new("/p")).expect("a name");
        spec.masters = Some(1);
        assert_eq!(spec.counts(None), Counts { masters: 1, nodes: 3, lbs: 2 });
        let current = Counts { masters: 3, nodes: 7, lbs: 0 };
        assert_eq!(spec.counts(Some(current)), Counts { masters: 1, nodes: 7, lbs: 0 });
    }

    #[test]
    fn a_lab_belongs_to_the_surrounding_project() {
        let dir = tempfile::tempdir().expect("a folder");
        let inner = dir.path().join("conf/deep");
        std::fs::create_dir_all(&inner).expect("made");
        assert_eq!(root_around(&inner, "a"), inner);
        let lab = dir.path().join("conf/.lab/a");
        std::fs::create_dir_all(&lab).expect("made");
        std::fs::write(lab.join("lab.json"), "").expect("written");
        assert_eq!(root_around(&inner, "a"), dir.path().join("conf"));
        std::fs::create_dir(dir.path().join("roles")).expect("made");
        std::fs::write(dir.path().join("install.sh"), "").expect("written");
        assert_eq!(root_around(&inner, "a"), dir.path());
    }
}
