//! The times of last change and last access, when the user asks for them.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, utimensat};

use super::State;
use crate::file_attributes::Changes;
use crate::{Args, Context, Failure};

/// What to do with a time.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Time {
    Keep,
    Now,
    At(f64),
}

/// What to do with both times of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Times {
    modified: Time,
    accessed: Time,
}

impl Times {
    /// Reads the arguments; `touch` means now unless said otherwise.
    pub(super) fn from_args(args: &Args, state: State) -> Result<Self, Failure> {
        let read = |name: &str, format: &str| match args.opt_str(name) {
            None if state == State::Touch => Ok(Time::Now),
            None | Some("preserve") => Ok(Time::Keep),
            Some("now") => Ok(Time::Now),
            Some(text) => parse(text, args.str(format)?),
        };
        Ok(Self {
            modified: read("modification_time", "modification_time_format")?,
            accessed: read("access_time", "access_time_format")?,
        })
    }

    /// Sets the times that differ.
    pub(super) fn apply(
        &self,
        path: &Path,
        context: &Context,
        changes: &mut Changes,
    ) -> Result<bool, Failure> {
        if (self.modified, self.accessed) == (Time::Keep, Time::Keep) {
            return Ok(false);
        }
        let failed = |error: &dyn std::fmt::Display| {
            let said = format!("Error while updating modification or access time: {error}");
            Failure::new(said).with("path", path.display().to_string())
        };
        let found = match std::fs::metadata(path) {
            Ok(found) => found,
            Err(_) if context.check => return Ok(true),
            Err(error) => return Err(failed(&error)),
        };
        let seconds = |whole: i64, nanos: i64| whole as f64 + nanos as f64 / 1e9;
        let (old_modified, old_accessed) =
            (seconds(found.mtime(), found.mtime_nsec()), seconds(found.atime(), found.atime_nsec()));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let modified = self.modified.seconds(old_modified, now);
        let accessed = self.accessed.seconds(old_accessed, now);
        if modified == old_modified && accessed == old_accessed {
            return Ok(false);
        }
        for (name, old, new) in [("mtime", old_modified, modified), ("atime", old_accessed, accessed)] {
            if old != new {
                changes.before.insert(name, old);
                changes.after.insert(name, new);
            }
        }
        if !context.check {
            set(path, self.accessed, self.modified).map_err(|error| failed(&error))?;
        }
        Ok(true)
    }
}

impl Time {
    fn seconds(self, old: f64, now: f64) -> f64 {
        match self {
            Self::Keep => old,
            Self::Now => now,
            Self::At(seconds) => seconds,
        }
    }
}

fn parse(text: &str, format: &str) -> Result<Time, Failure> {
    let time = DateTime::strptime(format, text).and_then(|time| time.to_zoned(TimeZone::system()));
    match time {
        Ok(time) => Ok(Time::At(time.timestamp().as_second() as f64)),
        Err(error) => Err(Failure::new(format!(
            "Error while obtaining timestamp for time {text} using format {format}: {error}"
        ))),
    }
}

fn set(path: &Path, accessed: Time, modified: Time) -> std::io::Result<()> {
    let time = |time: Time| match time {
        Time::Keep => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        // Now is asked for as such: who may write a file that is another's may set no other time.
        Time::Now => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        Time::At(seconds) => {
            let whole = seconds.floor();
            Timespec { tv_sec: whole as i64, tv_nsec: ((seconds - whole) * 1e9) as _ }
        }
    };
    let times = Timestamps { last_access: time(accessed), last_modification: time(modified) };
    Ok(utimensat(CWD, path, &times, AtFlags::empty())?)
}
