//! The end of an install: what runs where, how long each phase took, what to do next; or which host failed at what, last on the screen.

use std::fmt::{self, Write};
use std::time::Duration;

use runner::{Event, Status, TaskResult};

/// How the tasks are called that say what was left out; their messages are shown again at the end.
const NOTES: [&str; 3] =
    ["Kubernetes is not installed", "KubeSphere is not installed", "Name what this version does not have"];

/// Collects, while a run goes on, what its summary needs.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    phases: Vec<Phase>,
    notes: Vec<String>,
    failures: Vec<Failure>,
    running: Work,
}

/// What a play did so far.
#[derive(Clone, Copy, Debug, Default)]
struct Work {
    /// Tasks that ran on a host.
    ran: u64,
    /// Those that changed something.
    changed: u64,
}

/// A play; one whose name begins with a number and a dot heads those that follow.
#[derive(Debug)]
struct Phase {
    name: String,
    duration: Duration,
    work: Work,
}

impl Phase {
    fn is_heading(&self) -> bool {
        self.name.split_once(". ").is_some_and(|(number, _)| number.parse::<u8>().is_ok())
    }
}

/// One way to fail, and every host that failed so.
#[derive(Debug, PartialEq, Eq)]
struct Failure {
    hosts: Vec<String>,
    task: String,
    place: Option<String>,
    unreachable: bool,
    cause: String,
}

/// A row of "what runs where".
#[derive(Clone, Debug)]
pub(crate) struct Placement {
    /// What runs: `etcd`, `containerd`.
    pub(crate) what: String,
    /// Where: host names.
    pub(crate) hosts: Vec<String>,
    /// How it is reached, or empty.
    pub(crate) reached: String,
}

impl Summary {
    /// Takes note of one event.
    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::TaskResult(result) => self.result(result),
            Event::PlayEnd { name, duration } => {
                let work = std::mem::take(&mut self.running);
                self.phases.push(Phase { name: name.clone(), duration: *duration, work });
            }
            _ => {}
        }
    }

    fn result(&mut self, result: &TaskResult) {
        if NOTES.iter().any(|note| result.task.name.ends_with(note)) && result.status == Status::Ok {
            self.notes.extend(result.result.get_str("msg").map(|note| note.trim().to_owned()));
        }
        if result.ignored || result.rescued {
            return;
        }
        let is_work = result.status != Status::Skipped && result.task.action != "validate_argument_spec";
        self.running.ran += u64::from(is_work);
        match result.status {
            Status::Changed => self.running.changed += 1,
            Status::Failed | Status::Unreachable => self.fail(result),
            Status::Ok | Status::Skipped => {}
        }
    }

    fn fail(&mut self, result: &TaskResult) {
        let failure = Failure::of(result);
        match self.failures.iter_mut().find(|known| known.same(&failure)) {
            Some(known) => known.hosts.extend(failure.hosts),
            None => self.failures.push(failure),
        }
    }

    /// The text after a run that went well.
    pub(crate) fn success(&self, title: &str, placements: &[Placement], next: &[String]) -> String {
        let mut text = String::new();
        let total = self.phases.iter().map(|phase| phase.duration).sum();
        let _ = writeln!(text, "{title} in {}.\n", Elapsed(total));
        self.write_phases(&mut text);
        let width = placements.iter().map(|placement| placement.what.len()).max().unwrap_or(0);
        for Placement { what, hosts, reached } in placements {
            let _ = write!(text, "  {what:width$}  {}", hosts.join(" "));
            let _ = if reached.is_empty() { writeln!(text) } else { writeln!(text, "  ({reached})") };
        }
        for note in &self.notes {
            let _ = writeln!(text, "\nNote: {note}");
        }
        if !next.is_empty() {
            let _ = writeln!(text, "\nNext:");
            for line in next {
                let _ = writeln!(text, "  {line}");
            }
        }
        text
    }

    /// Each play that did something, below its heading; a heading sums up what is below it.
    fn write_phases(&self, text: &mut String) {
        let has_headings = self.phases.iter().any(Phase::is_heading);
        let indent = |phase: &Phase| if has_headings && !phase.is_heading() { 3 } else { 0 };
        let is_shown = |phase: &&Phase| phase.is_heading() || phase.work.ran > 0;
        let shown = self.phases.iter().filter(is_shown);
        let width = shown.map(|phase| indent(phase) + phase.name.chars().count()).max().unwrap_or(0);
        for (at, phase) in self.phases.iter().enumerate().filter(|(_, phase)| is_shown(phase)) {
            let (duration, work) =
                if phase.is_heading() { self.below(at) } else { (phase.duration, phase.work) };
            let name = format!("{:1$}{2}", "", indent(phase), phase.name);
            let _ =
                writeln!(text, "  {name:width$}  {:>10}  {}", Elapsed(duration).to_string(), work.words());
        }
        text.push('\n');
    }

    /// What the plays after a heading took and did, up to the next heading.
    fn below(&self, heading: usize) -> (Duration, Work) {
        let plays = self.phases[heading + 1..].iter().take_while(|phase| !phase.is_heading());
        plays.fold((self.phases[heading].duration, Work::default()), |(duration, work), phase| {
            let work = Work { ran: work.ran + phase.work.ran, changed: work.changed + phase.work.changed };
            (duration + phase.duration, work)
        })
    }

    /// The text after a run that failed: every failing host with its task and cause.
    pub(crate) fn failure(&self, help: &str) -> String {
        let mut text = String::new();
        for Failure { hosts, task, place, unreachable, cause } in &self.failures {
            let verb = match (unreachable, hosts.len()) {
                (false, _) => "failed",
                (true, 1) => "was unreachable",
                (true, _) => "were unreachable",
            };
            let _ = writeln!(text, "error: `{}` {verb} at `{task}`", hosts.join("`, `"));
            if let Some(place) = place {
                let _ = writeln!(text, "  --> {place}");
            }
            for line in cause.lines() {
                let _ = writeln!(text, "  {line}");
            }
        }
        let _ = writeln!(text, "help: {help}");
        text
    }
}

