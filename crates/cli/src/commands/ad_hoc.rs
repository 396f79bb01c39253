//! `taskbox run`: one module on some hosts, as `ansible PATTERN -m MODULE -a ARGS` does.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use data::yaml::{self, DumpStyle};
use data::{Diagnostic, Map, Source, Value, json};
use inventory::Pattern;
use runner::RunOptions;

use super::session;
use crate::diagnostics::report_all;
use crate::flags::{FlagError, RunFlags};
use crate::output;
use crate::settings::Settings;

/// The name that stands for the file of a play that is not in a file.
const PLAY: &str = "<ad hoc>";

/// Modules that do nothing without arguments.
const NEED_ARGS: [&str; 4] = ["command", "shell", "raw", "script"];

/// Actions that make sense in a playbook only.
const NOT_AD_HOC: [&str; 4] = ["import_playbook", "import_tasks", "include_tasks", "import_role"];

/// Run one module on some hosts.
#[derive(Debug, Args)]
#[command(infer_long_args = true, args_override_self = true)]
pub(crate) struct AdHocArgs {
    /// The hosts: a pattern.
    #[arg(value_name = "PATTERN")]
    pattern: String,
    /// The module.
    #[arg(short, long = "module-name", value_name = "MODULE")]
    module: Option<String>,
    /// Its arguments: `key=value`, free text, or JSON in braces.
    #[arg(short, long = "args", value_name = "ARGS", allow_hyphen_values = true)]
    args: Option<String>,
    /// Run in the background, for at most this many seconds.
    #[arg(short = 'B', long = "background", value_name = "SECONDS")]
    seconds: Option<u64>,
    /// How often to look at what runs in the background.
    #[arg(short = 'P', long = "poll", value_name = "SECONDS", requires = "seconds")]
    poll: Option<u64>,
    /// Each host's result on one line.
    #[arg(short, long)]
    one_line: bool,
    /// The folder where relative paths start; also where group_vars and host_vars are looked for.
    #[arg(long, value_name = "DIR")]
    playbook_dir: Option<PathBuf>,
    /// Seconds that the task may take.
    #[arg(long, value_name = "SECONDS")]
    task_timeout: Option<u64>,
    /// Also write each host's result into a file in this folder.
    #[arg(short, long, value_name = "DIR")]
    tree: Option<PathBuf>,
    #[command(flatten)]
    run: RunFlags,
}

/// Runs `taskbox run`.
///
/// # Errors
/// Flags that cannot be used; the run's own errors are events.
pub(crate) fn run(args: &AdHocArgs, settings: &Settings) -> Result<ExitCode, FlagError> {
    let work = Work::new(args, settings);
    let short = playbook::short_name(&work.module);
    if !args.run.list_hosts && work.args.trim().is_empty() && NEED_ARGS.contains(&short) {
        let error = Diagnostic::error(format!("No argument passed to {} module", work.module));
        return Err(FlagError::option(
            error.help("give it with `-a`; to run a playbook, use `taskbox playbook`"),
        ));
    }
    if NOT_AD_HOC.contains(&short) {
        let error = Diagnostic::error(format!("'{}' is not a valid action for ad-hoc commands", work.module));
        return Err(FlagError::option(error));
    }
    let mut options = args.run.options(!args.run.list_hosts, Some(&args.pattern), settings)?;
    let hosts = hosts(args, &options)?;
    if args.run.list_hosts {
        if hosts.is_empty() {
            report_all(&[Diagnostic::warning("No hosts matched, nothing to do")]);
        }
        anstream::println!("  hosts ({}):", hosts.len());
        hosts.iter().for_each(|host| anstream::println!("    {host}"));
        return Ok(ExitCode::SUCCESS);
    }
    if hosts.is_empty() {
        report_all(&[Diagnostic::warning("No hosts matched, nothing to do")]);
        return Ok(ExitCode::SUCCESS);
    }
    if options.verbosity > 0 {
        if options.verbosity > 1 {
            anstream::println!("ansible {}", crate::called_as::version());
        }
        anstream::println!("{}", super::config::config_line(settings.file.as_ref()));
    }
    let folder = args.playbook_dir.clone().or_else(|| settings.path("PLAYBOOK_DIR"));
    let path = folder.unwrap_or_else(|| ".".into()).join(PLAY);
    options.stand_ins.push((path.clone(), Source::new(PLAY, work.play(args))));
    options.playbooks.push(path);
    let screen = output::ad_hoc_screen(&args.run, settings, args.one_line, args.tree.as_deref());
    Ok(session::run(options, screen.map_err(|error| FlagError::from_error(&error))?))
}

