//! Every recorded answer of ansible-core (`oracle/answers/*.json`, made by `oracle/make_cases.py`) against ours.
//! With `MESSAGES=1` and `--no-capture` it also shows where both fail but in other words; `ANSWERS=DIR` takes recordings of another folder
//! (`oracle/generate_cases.py` makes thousands).

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that says what it found")]

use std::path::{Path, PathBuf};

use data::{Map, Text, Value};
use taskbox_template::{Context, Engine, SearchPath, Settings};

/// Cases that differ on purpose: `file: template`, one a line. Each stands in a row of docs/COMPATIBILITY.md.
const KNOWN: &str = include_str!("oracle/known-differences.txt");

fn trusted(value: &Value) -> Value {
    match value {
        Value::Str(text) => Value::Str(text.clone().into_template()),
        Value::List(items) => items.iter().map(trusted).collect(),
        Value::Map(map) => match map.get("!unsafe") {
            Some(plain) => plain.clone(),
            None => {
                Value::from(map.iter().map(|(key, value)| (key.clone(), trusted(value))).collect::<Map>())
            }
        },
        other => other.clone(),
    }
}

fn answer(
    engine: &Engine,
    kind: &str,
    text: &str,
    vars: &Map,
    search: &SearchPath,
) -> Result<String, String> {
    let ctx = Context::new(vars, search);
    let text = Text::template(text, None);
    let result = match kind {
        "condition" => engine.condition(&Value::Str(text), &ctx).map(Value::from),
        "expression" => engine.evaluate(&text, &ctx),
        _ => engine.resolve(&Value::Str(text), &ctx),
    };
    match result {
        Ok(value) if taskbox_template::is_omit(&value) => Err("omitted".to_owned()),
        Ok(value) => Ok(data::python::repr(&value)),
        Err(error) => Err(error.to_string()),
    }
}

fn compare(path: &Path, known: &[String], failures: &mut Vec<String>) -> (usize, Vec<String>) {
    let recorded = data::json::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let sets: Vec<Map> = recorded
        .get("vars")
        .and_then(Value::as_list)
        .unwrap()
        .iter()
        .map(|vars| trusted(vars).as_map().unwrap().clone())
        .collect();
    let engine = Engine::new(Settings::default());
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/files");
    let search = SearchPath::new([files]);
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let cases = recorded.get("cases").and_then(Value::as_list).unwrap();
    let mut different = Vec::new();
    for case in cases {
        let field = |key: &str| case.get(key).and_then(Value::as_str);
        let template = field("template").unwrap();
        let vars = &sets[case.get("vars").and_then(Value::as_int).unwrap() as usize];
        let ours = answer(&engine, field("kind").unwrap(), template, vars, &search);
        let same = match (&ours, field("result")) {
            (Ok(ours), Some(theirs)) => ours == theirs,
            (Err(_), None) => true,
            _ => false,
        };
        let key = format!("{name}: {}", template.escape_debug());
        if let (Err(ours), Some(theirs)) = (&ours, field("error"))
            && std::env::var_os("MESSAGES").is_some()
            && theirs.split_once(": ").is_none_or(|(_, theirs)| ours != theirs)
        {
            println!("{key}\n   ansible {theirs}\n   taskbox {ours}");
        }
        if !same {
            if !known.contains(&key) {
                let theirs = field("result").or(field("error")).unwrap_or_default();
                failures.push(format!("{key}\n   ansible {theirs}\n   taskbox {ours:?}"));
            }
            different.push(key);
        }
    }
    (cases.len(), different)
}

#[test]
fn ansible_core_gives_the_same_answers() {
    // Ansible's answers were recorded with this zone and these variables.
    let dir = std::env::var_os("ANSWERS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/answers"), PathBuf::from);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let known: Vec<String> = KNOWN.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    let (mut total, mut failures, mut different) = (0, Vec::new(), Vec::new());
    for path in &paths {
        let (cases, found) = compare(path, &known, &mut failures);
        total += cases;
        different.extend(found);
    }
    println!("{total} cases, {} different", different.len());
    assert!(total > 0);
    assert!(failures.is_empty(), "{} of {total} cases differ:\n{}", failures.len(), failures.join("\n"));
    let stale: Vec<_> = known.iter().filter(|key| !different.contains(key)).collect();
    assert!(stale.is_empty(), "equal by now, take them out of known-differences.txt: {stale:?}");
}
