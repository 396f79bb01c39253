//! The `lvm` fact: volume groups, logical and physical volumes, as LVM's own programs list them.

use std::thread;

use data::{Map, Value};

use super::{Gather, files};

const OPTIONS: [&str; 6] = ["--noheadings", "--nosuffix", "--units", "g", "--separator", ","];

/// `lvm`: `N/A` where LVM is not installed, nothing for a user who may not ask.
pub(super) fn lvm(gather: &Gather) -> Map {
    if files::program("vgs").is_none() {
        return Map::from([("lvm", "N/A")]);
    }
    if !rustix::process::getuid().is_root() {
        return Map::from([("lvm", "N/A")]);
    }
    let list = |program: &str| {
        let mut argv = vec![program];
        argv.extend(OPTIONS);
        gather.stdout_of(&argv).unwrap_or_default()
    };
    let (vgs, lvs, pvs) = thread::scope(|scope| {
        let (lvs, pvs) = (scope.spawn(|| list("lvs")), scope.spawn(|| list("pvs")));
        (list("vgs"), lvs.join().unwrap_or_default(), pvs.join().unwrap_or_default())
    });
    let pvs = rows(&pvs, |row| {
        let name = mapper_name(row.first()?);
        Some((name, [("size_g", row.get(4)?), ("free_g", row.get(5)?), ("vg", row.get(1)?)].map(own).into()))
    });
    let found = Map::from([("lvs", logical_volumes(&lvs)), ("vgs", volume_groups(&vgs)), ("pvs", pvs)]);
    Map::from([("lvm", found)])
}

fn volume_groups(listing: &str) -> Map {
    rows(listing, |row| {
        let (size, free) = (row.get(row.len().checked_sub(2)?)?, row.last()?);
        let fields = [("size_g", size), ("free_g", free), ("num_lvs", row.get(2)?), ("num_pvs", row.get(1)?)];
        Some((row.first()?.clone(), fields.map(own).into()))
    })
}

fn logical_volumes(listing: &str) -> Map {
    rows(listing, |row| {
        Some((row.first()?.clone(), [("size_g", row.get(3)?), ("vg", row.get(1)?)].map(own).into()))
    })
}

fn own((name, value): (&'static str, &String)) -> (&'static str, Value) {
    (name, value.as_str().into())
}

/// Splits a listing at commas and turns each line into an entry.
fn rows(listing: &str, entry: impl Fn(&[String]) -> Option<(String, Map)>) -> Map {
    let lines = listing.lines().map(|line| line.trim().split(',').map(str::to_owned).collect::<Vec<_>>());
    lines.filter_map(|row| entry(&row)).collect()
}

/// `/dev/dm-N` by the name that device mapper knows it under.
fn mapper_name(device: &str) -> String {
    let named = device.strip_prefix("/dev/").filter(|name| name.starts_with("dm-"));
    let name = named.and_then(|name| files::content(format!("/sys/block/{name}/dm/name")));
    name.map_or_else(|| device.to_owned(), |name| format!("/dev/mapper/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_of_lvm_become_maps() {
        let groups = volume_groups("  data,2,3,0,wz--n-,99.99,10.00\n");
        let data = groups.get("data").unwrap();
        assert_eq!(data.get("size_g"), Some(&Value::from("99.99")));
        assert_eq!(data.get("num_pvs"), Some(&Value::from("2")));
        let volumes = logical_volumes("  root,data,-wi-ao----,20.00,,,,,,,,\n");
        assert_eq!(volumes.get("root").unwrap().get("vg"), Some(&Value::from("data")));
    }
}
