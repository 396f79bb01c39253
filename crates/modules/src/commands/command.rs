//! `command`: runs a program, not through a shell. The run itself is shared with `shell` and `script`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use data::{Map, Value};
use jiff::{SignedDuration, Zoned};

use crate::coerce::expand_path;
use crate::process::{Command, Output};
use crate::{Arg, ArgType, Args, Context, Failure, ModuleSpec, Outcome, Rules, words};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "command",
    summary: "Execute commands on targets",
    args: &[
        Arg::str("_raw_params").help("The command as free text."),
        Arg::bool("_uses_shell")
            .default_bool(false)
            .help("Run it through a shell; set by the `shell` action."),
        Arg::str("cmd").help("The command."),
        Arg::list("argv", ArgType::Str)
            .help("The command as a list of words, nothing of which is split or quoted."),
        CHDIR,
        Arg::str("executable").help("The shell to use, where a shell is used."),
        Arg::bool("expand_argument_vars")
            .default_bool(true)
            .help("Replace `$NAME` in the words by the environment's value."),
        CREATES,
        REMOVES,
        STDIN,
        STDIN_NEWLINE,
        STRIP,
    ],
    rules: Rules {
        required_one_of: &[&["_raw_params", "cmd", "argv"]],
        mutually_exclusive: &[&["_raw_params", "cmd", "argv"]],
        ..Rules::NONE
    },
    free_form: Some("_raw_params"),
    run,
    ..ModuleSpec::DEFAULTS
};

pub(super) const CHDIR: Arg = Arg::path("chdir").help("The folder to run it in.");
pub(super) const CREATES: Arg =
    Arg::path("creates").help("A path or pattern; if something is there, nothing is run.");
pub(super) const REMOVES: Arg =
    Arg::path("removes").help("A path or pattern; if nothing is there, nothing is run.");
pub(super) const STDIN: Arg = Arg::str("stdin").help("Text for its standard input.");
pub(super) const STDIN_NEWLINE: Arg =
    Arg::bool("stdin_add_newline").default_bool(true).help("End that text with a newline.");
pub(super) const STRIP: Arg =
    Arg::bool("strip_empty_ends").default_bool(true).help("Strip empty lines from the ends of the outputs.");

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let text = args.opt_str("_raw_params").filter(|text| !text.is_empty()).or_else(|| args.opt_str("cmd"));
    if args.bool("_uses_shell") {
        return Call::shell(text.unwrap_or_default(), args, context).carry_out(args, context);
    }
    if let Some(executable) = args.opt_str("executable") {
        context.warn(format!(
            "As of Ansible 2.4, the parameter 'executable' is no longer supported with the 'command' module. Not using '{executable}'."
        ));
    }
    let list = match text {
        Some(text) => words::split(text)?,
        None => args.strings("argv").into_iter().map(str::to_string).collect(),
    };
    let Some((first, _)) = list.split_first() else {
        return Err(Failure::new("no command given").with("rc", 256).with("cmd", Value::from(Vec::new())));
    };
    let expand = |word: &String| {
        if args.bool("expand_argument_vars") {
            expand_path(word, &|name| context.variable(name))
        } else {
            word.clone()
        }
    };
    let command = Command::new(expand(first)).args(list[1..].iter().map(expand));
    let cmd = list.iter().map(|word| Value::from(word.as_str())).collect();
    Call { cmd, command }.carry_out(args, context)
}

/// A command ready to run, and how the result shows it.
pub(super) struct Call {
    /// The result's `cmd`.
    pub(super) cmd: Value,
    /// What is run.
    pub(super) command: Command,
}

impl Call {
    /// A line for a shell.
    pub(super) fn shell(line: &str, args: &Args, context: &Context) -> Self {
        let shell = args.opt_str("executable").unwrap_or(&context.shell);
        Self { cmd: Value::from(line), command: Command::shell(shell, line) }
    }

