//! `repodata/`: the one list of packages that dnf, yum and zypper need, and the index that names it. The elements are those of createrepo_c;
//! what only searches use (other, filelists) is left out, so all files of a package stand in the list.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use flate2::{Compression, GzBuilder};

use super::header::{Header, Headers};
use super::{ARCH, NAME, RELEASE, VERSION};
use crate::content::Content;
use crate::digest::sha256;
use crate::manifest::Kind;
use crate::{Artifact, BundleError, Manifest};

const EPOCH: u32 = 1003;
const SUMMARY: u32 = 1004;
const DESCRIPTION: u32 = 1005;
const BUILD_TIME: u32 = 1006;
const BUILD_HOST: u32 = 1007;
const SIZE: u32 = 1009;
const VENDOR: u32 = 1011;
const LICENSE: u32 = 1014;
const PACKAGER: u32 = 1015;
const GROUP: u32 = 1016;
const URL: u32 = 1020;
const SOURCE: u32 = 1044;
const LONG_SIZE: u32 = 5009;
const PAYLOAD_SIZE: u32 = 1007;
const FILE_MODES: u32 = 1030;
const DIR_INDEXES: u32 = 1116;
const BASE_NAMES: u32 = 1117;
const DIR_NAMES: u32 = 1118;
const OLD_FILE_NAMES: u32 = 1027;

/// Kinds of dependencies: element, tags of names, flags and versions.
const RELATIONS: [(&str, u32, u32, u32); 5] = [
    ("provides", 1047, 1112, 1113),
    ("requires", 1049, 1048, 1050),
    ("conflicts", 1054, 1053, 1055),
    ("obsoletes", 1090, 1114, 1115),
    ("recommends", 5046, 5048, 5047),
];
/// Flags of a requirement that must be there before the scripts run: PREREQ, SCRIPT_PRE, SCRIPT_POST.
const BEFORE: u64 = 0x40 | 0x200 | 0x400;
/// The format of a file's mode: a folder.
const FOLDER: u64 = 0o040_000;

/// The files of a repository of the packages for one architecture and package set: path below the repository, bytes. Its packages lie
/// beside `repodata` under their own names. The same packages always give the same bytes.
///
/// # Errors
/// A package cannot be read, or is damaged.
pub fn rpm_repository(
    manifest: &Manifest,
    contents: &HashMap<String, Content>,
    set: Option<&str>,
    arch: &str,
) -> Result<Vec<(&'static str, Vec<u8>)>, BundleError> {
    let fits = |artifact: &&Artifact| {
        artifact.kind == Kind::Rpm
            && artifact.set.as_deref() == set
            && artifact.arch.as_deref().is_some_and(|own| own == arch || own == "noarch")
    };
    let mut packages = String::new();
    let mut count = 0;
    for artifact in manifest.artifacts.iter().filter(fits) {
        let unreadable =
            |error: io::Error| BundleError::unusable(Path::new(&artifact.path), error.to_string());
        let content = contents.get(&artifact.path).ok_or_else(|| {
            unreadable(io::Error::new(io::ErrorKind::NotFound, "the bundle does not have it"))
        })?;
        let headers = content.open().and_then(|mut file| Headers::read(&mut file)).map_err(unreadable)?;
        packages += &package(artifact, &headers);
        count += 1;
    }
    let primary = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata xmlns=\"http://linux.duke.edu/metadata/common\" \
         xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"{count}\">\n{packages}</metadata>\n"
    );
    let packed = compressed(primary.as_bytes())
        .map_err(|error| BundleError::unusable(Path::new("primary.xml.gz"), error.to_string()))?;
    let index = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<repomd xmlns=\"http://linux.duke.edu/metadata/repo\" \
         xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\">\n  <revision>1</revision>\n  <data type=\"primary\">\n    \
         <checksum type=\"sha256\">{}</checksum>\n    <open-checksum type=\"sha256\">{}</open-checksum>\n    \
         <location href=\"repodata/primary.xml.gz\"/>\n    <timestamp>1</timestamp>\n    <size>{}</size>\n    \
         <open-size>{}</open-size>\n  </data>\n</repomd>\n",
        sha256(&packed),
        sha256(primary.as_bytes()),
        packed.len(),
        primary.len()
    );
    Ok(vec![("repodata/primary.xml.gz", packed), ("repodata/repomd.xml", index.into_bytes())])
}

/// Without a time, so that the same list gives the same bytes.
fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    out.write_all(bytes)?;
    out.finish()
}

