//! Python's `glob.glob`: `*`, `?` and `[...]` in each part of a path; names with a leading dot only where the pattern has one.

use std::path::{Path, PathBuf};

/// The paths that match a pattern, sorted.
pub(crate) fn paths(pattern: &str) -> Vec<String> {
    let (root, rest) = match pattern.strip_prefix('/') {
        Some(rest) => ("/", rest),
        None => ("", pattern),
    };
    let mut found = vec![root.to_owned()];
    for part in rest.split('/').filter(|part| !part.is_empty()) {
        found = found.iter().flat_map(|base| step(base, part)).collect();
    }
    found.retain(|path| !path.is_empty());
    found.sort();
    found
}

/// The files among [`paths`].
pub(crate) fn files(pattern: &str) -> Vec<String> {
    paths(pattern).into_iter().filter(|path| Path::new(path).is_file()).collect()
}

fn step(base: &str, part: &str) -> Vec<String> {
    let join = |name: &str| {
        if base.is_empty() || base.ends_with('/') {
            format!("{base}{name}")
        } else {
            format!("{base}/{name}")
        }
    };
    if !part.contains(['*', '?', '[']) {
        let path = join(part);
        return if PathBuf::from(&path).symlink_metadata().is_ok() { vec![path] } else { Vec::new() };
    }
    let dir = if base.is_empty() { "." } else { base };
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let shown = names.filter(|name| !name.starts_with('.') || part.starts_with('.'));
    shown.filter(|name| matches(part, name)).map(|name| join(&name)).collect()
}

/// Python's `fnmatch` for one name.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n, mut back) = (0, 0, None);
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            back = Some((p, n));
            p += 1;
        } else if let Some(next) = one(&pattern, p, name[n]) {
            (p, n) = (next, n + 1);
        } else if let Some((star, from)) = back {
            back = Some((star, from + 1));
            (p, n) = (star + 1, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The place in the pattern after the part that matches a character.
fn one(pattern: &[char], at: usize, c: char) -> Option<usize> {
    match *pattern.get(at)? {
        '?' => Some(at + 1),
        '[' => {
            let negated = pattern.get(at + 1) == Some(&'!');
            let start = at + 1 + usize::from(negated);
            let Some(end) =
                pattern.iter().skip(start + 1).position(|c| *c == ']').map(|found| found + start + 1)
            else {
                return (c == '[').then_some(at + 1);
            };
            let set = &pattern[start..end];
            let mut inside = false;
            let mut index = 0;
            while index < set.len() {
                if set.get(index + 1) == Some(&'-') && index + 2 < set.len() {
                    inside |= (set[index]..=set[index + 2]).contains(&c);
                    index += 3;
                } else {
                    inside |= set[index] == c;
                    index += 1;
                }
            }
            (inside != negated).then_some(end + 1)
        }
        other => (other == c).then_some(at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn names_match_as_in_python() {
        for (pattern, name, expected) in [
            ("*.txt", "a.txt", true),
            ("*.txt", "a.txt2", false),
            ("a?c", "abc", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("*a*b*", "xxaxxbxx", true),
            ("[", "[", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
