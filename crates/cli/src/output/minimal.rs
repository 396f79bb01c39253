//! The output of ad hoc runs, as `ansible` prints it: `host | SUCCESS => {...}`.

use std::collections::HashSet;
use std::io::{self, Write};

use data::python;
use runner::{Event, Status, TaskResult};

use super::ansible_text::TextOptions;
use super::color::Ink;
use super::text_diff::diff_text;
use super::{EventSink, result_text, visible};
use crate::diagnostics::{Look, draw};

/// Writes one entry a host and task.
pub(crate) struct Minimal {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    options: TextOptions,
    /// Everything on one line (`--one-line`).
    one_line: bool,
    warned: HashSet<String>,
}

impl Minimal {
    /// Writes to `out` and `err`.
    pub(crate) fn new(
        out: Box<dyn Write>,
        err: Box<dyn Write>,
        options: TextOptions,
        one_line: bool,
    ) -> Self {
        Self { out, err, options, one_line, warned: HashSet::new() }
    }

    fn result(&mut self, result: &TaskResult) -> io::Result<()> {
        for text in result_text::texts(&result.result, "warnings") {
            if self.warned.insert(text.clone()) {
                writeln!(self.err, "[WARNING]: {}", visible(&text))?;
            }
        }
        if let Some(diff) = result.result.get("diff").filter(|diff| result.show_diff && diff.is_truthy()) {
            write!(
                self.out,
                "{}",
                diff_text(&result_text::masked(diff), self.options.color, self.options.display.diff_context)
            )?;
        }
        let (caption, ink) = match result.status {
            Status::Ok => ("SUCCESS", Ink::Ok),
            Status::Changed => ("CHANGED", Ink::Changed),
            Status::Failed => ("FAILED", Ink::Error),
            Status::Skipped => ("SKIPPED", Ink::Skip),
            Status::Unreachable => ("UNREACHABLE!", Ink::Unreachable),
        };
        let text = self.text(result, caption);
        let text = visible(&text).into_owned();
        let text = if self.options.color { ink.paint(&text) } else { text };
        writeln!(self.out, "{text}")
    }

    fn text(&self, result: &TaskResult, caption: &str) -> String {
        let host = &result.host;
        if result.status == Status::Skipped {
            return format!("{host} | {caption}");
        }
        if self.one_line && result.status == Status::Unreachable {
            let msg = result.result.get("msg").map(|msg| python::str(&result_text::masked(msg)));
            return format!("{host} | {caption}: {}", msg.unwrap_or_default());
        }
        let raw = matches!(result_text::short_action(&result.task.action), "command" | "shell" | "raw")
            && result.status != Status::Unreachable
            && !result.result.contains_key("ansible_job_id");
        if raw && !result.censored {
            let said = self.command(result, caption);
            return match self.one_line && result.status == Status::Failed {
                true => format!("{said}\n{host} | {caption}! => {}", result_text::as_tight_json(result)),
                false => said,
            };
        }
        if self.one_line {
            let mark = if result.status == Status::Failed { "!" } else { "" };
            return format!("{host} | {caption}{mark} => {}", result_text::as_tight_json(result));
        }
        let mark = if result.status == Status::Failed { "!" } else { "" };
        let fields = result_text::shown_fields(result, self.options.verbosity);
        format!("{host} | {caption}{mark} => {}", result_text::as_json(&fields, true))
    }

    /// What a command said, as it said it.
    fn command(&self, result: &TaskResult, caption: &str) -> String {
        let field = |name: &str| {
            result.result.get(name).map(|value| python::str(&result_text::masked(value))).unwrap_or_default()
        };
        let (rc, stdout, stderr, msg) = (field("rc"), field("stdout"), field("stderr"), field("msg"));
        let rc = if rc.is_empty() { "-1".to_owned() } else { rc };
        let host = &result.host;
        if self.one_line {
            let one = |text: &str| text.replace('\n', "\\n").replace('\r', "\\r");
            let error = if stderr.is_empty() { String::new() } else { format!(" (stderr) {}", one(&stderr)) };
            return format!("{host} | {caption} | rc={rc} | (stdout) {}{error}", one(&stdout));
        }
        format!("{host} | {caption} | rc={rc} >>\n{stdout}{stderr}{msg}")
    }
}

impl EventSink for Minimal {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::TaskResult(result) => self.result(result),
            Event::NoHostsMatched => writeln!(self.err, "[WARNING]: No hosts matched, nothing to do"),
            Event::Warning(found) | Event::Error(found) => {
                let drawn = draw(found, Look::of_stderr());
                let drawn =
                    if self.options.color { drawn } else { anstream::adapter::strip_str(&drawn).to_string() };
                if self.warned.insert(drawn.clone()) { writeln!(self.err, "{drawn}") } else { Ok(()) }
            }
            _ => Ok(()),
        }?;
        self.out.flush()
    }
}
