//! Offload features and time stamping of an interface, as `ethtool` lists them where it is installed.

use std::sync::LazyLock;

use data::{Map, Value};
use fancy_regex::Regex;

use super::{Gather, files};

/// `features`, `timestamping`, `hw_timestamp_filters` and `phc_index`; empty without `ethtool`.
pub(super) fn describe(gather: &Gather, device: &str) -> Map {
    let mut fact = Map::new();
    if files::program("ethtool").is_none() {
        return fact;
    }
    if let Some(out) = gather.stdout_of(&["ethtool", "-k", device]) {
        fact.insert("features", features(&out));
    }
    if let Some(out) = gather.stdout_of(&["ethtool", "-T", device]) {
        fact.extend_from(&time_stamping(&out));
    }
    fact
}

fn features(out: &str) -> Map {
    let lines = out.trim().lines().filter(|line| !line.is_empty() && !line.ends_with(':'));
    let pairs = lines.filter_map(|line| line.split_once(": ")).filter(|(_, value)| !value.is_empty());
    pairs.map(|(key, value)| (key.trim().replace('-', "_"), value.trim())).collect()
}

fn time_stamping(out: &str) -> Map {
    static NAMES: LazyLock<[Regex; 3]> = LazyLock::new(|| {
        [r"SOF_TIMESTAMPING_(\w+)", r"HWTSTAMP_FILTER_(\w+)", r"PTP Hardware Clock: (\d+)"]
            .map(|pattern| Regex::new(pattern).expect("the pattern is valid"))
    });
    let all = |pattern: &Regex| -> Vec<String> {
        let found = pattern
            .captures_iter(out)
            .flatten()
            .filter_map(|found| Some(found.get(1)?.as_str().to_lowercase()));
        found.collect()
    };
    let list = |pattern: &Regex| all(pattern).into_iter().map(Value::from).collect::<Value>();
    let mut fact = Map::from([("timestamping", list(&NAMES[0])), ("hw_timestamp_filters", list(&NAMES[1]))]);
    if let Some(index) = all(&NAMES[2]).first().and_then(|text| text.parse::<i64>().ok()) {
        fact.insert("phc_index", index);
    }
    fact
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from ethtool 6.1.
    #[test]
    fn recorded_features_are_read() {
        let found = features(
            "Features for eth0:\nrx-checksumming: on [fixed]\n\ttx-checksum-ipv4: off\nscatter-gather: on\n",
        );
        assert_eq!(found.get_str("rx_checksumming"), Some("on [fixed]"));
        assert_eq!(found.get_str("tx_checksum_ipv4"), Some("off"));
        assert_eq!(found.len(), 3);
    }

    /// Recorded from ethtool 5.4.
    #[test]
    fn recorded_time_stamping_is_read() {
        let out = "Time stamping parameters for eth0:\nCapabilities:\n\tsoftware-transmit     (SOF_TIMESTAMPING_TX_SOFTWARE)\n\
                   PTP Hardware Clock: 2\nHardware Receive Filter Modes:\n\tnone  (HWTSTAMP_FILTER_NONE)\n";
        let found = time_stamping(out);
        assert_eq!(found.get("timestamping").unwrap().as_list().unwrap()[0], Value::from("tx_software"));
        assert_eq!(found.get("phc_index"), Some(&Value::from(2)));
    }
}
