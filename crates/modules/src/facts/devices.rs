//! The `devices` and `device_links` facts: block devices with their partitions, from `/sys/block` and udev's links.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use data::{Map, Value};
use fancy_regex::Regex;

use super::{Gather, files};

/// Kinds of links, in Ansible's order of reporting.
const LINK_KINDS: [&str; 4] = ["ids", "uuids", "labels", "masters"];

/// Link names by device, for one kind.
type Links = BTreeMap<String, BTreeSet<String>>;

/// Everything the devices share.
struct Surroundings {
    links: [Links; 4],
    world_wide_names: BTreeMap<String, String>,
    uuids: BTreeMap<String, String>,
}

/// `devices` and `device_links`.
pub(super) fn devices(gather: &Gather) -> Map {
    let around = Surroundings {
        links: [
            links_in("/dev/disk/by-id"),
            links_in("/dev/disk/by-uuid"),
            links_in("/dev/disk/by-label"),
            owners(),
        ],
        world_wide_names: world_wide_names(),
        uuids: partition_uuids(),
    };
    let mut pci = PciNames { gather, listing: None };
    let mut found = Map::new();
    for block in files::names("/sys/block") {
        if let Some(device) = device(&block, &around, &mut pci) {
            found.insert(block.as_str(), device);
        }
    }
    let links: Map =
        LINK_KINDS.iter().zip(&around.links).map(|(kind, links)| (*kind, link_map(links))).collect();
    Map::from([("devices", found), ("device_links", links)])
}

fn device(block: &str, around: &Surroundings, pci: &mut PciNames<'_>) -> Option<Map> {
    let target = fs::read_link(Path::new("/sys/block").join(block)).ok()?;
    let folder = Path::new("/sys/block").join(&target);
    let read = |name: &str| files::content(folder.join(name));
    let mut fact = Map::from([("virtual", Value::from(1)), ("links", around.links_of(block).into())]);
    for name in ["vendor", "model", "sas_address", "sas_device_handle"] {
        fact.insert(name, read(&format!("device/{name}")));
    }
    if let Some(serial) = serial(block, pci.gather) {
        fact.insert("serial", serial);
    }
    fact.insert("removable", read("removable"));
    let no_discard = read("queue/discard_max_hw_bytes").as_deref() == Some("0");
    fact.insert(
        "support_discard",
        if no_discard { Some("0".to_owned()) } else { read("queue/discard_granularity") },
    );
    if let Some(name) = around.world_wide_names.get(block) {
        fact.insert("wwn", name.as_str());
    }
    fact.insert("partitions", partitions(block, &folder, around));
    fact.insert("rotational", read("queue/rotational"));
    fact.insert(
        "scheduler_mode",
        read("queue/scheduler").and_then(|text| in_brackets(&text)).unwrap_or_default(),
    );
    let (size, sector) = sectors(&folder);
    fact.insert("sectorsize", sector_fact(&folder));
    fact.insert("sectors", size);
    fact.insert("size", human_size(size as f64 * sector as f64));
    fact.insert("host", pci.host_of(&folder.to_string_lossy()).unwrap_or_default());
    fact.insert("holders", holders(&folder));
    Some(fact)
}

fn partitions(block: &str, folder: &Path, around: &Surroundings) -> Map {
    let mut found = Map::new();
    for name in files::names(folder).into_iter().filter(|name| is_partition(block, name)) {
        let own = folder.join(&name);
        let (size, sector) = sectors(&own);
        let uuid = around.uuids.get(&name).cloned();
        let fact = Map::from([
            ("links", Value::from(around.links_of(&name))),
            ("start", files::content(own.join("start")).map_or(Value::Int(0), Value::from)),
            ("sectorsize", sector_fact(&own)),
            ("sectors", size.into()),
            ("size", human_size(size as f64 * sector as f64).into()),
            ("uuid", uuid.into()),
            ("holders", holders(&own)),
        ]);
        found.insert(name.as_str(), fact);
    }
    found
}

