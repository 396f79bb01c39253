//! Values as YAML text, byte for byte as PyYAML's C dumper writes them: what `to_yaml` and `to_nice_yaml` give.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use crate::yaml::beyond::Beyond;
use crate::yaml::raw::{Emitter, EventKind, Layout, Properties, ScalarStyle};
use crate::yaml::resolve;
use crate::{Key, List, Map, Text, Value, python};

/// The keyword arguments of `yaml.dump`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpStyle {
    /// `{a: 1}` always, never, or (`None`) where a collection holds only plain scalars.
    pub default_flow_style: Option<bool>,
    /// The quotes around every scalar: `'`, `"`, `|`, `>`; `None` quotes only what needs it.
    pub default_style: Option<char>,
    /// Spaces a level; 2 for anything outside 2..=9.
    pub indent: i32,
    /// Where long text is wrapped; at least twice the indent, else 80. Negative: never.
    pub width: i32,
    /// Whether keys are sorted.
    pub sort_keys: bool,
    /// Whether characters beyond ASCII are written as they are.
    pub allow_unicode: bool,
    /// Whether the document begins with `---`.
    pub explicit_start: bool,
    /// Whether the document ends with `...`.
    pub explicit_end: bool,
    /// Whether everything is written out: tags, quotes, one item a line.
    pub canonical: bool,
}

impl Default for DumpStyle {
    /// As the filter `to_yaml` calls it.
    fn default() -> Self {
        Self {
            default_flow_style: None,
            default_style: None,
            indent: 2,
            width: 80,
            sort_keys: true,
            allow_unicode: true,
            explicit_start: false,
            explicit_end: false,
            canonical: false,
        }
    }
}

impl DumpStyle {
    /// As the filter `to_nice_yaml` calls it: blocks only, four spaces.
    pub fn nice() -> Self {
        Self { default_flow_style: Some(false), indent: 4, ..Self::default() }
    }
}

/// Lists and maps that are the same object wherever they stand: PyYAML writes such a one once, with an anchor, and aliases after it.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    addresses: HashSet<usize>,
}

impl Shared {
    /// Adds a list or map; values that share its content are the same object.
    pub fn add(&mut self, value: &Value) {
        self.addresses.extend(address(value));
    }

    /// Every list and map in the value: whatever stands in it twice is the same object.
    pub fn everything(value: &Value) -> Self {
        let mut shared = Self::default();
        let mut waiting = vec![value];
        while let Some(next) = waiting.pop() {
            if let Some(address) = address(next)
                && !shared.addresses.insert(address)
            {
                continue;
            }
            match next {
                Value::List(list) => waiting.extend(list.iter()),
                Value::Map(map) => waiting.extend(map.values()),
                _ => {}
            }
        }
        shared
    }

    fn of(&self, value: &Value) -> Option<usize> {
        address(value).filter(|address| self.addresses.contains(address))
    }
}

fn address(value: &Value) -> Option<usize> {
    match value {
        Value::List(list) => Some(list.address()),
        Value::Map(map) => Some(map.address()),
        _ => None,
    }
}

/// The value as a YAML document, nothing in it shared. Vaulted text keeps its envelope and the tag `!vault`; an undefined value is written as `null`, because
/// the template engine refuses it before it comes here.
pub fn dump(value: &Value, style: &DumpStyle) -> String {
    dump_shared(value, style, &Shared::default())
}

/// As [`dump`], with anchors and aliases for what is shared.
pub fn dump_shared(value: &Value, style: &DumpStyle, shared: &Shared) -> String {
    let layout = Layout {
        indent: style.indent,
        width: style.width,
        unicode: style.allow_unicode,
        canonical: style.canonical,
    };
    let mut writer = Writer {
        emitter: Emitter::new(layout),
        style,
        shared,
        anchors: HashMap::new(),
        written: HashSet::new(),
        beyond: Beyond::of(value),
    };
    writer.number(value, &mut 0);
    writer.emit(EventKind::StreamStart);
    writer.emit(EventKind::DocumentStart { implicit: !style.explicit_start });
    writer.value(value);
    writer.emit(EventKind::DocumentEnd { implicit: !style.explicit_end });
    writer.emit(EventKind::StreamEnd);
    let document = writer.emitter.finish();
    match writer.beyond {
        Some(beyond) => beyond.reveal(&document),
        None => document,
    }
}

