//! Comparison of version numbers: loose, strict, semantic (semver.org 2.0.0), and PEP 440.

use std::cmp::Ordering;

/// Compares two versions in the way `kind` names.
pub(crate) fn compare(a: &str, b: &str, kind: &str) -> Result<Ordering, String> {
    let failed = |message: String| format!("Version comparison failed: {message}");
    match kind {
        "loose" => loose(a, b).map_err(failed),
        "strict" => Ok(strict(a).map_err(failed)?.cmp(&strict(b).map_err(failed)?)),
        "semver" | "semantic" => {
            let (a, b) = (semantic(a).map_err(failed)?, semantic(b).map_err(failed)?);
            Ok(a.0.cmp(&b.0).then_with(|| prerelease(&a.1, &b.1)))
        }
        "pep440" => Ok(pep440(a).map_err(failed)?.cmp(&pep440(b).map_err(failed)?)),
        other => Err(format!(
            "Invalid version type ({other}). Must be one of 'loose', 'strict', 'semver', 'semantic', 'pep440'"
        )),
    }
}

#[derive(PartialEq)]
enum Part {
    Number(u128),
    Text(String),
}

/// Runs of digits, runs of lower case letters, and whatever else, without the dots.
fn parts(version: &str) -> Vec<Part> {
    let mut found = Vec::new();
    let mut rest = version;
    while let Some(first) = rest.chars().next() {
        let class = |c: char| {
            if c.is_ascii_digit() {
                0
            } else if c.is_ascii_lowercase() {
                1
            } else if c == '.' {
                2
            } else {
                3
            }
        };
        let kind = class(first);
        let end = if kind == 2 { 1 } else { rest.find(|c| class(c) != kind).unwrap_or(rest.len()) };
        match kind {
            0 => found
                .push(rest[..end].parse().map_or_else(|_| Part::Text(rest[..end].to_owned()), Part::Number)),
            2 => {}
            _ => found.push(Part::Text(rest[..end].to_owned())),
        }
        rest = &rest[end..];
    }
    found
}

fn loose(a: &str, b: &str) -> Result<Ordering, String> {
    let (a, b) = (parts(a), parts(b));
    for pair in a.iter().zip(&b) {
        let order = match pair {
            (Part::Number(a), Part::Number(b)) => a.cmp(b),
            (Part::Text(a), Part::Text(b)) => a.cmp(b),
            (Part::Number(_), Part::Text(_)) => {
                return Err("'<' not supported between instances of 'int' and 'str'".to_owned());
            }
            (Part::Text(_), Part::Number(_)) => {
                return Err("'<' not supported between instances of 'str' and 'int'".to_owned());
            }
        };
        if order.is_ne() {
            return Ok(order);
        }
    }
    Ok(a.len().cmp(&b.len()))
}

/// Release, and whether it is final, or the letter and number of the version before it.
type Strict = ([u64; 3], (bool, char, u64));

/// `major.minor[.patch][(a|b)number]`
fn strict(version: &str) -> Result<Strict, String> {
    let invalid = || format!("invalid version number '{version}'");
    let at = version.find(['a', 'b']).unwrap_or(version.len());
    let (numbers, tail) = version.split_at(at);
    let numbers: Vec<u64> = numbers
        .split('.')
        .map(|part| part.parse().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit())))
        .collect::<Option<_>>()
        .ok_or_else(invalid)?;
    let release = match numbers[..] {
        [major, minor] => [major, minor, 0],
        [major, minor, patch] => [major, minor, patch],
        _ => return Err(invalid()),
    };
    let mut letters = tail.chars();
    let pre = match letters.next() {
        None => (true, 'z', 0),
        Some(letter) => (false, letter, letters.as_str().parse().map_err(|_| invalid())?),
    };
    Ok((release, pre))
}

