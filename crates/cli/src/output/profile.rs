//! Where the time went: the slowest tasks, after the recap.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use runner::{Event, TaskResult};

use super::EventSink;
use super::banner::banner;

/// Tasks shown.
const SHOWN: usize = 20;

/// Adds up each task's time from its first host's start to its last host's end, and lists the slowest.
pub(crate) struct Profile {
    out: Box<dyn Write>,
    columns: usize,
    tasks: HashMap<u64, Time>,
}

struct Time {
    name: String,
    start: SystemTime,
    end: SystemTime,
    /// The host that was the last to end.
    last: String,
}

impl Time {
    fn length(&self) -> Duration {
        self.end.duration_since(self.start).unwrap_or_default()
    }
}

impl Profile {
    /// Writes to `out`, with headlines of this width.
    pub(crate) fn new(out: Box<dyn Write>, columns: usize) -> Self {
        Self { out, columns, tasks: HashMap::new() }
    }

    fn add(&mut self, result: &TaskResult) {
        let end = result.started + result.duration;
        let time = self.tasks.entry(result.task.id).or_insert_with(|| Time {
            name: result.task.name.trim().to_owned(),
            start: result.started,
            end,
            last: result.host.to_string(),
        });
        time.start = time.start.min(result.started);
        if end > time.end {
            time.end = end;
            time.last = result.host.to_string();
        }
    }

    fn list(&mut self) -> io::Result<()> {
        let mut tasks: Vec<Time> = self.tasks.drain().map(|(_, time)| time).collect();
        tasks.sort_by(|a, b| b.length().cmp(&a.length()).then_with(|| a.name.cmp(&b.name)));
        writeln!(self.out, "{}", banner("TASKS BY TIME", self.columns))?;
        for task in tasks.iter().take(SHOWN) {
            writeln!(self.out, "{:>9.2}s  {} (last: {})", task.length().as_secs_f64(), task.name, task.last)?;
        }
        self.out.flush()
    }
}

impl EventSink for Profile {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::TaskResult(result) => {
                self.add(result);
                Ok(())
            }
            Event::Stats(_) => self.list(),
            _ => Ok(()),
        }
    }
}
