//! A sample of the oracle's cases, another one each day, answered by a real ansible-core in one playbook run and compared with our answers:
//! shows when a new ansible-core no longer says what was recorded. Runs when `ANSIBLE_PLAYBOOK` names an `ansible-playbook`; `DAY=n` asks for
//! the sample of another day.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that says what it found")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use data::json::{self, JsonStyle};
use data::{Map, Text, Value};
use taskbox_template::{Context, Engine, SearchPath, Settings};

const SAMPLE: usize = 200;

/// Words of cases whose answer is another one on each machine or in each run, or that need more than ansible-core.
const NOT_LIVE: &[&str] = &[
    "lookup",
    "query",
    "q(",
    "random",
    "shuffle",
    "now(",
    "strftime",
    "to_datetime",
    "password_hash",
    "vault",
    "ansible.",
    "community.",
    "ipaddr",
    "json_query",
    "jmespath",
    " is file",
    " is link",
    " is exists",
    " is mount",
    " is directory",
    " is abs",
    "realpath",
    "expanduser",
    "expandvars",
    "union",
    "intersect",
    "difference",
    "joiner",
    "cycler",
    "lipsum",
    "hostvars",
    "groups",
    "vars",
    "omit",
    "to_uuid",
    "undef",
    "copy()",
    ".append",
    ".fromkeys",
    "urlize",
    ".j2",
];

struct Case {
    template: String,
    vars: Map,
}

/// All cases that can be asked live, in a fixed order.
fn cases(folder: &Path) -> Vec<Case> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let recorded = json::parse(&std::fs::read_to_string(file).unwrap()).unwrap();
        let sets = recorded.get("vars").and_then(Value::as_list).unwrap().to_vec();
        for case in recorded.get("cases").and_then(Value::as_list).unwrap() {
            let field = |name: &str| case.get(name).and_then(Value::as_str);
            let (Some("template"), Some(template), Some(result)) =
                (field("kind"), field("template"), field("result"))
            else {
                continue;
            };
            let special = ["inf", "nan", "\\x", "b'", "datetime"];
            if NOT_LIVE.iter().any(|word| template.contains(word))
                || special.iter().any(|word| result.contains(word))
            {
                continue;
            }
            let set = case.get("vars").and_then(Value::as_int).unwrap() as usize;
            let vars = sets[set].as_map().unwrap().clone();
            found.push(Case { template: template.to_owned(), vars });
        }
    }
    found
}

/// As many cases as the sample holds, spread over all of them; the day decides where it begins.
fn sample(cases: &[Case], day: usize) -> Vec<&Case> {
    let step = (cases.len() / SAMPLE).max(1);
    cases.iter().skip(day % step).step_by(step).take(SAMPLE).collect()
}

fn templates(value: &Value) -> Value {
    match value {
        Value::Str(text) => Value::Str(text.clone().into_template()),
        Value::List(items) => items.iter().map(templates).collect(),
        Value::Map(map) => match map.get("!unsafe") {
            Some(plain) => plain.clone(),
            None => {
                Value::from(map.iter().map(|(key, value)| (key.clone(), templates(value))).collect::<Map>())
            }
        },
        other => other.clone(),
    }
}

/// The variables as a playbook in JSON can hold them: what is no template there stands between `raw` and `endraw`.
fn written(value: &Value) -> Value {
    match value {
        Value::List(items) => items.iter().map(written).collect(),
        Value::Map(map) => match map.get_str("!unsafe") {
            Some(plain) => Value::from(format!("{{% raw %}}{plain}{{% endraw %}}")),
            None => {
                Value::from(map.iter().map(|(key, value)| (key.clone(), written(value))).collect::<Map>())
            }
        },
        other => other.clone(),
    }
}

/// Our answers, in the form that JSON gives them.
fn ours(sample: &[&Case]) -> Vec<Value> {
    let engine = Engine::new(Settings::default());
    let search = SearchPath::default();
    let answer = |case: &&Case| {
        let vars = templates(&Value::Map(case.vars.clone()));
        let text = Value::Str(Text::template(case.template.as_str(), None));
        let found = engine.resolve(&text, &Context::new(vars.as_map().unwrap(), &search));
        let found = found.unwrap_or_else(|error| Value::from(format!("failed: {error}")));
        json::parse(&json::write(&found, &JsonStyle::default())).unwrap()
    };
    sample.iter().map(answer).collect()
}

/// One task for each set of variables, with all its cases in one dictionary.
fn playbook(sample: &[&Case]) -> String {
    let mut tasks: BTreeMap<String, (Value, Map)> = BTreeMap::new();
    for (at, case) in sample.iter().enumerate() {
        let vars = written(&Value::Map(case.vars.clone()));
        let key = json::write(&vars, &JsonStyle::default());
        let (_, messages) = tasks.entry(key).or_insert_with(|| (vars, Map::new()));
        messages.insert(format!("case {at}"), case.template.as_str());
    }
    let tasks: Value = tasks
        .into_values()
        .map(|(vars, messages)| {
            let debug = Map::from([("msg", Value::Map(messages))]);
            Value::from(Map::from([("debug", Value::from(debug)), ("vars", vars)]))
        })
        .collect();
    let play =
        Map::from([("hosts", Value::from("localhost")), ("gather_facts", false.into()), ("tasks", tasks)]);
    json::write(&vec![Value::from(play)].into(), &JsonStyle::default())
}

/// The messages in what ansible-playbook prints.
fn messages(output: &str) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for part in output.split("ok: [localhost] => ").skip(1) {
        let end = part.find("\n}\n").map_or(part.len(), |at| at + 2);
        let result = json::parse(&part[..end]).unwrap();
        for (key, value) in result.get("msg").and_then(Value::as_map).unwrap() {
            found.insert(key.to_string(), value.clone());
        }
    }
    found
}

#[test]
fn a_real_ansible_core_still_gives_our_answers() {
    let Some(program) = std::env::var_os("ANSIBLE_PLAYBOOK") else { return };
    let answers = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/answers");
    let all = cases(&answers);
    let today = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 86_400;
    let day = std::env::var("DAY").ok().and_then(|day| day.parse().ok()).unwrap_or(today as usize);
    let sample = sample(&all, day);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample.json");
    std::fs::write(&path, playbook(&sample)).unwrap();
    let output = Command::new(program)
        .arg(&path)
        .current_dir(folder.path())
        .envs([("ANSIBLE_NOCOLOR", "1"), ("ANSIBLE_CALLBACK_RESULT_FORMAT", "json"), ("TZ", "UTC")])
        .env("ANSIBLE_DEPRECATION_WARNINGS", "false")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let theirs = messages(&text);
    assert_eq!(theirs.len(), sample.len(), "ansible-core answers every case");
    let mut different = Vec::new();
    for (at, (case, ours)) in sample.iter().zip(ours(&sample)).enumerate() {
        let theirs = &theirs[&format!("case {at}")];
        if *theirs != ours {
            let shown = |value: &Value| data::python::repr(value);
            different.push(format!(
                "{}\n   ansible {}\n   taskbox {}",
                case.template,
                shown(theirs),
                shown(&ours)
            ));
        }
    }
    println!("{} of {} cases, day {day}: {} different", sample.len(), all.len(), different.len());
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}
