//! Compares with what PyYAML, Python's json and ast, and ansible-core answered (recorded by `oracle/record.py`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use taskbox_data::yaml::{self, DumpStyle};
use taskbox_data::{Map, Source, Text, Value, json, literal, python, split, vault};

#[derive(Deserialize)]
struct Recording {
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    input: String,
    repr: Option<String>,
    error: Option<String>,
    #[serde(default)]
    dumps: BTreeMap<String, String>,
    #[serde(default)]
    words: Vec<String>,
    options: Option<BTreeMap<String, String>>,
    raw: Option<BTreeMap<String, String>>,
    label: Option<String>,
    envelope: Option<String>,
}

fn answers(name: &str) -> Vec<Answer> {
    let path = format!("{}/tests/oracle/answers/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the recording is there");
    serde_json::from_str::<Recording>(&text).expect("a recording").answers
}

/// Differences of a whole recording, so that one run shows all of them.
#[derive(Default)]
struct Differences(String);

impl Differences {
    fn compare(&mut self, input: &str, expected: &str, found: &str) {
        if expected != found {
            let _ = writeln!(self.0, "{input:?}\n  expected {expected}\n  found    {found}");
        }
    }
}

impl Drop for Differences {
    fn drop(&mut self) {
        assert!(std::thread::panicking() || self.0.is_empty(), "\n{}", self.0);
    }
}

fn load(text: &str) -> Result<Value, String> {
    match yaml::load(&Source::new("case.yml", text)) {
        Ok(loaded) => Ok(loaded.node.map_or(Value::Null, |node| node.to_value())),
        Err(error) => Err(error.to_string()),
    }
}

/// What we answer otherwise, on purpose.
fn yaml_exception(input: &str) -> Option<&'static str> {
    Some(match input {
        // JSON has neither sets nor tuples nor bytes, and Ansible shows them as lists and text.
        "!!set {a, b}" => "['a', 'b']",
        "!!omap [a: 1]" => "[['a', 1]]",
        "a: !!binary aGVs\n  bG8=" => "{'a': 'hello'}",
        // PyYAML knows the value type but not how to make one; it is the text that the user wrote.
        "=" => "'='",
        "<<" => "'<<'",
        // Ansible's loader adds this tag.
        "a: !!python/unicode x" => "{'a': 'x'}",
        // No value of ours can hold itself; ansible-core fails on it later.
        "a: &x [*x]" => "refused",
        _ => return None,
    })
}

#[test]
fn yaml_loads_as_pyyaml_loads_it() {
    let mut differences = Differences::default();
    for answer in answers("yaml") {
        let found = match load(&answer.input) {
            Ok(value) => python::repr(&value),
            Err(_) => "refused".to_owned(),
        };
        let expected = yaml_exception(&answer.input).unwrap_or(answer.repr.as_deref().unwrap_or("refused"));
        differences.compare(&answer.input, expected, &found);
    }
}

fn dump_style(name: &str) -> DumpStyle {
    let base = DumpStyle::default();
    match name {
        "to_yaml" => base,
        "to_nice_yaml" => DumpStyle::nice(),
        "flow" => DumpStyle { default_flow_style: Some(true), ..base },
        "wide" => DumpStyle { default_flow_style: Some(false), width: 1337, sort_keys: false, ..base },
        "narrow" => DumpStyle { default_flow_style: Some(false), indent: 6, width: 20, ..base },
        "ascii" => DumpStyle { allow_unicode: false, explicit_start: true, explicit_end: true, ..base },
        "quoted" => DumpStyle { default_style: Some('"'), ..base },
        other => panic!("unknown style {other}"),
    }
}