fn hosts(args: &AdHocArgs, options: &RunOptions) -> Result<Vec<inventory::HostName>, FlagError> {
    let select = |pattern: Result<Pattern, _>| {
        pattern
            .and_then(|pattern| pattern.select(&options.inventory))
            .map_err(|error| FlagError::error(error.diagnostic(None)))
    };
    let chosen = select(Pattern::parse(&args.pattern))?;
    let ignoring = |part: &String| {
        Diagnostic::warning(format!("Could not match supplied host pattern, ignoring: {part}"))
    };
    report_all(&chosen.unmatched.iter().map(ignoring).collect::<Vec<_>>());
    match &args.run.hosts.limit {
        Some(limit) => Ok(chosen.limited_to(&select(Pattern::parse_limit(limit))?).hosts),
        None => Ok(chosen.hosts),
    }
}

/// The module and its arguments, from the flags or the settings.
struct Work {
    module: String,
    args: String,
    poll: i64,
}

impl Work {
    fn new(args: &AdHocArgs, settings: &Settings) -> Self {
        let module = args.module.clone().or_else(|| settings.text("DEFAULT_MODULE_NAME"));
        Self {
            module: module.unwrap_or_else(|| "command".to_owned()),
            args: args.args.clone().or_else(|| settings.text("DEFAULT_MODULE_ARGS")).unwrap_or_default(),
            poll: settings.number("DEFAULT_POLL_INTERVAL").unwrap_or(15),
        }
    }

    /// The play of one task, as the text of a playbook.
    fn play(&self, flags: &AdHocArgs) -> String {
        let json = self.args.trim_start().starts_with('{').then(|| json::parse(&self.args).ok()).flatten();
        let args = json.unwrap_or_else(|| Value::from(self.args.as_str()));
        let mut task = Map::from([(self.module.as_str(), args)]);
        if let Some(seconds) = flags.seconds {
            task.insert("async", seconds);
            task.insert("poll", flags.poll.map_or_else(|| Value::from(self.poll), Value::from));
        }
        if let Some(seconds) = flags.task_timeout {
            task.insert("timeout", seconds);
        }
        let play = Map::from([
            ("name", Value::from("Ansible Ad-Hoc")),
            ("hosts", flags.pattern.as_str().into()),
            ("gather_facts", false.into()),
            ("tasks", vec![Value::from(task)].into()),
        ]);
        yaml::dump(
            &Value::from(vec![Value::from(play)]),
            &DumpStyle { sort_keys: false, width: -1, ..DumpStyle::nice() },
        )
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: AdHocArgs,
    }

    fn written(words: &[&str]) -> String {
        let args = Line::parse_from(std::iter::once(&"run").chain(words)).args;
        Work::new(&args, &Settings::default()).play(&args)
    }

    #[test]
    fn the_play_holds_the_words_as_they_were_given() {
        let text = written(&["web", "-a", "echo '{{ x }}: #1'", "-B", "60"]);
        let node = yaml::load(&Source::new(PLAY, text)).unwrap().node.unwrap();
        let task = node.as_seq().unwrap()[0].get("tasks").unwrap().as_seq().unwrap()[0].clone();
        assert_eq!(task.get("command").unwrap().as_str(), Some("echo '{{ x }}: #1'"));
        assert_eq!(task.get("poll").unwrap().to_value(), Value::from(15));
    }

    #[test]
    fn arguments_may_be_json() {
        assert!(
            written(&["all", "-m", "copy", "-a", "{\"dest\": \"/x\"}"])
                .contains("copy:\n            dest: /x\n")
        );
    }
}
