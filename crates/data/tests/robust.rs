//! Whatever bytes a user or a host hands in, the readers answer or refuse; they never panic, and places stay inside the text.

use proptest::prelude::*;
use taskbox_data::yaml::{self, DumpStyle, Node, NodeKind};
use taskbox_data::{Diagnose, Source, Text, Value, json, literal, python, split, vault};

/// Text made of what YAML, JSON, Python and Jinja care about.
fn tricky() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        " ", "  ", "\n", "\t", ":", ": ", "- ", "? ", "#", "'", "\"", "\\", "{", "}", "[", "]", ",", "&a ",
        "*a", "!", "!!str ", "!unsafe ", "|", ">", "-", "<<: ", "{{ ", " }}", "{% ", "a", "b", "1", "0x",
        ".", "e", "=", "\u{feff}", "é", "中", "😀", "\u{85}", "\r\n", "---\n", "\0",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

fn every_text(node: &Node, check: &mut dyn FnMut(&Text)) {
    match &node.kind {
        NodeKind::Str(text) => check(text),
        NodeKind::Seq(items) => items.iter().for_each(|item| every_text(item, check)),
        NodeKind::Map(entries) => entries.iter().for_each(|(key, value)| {
            every_text(key, check);
            every_text(value, check);
        }),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_yaml_loader_never_panics_and_its_places_fit(text in tricky()) {
        let source = Source::new("any.yml", text.clone());
        match yaml::load_all(&source) {
            Ok(documents) => {
                for node in &documents.nodes {
                    every_text(node, &mut |part| {
                        for (at, _) in part.char_indices() {
                            let offset = yaml::scalar_offset(part, at);
                            assert!(offset.is_some_and(|offset| text.is_char_boundary(offset)), "{part:?} {at} {offset:?}");
                        }
                    });
                }
            }
            Err(error) => prop_assert!(!error.diagnostics().is_empty()),
        }
    }

    #[test]
    fn what_is_dumped_loads_again(text in tricky(), width in 10..100_i32) {
        let value = Value::from(vec![Value::from(text.as_str()), Value::from(taskbox_data::Map::from([(text.as_str(), 1)]))]);
        let dumped = yaml::dump(&value, &DumpStyle { width, ..DumpStyle::nice() });
        let loaded = yaml::load(&Source::new("dumped.yml", dumped.clone()));
        // A byte order mark inside of a text is dropped by libyaml's reader at a line's start; PyYAML does the same.
        if !text.contains('\u{feff}') {
            prop_assert_eq!(loaded.unwrap().node.unwrap().to_value(), value, "{}", dumped);
        }
    }

    #[test]
    fn splitter_literal_json_and_vault_never_panic(text in tricky()) {
        let source = Source::new("any.yml", text.clone());
        let place = taskbox_data::Place::new(&source, taskbox_data::Span::new(0, text.len()));
        let _ = split::parse_kv(&Text::template(text.as_str(), Some(place)), true);
        if let Some(value) = literal::parse(&text) {
            let _ = python::repr(&value);
        }
        if let Ok(value) = json::parse(&text) {
            let _ = json::write(&value, &json::JsonStyle::default());
        }
        let _ = vault::decrypt(&format!("$ANSIBLE_VAULT;1.1;AES256\n{text}"), &vault::Secrets::new());
    }

    #[test]
    fn the_repr_of_a_text_reads_back_as_the_text(text in tricky()) {
        prop_assert_eq!(literal::parse(&python::repr_str(&text)), Some(Value::from(text)));
    }

    #[test]
    fn json_that_is_written_reads_back(text in tricky(), number in any::<f64>().prop_filter("finite", |number| number.is_finite())) {
        let value = Value::from(vec![Value::from(text), Value::from(number)]);
        prop_assert_eq!(json::parse(&json::write(&value, &json::JsonStyle::default())).unwrap(), value);
    }
}
