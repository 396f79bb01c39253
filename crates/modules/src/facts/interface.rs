//! What `/sys/class/net` tells about one network interface.

use std::path::Path;

use data::{Map, Value};

use super::files;

/// `device`, `macaddress`, `mtu`, `active`, `module`, `type`, `pciid`, `speed`, `promisc`, and what bridges and bonds add.
/// `folder` is the interface's folder under `/sys/class/net`.
pub(super) fn describe(name: &str, folder: &Path) -> Map {
    let read = |file: &str| files::content(folder.join(file));
    let mut fact = Map::from([("device", name)]);
    if let Some(address) = read("address").filter(|address| address != "00:00:00:00:00:00") {
        fact.insert("macaddress", address);
    }
    if let Some(mtu) = read("mtu").and_then(|text| text.parse::<i64>().ok()) {
        fact.insert("mtu", mtu);
    }
    if folder.join("operstate").exists() {
        fact.insert("active", read("operstate").as_deref() != Some("down"));
    }
    if let Some(module) = files::link_name(folder.join("device/driver/module")) {
        fact.insert("module", module);
    }
    if let Some(number) = read("type") {
        fact.insert("type", type_name(&number));
    }
    if folder.join("bridge").exists() {
        bridge(folder, &mut fact);
    }
    if folder.join("bonding").exists() {
        bonding(folder, &mut fact);
    }
    if folder.join("bonding_slave").exists() {
        fact.insert("perm_macaddress", read("bonding_slave/perm_hwaddr").unwrap_or_default());
    }
    if let Some(id) = files::link_name(folder.join("device")) {
        fact.insert("pciid", id);
    }
    if let Some(speed) = read("speed").and_then(|text| text.parse::<i64>().ok()) {
        fact.insert("speed", speed);
    }
    if let Some(flags) =
        read("flags").and_then(|text| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok())
    {
        fact.insert("promisc", flags & 0x100 != 0);
    }
    fact
}

/// ARPHRD_* numbers of the kernel's `if_arp.h`.
fn type_name(number: &str) -> &'static str {
    match number {
        "1" => "ether",
        "32" => "infiniband",
        "512" => "ppp",
        "772" => "loopback",
        "65534" => "tunnel",
        _ => "unknown",
    }
}

fn bridge(folder: &Path, fact: &mut Map) {
    fact.insert("type", "bridge");
    fact.insert(
        "interfaces",
        files::names(folder.join("brif")).into_iter().map(Value::from).collect::<Value>(),
    );
    if folder.join("bridge/bridge_id").exists() {
        fact.insert("id", files::text(folder.join("bridge/bridge_id")));
    }
    if folder.join("bridge/stp_state").exists() {
        fact.insert("stp", files::text(folder.join("bridge/stp_state")) == "1");
    }
}

fn bonding(folder: &Path, fact: &mut Map) {
    let read = |file: &str| files::text(folder.join("bonding").join(file));
    fact.insert("type", "bonding");
    fact.insert("slaves", read("slaves").split_whitespace().map(Value::from).collect::<Value>());
    for name in ["mode", "miimon", "lacp_rate"] {
        fact.insert(name, read(name).split_whitespace().next().unwrap_or_default());
    }
    let primary = read("primary");
    if !primary.is_empty() {
        fact.insert("primary", primary);
        if folder.join("bonding/all_slaves_active").exists() {
            fact.insert("all_slaves_active", read("all_slaves_active") == "1");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    #[test]
    fn a_plain_interface() {
        let sys = folder(&[
            ("address", "02:00:00:00:00:01\n"),
            ("mtu", "1500\n"),
            ("operstate", "unknown\n"),
            ("type", "1\n"),
            ("flags", "0x1103\n"),
        ]);
        let fact = describe("eth0", sys.path());
        assert_eq!(fact.get("mtu"), Some(&Value::from(1500)));
        assert_eq!(fact.get("active"), Some(&Value::from(true)));
        assert_eq!(fact.get_str("type"), Some("ether"));
        assert_eq!(fact.get("promisc"), Some(&Value::from(true)));
        assert_eq!(fact.get("speed"), None);
    }

    #[test]
    fn a_bond_names_its_slaves() {
        let sys = folder(&[
            ("bonding/slaves", "eth0 eth1\n"),
            ("bonding/mode", "802.3ad 4\n"),
            ("bonding/miimon", "100\n"),
            ("bonding/lacp_rate", "fast 1\n"),
        ]);
        let fact = describe("bond0", sys.path());
        assert_eq!(fact.get_str("type"), Some("bonding"));
        assert_eq!(fact.get_str("mode"), Some("802.3ad"));
        assert_eq!(fact.get("slaves").unwrap().as_list().unwrap().len(), 2);
    }

    #[test]
    fn a_bridge_lists_its_ports() {
        let sys =
            folder(&[("bridge/bridge_id", "8000.02\n"), ("bridge/stp_state", "1\n"), ("brif/veth0/x", "")]);
        let fact = describe("br0", sys.path());
        assert_eq!(fact.get("stp"), Some(&Value::from(true)));
        assert_eq!(fact.get("interfaces").unwrap().as_list().unwrap()[0], Value::from("veth0"));
    }
}
