//! Python's `fnmatch`: `*`, `?`, `[set]`, `[!set]`, matched against a whole name; a slash is a letter like others;
//! and `glob.glob`, which matches a path part by part.

use std::fs;
use std::path::{Path, PathBuf};

/// A compiled pattern, as [`fnmatch`](https://docs.python.org/3/library/fnmatch.html) reads it, with upper and lower case apart.
#[derive(Clone, Debug)]
pub struct Glob {
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Char(char),
    Any,
    Star,
    Set { negated: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    /// Compiles any text; a bracket that is never closed stands for itself.
    pub fn new(pattern: &str) -> Self {
        let chars: Vec<char> = pattern.chars().collect();
        let mut tokens = Vec::new();
        let mut at = 0;
        while at < chars.len() {
            let (token, next) = match chars[at] {
                '*' => (Token::Star, at + 1),
                '?' => (Token::Any, at + 1),
                '[' => set(&chars, at).unwrap_or((Token::Char('['), at + 1)),
                c => (Token::Char(c), at + 1),
            };
            if token != Token::Star || tokens.last() != Some(&Token::Star) {
                tokens.push(token);
            }
            at = next;
        }
        Self { tokens }
    }

    /// The only name it can match, if it has no special characters.
    pub fn literal(pattern: &str) -> Option<&str> {
        (!pattern.contains(['*', '?', '['])).then_some(pattern)
    }

    /// Whether the whole name matches. Going back only to the last star keeps the time within `pattern * name`.
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut token, mut at) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while at < name.len() {
            match self.tokens.get(token) {
                Some(Token::Star) => {
                    star = Some((token, at));
                    token += 1;
                }
                Some(one) if one.matches(name[at]) => {
                    token += 1;
                    at += 1;
                }
                _ => match star {
                    Some((star_token, from)) => {
                        star = Some((star_token, from + 1));
                        token = star_token + 1;
                        at = from + 1;
                    }
                    None => return false,
                },
            }
        }
        self.tokens[token..].iter().all(|rest| *rest == Token::Star)
    }
}

impl Token {
    fn matches(&self, c: char) -> bool {
        match self {
            Self::Char(own) => *own == c,
            Self::Any | Self::Star => true,
            Self::Set { negated, ranges } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated
            }
        }
    }
}

/// A set that starts at `open`; a `]` right after the start (or its `!`) belongs to it.
fn set(chars: &[char], open: usize) -> Option<(Token, usize)> {
    let negated = chars.get(open + 1) == Some(&'!');
    let first = open + 1 + usize::from(negated);
    let search = first + usize::from(chars.get(first) == Some(&']'));
    let close = chars.iter().skip(search).position(|c| *c == ']')? + search;
    let inner = &chars[first..close];
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < inner.len() {
        if inner.get(at + 1) == Some(&'-') && at + 2 < inner.len() {
            ranges.push((inner[at], inner[at + 2]));
            at += 3;
        } else {
            ranges.push((inner[at], inner[at]));
            at += 1;
        }
    }
    Some((Token::Set { negated, ranges }, close + 1))
}

/// Whether a whole name matches a pattern that is used once.
pub fn fnmatch(pattern: &str, name: &str) -> bool {
    Glob::new(pattern).matches(name)
}

/// Whether a host fits a list of SSH's patterns: one of them, and none of those with `!`. They know `*` and `?`, and no case; brackets stand for
/// themselves (ssh_config(5), "PATTERNS").
pub fn fits_ssh_patterns<'p>(patterns: impl Iterator<Item = &'p str>, host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let fits = |pattern: &str| fnmatch(&pattern.replace('[', "[[]").to_ascii_lowercase(), &host);
    let mut found = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(negated) if fits(negated) => return false,
            Some(_) => {}
            None => found |= fits(pattern),
        }
    }
    found
}

/// The paths that a pattern finds, as Python's `glob.glob`: names that begin with a dot are found only if the pattern says so.
pub fn glob(pattern: &str) -> Vec<PathBuf> {
    let (mut found, parts) = match pattern.strip_prefix('/') {
        Some(rest) => (vec![PathBuf::from("/")], rest),
        None => (vec![PathBuf::new()], pattern),
    };
    for part in parts.split('/').filter(|part| !part.is_empty()) {
        found = found.iter().flat_map(|folder| step(folder, part)).collect();
    }
    found.retain(|path| fs::symlink_metadata(path).is_ok());
    found
}

/// The paths one level down that a part of the pattern finds.
fn step(folder: &Path, part: &str) -> Vec<PathBuf> {
    if Glob::literal(part).is_some() {
        return vec![folder.join(part)];
    }
    let pattern = Glob::new(part);
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| (part.starts_with('.') || !name.starts_with('.')) && pattern.matches(name));
    names.sort();
    names.into_iter().map(|name| folder.join(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_in_python() {
        for (pattern, name, expected) in [
            ("web*", "web1", true),
            ("web*", "aweb1", false),
            ("*", "", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("w?b", "web", true),
            ("w?b", "wb", false),
            ("[a-c]1", "b1", true),
            ("[!a-c]1", "b1", false),
            ("[]x]1", "]1", true),
            ("[c-a]", "b", false),
            ("[^a]", "^", true),
            ("[a-]", "-", true),
            ("a[b", "a[b", true),
            ("ä*", "äb", true),
            ("Web", "web", false),
            ("a*", "a/b", true),
            ("*b*d", "abcbd", true),
            ("*b*d", "abcbde", false),
            ("[", "[", true),
            ("", "", true),
            ("**", "x", true),
            ("{a,b}", "a", false),
            ("a.b", "axb", false),
        ] {
            assert_eq!(fnmatch(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn patterns_find_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.txt", "b.txt", ".c.txt", "d"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let base = folder.path().to_str().unwrap();
        for (pattern, count) in [("*.txt", 2), (".*", 1), ("d", 1), ("e", 0), ("?", 1), ("[ab].*", 2)] {
            assert_eq!(glob(&format!("{base}/{pattern}")).len(), count, "{pattern}");
        }
    }

    #[test]
    fn lists_of_ssh_fit_as_in_openssh() {
        for (patterns, host, expected) in [
            ("web*,!web9", "web1", true),
            ("web*,!web9", "WEB9", false),
            ("!web9", "web1", false),
            ("[10.0.0.?]:2200", "[10.0.0.5]:2200", true),
            ("[ab]", "a", false),
        ] {
            assert_eq!(fits_ssh_patterns(patterns.split(','), host), expected, "{patterns} {host}");
        }
    }

    #[test]
    fn many_stars_do_not_take_exponential_time() {
        let pattern = Glob::new(&"a*".repeat(500));
        assert!(!pattern.matches(&format!("{}b", "c".repeat(5000))));
    }
}
