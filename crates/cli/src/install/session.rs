//! One call of `./install.sh`, `./add-nodes.sh` or `./uninstall.sh`, from its words to its exit code.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use data::{Diagnose, Diagnostic};
use runner::RunOptions;

use super::args::{InstallArgs, Job, Mode};
use super::console::Console;
use super::{RunLog, Summary, all_in_one, menu, now, offline};
use crate::cluster::{Cluster, Target};
use crate::diagnostics;
use crate::engine_run;
use crate::output::{AnsibleText, Fan, JsonLines, TextOptions};

/// Does the job, or says what it would change.
///
/// # Errors
/// What stops it before the first host is contacted.
pub(crate) fn run(args: &InstallArgs, job: Job) -> Result<ExitCode, Box<dyn Diagnose>> {
    let asks = io::stdin().is_terminal() && !args.yes;
    let mode =
        if job == Job::Install { mode(args, asks)? } else { Some(args.mode.unwrap_or(Mode::MultiNode)) };
    let Some(mode) = mode else { return Ok(ExitCode::SUCCESS) };
    let cluster = open(args, mode, asks)?;
    diagnostics::report_all(&cluster.warnings());
    let mistakes = cluster.mistakes();
    if !mistakes.is_empty() {
        diagnostics::report_all(&mistakes);
        anstream::eprintln!("{}: nothing was changed, no host was contacted", counted(mistakes.len()));
        return Ok(ExitCode::FAILURE);
    }
    if !confirmed(args, job, asks)? {
        return Ok(ExitCode::SUCCESS);
    }
    perform(args, job, &cluster)
}

fn counted(mistakes: usize) -> String {
    if mistakes == 1 { "1 mistake".to_owned() } else { format!("{mistakes} mistakes") }
}

/// The mode given, or chosen from the menu when a person is there; `None` is "Quit".
fn mode(args: &InstallArgs, asks: bool) -> Result<Option<Mode>, Box<dyn Diagnose>> {
    let named_hosts = args.cluster.lab.is_some() || args.cluster.conf.is_some();
    match args.mode {
        Some(mode) => Ok(Some(mode)),
        None if named_hosts || !asks => Ok(Some(Mode::MultiNode)),
        None => menu::choose_mode(&mut io::stdin().lock(), &mut anstream::stdout()).map_err(no_terminal),
    }
}

fn no_terminal(error: io::Error) -> Box<dyn Diagnose> {
    Box::new(Diagnostic::error(format!("cannot ask: {error}")).help("give the mode and `--yes`"))
}

fn open(args: &InstallArgs, mode: Mode, asks: bool) -> Result<Cluster, Box<dyn Diagnose>> {
    let home = args.cluster.home.as_deref();
    match (&args.cluster.lab, mode) {
        (Some(lab), _) => Cluster::open(home, &Target::Lab(lab.clone())),
        (None, Mode::MultiNode) => Cluster::open(home, &Target::Conf(args.cluster.conf.clone())),
        (None, Mode::AllInOne) => {
            let home = Cluster::open(home, &Target::Conf(None))?.home;
            let folder = all_in_one::folder(&home, asks)?;
            Cluster::read(home, folder)
        }
    }
}

fn confirmed(args: &InstallArgs, job: Job, asks: bool) -> Result<bool, Box<dyn Diagnose>> {
    if args.yes || args.check || job == Job::AddNodes {
        return Ok(true);
    }
    if !asks {
        let nobody = Diagnostic::error(match job {
            Job::Uninstall { .. } => {
                "nobody is there to answer whether the cluster may be taken off its hosts"
            }
            _ => "nobody is there to answer whether the requirements are met",
        });
        return Err(Box::new(nobody.help("add `--yes`")));
    }
    let (mut input, mut output) = (io::stdin().lock(), anstream::stdout());
    let answer = match job {
        Job::Uninstall { data } => {
            let also = if data { ", with etcd's data, images and volumes" } else { "" };
            let question = format!("Take the cluster off all hosts{also}? It cannot be undone.  (yes/no) ");
            menu::confirm(&mut input, &mut output, &question)
        }
        _ => menu::confirm_prerequisites(&mut input, &mut output),
    };
    answer.map_err(no_terminal)
}

