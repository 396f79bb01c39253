//! Python's datetime and timedelta: fields, methods, `strftime` and `strptime`.

use std::fmt;

use jiff::civil::DateTime;

use crate::args::Args;
use crate::val::{Delta, Moment, Object, Res, Val, fail};

/// What a point in time has beyond the methods of a date.
pub(crate) const MOMENT_METHODS: &[&str] = &["timestamp", "date", "time"];

impl Moment {
    pub(crate) fn field(&self, name: &str) -> Option<Val> {
        let time = &self.time;
        let number = match name {
            "year" => time.year().into(),
            "month" => i128::from(time.month()),
            "day" => time.day().into(),
            "hour" => time.hour().into(),
            "minute" => time.minute().into(),
            "second" => time.second().into(),
            "microsecond" => i128::from(time.subsec_nanosecond() / 1000),
            "tzinfo" if self.offset.is_none() => return Some(Val::None),
            _ => return None,
        };
        Some(Val::Int(number))
    }

    /// The span from another point in time to this one; none between one with an offset and one without.
    pub(crate) fn since(&self, earlier: &Self) -> Option<Delta> {
        let offset = match (self.offset, earlier.offset) {
            (Some(here), Some(there)) => i128::from(here - there),
            (None, None) => 0,
            _ => return None,
        };
        let span = self.time.duration_since(earlier.time);
        Some(Delta { microseconds: span.as_micros() - offset * 1_000_000 })
    }

    /// `datetime.isoformat()`
    pub(crate) fn isoformat(&self) -> String {
        iso(self, 'T')
    }

    pub(crate) fn plus(&self, delta: Delta) -> Option<Self> {
        let span = jiff::SignedDuration::from_micros(i64::try_from(delta.microseconds).ok()?);
        self.time.checked_add(span).ok().map(|time| Self { time, offset: self.offset })
    }
}

impl fmt::Display for Moment {
    /// `str(datetime)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", iso(self, ' '))
    }
}

fn iso(moment: &Moment, separator: char) -> String {
    let time = &moment.time;
    let micros = time.subsec_nanosecond() / 1000;
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!(
        "{:04}-{:02}-{:02}{separator}{:02}:{:02}:{:02}{fraction}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    ) + &offset_text(moment, ":")
}

/// `+02:00`, with another separator where asked for.
fn offset_text(moment: &Moment, separator: &str) -> String {
    let Some(offset) = moment.offset else { return String::new() };
    let (sign, size) = (if offset < 0 { '-' } else { '+' }, offset.abs());
    let seconds = if size % 60 == 0 { String::new() } else { format!("{separator}{:02}", size % 60) };
    format!("{sign}{:02}{separator}{:02}{seconds}", size / 3600, size / 60 % 60)
}

impl Delta {
    fn split(self) -> (i128, i128, i128) {
        let day = 86_400_000_000;
        let days = self.microseconds.div_euclid(day);
        let rest = self.microseconds.rem_euclid(day);
        (days, rest / 1_000_000, rest % 1_000_000)
    }

    /// Its whole days, rounded down.
    pub(crate) fn days(self) -> i128 {
        self.split().0
    }

    pub(crate) fn field(self, name: &str) -> Option<Val> {
        let (days, seconds, microseconds) = self.split();
        Some(Val::Int(match name {
            "days" => days,
            "seconds" => seconds,
            "microseconds" => microseconds,
            _ => return None,
        }))
    }
}

impl fmt::Debug for Delta {
    /// `repr(timedelta)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, seconds, microseconds) = self.split();
        let parts: Vec<String> = [("days", days), ("seconds", seconds), ("microseconds", microseconds)]
            .into_iter()
            .filter(|(_, number)| *number != 0)
            .map(|(name, number)| format!("{name}={number}"))
            .collect();
        write!(f, "datetime.timedelta({})", if parts.is_empty() { "0".to_owned() } else { parts.join(", ") })
    }
}

