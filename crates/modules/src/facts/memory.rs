//! Memory and uptime facts, from `/proc/meminfo` and `/proc/uptime`.

use data::{Map, Value};

use super::files;

/// `memtotal_mb`, `memfree_mb`, `swaptotal_mb`, `swapfree_mb` and `memory_mb`.
pub(super) fn memory() -> Map {
    files::content("/proc/meminfo").map(|text| from_meminfo(&text)).unwrap_or_default()
}

/// `uptime_seconds`.
pub(super) fn uptime() -> Map {
    let seconds =
        files::text("/proc/uptime").split([' ', '.']).next().and_then(|text| text.parse::<i64>().ok());
    seconds.map(|seconds| Map::from([("uptime_seconds", seconds)])).unwrap_or_default()
}

/// The facts that this text of `/proc/meminfo` gives, all in MiB.
fn from_meminfo(text: &str) -> Map {
    let mib = |name: &str| -> Option<i64> {
        let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
        let kib: i64 = line.split(':').nth(1)?.split_whitespace().next()?.parse().ok()?;
        Some(kib / 1024)
    };
    let both = |a: Option<i64>, b: Option<i64>| Some(a? - b?);

    let (total, free) = (mib("MemTotal"), mib("MemFree"));
    let (swap_total, swap_free) = (mib("SwapTotal"), mib("SwapFree"));
    let no_cache =
        mib("Cached").zip(free).zip(mib("Buffers")).map(|((cached, free), buffers)| cached + free + buffers);

    let mut facts = Map::new();
    let tops = [
        ("memtotal_mb", total),
        ("swaptotal_mb", swap_total),
        ("memfree_mb", free),
        ("swapfree_mb", swap_free),
    ];
    for (name, value) in tops {
        if let Some(value) = value {
            facts.insert(name, value);
        }
    }
    let real =
        Map::from([("total", Value::from(total)), ("used", both(total, free).into()), ("free", free.into())]);
    let nocache = Map::from([("free", Value::from(no_cache)), ("used", both(total, no_cache).into())]);
    let swap = Map::from([
        ("total", Value::from(swap_total)),
        ("free", swap_free.into()),
        ("used", both(swap_total, swap_free).into()),
        ("cached", mib("SwapCached").into()),
    ]);
    facts.insert("memory_mb", Map::from([("real", real), ("nocache", nocache), ("swap", swap)]));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mebibytes_are_rounded_down_and_used_is_the_rest() {
        let text = "MemTotal:    4096000 kB\nMemFree:     1024000 kB\nBuffers:  2048 kB\nCached:  10240 kB\nSwapCached: 0 kB\n\
                    SwapTotal:   1025 kB\nSwapFree:    1023 kB\n";
        let facts = from_meminfo(text);
        assert_eq!(facts.get("memtotal_mb"), Some(&Value::from(4000)));
        assert_eq!(facts.get("swaptotal_mb"), Some(&Value::from(1)));
        let memory = facts.get("memory_mb").unwrap();
        assert_eq!(memory.get("real").unwrap().get("used"), Some(&Value::from(3000)));
        assert_eq!(memory.get("nocache").unwrap().get("free"), Some(&Value::from(1012)));
        assert_eq!(memory.get("swap").unwrap().get("used"), Some(&Value::from(1)));
    }

    #[test]
    fn a_kernel_without_swap_lines_gives_null() {
        let facts = from_meminfo("MemTotal: 2048 kB\nMemFree: 1024 kB\n");
        assert_eq!(facts.get("swaptotal_mb"), None);
        assert_eq!(facts.get("memory_mb").unwrap().get("swap").unwrap().get("total"), Some(&Value::Null));
    }
}
