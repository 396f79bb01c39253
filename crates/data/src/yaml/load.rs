//! From libyaml's events to a tree of nodes with places.

use std::collections::HashMap;
use std::sync::Arc;

use crate::yaml::error::{Problem, YamlError};
use crate::yaml::merge::Entries;
use crate::yaml::raw::{Event, EventKind, Parser, Properties, Refusal};
use crate::yaml::resolve::{self, Misfit, Plain};
use crate::yaml::{Node, NodeKind, Tag};
use crate::{Diagnostic, Place, Source, Span, Text, json};

/// Collections in collections beyond this are refused: no file of a person comes near, and a tree is walked with the stack.
const DEPTH: usize = 200;

/// Nodes that aliases may add to a document. A "billion laughs" file passes it at once; real files use a few hundred.
const ALIAS_BUDGET: usize = 1_000_000;

/// Values of a text beyond this are refused: each takes some hundred bytes, and the largest real files have a tenth of it.
const NODES: usize = 2_000_000;

/// One document, and what the user should know about it.
#[derive(Debug)]
pub struct Loaded {
    /// The document; `None` for a file without one (empty, or only comments).
    pub node: Option<Node>,
    /// Duplicate keys and the like.
    pub warnings: Vec<Diagnostic>,
}

/// All documents of a text.
#[derive(Debug)]
pub struct Documents {
    /// The documents in order.
    pub nodes: Vec<Node>,
    /// Duplicate keys and the like.
    pub warnings: Vec<Diagnostic>,
}

/// Loads the one document of `source`, by the rules of Ansible's loader (PyYAML's safe loader and the tags `!unsafe` and `!vault`).
///
/// JSON is read as JSON, as Ansible does: there `1e3` is a number, and tabs may indent.
///
/// Duplicate keys give a warning with both places, and the last value wins. Every text is a template with its place, except under
/// `!unsafe`.
///
/// # Errors
/// Text that is not YAML, a second document, unknown tags, keys that cannot be keys, and bombs (depth, aliases).
pub fn load(source: &Arc<Source>) -> Result<Loaded, YamlError> {
    if source.text().trim_start().starts_with(['{', '['])
        && let Ok(node) = json::parse_node(source)
    {
        return Ok(Loaded { node: Some(node), warnings: Vec::new() });
    }
    let mut composer = Composer::new(source);
    let mut node = None;
    while let Some(next) = composer.document()? {
        if node.is_some() {
            return Err(YamlError::new(next.place, Problem::SecondDocument));
        }
        node = Some(next);
    }
    Ok(Loaded { node, warnings: composer.warnings })
}

/// Loads every document of `source` (separated by `---`).
///
/// # Errors
/// As [`load`], but for the second document.
pub fn load_all(source: &Arc<Source>) -> Result<Documents, YamlError> {
    let mut composer = Composer::new(source);
    let mut nodes = Vec::new();
    while let Some(node) = composer.document()? {
        nodes.push(node);
    }
    Ok(Documents { nodes, warnings: composer.warnings })
}

/// Where a node stands: how deep, and whether `!unsafe` is above it.
#[derive(Clone, Copy)]
struct Frame {
    depth: usize,
    is_unsafe: bool,
}

impl Frame {
    /// The frame of what lies inside a node with this tag.
    fn inside(self, tag: Option<Tag>) -> Self {
        Self { depth: self.depth + 1, is_unsafe: self.is_unsafe || tag == Some(Tag::Unsafe) }
    }
}

struct Composer<'a> {
    parser: Parser<'a>,
    source: &'a Arc<Source>,
    /// Finished anchors with the number of nodes in them; `None` while the node is still open.
    anchors: HashMap<String, (Place, Option<(Node, usize)>)>,
    /// Nodes made so far in this document, for the size of anchors.
    made: usize,
    copied: usize,
    /// Nodes made so far in all documents, aliases counted once.
    total: usize,
    warnings: Vec<Diagnostic>,
}

impl<'a> Composer<'a> {
    fn new(source: &'a Arc<Source>) -> Self {
        Self {
            parser: Parser::new(source.text()),
            source,
            anchors: HashMap::new(),
            made: 0,
            copied: 0,
            total: 0,
            warnings: Vec::new(),
        }
    }

