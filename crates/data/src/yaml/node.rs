//! A loaded YAML node: its meaning and its place.

use crate::{Key, List, Map, Place, Text, Value};

/// A value as it stands in a file.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// The bytes it was written with, tag and anchor included.
    pub place: Place,
    /// Ansible's own tag, if it has one.
    pub tag: Option<Tag>,
}

/// Ansible's tags; those of YAML itself (`!!str`, `!!int`) have done their work when a node is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// `!unsafe`: nothing in it is a template.
    Unsafe,
    /// `!vault` (or its old name `!vault-encrypted`): the text is a vault envelope.
    Vault,
}

/// The meaning of a node.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// `null`, `~` or nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// A float.
    Float(f64),
    /// Text, with its place; a template unless `!unsafe` stands above it.
    Str(Text),
    /// A sequence.
    Seq(Vec<Node>),
    /// A mapping: merge keys are resolved, every key is there once (its last value, at its first position).
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The node as a value, in which only texts know their places.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            NodeKind::Null => Value::Null,
            NodeKind::Bool(flag) => Value::Bool(*flag),
            NodeKind::Int(number) => Value::Int(*number),
            NodeKind::Float(number) => Value::Float(*number),
            NodeKind::Str(text) => Value::Str(text.clone()),
            NodeKind::Seq(items) => Value::List(List::new(items.iter().map(Self::to_value).collect())),
            NodeKind::Map(entries) => Value::Map(
                entries
                    .iter()
                    .filter_map(|(key, value)| Some((key.to_key()?, value.to_value())))
                    .collect::<Map>(),
            ),
        }
    }

    /// The node as a dictionary's key; `None` for sequences and mappings, which the loader refuses as keys.
    pub fn to_key(&self) -> Option<Key> {
        match &self.kind {
            NodeKind::Seq(_) | NodeKind::Map(_) => None,
            _ => Key::from_value(&self.to_value()),
        }
    }

    /// Its characters, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        self.as_text().map(Text::as_str)
    }

    /// The text, if it is text.
    pub fn as_text(&self) -> Option<&Text> {
        match &self.kind {
            NodeKind::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is a sequence.
    pub fn as_seq(&self) -> Option<&[Self]> {
        match &self.kind {
            NodeKind::Seq(items) => Some(items),
            _ => None,
        }
    }

    /// The entries in order, if it is a mapping.
    pub fn as_map(&self) -> Option<&[(Self, Self)]> {
        match &self.kind {
            NodeKind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a text key, if it is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, value)| value)
    }

    /// Key and value of a text key, if it is a mapping that has it: for errors about the key itself.
    pub fn entry(&self, key: &str) -> Option<(&Self, &Self)> {
        let (name, value) = self.as_map()?.iter().find(|(name, _)| name.as_str() == Some(key))?;
        Some((name, value))
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, NodeKind::Null)
    }

    /// What a person calls it: `a mapping`, `text`, ...; for messages such as "expected a list, found a mapping".
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            NodeKind::Null => "nothing",
            NodeKind::Bool(_) => "a boolean",
            NodeKind::Int(_) => "an integer",
            NodeKind::Float(_) => "a number",
            NodeKind::Str(_) => "text",
            NodeKind::Seq(_) => "a list",
            NodeKind::Map(_) => "a mapping",
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Source;
    use crate::yaml::load;

    #[test]
    fn a_mapping_answers_by_key_with_places() {
        let source = Source::new("a.yml", "one: 1\ntwo: {x: y}\n");
        let node = load(&source).unwrap().node.unwrap();
        let (key, value) = node.entry("two").unwrap();
        assert_eq!(key.place.to_string(), "a.yml:2:1");
        assert_eq!(value.place.text(), "{x: y}");
        assert_eq!(value.get("x").and_then(super::Node::as_str), Some("y"));
        assert!(node.get("three").is_none());
    }
}