struct Writer<'a> {
    emitter: Emitter,
    style: &'a DumpStyle,
    shared: &'a Shared,
    /// The numbers of the anchors, by address; none yet for what was met once.
    anchors: HashMap<usize, Option<usize>>,
    written: HashSet<usize>,
    beyond: Option<Beyond>,
}

impl Writer<'_> {
    fn emit(&mut self, event: EventKind) {
        let written = self.emitter.emit(&event);
        debug_assert!(written.is_ok(), "events are in order: {written:?}");
    }

    /// Numbers the anchors in the order in which PyYAML meets what it has met before.
    fn number(&mut self, value: &Value, last: &mut usize) {
        if let Some(address) = self.shared.of(value) {
            match self.anchors.entry(address) {
                Entry::Vacant(place) => {
                    place.insert(None);
                }
                Entry::Occupied(mut place) => {
                    if place.get().is_none() {
                        *last += 1;
                        place.insert(Some(*last));
                    }
                    return;
                }
            }
        }
        match value {
            Value::List(list) => list.iter().for_each(|item| self.number(item, last)),
            Value::Map(map) => {
                self.entries(map).into_iter().for_each(|(_, value)| self.number(value, last));
            }
            _ => {}
        }
    }

    fn value(&mut self, value: &Value) {
        let anchor = self.anchor(value);
        if let (Some(anchor), Some(address)) = (&anchor, address(value))
            && !self.written.insert(address)
        {
            return self.emit(EventKind::Alias(anchor.clone()));
        }
        match value {
            Value::List(list) => self.list(list, anchor),
            Value::Map(map) => self.map(map, anchor),
            Value::Str(text) if text.is_encrypted() => self.vaulted(text),
            Value::Str(text) if text.is_date() => {
                self.scalar(text.python_str(), "tag:yaml.org,2002:timestamp", true, false);
            }
            Value::Str(text) => {
                let plain = resolve::is_plain_text(text);
                self.scalar(text.as_str().to_owned(), "tag:yaml.org,2002:str", plain, true);
            }
            Value::Null | Value::Undefined(_) => {
                self.scalar("null".to_owned(), "tag:yaml.org,2002:null", true, false)
            }
            Value::Bool(flag) => self.scalar(flag.to_string(), "tag:yaml.org,2002:bool", true, false),
            Value::Int(number) => self.scalar(number.to_string(), "tag:yaml.org,2002:int", true, false),
            Value::Float(number) => self.scalar(float(*number), "tag:yaml.org,2002:float", true, false),
        }
    }

    fn scalar(&mut self, value: String, tag: &str, plain_implicit: bool, quoted_implicit: bool) {
        let style = match self.style.default_style {
            Some('\'') => ScalarStyle::SingleQuoted,
            Some('"') => ScalarStyle::DoubleQuoted,
            Some('|') => ScalarStyle::Literal,
            Some('>') => ScalarStyle::Folded,
            _ => ScalarStyle::Plain,
        };
        let properties = Properties { anchor: None, tag: Some(tag.to_owned()) };
        let value = match &mut self.beyond {
            Some(beyond) => beyond.hide(&value),
            None => value,
        };
        self.emit(EventKind::Scalar { properties, value, plain_implicit, quoted_implicit, style });
    }

    fn vaulted(&mut self, text: &Text) {
        let properties = Properties { anchor: None, tag: Some("!vault".to_owned()) };
        let (plain_implicit, quoted_implicit) = (false, false);
        let value = text.as_str().to_owned();
        self.emit(EventKind::Scalar {
            properties,
            value,
            plain_implicit,
            quoted_implicit,
            style: ScalarStyle::Literal,
        });
    }

    fn list(&mut self, list: &List, anchor: Option<String>) {
        let flow = self.flow(list.iter().all(|item| self.is_simple(item)));
        self.emit(EventKind::SequenceStart { properties: self.collection("seq", anchor), flow });
        for item in list {
            self.value(item);
        }
        self.emit(EventKind::SequenceEnd);
    }

    fn map(&mut self, map: &Map, anchor: Option<String>) {
        let simple = map.iter().all(|(key, value)| !matches!(key, Key::Tuple(_)) && self.is_simple(value));
        let flow = self.flow(simple && self.style.default_style.is_none());
        self.emit(EventKind::MappingStart { properties: self.collection("map", anchor), flow });
        for (key, value) in self.entries(map) {
            self.value(&key.to_value());
            self.value(value);
        }
        self.emit(EventKind::MappingEnd);
    }

    /// Only the canonical form tells a collection's tag.
    fn collection(&self, kind: &str, anchor: Option<String>) -> Properties {
        let tag = self.style.canonical.then(|| format!("tag:yaml.org,2002:{kind}"));
        Properties { anchor, tag }
    }

    fn anchor(&self, value: &Value) -> Option<String> {
        let number = (*self.anchors.get(&self.shared.of(value)?)?)?;
        Some(format!("id{number:03}"))
    }

    /// The entries in the order in which they are written.
    fn entries<'m>(&self, map: &'m Map) -> Vec<(&'m Key, &'m Value)> {
        let sorted = if self.style.sort_keys { map.sorted() } else { None };
        sorted.unwrap_or_else(|| map.iter().collect())
    }

    fn flow(&self, best: bool) -> bool {
        self.style.default_flow_style.unwrap_or(best)
    }

    /// Whether PyYAML counts it as a plain scalar when it looks for the best style of what holds it.
    fn is_simple(&self, value: &Value) -> bool {
        match value {
            Value::List(_) | Value::Map(_) => false,
            Value::Str(text) if text.is_encrypted() => false,
            _ => self.style.default_style.is_none(),
        }
    }
}

