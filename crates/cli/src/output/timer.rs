//! The outputs `timer`, `profile_tasks` and `profile_roles` of the collection ansible.posix: where the time went.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use runner::{Event, TaskHead};

use super::EventSink;
use super::banner::banner;
use super::excerpt::absolute;

/// Width of the lines of these outputs, whatever the screen's is.
const WIDTH: usize = 79;

/// How long the whole run took.
pub(crate) struct Timer {
    out: Box<dyn Write>,
    columns: usize,
    start: Instant,
}

impl Timer {
    /// Counts from now on.
    pub(crate) fn new(out: Box<dyn Write>, columns: usize) -> Self {
        Self { out, columns, start: Instant::now() }
    }
}

impl EventSink for Timer {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        if let Event::Stats(_) = event {
            let seconds = self.start.elapsed().as_secs();
            let (days, hours, minutes) = (seconds / 86400, seconds % 86400 / 3600, seconds / 60 % 60);
            writeln!(self.out, "{}", banner("PLAYBOOK RECAP", self.columns))?;
            write!(
                self.out,
                "Playbook run took {days} days, {hours} hours, {minutes} minutes, {} seconds\n\r\n",
                seconds % 60
            )?;
            self.out.flush()?;
        }
        Ok(())
    }
}

/// What times are added up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProfileOf {
    /// Each task.
    Tasks,
    /// Each role; tasks outside of roles by their action.
    Roles,
}

/// How the list at the end looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProfileOptions {
    /// What is listed.
    pub(crate) of: ProfileOf,
    /// How many tasks are listed; all when `None`.
    pub(crate) limit: Option<usize>,
    /// The longest first, the shortest first, or as they ran.
    pub(crate) descending: Option<bool>,
    /// The number of `-v`.
    pub(crate) verbosity: u8,
}

struct Total {
    id: Option<u64>,
    name: String,
    path: Option<String>,
    time: Duration,
}

/// Says after each headline how long the last task took, and lists the longest at the end.
pub(crate) struct Profiler {
    out: Box<dyn Write>,
    columns: usize,
    options: ProfileOptions,
    start: Instant,
    last: Instant,
    current: Option<(usize, Instant)>,
    totals: Vec<Total>,
}

impl Profiler {
    /// Counts from now on.
    pub(crate) fn new(out: Box<dyn Write>, columns: usize, options: ProfileOptions) -> Self {
        let now = Instant::now();
        Self { out, columns, options, start: now, last: now, current: None, totals: Vec::new() }
    }

    fn task(&mut self, task: &TaskHead) -> io::Result<()> {
        self.clock()?;
        self.finish();
        let at = match self.options.of {
            ProfileOf::Tasks => self.total(Some(task.id), task.name.trim(), task),
            ProfileOf::Roles => self.total(None, task.role.as_deref().unwrap_or(&task.action), task),
        };
        self.current = Some((at, Instant::now()));
        Ok(())
    }

    fn total(&mut self, id: Option<u64>, name: &str, task: &TaskHead) -> usize {
        let same = |total: &Total| total.id == id && (id.is_some() || total.name == name);
        if let Some(at) = self.totals.iter().position(same) {
            return at;
        }
        let place = task.place.as_ref().filter(|_| id.is_some() && self.options.verbosity >= 2);
        let path = place.map(|place| format!("{}:{}", absolute(place.source.name()), place.location().line));
        self.totals.push(Total { id, name: name.to_owned(), path, time: Duration::ZERO });
        self.totals.len() - 1
    }

    fn finish(&mut self) {
        if let Some((at, since)) = self.current.take() {
            self.totals[at].time += since.elapsed();
        }
    }

    /// The time of day, the time since the last such line, and since the start.
    fn clock(&mut self) -> io::Result<()> {
        let now = jiff::Zoned::now().strftime("%A %d %B %Y  %H:%M:%S %z").to_string();
        let text = format!("{now} ({})       {}", clock(self.last.elapsed()), clock(self.start.elapsed()));
        self.last = Instant::now();
        writeln!(self.out, "{}", filled(&text, '*'))?;
        self.out.flush()
    }

    fn list(&mut self) -> io::Result<()> {
        let title = match self.options.of {
            ProfileOf::Tasks => "TASKS RECAP",
            ProfileOf::Roles => "ROLES RECAP",
        };
        writeln!(self.out, "{}", banner(title, self.columns))?;
        self.clock()?;
        writeln!(self.out, "{}", filled("", '='))?;
        self.finish();
        match self.options.descending {
            Some(true) => self.totals.sort_by_key(|total| std::cmp::Reverse(total.time)),
            Some(false) => self.totals.sort_by_key(|total| total.time),
            None => {}
        }
        let width = if self.options.of == ProfileOf::Tasks { self.columns - 9 } else { 70 };
        for total in self.totals.iter().take(self.options.limit.unwrap_or(usize::MAX)) {
            writeln!(self.out, "{}", line(&total.name, total.time, width))?;
            if let Some(path) = &total.path {
                writeln!(self.out, "{:-<width$}", format!("{path} "), width = self.columns)?;
            }
        }
        if self.options.of == ProfileOf::Roles {
            writeln!(self.out, "{}", filled("", '~'))?;
            let sum = self.totals.iter().map(|total| total.time).sum();
            writeln!(self.out, "{}", line("total", sum, width))?;
        }
        self.out.flush()
    }
}

impl EventSink for Profiler {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::TaskStart(task) => self.task(task),
            Event::Stats(_) => self.list(),
            _ => Ok(()),
        }
    }
}

/// A name, dashes, and seconds.
fn line(name: &str, time: Duration, width: usize) -> String {
    format!("{:-<width$}{:->9}", format!("{name} "), format!(" {:.02}s", time.as_secs_f64()))
}

/// `hours:minutes:seconds.thousandths`
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, time.subsec_millis())
}

/// The text with signs behind it up to the width.
fn filled(text: &str, sign: char) -> String {
    if text.is_empty() {
        return format!("{} ", sign.to_string().repeat(WIDTH));
    }
    let text = format!("{text} ");
    format!("{text}{} ", sign.to_string().repeat(WIDTH.saturating_sub(text.chars().count()).max(3)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_ansible_posix() {
        // Printed by ansible.posix 2.1 with ansible-core 2.19.14.
        let task = "one --------------------------------------------------------------------- 0.32s";
        assert_eq!(line("one", Duration::from_millis(324), 70), task);
        assert_eq!(filled("", '='), format!("{} ", "=".repeat(79)));
        assert_eq!(clock(Duration::from_millis(3_723_004)), "1:02:03.004");
        let text = "Saturday 21 November 2026  12:50:00 +0000 (0:00:00.010)       0:00:00.010";
        assert_eq!(filled(text, '*'), format!("{text} ***** "));
    }
}