impl fmt::Display for Delta {
    /// `str(timedelta)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, seconds, micros) = self.split();
        if days != 0 {
            write!(f, "{days} day{}, ", if days.abs() == 1 { "" } else { "s" })?;
        }
        write!(f, "{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
        if micros != 0 {
            write!(f, ".{micros:06}")?;
        }
        Ok(())
    }
}

pub(crate) fn call(moment: &Moment, name: &str, args: Args) -> Res<Val> {
    let time = &moment.time;
    Ok(match name {
        "strftime" => {
            let [format] = args.exactly(name)?;
            let Some(format) = format.as_str() else {
                return fail(format!("strftime() argument 1 must be str, not {}", format.type_name()));
            };
            Val::from(strftime(moment, format)?)
        }
        "isoformat" => Val::from(moment.isoformat()),
        "timestamp" if moment.offset.is_some() => {
            let utc = jiff::civil::date(1970, 1, 1).to_datetime(jiff::civil::Time::midnight());
            let micros = time.duration_since(utc).as_micros() as f64;
            Val::Float(micros / 1e6 - f64::from(moment.offset.unwrap_or(0)))
        }
        "timestamp" => {
            let zone = jiff::tz::TimeZone::system();
            let zoned = time.to_zoned(zone).map_err(|error| time_error(&error))?;
            Val::Float(zoned.timestamp().as_microsecond() as f64 / 1e6)
        }
        "weekday" => Val::Int(time.weekday().to_monday_zero_offset().into()),
        "isoweekday" => Val::Int(time.weekday().to_monday_one_offset().into()),
        "date" => Val::object(Object::Date(time.date())),
        "time" => {
            let naive = Moment { offset: None, ..moment.clone() };
            Val::from(iso(&naive, ' ').chars().skip(11).collect::<String>())
        }
        "toordinal" => Val::Int(i128::from(ordinal(moment))),
        "isocalendar" => {
            let week = time.date().iso_week_date();
            let numbers =
                [week.year().into(), week.week().into(), week.weekday().to_monday_one_offset().into()];
            Val::tuple(numbers.map(Val::Int).to_vec())
        }
        "timetuple" => {
            let numbers: [i128; 9] = [
                time.year().into(),
                time.month().into(),
                time.day().into(),
                time.hour().into(),
                time.minute().into(),
                time.second().into(),
                time.weekday().to_monday_zero_offset().into(),
                time.day_of_year().into(),
                -1,
            ];
            Val::tuple(numbers.map(Val::Int).to_vec())
        }
        "ctime" => Val::from(strftime(moment, "%a %b %e %H:%M:%S %Y")?),
        "replace" => replace(moment, args)?,
        other => return fail(format!("'datetime' object has no attribute '{other}'")),
    })
}

/// The days since the first of January of the year 1, which is 1.
fn ordinal(moment: &Moment) -> i64 {
    let first = jiff::civil::date(1, 1, 1).to_datetime(jiff::civil::Time::midnight());
    let midnight = moment.time.date().to_datetime(jiff::civil::Time::midnight());
    midnight.duration_since(first).as_hours() / 24 + 1
}

fn replace(moment: &Moment, args: Args) -> Res<Val> {
    let bound = args.bind(
        "replace",
        &["year?", "month?", "day?", "hour?", "minute?", "second?", "microsecond?", "tzinfo?"],
    )?;
    let time = &moment.time;
    let small = |index: usize, now: i8| -> Res<i8> {
        i8::try_from(bound.int(index, now.into())?).or_else(|_| fail("the value is out of range"))
    };
    let year =
        i16::try_from(bound.int(0, time.year().into())?).or_else(|_| fail("the year is out of range"))?;
    let micros = bound.int(6, i128::from(time.subsec_nanosecond() / 1000))?;
    let nanos = i32::try_from(micros * 1000).or_else(|_| fail("microsecond must be in 0..999999"))?;
    let made = DateTime::new(
        year,
        small(1, time.month())?,
        small(2, time.day())?,
        small(3, time.hour())?,
        small(4, time.minute())?,
        small(5, time.second())?,
        nanos,
    );
    Ok(Val::object(Object::Moment(Moment {
        time: made.map_err(|error| time_error(&error))?,
        offset: moment.offset,
    })))
}