/// PyYAML's text of a float: Python's, but with a point, because `1e+16` would be text in YAML 1.1.
fn float(number: f64) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = python::float_text(number);
    if text.contains('.') { text } else { text.replacen('e', ".0e", 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Value {
        Value::from(Map::from([
            ("b", Value::from(vec![Value::from(1), Value::from("yes"), Value::Null])),
            ("a", Value::from(Map::from([("x", Value::from(1e16)), ("y", Value::from("two\nlines"))]))),
        ]))
    }

    #[test]
    fn to_yaml_flows_only_what_is_simple() {
        assert_eq!(
            dump(&sample(), &DumpStyle::default()),
            "a: {x: 1.0e+16, y: 'two\n\n    lines'}\nb: [1, 'yes', null]\n"
        );
    }

    #[test]
    fn to_nice_yaml_writes_blocks_of_four() {
        assert_eq!(
            dump(&sample(), &DumpStyle::nice()),
            "a:\n    x: 1.0e+16\n    y: 'two\n\n        lines'\nb:\n- 1\n- 'yes'\n- null\n"
        );
    }

    #[test]
    fn the_canonical_form_tells_every_tag() {
        let style = DumpStyle { canonical: true, ..DumpStyle::default() };
        assert_eq!(dump(&Value::from("thing"), &style), "---\n!!str \"thing\"\n");
        let list = Value::from(vec![Value::from(1)]);
        assert_eq!(dump(&list, &style), "---\n!!seq [\n  !!int \"1\",\n]\n");
    }

    #[test]
    fn what_stands_twice_is_written_once_with_an_anchor() {
        let list = Value::from(vec![Value::from(1)]);
        let alike = Value::from(vec![Value::from(1)]);
        let value = Value::from(Map::from([("a", list.clone()), ("b", list), ("c", alike)]));
        assert_eq!(
            dump_shared(&value, &DumpStyle::nice(), &Shared::everything(&value)),
            "a: &id001\n- 1\nb: *id001\nc:\n- 1\n"
        );
    }

    #[test]
    fn dates_stay_dates_and_their_text_stays_text() {
        let value = Value::from(vec![
            Value::from(Text::date("2001-12-14").unwrap()),
            Value::from(Text::date("2001-12-14t21:59:43.10-05:00").unwrap()),
            Value::from("2001-12-14"),
        ]);
        let text = "- 2001-12-14\n- 2001-12-14 21:59:43.100000-05:00\n- '2001-12-14'\n";
        assert_eq!(dump(&value, &DumpStyle::nice()), text);
    }

    #[test]
    fn a_vaulted_text_keeps_its_envelope() {
        let text = Text::plain("$ANSIBLE_VAULT;1.1;AES256\n6162\n").into_encrypted();
        let value = Value::from(Map::from([("p", Value::from(text))]));
        assert_eq!(
            dump(&value, &DumpStyle::nice()),
            "p: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    6162\n"
        );
    }
}