    fn place(&self, start: usize, end: usize) -> Place {
        Place::new(self.source, Span::new(start, end))
    }

    /// The place of the one character at a byte; empty at the end of the text.
    fn character(&self, at: usize) -> Place {
        let text = self.source.text();
        let start = text.floor_char_boundary(at);
        self.place(start, start + text[start..].chars().next().map_or(0, char::len_utf8))
    }

    fn next(&mut self) -> Result<Event, YamlError> {
        self.parser.next_event().map_err(|Refusal { problem, at, context }| {
            let context = context.map(|(text, at)| (text, self.character(at)));
            YamlError::new(self.character(at), Problem::Syntax { problem, context })
        })
    }

    /// The next document, if there is one.
    fn document(&mut self) -> Result<Option<Node>, YamlError> {
        loop {
            let event = self.next()?;
            match event.kind {
                EventKind::StreamStart | EventKind::DocumentEnd { .. } => {}
                EventKind::DocumentStart { .. } => break,
                _ => return Ok(None),
            }
        }
        self.anchors.clear();
        (self.made, self.copied) = (0, 0);
        let first = self.next()?;
        self.node(first, Frame { depth: 0, is_unsafe: false }).map(Some)
    }

    fn node(&mut self, event: Event, frame: Frame) -> Result<Node, YamlError> {
        if frame.depth > DEPTH {
            return Err(YamlError::new(self.place(event.start, event.end), Problem::TooDeep));
        }
        self.total += 1;
        if self.total > NODES {
            return Err(YamlError::new(self.place(event.start, event.end), Problem::TooManyNodes(NODES)));
        }
        let Event { kind, start, end } = event;
        let place = self.place(start, end);
        let before = self.made;
        let (anchor, node) = match kind {
            EventKind::Alias(name) => return self.alias(&name, place),
            EventKind::Scalar { properties: Properties { anchor, tag }, value, plain_implicit, .. } => {
                self.open_anchor(anchor.as_ref(), &place)?;
                (anchor, scalar(place, tag.as_deref(), &value, plain_implicit, frame)?)
            }
            EventKind::SequenceStart { properties: Properties { anchor, tag }, flow } => {
                self.open_anchor(anchor.as_ref(), &place)?;
                (anchor, self.sequence(Opening { place, tag, flow }, frame)?)
            }
            EventKind::MappingStart { properties: Properties { anchor, tag }, flow } => {
                self.open_anchor(anchor.as_ref(), &place)?;
                (anchor, self.mapping(Opening { place, tag, flow }, frame)?)
            }
            // libyaml begins every node with one of the four above.
            _ => return Err(YamlError::new(place, Problem::Unexpected)),
        };
        self.made += 1;
        if let Some(name) = anchor {
            self.anchors.insert(name, (node.place.clone(), Some((node.clone(), self.made - before))));
        }
        Ok(node)
    }

    fn open_anchor(&mut self, anchor: Option<&String>, place: &Place) -> Result<(), YamlError> {
        let Some(name) = anchor else { return Ok(()) };
        if let Some((first, _)) = self.anchors.get(name) {
            let problem = Problem::DuplicateAnchor { name: name.clone(), first: first.clone() };
            return Err(YamlError::new(place.clone(), problem));
        }
        self.anchors.insert(name.clone(), (place.clone(), None));
        Ok(())
    }

    fn alias(&mut self, name: &str, place: Place) -> Result<Node, YamlError> {
        let problem = match self.anchors.get(name) {
            None => Problem::UnknownAlias(name.to_owned()),
            Some((_, None)) => Problem::RecursiveAlias(name.to_owned()),
            Some((_, Some((node, size)))) => {
                self.copied += size;
                self.made += size;
                if self.copied <= ALIAS_BUDGET {
                    return Ok(node.clone());
                }
                Problem::TooManyAliases
            }
        };
        Err(YamlError::new(place, problem))
    }

    fn sequence(&mut self, opening: Opening, frame: Frame) -> Result<Node, YamlError> {
        let tag = opening.ansible_tag(&["tag:yaml.org,2002:seq", OMAP, PAIRS])?;
        let of_pairs = matches!(opening.tag.as_deref(), Some(OMAP | PAIRS));
        let inner = frame.inside(tag);
        let mut items = Vec::new();
        loop {
            let next = self.next()?;
            if next.kind == EventKind::SequenceEnd {
                let place = opening.closed(&next, items.last());
                return Ok(Node { kind: NodeKind::Seq(items), place, tag });
            }
            let item = self.node(next, inner)?;
            items.push(if of_pairs { pair(item)? } else { item });
        }
    }

