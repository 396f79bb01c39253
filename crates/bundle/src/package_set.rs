//! Package sets: packages of several distributions in one bundle, told apart by the folder they came in.

use std::path::{Component, Path};

/// Distributions by the names that Ansible's fact `ansible_distribution` has for them, in lower case; and their other names, those of
/// `ID` in os-release.
const DISTRIBUTIONS: [(&str, &[&str]); 17] = [
    ("almalinux", &["alma"]),
    ("amazon", &["amzn"]),
    ("anolis", &[]),
    ("centos", &[]),
    ("debian", &[]),
    ("fedora", &[]),
    ("kylin", &[]),
    ("opensuse", &["opensuse-leap", "opensuse_leap"]),
    ("openeuler", &[]),
    ("oraclelinux", &["ol", "oracle"]),
    ("raspbian", &[]),
    ("redhat", &["rhel"]),
    ("rocky", &[]),
    ("sles", &["suse"]),
    ("ubuntu", &[]),
    ("uos", &["uniontech"]),
    ("uniontech", &[]),
];

/// The set of a package by its path below the folder: the innermost folder that is named `DISTRIBUTION-VERSION`, such as `debian-12` or
/// `rhel-9.4`.
pub(crate) fn of_path(path: &Path) -> Option<String> {
    path.parent()?.components().rev().find_map(|part| match part {
        Component::Normal(name) => of_name(name.to_str()?),
        _ => None,
    })
}

fn of_name(folder: &str) -> Option<String> {
    let folder = folder.to_lowercase();
    let (name, version) = folder.rsplit_once('-')?;
    let name = DISTRIBUTIONS.iter().find(|(own, others)| *own == name || others.contains(&name))?.0;
    let plain = version.starts_with(|c: char| c.is_ascii_alphanumeric())
        && version.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
        && version.contains(|c: char| c.is_ascii_digit());
    plain.then(|| format!("{name}-{version}"))
}

/// Where a package of a set lies in the bundle.
pub(crate) fn place(set: Option<&str>, file: &str) -> String {
    set.map_or_else(|| format!("packages/{file}"), |set| format!("packages/{set}/{file}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_name_sets() {
        for (path, set) in [
            ("debian-12/a.deb", Some("debian-12")),
            ("os/RHEL-9.4/x86_64/a.rpm", Some("redhat-9.4")),
            ("kylin-v10/a.rpm", Some("kylin-v10")),
            ("opensuse-leap-15.5/a.rpm", Some("opensuse-15.5")),
            ("packages/a.deb", None),
            ("haproxy-2.6/a.deb", None),
            ("debian-stable/a.deb", None),
            ("debian-12", None),
        ] {
            assert_eq!(of_path(Path::new(path)).as_deref(), set, "{path}");
        }
    }
}
