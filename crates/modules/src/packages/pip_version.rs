//! Versions of Python packages and conditions on them, as PEP 440 orders them.

use std::cmp::Ordering;

/// A version, split into what is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    epoch: u64,
    release: Vec<u64>,
    /// `a`, `b` or `rc` with its number.
    pre: Option<(char, u64)>,
    post: Option<u64>,
    dev: Option<u64>,
    local: Vec<String>,
}

impl Version {
    /// Reads `1!2.3rc1.post2.dev3+local`; `None` if it is no version.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let text = text.strip_prefix('v').unwrap_or(&text);
        let (public, local) = text.split_once('+').map_or((text, ""), |(public, local)| (public, local));
        let (epoch, rest) = match public.split_once('!') {
            Some((epoch, rest)) => (epoch.parse().ok()?, rest),
            None => (0, public),
        };
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let numbers = rest[..end].trim_end_matches('.');
        let release = numbers.split('.').map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
        let mut version = Self { epoch, release, pre: None, post: None, dev: None, local: Vec::new() };
        version.read_ends(&rest[numbers.len()..])?;
        version.local =
            local.split(['.', '-', '_']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
        Some(version)
    }

    /// What follows the numbers: `rc1`, `.post2`, `-3`, `.dev4` in this order.
    fn read_ends(&mut self, mut rest: &str) -> Option<()> {
        let separators = ['.', '-', '_'];
        while !rest.is_empty() {
            let dashed = rest.starts_with('-');
            rest = rest.trim_start_matches(separators);
            let letters = rest.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(rest.len());
            let (word, after) = rest.split_at(letters);
            let after = if word.is_empty() { after } else { after.trim_start_matches(separators) };
            let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
            let number = if digits == 0 { 0 } else { after[..digits].parse().ok()? };
            match word {
                "a" | "alpha" => self.pre = Some(('a', number)),
                "b" | "beta" => self.pre = Some(('b', number)),
                "rc" | "c" | "pre" | "preview" => self.pre = Some(('r', number)),
                "post" | "rev" | "r" => self.post = Some(number),
                "dev" => self.dev = Some(number),
                "" if dashed && digits > 0 => self.post = Some(number),
                _ => return None,
            }
            rest = &after[digits..];
        }
        Some(())
    }

    fn without_local(&self) -> Self {
        Self { local: Vec::new(), ..self.clone() }
    }

    /// The release without zeros at its end.
    fn trimmed(&self) -> &[u64] {
        let end = self.release.iter().rposition(|number| *number != 0).map_or(0, |at| at + 1);
        &self.release[..end]
    }

    /// Whether the release begins with these numbers, zeros filled in.
    fn begins_with(&self, epoch: u64, numbers: &[u64]) -> bool {
        self.epoch == epoch
            && numbers
                .iter()
                .enumerate()
                .all(|(at, number)| self.release.get(at).copied().unwrap_or(0) == *number)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        // Development versions come first, then early ones, then the release, then what was mended after it.
        let pre = |version: &Self| match (version.pre, version.post, version.dev) {
            (None, None, Some(_)) => (0, ' ', 0),
            (Some((letter, number)), ..) => (1, letter, number),
            (None, ..) => (2, ' ', 0),
        };
        let post = |version: &Self| version.post.map_or((0, 0), |number| (1, number));
        let dev = |version: &Self| version.dev.map_or((1, 0), |number| (0, number));
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| self.trimmed().cmp(other.trimmed()))
            .then_with(|| pre(self).cmp(&pre(other)))
            .then_with(|| post(self).cmp(&post(other)))
            .then_with(|| dev(self).cmp(&dev(other)))
            .then_with(|| local_key(&self.local).cmp(&local_key(&other.local)))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Numbers beat words.
fn local_key(parts: &[String]) -> Vec<(bool, u64, &str)> {
    parts
        .iter()
        .map(|part| part.parse().map_or((false, 0, part.as_str()), |number| (true, number, "")))
        .collect()
}

/// Whether a version meets a condition such as `>=1.2`, `~=1.4` or `==1.*`.
pub(super) fn meets(version: &str, operator: &str, wanted: &str) -> bool {
    let Some(version) = Version::parse(version) else { return operator == "===" && version == wanted };
    if operator == "===" {
        return Version::parse(wanted).is_some_and(|wanted| wanted == version);
    }
    if let Some(prefix) = wanted.strip_suffix(".*") {
        let same =
            Version::parse(prefix).is_some_and(|prefix| version.begins_with(prefix.epoch, &prefix.release));
        return match operator {
            "==" => same,
            "!=" => !same,
            _ => false,
        };
    }
    let Some(wanted) = Version::parse(wanted) else { return false };
    let public = if wanted.local.is_empty() { version.without_local() } else { version.clone() };
    match operator {
        "==" => public == wanted || public.cmp(&wanted).is_eq(),
        "!=" => !public.cmp(&wanted).is_eq(),
        "<=" => public <= wanted,
        ">=" => public >= wanted,
        "<" => {
            let early_of_it = wanted.pre.is_none()
                && (public.pre.is_some() || public.dev.is_some())
                && public.trimmed() == wanted.trimmed();
            public < wanted && !early_of_it
        }
        ">" => {
            let mended_it =
                wanted.post.is_none() && public.post.is_some() && public.trimmed() == wanted.trimmed();
            public > wanted && !mended_it
        }
        "~=" => {
            let kept = wanted.release.len().saturating_sub(1);
            kept > 0 && public >= wanted && public.begins_with(wanted.epoch, &wanted.release[..kept])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_pep_440() {
        let ordered = [
            "1.0.dev1",
            "1.0a1",
            "1.0b2",
            "1.0rc1",
            "1.0",
            "1.0+local",
            "1.0.post1",
            "1.1.dev1",
            "1.1",
            "1.10",
            "1!0.1",
        ];
        for pair in ordered.windows(2) {
            assert!(Version::parse(pair[0]).unwrap() < Version::parse(pair[1]).unwrap(), "{pair:?}");
        }
        assert!(Version::parse("1.0").unwrap().cmp(&Version::parse("1.0.0").unwrap()).is_eq());
        assert!(Version::parse("x").is_none());
    }

    #[test]
    fn conditions_hold_as_pip_means_them() {
        for (version, operator, wanted, holds) in [
            ("1.2.3", "==", "1.2.*", true),
            ("1.2.3", "!=", "1.2.*", false),
            ("1.0", "==", "1.0.0", true),
            ("1.0+x", "==", "1.0", true),
            ("2.0", "~=", "1.4", false),
            ("1.9", "~=", "1.4", true),
            ("1.4.9", "~=", "1.4.5", true),
            ("1.5.0", "~=", "1.4.5", false),
            ("1.0rc1", "<", "1.0", false),
            ("1.0.post1", ">", "1.0", false),
            ("1.1", ">", "1.0", true),
            ("0.9", "<=", "1.0", true),
        ] {
            assert_eq!(meets(version, operator, wanted), holds, "{version} {operator} {wanted}");
        }
    }
}
