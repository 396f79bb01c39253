//! Every variable that `conf/vars.yml` knows: the one table from which files are checked, old names are translated and the reference
//! page is made.

mod kubernetes;
mod kubesphere;
mod storage;

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a variable holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`, without quotes.
    Bool,
    /// A whole number.
    Int,
    /// A port from 1 to 65535.
    Port,
    /// Any text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A network such as `10.233.0.0/18`; two with a comma between them for dual stack.
    Cidr,
    /// A list.
    List,
    /// A mapping of names to values.
    Map,
    /// The mapping of a load balancer: `address` and `port`.
    LoadBalancer,
}

impl Kind {
    /// What it is called in messages and on the reference page.
    pub fn words(self) -> String {
        match self {
            Self::Bool => "true or false".into(),
            Self::Int => "a whole number".into(),
            Self::Port => "a port".into(),
            Self::Text => "text".into(),
            Self::Choice(words) => words
                .iter()
                .map(|word| if word.is_empty() { "\"\"" } else { word })
                .collect::<Vec<_>>()
                .join(", "),
            Self::Cidr => "a network".into(),
            Self::List => "a list".into(),
            Self::Map => "a mapping".into(),
            Self::LoadBalancer => "`address` and `port`".into(),
        }
    }
}

/// How an old name's value becomes the new one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldName {
    /// The same value.
    Same(&'static str),
    /// The opposite boolean.
    Inverted(&'static str),
}

impl OldName {
    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Same(name) | Self::Inverted(name) => name,
        }
    }
}

/// One variable.
#[derive(Clone, Copy, Debug)]
pub struct KnownKey {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Its default, as YAML; empty when it has none.
    pub default: &'static str,
    /// The release of the installer that knew it first; `new` for what that installer did not have.
    pub since: &'static str,
    /// What it does.
    pub meaning: &'static str,
    /// Names it had before, or that people mix up with it.
    pub old: &'static [OldName],
    /// Whether its value must never be shown.
    pub secret: bool,
}

impl KnownKey {
    const fn old(self, old: &'static [OldName]) -> Self {
        Self { old, ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }
}

/// A variable without old names whose value may be shown.
const fn key(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    since: &'static str,
    meaning: &'static str,
) -> KnownKey {
    KnownKey { name, kind, default, since, meaning, old: &[], secret: false }
}

/// Variables that belong together.
#[derive(Clone, Copy, Debug)]
pub struct KeyGroup {
    /// Its heading.
    pub title: &'static str,
    /// A sentence or two below the heading.
    pub about: &'static str,
    /// Its variables.
    pub keys: &'static [KnownKey],
}

/// All variables, in the order of `conf/vars.yml`.
pub fn groups() -> impl Iterator<Item = &'static KeyGroup> {
    kubernetes::GROUPS.iter().chain(kubesphere::GROUPS).chain(storage::GROUPS)
}

/// All variables.
pub fn keys() -> impl Iterator<Item = &'static KnownKey> {
    groups().flat_map(|group| group.keys)
}

static BY_NAME: LazyLock<HashMap<&'static str, &'static KnownKey>> =
    LazyLock::new(|| keys().map(|key| (key.name, key)).collect());

static BY_OLD_NAME: LazyLock<HashMap<&'static str, (&'static KnownKey, OldName)>> = LazyLock::new(|| {
    keys().flat_map(|key| key.old.iter().map(move |old| (old.name(), (key, *old)))).collect()
});

/// The variable of this name.
pub fn find(name: &str) -> Option<&'static KnownKey> {
    BY_NAME.get(name).copied()
}

/// The variable that had this name before, and how its value changed.
pub fn find_old(name: &str) -> Option<(&'static KnownKey, OldName)> {
    BY_OLD_NAME.get(name).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use data::{Source, Value};

    use super::*;

    #[test]
    fn every_name_old_or_new_stands_once() {
        let mut seen = HashSet::new();
        for key in keys() {
            assert!(seen.insert(key.name), "{}", key.name);
            for old in key.old {
                assert!(seen.insert(old.name()), "{}", old.name());
            }
        }
    }

    #[test]
    fn defaults_are_yaml_of_their_kind() {
        for key in keys().filter(|key| !key.default.is_empty()) {
            let source = Source::new(key.name, key.default);
            let value = data::yaml::load(&source).unwrap().node.map_or(Value::Null, |node| node.to_value());
            let fits = match key.kind {
                Kind::Bool => value.as_bool().is_some(),
                Kind::Int | Kind::Port => value.as_int().is_some(),
                Kind::List => value.as_list().is_some(),
                Kind::Map | Kind::LoadBalancer => value.as_map().is_some(),
                Kind::Choice(words) => words.contains(&value.as_str().unwrap_or("?")),
                Kind::Text | Kind::Cidr => !value.is_null(),
            };
            assert!(fits, "{}: {}", key.name, key.default);
        }
    }
}
