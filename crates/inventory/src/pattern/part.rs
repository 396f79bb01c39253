//! One part of a pattern: what it matches, and what it does to the selection.

use data::Glob;
use fancy_regex::Regex;

use super::PatternError;
use crate::inventory::LOCALHOST;
use crate::{HostName, Inventory};

/// What a part does; in the order in which parts are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Adds hosts.
    Union,
    /// `&`: keeps only these.
    Intersection,
    /// `!`: takes these away.
    Exclusion,
}

/// One part.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) role: Role,
    /// Without the sign of its role.
    words: String,
    expression: Expression,
    subscript: Option<Subscript>,
}

#[derive(Clone, Debug)]
enum Expression {
    Name(String),
    Glob(Glob),
    Regex(Regex),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subscript {
    Index(i64),
    /// Both ends included; no end means the last host.
    Slice(usize, Option<usize>),
}

impl Part {
    pub(crate) fn parse(word: &str) -> Result<Self, PatternError> {
        let (role, words) = match word.as_bytes().first() {
            Some(b'!') => (Role::Exclusion, &word[1..]),
            Some(b'&') => (Role::Intersection, &word[1..]),
            _ => (Role::Union, word),
        };
        let (expression, subscript) = match words.strip_prefix('~') {
            Some(regex) => (Expression::Regex(compile(words, regex)?), None),
            None => {
                let (name, subscript) = split_subscript(words);
                let expression = match Glob::literal(name) {
                    Some(name) => Expression::Name(name.to_owned()),
                    None => Expression::Glob(Glob::new(name)),
                };
                (expression, subscript)
            }
        };
        Ok(Self { role, words: words.to_owned(), expression, subscript })
    }

    /// The part without `&` or `!`, for messages.
    pub(crate) fn words(&self) -> &str {
        &self.words
    }

    /// The hosts it matches, perhaps more than once; `None` when it matches neither a host nor a group.
    pub(crate) fn hosts(&self, inventory: &Inventory) -> Result<Option<Vec<HostName>>, PatternError> {
        if self.role == Role::Union && inventory.listed_host(&self.words).is_some() {
            return Ok(Some(vec![self.words.as_str().into()]));
        }
        let Some(hosts) = self.expression.matches(inventory) else { return Ok(None) };
        match self.subscript {
            Some(subscript) if !hosts.is_empty() => {
                let cut = subscript.apply(&hosts).unwrap_or_default();
                Ok(Some(cut.to_vec()))
            }
            _ => Ok(Some(hosts)),
        }
    }
}

impl Expression {
    fn is_match(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Glob(glob) => glob.matches(name),
            // An expression that runs out of steps matches nothing.
            Self::Regex(regex) => regex.is_match(name).unwrap_or(false),
        }
    }

    /// Hosts of the groups that match, then hosts that match themselves. A plain word that is a group is not looked up among hosts.
    fn matches(&self, inventory: &Inventory) -> Option<Vec<HostName>> {
        let mut hosts = Vec::new();
        let groups: Vec<_> = match self {
            Self::Name(name) => inventory.group(name).into_iter().collect(),
            _ => inventory.groups().filter(|group| self.is_match(group.name())).collect(),
        };
        for group in &groups {
            hosts.extend(inventory.hosts_of(group).into_iter().map(|host| host.name().clone()));
        }
        match self {
            Self::Name(name) => {
                if groups.is_empty() || name.contains('.') {
                    hosts.extend(inventory.listed_host(name).map(|host| host.name().clone()));
                }
                if hosts.is_empty() && LOCALHOST.contains(&name.as_str()) {
                    hosts.extend(inventory.host(name).map(|host| host.name().clone()));
                }
                // An empty inventory still has its `all`.
                (!hosts.is_empty() || !groups.is_empty()).then_some(hosts)
            }
            _ => {
                hosts.extend(
                    inventory.hosts().map(|host| host.name()).filter(|name| self.is_match(name)).cloned(),
                );
                (!hosts.is_empty() || !groups.is_empty()).then_some(hosts)
            }
        }
    }
}

/// Compiles a regular expression that must match from the start of a name, as Python's `re.match`.
fn compile(pattern: &str, regex: &str) -> Result<Regex, PatternError> {
    Regex::new(&format!(r"\A(?:{regex})"))
        .map_err(|error| PatternError::Expression { pattern: pattern.to_owned(), reason: error.to_string() })
}

/// `name[1]`, `name[-1]`, `name[0:3]`, `name[2:]`; brackets that hold something else belong to the glob.
fn split_subscript(words: &str) -> (&str, Option<Subscript>) {
    let parsed = words
        .strip_suffix(']')
        .and_then(|rest| rest.rsplit_once('['))
        .filter(|(name, _)| !name.is_empty())
        .and_then(|(name, inner)| Some((name, parse_subscript(inner)?)));
    parsed.map_or((words, None), |(name, subscript)| (name, Some(subscript)))
}

fn parse_subscript(inner: &str) -> Option<Subscript> {
    let number = |text: &str| -> Option<usize> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        text.parse().ok()
    };
    let unsigned = inner.strip_prefix('-').unwrap_or(inner);
    if let Some(index) = number(unsigned) {
        let index = i64::try_from(index).ok()?;
        return Some(Subscript::Index(if unsigned == inner { index } else { -index }));
    }
    let (start, end) = inner.split_once([':', '-'])?;
    Some(Subscript::Slice(number(start)?, if end.is_empty() { None } else { Some(number(end)?) }))
}

impl Subscript {
    /// The hosts it cuts out; `None` when a single one is beyond the end.
    fn apply(self, hosts: &[HostName]) -> Option<&[HostName]> {
        let single = |at: usize| hosts.get(at..at.checked_add(1)?);
        match self {
            Self::Index(index) if index < 0 => {
                single(hosts.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?)
            }
            Self::Index(index) => single(usize::try_from(index).ok()?),
            // Ansible reads `[n:0]` as `[n]`.
            Self::Slice(start, Some(0)) => single(start),
            Self::Slice(start, end) => {
                let end = end.map_or(hosts.len(), |end| end.saturating_add(1).min(hosts.len()));
                Some(hosts.get(start..end).unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscripts_are_told_from_sets() {
        for (words, expected) in [
            ("web[0]", ("web", Some(Subscript::Index(0)))),
            ("web[-2]", ("web", Some(Subscript::Index(-2)))),
            ("web[1:3]", ("web", Some(Subscript::Slice(1, Some(3))))),
            ("web[1-3]", ("web", Some(Subscript::Slice(1, Some(3))))),
            ("web[1:]", ("web", Some(Subscript::Slice(1, None)))),
            ("web[a-c]", ("web[a-c]", None)),
            ("web[0][1]", ("web[0]", Some(Subscript::Index(1)))),
            ("[0]", ("[0]", None)),
            ("web[]", ("web[]", None)),
        ] {
            assert_eq!(split_subscript(words), expected, "{words}");
        }
    }
}
