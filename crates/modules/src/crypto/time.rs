//! Points in time as tasks write them and as certificates hold them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::der::{self, tag};
use crate::Failure;

/// Reads `+3650d`, `-1h30m`, or `20301231235959Z` (seconds may be left out), in UTC.
pub(super) fn parse(text: &str, argument: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let wrong = || Failure::new(format!("The time spec \"{text}\" for {argument} is invalid"));
    if let Some(sign) = text.chars().next().filter(|first| matches!(first, '+' | '-')) {
        let seconds = seconds_of(&text[1..]).ok_or_else(wrong)?;
        let length = SignedDuration::from_secs(if sign == '-' { -seconds } else { seconds });
        return now.checked_add(length).map_err(|_| wrong());
    }
    let digits = text.strip_suffix('Z').ok_or_else(wrong)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let format = if digits.len() == 12 { "%Y%m%d%H%M" } else { "%Y%m%d%H%M%S" };
    let civil = DateTime::strptime(format, digits).map_err(|_| wrong())?;
    civil.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).map_err(|_| wrong())
}

/// Seconds in weeks, days, hours, minutes and seconds, in that order, each at most once.
fn seconds_of(text: &str) -> Option<i64> {
    const UNITS: [(char, i64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
    let (mut total, mut units, mut rest) = (0i64, UNITS.iter(), text);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..end].parse().ok()?;
        let unit = rest[end..].chars().next()?.to_ascii_lowercase();
        let (_, length) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.checked_mul(*length)?)?;
        rest = &rest[end + 1..];
    }
    Some(total)
}

/// The form of a certificate: two digits for the year until 2049, four after (RFC 5280, 4.1.2.5).
pub(super) fn encode(time: Timestamp) -> Vec<u8> {
    let zoned = time.to_zoned(TimeZone::UTC);
    if (1950..2050).contains(&zoned.year()) {
        der::tlv(tag::UTC_TIME, zoned.strftime("%y%m%d%H%M%SZ").to_string())
    } else {
        der::tlv(tag::GENERALIZED_TIME, show(time))
    }
}

/// The form of results: `20301231235959Z`.
pub(super) fn show(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<String> {
        parse(text, "not_after", Timestamp::from_second(86_400).unwrap()).ok().map(show)
    }

    #[test]
    fn relative_and_absolute_times() {
        for (text, time) in [
            ("+0s", Some("19700102000000Z")),
            ("+365d", Some("19710102000000Z")),
            ("+1w1d1h1m1s", Some("19700110010101Z")),
            ("-1d", Some("19700101000000Z")),
            ("20301231235959Z", Some("20301231235959Z")),
            ("203012312359Z", Some("20301231235900Z")),
            ("+1x", None),
            ("+1s1d", None),
            ("tomorrow", None),
            ("20301301000000Z", None),
        ] {
            assert_eq!(at(text).as_deref(), time, "{text}");
        }
    }

    #[test]
    fn the_year_2050_is_written_in_full() {
        let time = |text: &str| parse(text, "x", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(encode(time("20491231235959Z"))[0], tag::UTC_TIME);
        assert_eq!(encode(time("20500101000000Z"))[0], tag::GENERALIZED_TIME);
    }
}
