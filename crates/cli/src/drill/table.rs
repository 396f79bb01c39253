//! What the drill saw, one line a master.

use std::fmt::Write;
use std::time::Duration;

/// What happened while one master was away.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// The master.
    pub(super) master: String,
    /// The longest time for which the API did not answer.
    pub(super) api: Duration,
    /// The same for the console, where there is one.
    pub(super) console: Option<Duration>,
    /// From its start until all was well.
    pub(super) recovery: Duration,
    /// Whether all became well.
    pub(super) well: bool,
    /// Whether what was written before is read after.
    pub(super) data: bool,
}

/// All turns, and the aim.
#[derive(Debug)]
pub(super) struct Table {
    aim: Duration,
    /// Whether there is a console to speak of.
    console: bool,
    turns: Vec<Turn>,
}

impl Table {
    /// An empty one; the API and the console may be away for `aim` seconds.
    pub(super) fn new(aim: u64, console: bool) -> Self {
        Self { aim: Duration::from_secs(aim), console, turns: Vec::new() }
    }

    pub(super) fn add(&mut self, turn: Turn) {
        self.turns.push(turn);
    }

    fn fits(&self, turn: &Turn) -> bool {
        turn.api.max(turn.console.unwrap_or_default()) <= self.aim && turn.well && turn.data
    }

    /// Whether every turn met the aim and lost nothing.
    pub(super) fn is_fine(&self) -> bool {
        !self.turns.is_empty() && self.turns.iter().all(|turn| self.fits(turn))
    }

    pub(super) fn text(&self) -> String {
        let width = self.turns.iter().map(|turn| turn.master.len()).max().unwrap_or(0).max("stopped".len());
        let column = |text: &str| if self.console { format!("  {text:>12}") } else { String::new() };
        let mut text = format!(
            "       {:width$}  API away{}  well again after  etcd's data\n",
            "stopped",
            column("console away")
        );
        for turn in &self.turns {
            let verdict = if self.fits(turn) { "ok   " } else { "WRONG" };
            let recovery =
                if turn.well { format!("{:.0} s", turn.recovery.as_secs_f64()) } else { "never".to_owned() };
            let data = if turn.data { "intact" } else { "LOST" };
            let seconds = |away: Duration| format!("{:.1} s", away.as_secs_f64());
            let (away, console) = (seconds(turn.api), column(&turn.console.map(seconds).unwrap_or_default()));
            let _ = writeln!(
                text,
                "{verdict}  {:width$}  {away:>8}{console}  {recovery:>16}  {data}",
                turn.master
            );
        }
        let _ = writeln!(text, "\nThe aim is {} s.", self.aim.as_secs());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_over_the_aim_is_wrong() {
        let mut table = Table::new(30, false);
        assert!(!table.is_fine());
        let turn = Turn {
            master: "master1".into(),
            api: Duration::from_millis(4200),
            console: None,
            recovery: Duration::from_secs(41),
            well: true,
            data: true,
        };
        table.add(turn.clone());
        assert!(table.is_fine());
        table.add(Turn {
            master: "master2".into(),
            api: Duration::from_secs(31),
            well: false,
            ..turn.clone()
        });
        assert!(!table.is_fine());
        assert_eq!(
            table.text(),
            "       stopped  API away  well again after  etcd's data\n\
             ok     master1     4.2 s              41 s  intact\n\
             WRONG  master2    31.0 s             never  intact\n\nThe aim is 30 s.\n"
        );
        let mut with_console = Table::new(30, true);
        with_console.add(Turn { console: Some(Duration::from_secs(40)), ..turn });
        assert!(!with_console.is_fine(), "the console has the same aim");
        assert!(with_console.text().contains("API away  console away  well"), "{}", with_console.text());
        assert!(with_console.text().contains("4.2 s        40.0 s"), "{}", with_console.text());
    }
}
