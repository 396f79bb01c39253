//! Name, version and code name of the distribution from os-release(5), with the first `*-release` file for what it does not tell.

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;

use fancy_regex::Regex;

use super::files;

/// What the release files say in their own words; empty where they say nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Release {
    /// Lower-case id (`debian`, `rocky`, `openeuler`).
    pub(super) id: String,
    /// The most exact version that is told.
    pub(super) version: String,
    /// The code name; `None` if none is told.
    pub(super) codename: Option<String>,
}

/// A line of a release file: `CentOS Linux release 7.9.2009 (Core)`.
#[derive(Default)]
struct Line {
    version: String,
    codename: String,
}

impl Release {
    /// Reads the files under `root`.
    pub(super) fn read(root: &Path) -> Self {
        let os = os_release(root);
        let get = |key: &str| os.get(key).cloned().unwrap_or_default();
        let (file_id, line) = release_file(root);
        let id = match get("id").to_lowercase().replace(' ', "_").as_str() {
            "" if file_id == "redhat" => "rhel".to_owned(),
            "" => file_id,
            "ol" => "oracle".to_owned(),
            "opensuse-leap" => "opensuse".to_owned(),
            id => id.to_owned(),
        };
        let debian_like = id == "debian" || get("id_like").split(' ').any(|like| like == "debian");
        let debian = if debian_like { first_line(root, "etc/debian_version") } else { String::new() };
        let versions = [get("version_id"), line.version, parse_line(&get("pretty_name")).version, debian];
        let version = match id.as_str() {
            "centos" => most_exact(&versions).splitn(3, '.').take(2).collect::<Vec<_>>().join("."),
            "debian" => most_exact(&versions),
            _ => versions.iter().find(|version| !version.is_empty()).cloned().unwrap_or_default(),
        };
        let named =
            [os.get("version_codename"), os.get("ubuntu_codename")].into_iter().flatten().next().cloned();
        let codename = named
            .or_else(|| in_version(&get("version")))
            .or(Some(line.codename))
            .filter(|name| !name.is_empty());
        Self { id, version, codename: os.get("version_codename").cloned().or(codename) }
    }
}

/// The last of the versions with the most dots.
fn most_exact(versions: &[String]) -> String {
    let dots = |text: &str| text.matches('.').count();
    let mut best = "";
    for version in versions {
        if best.is_empty() || dots(version) > dots(best) {
            best = version;
        }
    }
    best.to_owned()
}

/// The keys of os-release in lower case.
fn os_release(root: &Path) -> HashMap<String, String> {
    let text =
        ["etc/os-release", "usr/lib/os-release"].iter().find_map(|name| files::content(root.join(name)));
    let text = text.unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines
        .filter_map(|line| line.trim().split_once('='))
        .map(|(key, value)| (key.to_lowercase(), unquote(value)))
        .collect()
}

/// Removes the shell's quotes around and within a value.
fn unquote(value: &str) -> String {
    let (mut out, mut quote, mut chars) = (String::new(), None, value.trim().chars());
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None | Some('"'), '\\') => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    out
}

/// The code name in a VERSION such as `7 (Core)` or `16.04.7 LTS, Xenial Xerus`.
fn in_version(version: &str) -> Option<String> {
    static CODENAME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\((\D+)\)|,\s*(\D+)$").expect("the pattern is valid"));
    let found = CODENAME.captures(version).ok()??;
    found.get(1).or_else(|| found.get(2)).map(|name| name.as_str().trim().to_owned())
}

/// Files of this form that name something else.
const NOT_A_DISTRIBUTION: [&str; 8] = [
    "debian_version",
    "lsb-release",
    "oem-release",
    "os-release",
    "system-release",
    "plesk-release",
    "iredmail-release",
    "board-release",
];

/// The id in the name of the first `*-release` or `*-version` file, and its first line.
fn release_file(root: &Path) -> (String, Line) {
    let mut names = files::names(root.join("etc"));
    names.sort();
    for name in names.iter().filter(|name| !NOT_A_DISTRIBUTION.contains(&name.as_str())) {
        let id =
            ["-release", "_release", "-version", "_version"].iter().find_map(|end| name.strip_suffix(end));
        let (Some(id), true) = (id, root.join("etc").join(name).is_file()) else { continue };
        let line = first_line(root, &format!("etc/{name}"));
        if !line.is_empty() && id.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return (id.to_lowercase(), parse_line(&line));
        }
    }
    Default::default()
}

fn first_line(root: &Path, name: &str) -> String {
    files::text(root.join(name)).lines().next().unwrap_or_default().to_owned()
}

/// Version and code name in a line that ends in a version and perhaps a code name in parentheses.
fn parse_line(line: &str) -> Line {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^.+?(?: +release)? *(\d(?:[\d.+\-a-z]*)?)(?: LTS)? *(?:\((.*)\)[^)]*)?$")
            .expect("the pattern is valid")
    });
    let Ok(Some(found)) = LINE.captures(line.trim()) else { return Line::default() };
    let text = |index| found.get(index).map(|group| group.as_str().to_owned()).unwrap_or_default();
    Line { version: text(1), codename: text(2) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A root folder with these files under `etc`.
    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("etc")).unwrap();
        for (name, content) in files {
            fs::write(root.path().join("etc").join(name), content).unwrap();
        }
        root
    }

    fn told(files: &[(&str, &str)]) -> (String, String, Option<String>) {
        let release = Release::read(root(files).path());
        (release.id, release.version, release.codename)
    }

    #[test]
    fn debian_takes_its_minor_version_from_debian_version() {
        let os = "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
        let found = told(&[("os-release", os), ("debian_version", "12.11\n")]);
        assert_eq!(found, ("debian".into(), "12.11".into(), Some("bookworm".into())));
    }

    #[test]
    fn centos_takes_two_parts_of_its_release_file() {
        let os =
            "ID=\"centos\"\nVERSION_ID=\"7\"\nVERSION=\"7 (Core)\"\nPRETTY_NAME=\"CentOS Linux 7 (Core)\"\n";
        let found = told(&[("os-release", os), ("centos-release", "CentOS Linux release 7.9.2009 (Core)\n")]);
        assert_eq!(found, ("centos".into(), "7.9".into(), Some("Core".into())));
    }

    #[test]
    fn a_release_file_alone_is_enough() {
        let found = told(&[("redhat-release", "Red Hat Enterprise Linux Server release 6.10 (Santiago)\n")]);
        assert_eq!(found, ("rhel".into(), "6.10".into(), Some("Santiago".into())));
    }

    #[test]
    fn ubuntu_and_its_kin() {
        let os = "ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"22.04\"\nVERSION_CODENAME=jammy\n";
        let found = told(&[("os-release", os), ("debian_version", "bookworm/sid\n")]);
        assert_eq!(found, ("ubuntu".into(), "22.04".into(), Some("jammy".into())));
    }
}