    fn mapping(&mut self, opening: Opening, frame: Frame) -> Result<Node, YamlError> {
        let tag = opening.ansible_tag(&["tag:yaml.org,2002:map", SET])?;
        let inner = frame.inside(tag);
        let mut entries = Entries::default();
        loop {
            let next = self.next()?;
            if next.kind == EventKind::MappingEnd {
                let entries = entries.finish(&mut self.warnings)?;
                let place = opening.closed(&next, entries.last().map(|(_, value)| value));
                let kind = if opening.tag.as_deref() == Some(SET) {
                    NodeKind::Seq(entries.into_iter().map(|(key, _)| key).collect())
                } else {
                    NodeKind::Map(entries)
                };
                return Ok(Node { kind, place, tag });
            }
            let is_merge = is_merge_key(&next.kind);
            let key = self.node(next, inner)?;
            let value_event = self.next()?;
            let value = self.node(value_event, inner)?;
            if is_merge { entries.merge(value)? } else { entries.push(key, value)? }
        }
    }
}

/// YAML's set: a mapping of which only the keys count. JSON, and so Ansible, shows it as a list.
const SET: &str = "tag:yaml.org,2002:set";

/// YAML's sequences of mappings of one entry, which Ansible shows as lists of two.
const OMAP: &str = "tag:yaml.org,2002:omap";
const PAIRS: &str = "tag:yaml.org,2002:pairs";

/// The key and the value of an item of such a sequence.
fn pair(item: Node) -> Result<Node, YamlError> {
    let Node { kind: NodeKind::Map(mut entries), place, tag } = item else {
        return Err(YamlError::new(item.place, Problem::NoPair));
    };
    match entries.pop() {
        Some((key, value)) if entries.is_empty() => {
            Ok(Node { kind: NodeKind::Seq(vec![key, value]), place, tag })
        }
        _ => Err(YamlError::new(place, Problem::NoPair)),
    }
}

/// The beginning of a collection.
struct Opening {
    place: Place,
    tag: Option<String>,
    flow: bool,
}

impl Opening {
    /// Ansible's tag, if it has one; YAML's own tags of this kind (`known`) mean what the collection is anyway.
    fn ansible_tag(&self, known: &[&str]) -> Result<Option<Tag>, YamlError> {
        let problem = match self.tag.as_deref() {
            None | Some("!") => return Ok(None),
            Some("!unsafe") => return Ok(Some(Tag::Unsafe)),
            Some(name) if known.contains(&name) => return Ok(None),
            Some("!vault" | "!vault-encrypted") => Problem::VaultNeedsText,
            Some(name) => Problem::UnknownTag(name.to_owned()),
        };
        Err(YamlError::new(self.place.clone(), problem))
    }

    /// A flow collection ends at its bracket; a block collection, whose end libyaml finds only at the next token, with its last value.
    fn closed(&self, end: &Event, last: Option<&Node>) -> Place {
        let Span { start, end: opening_end } = self.place.span;
        let (start, opening_end) = (start as usize, opening_end as usize);
        let end = if self.flow {
            end.end
        } else {
            let last = last.map_or(opening_end, |node| node.place.span.end as usize);
            let covered = self.place.source.text().get(start..end.start).unwrap_or("").trim_end();
            // An alias as last value has its place elsewhere.
            if (start..start + covered.len()).contains(&last) { last } else { start + covered.len() }
        };
        Place::new(&self.place.source, Span::new(start, end))
    }
}

