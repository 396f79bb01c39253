//! Dates and times as values. A file's date travels as the text that Python's `isoformat()` prints, with a mark ([`Text::is_date`]), so that whoever
//! takes text (modules, JSON, the wire) gets that text, and only templates and YAML need to know that it is more.

use crate::{Text, yaml};

impl Text {
    /// The date or time that `chars` spell by the rules of YAML 1.1 (`2001-12-14`, `2001-12-14 21:59:43.10 -5`), as its ISO text with the mark.
    /// `None` when they spell none, or one that does not exist.
    pub fn date(chars: &str) -> Option<Self> {
        yaml::timestamp(chars).map(|iso| Self::plain(iso).into_date())
    }

    /// Python's `str()` of it: a date and its time are a blank apart, other text is as it is.
    pub fn python_str(&self) -> String {
        if self.is_date() { self.replacen('T', " ", 1) } else { self.as_str().to_owned() }
    }
}

/// Python's `repr()` of a date or time, given as its ISO text: `datetime.date(2001, 12, 14)`.
pub fn repr(iso: &str) -> String {
    let Some((date, time)) = iso.split_once('T') else {
        return format!("datetime.date({})", numbers(iso, '-').join(", "));
    };
    let (clock, offset) = match time.find(['+', '-']) {
        Some(at) => time.split_at(at),
        None => (time, ""),
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut fields = numbers(date, '-');
    let mut clock = numbers(clock, ':');
    // Python leaves seconds of zero out, unless microseconds follow.
    if fraction.is_empty() && clock.last().is_some_and(|second| second == "0") {
        clock.pop();
    }
    fields.extend(clock);
    if !fraction.is_empty() {
        fields.push(number(fraction));
    }
    if !offset.is_empty() {
        fields.push(format!("tzinfo={}", zone(offset)));
    }
    format!("datetime.datetime({})", fields.join(", "))
}

/// `+00:00` is `datetime.timezone.utc`; west of it are a day less and the rest of that day, as timedeltas are.
fn zone(offset: &str) -> String {
    let (sign, size) = offset.split_at(1);
    let seconds = numbers(size, ':').iter().fold(0, |sum, part| sum * 60 + part.parse().unwrap_or(0))
        * if size.matches(':').count() == 1 { 60 } else { 1 };
    match (sign, seconds) {
        (_, 0) => "datetime.timezone.utc".to_owned(),
        ("-", west) => {
            format!("datetime.timezone(datetime.timedelta(days=-1, seconds={}))", 86_400_i64 - west)
        }
        (_, east) => format!("datetime.timezone(datetime.timedelta(seconds={east}))"),
    }
}

fn numbers(text: &str, separator: char) -> Vec<String> {
    text.split(separator).map(number).collect()
}

/// Digits without the zeros before them.
fn number(digits: &str) -> String {
    let rest = digits.trim_start_matches('0');
    if rest.is_empty() { "0".to_owned() } else { rest.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_are_pythons() {
        for (text, str, python) in [
            ("2001-12-14", "2001-12-14", "datetime.date(2001, 12, 14)"),
            ("2001-01-04 21:59:00", "2001-01-04 21:59:00", "datetime.datetime(2001, 1, 4, 21, 59)"),
            (
                "2001-12-14t21:59:43.10-05:00",
                "2001-12-14 21:59:43.100000-05:00",
                "datetime.datetime(2001, 12, 14, 21, 59, 43, 100000, \
                 tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=68400)))",
            ),
            (
                "2001-12-14T00:00:00Z",
                "2001-12-14 00:00:00+00:00",
                "datetime.datetime(2001, 12, 14, 0, 0, tzinfo=datetime.timezone.utc)",
            ),
        ] {
            let date = Text::date(text).unwrap();
            assert_eq!(date.python_str(), str);
            assert_eq!(repr(&date), python);
        }
        assert!(Text::date("2001-02-30").is_none());
        assert!(Text::date("12").is_none());
    }

    #[test]
    fn other_characters_are_no_date() {
        assert!(!Text::date("2001-12-14").unwrap().with_chars("x").is_date());
        assert_eq!(Text::plain("To").python_str(), "To");
    }
}
