//! The `date_time` fact, in the host's time zone and in UTC.

use data::Map;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// `date_time`: every part as text, as Ansible has it.
pub(super) fn date_time() -> Map {
    Map::from([("date_time", describe(Timestamp::now(), &TimeZone::system()))])
}

fn describe(now: Timestamp, zone: &TimeZone) -> Map {
    let local = now.to_zoned(zone.clone());
    let utc = now.to_zoned(TimeZone::UTC);
    let micros = format!("{:06}", local.subsec_nanosecond() / 1000);
    let second = local.timestamp().as_second().to_string();
    let mut fact = Map::new();
    for (name, format) in [
        ("year", "%Y"),
        ("month", "%m"),
        ("weekday", "%A"),
        ("weekday_number", "%w"),
        ("weeknumber", "%W"),
        ("day", "%d"),
        ("hour", "%H"),
        ("minute", "%M"),
        ("second", "%S"),
    ] {
        fact.insert(name, local.strftime(format).to_string());
    }
    fact.insert("epoch", second.as_str());
    fact.insert("epoch_int", second.as_str());
    fact.insert("date", local.strftime("%Y-%m-%d").to_string());
    fact.insert("time", local.strftime("%H:%M:%S").to_string());
    fact.insert("iso8601_micro", format!("{}.{micros}Z", utc.strftime("%Y-%m-%dT%H:%M:%S")));
    fact.insert("iso8601", utc.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    fact.insert("iso8601_basic", format!("{}{micros}", local.strftime("%Y%m%dT%H%M%S")));
    fact.insert("iso8601_basic_short", local.strftime("%Y%m%dT%H%M%S").to_string());
    fact.insert("tz", local.strftime("%Z").to_string());
    fact.insert("tz_dst", summer_name(&local));
    fact.insert("tz_offset", local.strftime("%z").to_string());
    fact
}

/// Python's `time.tzname[1]`: of the zone's names in January and July, the one of the larger offset.
fn summer_name(local: &Zoned) -> String {
    let in_month = |month: i8| {
        let date = local.date().with().month(month).day(1).build().ok()?;
        let then = date.to_zoned(local.time_zone().clone()).ok()?;
        Some((then.offset().seconds(), then.strftime("%Z").to_string()))
    };
    match (in_month(1), in_month(7)) {
        (Some(january), Some(july)) if january.0 > july.0 => january.1,
        (_, Some(july)) => july.1,
        _ => local.strftime("%Z").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_text_and_the_zone_is_the_hosts() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let fact = describe(Timestamp::new(1_735_689_845, 123_456_789).unwrap(), &zone);
        for (name, value) in [
            ("iso8601_micro", "2025-01-01T00:04:05.123456Z"),
            ("iso8601_basic", "20250101T010405123456"),
            ("epoch", "1735689845"),
            ("weekday", "Wednesday"),
            ("weeknumber", "00"),
            ("tz", "CET"),
            ("tz_dst", "CEST"),
            ("tz_offset", "+0100"),
        ] {
            assert_eq!(fact.get_str(name), Some(value), "{name}");
        }
    }

    #[test]
    fn the_southern_summer_is_in_january() {
        let zone = TimeZone::posix("NZST-12NZDT,M9.5.0,M4.1.0/3").unwrap();
        let fact = describe(Timestamp::new(1_735_689_845, 0).unwrap(), &zone);
        assert_eq!(fact.get_str("tz_dst"), Some("NZDT"));
    }
}
