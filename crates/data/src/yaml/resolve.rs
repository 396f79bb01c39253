//! What a plain scalar means under YAML 1.1, by PyYAML's rules: `yes` is a boolean, `0644` is octal, `1:30` is base 60, `1e3` is text.

/// The meaning of a plain scalar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Plain {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    /// A date or time, as Python's `isoformat()` prints it.
    Timestamp(String),
    Str,
}

/// A scalar that has the form of a type but no value of it, in PyYAML's words where it has some.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Misfit(pub(crate) &'static str);

/// Decides what `text` is when nothing (quotes, a tag) says so.
pub(crate) fn plain(text: &str) -> Result<Plain, Misfit> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Null,
        _ => {
            if let Some(flag) = boolean(text) {
                Plain::Bool(flag)
            } else if is_int(text) {
                Plain::Int(int(text)?)
            } else if is_float(text) {
                Plain::Float(float(text)?)
            } else if let Some(time) = Timestamp::parse(text) {
                Plain::Timestamp(time.isoformat()?)
            } else {
                Plain::Str
            }
        }
    })
}

/// The ISO text of the date or time that `text` spells, if it spells one that exists.
pub(crate) fn timestamp(text: &str) -> Option<String> {
    Timestamp::parse(text)?.isoformat().ok()
}

/// Whether `text`, written without quotes, is read as text again. Dates that do not exist, `<<` and `=` are not.
pub(crate) fn is_plain_text(text: &str) -> bool {
    plain(text) == Ok(Plain::Str) && !matches!(text, "<<" | "=")
}

/// YAML 1.1's booleans in their three capitalizations.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn all(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    text.bytes().all(|byte| byte == b'_' || allowed(byte))
}

fn digits(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && all(text, |byte| byte.is_ascii_digit())
}

/// A base-60 digit: one or two digits, below 60.
fn sexagesimal_digit(text: &str) -> bool {
    match text.as_bytes() {
        [unit] => unit.is_ascii_digit(),
        [ten, unit] => (b'0'..=b'5').contains(ten) && unit.is_ascii_digit(),
        _ => false,
    }
}

fn is_int(text: &str) -> bool {
    let text = unsigned(text);
    if let Some(rest) = text.strip_prefix("0b") {
        return !rest.is_empty() && all(rest, |byte| byte == b'0' || byte == b'1');
    }
    if let Some(rest) = text.strip_prefix("0x") {
        return !rest.is_empty() && all(rest, |byte| byte.is_ascii_hexdigit());
    }
    if let Some(rest) = text.strip_prefix('0') {
        return all(rest, |byte| (b'0'..=b'7').contains(&byte));
    }
    let mut parts = text.split(':');
    parts.next().is_some_and(digits) && parts.all(sexagesimal_digit)
}

/// The number behind a text that has the form of one; also used for `!!int`.
pub(crate) fn int(text: &str) -> Result<i128, Misfit> {
    let clean = text.replace('_', "");
    let body = unsigned(&clean);
    let sign = if clean.starts_with('-') { -1 } else { 1 };
    let radix = |digits: &str, radix| {
        i128::from_str_radix(digits, radix).map_err(|error| match error.kind() {
            std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
                Misfit("the integer does not fit into 128 bits")
            }
            _ => Misfit("the value is not an integer"),
        })
    };
    let number = if let Some(rest) = body.strip_prefix("0b") {
        radix(rest, 2)?
    } else if let Some(rest) = body.strip_prefix("0x") {
        radix(rest, 16)?
    } else if body.len() > 1 && body.starts_with('0') {
        radix(body, 8)?
    } else {
        let mut number: i128 = 0;
        for part in body.split(':') {
            let part = radix(part, 10)?;
            let scale = if body.contains(':') { 60 } else { 0 };
            number = number
                .checked_mul(scale)
                .and_then(|number| number.checked_add(part))
                .ok_or(Misfit("the integer does not fit into 128 bits"))?;
        }
        number
    };
    Ok(sign * number)
}

