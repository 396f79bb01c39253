//! Filters to and from JSON and YAML.

use data::json::{self, JsonStyle};
use data::yaml::{self, DumpStyle, Shared};
use data::{Key, Map, Source, Text, Value};

use crate::args::Bound;
use crate::eval::{Eval, OUTER};
use crate::registry::Filter;
use crate::val::{Object, Res, Val, fail, finalize, finalize_shared};

const JSON: &[&str] = &[
    "profile?",
    "*",
    "vault_to_text?",
    "preprocess_unsafe?",
    "indent?",
    "sort_keys?",
    "separators?",
    "ensure_ascii?",
    "skipkeys?",
    "check_circular?",
    "allow_nan?",
    "default?",
];
const NICE_JSON: &[&str] = &[
    "indent?",
    "sort_keys?",
    "*",
    "separators?",
    "ensure_ascii?",
    "skipkeys?",
    "check_circular?",
    "allow_nan?",
    "default?",
    "profile?",
    "vault_to_text?",
    "preprocess_unsafe?",
];

/// The parameters of a filter that writes YAML: its own first ones, PyYAML's, and its own last one.
macro_rules! yaml_parameters {
    ($($first:literal),+; $last:literal) => {
        &[
            $($first,)+
            "width?",
            "sort_keys?",
            "allow_unicode?",
            "explicit_start?",
            "explicit_end?",
            "default_style?",
            "canonical?",
            "line_break?",
            "encoding?",
            "version?",
            "tags?",
            $last,
        ]
    };
}

const YAML: &[&str] = yaml_parameters!("*", "default_flow_style?", "indent?"; "vault_to_text?");
const NICE_YAML: &[&str] = yaml_parameters!("indent?", "*", "default_flow_style?"; "vault_to_text?");
const GENERAL_YAML: &[&str] =
    yaml_parameters!("*", "default_flow_style?", "indent?"; "redact_sensitive_values?");
const GENERAL_NICE_YAML: &[&str] =
    yaml_parameters!("*", "indent?", "default_flow_style?"; "redact_sensitive_values?");

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("to_json", JSON, to_json),
    Filter::new("to_nice_json", NICE_JSON, to_nice_json),
    Filter::new("tojson", &["indent?"], tojson),
    Filter::new("from_json", &["profile?", "**named"], from_json),
    Filter::new("to_yaml", YAML, to_yaml),
    Filter::new("to_nice_yaml", NICE_YAML, to_nice_yaml),
    Filter::new("community.general.to_yaml", GENERAL_YAML, |ev, value, args| {
        general_yaml(ev, value, args, &yaml_style(ev, args, 0, false)?)
    }),
    Filter::new("community.general.to_nice_yaml", GENERAL_NICE_YAML, |ev, value, args| {
        let style = yaml_style(ev, args, 1, true)?;
        let indent = if args.given(0).is_none() { 2 } else { style.indent };
        general_yaml(ev, value, args, &DumpStyle { indent, ..style })
    }),
    Filter::new("from_yaml", &[], from_yaml),
    Filter::new("from_yaml_all", &[], from_yaml_all),
];

/// Spaces a level, or the text itself.
fn indent(value: Option<&Val>) -> Res<Option<String>> {
    Ok(match value {
        None | Some(Val::None) => None,
        Some(Val::Str(text)) => Some(text.to_string()),
        Some(other) => match other.as_int() {
            Some(spaces) => Some(" ".repeat(usize::try_from(spaces).unwrap_or(0).min(1000))),
            None => {
                return fail(format!("can't multiply sequence by non-int of type '{}'", other.type_name()));
            }
        },
    })
}

fn to_json(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let mut style = JsonStyle { indent: indent(args.get(3))?, ..JsonStyle::default() };
    if style.indent.is_some() {
        style.item_separator = ",".to_owned();
    }
    if let Some(separators) = args.given(5) {
        let separators = ev.items(separators)?;
        let [item, key] = &separators[..] else { return fail("separators must be a pair") };
        (style.item_separator, style.key_separator) = (ev.text(item)?, ev.text(key)?);
    }
    style.sort_keys = args.flag(4, false)?;
    style.ensure_ascii = args.flag(6, true)?;
    write_json(ev, &text_keys(plain(ev, value)?)?, &style)
}

fn to_nice_json(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let spaces = args.get(0).cloned().unwrap_or(Val::Int(4));
    let style = JsonStyle {
        indent: indent(Some(&spaces))?,
        item_separator: ",".to_owned(),
        sort_keys: args.flag(1, true)?,
        ensure_ascii: args.flag(3, true)?,
        ..JsonStyle::default()
    };
    write_json(ev, &text_keys(plain(ev, value)?)?, &style)
}

/// Jinja's own filter: sorted keys, and safe inside HTML.
fn tojson(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let mut style = JsonStyle { indent: indent(args.get(0))?, sort_keys: true, ..JsonStyle::default() };
    if style.indent.is_some() {
        style.item_separator = ",".to_owned();
    }
    if matches!(value, Val::Object(_)) {
        return fail(format!("Object of type {} is not JSON serializable", value.type_name()));
    }
    let value = plain(ev, value)?;
    check_sortable(&value)?;
    let text = write_json(ev, &value, &style)?;
    let text = ev.text(&text)?.replace('<', "\\u003c").replace('>', "\\u003e");
    Ok(Val::from(text.replace('&', "\\u0026").replace('\'', "\\u0027")))
}

