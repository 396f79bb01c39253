//! Which sinks a run's flags ask for, on this process's own streams.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, LineWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use data::Diagnostic;
use data::fs::FsError;

use super::ansible_text::{AnsibleText, TextOptions};
use super::junit::Junit;
use super::retry_file::RetryFile;
use super::run_json::RunJson;
use super::timer::{ProfileOf, ProfileOptions, Profiler, Timer};
use super::{Fan, JsonLines, LogStamp, Minimal, Profile, Tree, banner};
use crate::diagnostics::report_all;
use crate::flags::RunFlags;
use crate::settings::Settings;

/// The screen of `taskbox playbook`.
///
/// # Errors
/// A file for events or the log cannot be made.
pub(crate) fn screen(flags: &RunFlags, settings: &Settings) -> Result<Fan, FsError> {
    let options = TextOptions::of_settings(flags.verbosity(settings), settings);
    let mut fan = shared(flags, settings)?;
    if !flags.json {
        let name = settings.text("DEFAULT_STDOUT_CALLBACK").unwrap_or_default();
        main_output(&mut fan, short(&name), options);
    }
    if flags.profile {
        fan.add(Profile::new(stdout(), banner::columns()));
    }
    for name in settings.list("CALLBACKS_ENABLED") {
        further_output(&mut fan, short(&name), options, settings);
    }
    if settings.flag("RETRY_FILES_ENABLED") {
        fan.add(RetryFile::new(stdout(), settings.path("RETRY_FILES_SAVE_PATH")));
    }
    Ok(fan)
}

/// The screen of `taskbox run`.
///
/// # Errors
/// A file for events or the log cannot be made.
pub(crate) fn ad_hoc_screen(
    flags: &RunFlags,
    settings: &Settings,
    one_line: bool,
    tree: Option<&Path>,
) -> Result<Fan, FsError> {
    let mut fan = shared(flags, settings)?;
    let options = TextOptions::of_settings(flags.verbosity(settings), settings);
    let callbacks = settings.flag("DEFAULT_LOAD_CALLBACK_PLUGINS");
    match settings.text("DEFAULT_STDOUT_CALLBACK").filter(|_| callbacks && !one_line) {
        _ if flags.json => {}
        Some(name) => main_output(&mut fan, short(&name), options),
        None => fan.add(Minimal::new(stdout(), stderr(), options, one_line)),
    }
    for name in settings.list("CALLBACKS_ENABLED").iter().filter(|_| callbacks) {
        further_output(&mut fan, short(name), options, settings);
    }
    if let Some(folder) = tree {
        fan.add(Tree::new(folder));
    }
    Ok(fan)
}

/// A name without its collection.
fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn main_output(fan: &mut Fan, name: &str, options: TextOptions) {
    match name {
        "minimal" => fan.add(Minimal::new(stdout(), stderr(), options, false)),
        "oneline" => fan.add(Minimal::new(stdout(), stderr(), options, true)),
        "json" => fan.add(RunJson::new(stdout(), options.display.custom_stats)),
        _ => {
            if name != "default" {
                let found =
                    Diagnostic::warning(format!("there is no output `{name}`; the default one is used"));
                report_all(&[found.help("`stdout_callback` is one of default, minimal, oneline, json")]);
            }
            fan.add(AnsibleText::new(stdout(), stderr(), options));
        }
    }
}

fn further_output(fan: &mut Fan, name: &str, options: TextOptions, settings: &Settings) {
    let profile = |of| {
        let limit = settings.text("profile_tasks_limit").filter(|_| of == ProfileOf::Tasks);
        let order = settings.text("profile_tasks_sort_order").filter(|_| of == ProfileOf::Tasks);
        ProfileOptions {
            of,
            limit: limit.and_then(|limit| limit.parse().ok()),
            descending: match order.as_deref() {
                Some("ascending") => Some(false),
                Some("none") => None,
                _ => Some(true),
            },
            verbosity: options.verbosity,
        }
    };
    match name {
        // These are the main output, if they are any.
        "" | "default" | "minimal" | "oneline" | "json" => {}
        "timer" => fan.add(Timer::new(stdout(), options.columns)),
        "profile_tasks" => fan.add(Profiler::new(stdout(), options.columns, profile(ProfileOf::Tasks))),
        "profile_roles" => fan.add(Profiler::new(stdout(), options.columns, profile(ProfileOf::Roles))),
        "junit" => fan.add(Junit::new(settings)),
        "tree" => fan.add(Tree::new(&settings.path("tree_directory").unwrap_or_else(|| "tree".into()))),
        _ => {
            let found = Diagnostic::warning(format!("there is no output `{name}`"));
            let known = "`callbacks_enabled` knows timer, profile_tasks, profile_roles, junit, tree";
            report_all(&[found.help(known)]);
        }
    }
}

fn shared(flags: &RunFlags, settings: &Settings) -> Result<Fan, FsError> {
    let mut fan = Fan::default();
    if flags.json {
        fan.add(JsonLines::new(stdout()));
    }
    if let Some(path) = &flags.events {
        fan.add(JsonLines::new(private_file(path, false)?));
    }
    if let Some(path) = settings.path("DEFAULT_LOG_PATH") {
        let verbosity = settings.number("LOG_VERBOSITY").and_then(|level| u8::try_from(level).ok());
        let verbosity = verbosity.unwrap_or_else(|| flags.verbosity(settings));
        let stamp = LogStamp::of_process();
        fan.add(AnsibleText::log(
            private_file(&path, true)?,
            stamp,
            TextOptions::of_settings(verbosity, settings),
        ));
    }
    Ok(fan)
}

/// Results may hold what is not for everybody, so only the owner can read the file.
fn private_file(path: &Path, append: bool) -> Result<Box<dyn Write>, FsError> {
    let mut open = OpenOptions::new();
    open.create(true).write(true).append(append).truncate(!append).mode(0o600);
    let file = open.open(path);
    let file = file.map_err(|error| FsError::Io { action: "write", path: path.to_owned(), error })?;
    Ok(match append {
        // Two writers share it, so that each line goes there at once.
        true => Box::new(LineWriter::new(file)),
        false => Box::new(BufWriter::new(file)),
    })
}

/// Each event is written as a whole and then flushed.
fn stdout() -> Box<dyn Write> {
    Box::new(BufWriter::new(io::stdout()))
}

fn stderr() -> Box<dyn Write> {
    Box::new(io::stderr())
}
