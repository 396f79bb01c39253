//! Ansible's default output, line for line: banners, results, items, diffs, retries, the recap.

use std::collections::HashSet;
use std::io::{self, Write};

use data::{Diagnostic, Place, Severity, Value, python};
use runner::{Blame, Event, HostName, Included, Item, PlayStart, Status, TaskHead, TaskKind, TaskResult};

use super::banner::banner;
use super::color::Ink;
use super::excerpt::{absolute, excerpt};
use super::text_diff::diff_text;
use super::{Display, EventSink, LogStamp, recap, result_text, visible};
use crate::settings::Settings;

/// How the text looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextOptions {
    /// The number of `-v`.
    pub(crate) verbosity: u8,
    /// Whether to color it.
    pub(crate) color: bool,
    /// The width of headlines.
    pub(crate) columns: usize,
    /// What is shown.
    pub(crate) display: Display,
}

impl TextOptions {
    /// For this process's standard output.
    pub(crate) fn of_stdout(verbosity: u8) -> Self {
        Self {
            verbosity,
            color: super::color::wanted(),
            columns: super::banner::columns(),
            display: Display::default(),
        }
    }

    /// For this process's standard output, as the settings say.
    pub(crate) fn of_settings(verbosity: u8, settings: &Settings) -> Self {
        super::color::paint_as(settings);
        let color =
            super::color::wanted_by(settings.flag("ANSIBLE_NOCOLOR"), settings.flag("ANSIBLE_FORCE_COLOR"));
        Self { color, display: Display::of(settings), ..Self::of_stdout(verbosity) }
    }
}

/// Writes Ansible's default text: results to one stream, warnings to another.
pub(crate) struct AnsibleText {
    screen: Screen,
    /// The task whose headline stands above.
    headline: Option<u64>,
    /// Whether the play's hosts go their own ways.
    free: bool,
    /// Loops whose items have been shown, by task and host: their whole adds no line.
    looped: HashSet<(u64, HostName)>,
}

impl AnsibleText {
    /// Writes to `out` and `err`.
    pub(crate) fn new(out: Box<dyn Write>, err: Box<dyn Write>, options: TextOptions) -> Self {
        Self {
            screen: Screen { out, err, options, stamp: None, said: HashSet::new() },
            headline: None,
            free: false,
            looped: HashSet::new(),
        }
    }

    /// Writes a log: all in one file, each message with a stamp.
    pub(crate) fn log(file: Box<dyn Write>, stamp: LogStamp, options: TextOptions) -> Self {
        let mut text = Self::new(file, Box::new(io::sink()), TextOptions { color: false, ..options });
        text.screen.stamp = Some(stamp);
        text
    }

    fn play(&mut self, play: &PlayStart) -> io::Result<()> {
        self.headline = None;
        self.free = play.free;
        let mark = self.screen.check_mark(play.check_mode);
        match play.name.trim() {
            "" => self.screen.banner(&format!("PLAY{mark}")),
            name => self.screen.banner(&format!("PLAY [{name}]{mark}")),
        }
    }

    /// The headline of a task whose result comes, unless it stands there already.
    fn task(&mut self, task: &TaskHead) -> io::Result<()> {
        if self.headline == Some(task.id) { Ok(()) } else { self.begin(task) }
    }

    /// The headline of a task.
    fn begin(&mut self, task: &TaskHead) -> io::Result<()> {
        self.headline = Some(task.id);
        let kind = match task.kind {
            TaskKind::Task => "TASK",
            TaskKind::Handler => "RUNNING HANDLER",
        };
        let mark = self.screen.check_mark(task.check_mode);
        self.screen.banner(&format!("{kind} [{}{}]{mark}", task.name.trim(), self.screen.args(task)))?;
        match &task.place {
            Some(place) if self.screen.options.verbosity >= 2 => self.screen.task_path(place),
            _ => Ok(()),
        }
    }

