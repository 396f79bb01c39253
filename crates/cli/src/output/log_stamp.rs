//! What stands before each message of a log file, as Python's `logging` writes it for Ansible.

use std::os::unix::fs::MetadataExt;

use jiff::Zoned;

use super::color::Ink;

/// Who writes the log.
#[derive(Clone, Debug)]
pub(crate) struct LogStamp {
    process: u32,
    user: String,
}

impl LogStamp {
    /// This process and its user, as Python's `getpass` finds the name.
    pub(crate) fn of_process() -> Self {
        let named =
            ["LOGNAME", "USER", "LNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        let user = named.filter(|name| !name.is_empty()).unwrap_or_else(|| {
            let owner = std::fs::metadata("/proc/self").map(|about| about.uid());
            owner.map_or_else(
                |_| "unknown".to_owned(),
                |id| if id == 0 { "root".to_owned() } else { id.to_string() },
            )
        });
        Self { process: std::process::id(), user }
    }

    /// A message with its time, who wrote it, and how bad it is: `2026-01-31 10:20:30,123 p=4711 u=root n=ansible INFO| PLAY RECAP ***`.
    pub(crate) fn line(&self, text: &str, ink: Option<Ink>) -> String {
        let level = match ink {
            Some(Ink::Error | Ink::Unreachable) => "ERROR",
            Some(Ink::Warning) => "WARNING",
            Some(Ink::Debug) => "DEBUG",
            _ => "INFO",
        };
        let now = Zoned::now();
        let time = now.strftime("%Y-%m-%d %H:%M:%S");
        let (millis, text) = (now.millisecond(), text.trim_start_matches('\n').trim_end_matches('\n'));
        format!("{time},{millis:03} p={} u={} n=ansible {level}| {text}\n", self.process, self.user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_begins_with_time_process_user_and_level() {
        let stamp = LogStamp { process: 7, user: "ann".into() };
        let line = stamp.line("\nPLAY [all] ***\n", None);
        let (time, rest) = line.split_at(23);
        assert_eq!(rest, " p=7 u=ann n=ansible INFO| PLAY [all] ***\n");
        assert!(time.starts_with("20") && time.as_bytes()[19] == b',', "{time}");
        assert!(stamp.line("x", Some(Ink::Error)).contains(" ERROR| x"));
    }
}
