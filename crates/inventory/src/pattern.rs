//! Host patterns: what `hosts:`, `--limit` and the first word of an ad-hoc command select from an inventory.
//!
//! A pattern is a list of parts, separated by commas (or by colons, where that is not ambiguous). A part is a host, a group, a glob or
//! a `~regex`, perhaps with a subscript (`web[0]`, `web[1:3]`); `&part` keeps only what is also in it, `!part` takes away what is in it.

mod part;
mod split;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use data::{Diagnose, Diagnostic, Place};
use indexmap::IndexSet;
use thiserror::Error;

use crate::{HostName, Inventory};
use part::{Part, Role};
use split::split_pattern;

/// Why a pattern selects nothing, not even an empty set.
#[derive(Debug, Error)]
pub enum PatternError {
    /// A glob or regular expression that does not compile.
    #[error("invalid host list pattern `{pattern}`: {reason}")]
    Expression {
        /// The part of the pattern.
        pattern: String,
        /// What the compiler says.
        reason: String,
    },
    /// `--limit @file` without such a file.
    #[error("Unable to find limit file {path}")]
    LimitFile {
        /// The path, as given.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `--limit @folder`
    #[error("Limit starting with \"@\" must be a file, not a directory: {}", .0.display())]
    LimitFolder(PathBuf),
}

impl PatternError {
    fn help(&self) -> &'static str {
        match self {
            Self::Expression { .. } => {
                "a pattern that starts with `~` is a Python regular expression; without it, a shell glob"
            }
            Self::LimitFile { .. } | Self::LimitFolder(_) => {
                "`@` announces a file with one pattern on each line, such as a retry file"
            }
        }
    }

    /// The error at the place where the pattern was written.
    pub fn diagnostic(&self, place: Option<&Place>) -> Diagnostic {
        let found = Diagnostic::error(self.to_string()).at_opt(place, "").help(self.help());
        match self {
            Self::LimitFile { source, .. } => found.note(source.to_string()),
            _ => found,
        }
    }
}

impl Diagnose for PatternError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        vec![self.diagnostic(None)]
    }
}

/// A parsed pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    parts: Vec<Part>,
}

/// What a pattern selects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The hosts, each once, in the order of the pattern.
    pub hosts: Vec<HostName>,
    /// Parts that match no host and no group. Ansible warns of each: "Could not match supplied host pattern, ignoring".
    pub unmatched: Vec<String>,
}

impl Pattern {
    /// Parses one pattern.
    ///
    /// # Errors
    /// An expression that does not compile.
    pub fn parse(pattern: &str) -> Result<Self, PatternError> {
        Self::parse_list(&[pattern])
    }

    /// Parses a list of patterns, as `hosts:` may give one; the same as joining them with commas.
    ///
    /// # Errors
    /// An expression that does not compile.
    pub fn parse_list<S: AsRef<str>>(patterns: &[S]) -> Result<Self, PatternError> {
        Self::from_words(patterns.iter().flat_map(|pattern| split_pattern(pattern.as_ref())))
    }

    /// Parses what `--limit` gives: a pattern in which `@file` stands for the lines of a file.
    ///
    /// # Errors
    /// An expression that does not compile, a file that cannot be read.
    pub fn parse_limit(limit: &str) -> Result<Self, PatternError> {
        let mut words = Vec::new();
        for word in split_pattern(limit) {
            match word.strip_prefix('@') {
                None => words.push(word),
                Some(path) => words.extend(limit_file(Path::new(path))?),
            }
        }
        Self::from_words(words)
    }

    /// Unions first, then intersections, then exclusions, whatever the order they were written in. Only the latter two: from `all`.
    fn from_words(words: impl IntoIterator<Item = String>) -> Result<Self, PatternError> {
        let mut parts: Vec<Part> = words
            .into_iter()
            .filter(|word| !word.is_empty())
            .map(|word| Part::parse(&word))
            .collect::<Result<_, _>>()?;
        if !parts.iter().any(|part| part.role == Role::Union) {
            parts.push(Part::parse("all")?);
        }
        parts.sort_by_key(|part| part.role);
        Ok(Self { parts })
    }

    /// The hosts that the pattern selects.
    ///
    /// # Errors
    /// A single subscript beyond the last host.
    pub fn select(&self, inventory: &Inventory) -> Result<Selection, PatternError> {
        let mut hosts: IndexSet<HostName> = IndexSet::new();
        let mut unmatched = Vec::new();
        for part in &self.parts {
            let matched = part.hosts(inventory)?;
            unmatched.extend(matched.is_none().then(|| part.words().to_owned()));
            let matched = matched.unwrap_or_default();
            match part.role {
                Role::Union => hosts.extend(matched),
                Role::Intersection => {
                    let keep: HashSet<HostName> = matched.into_iter().collect();
                    hosts.retain(|host| keep.contains(host));
                }
                Role::Exclusion => {
                    let drop: HashSet<HostName> = matched.into_iter().collect();
                    hosts.retain(|host| !drop.contains(host));
                }
            }
        }
        Ok(Selection { hosts: hosts.into_iter().collect(), unmatched })
    }
}

