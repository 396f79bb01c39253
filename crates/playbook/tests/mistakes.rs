//! Playbooks with mistakes: every file under `tests/mistakes` says in its last comments which findings it must give, and where.
//!
//! A line `# expect 3:5 title` stands for a finding with this title at line 3, column 5; `# help text` after it for a help that holds
//! the text.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use data::{Diagnose, Diagnostic, Map, Source, Value};
use taskbox_playbook::{LoadSettings, Loader, Surroundings};

/// Knows a few actions and renders nothing.
struct Few;

impl Surroundings for Few {
    fn is_action(&self, name: &str) -> bool {
        ["debug", "copy", "command", "meta", "include_tasks", "import_tasks", "include_role", "import_role"]
            .contains(&name)
    }

    fn render(&self, _: &Value, _: &Map) -> Result<Value, Vec<Diagnostic>> {
        Err(vec![Diagnostic::error("not known before the run")])
    }

    fn read(&self, path: &Path) -> Result<Arc<Source>, Vec<Diagnostic>> {
        data::fs::read_source(path).map_err(|error| error.diagnostics())
    }
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "yml"));
    files.sort();
    files
}

fn told(finding: &Diagnostic) -> String {
    let place = finding.place().map_or_else(String::new, |place| {
        let at = place.location();
        format!("{}:{} ", at.line, at.column)
    });
    // One line, with paths from the crate's folder.
    let folder = format!("{}/", env!("CARGO_MANIFEST_DIR"));
    format!("{place}{}", finding.title.replace('\n', " / ").replace(&folder, ""))
}

#[test]
fn every_mistake_of_a_file_is_told_with_its_place() {
    let loader = Loader::new(Arc::new(Few), LoadSettings::default());
    let files = cases();
    assert!(files.len() > 5, "the cases are missing");
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let expected: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# expect ")).collect();
        let helps: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# help ")).collect();
        let findings = match loader.playbook(&file) {
            Ok(_) => Vec::new(),
            Err(error) => error.diagnostics(),
        };
        let found: Vec<String> = findings.iter().map(told).collect();
        assert_eq!(found, expected, "{name}");
        for help in helps {
            assert!(
                findings.iter().any(|finding| finding.helps.iter().any(|own| own.contains(help))),
                "{name}: {help}"
            );
        }
    }
}
