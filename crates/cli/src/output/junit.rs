//! The output `junit`: one file of test cases a playbook, one case a task and host, as Ansible's plugin of this name writes it.

use std::io;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use data::{Diagnostic, Value, python};
use runner::{Event, HostName, Status, TaskResult};

use super::excerpt::absolute;
use super::{EventSink, result_text};
use crate::diagnostics::report_all;
use crate::settings::Settings;

/// What counts as a failure, and what a case is named.
struct Options {
    folder: PathBuf,
    one_class_a_file: bool,
    relative_to: Option<PathBuf>,
    fail_on_change: bool,
    fail_on_ignore: bool,
    with_setup: bool,
    hide_args: bool,
    prefix: String,
}

/// Gathers the cases, and writes them at the end.
pub(crate) struct Junit {
    options: Options,
    playbook: String,
    play: String,
    cases: Vec<Case>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    Skipped,
}

struct Case {
    task: u64,
    name: String,
    class: String,
    seconds: f64,
    verdict: Verdict,
    message: String,
    output: String,
}

impl Junit {
    /// As the settings say.
    pub(crate) fn new(settings: &Settings) -> Self {
        let folder = settings.path("junit_output_dir");
        let options = Options {
            folder: folder.unwrap_or_else(|| crate::settings::resolve("~/.ansible.log", None)),
            one_class_a_file: settings.flag("junit_task_class"),
            relative_to: settings.path("junit_task_relative_path"),
            fail_on_change: settings.flag("junit_fail_on_change"),
            fail_on_ignore: settings.flag("junit_fail_on_ignore"),
            with_setup: settings.flag("junit_include_setup_tasks"),
            hide_args: settings.flag("junit_hide_task_arguments"),
            prefix: settings.text("junit_test_case_prefix").unwrap_or_default(),
        };
        Self { options, playbook: String::new(), play: String::new(), cases: Vec::new() }
    }

    fn verdict(&self, result: &TaskResult, name: &str) -> Verdict {
        let lenient = result.ignored && !self.options.fail_on_ignore;
        let first = match result.status {
            Status::Skipped => Verdict::Skipped,
            Status::Failed | Status::Unreachable if !lenient => Verdict::Failed,
            Status::Changed if self.options.fail_on_change => Verdict::Failed,
            _ => Verdict::Passed,
        };
        match first {
            Verdict::Failed if name.contains("EXPECTED FAILURE") || name.contains("TOGGLE RESULT") => {
                Verdict::Passed
            }
            Verdict::Passed if name.contains("TOGGLE RESULT") => Verdict::Failed,
            verdict => verdict,
        }
    }

    fn class(&self, result: &TaskResult) -> String {
        let Some(place) = &result.task.place else { return String::new() };
        let file = absolute(place.source.name());
        let file = match &self.options.relative_to {
            Some(folder) => match std::path::Path::new(&file).strip_prefix(folder) {
                Ok(inside) => inside.display().to_string(),
                Err(_) => file,
            },
            None => file,
        };
        match self.options.one_class_a_file && file.ends_with(".yml") {
            true => file.trim_end_matches(".yml").to_owned(),
            false => format!("{file}:{}", place.location().line),
        }
    }

    fn result(&mut self, result: &TaskResult) {
        let setup = matches!(result_text::short_action(&result.task.action), "setup" | "gather_facts");
        if setup && !self.options.with_setup {
            return;
        }
        let mut name = result.task.name.trim().to_owned();
        if !self.options.hide_args && !result.task.args.is_empty() {
            let args = result_text::masked(&Value::from(result.task.args.clone()));
            let args: Vec<String> = args.as_map().into_iter().flat_map(|args| args.iter()).map(arg).collect();
            name = format!("{name} {}", args.join(", "));
        }
        let verdict = self.verdict(result, &name);
        if !name.starts_with(&self.options.prefix) && verdict != Verdict::Failed {
            return;
        }
        let shown = |key: &str| result.result.get(key).map(|value| python::str(&result_text::masked(value)));
        let message = match verdict {
            Verdict::Passed => String::new(),
            Verdict::Skipped => shown("skip_reason").unwrap_or_else(|| "skipped".to_owned()),
            Verdict::Failed => shown("msg")
                .unwrap_or_else(|| format!("rc={}", shown("rc").unwrap_or_else(|| "0".to_owned()))),
        };
        let case = Case {
            task: result.task.id,
            name: case_name(&result.host, &self.play, &name),
            class: self.class(result),
            seconds: result.duration.as_secs_f64(),
            verdict,
            message,
            output: result_text::as_json(&result_text::shown_fields(result, 3), false),
        };
        self.cases.push(case);
    }