    /// Looks at `creates` and `removes`, runs, and reports as Ansible's `command` does.
    pub(super) fn carry_out(self, args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
        let Self { cmd, mut command } = self;
        if let Some(folder) = args.opt_path("chdir") {
            if std::fs::read_dir(&folder).is_err() && !folder.is_dir() {
                return Err(no_folder(&folder, cmd));
            }
            command = command.folder(folder);
        }
        if let Some(reason) = unneeded(args, context) {
            return Ok(fields(Outcome::unchanged(), cmd, reason.stdout, reason.msg));
        }
        if context.check {
            return Ok(would_run(args, cmd));
        }
        if let Some(text) = args.opt_str("stdin") {
            let end = if args.bool("stdin_add_newline") { "\n" } else { "" };
            command = command.input(format!("{text}{end}"));
        }
        let start = Zoned::now();
        let output = command.live().run(context)?;
        report(cmd, &output, &start, &Zoned::now(), args.bool("strip_empty_ends"))
    }
}

fn no_folder(folder: &Path, cmd: Value) -> Failure {
    let mut failure = Failure::new("Unable to change directory before execution.");
    for (key, value) in fields(Outcome::unchanged(), cmd, String::new(), String::new()).fields {
        if key.as_str() != Some("msg") {
            failure = failure.with(key, value);
        }
    }
    failure.with("rc", Value::Null).with("exception", format!("{} is not a folder", folder.display()))
}

struct Unneeded {
    stdout: String,
    msg: String,
}

/// Why nothing has to be run, if so.
fn unneeded(args: &Args, context: &Context) -> Option<Unneeded> {
    let would = if context.check { "Would" } else { "Did" };
    let there = |name: &str| args.opt_path(name).map(|path| (!glob_from(args, &path).is_empty(), path));
    if let Some((true, path)) = there("creates") {
        let path = path.display();
        return Some(Unneeded {
            stdout: format!("skipped, since {path} exists"),
            msg: format!("{would} not run command since '{path}' exists"),
        });
    }
    if let Some((false, path)) = there("removes") {
        let path = path.display();
        return Some(Unneeded {
            stdout: format!("skipped, since {path} does not exist"),
            msg: format!("{would} not run command since '{path}' does not exist"),
        });
    }
    None
}

/// Relative patterns count from `chdir`.
fn glob_from(args: &Args, pattern: &Path) -> Vec<PathBuf> {
    let base = args.opt_path("chdir").unwrap_or_default();
    data::glob(&base.join(pattern).to_string_lossy())
}

/// Check mode cannot tell what a command does, except by `creates` and `removes`.
fn would_run(args: &Args, cmd: Value) -> Outcome {
    let known = args.has("creates") || args.has("removes");
    let msg = "Command would have run if not in check mode".to_string();
    let outcome = fields(Outcome::new(known), cmd, String::new(), msg);
    Outcome { skipped: !known, ..outcome }
}

/// The fields that every result of `command` has.
fn fields(outcome: Outcome, cmd: Value, stdout: String, msg: String) -> Outcome {
    outcome
        .with("cmd", cmd)
        .with("rc", 0)
        .with("stdout", stdout)
        .with("stderr", "")
        .with("start", Value::Null)
        .with("end", Value::Null)
        .with("delta", Value::Null)
        .with("msg", msg)
}

fn report(cmd: Value, output: &Output, start: &Zoned, end: &Zoned, strip: bool) -> Result<Outcome, Failure> {
    let text = |mut text: String| {
        if strip {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        text
    };
    let took = end.timestamp().duration_since(start.timestamp());
    let outcome = Outcome::changed()
        .with("cmd", cmd)
        .with("rc", output.code)
        .with("stdout", text(output.stdout_text()))
        .with("stderr", text(output.stderr_text()))
        .with("start", moment(start))
        .with("end", moment(end))
        .with("delta", delta(took));
    if output.ok() {
        return Ok(outcome.with("msg", ""));
    }
    let fields: Map = outcome.fields;
    Err(Failure { fields, ..Failure::new("non-zero return code") }.with("changed", true))
}

/// `str(datetime)` of Python.
fn moment(time: &Zoned) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string()
}