fn time_error(error: &jiff::Error) -> crate::TemplateError {
    crate::TemplateError::new(crate::ErrorKind::Operation(error.to_string()))
}

/// What C's `strftime` knows and the one below has another meaning for, or none: the forms of the C locale, and letters that stay as they are.
pub(crate) fn c_locale(format: &str) -> String {
    let mut out = String::with_capacity(format.len());
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.peek() {
            Some('c') => out.push_str("%a %b %e %H:%M:%S %Y"),
            Some('x') => out.push_str("%m/%d/%y"),
            Some('X') => out.push_str("%H:%M:%S"),
            Some('r') => out.push_str("%I:%M:%S %p"),
            Some(letter @ ('f' | 'i' | 'J' | 'K' | 'L' | 'N' | 'o' | 'q' | 'Q' | 'v' | '.')) => {
                out.push_str("%%");
                out.push(*letter);
            }
            Some(letter) => out.extend(['%', *letter]),
            None => out.push_str("%%"),
        }
        chars.next();
    }
    out
}

/// Python's `datetime.strftime`: C's, with `%f`, and no zone where there is none.
pub(crate) fn strftime(moment: &Moment, format: &str) -> Res<String> {
    let micros = format!("{:06}", moment.time.subsec_nanosecond() / 1000);
    let offset_digits = offset_text(moment, "");
    let zone = match moment.offset {
        None => String::new(),
        Some(0) => "UTC".to_owned(),
        Some(_) => format!("UTC{}", offset_text(moment, ":")),
    };
    // Without a zone it is the time of this machine, as in C.
    let offset = moment.offset.and_then(|seconds| jiff::tz::Offset::from_seconds(seconds).ok());
    let instant = match offset {
        Some(offset) => offset.to_timestamp(moment.time).map(|instant| instant.as_second()),
        None => moment.time.to_zoned(jiff::tz::TimeZone::system()).map(|zoned| zoned.timestamp().as_second()),
    };
    let seconds = instant.map(|seconds| seconds.to_string()).unwrap_or_default();
    let format = format
        .replace("%s", &seconds)
        .replace("%f", &micros)
        .replace("%z", &offset_digits)
        .replace("%Z", &zone);
    jiff::fmt::strtime::format(c_locale(&format), moment.time).map_err(|error| time_error(&error))
}

/// Python's `strptime`: a year that is not told is 1900, a month or day that is not told is the first.
pub(crate) fn parse_moment(text: &str, format: &str) -> Res<Moment> {
    if let Some(letter) = bad_directive(format) {
        return fail(format!("'{letter}' is a bad directive in format '{format}'"));
    }
    let plain =
        format.replace("%c", "%a %b %d %H:%M:%S %Y").replace("%x", "%m/%d/%y").replace("%X", "%H:%M:%S");
    let Ok(parsed) = jiff::fmt::strtime::parse(&plain, text) else {
        return fail(format!("time data '{text}' does not match format '{format}'"));
    };
    let date = match parsed.to_date() {
        Ok(date) => date,
        Err(_) => {
            let (year, month, day) = (parsed.year(), parsed.month(), parsed.day());
            match jiff::civil::Date::new(year.unwrap_or(1900), month.unwrap_or(1), day.unwrap_or(1)) {
                Ok(date) => date,
                Err(_) => return fail("day is out of range for month"),
            }
        }
    };
    let time = parsed.to_time().unwrap_or_default();
    Ok(Moment { time: date.to_datetime(time), offset: parsed.offset().map(jiff::tz::Offset::seconds) })
}

/// The first letter after a percent sign that `strptime` does not know.
fn bad_directive(format: &str) -> Option<char> {
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c == '%'
            && let Some(letter) = chars.next()
            && !"aAbBcdfGHIjmMpSuUVwWxXyYzZ%".contains(letter)
        {
            return Some(letter);
        }
    }
    None
}