/// A scalar by its tag, or by PyYAML's resolver where nothing says what it is.
fn scalar(
    place: Place,
    tag: Option<&str>,
    value: &str,
    plain_implicit: bool,
    frame: Frame,
) -> Result<Node, YamlError> {
    let ansible_tag = match tag {
        Some("!unsafe") => Some(Tag::Unsafe),
        Some("!vault" | "!vault-encrypted") => Some(Tag::Vault),
        _ => None,
    };
    let plain = || resolve::plain(value).map(Meaning::Plain);
    let meaning = match (ansible_tag, tag) {
        (Some(Tag::Vault), _) => Ok(Meaning::Text),
        // The quotes are forgotten here, as in Ansible: `!unsafe "1"` is a number.
        (Some(Tag::Unsafe), _) => plain(),
        (None, None | Some("!")) => {
            if plain_implicit {
                plain()
            } else {
                Ok(Meaning::Text)
            }
        }
        (None, Some(name)) => match tagged(name, value) {
            Some(meaning) => meaning,
            None => return Err(YamlError::new(place, Problem::UnknownTag(name.to_owned()))),
        },
    };
    let text = |chars: &str| {
        let text = Text::template(chars, Some(place.clone()));
        let text = if place.source.is_secret() { text.into_secret() } else { text };
        match ansible_tag {
            Some(Tag::Vault) => text.into_encrypted().into_secret(),
            _ if frame.inside(ansible_tag).is_unsafe => text.into_plain(),
            _ => text,
        }
    };
    let kind = match meaning {
        Ok(Meaning::Text | Meaning::Plain(Plain::Str)) => NodeKind::Str(text(value)),
        Ok(Meaning::Other(chars)) => NodeKind::Str(text(&chars)),
        Ok(Meaning::Plain(Plain::Timestamp(chars))) => NodeKind::Str(text(&chars).into_date()),
        Ok(Meaning::Plain(Plain::Null)) => NodeKind::Null,
        Ok(Meaning::Plain(Plain::Bool(flag))) => NodeKind::Bool(flag),
        Ok(Meaning::Plain(Plain::Int(number))) => NodeKind::Int(number),
        Ok(Meaning::Plain(Plain::Float(number))) => NodeKind::Float(number),
        Err(Misfit(problem)) => {
            return Err(YamlError::new(place, Problem::Misfit { text: value.to_owned(), problem }));
        }
    };
    Ok(Node { kind, place, tag: ansible_tag })
}

/// What a scalar turned out to be.
enum Meaning {
    Text,
    Plain(Plain),
    Other(String),
}

fn is_merge_key(kind: &EventKind) -> bool {
    match kind {
        EventKind::Scalar { properties, value, plain_implicit, .. } => match properties.tag.as_deref() {
            None => *plain_implicit && value == "<<",
            Some(tag) => tag == "tag:yaml.org,2002:merge",
        },
        _ => false,
    }
}

/// A scalar under one of YAML's own tags; `None` for tags that Ansible's loader does not know either.
fn tagged(tag: &str, value: &str) -> Option<Result<Meaning, Misfit>> {
    let plain = |plain| Ok(Meaning::Plain(plain));
    Some(match tag.strip_prefix("tag:yaml.org,2002:")? {
        "str" | "python/unicode" | "value" | "merge" => Ok(Meaning::Text),
        "null" => plain(Plain::Null),
        "bool" => match resolve::boolean(value) {
            Some(flag) => plain(Plain::Bool(flag)),
            None => Err(Misfit("the value is not a boolean")),
        },
        "int" => resolve::int(value).map(|number| Meaning::Plain(Plain::Int(number))),
        "float" => resolve::float(value).map(|number| Meaning::Plain(Plain::Float(number))),
        "timestamp" => match resolve::plain(value) {
            Ok(found @ Plain::Timestamp(_)) => plain(found),
            Ok(_) => Err(Misfit("the value is not a date or time")),
            Err(misfit) => Err(misfit),
        },
        // Ansible keeps bytes; here they are text, in which what is no UTF-8 has the replacement character.
        "binary" => match base64(value) {
            Some(bytes) => Ok(Meaning::Other(String::from_utf8_lossy(&bytes).into_owned())),
            None => Err(Misfit("the value is not Base64")),
        },
        _ => return None,
    })
}

