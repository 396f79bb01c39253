//! This machine's way to Debian's packages, so that lab hosts go the same way: sources, keyrings, options, authorities.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::docker;

/// What of this machine's apt configuration a lab host of one suite needs.
#[derive(Debug, Default)]
pub(crate) struct AptSetup {
    /// `(path in the host, content)`: source files, keyrings, options.
    pub(crate) files: Vec<(PathBuf, Vec<u8>)>,
    /// The archive that has the suite, for debootstrap.
    pub(crate) mirror: Option<String>,
    /// `(name, PEM)` of certificate authorities the operator added.
    pub(crate) authorities: Vec<(String, Vec<u8>)>,
}

/// Where systems keep the authorities that their operator added.
const AUTHORITY_FOLDERS: [&str; 2] = ["/usr/local/share/ca-certificates", "/etc/pki/ca-trust/source/anchors"];

impl AptSetup {
    /// Reads it from this machine; empty where there is no apt.
    pub(crate) fn of_this_machine(suite: &str) -> Self {
        let mut setup = Self { authorities: authorities(), ..Self::default() };
        let sources: Vec<Stanza> =
            source_files().iter().flat_map(|(path, text)| stanzas(path, text)).collect();
        let ours: Vec<&Stanza> = sources.iter().filter(|stanza| stanza.is_of(suite)).collect();
        setup.mirror = ours
            .iter()
            .find(|stanza| stanza.suites.iter().any(|word| word == suite))
            .and_then(|s| s.archive());
        for (index, stanza) in ours.iter().enumerate() {
            let name = format!("/etc/apt/sources.list.d/machine-{index}.{}", stanza.extension);
            setup.files.push((name.into(), stanza.text.clone().into_bytes()));
            setup
                .files
                .extend(stanza.keyrings().filter_map(|path| Some((path.clone(), std::fs::read(path).ok()?))));
        }
        let options = options(&apt_config_dump(), |name| std::env::var(name).ok());
        if !options.is_empty() {
            setup.files.push(("/etc/apt/apt.conf.d/90machine".into(), options.into_bytes()));
        }
        setup
    }
}

/// One entry of a source file.
#[derive(Debug, PartialEq, Eq)]
struct Stanza {
    extension: &'static str,
    text: String,
    uris: Vec<String>,
    suites: Vec<String>,
    signed_by: Vec<String>,
}

impl Stanza {
    /// Whether it holds packages of `suite` and of nothing else. Sources of third parties name other suites.
    fn is_of(&self, suite: &str) -> bool {
        let known = [
            suite.to_owned(),
            format!("{suite}-updates"),
            format!("{suite}-security"),
            format!("{suite}/updates"),
        ];
        !self.suites.is_empty() && self.suites.iter().all(|word| known.contains(word))
    }

    fn archive(&self) -> Option<String> {
        self.uris.iter().find(|uri| uri.starts_with("http://") || uri.starts_with("https://")).cloned()
    }

    fn keyrings(&self) -> impl Iterator<Item = PathBuf> {
        self.signed_by.iter().filter(|word| word.starts_with('/')).map(PathBuf::from)
    }
}

/// The entries of a source file, of the one-line form (`.list`) or of the other (`.sources`); see sources.list(5).
fn stanzas(path: &Path, text: &str) -> Vec<Stanza> {
    if path.extension().is_some_and(|extension| extension == "sources") {
        text.split("\n\n").filter_map(deb822_stanza).collect()
    } else {
        text.lines().filter_map(line_stanza).collect()
    }
}

fn deb822_stanza(text: &str) -> Option<Stanza> {
    let field = |name: &str| {
        let line = text
            .lines()
            .find(|line| line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name)))?;
        Some(line.split_once(':')?.1.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>())
    };
    let types = field("Types")?;
    if !types.iter().any(|word| word == "deb") || field("Enabled").is_some_and(|word| word == ["no"]) {
        return None;
    }
    Some(Stanza {
        extension: "sources",
        text: format!("{}\n", text.trim()),
        uris: field("URIs")?,
        suites: field("Suites")?,
        signed_by: field("Signed-By").unwrap_or_default(),
    })
}

fn line_stanza(line: &str) -> Option<Stanza> {
    let rest = line.trim().strip_prefix("deb")?.trim_start_matches(|c: char| c.is_whitespace());
    if rest.len() == line.trim().len() - 3 {
        return None; // `deb-src`, `debian` ...
    }
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let signed_by = options.split_whitespace().find_map(|option| option.strip_prefix("signed-by="));
    let mut words = rest.split_whitespace().map(ToOwned::to_owned);
    Some(Stanza {
        extension: "list",
        text: format!("{}\n", line.trim()),
        uris: vec![words.next()?],
        suites: vec![words.next()?],
        signed_by: signed_by
            .map(|paths| paths.split(',').map(ToOwned::to_owned).collect())
            .unwrap_or_default(),
    })
}