fn perform(args: &InstallArgs, job: Job, cluster: &Cluster) -> Result<ExitCode, Box<dyn Diagnose>> {
    let log = open_log(&cluster.home, if args.check { "Check" } else { job.log_name() })?;
    let mut options = options(args, job, cluster)?;
    crate::interrupt::listen(&options.interrupt);
    offline::install_from(args.bundle.as_deref(), cluster, &mut options)?;
    if let Job::Uninstall { data } = job {
        options.extra_vars.insert("uninstall_data", data);
    }
    let mut sinks = outputs(args, &log)?;
    let mut summary = Summary::default();
    let outcome = engine_run::run(options, &mut sinks, |event| summary.event(event));
    let path = log.path.display();
    if outcome.exit_code == runner::ExitCode::Ok {
        let title = if args.check { "Checked, nothing was changed," } else { job.done() };
        let placements = if matches!(job, Job::Uninstall { .. }) { Vec::new() } else { cluster.placements() };
        anstream::println!("{}", summary.success(title, &placements, &next(args, job, cluster)));
        if let Some(console) = Console::published(&outcome.stats, &cluster.folder) {
            anstream::println!("{}", console.text());
        }
        anstream::println!("Log: {path}");
    } else {
        let help =
            format!("mend it and run the same command again, it goes on where it stopped; the log is {path}");
        anstream::eprint!("\n{}", summary.failure(&help));
    }
    Ok(ExitCode::from(outcome.exit_code as u8))
}

fn open_log(home: &Path, what: &str) -> Result<RunLog, Box<dyn Diagnose>> {
    RunLog::create(home, what, &now()).map_err(|error| {
        let failed =
            Diagnostic::error(format!("cannot write a log below `{}`: {error}", home.join("logs").display()));
        Box::new(failed.help("run it as a user who may write there")) as Box<dyn Diagnose>
    })
}

fn options(args: &InstallArgs, job: Job, cluster: &Cluster) -> Result<RunOptions, Box<dyn Diagnose>> {
    let options = cluster.run_options(job.playbook());
    let extra_vars =
        args.extra_vars.load(&options.reader).map_err(|error| Box::new(error) as Box<dyn Diagnose>)?;
    Ok(RunOptions {
        extra_vars,
        limit: args.limit.clone(),
        tags: args.tags.clone(),
        skip_tags: args.skip_tags.clone(),
        check: args.check,
        diff: args.diff,
        forks: args.forks,
        verbosity: args.verbose,
        ..options
    })
}

/// The screen, the log's text without colors, and its JSON lines.
fn outputs(args: &InstallArgs, log: &RunLog) -> Result<Fan, Box<dyn Diagnose>> {
    let again = |file: &std::fs::File| {
        file.try_clone().map_err(|error| {
            Box::new(Diagnostic::error(format!("cannot write the log: {error}"))) as Box<dyn Diagnose>
        })
    };
    let on_screen = TextOptions::of_stdout(args.verbose);
    let in_log = TextOptions { color: false, ..on_screen };
    let mut fan = Fan::default();
    fan.add(AnsibleText::new(Box::new(io::stdout()), Box::new(io::stderr()), on_screen));
    fan.add(AnsibleText::new(Box::new(again(&log.text)?), Box::new(again(&log.text)?), in_log));
    fan.add(JsonLines::new(Box::new(again(&log.events)?)));
    Ok(fan)
}

fn next(args: &InstallArgs, job: Job, cluster: &Cluster) -> Vec<String> {
    if args.check {
        return vec!["the same command without --check".to_owned()];
    }
    if let Job::Uninstall { data } = job {
        let kept =
            "etcd's data and backups, images and volumes are still on the hosts; --data takes them too";
        return if data { Vec::new() } else { vec![kept.to_owned()] };
    }
    let binary = std::env::args().next().unwrap_or_else(|| "taskbox".to_owned());
    let here = std::env::current_dir().unwrap_or_default();
    let near = |path: &Path| path.strip_prefix(&here).unwrap_or(path).display().to_string();
    let binary = near(Path::new(&binary));
    let hosts = match &args.cluster.lab {
        Some(name) if name == "default" => " --lab".to_owned(),
        Some(name) => format!(" --lab={name}"),
        None => format!(" --conf {}", near(&cluster.folder)),
    };
    vec![
        format!("{binary} verify{hosts}    looks at everything again"),
        format!("keep {} safe: it holds the certificate authorities", near(&cluster.folder.join("pki"))),
    ]
}
