//! Which distribution runs here, by the files that tell it, in Ansible's order and with Ansible's names.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use data::Map;
use fancy_regex::Regex;

use super::files;
use super::release::Release;

/// How a file is read.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// The distribution is named by the text, or else by the first word of the file.
    Named(&'static str),
    /// The file may be empty: that it is there is enough.
    Mark,
    /// The file must hold this text.
    Holding(&'static str),
    Slackware,
    Amazon,
    OpenWrt,
    Alpine,
    Suse,
    Debian,
    Mandriva,
    ClearLinux,
    CentOs,
    CoreOs,
    Flatcar,
    Any,
}

/// Files and the distributions they tell, first match first.
const FILES: [(&str, &str, Kind); 23] = [
    ("etc/altlinux-release", "Altlinux", Kind::Named("ALT")),
    ("etc/oracle-release", "OracleLinux", Kind::Named("Oracle Linux")),
    ("etc/slackware-version", "Slackware", Kind::Slackware),
    ("etc/centos-release", "CentOS", Kind::CentOs),
    ("etc/redhat-release", "RedHat", Kind::Named("Red Hat")),
    ("etc/vmware-release", "VMwareESX", Kind::Mark),
    ("etc/openwrt_release", "OpenWrt", Kind::OpenWrt),
    ("etc/os-release", "Amazon", Kind::Amazon),
    ("etc/system-release", "Amazon", Kind::Amazon),
    ("etc/alpine-release", "Alpine", Kind::Alpine),
    ("etc/arch-release", "Archlinux", Kind::Mark),
    ("etc/os-release", "Archlinux", Kind::Holding("Arch Linux")),
    ("etc/os-release", "SUSE", Kind::Suse),
    ("etc/SuSE-release", "SUSE", Kind::Suse),
    ("etc/gentoo-release", "Gentoo", Kind::Holding("Gentoo")),
    ("etc/os-release", "Debian", Kind::Debian),
    ("etc/lsb-release", "Debian", Kind::Debian),
    ("etc/lsb-release", "Mandriva", Kind::Mandriva),
    ("etc/sourcemage-release", "SMGL", Kind::Named("Source Mage GNU/Linux")),
    ("usr/lib/os-release", "ClearLinux", Kind::ClearLinux),
    ("etc/coreos/update.conf", "Coreos", Kind::CoreOs),
    ("etc/os-release", "Flatcar", Kind::Flatcar),
    ("etc/os-release", "NA", Kind::Any),
];

/// Families and their members, where the two differ.
const FAMILIES: [(&str, &[&str]); 9] = [
    (
        "RedHat",
        &[
            "RHEL",
            "Fedora",
            "CentOS",
            "Scientific",
            "SLC",
            "Ascendos",
            "CloudLinux",
            "PSBM",
            "OracleLinux",
            "OVS",
            "OEL",
            "Amazon",
            "Amzn",
            "Virtuozzo",
            "XenServer",
            "Alibaba",
            "EulerOS",
            "openEuler",
            "AlmaLinux",
            "Rocky",
            "TencentOS",
            "EuroLinux",
            "Kylin Linux Advanced Server",
            "MIRACLE",
        ],
    ),
    (
        "Debian",
        &[
            "Ubuntu",
            "Raspbian",
            "Neon",
            "KDE neon",
            "Linux Mint",
            "SteamOS",
            "Devuan",
            "Kali",
            "Cumulus Linux",
            "Pop!_OS",
            "Parrot",
            "Pardus GNU/Linux",
            "Uos",
            "Deepin",
            "OSMC",
            "Linux Mint Debian Edition",
        ],
    ),
    (
        "Suse",
        &[
            "SuSE",
            "SLES",
            "SLED",
            "openSUSE",
            "openSUSE Tumbleweed",
            "SLES_SAP",
            "SUSE_LINUX",
            "openSUSE Leap",
            "ALP-Dolomite",
            "SL-Micro",
            "openSUSE MicroOS",
        ],
    ),
    ("Archlinux", &["Antergos", "Manjaro"]),
    ("Mandrake", &["Mandriva"]),
    ("Gentoo", &["Funtoo"]),
    ("ClearLinux", &["Clear Linux OS", "Clear Linux Mix"]),
    ("Slackware", &[]),
    ("Alpine", &[]),
];

/// `distribution`, `distribution_version`, `distribution_release`, `distribution_major_version`, `distribution_file_*`, `os_family`, as
/// the files under `root` tell them.
pub(super) fn distribution(root: &Path) -> Map {
    let release = Release::read(root);
    let or_na = |text: &str| if text.is_empty() { "NA" } else { text }.to_owned();
    let version = or_na(&release.version);
    let mut facts = Map::from([
        ("distribution", or_na(&guessed_name(&release.id))),
        ("distribution_release", release.codename.clone().unwrap_or_else(|| "NA".to_owned())),
        ("distribution_major_version", or_na(version.split('.').next().unwrap_or_default())),
        ("distribution_version", version),
    ]);
    for (path, name, kind) in FILES {
        let file = root.join(path);
        if !file.is_file() || (kind != Kind::Mark && files::content(&file).is_none()) {
            continue;
        }
        let text = files::text(&file);
        let Some(found) = parse(name, kind, text.trim_matches(['\'', '"', '\\']), path, root, &facts) else {
            continue;
        };
        facts.insert("distribution", name);
        facts.insert("distribution_file_path", format!("/{path}"));
        facts.insert("distribution_file_variety", name);
        if kind != Kind::Mark {
            facts.insert("distribution_file_parsed", true);
        }
        facts.extend_from(&found);
        break;
    }
    let name = facts.get_str("distribution").unwrap_or_default().to_owned();
    let family = FAMILIES.iter().find(|(_, members)| members.contains(&name.as_str()));
    facts.insert("os_family", family.map_or(name.as_str(), |(family, _)| family));
    facts
}

/// The name made from the id alone.
fn guessed_name(id: &str) -> String {
    match id {
        "amzn" => "Amazon".to_owned(),
        "rhel" => "Redhat".to_owned(),
        "" => "OtherLinux".to_owned(),
        id => id[..1].to_uppercase() + &id[1..],
    }
}

/// What the file adds to the facts; `None` if it is another distribution's.
fn parse(name: &str, kind: Kind, text: &str, path: &str, root: &Path, known: &Map) -> Option<Map> {
    let is = |distribution: &str| Map::from([("distribution", distribution)]);
    let guess = known.get_str("distribution").unwrap_or_default();
    match kind {
        Kind::Named(words) if text.contains(words) => {
            Some(Map::from([("distribution", name), ("distribution_file_search_string", words)]))
        }
        Kind::Named(_) => Some(is(text.split_whitespace().next()?)),
        Kind::Mark => Some(Map::new()),
        Kind::Holding(words) => text.contains(words).then(|| is(name)),
        Kind::Slackware => {
            let mut found = text.contains("Slackware").then(|| is(name))?;
            set(&mut found, "distribution_version", find(text, r"(\w+[.]\w+\+?)"));
            Some(found)
        }
        Kind::Amazon => amazon(text, path),
        Kind::OpenWrt => text.contains("OpenWrt").then(|| lsb_style(name, text)),
        Kind::Mandriva => text.contains("Mandriva").then(|| lsb_style(name, text)),
        Kind::Alpine => Some(Map::from([("distribution", name), ("distribution_version", text)])),
        Kind::Suse => suse(text, path, root, known),
        Kind::Debian => debian(text, path, root),
        Kind::ClearLinux => clear_linux(text),
        Kind::CentOs if text.contains("CentOS Stream") => {
            Some(Map::from([("distribution_release", "Stream")]))
        }
        Kind::CentOs => text.contains("TencentOS Server").then(|| is("TencentOS")),
        Kind::CoreOs => guess.eq_ignore_ascii_case("coreos").then(|| {
            let mut found = Map::new();
            set(
                &mut found,
                "distribution_release",
                find(text, "^GROUP=(.*)").map(|group| group.trim_matches('"').to_owned()),
            );
            found
        }),
        Kind::Flatcar => guess.eq_ignore_ascii_case("flatcar").then(|| {
            let version = find(text, "VERSION=(.*)").map(|version| version.trim_matches('"').to_owned());
            let mut found = Map::new();
            version_and_major(&mut found, version);
            found
        }),
        Kind::Any => {
            let mut found = Map::new();
            set(
                &mut found,
                "distribution",
                find(text, "(?m)^NAME=(.*)").map(|name| name.trim_matches('"').to_owned()),
            );
            if known.get_str("distribution_version") == Some("NA") {
                let version =
                    find(text, "(?m)^VERSION=(.*)").map(|version| version.trim_matches('"').to_owned());
                set(&mut found, "distribution_version", version);
            }
            Some(found)
        }
    }
}

fn amazon(text: &str, path: &str) -> Option<Map> {
    let mut found = text.contains("Amazon").then(|| Map::from([("distribution", "Amazon")]))?;
    if path == "etc/os-release" {
        if let Some(version) = find(text, r#"VERSION_ID="(.*)""#) {
            let (major, minor) = version.split_once('.').unwrap_or((&version, "NA"));
            found.insert("distribution_major_version", major);
            found.insert("distribution_minor_version", minor);
            found.insert("distribution_version", version.as_str());
        }
    } else {
        let version = text.split_whitespace().find(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
        found.insert("distribution_version", version.unwrap_or("NA"));
    }
    Some(found)
}

fn lsb_style(name: &str, text: &str) -> Map {
    let mut found = Map::from([("distribution", name)]);
    set(&mut found, "distribution_version", find(text, r#"DISTRIB_RELEASE="(.*)""#));
    set(&mut found, "distribution_release", find(text, r#"DISTRIB_CODENAME="(.*)""#));
    found
}

fn clear_linux(text: &str) -> Option<Map> {
    let name = find(text, r#"NAME="(.*)""#);
    if name.as_deref().is_some_and(|name| !name.contains("Clear Linux")) {
        return None;
    }
    let mut found = Map::new();
    set(&mut found, "distribution", name);
    let version = find(text, "VERSION_ID=(.*)");
    set(&mut found, "distribution_major_version", version.clone());
    set(&mut found, "distribution_version", version);
    set(&mut found, "distribution_release", find(text, "ID=(.*)"));
    Some(found)
}

fn debian(text: &str, path: &str, root: &Path) -> Option<Map> {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let codename = || find(text, r#"VERSION_CODENAME="?([^"\n]+)"?"#);
    let quoted_version = || find(text, r#"VERSION_ID="(.*)""#);
    let mut found = Map::new();
    let name = if has(&["Debian", "Raspbian"]) {
        set(&mut found, "distribution_release", find(text, r"PRETTY_NAME=[^(]+ \(?([^)]+?)\)"));
        let minor = find(&files::text(root.join("etc/debian_version")), r"\d+\.(\d+)");
        set(&mut found, "distribution_minor_version", minor);
        "Debian"
    } else if has(&["Ubuntu"]) {
        "Ubuntu"
    } else if has(&["SteamOS"]) {
        "SteamOS"
    } else if path.starts_with("etc/") && has(&["Kali", "Parrot"]) {
        set(&mut found, "distribution_release", find(text, "DISTRIB_RELEASE=(.*)"));
        if has(&["Kali"]) { "Kali" } else { "Parrot" }
    } else if has(&["Devuan"]) {
        set(&mut found, "distribution_release", find(text, r#"PRETTY_NAME="?[^("]+ \(?([^) "]+)\)?"#));
        set(&mut found, "distribution_version", quoted_version());
        set(&mut found, "distribution_major_version", quoted_version());
        "Devuan"
    } else if has(&["Cumulus"]) {
        version_and_major(&mut found, find(text, "VERSION_ID=(.*)"));
        set(&mut found, "distribution_release", find(text, r#"VERSION="(.*)""#));
        "Cumulus Linux"
    } else if has(&["Mint"]) {
        version_and_major(&mut found, quoted_version());
        "Linux Mint"
    } else if has(&["UOS", "Uos", "uos", "Deepin", "deepin"]) {
        set(&mut found, "distribution_release", codename());
        version_and_major(&mut found, quoted_version());
        if has(&["UOS", "Uos", "uos"]) { "Uos" } else { "Deepin" }
    } else if has(&["LMDE"]) {
        "Linux Mint Debian Edition"
    } else {
        return None;
    };
    found.insert("distribution", name);
    Some(found)
}

fn suse(text: &str, path: &str, root: &Path, known: &Map) -> Option<Map> {
    let lower = text.to_lowercase();
    if !lower.contains("suse") {
        return None;
    }
    let mut found = Map::new();
    let (open, enterprise) = (lower.contains("open"), lower.contains("enterprise"));
    if path == "etc/os-release" {
        set(
            &mut found,
            "distribution",
            find(text, "(?m)^NAME=(.*)").map(|name| name.trim_matches('"').to_owned()),
        );
        version_and_major(&mut found, find(text, r#"(?m)^VERSION_ID="?([0-9]+\.?[0-9]*)"?"#));
        let minor = find(text, r#"(?m)^VERSION_ID="?[0-9]+\.?([0-9]*)"?"#);
        let minor = minor.map(|minor| if minor.is_empty() && !open { "0".to_owned() } else { minor });
        if open || enterprise {
            set(&mut found, "distribution_release", minor);
        }
    } else if open {
        set(&mut found, "distribution", text.split_whitespace().next().map(str::to_owned));
        set(&mut found, "distribution_release", find(text, r"CODENAME *= *([^\n]+)"));
    } else if enterprise {
        let name =
            if text.contains("Server") { Some("SLES") } else { text.contains("Desktop").then_some("SLED") };
        set(&mut found, "distribution", name.map(str::to_owned));
        if let Some(patch) = find(text, "PATCHLEVEL = ([0-9]+)") {
            let version = known.get_str("distribution_version").unwrap_or_default();
            found.insert("distribution_version", format!("{version}.{patch}"));
            found.insert("distribution_release", patch);
        }
    }
    let variant = find(text, r#"(?m)^VARIANT_ID="?([^"\n]*)"?"#);
    let product = fs::canonicalize(root.join("etc/products.d/baseproduct")).unwrap_or_default();
    let product = product.to_string_lossy();
    let name = match variant.as_deref() {
        Some("server-sap" | "sles-sap") => Some("SLES_SAP"),
        Some("transactional") => Some("SL-Micro"),
        Some(_) => None,
        None if product.ends_with("SLES_SAP.prod") => Some("SLES_SAP"),
        None => product.ends_with("SL-Micro.prod").then_some("SL-Micro"),
    };
    set(&mut found, "distribution", name.map(str::to_owned));
    Some(found)
}

fn version_and_major(found: &mut Map, version: Option<String>) {
    if let Some(version) = version {
        found.insert("distribution_major_version", version.split('.').next().unwrap_or_default());
        found.insert("distribution_version", version);
    }
}

fn set(found: &mut Map, key: &'static str, value: Option<String>) {
    if let Some(value) = value {
        found.insert(key, value);
    }
}

/// The first group of the pattern's first match.
fn find(text: &str, pattern: &str) -> Option<String> {
    let found = Regex::new(pattern).ok()?.captures(text).ok()??;
    Some(found.get(1)?.as_str().to_owned())
}

/// The distribution of this host, for modules that depend on it.
pub(crate) fn of_this_host() -> &'static Map {
    static HOST: LazyLock<Map> = LazyLock::new(|| distribution(Path::new("/")));
    &HOST
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of real distributions (as their images ship them), and what Ansible makes of them.
    #[test]
    fn distributions_are_told_as_ansible_tells_them() {
        let rocky = "NAME=\"Rocky Linux\"\nVERSION=\"9.3 (Blue Onyx)\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.3\"\n";
        let euler =
            "NAME=\"openEuler\"\nVERSION=\"22.03 (LTS-SP3)\"\nID=\"openEuler\"\nVERSION_ID=\"22.03\"\n";
        let leap = "NAME=\"openSUSE Leap\"\nVERSION=\"15.5\"\nID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\nVERSION_ID=\"15.5\"\n";
        let amazon = "NAME=\"Amazon Linux\"\nVERSION=\"2023\"\nID=\"amzn\"\nVERSION_ID=\"2023\"\n";
        let ubuntu = "PRETTY_NAME=\"Ubuntu 22.04.3 LTS\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\nVERSION=\"22.04.3 LTS (Jammy Jellyfish)\"\n\
                      VERSION_CODENAME=jammy\nID=ubuntu\nID_LIKE=debian\nUBUNTU_CODENAME=jammy\n";
        let centos = "NAME=\"CentOS Linux\"\nVERSION=\"7 (Core)\"\nID=\"centos\"\nVERSION_ID=\"7\"\n";
        /// Files, and what they tell.
        type Case<'a> = (&'a [(&'a str, &'a str)], [&'a str; 5]);
        let cases: [Case<'_>; 6] = [
            (
                &[("os-release", rocky), ("redhat-release", "Rocky Linux release 9.3 (Blue Onyx)\n")],
                ["Rocky", "9.3", "9", "Blue Onyx", "RedHat"],
            ),
            (
                &[("os-release", euler), ("openEuler-release", "openEuler release 22.03 (LTS-SP3)")],
                ["openEuler", "22.03", "22", "LTS-SP3", "RedHat"],
            ),
            (&[("os-release", leap)], ["openSUSE Leap", "15.5", "15", "5", "Suse"]),
            (&[("os-release", amazon)], ["Amazon", "2023", "2023", "NA", "RedHat"]),
            (
                &[("os-release", ubuntu), ("debian_version", "bookworm/sid")],
                ["Ubuntu", "22.04", "22", "jammy", "Debian"],
            ),
            (
                &[
                    ("os-release", centos),
                    ("centos-release", "CentOS Linux release 7.9.2009 (Core)"),
                    ("redhat-release", "CentOS Linux release 7.9.2009 (Core)"),
                ],
                ["CentOS", "7.9", "7", "Core", "RedHat"],
            ),
        ];
        for (files, [name, version, major, release, family]) in cases {
            let root = tempfile::tempdir().unwrap();
            fs::create_dir(root.path().join("etc")).unwrap();
            for (file, content) in files {
                fs::write(root.path().join("etc").join(file), content).unwrap();
            }
            let facts = distribution(root.path());
            let told = [
                "distribution",
                "distribution_version",
                "distribution_major_version",
                "distribution_release",
                "os_family",
            ]
            .map(|key| facts.get_str(key).unwrap_or_default());
            assert_eq!(told, [name, version, major, release, family]);
        }
    }

    #[test]
    fn a_host_without_release_files_is_another_linux() {
        let root = tempfile::tempdir().unwrap();
        let facts = distribution(root.path());
        assert_eq!(facts.get_str("distribution"), Some("OtherLinux"));
        assert_eq!(facts.get_str("os_family"), Some("OtherLinux"));
    }
}
