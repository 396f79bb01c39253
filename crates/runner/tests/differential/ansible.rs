//! The answer of a real `ansible-playbook`, by a callback that records its results.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::answer;
use super::case::Case;

/// The program to compare with, if one is given.
pub(crate) fn program() -> Option<String> {
    std::env::var("ANSIBLE_PLAYBOOK").ok().filter(|program| !program.is_empty())
}

/// Runs the case with ansible-core.
pub(crate) fn answer(case: &Case, program: &str, recorder: &Path) -> Value {
    let copy = case.copy();
    let record = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(program);
    command
        .current_dir(copy.path())
        .env("ANSIBLE_CALLBACK_PLUGINS", recorder)
        .env("ANSIBLE_NOCOLOR", "1")
        .env("ANSIBLE_LOCALHOST_WARNING", "False")
        .env("ANSIBLE_INVENTORY_UNPARSED_WARNING", "False")
        .env("ANSIBLE_RETRY_FILES_ENABLED", "False")
        .env("ANSIBLE_PYTHON_INTERPRETER", Path::new(program).with_file_name("python"))
        .env("RECORD_RESULTS_TO", record.path())
        .args(arguments(case));
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = std::fs::read_to_string(record.path()).unwrap();
    let events = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let code = output.status.code().unwrap_or(-1);
    if code == 1 || code == 250 {
        eprintln!("{}: {}", case.name, String::from_utf8_lossy(&output.stderr));
    }
    answer::normalize(events, copy.path(), code)
}

fn arguments(case: &Case) -> Vec<String> {
    let mut words = vec!["playbook.yml".to_owned()];
    if case.folder.join("inventory.ini").is_file() {
        words.extend(["-i".into(), "inventory.ini".into()]);
    }
    for (name, flag) in [("tags", "--tags"), ("skip_tags", "--skip-tags")] {
        words.extend(case.words(name).into_iter().flat_map(|word| [flag.to_owned(), word]));
    }
    for (name, flag) in [("limit", "--limit"), ("start_at_task", "--start-at-task")] {
        words.extend(
            case.option(name)
                .and_then(Value::as_str)
                .into_iter()
                .flat_map(|word| [flag.to_owned(), word.to_owned()]),
        );
    }
    for (name, flag) in [("check", "--check"), ("diff", "--diff"), ("force_handlers", "--force-handlers")] {
        words.extend(case.flag(name).then(|| flag.to_owned()));
    }
    if let Some(vars) = case.option("extra_vars") {
        words.extend(["-e".into(), vars.to_string()]);
    }
    words
}
