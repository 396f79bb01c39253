//! Differential tests: small playbooks under `tests/differential/cases`, run by the engine and compared with what ansible-core says.
//!
//! Each case is a folder with `playbook.yml` and, if it needs them, `inventory.ini`, `options.json` and other files. Its true answer is
//! `answer.json`, recorded from ansible-core. With `ANSIBLE_PLAYBOOK` set to an `ansible-playbook` the answers are made anew and compared
//! live; with `RECORD=1` as well they are written back.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test that cannot go on says why and stops")]

mod ansible;
mod answer;
mod case;
mod engine;

use std::path::Path;

use case::Case;

/// Runs the cases whose names contain a word of `CASE` (all by default) and reports every difference.
#[test]
fn playbooks_end_as_in_ansible() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/differential");
    let wanted = std::env::var("CASE").unwrap_or_default();
    let cases = case::all(&folder.join("cases"));
    assert!(!cases.is_empty(), "no cases found");
    let chosen: Vec<&Case> =
        cases.iter().filter(|case| wanted.split(',').any(|word| case.name.contains(word))).collect();
    assert!(!chosen.is_empty(), "no case is called `{wanted}`");
    let mut differences = Vec::new();
    for case in &chosen {
        let expected = match ansible::program() {
            Some(program) => ansible::answer(case, &program, &folder.join("recorder")),
            None => case.answer(),
        };
        if std::env::var_os("RECORD").is_some() {
            case.record(&expected);
        }
        let actual = engine::answer(case);
        if let Some(difference) = answer::difference(&expected, &actual) {
            differences.push(format!("== {}\n{difference}", case.name));
        }
    }
    let count = differences.len();
    assert!(differences.is_empty(), "{count} of {} cases differ:\n{}", chosen.len(), differences.join("\n"));
}
