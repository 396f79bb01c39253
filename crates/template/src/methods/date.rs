//! Python's date, and how dates and times come from the data and go back there.

use data::Text;
use jiff::civil::Time;
use jiff::fmt::temporal::Pieces;

use crate::args::Args;
use crate::methods::time;
use crate::val::{Date, Delta, Moment, Object, Res, Val, fail};

/// The methods that dates and points in time share.
pub(crate) const METHODS: &[&str] = &[
    "strftime",
    "isoformat",
    "weekday",
    "isoweekday",
    "replace",
    "ctime",
    "toordinal",
    "isocalendar",
    "timetuple",
];

/// The date or point in time of an ISO text.
pub(crate) fn of_iso(text: &str) -> Option<Object> {
    let pieces = Pieces::parse(text).ok()?;
    let Some(time) = pieces.time() else { return Some(Object::Date(pieces.date())) };
    let offset = pieces.to_numeric_offset().map(jiff::tz::Offset::seconds);
    Some(Object::Moment(Moment { time: pieces.date().to_datetime(time), offset }))
}

/// The date as data has it.
pub(crate) fn date_text(date: Date) -> Text {
    Text::plain(date.to_string()).into_date()
}

/// The point in time as data has it.
pub(crate) fn moment_text(moment: &Moment) -> Text {
    Text::plain(moment.isoformat()).into_date()
}

fn midnight(date: Date) -> Moment {
    Moment { time: date.to_datetime(Time::midnight()), offset: None }
}

pub(crate) fn field(date: Date, name: &str) -> Option<Val> {
    if matches!(name, "year" | "month" | "day") { midnight(date).field(name) } else { None }
}

pub(crate) fn call(date: Date, name: &str, args: Args) -> Res<Val> {
    if name == "isoformat" {
        return Ok(Val::from(date.to_string()));
    }
    let result = time::call(&midnight(date), name, args)?;
    Ok(match &result {
        Val::Object(object) => match &**object {
            Object::Moment(moment) => Val::object(Object::Date(moment.time.date())),
            _ => result,
        },
        _ => result,
    })
}

/// The days from another date to this one.
pub(crate) fn since(date: Date, earlier: Date) -> Delta {
    Delta { microseconds: date.duration_since(earlier).as_micros() }
}

/// The date so many whole days later.
pub(crate) fn plus(date: Date, delta: Delta) -> Option<Date> {
    let days = jiff::SignedDuration::from_hours(i64::try_from(delta.days()).ok()?.checked_mul(24)?);
    date.checked_add(days).ok()
}

/// A format of `str.format`, as `strftime` has them.
pub(crate) fn format(object: &Object, spec: &str) -> Option<Res<String>> {
    match object {
        Object::Date(date) => Some(time::strftime(&midnight(*date), spec)),
        Object::Moment(moment) => Some(time::strftime(moment, spec)),
        _ => None,
    }
}

/// Refuses to compare what has an offset with what has none.
pub(crate) fn order(one: &Moment, two: &Moment) -> Res<std::cmp::Ordering> {
    match one.since(two) {
        Some(span) => Ok(span.microseconds.cmp(&0)),
        None => fail("can't compare offset-naive and offset-aware datetimes"),
    }
}
