//! The `loadavg` fact.

use data::Map;

/// The unit of the kernel's fixed-point load numbers.
const UNIT: f64 = 65536.0;

/// `loadavg`: the averages of one, five and fifteen minutes, as getloadavg(3) gives them.
pub(super) fn load() -> Map {
    let loads = rustix::system::sysinfo().loads;
    let averages = ["1m", "5m", "15m"].into_iter().zip(loads).map(|(name, load)| (name, load as f64 / UNIT));
    Map::from([("loadavg", averages.collect::<Map>())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_averages() {
        assert_eq!(load().get("loadavg").unwrap().as_map().unwrap().len(), 3);
    }
}