/// `[eE][-+][0-9]+` or nothing.
fn exponent(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(['e', 'E']) else { return text.is_empty() };
    let Some(rest) = rest.strip_prefix(['-', '+']) else { return false };
    !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_float(text: &str) -> bool {
    let body = unsigned(text);
    if matches!(body, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let Some((whole, fraction)) = body.split_once('.') else { return false };
    let end = fraction.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(fraction.len());
    let (fraction, rest) = fraction.split_at(end);
    if whole.is_empty() {
        return text.starts_with('.') && fraction.starts_with(|c: char| c.is_ascii_digit()) && exponent(rest);
    }
    if let Some((first, others)) = whole.split_once(':') {
        return digits(first) && others.split(':').all(sexagesimal_digit) && rest.is_empty();
    }
    digits(whole) && exponent(rest)
}

/// The number behind a text that has the form of one; also used for `!!float`.
pub(crate) fn float(text: &str) -> Result<f64, Misfit> {
    let clean = text.replace('_', "").to_ascii_lowercase();
    let body = unsigned(&clean);
    let sign = if clean.starts_with('-') { -1.0 } else { 1.0 };
    let parse = |text: &str| text.parse::<f64>().map_err(|_| Misfit("the value is not a number"));
    Ok(match body {
        ".inf" => sign * f64::INFINITY,
        ".nan" => f64::NAN,
        _ if body.contains(':') => {
            let mut number = 0.0;
            for part in body.split(':') {
                number = number * 60.0 + parse(part)?;
            }
            sign * number
        }
        _ => sign * parse(body)?,
    })
}

/// A YAML timestamp in its parts.
struct Timestamp {
    date: [u32; 3],
    time: Option<Time>,
}

struct Time {
    clock: [u32; 3],
    microsecond: u32,
    /// Minutes east of UTC; `None` when the text does not say.
    offset: Option<i32>,
}

impl Timestamp {
    fn parse(text: &str) -> Option<Self> {
        let mut rest = Cursor(text);
        let year = rest.digits(4, 4)?;
        rest.take('-')?;
        let (month, month_width) = rest.digits_wide(1, 2)?;
        rest.take('-')?;
        let (day, day_width) = rest.digits_wide(1, 2)?;
        let date = [year, month, day];
        if rest.0.is_empty() {
            return (month_width == 2 && day_width == 2).then_some(Self { date, time: None });
        }
        if rest.take('T').or_else(|| rest.take('t')).is_none() && !rest.blanks() {
            return None;
        }
        let hour = rest.digits(1, 2)?;
        rest.take(':')?;
        let minute = rest.digits(2, 2)?;
        rest.take(':')?;
        let second = rest.digits(2, 2)?;
        let microsecond = if rest.take('.').is_some() { rest.microseconds() } else { 0 };
        let gap = rest.blanks();
        let offset = rest.offset()?;
        if !rest.0.is_empty() || (gap && offset.is_none()) {
            return None;
        }
        Some(Self { date, time: Some(Time { clock: [hour, minute, second], microsecond, offset }) })
    }

    /// Python's `isoformat()`; its refusal when there is no such day or hour.
    fn isoformat(&self) -> Result<String, Misfit> {
        let [year, month, day] = self.date;
        if year == 0 {
            return Err(Misfit("the year of a date must be in 1..9999"));
        }
        if !(1..=12).contains(&month) {
            return Err(Misfit("the month of a date must be in 1..12"));
        }
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if !(1..=days).contains(&day) {
            return Err(Misfit("the day of a date is out of range for its month"));
        }
        let mut text = format!("{year:04}-{month:02}-{day:02}");
        let Some(time) = &self.time else { return Ok(text) };
        let [hour, minute, second] = time.clock;
        if hour > 23 || minute > 59 || second > 59 {
            return Err(Misfit("the time of day must be in 00:00:00..23:59:59"));
        }
        text.push_str(&format!("T{hour:02}:{minute:02}:{second:02}"));
        if time.microsecond > 0 {
            text.push_str(&format!(".{:06}", time.microsecond));
        }
        if let Some(offset) = time.offset {
            if offset.abs() >= 24 * 60 {
                return Err(Misfit("the offset of a time must be less than 24 hours"));
            }
            let sign = if offset < 0 { '-' } else { '+' };
            text.push_str(&format!("{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60));
        }
        Ok(text)
    }
}

struct Cursor<'a>(&'a str);

impl Cursor<'_> {
    fn take(&mut self, wanted: char) -> Option<()> {
        self.0 = self.0.strip_prefix(wanted)?;
        Some(())
    }

    fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        self.digits_wide(least, most).map(|(number, _)| number)
    }

    fn digits_wide(&mut self, least: usize, most: usize) -> Option<(u32, usize)> {
        let width = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.0.split_at(width);
        self.0 = rest;
        if width < least { None } else { Some((number.parse().ok()?, width)) }
    }

    /// The digits after the point as millionths; more than six are cut, as Python does.
    fn microseconds(&mut self) -> u32 {
        let width = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at(width);
        self.0 = rest;
        format!("{:0<6}", &digits[..width.min(6)]).parse().unwrap_or(0)
    }

    fn blanks(&mut self) -> bool {
        let rest = self.0.trim_start_matches([' ', '\t']);
        let any = rest.len() < self.0.len();
        self.0 = rest;
        any
    }

    /// `Z`, `+1`, `-05:30` or nothing; `None` when it is something else.
    fn offset(&mut self) -> Option<Option<i32>> {
        if self.0.is_empty() {
            return Some(None);
        }
        if self.take('Z').is_some() {
            return Some(Some(0));
        }
        let sign = match self.take('-') {
            Some(()) => -1,
            None => {
                self.take('+')?;
                1
            }
        };
        let hours = self.digits(1, 2)?;
        let minutes = if self.take(':').is_some() { self.digits(2, 2)? } else { 0 };
        Some(Some(sign * i32::try_from(hours * 60 + minutes).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_pyyaml_says() {
        for (text, meaning) in [
            ("yes", Plain::Bool(true)),
            ("Off", Plain::Bool(false)),
            ("y", Plain::Str),
            ("oN", Plain::Str),
            ("0644", Plain::Int(420)),
            ("0o17", Plain::Str),
            ("08", Plain::Str),
            ("1_000", Plain::Int(1000)),
            ("-0x1F", Plain::Int(-31)),
            ("0b101", Plain::Int(5)),
            ("1:30", Plain::Int(90)),
            ("190:20:30", Plain::Int(685_230)),
            ("1:60", Plain::Str),
            ("22:22", Plain::Int(1342)),
            ("1e3", Plain::Str),
            ("1.e+3", Plain::Float(1000.0)),
            ("1.5e3", Plain::Str),
            (".5", Plain::Float(0.5)),
            ("-.5", Plain::Str),
            ("1:30.5", Plain::Float(90.5)),
            ("-.INF", Plain::Float(f64::NEG_INFINITY)),
            ("1.2.3", Plain::Str),
            ("~", Plain::Null),
            ("", Plain::Null),
            ("nULL", Plain::Str),
        ] {
            assert_eq!(plain(text), Ok(meaning), "{text}");
        }
    }

    #[test]
    fn timestamps_become_their_iso_text() {
        for (text, iso) in [
            ("2024-02-29", "2024-02-29"),
            ("2001-12-14t21:59:43.10-05:00", "2001-12-14T21:59:43.100000-05:00"),
            ("2001-12-14 21:59:43.10 -5", "2001-12-14T21:59:43.100000-05:00"),
            ("2001-1-4 1:59:43", "2001-01-04T01:59:43"),
            ("2001-12-15T02:59:43.1Z", "2001-12-15T02:59:43.100000+00:00"),
        ] {
            assert_eq!(plain(text), Ok(Plain::Timestamp(iso.into())), "{text}");
        }
        assert_eq!(plain("2024-1-1"), Ok(Plain::Str));
        assert!(plain("2023-02-29").is_err());
    }

    #[test]
    fn an_integer_beyond_all_bounds_is_refused_not_rounded() {
        assert!(plain(&"9".repeat(60)).is_err());
        assert!(plain("0x_").is_err());
    }
}
