//! `taskbox verify`: runs the role `verify` and shows what it found.

mod args;
mod report;

use std::io;
use std::process::ExitCode;

use data::{Diagnose, Diagnostic, Map, Value};
use runner::{Event, RunOptions};

pub(crate) use args::VerifyArgs;
use args::VerifyPart;
pub(crate) use report::Report;

use crate::cluster::Cluster;
use crate::output::{AnsibleText, Fan, TextOptions};
use crate::{diagnostics, engine_run};

/// Exit code when something is wrong: that of a failed host.
const WRONG: u8 = 2;

/// Verifies.
///
/// # Errors
/// What stops it before the hosts are looked at, or a run without a report.
pub(crate) fn run(args: &VerifyArgs) -> Result<ExitCode, Box<dyn Diagnose>> {
    let Some(cluster) = Cluster::existing(&args.cluster)? else { return Ok(ExitCode::FAILURE) };
    let report = look(&cluster, args.verbose, Depth::Probing)?;
    let report = match args.part {
        None => report,
        Some(VerifyPart::Member { .. }) => {
            report.only(|check| check == "etcd members" || check == "etcd member")
        }
        Some(VerifyPart::ClusterHealth) => report.only(|check| check.starts_with("etcd")),
    };
    if args.json {
        anstream::println!("{:#}", report.json());
    } else {
        anstream::print!("{}", report.table());
    }
    Ok(if report.is_fine() { ExitCode::SUCCESS } else { ExitCode::from(WRONG) })
}

/// How deep it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Only looks.
    Looking,
    /// Starts pods of its own for a moment, too: whether names are found from them, and whether a claim is bound.
    Probing,
}

/// Runs the role; its own failure is silenced, because the report says the same better.
///
/// # Errors
/// A run without a report.
pub(crate) fn look(cluster: &Cluster, verbosity: u8, depth: Depth) -> Result<Report, Box<dyn Diagnose>> {
    let extra_vars = Map::from([("verify_probes", Value::from(depth == Depth::Probing))]);
    let options = RunOptions { verbosity, extra_vars, ..cluster.run_options("verify.yml") };
    crate::interrupt::listen(&options.interrupt);
    let mut errors = Vec::new();
    let mut screen = Fan::default();
    if verbosity > 0 {
        let text = TextOptions { columns: 100, ..TextOptions::of_stdout(verbosity) };
        screen.add(AnsibleText::new(Box::new(io::stderr()), Box::new(io::stderr()), text));
    }
    let outcome = engine_run::run(options, &mut screen, |event| {
        if let Event::Error(error) = event {
            errors.push(error.clone());
        }
    });
    let published = outcome.stats.custom.get(&None).and_then(|values| values.get("verify"));
    published.and_then(Report::read).ok_or_else(|| {
        diagnostics::report_all(&errors);
        let lost = Diagnostic::error("the hosts were looked at, but there is no report");
        Box::new(lost.help("run it again with -v to see what each task said")) as Box<dyn Diagnose>
    })
}
