//! Which versions of a package apt could install, as `apt-cache policy` lists them.

use std::cmp::Ordering;

use data::fnmatch;

use super::command::AptGet;
use crate::packages::{debian_version, dpkg};
use crate::process::Command;
use crate::{Context, Failure};

/// What apt knows of one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// The name that was asked for.
    pub(super) name: String,
    /// The version that would be installed.
    pub(super) candidate: Option<String>,
    /// All versions, newest first.
    pub(super) versions: Vec<String>,
}

/// A name with a condition on its version: `nginx`, `nginx=1.2*`, `nginx>=1.2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted<'a> {
    /// The whole text.
    pub(super) spec: &'a str,
    /// The package's name.
    pub(super) name: &'a str,
    /// The condition.
    pub(super) version: Condition<'a>,
}

/// A condition on a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition<'a> {
    /// Any version.
    Any,
    /// A shell pattern.
    Like(&'a str),
    /// This version or a newer one.
    AtLeast(&'a str),
}

impl<'a> Wanted<'a> {
    /// Splits a package as the user wrote it.
    pub(super) fn parse(spec: &'a str) -> Self {
        let (name, version) = match spec.split_once(">=") {
            Some((name, version)) => (name, Condition::AtLeast(version)),
            None => match spec.split_once('=') {
                Some((name, version)) => (name, Condition::Like(version)),
                None => (spec, Condition::Any),
            },
        };
        Self { spec, name, version }
    }

    /// Whether a version meets the condition.
    pub(super) fn accepts(&self, version: &str) -> bool {
        match self.version {
            Condition::Any => true,
            Condition::Like(pattern) => fnmatch(pattern, version),
            Condition::AtLeast(least) => debian_version::compare(version, least) != Ordering::Less,
        }
    }

    /// The version to install, if there is one: apt's candidate, or the newest that a pattern matches.
    pub(super) fn best<'k>(&self, known: &'k Known) -> Option<&'k str> {
        match self.version {
            Condition::Like(_) => {
                known.versions.iter().find(|version| self.accepts(version)).map(String::as_str)
            }
            _ => known.candidate.as_deref(),
        }
    }
}

/// Asks apt about names; those it does not know are not in the answer.
pub(super) fn ask(
    names: &[&str],
    release: Option<&str>,
    context: &mut Context,
) -> Result<Vec<Known>, Failure> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut command = AptGet::plain("apt-cache").arg("policy");
    if let Some(release) = release {
        command = command.arg("-o").arg(format!("APT::Default-Release={release}"));
    }
    let output = command.arg("--").args(names).run_ok(context)?;
    Ok(parse_policy(&output.stdout_text()))
}

fn parse_policy(text: &str) -> Vec<Known> {
    let mut found: Vec<Known> = Vec::new();
    for line in text.lines() {
        if !line.starts_with(' ') {
            found.push(Known { name: line.trim_end_matches(':').to_owned(), ..Known::default() });
            continue;
        }
        let Some(known) = found.last_mut() else { continue };
        if let Some(candidate) = line.strip_prefix("  Candidate: ") {
            known.candidate = Some(candidate.to_owned()).filter(|version| version != "(none)");
        } else if let Some(version) = line.strip_prefix("     ").or_else(|| line.strip_prefix(" *** ")) {
            // Deeper lines name the sources of a version.
            if !version.starts_with(' ') {
                known.versions.extend(version.split_whitespace().next().map(str::to_owned));
            }
        }
    }
    found
}

/// Packages that provide a virtual name.
pub(super) fn providers(name: &str, context: &mut Context) -> Result<Vec<String>, Failure> {
    let output = AptGet::plain("apt-cache").args(["showpkg", "--", name]).run(context)?;
    Ok(parse_providers(&output.stdout_text()))
}

fn parse_providers(text: &str) -> Vec<String> {
    let lines = text.lines().skip_while(|line| !line.starts_with("Reverse Provides:")).skip(1);
    let mut names: Vec<String> =
        lines.filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect();
    names.dedup();
    names
}

/// Replaces names that are shell patterns by the names that they match.
pub(super) fn expand<'a>(
    specs: &[&'a str],
    context: &mut Context,
) -> Result<Vec<std::borrow::Cow<'a, str>>, Failure> {
    let mut names: Option<Vec<String>> = None;
    let mut expanded = Vec::new();
    for spec in specs {
        let pattern = Wanted::parse(spec).name;
        if !is_pattern(pattern) {
            expanded.push((*spec).into());
            continue;
        }
        let names = match &names {
            Some(names) => names,
            None => names.insert(all_names(context)?),
        };
        let plain = pattern.split(':').next().unwrap_or(pattern);
        let matched: Vec<_> = names.iter().filter(|name| fnmatch(plain, name)).collect();
        if matched.is_empty() {
            return Err(Failure::new(format!("No package(s) matching '{pattern}' available")));
        }
        let suffix = &pattern[plain.len()..];
        expanded.extend(matched.into_iter().map(|name| format!("{name}{suffix}").into()));
    }
    Ok(expanded)
}

fn all_names(context: &mut Context) -> Result<Vec<String>, Failure> {
    let output = Command::new("apt-cache").arg("pkgnames").run_ok(context)?;
    let mut names: Vec<String> = output.stdout_text().lines().map(str::to_owned).collect();
    names.extend(dpkg::Database::read()?.all().iter().map(|package| package.name.clone()));
    names.sort();
    names.dedup();
    Ok(names)
}

/// Whether the text has a letter that makes it a pattern.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', ']', '!'])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from apt 2.6.
    const POLICY: &str = "bash:\n  Installed: 5.2.15-2+b8\n  Candidate: 5.2.15-2+b13\n  Version table:\n     5.2.15-2+b13 500\n        500 http://mirror.example/debian bookworm/main amd64 Packages\n *** 5.2.15-2+b8 100\n        100 /var/lib/dpkg/status\nmail-transport-agent:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n";

    #[test]
    fn recorded_policy_is_read() {
        let known = parse_policy(POLICY);
        assert_eq!(known[0].candidate.as_deref(), Some("5.2.15-2+b13"));
        assert_eq!(known[0].versions, ["5.2.15-2+b13", "5.2.15-2+b8"]);
        assert_eq!(known[1], Known { name: "mail-transport-agent".into(), ..Known::default() });
    }

    #[test]
    fn conditions_choose_a_version() {
        let known = &parse_policy(POLICY)[0];
        for (spec, best) in [
            ("bash", Some("5.2.15-2+b13")),
            ("bash=5.2.15-2+b8", Some("5.2.15-2+b8")),
            ("bash=5.2*", Some("5.2.15-2+b13")),
            ("bash=6*", None),
            ("bash>=5", Some("5.2.15-2+b13")),
        ] {
            assert_eq!(Wanted::parse(spec).best(known), best, "{spec}");
        }
        assert!(!Wanted::parse("bash>=6").accepts("5.2.15-2+b13"));
    }

    #[test]
    fn recorded_providers_are_read() {
        let text = "Package: mail-transport-agent\nVersions: \n\nProvides: \nReverse Provides: \nexim4 4.96 (= )\nexim4 4.95 (= )\ndma 0.13 (= )\n";
        assert_eq!(parse_providers(text), ["exim4", "dma"]);
    }
}