    fn item(&mut self, result: &TaskResult) -> io::Result<()> {
        self.looped.insert((result.task.id, result.host.clone()));
        if self.screen.hides(result) {
            return Ok(());
        }
        self.task(&result.task)?;
        let label = item_label(result);
        let host = host_label(result);
        match result.status {
            Status::Ok | Status::Changed if is_include(&result.task) => Ok(()),
            Status::Ok | Status::Changed => {
                self.screen.diff(result)?;
                self.screen.warnings(result)?;
                let (word, ink) = word(result.status);
                self.screen.result(result, &format!("{word}: [{host}] => (item={label})"), ink)
            }
            Status::Skipped => {
                self.screen.warnings(result)?;
                self.screen.result(
                    result,
                    &format!("skipping: [{}] => (item={label}) ", result.host),
                    Ink::Skip,
                )
            }
            Status::Failed | Status::Unreachable => {
                self.screen.warnings(result)?;
                self.screen.error(result)?;
                self.screen.failure(result, &format!("failed: [{host}] (item={label})"), Ink::Error)
            }
        }
    }

    fn result(&mut self, result: &TaskResult) -> io::Result<()> {
        // What failed outside of the rounds is told as if there had been none.
        let looped =
            self.looped.remove(&(result.task.id, result.host.clone())) && result.blame != Blame::Outside;
        if self.screen.hides(result) {
            return Ok(());
        }
        self.task(&result.task)?;
        let host = host_label(result);
        self.screen.warnings(result)?;
        match result.status {
            Status::Ok | Status::Changed if looped => Ok(()),
            Status::Ok | Status::Changed if is_include(&result.task) => Ok(()),
            Status::Ok | Status::Changed => {
                self.screen.diff(result)?;
                let (word, ink) = word(result.status);
                self.screen.result(result, &format!("{word}: [{host}]"), ink)
            }
            Status::Skipped => self.screen.result(result, &format!("skipping: [{}]", result.host), Ink::Skip),
            Status::Failed => {
                // Of a loop's whole, `debug` shows nothing but the message, so that Ansible takes it for a result of its own.
                let alone = result_text::short_action(&result.task.action) == "debug";
                if !looped || alone {
                    if !looped && result.blame != Blame::Include {
                        self.screen.error(result)?;
                    }
                    self.screen.path_of_failure(&result.task)?;
                    self.screen.failure(result, &format!("fatal: [{host}]: FAILED!"), Ink::Error)?;
                }
                self.screen.ignoring(result)
            }
            Status::Unreachable => {
                self.screen.error(result)?;
                self.screen.failure(result, &format!("fatal: [{host}]: UNREACHABLE!"), Ink::Unreachable)?;
                self.screen.ignoring(result)
            }
        }
    }

    fn retry(&mut self, result: &TaskResult) -> io::Result<()> {
        let number = |field: &str| result.result.get(field).and_then(Value::as_int).unwrap_or(0);
        let left = number("retries") - number("attempts");
        let mut text = format!(
            "FAILED - RETRYING: [{}]: {} ({left} retries left).",
            host_label(result),
            result.task.name.trim()
        );
        if self.screen.options.verbosity > 2 {
            let fields = result_text::shown_fields(result, self.screen.options.verbosity);
            text.push_str(&format!("Result was: {}", result_text::as_json(&fields, true)));
        }
        self.screen.line(&text, Some(Ink::Debug))
    }

    fn poll(&mut self, result: &TaskResult) -> io::Result<()> {
        let field = |name: &str| result.result.get(name).map_or_else(|| "None".to_owned(), python::str);
        let (job, started, finished) = (field("ansible_job_id"), field("started"), field("finished"));
        let text = format!("ASYNC POLL on {}: jid={job} started={started} finished={finished}", result.host);
        self.screen.line(&text, Some(Ink::Debug))
    }