#[test]
fn yaml_is_dumped_as_the_c_dumper_dumps_it() {
    let mut differences = Differences::default();
    for answer in answers("dump") {
        // The libyaml under PyYAML escapes characters beyond 16 bits; ours, which is newer, prints them.
        let newer = answer.input.contains(|c| c > '\u{ffff}') || answer.input.contains("\\U0001");
        if yaml_exception(&answer.input).is_some() || newer {
            continue;
        }
        let Ok(value) = load(&answer.input) else { continue };
        for (name, expected) in &answer.dumps {
            let found = yaml::dump(&value, &dump_style(name));
            differences.compare(
                &format!("{name}: {}", answer.input),
                &format!("{expected:?}"),
                &format!("{found:?}"),
            );
        }
    }
}

#[test]
fn json_is_read_and_written_as_python_does() {
    let compact = json::JsonStyle::compact().unicode();
    let nice = json::JsonStyle::indented(4).sorted();
    let mut differences = Differences::default();
    for answer in answers("json") {
        match json::parse(&answer.input) {
            Ok(value) => {
                differences.compare(
                    &answer.input,
                    answer.repr.as_deref().unwrap_or("refused"),
                    &python::repr(&value),
                );
                for (name, expected) in &answer.dumps {
                    let style = match name.as_str() {
                        "compact" => &compact,
                        "nice" => &nice,
                        _ => &json::JsonStyle::default(),
                    };
                    differences.compare(&answer.input, expected, &json::write(&value, style));
                }
            }
            Err(error) => differences.compare(
                &answer.input,
                answer.error.as_deref().unwrap_or("a value"),
                &error.to_string(),
            ),
        }
    }
}

fn texts(map: &Map) -> BTreeMap<String, String> {
    map.iter().map(|(key, value)| (key.to_string(), python::str(value))).collect()
}

#[test]
fn free_forms_are_split_as_ansible_splits_them() {
    let mut differences = Differences::default();
    for answer in answers("split") {
        let text = Text::plain(answer.input.as_str());
        let Ok(words) = split::split_args(&text) else {
            differences.compare(
                &answer.input,
                answer.error.as_deref().unwrap_or("words"),
                "AnsibleParserError",
            );
            continue;
        };
        let words: Vec<String> = words.into_iter().map(|word| word.chars).collect();
        differences.compare(&answer.input, &format!("{:?}", answer.words), &format!("{words:?}"));
        for (check_raw, expected) in [(false, &answer.options), (true, &answer.raw)] {
            let found = split::parse_kv(&text, check_raw).unwrap().to_map();
            let expected = expected.clone().unwrap_or_default();
            differences.compare(&answer.input, &format!("{expected:?}"), &format!("{:?}", texts(&found)));
        }
    }
}

/// Literals that have no place in JSON stay text for us; ansible-core fails on them later.
fn literal_exception(input: &str) -> Option<&'static str> {
    Some(match input {
        "{1}" => "[1]",
        "{1, 1}" => "[1]",
        "{'a'}" => "['a']",
        "set()" | "set( )" => "[]",
        "{(1, 2): 3}" => "{(1, 2): 3}",
        "b'a'" | "rb'a'" | "\"\\N{BULLET}\"" => "text",
        _ => return None,
    })
}

#[test]
fn literals_are_those_of_literal_eval() {
    let mut differences = Differences::default();
    for answer in answers("literal") {
        let found =
            literal::parse(&answer.input).map_or_else(|| "text".to_owned(), |value| python::repr(&value));
        let expected = literal_exception(&answer.input).unwrap_or(answer.repr.as_deref().unwrap_or("text"));
        differences.compare(&answer.input, expected, &found);
    }
}

#[test]
fn envelopes_of_ansible_vault_open() {
    let mut secrets = vault::Secrets::new();
    secrets.add("default", "password");
    for answer in answers("vault") {
        let envelope = answer.envelope.unwrap();
        assert_eq!(
            envelope.lines().next().unwrap().ends_with(";prod"),
            answer.label.as_deref() == Some("prod")
        );
        assert_eq!(vault::decrypt(&envelope, &secrets).unwrap(), answer.input.as_bytes());
    }
}