impl Work {
    fn words(self) -> String {
        match self {
            Self { ran: 0, .. } => "nothing to do".to_owned(),
            Self { changed: 0, .. } => "nothing changed".to_owned(),
            Self { changed: 1, .. } => "1 change".to_owned(),
            Self { changed, .. } => format!("{changed} changes"),
        }
    }
}

impl Failure {
    /// Whether both failed at the same task for the same reason.
    fn same(&self, other: &Self) -> bool {
        (&self.task, &self.place, &self.cause, self.unreachable)
            == (&other.task, &other.place, &other.cause, other.unreachable)
    }

    fn of(result: &TaskResult) -> Self {
        let said = |field| result.result.get_str(field).map(str::trim).filter(|text| !text.is_empty());
        let msg = said("msg").unwrap_or("no message").to_owned();
        let cause = match said("stderr") {
            Some(stderr) if !msg.contains(stderr) => format!("{msg}\n{stderr}"),
            _ => msg,
        };
        Self {
            hosts: vec![result.host.to_string()],
            task: result.task.name.clone(),
            place: result.task.place.as_ref().map(ToString::to_string),
            unreachable: result.status == Status::Unreachable,
            cause,
        }
    }
}

/// A duration as a person says it.
struct Elapsed(Duration);

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        if seconds < 10.0 {
            write!(f, "{seconds:.1} s")
        } else if seconds < 60.0 {
            write!(f, "{seconds:.0} s")
        } else {
            write!(f, "{} min {:02} s", self.0.as_secs() / 60, self.0.as_secs() % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use data::Map;
    use runner::{TaskHead, TaskKind};

    use super::*;

    fn result(host: &str, status: Status, fields: Map) -> Event {
        let task = TaskHead {
            id: 1,
            name: "etcd : Start the member".into(),
            action: "systemd_service".into(),
            role: Some("etcd".into()),
            place: None,
            kind: TaskKind::Task,
            args: Map::new(),
            check_mode: false,
        };
        Event::TaskResult(TaskResult {
            task: Arc::new(task),
            host: host.into(),
            delegated_to: None,
            status,
            ignored: false,
            rescued: false,
            item: None,
            result: fields,
            censored: false,
            show_diff: false,
            blame: runner::Blame::Told,
            shown_whole: false,
            started: SystemTime::UNIX_EPOCH,
            duration: Duration::ZERO,
            findings: Default::default(),
        })
    }

    #[test]
    fn a_success_names_phases_places_and_the_next_step() {
        let mut summary = Summary::default();
        summary.event(&result("master1", Status::Changed, Map::new()));
        summary.event(&Event::PlayEnd {
            name: "Start the etcd cluster".into(),
            duration: Duration::from_secs(75),
        });
        let placements = [Placement {
            what: "etcd".into(),
            hosts: vec!["master1".into()],
            reached: "https, port 2379".into(),
        }];
        assert_eq!(
            summary.success("Installed", &placements, &["taskbox verify".into()]),
            "Installed in 1 min 15 s.\n\n  Start the etcd cluster  1 min 15 s  1 change\n\n  etcd  master1  (https, port 2379)\n\nNext:\n  taskbox verify\n"
        );
    }

    #[test]
    fn phases_sum_up_their_plays_and_idle_plays_are_left_out() {
        let mut summary = Summary::default();
        let mut play = |name: &str, seconds: u64, ran: bool| {
            if ran {
                summary.event(&result("master1", Status::Changed, Map::new()));
            }
            summary.event(&Event::PlayEnd { name: name.into(), duration: Duration::from_secs(seconds) });
        };
        play("1. Initiating environment", 0, false);
        play("Start etcd", 75, true);
        play("Put a load balancer there", 1, false);
        play("2. Installing Kubernetes", 0, false);
        assert_eq!(
            summary.success("Installed", &[], &[]),
            "Installed in 1 min 16 s.\n\n  \
             1. Initiating environment  1 min 16 s  1 change\n     \
             Start etcd              1 min 15 s  1 change\n  \
             2. Installing Kubernetes        0.0 s  nothing to do\n\n"
        );
    }

    #[test]
    fn a_failure_names_its_hosts_task_and_cause_last() {
        let mut summary = Summary::default();
        let fields = Map::from([("msg", "Unable to start service etcd"), ("stderr", "bad unit file")]);
        summary.event(&result("master2", Status::Failed, fields.clone()));
        summary.event(&result("master3", Status::Failed, fields));
        assert_eq!(
            summary.failure("mend it"),
            "error: `master2`, `master3` failed at `etcd : Start the member`\n  Unable to start service etcd\n  bad unit file\nhelp: mend it\n"
        );
    }
}
