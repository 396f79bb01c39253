//! The recap's lines: `host : ok=1 changed=0 ...`.

use runner::{HostStats, Stats};

use super::color::Ink;

/// One line a host, sorted by name.
pub(crate) fn lines(stats: &Stats, color: bool) -> Vec<String> {
    let mut hosts: Vec<_> = stats.hosts.iter().collect();
    hosts.sort_by_key(|(host, _)| *host);
    hosts.into_iter().map(|(host, counts)| line(host, counts, color)).collect()
}

fn line(host: &str, counts: &HostStats, color: bool) -> String {
    let fields = [
        ("ok", counts.ok, Ink::Ok),
        ("changed", counts.changed, Ink::Changed),
        ("unreachable", counts.unreachable, Ink::Unreachable),
        ("failed", counts.failed, Ink::Error),
        ("skipped", counts.skipped, Ink::Skip),
        ("rescued", counts.rescued, Ink::Ok),
        ("ignored", counts.ignored, Ink::Warning),
    ];
    let fields: Vec<String> =
        fields.into_iter().map(|(name, count, ink)| field(name, count, color.then_some(ink))).collect();
    format!("{} : {}", name(host, counts, color), fields.join(" "))
}

fn field(name: &str, count: u64, ink: Option<Ink>) -> String {
    let text = format!("{name}={count:<4}");
    match ink {
        Some(ink) if count > 0 => ink.paint(&text),
        _ => text,
    }
}

fn name(host: &str, counts: &HostStats, color: bool) -> String {
    let text = format!("{host:<26}");
    let ink = if counts.failed > 0 || counts.unreachable > 0 {
        Ink::Error
    } else if counts.changed > 0 {
        Ink::Changed
    } else {
        Ink::Ok
    };
    if color { ink.paint(&text) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_sorted_and_counts_padded() {
        let mut stats = Stats::default();
        stats.host(&"b".into()).ok = 12;
        stats.host(&"a".into()).failed = 1;
        assert_eq!(
            lines(&stats, false),
            [
                "a                          : ok=0    changed=0    unreachable=0    failed=1    skipped=0    rescued=0    ignored=0   ",
                "b                          : ok=12   changed=0    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0   ",
            ]
        );
    }
}