    fn write(&mut self) -> Result<(), data::fs::FsError> {
        // Cases stand together by task, in the order in which the tasks first ran.
        let mut order: Vec<u64> = Vec::new();
        for case in &self.cases {
            if !order.contains(&case.task) {
                order.push(case.task);
            }
        }
        self.cases.sort_by_key(|case| order.iter().position(|task| *task == case.task));
        let xml = document(&self.playbook, &self.cases);
        self.cases.clear();
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        data::fs::create_folder(&self.options.folder)?;
        let file = self.options.folder.join(format!("{}-{:.6}.xml", self.playbook, at.as_secs_f64()));
        data::fs::write_atomic(file, xml.as_bytes(), Some(0o600))
    }
}

fn arg((name, value): (&data::Key, &Value)) -> String {
    format!("{}={}", name.as_str().unwrap_or_default(), python::str(value))
}

fn case_name(host: &HostName, play: &str, task: &str) -> String {
    format!("[{host}] {play}: {task}")
}

fn document(playbook: &str, cases: &[Case]) -> String {
    let count = |verdict: Verdict| cases.iter().filter(|case| case.verdict == verdict).count();
    let (failed, skipped) = (count(Verdict::Failed), count(Verdict::Skipped));
    let seconds: f64 = cases.iter().map(|case| case.seconds).sum();
    let totals = format!(
        "disabled=\"0\" errors=\"0\" failures=\"{failed}\" tests=\"{}\" time=\"{seconds}\"",
        cases.len()
    );
    let mut xml = format!("<?xml version=\"1.0\" ?>\n<testsuites {totals}>\n");
    xml.push_str(&format!("\t<testsuite name=\"{}\" skipped=\"{skipped}\" {totals}>\n", escaped(playbook)));
    cases.iter().for_each(|case| xml.push_str(&element(case)));
    xml + "\t</testsuite>\n</testsuites>\n"
}

fn element(case: &Case) -> String {
    let head = format!(
        "\t\t<testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
        escaped(&case.class),
        escaped(&case.name),
        case.seconds
    );
    let (message, output) = (escaped(&case.message), escaped(&case.output));
    let inner = match case.verdict {
        Verdict::Passed => format!("<system-out>{output}</system-out>"),
        Verdict::Skipped => format!("<skipped>{message}</skipped>"),
        Verdict::Failed => format!("<failure message=\"{message}\" type=\"failure\">{output}</failure>"),
    };
    format!("{head}>\n\t\t\t{inner}\n\t\t</testcase>\n")
}

/// Text for XML: its five signs, and nothing that XML forbids.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' | '\r' => out.push_str(&format!("&#{};", u32::from(sign))),
            sign if sign.is_control() || matches!(sign, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            sign => out.push(sign),
        }
    }
    out
}

impl EventSink for Junit {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::PlaybookStart { path, .. } => {
                let name = std::path::Path::new(path).file_stem();
                self.playbook = name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            }
            Event::PlayStart(play) => self.play.clone_from(&play.name),
            Event::TaskResult(result) => self.result(result),
            Event::Stats(_) => {
                if let Err(error) = self.write() {
                    report_all(&[Diagnostic::warning(error.to_string())]);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_says_how_it_ended_and_text_stays_text() {
        let case = |verdict, message: &str| Case {
            task: 1,
            name: case_name(&"h1".into(), "all", "a < b"),
            class: "/site.yml:3".into(),
            seconds: 0.5,
            verdict,
            message: message.into(),
            output: "{\"x\": 1}".into(),
        };
        let cases =
            [case(Verdict::Passed, ""), case(Verdict::Failed, "no & no\u{1}"), case(Verdict::Skipped, "why")];
        let xml = document("site", &cases);
        for part in [
            "<testsuite name=\"site\" skipped=\"1\" disabled=\"0\" errors=\"0\" failures=\"1\" tests=\"3\" time=\"1.5\">",
            "<testcase classname=\"/site.yml:3\" name=\"[h1] all: a &lt; b\" time=\"0.5\">",
            "<system-out>{&quot;x&quot;: 1}</system-out>",
            "<failure message=\"no &amp; no\u{fffd}\" type=\"failure\">",
            "<skipped>why</skipped>",
        ] {
            assert!(xml.contains(part), "{part} is not in\n{xml}");
        }
    }
}