fn semantic(version: &str) -> Result<([u64; 3], Vec<String>), String> {
    let invalid = || format!("invalid semantic version '{version}'");
    let body = version.split_once('+').map_or(version, |(body, _)| body);
    let (core, pre) = body.split_once('-').map_or((body, None), |(core, pre)| (core, Some(pre)));
    let number = |part: &str| -> Result<u64, String> {
        let clean = part == "0" || !part.starts_with('0');
        part.parse()
            .ok()
            .filter(|_| clean && part.bytes().all(|byte| byte.is_ascii_digit()))
            .ok_or_else(invalid)
    };
    let numbers = core.split('.').map(number).collect::<Result<Vec<_>, _>>()?;
    let Ok(core) = <[u64; 3]>::try_from(numbers) else { return Err(invalid()) };
    let pre: Vec<String> = pre.map(|pre| pre.split('.').map(str::to_owned).collect()).unwrap_or_default();
    if pre.iter().any(|part| part.is_empty() || !part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
    {
        return Err(invalid());
    }
    Ok((core, pre))
}

/// A release is greater than its prereleases; their numbers are smaller than their words.
fn prerelease(a: &[String], b: &[String]) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        _ => {}
    }
    for (a, b) in a.iter().zip(b) {
        let order = match (a.parse::<u64>(), b.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => a.cmp(b),
        };
        if order.is_ne() {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// Epoch, release without zeros at its end, and then what comes before or after it, in the order that PEP 440 gives.
type Pep440 = (u64, Vec<u64>, (i8, u64), (i8, u64), (i8, u64));

fn pep440(version: &str) -> Result<Pep440, String> {
    let invalid = || format!("Invalid version: '{version}'");
    let lower = version.trim().to_lowercase();
    let text = lower.strip_prefix('v').unwrap_or(&lower);
    let text = text.split_once('+').map_or(text, |(public, _)| public);
    let (epoch, text) = match text.split_once('!') {
        Some((epoch, rest)) => (epoch.parse().map_err(|_| invalid())?, rest),
        None => (0, text),
    };
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let end = text[..end].trim_end_matches('.').len();
    let mut release: Vec<u64> =
        text[..end].split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| invalid())?;
    while release.len() > 1 && release.last() == Some(&0) {
        release.pop();
    }
    let (mut pre, mut post, mut dev) = (None, None, None);
    let mut rest = &text[end..];
    while !rest.is_empty() {
        let word_start = rest.trim_start_matches(['.', '-', '_']);
        let word_end = word_start.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(word_start.len());
        let (word, after) = word_start.split_at(word_end);
        let after = if word.is_empty() { after } else { after.trim_start_matches(['.', '-', '_']) };
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        if word.is_empty() && digits == 0 {
            return Err(invalid());
        }
        let number = after[..digits].parse().unwrap_or(0);
        match word {
            "a" | "alpha" => pre = Some((-3, number)),
            "b" | "beta" => pre = Some((-2, number)),
            "c" | "rc" | "pre" | "preview" => pre = Some((-1, number)),
            "post" | "rev" | "r" | "" => post = Some(number),
            "dev" => dev = Some(number),
            _ => return Err(invalid()),
        }
        rest = &after[digits..];
    }
    // A development release alone comes before every prerelease of its version.
    let pre = pre.unwrap_or(if dev.is_some() && post.is_none() { (-4, 0) } else { (0, 0) });
    let post = post.map_or((-1, 0), |number| (0, number));
    Ok((epoch, release, pre, post, dev.map_or((1, 0), |number| (0, number))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_in_each_way() {
        for (a, b, kind, expected) in [
            ("1.10", "1.9", "loose", Ordering::Greater),
            ("1.0", "1.0.0", "loose", Ordering::Less),
            ("1.0", "1.0.0", "strict", Ordering::Equal),
            ("1.0a1", "1.0", "strict", Ordering::Less),
            ("1.0.0-alpha", "1.0.0", "semver", Ordering::Less),
            ("1.0.0-2", "1.0.0-11", "semver", Ordering::Less),
            ("1.0.dev1", "1.0a1", "pep440", Ordering::Less),
            ("1.0rc1", "1.0", "pep440", Ordering::Less),
            ("1.0.post1", "1.0", "pep440", Ordering::Greater),
        ] {
            assert_eq!(compare(a, b, kind), Ok(expected), "{a} {b} {kind}");
        }
        assert!(compare("1.a", "1.1", "loose").is_err());
        assert!(compare("1", "1", "semver").is_err());
    }
}
