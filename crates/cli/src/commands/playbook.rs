//! `taskbox playbook`: what `ansible-playbook` does.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use data::{Diagnostic, python};
use runner::{PlayPlan, PlaybookPlan, Runner};

use super::session;
use crate::diagnostics::report_all;
use crate::flags::{FlagError, RunFlags, words};
use crate::output;
use crate::settings::Settings;

/// Run playbooks.
#[derive(Debug, Args)]
#[command(infer_long_args = true, args_override_self = true)]
pub(crate) struct PlaybookArgs {
    /// The playbooks, run one after the other.
    #[arg(required = true, value_name = "PLAYBOOK")]
    playbooks: Vec<PathBuf>,
    /// Only plays and tasks with one of these tags.
    #[arg(short, long, value_name = "TAGS")]
    tags: Vec<String>,
    /// No plays and tasks with one of these tags.
    #[arg(long, value_name = "TAGS")]
    skip_tags: Vec<String>,
    /// Begin at the task with this name.
    #[arg(long, value_name = "NAME")]
    start_at_task: Option<String>,
    /// Ask before each task.
    #[arg(long)]
    step: bool,
    /// Read and check the files, run nothing.
    #[arg(long)]
    syntax_check: bool,
    /// List the tasks, run nothing.
    #[arg(long)]
    list_tasks: bool,
    /// List the tags, run nothing.
    #[arg(long)]
    list_tags: bool,
    #[command(flatten)]
    run: RunFlags,
}

impl PlaybookArgs {
    fn only_looks(&self) -> bool {
        self.syntax_check || self.list_tasks || self.list_tags || self.run.list_hosts
    }

    /// Every tag, `never` included, when tags are to be listed and none was chosen.
    fn tags(&self, settings: &Settings) -> Vec<String> {
        let tags = if self.tags.is_empty() { settings.list("TAGS_RUN") } else { words(&self.tags) };
        if self.list_tags && tags.is_empty() && self.skip_tags.is_empty() {
            return vec!["never".to_owned(), "all".to_owned()];
        }
        tags
    }
}

/// Runs `taskbox playbook`.
///
/// # Errors
/// Flags that cannot be used; the run's own errors are events.
pub(crate) fn run(args: &PlaybookArgs, settings: &Settings) -> Result<ExitCode, FlagError> {
    for playbook in &args.playbooks {
        if !playbook.exists() {
            return Err(FlagError::error(Diagnostic::error(format!(
                "the playbook: {} could not be found",
                playbook.display()
            ))));
        }
    }
    let mut options = args.run.options(!args.only_looks(), None, settings)?;
    options.playbooks.clone_from(&args.playbooks);
    options.tags = args.tags(settings);
    let skipped = &args.skip_tags;
    options.skip_tags = if skipped.is_empty() { settings.list("TAGS_SKIP") } else { words(skipped) };
    options.start_at_task.clone_from(&args.start_at_task);
    options.step = args.step;
    if args.only_looks() {
        return Ok(look(args, options));
    }
    if options.verbosity > 0 {
        if options.verbosity > 1 {
            anstream::println!("ansible-playbook {}", crate::called_as::version());
        }
        anstream::println!("{}", super::config::config_line(settings.file.as_ref()));
    }
    let screen = output::screen(&args.run, settings).map_err(|error| FlagError::from_error(&error))?;
    Ok(session::run(options, screen))
}

fn look(args: &PlaybookArgs, options: runner::RunOptions) -> ExitCode {
    match Runner::plan(options, &mut |warning| report_all(&[warning])) {
        Ok(plans) => {
            plans.iter().for_each(|plan| anstream::print!("{}", listing(plan, args)));
            ExitCode::SUCCESS
        }
        Err(failure) => {
            report_all(&failure.findings);
            ExitCode::from(failure.exit_code as u8)
        }
    }
}

/// A playbook as `--list-hosts`, `--list-tasks`, `--list-tags` and `--syntax-check` show it.
fn listing(plan: &PlaybookPlan, args: &PlaybookArgs) -> String {
    let mut text = format!("\nplaybook: {}\n", plan.path.display());
    if args.run.list_hosts || args.list_tasks || args.list_tags {
        for (index, play) in plan.plays.iter().enumerate() {
            text.push_str(&play_listing(index + 1, play, args));
        }
    }
    text
}

fn play_listing(number: usize, play: &PlayPlan, args: &PlaybookArgs) -> String {
    let tags = play.tags.join(",");
    let mut text =
        format!("\n  play #{number} ({}): {}\tTAGS: [{tags}]\n", play.patterns.join(","), play.name);
    if args.run.list_hosts {
        let patterns: Vec<String> = play.patterns.iter().map(|pattern| python::repr_str(pattern)).collect();
        text.push_str(&format!(
            "    pattern: [{}]\n    hosts ({}):\n",
            patterns.join(", "),
            play.hosts.len()
        ));
        play.hosts.iter().for_each(|host| text.push_str(&format!("      {host}\n")));
    }
    if args.list_tasks {
        text.push_str("    tasks:\n");
        for task in &play.tasks {
            text.push_str(&format!(
                "      {}\tTAGS: [{}]\n",
                task.name,
                sorted(play.tags.iter().chain(&task.tags))
            ));
        }
    }
    if args.list_tags {
        let own = play.tasks.iter().flat_map(|task| &task.tags);
        text.push_str(&format!("      TASK TAGS: [{}]\n", sorted(play.tags.iter().chain(own))));
    }
    text
}

fn sorted<'a>(tags: impl Iterator<Item = &'a String>) -> String {
    let tags: std::collections::BTreeSet<&str> = tags.map(String::as_str).collect();
    tags.into_iter().collect::<Vec<_>>().join(", ")
}
