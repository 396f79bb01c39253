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

/// The name that stands for the file of a play that is not in a file.
const PLAY: &str = "<ad hoc>";

/// Modules that do nothing without arguments.
const NEED_ARGS: [&str; 4] = ["command", "shell", "raw", "script"];

/// Run one module on some hosts.
#[derive(Debug, Args)]
#[command(infer_long_args = true, args_override_self = true)]
pub(crate) struct AdHocArgs {
    /// The hosts: a pattern.
    #[arg(value_name = "PATTERN")]
    pattern: String,
    /// The module.
    #[arg(short, long = "module-name", value_name = "MODULE", default_value = "command")]
    module: String,
    /// Its arguments: `key=value`, free text, or JSON in braces.
    #[arg(short, long = "args", value_name = "ARGS", default_value = "", allow_hyphen_values = true)]
    args: String,
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
    #[arg(long, value_name = "DIR", default_value = ".")]
    playbook_dir: PathBuf,
    #[command(flatten)]
    run: RunFlags,
}

/// Runs `taskbox run`.
///
/// # Errors
/// Flags that cannot be used; the run's own errors are events.
pub(crate) fn run(args: &AdHocArgs) -> Result<ExitCode, FlagError> {
    let module = playbook::short_name(&args.module);
    if !args.run.list_hosts && args.args.trim().is_empty() && NEED_ARGS.contains(&module) {
        let error = Diagnostic::error(format!("no argument passed to the module `{}`", args.module));
        return Err(FlagError::option(
            error.help("give it with `-a`; to run a playbook, use `taskbox playbook`"),
        ));
    }
    let mut options = args.run.options(!args.run.list_hosts)?;
    let hosts = hosts(args, &options)?;
    if args.run.list_hosts {
        anstream::println!("  hosts ({}):", hosts.len());
        hosts.iter().for_each(|host| anstream::println!("    {host}"));
        return Ok(ExitCode::SUCCESS);
    }
    if hosts.is_empty() {
        report_all(&[Diagnostic::warning("no hosts matched, nothing to do")]);
        return Ok(ExitCode::SUCCESS);
    }
    let path = args.playbook_dir.join(PLAY);
    options.stand_ins.push((path.clone(), Source::new(PLAY, play(args))));
    options.playbooks.push(path);
    let screen =
        output::ad_hoc_screen(&args.run, args.one_line).map_err(|error| FlagError::from_error(&error))?;
    Ok(session::run(options, screen))
}

fn hosts(args: &AdHocArgs, options: &RunOptions) -> Result<Vec<inventory::HostName>, FlagError> {
    let select = |pattern: Result<Pattern, _>| {
        pattern
            .and_then(|pattern| pattern.select(&options.inventory))
            .map_err(|error| FlagError::error(error.diagnostic(None)))
    };
    let chosen = select(Pattern::parse(&args.pattern))?;
    match &args.run.hosts.limit {
        Some(limit) => Ok(chosen.limited_to(&select(Pattern::parse_limit(limit))?).hosts),
        None => Ok(chosen.hosts),
    }
}

/// The play of one task, as the text of a playbook.
fn play(args: &AdHocArgs) -> String {
    let json = args.args.trim_start().starts_with('{').then(|| json::parse(&args.args).ok()).flatten();
    let mut task =
        Map::from([(args.module.as_str(), json.unwrap_or_else(|| Value::from(args.args.as_str())))]);
    if let Some(seconds) = args.seconds {
        task.insert("async", seconds);
        task.insert("poll", args.poll.unwrap_or(15));
    }
    let play = Map::from([
        ("name", Value::from("Ansible Ad-Hoc")),
        ("hosts", args.pattern.as_str().into()),
        ("gather_facts", false.into()),
        ("tasks", vec![Value::from(task)].into()),
    ]);
    yaml::dump(
        &Value::from(vec![Value::from(play)]),
        &DumpStyle { sort_keys: false, width: -1, ..DumpStyle::nice() },
    )
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
        play(&Line::parse_from(std::iter::once(&"run").chain(words)).args)
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