fn source_files() -> Vec<(PathBuf, String)> {
    let mut paths = vec![PathBuf::from("/etc/apt/sources.list")];
    paths.extend(sorted_files(Path::new("/etc/apt/sources.list.d"), &["list", "sources"]));
    paths.into_iter().filter_map(|path| Some((path.clone(), std::fs::read_to_string(path).ok()?))).collect()
}

fn authorities() -> Vec<(String, Vec<u8>)> {
    let files = AUTHORITY_FOLDERS.iter().flat_map(|folder| sorted_files(Path::new(folder), &["crt", "pem"]));
    let named = files.filter_map(|path| {
        let name = path.file_stem()?.to_string_lossy().into_owned();
        Some((name, std::fs::read(path).ok()?))
    });
    named.collect()
}

fn sorted_files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| {
        path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted))
    });
    paths.sort();
    paths
}

fn apt_config_dump() -> String {
    docker::run(Command::new("apt-config").arg("dump"), b"", Duration::from_secs(10))
        .map(|said| said.out)
        .unwrap_or_default()
}

/// The options about fetching that somebody set: proxies, checks, retries. A proxy of the environment counts if apt has none.
fn options(dump: &str, environment: impl Fn(&str) -> Option<String>) -> String {
    const KEPT: [&str; 6] = [
        "Acquire::http::",
        "Acquire::https::",
        "Acquire::Check-",
        "Acquire::Retries",
        "Acquire::ForceIPv",
        "Acquire::AllowInsecureRepositories \"1\"",
    ];
    let mut kept: Vec<String> = dump
        .lines()
        .filter(|line| KEPT.iter().any(|prefix| line.starts_with(prefix)) && !line.ends_with(" \"\";"))
        .map(ToOwned::to_owned)
        .collect();
    for scheme in ["http", "https"] {
        let option = format!("Acquire::{scheme}::Proxy ");
        let proxy = environment(&format!("{scheme}_proxy")).filter(|proxy| !proxy.is_empty());
        if let Some(proxy) = proxy.filter(|_| !kept.iter().any(|line| line.starts_with(&option))) {
            kept.push(format!("{option}\"{proxy}\";"));
        }
    }
    kept.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_the_suite_are_taken_and_third_parties_left() {
        let text = "Types: deb\n# a comment\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n\
                    Components: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n\
                    Types: deb\nURIs: https://vendor.example/apt\nSuites: nodistro\nComponents: main\n\n\
                    Types: deb-src\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n";
        let found = stanzas(Path::new("debian.sources"), text);
        let ours: Vec<_> = found.iter().filter(|stanza| stanza.is_of("bookworm")).collect();
        assert_eq!(ours.len(), 1);
        assert_eq!(ours[0].archive().as_deref(), Some("http://mirror.example/debian"));
        assert_eq!(
            ours[0].keyrings().collect::<Vec<_>>(),
            [PathBuf::from("/usr/share/keyrings/debian-archive-keyring.gpg")]
        );
    }

    #[test]
    fn one_line_sources_are_understood() {
        let text = "# deb http://old.example/debian bookworm main\n\
                    deb [arch=amd64 signed-by=/k/a.gpg,/k/b.gpg] https://mirror.example/debian bookworm-security main\n\
                    deb-src http://mirror.example/debian bookworm main\n\
                    deb http://vendor.example/apt stable main\n";
        let found = stanzas(Path::new("sources.list"), text);
        let suites: Vec<_> = found.iter().map(|stanza| stanza.suites[0].as_str()).collect();
        assert_eq!(suites, ["bookworm-security", "stable"]);
        assert!(found[0].is_of("bookworm") && !found[1].is_of("bookworm"));
        assert_eq!(found[0].keyrings().count(), 2);
    }

    #[test]
    fn options_about_fetching_are_kept() {
        let dump = "APT::Architecture \"amd64\";\nAcquire::http::Proxy \"http://proxy.example:3128\";\n\
                    Acquire::https \"\";\nAcquire::https::Verify-Peer \"\";\nAcquire::Check-Valid-Until \"false\";\n\
                    Acquire::cdrom::mount \"/media/cdrom/\";\n";
        let environment = |name: &str| (name == "https_proxy").then(|| "http://env.example:1".to_owned());
        assert_eq!(
            options(dump, environment),
            "Acquire::http::Proxy \"http://proxy.example:3128\";\nAcquire::Check-Valid-Until \"false\";\n\
             Acquire::https::Proxy \"http://env.example:1\";\n"
        );
        assert_eq!(
            options(dump, |_| Some("http://env.example:1".into())).matches("Acquire::http::Proxy").count(),
            1
        );
    }
}
