//! Filters of community.general that count the time in `1h 30m`.

use crate::args::Bound;
use crate::eval::Eval;
use crate::registry::Filter;
use crate::val::{Res, Val, fail};

const PARAMS: &[&str] = &["**options"];

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("community.general.to_time_unit", &["unit?", "**options"], |ev, value, args| {
        let unit = args.text(ev, 0, "ms")?;
        time_in(ev, value, &unit, args)
    }),
    Filter::new("community.general.to_milliseconds", PARAMS, |ev, value, args| {
        time_in(ev, value, "ms", args)
    }),
    Filter::new("community.general.to_seconds", PARAMS, |ev, value, args| time_in(ev, value, "s", args)),
    Filter::new("community.general.to_minutes", PARAMS, |ev, value, args| time_in(ev, value, "m", args)),
    Filter::new("community.general.to_hours", PARAMS, |ev, value, args| time_in(ev, value, "h", args)),
    Filter::new("community.general.to_days", PARAMS, |ev, value, args| time_in(ev, value, "d", args)),
    Filter::new("community.general.to_weeks", PARAMS, |ev, value, args| time_in(ev, value, "w", args)),
    Filter::new("community.general.to_months", PARAMS, |ev, value, args| time_in(ev, value, "mo", args)),
    Filter::new("community.general.to_years", PARAMS, |ev, value, args| time_in(ev, value, "y", args)),
];

/// The days of a year and of a month.
struct Calendar {
    year: f64,
    month: f64,
}

impl Calendar {
    fn new(ev: &Eval<'_>, args: &Bound) -> Res<Self> {
        let mut calendar = Self { year: 365.0, month: 30.0 };
        for (name, value) in &args.named {
            let days = value.as_float();
            match (&**name, days) {
                ("year", Some(days)) => calendar.year = days,
                ("month", Some(days)) => calendar.month = days,
                ("year" | "month", None) => {
                    return fail(format!("{name}={} is not a number of days", ev.text(value)?));
                }
                _ => return fail(format!("to_time_unit() got unknown keyword arguments: {name}")),
            }
        }
        Ok(calendar)
    }

    /// The milliseconds of a unit, by its short name or a longer one, in singular or plural.
    fn milliseconds(&self, unit: &str) -> Option<f64> {
        let day = 86_400_000.0;
        let short = match unit.trim_end_matches('s') {
            "millisecond" | "msec" | "msecond" => "ms",
            "sec" | "second" => "s",
            "min" | "minute" => "m",
            "hour" => "h",
            "day" => "d",
            "week" => "w",
            "month" => "mo",
            "year" => "y",
            _ => unit,
        };
        Some(match short {
            "ms" => 1.0,
            "s" => 1000.0,
            "m" => 60_000.0,
            "h" => 3_600_000.0,
            "d" => day,
            "w" => 7.0 * day,
            "mo" => self.month * day,
            "y" => self.year * day,
            _ => return None,
        })
    }
}

fn time_in(ev: &Eval<'_>, value: &Val, unit: &str, args: &Bound) -> Res<Val> {
    let Some(text) = value.as_str() else {
        return fail(format!("'{}' object has no attribute 'split'", value.type_name()));
    };
    if text == "0" {
        return Ok(Val::Int(0));
    }
    let calendar = Calendar::new(ev, args)?;
    let Some(one) = calendar.milliseconds(unit) else {
        return fail(format!(
            "to_time_unit() can not convert to the following unit: {unit}. Available units (singular or plural): \
             millisecond, msec, msecond, sec, second, hour, min, minute, day, week, month, year. \
             Available short units: ms, s, m, h, d, w, mo, y"
        ));
    };
    let mut sum = 0.0;
    for part in text.split_whitespace() {
        match milliseconds(part, &calendar) {
            Some(time) => sum += time,
            None => return fail(format!("to_time_unit() can not interpret following string: {text}")),
        }
    }
    if one == 0.0 {
        return fail("division by zero");
    }
    // Python's `round(x, 12)` gives the float that is nearest to the decimal number.
    Ok(Val::Float(format!("{:.12}", sum / one).parse().unwrap_or(sum / one)))
}

/// The time of `-5days`: a whole number and its unit.
fn milliseconds(part: &str, calendar: &Calendar) -> Option<f64> {
    let digits = part.strip_prefix('-').unwrap_or(part);
    let behind = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    let unit_end = behind.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(behind.len());
    let number: f64 = part[..part.len() - behind.len()].parse().ok()?;
    Some(number * calendar.milliseconds(&behind[..unit_end])?)
}