/// Base64 with line breaks anywhere, as YAML's `!!binary` has it.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut width) = (0_u32, 0);
    let mut digits = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    for digit in digits.by_ref() {
        let six = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(six);
        width += 6;
        if width >= 8 {
            width -= 8;
            bytes.push((bits >> width) as u8);
            bits &= (1 << width) - 1;
        }
    }
    digits.all(|byte| byte == b'=').then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Value;

    fn value(text: &str) -> Value {
        let source = Source::new("t.yml", text);
        load(&source)
            .map(|loaded| loaded.node.map_or(Value::Null, |node| node.to_value()))
            .unwrap_or_else(|error| panic!("{error}"))
    }

    fn problem(text: &str) -> String {
        load(&Source::new("t.yml", text)).unwrap_err().to_string()
    }

    #[test]
    fn texts_are_templates_with_places_except_under_unsafe() {
        let source = Source::new("t.yml", "a: '{{ x }}'\nb: !unsafe ['{{ y }}', {k: 'v'}]\n");
        let node = load(&source).unwrap().node.unwrap();
        let text = node.get("a").and_then(Node::as_text).unwrap();
        assert!(text.is_template());
        assert_eq!(text.place().unwrap().text(), "'{{ x }}'");
        let items = node.get("b").and_then(Node::as_seq).unwrap();
        assert!(!items[0].as_text().unwrap().is_template());
        assert!(!items[1].get("k").and_then(Node::as_text).unwrap().is_template());
    }

    #[test]
    fn vaulted_text_is_encrypted_and_secret() {
        let source = Source::new("t.yml", "p: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n");
        let node = load(&source).unwrap().node.unwrap();
        let text = node.get("p").and_then(Node::as_text).unwrap();
        assert!(text.is_encrypted() && text.is_secret());
        assert_eq!(&**text, "$ANSIBLE_VAULT;1.1;AES256\n6162\n");
    }

    #[test]
    fn the_last_duplicate_wins_with_a_warning_that_shows_both() {
        let loaded = load(&Source::new("t.yml", "a: 1\nb: 2\na: 3\n")).unwrap();
        assert_eq!(format!("{:?}", loaded.node.unwrap().to_value()), r#"{"a": 3, "b": 2}"#);
        let warning = &loaded.warnings[0];
        assert_eq!(
            warning.labels.iter().map(|label| label.place.to_string()).collect::<Vec<_>>(),
            ["t.yml:3:1", "t.yml:1:1"]
        );
    }

    #[test]
    fn merge_keys_fill_in_what_the_mapping_does_not_say() {
        let text = "base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\nboth:\n  y: 9\n  <<: [*b, *m]\n";
        assert_eq!(format!("{:?}", value(text).get("both").unwrap()), r#"{"y": 9, "z": 4, "x": 1}"#);
        assert!(problem("a: {<<: 1}").contains("merge"));
    }

    #[test]
    fn an_alias_bomb_and_a_tower_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            bomb.push_str(&format!(
                "a{level}: &a{level} [{}]\n",
                vec![format!("*a{}", level - 1); 10].join(", ")
            ));
        }
        assert!(problem(&bomb).contains("aliases"));
        assert!(problem(&"[".repeat(100_000)).contains("deep"));
        assert!(problem("&a [*a]").contains("itself"));
    }

    #[test]
    fn tags_decide_and_unknown_ones_are_refused() {
        assert_eq!(value("!!str 12"), Value::from("12"));
        assert_eq!(value("!!int '12'"), Value::from(12));
        assert_eq!(value("!!binary aGVsbG8="), Value::from("hello"));
        assert_eq!(value("!unsafe '12'"), Value::from(12));
        assert_eq!(value("! '12'"), Value::from(12));
        assert_eq!(value("!!set {a, b}"), Value::from(vec![Value::from("a"), Value::from("b")]));
        assert!(problem("!secret x").contains("!secret"));
    }

    #[test]
    fn only_load_all_takes_several_documents() {
        assert!(problem("--- 1\n--- 2\n").contains("document"));
        let source = Source::new("t.yml", "--- 1\n--- 2\n");
        assert_eq!(load_all(&source).unwrap().nodes.len(), 2);
        assert!(load(&Source::new("t.yml", "# nothing\n")).unwrap().node.is_none());
    }

    #[test]
    fn collections_cover_what_was_written_and_not_what_follows() {
        let source = Source::new("t.yml", "- a: 1\n  b: 2\n\n# comment\n- [x, y]\n");
        let node = load(&source).unwrap().node.unwrap();
        let items = node.as_seq().unwrap();
        assert_eq!(items[0].place.text(), "a: 1\n  b: 2");
        assert_eq!(items[1].place.text(), "[x, y]");
    }
}