/// Whether `name` is the disk's name, an optional `p` and a number.
fn is_partition(block: &str, name: &str) -> bool {
    let Some(rest) = name.strip_prefix(block) else { return false };
    let number = rest.strip_prefix('p').unwrap_or(rest);
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

impl Surroundings {
    fn links_of(&self, device: &str) -> Map {
        let of = |links: &Links| links.get(device).map_or_else(|| Value::from(Vec::new()), list);
        LINK_KINDS.iter().zip(&self.links).map(|(kind, links)| (*kind, of(links))).collect()
    }
}

fn list(names: &BTreeSet<String>) -> Value {
    names.iter().map(|name| Value::from(name.as_str())).collect()
}

fn link_map(links: &Links) -> Map {
    links.iter().map(|(device, names)| (device.as_str(), list(names))).collect()
}

/// The names of the links in a folder by the device that they point at.
fn links_in(folder: &str) -> Links {
    let mut links = Links::new();
    for name in files::names(folder) {
        if let Some(target) = files::link_name(Path::new(folder).join(&name)) {
            links.entry(target).or_default().insert(name);
        }
    }
    links
}

/// Devices that are built on others, by the other (`/sys/block/dm-0/slaves/sda2`).
fn owners() -> Links {
    let mut links = Links::new();
    for device in files::names("/sys/block") {
        for slave in files::names(format!("/sys/block/{device}/slaves")) {
            links.entry(slave).or_default().insert(device.clone());
        }
    }
    links
}

fn world_wide_names() -> BTreeMap<String, String> {
    let named = files::names("/dev/disk/by-id").into_iter().filter_map(|link| {
        let device = files::link_name(Path::new("/dev/disk/by-id").join(&link))?;
        Some((device, link.strip_prefix("wwn-")?.to_owned()))
    });
    named.collect()
}

fn partition_uuids() -> BTreeMap<String, String> {
    let folder = Path::new("/dev/disk/by-uuid");
    files::names(folder)
        .into_iter()
        .filter_map(|uuid| Some((files::link_name(folder.join(&uuid))?, uuid)))
        .collect()
}

/// Device mapper names, or plain names, of what is built on a device.
fn holders(folder: &Path) -> Value {
    let holders = folder.join("holders");
    let devices = files::names(&holders).into_iter().filter(|name| name.starts_with("dm-"));
    devices
        .map(|name| Value::from(files::content(holders.join(&name).join("dm/name")).unwrap_or(name)))
        .collect()
}

fn serial(block: &str, gather: &Gather) -> Option<String> {
    static SERIAL: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:Unit serial|Serial) number:\s+(\w+)").expect("the pattern is valid")
    });
    if files::program("sg_inq").is_none() {
        return files::content(format!("/sys/block/{block}/device/serial"));
    }
    let out = gather.stdout_of(&["sg_inq", &format!("/dev/{block}")])?;
    Some(SERIAL.captures(&out).ok()??.get(1)?.as_str().to_owned())
}

/// What `sectorsize` shows: text if the kernel tells it, else the number 512.
fn sector_fact(folder: &Path) -> Value {
    let told = |name: &str| files::content(folder.join("queue").join(name));
    told("logical_block_size").or_else(|| told("hw_sector_size")).map_or(Value::Int(512), Value::from)
}

/// The number of sectors in the device's own sector size, and that size. The kernel counts in 512 bytes always.
fn sectors(folder: &Path) -> (i64, i64) {
    let size: i64 = files::text(folder.join("size")).parse().unwrap_or(0);
    let sector = match sector_fact(folder) {
        Value::Str(text) => text.parse().ok().filter(|size| *size > 0).unwrap_or(512),
        _ => 512,
    };
    (size * 512 / sector, sector)
}

fn in_brackets(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('[')?;
    Some(rest.rsplit_once(']')?.0.to_owned())
}

/// A size with two digits and a unit (`251.97 GB`), as Ansible's `human_readable` prints it.
fn human_size(bytes: f64) -> String {
    const UNITS: [(&str, u32); 8] =
        [("YB", 80), ("ZB", 70), ("EB", 60), ("PB", 50), ("TB", 40), ("GB", 30), ("MB", 20), ("KB", 10)];
    let found = UNITS.iter().find(|(_, power)| bytes >= 2f64.powi(*power as i32));
    let (unit, power) = found.copied().unwrap_or(("Bytes", 0));
    format!("{:.2} {unit}", bytes / 2f64.powi(power as i32))
}

/// The names of PCI devices by address, asked of `lspci` only if a device needs them.
struct PciNames<'a> {
    gather: &'a Gather,
    listing: Option<String>,
}

impl PciNames<'_> {
    fn host_of(&mut self, folder: &str) -> Option<String> {
        static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"^.+/([a-f0-9]{4}:[a-f0-9]{2}:[0|1][a-f0-9]\.[0-7])/").expect("the pattern is valid")
        });
        let address = ADDRESS.captures(folder).ok()??.get(1)?.as_str();
        let gather = self.gather;
        let listing =
            self.listing.get_or_insert_with(|| gather.stdout_of(&["lspci", "-D"]).unwrap_or_default());
        listing.lines().find_map(|line| Some(line.strip_prefix(address)?.trim_start().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_printed_with_two_digits() {
        for (bytes, text) in [
            (0.0, "0.00 Bytes"),
            (1023.0, "1023.00 Bytes"),
            (1024.0, "1.00 KB"),
            (270_553_174_016.0, "251.97 GB"),
            (1.1e12, "1.00 TB"),
        ] {
            assert_eq!(human_size(bytes), text);
        }
    }

    #[test]
    fn partitions_are_the_disk_and_a_number() {
        for (block, name, is) in [
            ("sda", "sda1", true),
            ("nvme0n1", "nvme0n1p2", true),
            ("sda", "sda", false),
            ("sda", "queue", false),
            ("sda", "sdap", false),
        ] {
            assert_eq!(is_partition(block, name), is, "{name}");
        }
    }

    #[test]
    fn the_chosen_scheduler_stands_in_brackets() {
        assert_eq!(in_brackets("[none] mq-deadline").as_deref(), Some("none"));
        assert_eq!(in_brackets("none"), None);
    }
}