/// The value as plain data; a range is a list.
fn plain(ev: &Eval<'_>, value: &Val) -> Res<Value> {
    match value {
        Val::Object(object) if matches!(&**object, Object::Range(..)) => {
            finalize(ev, &Val::list(ev.items(value)?))
        }
        other => finalize(ev, other),
    }
}

/// All keys as the text that JSON has for them, which is how Ansible's filters see them when they sort.
fn text_keys(value: Value) -> Res<Value> {
    Ok(match value {
        Value::List(items) => Value::from(items.iter().cloned().map(text_keys).collect::<Res<Vec<_>>>()?),
        Value::Map(map) => {
            let mut texts = Map::new();
            for (key, value) in map.iter() {
                let key = match key {
                    Key::Str(text) if text.is_date() => return refused_key(text_type(text)),
                    Key::Str(_) => key.clone(),
                    Key::Tuple(_) => return refused_key("tuple"),
                    Key::Null => Key::from("null"),
                    Key::Bool(flag) => Key::from(if *flag { "true" } else { "false" }),
                    Key::Int(number) => Key::from(number.to_string()),
                    Key::Float(number) => {
                        Key::from(json::write(&Value::Float(*number), &JsonStyle::default()))
                    }
                };
                texts.insert(key, text_keys(value.clone())?);
            }
            Value::Map(texts)
        }
        other => other,
    })
}

fn refused_key<T>(kind: &str) -> Res<T> {
    fail(format!("Key of type '{kind}' is not JSON serializable by the 'tagless' profile."))
}

fn text_type(text: &Text) -> &'static str {
    Val::text(text).type_name()
}

fn write_json(ev: &Eval<'_>, value: &Value, style: &JsonStyle) -> Res<Val> {
    let text = json::write(value, style);
    ev.spend(1, text.len())?;
    Ok(Val::from(text))
}

/// Python cannot sort keys of different types.
fn check_sortable(value: &Value) -> Res<()> {
    match value {
        Value::List(items) => items.iter().try_for_each(check_sortable),
        Value::Map(map) => {
            let texts = map.keys().filter(|key| key.as_str().is_some()).count();
            if texts != 0 && texts != map.len() {
                return fail("'<' not supported between instances of 'str' and 'int'");
            }
            map.values().try_for_each(check_sortable)
        }
        _ => Ok(()),
    }
}

fn from_json(ev: &Eval<'_>, value: &Val, _: &Bound) -> Res<Val> {
    let text = match value {
        Val::Str(text) => text,
        other => {
            return fail(format!(
                "the JSON object must be str, bytes or bytearray, not {}",
                other.type_name()
            ));
        }
    };
    let strict = || ev.ctx.host.and_then(|host| host.setting("MODULE_STRICT_UTF8_RESPONSE"));
    let repaired = match json::without_lone_surrogates(text) {
        Some(_) if strict().as_deref() != Some("False") => {
            return fail("Refusing to deserialize an invalid UTF8 string value");
        }
        Some(repaired) => text.with_chars(repaired),
        None => text.clone(),
    };
    match json::parse(&repaired) {
        Ok(value) => ev.open(&value, OUTER),
        Err(error) => fail(error.to_string()),
    }
}

fn yaml_style(ev: &Eval<'_>, args: &Bound, first: usize, nice: bool) -> Res<DumpStyle> {
    if args.given(if nice { first + 3 } else { first + 4 }).is_some() {
        return fail("yaml.dump() got multiple values for keyword argument 'allow_unicode'");
    }
    // Both parameter lists have the same order, with `indent` in another place.
    let (flow, indent) = if nice { (first, 0) } else { (first, first + 1) };
    let rest = if nice { first + 1 } else { first + 2 };
    let base = if nice { DumpStyle::nice() } else { DumpStyle::default() };
    let number = |index: usize, default: i32| -> Res<i32> {
        if args.given(index).is_none() {
            return Ok(default);
        }
        let number = match args.get(index) {
            Some(Val::Float(number)) => *number as i128,
            _ => args.int(index, default.into())?,
        };
        Ok(i32::try_from(number).unwrap_or(i32::MAX))
    };
    let default_flow_style = match args.get(flow) {
        None => base.default_flow_style,
        Some(Val::None) => None,
        Some(other) => Some(other.truth()?),
    };
    let default_style = match args.given(rest + 5) {
        None => None,
        Some(style) => ev.text(style)?.chars().next(),
    };
    Ok(DumpStyle {
        default_flow_style,
        default_style,
        indent: number(indent, base.indent)?,
        width: number(rest, base.width)?,
        sort_keys: args.flag(rest + 1, true)?,
        allow_unicode: args.flag(rest + 2, true)?,
        explicit_start: args.flag(rest + 3, false)?,
        explicit_end: args.flag(rest + 4, false)?,
        canonical: args.flag(rest + 6, false)?,
    })
}

