//! What `ufw` has and says: its rules in their files, its status, and what a dry run would write.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Where versions and distributions keep the rules.
const RULES: [&str; 6] = [
    "/lib/ufw/user.rules",
    "/lib/ufw/user6.rules",
    "/etc/ufw/user.rules",
    "/etc/ufw/user6.rules",
    "/var/lib/ufw/user.rules",
    "/var/lib/ufw/user6.rules",
];

/// Every rule is marked by a line of this kind.
const MARK: &str = "### tuple";

/// The marks of all rules there are.
pub(super) fn rules() -> Vec<String> {
    let texts = RULES.iter().filter_map(|path| fs::read_to_string(path).ok());
    texts.flat_map(|text| marks(&text)).collect()
}

/// The marks in a text of rules, such as a dry run prints.
pub(super) fn marks(text: &str) -> Vec<String> {
    text.lines().filter(|line| line.starts_with(MARK)).map(str::to_owned).collect()
}

/// Whether a dry run of a rule says that something would change. It prints only the rules of the version of IP that the addresses are of.
pub(super) fn would_change(dry: &str, before: &[String], from: &str, to: &str) -> bool {
    let lines = dry.lines().count();
    let skipped = dry.lines().filter(|line| line.contains("Skipping")).count();
    if skipped > 0 && skipped == lines {
        return false;
    }
    let after = marks(dry);
    if [from, to].iter().any(|address| is_ipv4(address)) {
        only(before, has_ipv4) != only(&after, has_ipv4)
    } else if [from, to].iter().any(|address| is_ipv6(address)) {
        only(before, has_ipv6) != only(&after, has_ipv6)
    } else {
        before != after
    }
}

fn only(marks: &[String], fits: fn(&str) -> bool) -> Vec<&String> {
    marks.iter().filter(|mark| fits(mark)).collect()
}

fn has_ipv4(mark: &str) -> bool {
    mark.split_whitespace().any(is_ipv4)
}

fn has_ipv6(mark: &str) -> bool {
    mark.split_whitespace().any(is_ipv6)
}

fn is_ipv4(address: &str) -> bool {
    address.split('/').next().is_some_and(|bare| bare.parse::<Ipv4Addr>().is_ok())
}

fn is_ipv6(address: &str) -> bool {
    address.split(['/', '%']).next().is_some_and(|bare| bare.parse::<Ipv6Addr>().is_ok())
}

/// The level of logging in a verbose status: `on` or `off`, and the level if it is on.
pub(super) fn logging(status: &str) -> Option<(&str, Option<&str>)> {
    let line = status.lines().find_map(|line| line.strip_prefix("Logging: "))?;
    let state = line.split_whitespace().next()?;
    Some((state, line.split_once('(').and_then(|(_, rest)| rest.split(')').next())))
}

/// The default policy of a direction in a verbose status.
pub(super) fn default_policy<'s>(status: &'s str, direction: &str) -> Option<&'s str> {
    let line = status.lines().find_map(|line| line.strip_prefix("Default: "))?;
    line.split(", ").find_map(|part| {
        part.split_once(" (").filter(|(_, of)| of.starts_with(direction)).map(|(policy, _)| policy)
    })
}

/// The numbers of rules in a numbered status, each with whether it is one of IPv6.
fn numbered(status: &str) -> Vec<(i64, bool)> {
    let number = |line: &str| line.strip_prefix('[')?.split_once(']')?.0.trim().parse().ok();
    status.lines().filter_map(|line| Some((number(line)?, line.contains("(v6)")))).collect()
}

/// The place that `insert` means, counted from where `insert_relative_to` says; `None` is the end.
pub(super) fn place(insert: i64, relative_to: &str, numbered_status: &str) -> Option<i64> {
    let rules = numbered(numbered_status);
    let last = rules.iter().map(|(number, _)| *number).max().unwrap_or(0);
    let last_ipv4 = rules.iter().filter(|(_, ipv6)| !ipv6).map(|(number, _)| *number).max();
    let base = match relative_to {
        "last-ipv4" => last_ipv4.unwrap_or(1),
        "first-ipv6" => last_ipv4.map_or(1, |number| number + 1),
        "last-ipv6" if rules.iter().any(|(_, ipv6)| *ipv6) => last,
        "last-ipv6" => last + 1,
        _ => 1,
    };
    // ufw refuses a number beyond the last.
    Some(insert + base).filter(|place| *place <= last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str =
        "Status: active\nLogging: on (low)\nDefault: deny (incoming), allow (outgoing), disabled (routed)\n";
    const NUMBERED: &str = "Status: active\n\n     To   Action  From\n[ 1] 22   ALLOW IN  Anywhere\n[ 2] 80   ALLOW IN  Anywhere\n[ 3] 22 (v6)  ALLOW IN  Anywhere (v6)\n";

    #[test]
    fn a_status_is_read() {
        assert_eq!(logging(STATUS), Some(("on", Some("low"))));
        assert_eq!(logging("Status: inactive\n"), None);
        assert_eq!(default_policy(STATUS, "incoming"), Some("deny"));
        assert_eq!(default_policy(STATUS, "routed"), Some("disabled"));
    }

    #[test]
    fn places_are_counted_from_where_it_is_said() {
        for (insert, relative_to, expected) in [
            (0, "first-ipv4", Some(1)),
            (0, "last-ipv4", Some(2)),
            (0, "first-ipv6", Some(3)),
            (0, "last-ipv6", Some(3)),
            (-1, "last-ipv4", Some(1)),
            (5, "first-ipv4", None),
        ] {
            assert_eq!(place(insert, relative_to, NUMBERED), expected, "{insert} {relative_to}");
        }
        assert_eq!(place(0, "first-ipv4", ""), None);
    }

    #[test]
    fn a_dry_run_is_compared_by_its_version_of_ip() {
        let four = "### tuple ### allow any 22 10.0.0.0/8 any 0.0.0.0/0 in".to_owned();
        let six = "### tuple ### allow any 22 ::/0 any ::/0 in".to_owned();
        let before = vec![four.clone(), six.clone()];
        assert!(!would_change(&four, &before, "any", "10.0.0.0/8"));
        assert!(would_change(
            &format!("{four}\n{six}\n### tuple ### deny any 1 any in\n"),
            &before,
            "any",
            "any"
        ));
        assert!(!would_change(
            "Skipping adding existing rule\nSkipping adding existing rule (v6)\n",
            &before,
            "any",
            "any"
        ));
    }
}
