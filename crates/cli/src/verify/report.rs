//! What the role `verify` found, as a table for people and as JSON for programs.

use std::fmt::Write;

use data::{Map, Value};
use unicode_width::UnicodeWidthStr;

/// One thing that was looked at on one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// The host it was looked at on.
    pub(crate) host: String,
    /// What was looked at.
    pub(crate) check: String,
    /// Whether it is well.
    pub(crate) ok: bool,
    /// What was seen.
    pub(crate) detail: String,
}

/// All checks of all hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// In the order of the hosts.
    pub(crate) checks: Vec<Check>,
}

impl Report {
    /// Reads what the role published with `set_stats` under `verify`: a list of maps with host, check, ok and detail.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let read = |map: &Map| {
            Some(Check {
                host: map.get_str("host")?.to_owned(),
                check: map.get_str("check")?.to_owned(),
                ok: map.get("ok")?.is_truthy(),
                detail: map.get_str("detail")?.trim().to_owned(),
            })
        };
        let checks =
            value.as_list()?.iter().map(|entry| entry.as_map().and_then(read)).collect::<Option<_>>()?;
        Some(Self { checks })
    }

    /// Whether everything is well, and anything was looked at at all.
    pub(crate) fn is_fine(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(|check| check.ok)
    }

    /// Only the checks whose name passes.
    pub(crate) fn only(mut self, wanted: impl Fn(&str) -> bool) -> Self {
        self.checks.retain(|check| wanted(&check.check));
        self
    }

    /// What was seen at the first check of this name that is well.
    pub(crate) fn detail(&self, name: &str) -> Option<&str> {
        self.checks.iter().find(|check| check.ok && check.check == name).map(|check| check.detail.as_str())
    }

    /// The table, one line a check, what is wrong last.
    pub(crate) fn table(&self) -> String {
        let width = |field: fn(&Check) -> &str| {
            self.checks.iter().map(|check| field(check).width()).max().unwrap_or(0)
        };
        let (hosts, names) = (width(|check| &check.host), width(|check| &check.check));
        let (fine, wrong): (Vec<_>, Vec<_>) = self.checks.iter().partition(|check| check.ok);
        let mut text = String::new();
        for Check { host, check, ok, detail } in fine.into_iter().chain(wrong.iter().copied()) {
            let verdict = if *ok { "ok   " } else { "WRONG" };
            let _ = writeln!(text, "{verdict}  {host:hosts$}  {check:names$}  {detail}");
        }
        let _ = match wrong.len() {
            0 => writeln!(text, "\n{} checks, all fine.", self.checks.len()),
            count => writeln!(text, "\n{} checks, {count} wrong.", self.checks.len()),
        };
        text
    }

    /// The report as JSON: `{"ok": bool, "checks": [{"host", "check", "ok", "detail"}]}`.
    pub(crate) fn json(&self) -> serde_json::Value {
        let check = |check: &Check| serde_json::json!({ "host": check.host, "check": check.check, "ok": check.ok, "detail": check.detail });
        serde_json::json!({ "ok": self.is_fine(), "checks": self.checks.iter().map(check).collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published() -> Value {
        let entry = |host: &str, check: &str, ok: bool, detail: &str| {
            Value::from(Map::from([
                ("host", Value::from(host)),
                ("check", Value::from(check)),
                ("ok", Value::from(ok)),
                ("detail", Value::from(detail)),
            ]))
        };
        Value::from(vec![
            entry("master2", "host", false, "unreachable"),
            entry("master1", "etcd quorum", true, "2 of 3 members healthy, quorum holds\n"),
        ])
    }

    #[test]
    fn what_is_wrong_comes_last() {
        assert_eq!(
            Report::read(&published()).unwrap().table(),
            "ok     master1  etcd quorum  2 of 3 members healthy, quorum holds\nWRONG  master2  host         unreachable\n\n2 checks, 1 wrong.\n"
        );
    }

    #[test]
    fn nothing_looked_at_is_not_fine() {
        assert!(!Report::default().is_fine());
        assert!(Report::read(&published()).unwrap().only(|check| check.starts_with("etcd")).is_fine());
    }

    #[test]
    fn a_report_of_another_shape_is_refused() {
        assert_eq!(Report::read(&Value::from(vec![Value::from(1)])), None);
    }
}