    fn included(&mut self, included: &Included) -> io::Result<()> {
        let hosts: Vec<&str> = included.hosts.iter().map(|host| &**host).collect();
        let mut text = format!("included: {} for {}", absolute_file(&included.file), hosts.join(", "));
        if let Some(item) = included.item.as_ref().filter(|item| item.is_truthy()) {
            text.push_str(&format!(" => (item={})", python::str(&result_text::masked(item))));
        }
        self.screen.line(&text, Some(Ink::Included))
    }

    fn stats(&mut self, stats: &runner::Stats) -> io::Result<()> {
        self.screen.banner("PLAY RECAP")?;
        for line in recap::lines(stats, self.screen.options.color) {
            self.screen.line(&line, None)?;
        }
        self.screen.line("", None)?;
        if self.screen.options.display.custom_stats && !stats.custom.is_empty() {
            self.custom_stats(stats)?;
        }
        Ok(())
    }

    fn custom_stats(&mut self, stats: &runner::Stats) -> io::Result<()> {
        self.screen.banner("CUSTOM STATS: ")?;
        let mut hosts: Vec<_> = stats.custom.iter().collect();
        hosts.sort_by_key(|(host, _)| host.as_ref().map(ToString::to_string));
        for (host, values) in hosts.iter().filter_map(|(host, values)| Some((host.as_ref()?, values))) {
            self.screen.line(&format!("\t{host}: {}", result_text::as_spaced_json(values)), None)?;
        }
        if let Some(values) = stats.custom.get(&None) {
            self.screen.line("", None)?;
            self.screen.line(&format!("\tRUN: {}", result_text::as_spaced_json(values)), None)?;
        }
        self.screen.line("", None)
    }
}

impl EventSink for AnsibleText {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::PlaybookStart { path, plays } if self.screen.options.verbosity > 1 => {
                let name = path.rsplit('/').next().unwrap_or(path);
                self.screen.banner(&format!("PLAYBOOK: {name}"))?;
                self.screen.line(&format!("{plays} plays in {path}"), Some(Ink::Verbose))
            }
            Event::PlayStart(play) => self.play(play),
            Event::NoHostsMatched => self.screen.line("skipping: no hosts matched", Some(Ink::Skip)),
            Event::NoHostsRemaining => self.screen.banner("NO MORE HOSTS LEFT"),
            // With results left out, and where hosts go their own ways, a headline waits for the first result that is shown.
            Event::TaskStart(task) if self.screen.options.display.all_headlines() && !self.free => {
                self.begin(task)
            }
            Event::TaskStart(_) => Ok(()),
            Event::ItemResult(result) => self.item(result),
            Event::Retry(result) => self.retry(result),
            Event::AsyncPoll(result) => self.poll(result),
            Event::TaskResult(result) => self.result(result),
            Event::Included(included) => self.included(included),
            Event::Notify { handler, host } if self.screen.options.verbosity > 1 => {
                self.screen.line(&format!("NOTIFIED HANDLER {handler} for {host}"), Some(Ink::Verbose))
            }
            Event::Verbose { level: runner::DEBUG, text } if self.screen.options.display.debug => {
                self.screen.line(text, Some(Ink::Debug))
            }
            Event::Verbose { level, text } if self.screen.options.verbosity >= *level => {
                self.screen.line(text, Some(Ink::Verbose))
            }
            Event::Warning(found) | Event::Error(found) => self.screen.finding(found),
            Event::Stats(stats) => self.stats(stats),
            Event::HostStart { task, host } if self.screen.options.display.host_starts => {
                let text = format!(" [started TASK: {} on {host}]", task.name.trim());
                self.screen.line(&text, Some(Ink::Ok))
            }
            Event::PlaybookStart { .. }
            | Event::HostStart { .. }
            | Event::Notify { .. }
            | Event::Verbose { .. }
            | Event::PlayEnd { .. } => Ok(()),
        }?;
        self.screen.out.flush()
    }
}

