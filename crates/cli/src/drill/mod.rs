//! `taskbox drill`: stops each master in turn and measures how long the API behind the load balancer, and KubeSphere's console, do not
//! answer.

mod args;
mod probe;
mod table;

use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use data::{Diagnose, Diagnostic, Map, Value};
use runner::{RunOptions, Stats};

pub(crate) use args::DrillArgs;
use probe::{Endpoint, Probe};
use table::{Table, Turn};

use crate::cluster::Cluster;
use crate::lab::{Lab, LabSpec};
use crate::output::Fan;
use crate::{engine_run, install, verify};

/// Exit code when the aim was missed: that of a failed host.
const MISSED: u8 = 2;
/// How long the cluster may take to be well again after a master is back.
const RECOVERY: Duration = Duration::from_secs(300);

/// Drills.
///
/// # Errors
/// What stops it before the first master is stopped, or leaves a master stopped.
pub(crate) fn run(args: &DrillArgs) -> Result<ExitCode, Box<dyn Diagnose>> {
    let Some(cluster) = Cluster::existing(&args.cluster)? else { return Ok(ExitCode::FAILURE) };
    let mut drill = Drill {
        args,
        cluster: &cluster,
        api: Endpoint::of(&cluster)?,
        console: None,
        lab: lab(args, &cluster)?,
    };
    drill.console = drill.look_around()?;
    if !drill.confirmed()? {
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(args.aim, drill.console.is_some());
    for master in drill.masters() {
        table.add(drill.turn(&master)?);
    }
    anstream::print!("\n{}", table.text());
    Ok(if table.is_fine() { ExitCode::SUCCESS } else { ExitCode::from(MISSED) })
}

fn lab(args: &DrillArgs, cluster: &Cluster) -> Result<Option<Lab>, Box<dyn Diagnose>> {
    let find = |name: &String| LabSpec::named(name, &cluster.home).and_then(|spec| Lab::find(&spec));
    args.cluster.lab.as_ref().map(find).transpose().map_err(|error| Box::new(error) as Box<dyn Diagnose>)
}

struct Drill<'a> {
    args: &'a DrillArgs,
    cluster: &'a Cluster,
    api: Endpoint,
    /// KubeSphere's console, where it is installed.
    console: Option<Endpoint>,
    /// A lab's hosts have a power button; of real ones the services are stopped.
    lab: Option<Lab>,
}

impl Drill<'_> {
    fn masters(&self) -> Vec<String> {
        self.cluster.hosts("kube-master")
    }

    /// Refuses a cluster that is not well; else tells where its console is, if it has one.
    fn look_around(&self) -> Result<Option<Endpoint>, Box<dyn Diagnose>> {
        let report = verify::look(self.cluster, self.args.verbose, verify::Depth::Looking)?;
        if report.is_fine() && self.masters().len() > 1 {
            let url =
                |seen: &str| seen.split_whitespace().find(|word| word.starts_with("http")).map(str::to_owned);
            return Ok(report.detail("console").and_then(url).map(Endpoint::console));
        }
        if report.is_fine() {
            let alone = Diagnostic::error("there is one master only: stopping it stops the cluster");
            return Err(Box::new(alone.help("a drill is for three masters and more")));
        }
        anstream::eprint!("{}", report.table());
        let unwell = Diagnostic::error("the cluster is not well, a drill would make it worse");
        Err(Box::new(unwell.help("mend what is listed above, then drill")))
    }

    fn confirmed(&self) -> Result<bool, Box<dyn Diagnose>> {
        if self.args.yes {
            return Ok(true);
        }
        let question =
            format!("Stop and start {}, one after the other?  (yes/no) ", self.masters().join(", "));
        install::confirm(&mut io::stdin().lock(), &mut anstream::stdout(), &question).map_err(|error| {
            let nobody = Diagnostic::error(format!("cannot ask: {error}"));
            Box::new(nobody.help("add `--yes`")) as Box<dyn Diagnose>
        })
    }

    /// One master: write a key, stop it, look, start it, wait until all is well, read the key.
    fn turn(&self, master: &str) -> Result<Turn, Box<dyn Diagnose>> {
        let value = format!("{master}-{}", jiff::Timestamp::now().as_second());
        self.step("write", master, &value)?;
        let (api, console) = (Probe::start(&self.api), self.console.as_ref().map(Probe::start));
        let began = Instant::now();
        anstream::eprintln!("{master}: stopping");
        self.power(master, false)?;
        std::thread::sleep(Duration::from_secs(self.args.down));
        anstream::eprintln!("{master}: starting");
        let started = Instant::now();
        self.power(master, true)?;
        let well = self.wait_until_well()?;
        let recovery = started.elapsed();
        let (api, console) = (api.stop(), console.map(Probe::stop));
        let data = self.step("read", master, &value).is_ok();
        anstream::eprintln!("{master}: {} s altogether", began.elapsed().as_secs());
        Ok(Turn { master: master.to_owned(), api, console, recovery, well, data })
    }

    fn power(&self, master: &str, on: bool) -> Result<(), Box<dyn Diagnose>> {
        match &self.lab {
            Some(lab) if on => {
                lab.start(master).map(drop).map_err(|error| Box::new(error) as Box<dyn Diagnose>)
            }
            Some(lab) => lab.stop(master).map_err(|error| Box::new(error) as Box<dyn Diagnose>),
            None => self.step(if on { "start" } else { "stop" }, master, "").map(drop),
        }
    }

    fn wait_until_well(&self) -> Result<bool, Box<dyn Diagnose>> {
        let begin = Instant::now();
        loop {
            let report = verify::look(self.cluster, 0, verify::Depth::Looking)?;
            if report.is_fine() {
                return Ok(true);
            }
            if begin.elapsed() > RECOVERY {
                anstream::eprint!("{}", report.table());
                return Ok(false);
            }
            std::thread::sleep(Duration::from_secs(3));
        }
    }

    /// Runs a step of playbooks/drill.yml.
    fn step(&self, step: &str, master: &str, value: &str) -> Result<Stats, Box<dyn Diagnose>> {
        let options = RunOptions {
            extra_vars: Map::from([
                ("drill_step", Value::from(step)),
                ("drill_master", Value::from(master)),
                ("drill_value", Value::from(value)),
            ]),
            ..self.cluster.run_options("drill.yml")
        };
        let mut summary = install::Summary::default();
        let outcome = engine_run::run(options, &mut Fan::default(), |event| summary.event(event));
        if outcome.exit_code == runner::ExitCode::Ok {
            return Ok(outcome.stats);
        }
        let failed = Diagnostic::error(format!("the step `{step}` of the drill failed on `{master}`"));
        Err(Box::new(
            failed.note(summary.failure("see that the host is up; `taskbox verify` tells what is wrong")),
        ))
    }
}