fn package(artifact: &Artifact, headers: &Headers) -> String {
    let main = &headers.main;
    let text = |tag| in_element(&main.text(tag).unwrap_or_default());
    let number = |header: &Header, tag| header.numbers(tag).first().copied();
    let file = artifact.path.rsplit('/').next().unwrap_or_default();
    let installed = number(main, LONG_SIZE).or_else(|| number(main, SIZE)).unwrap_or(0);
    let mut out = format!(
        "<package type=\"rpm\">\n  <name>{}</name>\n  <arch>{}</arch>\n  <version epoch=\"{}\" ver=\"{}\" rel=\"{}\"/>\n  \
         <checksum type=\"sha256\" pkgid=\"YES\">{}</checksum>\n  <summary>{}</summary>\n  <description>{}</description>\n  \
         <packager>{}</packager>\n  <url>{}</url>\n  <time file=\"1\" build=\"{}\"/>\n  \
         <size package=\"{}\" installed=\"{installed}\" archive=\"{}\"/>\n  <location href=\"{}\"/>\n  <format>\n    \
         <rpm:license>{}</rpm:license>\n    <rpm:vendor>{}</rpm:vendor>\n    <rpm:group>{}</rpm:group>\n    \
         <rpm:buildhost>{}</rpm:buildhost>\n    <rpm:sourcerpm>{}</rpm:sourcerpm>\n    \
         <rpm:header-range start=\"{}\" end=\"{}\"/>\n",
        text(NAME),
        text(ARCH),
        number(main, EPOCH).unwrap_or(0),
        text(VERSION),
        text(RELEASE),
        artifact.sha256,
        text(SUMMARY),
        text(DESCRIPTION),
        text(PACKAGER),
        text(URL),
        number(main, BUILD_TIME).unwrap_or(0),
        artifact.size,
        number(&headers.signature, PAYLOAD_SIZE).unwrap_or(0),
        escaped(file),
        text(LICENSE),
        text(VENDOR),
        text(GROUP),
        text(BUILD_HOST),
        text(SOURCE),
        headers.range.0,
        headers.range.1,
    );
    for (element, names, flags, versions) in RELATIONS {
        out += &relations(main, element, names, flags, versions);
    }
    out += &files(main);
    out += "  </format>\n</package>\n";
    out
}

/// What a package provides, requires and so on; empty without any.
fn relations(main: &Header, element: &str, names: u32, flags: u32, versions: u32) -> String {
    let (flags, versions) = (main.numbers(flags), main.texts(versions));
    let mut seen = BTreeSet::new();
    let mut entries = String::new();
    for (at, name) in main.texts(names).iter().enumerate() {
        // What rpm itself must be able to do is no package's business.
        if name.starts_with("rpmlib(") {
            continue;
        }
        let flag = flags.get(at).copied().unwrap_or(0);
        let mut entry = format!("name=\"{}\"", escaped(name));
        if let Some(compared) = comparison(flag) {
            let (epoch, version, release) = parts(versions.get(at).map_or("", String::as_str));
            let _ = write!(
                entry,
                " flags=\"{compared}\" epoch=\"{}\" ver=\"{}\"",
                escaped(epoch),
                escaped(version)
            );
            if let Some(release) = release {
                let _ = write!(entry, " rel=\"{}\"", escaped(release));
            }
        }
        if element == "requires" && flag & BEFORE != 0 {
            entry += " pre=\"1\"";
        }
        if seen.insert(entry.clone()) {
            let _ = writeln!(entries, "      <rpm:entry {entry}/>");
        }
    }
    if entries.is_empty() { entries } else { format!("    <rpm:{element}>\n{entries}    </rpm:{element}>\n") }
}

fn comparison(flags: u64) -> Option<&'static str> {
    Some(match flags & 0xe {
        0x2 => "LT",
        0x4 => "GT",
        0x8 => "EQ",
        0xa => "LE",
        0xc => "GE",
        _ => return None,
    })
}

/// `[EPOCH:]VERSION[-RELEASE]`
fn parts(text: &str) -> (&str, &str, Option<&str>) {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    match rest.rsplit_once('-') {
        Some((version, release)) => (epoch, version, Some(release)),
        None => (epoch, rest, None),
    }
}

fn files(main: &Header) -> String {
    let modes = main.numbers(FILE_MODES);
    let (folders, indexes) = (main.texts(DIR_NAMES), main.numbers(DIR_INDEXES));
    let inside = |(at, name): (usize, String)| {
        let folder = indexes.get(at).and_then(|index| folders.get(usize::try_from(*index).ok()?));
        format!("{}{name}", folder.map_or("", String::as_str))
    };
    let mut names: Vec<String> = main.texts(BASE_NAMES).into_iter().enumerate().map(inside).collect();
    if names.is_empty() {
        names = main.texts(OLD_FILE_NAMES);
    }
    let mut out = String::new();
    for (at, name) in names.iter().enumerate() {
        let is_folder = modes.get(at).is_some_and(|mode| mode & 0o170_000 == FOLDER);
        let kind = if is_folder { " type=\"dir\"" } else { "" };
        let _ = writeln!(out, "    <file{kind}>{}</file>", in_element(name));
    }
    out
}

/// Text as it stands in an attribute.
fn escaped(text: &str) -> String {
    in_element(text).replace('"', "&quot;")
}

/// Text as it stands in an element; what may not stand in XML at all is left out.
fn in_element(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_comparisons_are_those_of_rpm() {
        assert_eq!(parts("1:2.0-3.el9"), ("1", "2.0", Some("3.el9")));
        assert_eq!(parts("2.0"), ("0", "2.0", None));
        assert_eq!(comparison(0x8 | 0x400), Some("EQ"));
        assert_eq!(comparison(0xc), Some("GE"));
        assert_eq!(comparison(0x400), None);
        assert_eq!(escaped("a<b> & \"c\"\u{1}"), "a&lt;b&gt; &amp; &quot;c&quot;");
    }
}