/// The streams, and what has been said on them once and for all.
struct Screen {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    options: TextOptions,
    /// What goes before each message, in a log; what is for `err` goes there as well.
    stamp: Option<LogStamp>,
    /// Errors and warnings, each shown only the first time.
    said: HashSet<String>,
}

impl Screen {
    fn line(&mut self, text: &str, ink: Option<Ink>) -> io::Result<()> {
        let text = visible(text);
        match ink {
            _ if self.stamp.is_some() => self.logged(&text, ink),
            Some(ink) if self.options.color => self.painted(&ink.paint(&text)),
            _ => self.painted(&text),
        }
    }

    /// A message of a log.
    fn logged(&mut self, text: &str, ink: Option<Ink>) -> io::Result<()> {
        match &self.stamp {
            Some(stamp) if !text.trim().is_empty() => self.out.write_all(stamp.line(text, ink).as_bytes()),
            _ => Ok(()),
        }
    }

    /// A line that has its colors.
    fn painted(&mut self, painted: &str) -> io::Result<()> {
        if self.stamp.is_some() {
            return self.logged(painted, None);
        }
        let end = if painted.ends_with('\n') { "" } else { "\n" };
        write!(self.out, "{painted}{end}")
    }

    /// Whether the settings leave the result out.
    fn hides(&self, result: &TaskResult) -> bool {
        let display = &self.options.display;
        match result.status {
            Status::Skipped => !display.skipped_hosts,
            Status::Ok => !display.ok_hosts && !is_include(&result.task),
            _ => false,
        }
    }

