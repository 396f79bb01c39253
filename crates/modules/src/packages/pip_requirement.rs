//! What the arguments of `pip` name: packages with conditions on their versions (PEP 508), or addresses and paths that are passed on.

use super::pip_version::meets;

const OPERATORS: [&str; 8] = ["===", "==", ">=", "<=", "!=", "~=", ">", "<"];

/// One thing to install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Requirement {
    /// Its name in the one form that is compared (PEP 503); as written, if it is no plain package.
    pub(super) name: String,
    /// As pip gets it.
    pub(super) text: String,
    /// Operators and versions; `None` if it is no plain package.
    conditions: Option<Vec<(String, String)>>,
}

impl Requirement {
    /// Reads `name[extra]>=1,<2`.
    pub(super) fn parse(text: &str) -> Self {
        let text = text.trim();
        Self::parse_plain(text).unwrap_or_else(|| Self {
            name: text.to_owned(),
            text: text.to_owned(),
            conditions: None,
        })
    }

    fn parse_plain(text: &str) -> Option<Self> {
        let (body, marker) =
            text.split_once(';').map_or((text, None), |(body, marker)| (body.trim(), Some(marker.trim())));
        let end =
            body.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))).unwrap_or(body.len());
        let (name, rest) = body.split_at(end);
        let edges = name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.ends_with(|c: char| c.is_ascii_alphanumeric());
        if !edges {
            return None;
        }
        let rest = rest.trim();
        let (extras, rest) = match rest.strip_prefix('[') {
            Some(inner) => inner.split_once(']').map(|(inside, after)| (Some(inside), after.trim()))?,
            None => (None, rest),
        };
        let rest = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(rest);
        let conditions = rest.split(',').map(str::trim).filter(|part| !part.is_empty()).map(condition);
        let conditions = conditions.collect::<Option<Vec<_>>>()?;
        let mut shown = name.to_owned();
        if let Some(extras) = extras {
            let mut extras: Vec<&str> =
                extras.split(',').map(str::trim).filter(|extra| !extra.is_empty()).collect();
            extras.sort_unstable();
            shown.push_str(&format!("[{}]", extras.join(",")));
        }
        let mut written: Vec<String> =
            conditions.iter().map(|(operator, version)| format!("{operator}{version}")).collect();
        written.sort();
        shown.push_str(&written.join(","));
        if let Some(marker) = marker {
            shown.push_str(&format!("; {marker}"));
        }
        Some(Self { name: canonical(name), text: shown, conditions: Some(conditions) })
    }

    /// The same with the version of the argument `version`.
    pub(super) fn with_version(&self, version: &str) -> Self {
        let version = version.trim_start();
        let separator = if version.starts_with(|c: char| c.is_ascii_digit()) { "==" } else { " " };
        Self::parse(&format!("{}{separator}{version}", self.text))
    }

    /// Whether it says anything of versions.
    pub(super) fn has_conditions(&self) -> bool {
        self.conditions.as_ref().is_some_and(|conditions| !conditions.is_empty())
    }

    /// Whether one of the lines of `pip list --format=freeze` is it.
    pub(super) fn is_in(&self, listed: &str) -> bool {
        let Some(conditions) = &self.conditions else { return false };
        listed.lines().filter_map(|line| line.split_once("==")).any(|(name, version)| {
            canonical(name) == self.name
                && conditions.iter().all(|(operator, wanted)| meets(version.trim(), operator, wanted))
        })
    }
}

fn condition(text: &str) -> Option<(String, String)> {
    let operator = OPERATORS.into_iter().find(|operator| text.starts_with(operator))?;
    let version = text[operator.len()..].trim();
    let plain =
        !version.is_empty() && version.chars().all(|c| c.is_ascii_alphanumeric() || ".*+!-_".contains(c));
    plain.then(|| (operator.to_owned(), version.to_owned()))
}

/// Lower case, and one dash for any run of dashes, dots and underscores.
fn canonical(name: &str) -> String {
    let mut out = String::new();
    for c in name.trim().chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.push(c.to_ascii_lowercase()),
        }
    }
    out
}

/// Names that were torn apart at their commas, put together again: `django>1`, `<2` is one, `a,b` is two.
pub(super) fn rejoin(names: &[&str]) -> Vec<String> {
    let mut whole: Vec<String> = Vec::new();
    let mut in_brackets = false;
    for part in names.iter().flat_map(|line| line.split(',')) {
        let is_condition = OPERATORS.iter().any(|operator| part.trim_start().starts_with(operator));
        match whole.last_mut().filter(|_| is_condition || in_brackets) {
            Some(last) => {
                last.push(',');
                last.push_str(part);
            }
            None => whole.push(part.to_owned()),
        }
        in_brackets = (in_brackets || part.contains('[')) && !part.contains(']');
    }
    whole
}

/// Whether it is an address of a version control system.
pub(super) fn is_vcs(name: &str) -> bool {
    ["svn+", "git+", "hg+", "bzr+"].iter().any(|scheme| name.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_put_together_again() {
        assert_eq!(
            rejoin(&["django>1.11.1", "<1.11.3", "ipaddress"]),
            ["django>1.11.1,<1.11.3", "ipaddress"]
        );
        assert_eq!(rejoin(&["django>1.11.1,<1.11.3,ipaddress"]), ["django>1.11.1,<1.11.3", "ipaddress"]);
        assert_eq!(rejoin(&["a[x,y]>1,<2", "b"]), ["a[x,y]>1,<2", "b"]);
    }

    #[test]
    fn requirements_are_read_and_written_as_pip_shows_them() {
        let one = Requirement::parse("Bottle >0.10, <0.20,!=0.11");
        assert_eq!((one.name.as_str(), one.text.as_str()), ("bottle", "Bottle!=0.11,<0.20,>0.10"));
        assert!(one.is_in("x==1\nbottle==0.12\n") && !one.is_in("bottle==0.11\n"));
        assert_eq!(Requirement::parse("a").with_version("1.2").text, "a==1.2");
        assert_eq!(Requirement::parse("a").with_version(">=1,<2").text, "a<2,>=1");
        let address = Requirement::parse("git+https://h/x#egg=x");
        assert_eq!(address.text, "git+https://h/x#egg=x");
        assert!(!address.has_conditions() && !address.is_in("x==1"));
        assert!(Requirement::parse("Zope_Interface").is_in("zope.interface==5.0"));
    }
}