/// What stands around a document: directives before it, and what ends its lines.
struct Frame {
    directives: String,
    line_break: &'static str,
}

impl Frame {
    /// From the arguments behind `width`, which stands at `rest`.
    fn new(ev: &Eval<'_>, args: &Bound, rest: usize) -> Res<Self> {
        let line_break = match args.given(rest + 7) {
            None => "\n",
            Some(text) => match ev.text(text)?.as_str() {
                "\r\n" => "\r\n",
                "\r" => "\r",
                _ => "\n",
            },
        };
        if args.given(rest + 8).is_some() {
            return fail("`encoding` would make bytes of the text, which nothing takes; leave it out");
        }
        let mut directives = String::new();
        if let Some(version) = args.given(rest + 9) {
            let parts = ev.items(version)?;
            let [Val::Int(major), Val::Int(minor)] = parts[..] else { return fail("an integer is required") };
            if major != 1 || !(1..=2).contains(&minor) {
                return fail("incompatible %YAML directive");
            }
            directives.push_str(&format!("%YAML {major}.{minor}\n"));
        }
        if let Some(tags) = args.given(rest + 10) {
            let Some(tags) = ev.mapping(tags)? else {
                return fail(format!("'{}' object has no attribute 'items'", tags.type_name()));
            };
            for (handle, prefix) in tags.rendered(ev)? {
                directives.push_str(&format!("%TAG {handle} {}\n", ev.text(&prefix)?));
            }
        }
        Ok(Self { directives, line_break })
    }

    /// The document with what stands around it.
    fn document(&self, ev: &Eval<'_>, value: &Value, style: &DumpStyle, shared: &Shared) -> Res<Val> {
        let style = DumpStyle {
            explicit_start: style.explicit_start || !self.directives.is_empty(),
            ..style.clone()
        };
        let mut text = yaml::dump_shared(value, &style, shared);
        if !self.directives.is_empty() {
            text.insert_str(0, &self.directives);
        }
        if self.line_break != "\n" {
            text = text.replace('\n', self.line_break);
        }
        ev.spend(1, text.len())?;
        Ok(Val::from(text))
    }
}

fn to_yaml(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let (value, shared) = finalize_shared(ev, value)?;
    let style = yaml_style(ev, args, 0, false)?;
    Frame::new(ev, args, 2)?.document(ev, &value, &style, &shared)
}

fn to_nice_yaml(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let (value, shared) = finalize_shared(ev, value)?;
    let style = yaml_style(ev, args, 1, true)?;
    Frame::new(ev, args, 2)?.document(ev, &value, &style, &shared)
}

/// The filters of community.general: nothing is shared, and what was vaulted can be left out.
fn general_yaml(ev: &Eval<'_>, value: &Val, args: &Bound, style: &DumpStyle) -> Res<Val> {
    let value = finalize(ev, value)?;
    let value = if args.flag(13, false)? { redacted(&value) } else { value };
    Frame::new(ev, args, 2)?.document(ev, &value, style, &Shared::default())
}

fn redacted(value: &Value) -> Value {
    match value {
        Value::Str(text) if text.is_secret() || text.is_encrypted() => Value::str("<redacted>"),
        Value::List(items) => items.iter().map(redacted).collect(),
        Value::Map(map) => {
            Value::Map(map.iter().map(|(key, value)| (key.clone(), redacted(value))).collect())
        }
        other => other.clone(),
    }
}

/// What a filter or lookup reads is never a template.
pub(crate) fn untrusted(value: &Value) -> Value {
    match value {
        Value::Str(text) => Value::Str(text.clone().into_plain()),
        Value::List(items) => items.iter().map(untrusted).collect(),
        Value::Map(map) => {
            Value::Map(map.iter().map(|(key, value)| (key.clone(), untrusted(value))).collect())
        }
        other => other.clone(),
    }
}

fn from_yaml(ev: &Eval<'_>, value: &Val, _: &Bound) -> Res<Val> {
    let Val::Str(text) = value else { return Ok(value.clone()) };
    match yaml::load(&Source::new("<from_yaml>", text.as_str())) {
        Ok(loaded) => {
            loaded.warnings.into_iter().for_each(|warning| ev.warn_of(warning));
            match loaded.node {
                Some(node) => ev.open(&untrusted(&node.to_value()), OUTER),
                None => Ok(Val::None),
            }
        }
        Err(error) => fail(error.to_string()),
    }
}

fn from_yaml_all(ev: &Eval<'_>, value: &Val, _: &Bound) -> Res<Val> {
    let text = match value {
        Val::Str(text) => text,
        Val::None => return Ok(Val::list(Vec::new())),
        other => return Ok(other.clone()),
    };
    match yaml::load_all(&Source::new("<from_yaml_all>", text.as_str())) {
        Ok(documents) => {
            documents.warnings.into_iter().for_each(|warning| ev.warn_of(warning));
            let values: Value = documents.nodes.iter().map(|node| untrusted(&node.to_value())).collect();
            ev.open(&values, OUTER)
        }
        Err(error) => fail(error.to_string()),
    }
}