    fn check_mark(&self, check_mode: bool) -> &'static str {
        if check_mode && self.options.display.check_markers { " [CHECK MODE]" } else { "" }
    }

    /// A task's arguments for its headline, if they are to be shown.
    fn args(&self, task: &TaskHead) -> String {
        if !self.options.display.args {
            return String::new();
        }
        let args: Vec<String> = task
            .args
            .iter()
            .map(|(name, value)| {
                format!("{}={}", name.as_str().unwrap_or_default(), python::str(&result_text::masked(value)))
            })
            .collect();
        format!(" {}", args.join(", "))
    }

    fn path_of_failure(&mut self, task: &TaskHead) -> io::Result<()> {
        match &task.place {
            Some(place) if self.options.display.path_on_failure && self.options.verbosity < 2 => {
                self.task_path(place)
            }
            _ => Ok(()),
        }
    }

    fn banner(&mut self, text: &str) -> io::Result<()> {
        self.line(&banner(text, self.options.columns), None)
    }

    fn task_path(&mut self, place: &Place) -> io::Result<()> {
        let text = format!("task path: {}:{}", absolute(place.source.name()), place.location().line);
        self.line(&text, Some(Ink::Debug))
    }

    /// A line with the fields behind it, if they are to be shown.
    fn result(&mut self, result: &TaskResult, line: &str, ink: Ink) -> io::Result<()> {
        if result_text::is_verbose(result, self.options.verbosity) {
            self.whole(result, line, ink)
        } else {
            self.line(line, Some(ink))
        }
    }

    fn whole(&mut self, result: &TaskResult, line: &str, ink: Ink) -> io::Result<()> {
        let text = self.whole_text(result, line);
        self.line(&text, Some(ink))
    }

    /// A failure's line, which the settings may send to standard error.
    fn failure(&mut self, result: &TaskResult, line: &str, ink: Ink) -> io::Result<()> {
        let text = self.whole_text(result, line);
        if !self.options.display.failed_on_stderr || self.stamp.is_some() {
            return self.line(&text, Some(ink));
        }
        let painted = if self.options.color { ink.paint(&text) } else { text };
        writeln!(self.err, "{painted}")
    }

    fn whole_text(&self, result: &TaskResult, line: &str) -> String {
        let fields = result_text::shown_fields(result, self.options.verbosity);
        let spread = result_text::always_verbose(result) || self.options.verbosity > 2;
        let text = result_text::as_json(&fields, self.options.display.pretty.unwrap_or(spread));
        format!("{line} => {text}")
    }

    fn ignoring(&mut self, result: &TaskResult) -> io::Result<()> {
        if result.ignored { self.line("...ignoring", Some(Ink::Skip)) } else { Ok(()) }
    }

    fn diff(&mut self, result: &TaskResult) -> io::Result<()> {
        let diff = result.result.get("diff").filter(|diff| diff.is_truthy());
        let text = match diff {
            Some(diff) if result.show_diff && result.status == Status::Changed => {
                diff_text(&result_text::masked(diff), self.options.color, self.options.display.diff_context)
            }
            _ => return Ok(()),
        };
        if text.is_empty() { Ok(()) } else { self.painted(&text) }
    }

    fn warnings(&mut self, result: &TaskResult) -> io::Result<()> {
        for (field, word) in [("warnings", "WARNING"), ("deprecations", "DEPRECATION WARNING")] {
            if field == "deprecations" && !self.options.display.deprecations {
                continue;
            }
            for text in result_text::texts(&result.result, field) {
                if field == "deprecations" {
                    self.once(DEPRECATIONS_OFF.to_owned())?;
                }
                self.once(format!("[{word}]: {}\n", text.trim_end()))?;
            }
        }
        Ok(())
    }

    fn once(&mut self, text: String) -> io::Result<()> {
        let text = visible(&text).into_owned();
        if self.stamp.is_some() {
            let ink = text.starts_with("[WARNING]").then_some(Ink::Warning);
            return if self.said.insert(text.clone()) { self.logged(&text, ink) } else { Ok(()) };
        }
        let painted = if self.options.color { Ink::Warning.paint(&text) } else { text.clone() };
        if self.said.insert(text) { self.err.write_all(painted.as_bytes()) } else { Ok(()) }
    }

    /// The cause of a failure, with the task's lines and those of every finding; the same cause on further hosts is not repeated.
    fn error(&mut self, result: &TaskResult) -> io::Result<()> {
        let text = error_text(result);
        if !self.said.insert(text.clone()) {
            return Ok(());
        }
        self.line(&text, Some(Ink::Error))
    }

    fn finding(&mut self, found: &Diagnostic) -> io::Result<()> {
        if found.severity == Severity::Deprecation {
            if !self.options.display.deprecations {
                return Ok(());
            }
            self.once(DEPRECATIONS_OFF.to_owned())?;
        }
        let drawn = finding_text(found);
        match (self.said.insert(drawn.clone()), &self.stamp) {
            (false, _) => Ok(()),
            (true, None) => writeln!(self.err, "{drawn}"),
            (true, Some(_)) => {
                let ink = match found.severity {
                    Severity::Error => Some(Ink::Error),
                    Severity::Warning => Some(Ink::Warning),
                    Severity::Deprecation => None,
                };
                self.logged(&drawn, ink)
            }
        }
    }
}

/// What goes before the first warning of something that Ansible will take away.
const DEPRECATIONS_OFF: &str = "[WARNING]: Deprecation warnings can be disabled by setting `deprecation_warnings=False` in ansible.cfg.\n";

/// A finding outside any task in Ansible's form.
fn finding_text(found: &Diagnostic) -> String {
    let level = match found.severity {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
        Severity::Deprecation => "DEPRECATION WARNING",
    };
    let mut text = format!("[{level}]: {}\n", found.title);
    for label in &found.labels {
        text.push_str(&excerpt(&label.place));
        if !label.text.is_empty() {
            text.push_str(&format!("{}\n", label.text));
        }
    }
    found.notes.iter().for_each(|note| text.push_str(&format!("note: {note}\n")));
    append_helps(&mut text, std::slice::from_ref(found));
    if text.matches('\n').count() > 1 { text } else { text.trim_end().to_owned() }
}