impl Selection {
    /// Keeps only the hosts that `limit` has too.
    #[must_use]
    pub fn limited_to(mut self, limit: &Self) -> Self {
        let keep: HashSet<&HostName> = limit.hosts.iter().collect();
        self.hosts.retain(|host| keep.contains(host));
        self
    }
}

fn limit_file(path: &Path) -> Result<Vec<String>, PatternError> {
    if path.is_dir() {
        return Err(PatternError::LimitFolder(path.to_owned()));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|source| PatternError::LimitFile { path: path.to_owned(), source })?;
    Ok(text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory() -> Inventory {
        let mut inventory = Inventory::default();
        for (group, hosts) in [
            ("ungrouped", &["lone", "x.example.com"][..]),
            ("web", &["web1", "web2", "web3", "web4"]),
            ("db", &["db1", "web3"]),
            ("staging", &["web1", "db1"]),
            ("kube-node", &["n1"]),
        ] {
            inventory.add_group(group, None).unwrap();
            for host in hosts {
                inventory.add_host(host, None, None).unwrap();
                inventory.add_to_group(host, group).unwrap();
            }
        }
        inventory.add_group("top", None).unwrap();
        inventory.add_child_group("top", "db").unwrap();
        inventory.reconcile();
        inventory
    }

    fn select(pattern: &str) -> Selection {
        Pattern::parse(pattern).unwrap().select(&inventory()).unwrap()
    }

    fn hosts(pattern: &str) -> String {
        select(pattern).hosts.join(" ")
    }

    #[test]
    fn patterns_select_as_in_ansible() {
        for (pattern, expected) in [
            ("all", "lone x.example.com web1 web2 web3 web4 db1 n1"),
            ("*", "lone x.example.com web1 web2 web3 web4 db1 n1"),
            ("ungrouped", "lone x.example.com"),
            ("web", "web1 web2 web3 web4"),
            ("top", "db1 web3"),
            ("kube-node", "n1"),
            ("web,db", "web1 web2 web3 web4 db1"),
            ("web:db", "web1 web2 web3 web4 db1"),
            ("web:&staging", "web1"),
            ("web:!staging", "web2 web3 web4"),
            ("!staging:web", "web2 web3 web4"),
            ("!web", "lone x.example.com db1 n1"),
            ("web:&staging:!web1", ""),
            ("web[0]", "web1"),
            ("web[-1]", "web4"),
            ("web[1:2]", "web2 web3"),
            ("web[2:]", "web3 web4"),
            ("web[0:0]", "web1"),
            ("web[0],web[2]", "web1 web3"),
            ("web?", "web1 web2 web3 web4"),
            ("[dw][ae]b?", "web1 web2 web3 web4"),
            ("*.example.com", "x.example.com"),
            ("~(web|db)1", "web1 db1"),
            ("~.*3$", "web3"),
            ("lone", "lone"),
            ("localhost", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("web1:22", ""),
            (" web1 , db1 ", "web1 db1"),
        ] {
            assert_eq!(hosts(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn parts_that_match_nothing_are_named() {
        assert_eq!(select("web1,nope,n*pe").unmatched, ["nope", "n*pe"]);
        assert_eq!(select("web,!gone").unmatched, ["gone"]);
    }

    #[test]
    fn a_limit_cuts_a_selection_and_keeps_its_order() {
        let limited = select("web").limited_to(&select("web3,web1"));
        assert_eq!(limited.hosts.join(" "), "web1 web3");
    }

    #[test]
    fn a_limit_file_holds_one_pattern_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("retry");
        std::fs::write(&path, "web1\n\n web2 \n").unwrap();
        let limit = Pattern::parse_limit(&format!("@{},db1", path.display())).unwrap();
        assert_eq!(limit.select(&inventory()).unwrap().hosts.join(" "), "web1 web2 db1");
        let missing = Pattern::parse_limit("@/nowhere/retry").unwrap_err();
        assert_eq!(missing.to_string(), "Unable to find limit file /nowhere/retry");
    }

    #[test]
    fn wrong_expressions_are_errors_and_subscripts_beyond_the_end_select_nothing() {
        assert!(matches!(Pattern::parse("~(").unwrap_err(), PatternError::Expression { .. }));
        // As in ansible-core 2.19, a subscript beyond the last host selects nothing.
        assert!(Pattern::parse("web[9]").unwrap().select(&inventory()).unwrap().hosts.is_empty());
    }
}