/// `str(timedelta)` of Python.
fn delta(took: SignedDuration) -> String {
    let took = Duration::try_from(took).unwrap_or_default();
    let seconds = took.as_secs();
    let clock = format!(
        "{}:{:02}:{:02}.{:06}",
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        took.subsec_micros()
    );
    match seconds / 86400 {
        0 => clock,
        1 => format!("1 day, {clock}"),
        days => format!("{days} days, {clock}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RunRequest, run_local};

    fn call(module: &str, args: Map) -> Map {
        run_local(&RunRequest::new(module, args))
    }

    #[test]
    fn a_command_is_split_but_goes_through_no_shell() {
        let result = call("command", Map::from([("_raw_params", "echo 'a b' $NOTHING; x")]));
        assert_eq!(result.get_str("stdout"), Some("a b $NOTHING; x"));
        assert_eq!(result.get("changed"), Some(&Value::from(true)));
        assert_eq!(result.get("cmd").and_then(Value::as_list).map(|words| words.len()), Some(4));
    }

    #[test]
    fn a_shell_line_goes_through_one() {
        let result = call("shell", Map::from([("_raw_params", "echo a | tr a b; exit 3")]));
        assert_eq!((result.get_str("stdout"), result.get("rc")), (Some("b"), Some(&Value::from(3))));
        assert_eq!(result.get_str("msg"), Some("non-zero return code"));
        assert_eq!(result.get("failed"), Some(&Value::from(true)));
        assert_eq!(result.get("changed"), Some(&Value::from(true)));
    }

    #[test]
    fn creates_and_removes_spare_the_run() {
        let result = call("command", Map::from([("_raw_params", "false"), ("creates", "/etc/pass*")]));
        assert_eq!(result.get_str("msg"), Some("Did not run command since '/etc/pass*' exists"));
        assert_eq!(result.get("changed"), Some(&Value::from(false)));
        let result =
            call("command", Map::from([("_raw_params", "false"), ("removes", "no-such"), ("chdir", "/etc")]));
        assert_eq!(result.get_str("stdout"), Some("skipped, since no-such does not exist"));
    }

    #[test]
    fn check_mode_runs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("made");
        let args = Map::from([("_raw_params", format!("touch {}", file.display()))]);
        let result = run_local(&RunRequest { check: true, ..RunRequest::new("command", args) });
        assert_eq!(result.get("skipped"), Some(&Value::from(true)));
        assert!(!file.exists());
    }

    #[test]
    fn stdin_gets_its_newline_and_ends_are_stripped() {
        let args = Map::from([("_raw_params", "wc -l"), ("stdin", "a")]);
        assert_eq!(call("command", args).get_str("stdout"), Some("1"));
        let args =
            Map::from([("_raw_params", Value::from("echo")), ("strip_empty_ends", Value::from(false))]);
        assert_eq!(call("command", args).get_str("stdout"), Some("\n"));
    }

    #[test]
    fn a_folder_or_program_that_is_not_there_is_a_failure_of_its_own() {
        let result = call("command", Map::from([("_raw_params", "ls"), ("chdir", "/no/such")]));
        assert_eq!(result.get_str("msg"), Some("Unable to change directory before execution."));
        let result = call("command", Map::from([("_raw_params", "/no/such/program")]));
        assert_eq!(result.get("rc"), Some(&Value::from(2)));
        assert!(result.get_str("msg").unwrap().starts_with("Error executing command."));
    }

    #[test]
    fn times_are_written_as_python_writes_them() {
        assert_eq!(delta(SignedDuration::from_micros(1_500_000)), "0:00:01.500000");
        assert_eq!(delta(SignedDuration::from_secs(90_061)), "1 day, 1:01:01.000000");
    }
}