fn error_text(result: &TaskResult) -> String {
    let mut text = format!("[ERROR]: {}\n", brief(result));
    let task = result.task.place.as_ref();
    // Under `no_log` only the task's own lines are shown, which hold what the user wrote, not what it became.
    let findings: &[Diagnostic] = if result.censored { &[] } else { &result.findings };
    if findings.iter().all(|found| found.place().is_none()) {
        if let Some(place) = task {
            text.push_str(&excerpt(place));
        }
        append_helps(&mut text, findings);
        // An empty line sets off what is longer than one line.
        return if text.matches('\n').count() > 1 { text + "\n" } else { text };
    }
    if let Some(place) = task {
        text.push_str(&format!("\nTask failed.\n{}\n<<< caused by >>>\n", excerpt(place)));
    }
    for found in findings {
        let (title, cause) = plugin_failure(&found.title);
        text.push_str(&format!("\n{title}\n"));
        if let Some(place) = found.place() {
            text.push_str(&excerpt(place));
        }
        if let Some(cause) = cause {
            text.push_str(&format!("\n<<< caused by >>>\n\n{cause}\n"));
        }
    }
    append_helps(&mut text, findings);
    text + "\n"
}

/// A plugin's failure and its cause, which Ansible tells one after the other.
fn plugin_failure(title: &str) -> (String, Option<&str>) {
    match title.split_once("' failed: ") {
        Some((plugin, cause)) if plugin.starts_with("The ") && plugin.contains(" plugin '") => {
            (format!("{plugin}' failed."), Some(cause))
        }
        _ => (title.to_owned(), None),
    }
}

fn append_helps(text: &mut String, findings: &[Diagnostic]) {
    for help in findings.iter().flat_map(|found| &found.helps) {
        text.push_str(&format!("\nhelp: {help}\n"));
    }
}

/// One line on what failed: `Task failed: Module failed: no such file`.
fn brief(result: &TaskResult) -> String {
    let msg = result.result.get("msg").map(|msg| python::str(&result_text::masked(msg))).unwrap_or_default();
    if msg.starts_with("Task failed") || result.status == Status::Unreachable && !msg.is_empty() {
        return if msg.starts_with("Task failed") { msg } else { format!("Task failed: {msg}") };
    }
    let on_controller = matches!(
        result_text::short_action(&result.task.action),
        "add_host"
            | "assert"
            | "debug"
            | "fail"
            | "group_by"
            | "include_vars"
            | "pause"
            | "set_fact"
            | "set_stats"
            | "validate_argument_spec"
            | "wait_for_connection"
    );
    match result.blame {
        Blame::Outside => return msg,
        Blame::Raised => return format!("Task failed: {msg}"),
        Blame::Told | Blame::Judged | Blame::Include => {}
    }
    let what = if on_controller || result.blame == Blame::Judged { "Action failed" } else { "Module failed" };
    if msg.is_empty() { format!("Task failed: {what}.") } else { format!("Task failed: {what}: {msg}") }
}

fn word(status: Status) -> (&'static str, Ink) {
    match status {
        Status::Changed => ("changed", Ink::Changed),
        _ => ("ok", Ink::Ok),
    }
}

/// `host`, or `host -> other` where the task was delegated.
fn host_label(result: &TaskResult) -> String {
    match &result.delegated_to {
        Some(other) if *other != result.host => format!("{} -> {other}", result.host),
        _ => result.host.to_string(),
    }
}

fn item_label(result: &TaskResult) -> String {
    match &result.item {
        _ if result.censored => "(censored due to no_log)".to_owned(),
        Some(Item { label, .. }) => python::str(&result_text::masked(label)),
        None => "None".to_owned(),
    }
}

fn is_include(task: &TaskHead) -> bool {
    matches!(result_text::short_action(&task.action), "include_tasks" | "include_role")
}

/// A file's path from the root; the name of a role as it is.
fn absolute_file(file: &str) -> String {
    if file.contains(['/', '.']) { absolute(file) } else { file.to_owned() }
}

#[cfg(test)]
mod tests;
