//! Network facts: interfaces, their addresses, the addresses that lead to the outside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use data::{Map, Value};
use indexmap::IndexMap;

use super::netlink::{self, Address, Route};
use super::{Gather, ethtool, files, interface};

/// Addresses far away, asked for only to learn which way a packet would leave; nothing is sent to them.
const FAR_V4: Ipv4Addr = Ipv4Addr::new(8, 8, 8, 8);
const FAR_V6: Ipv6Addr = Ipv6Addr::new(0x2404, 0x6800, 0x400a, 0x800, 0, 0, 0, 0x1012);

/// `interfaces`, one fact for each interface, `default_ipv4`, `default_ipv6`, `all_ipv4_addresses`, `all_ipv6_addresses` and
/// `locally_reachable_ips`.
pub(super) fn network(gather: &Gather) -> Map {
    let names = files::names("/sys/class/net")
        .into_iter()
        .filter(|name| Path::new("/sys/class/net").join(name).is_dir());
    let mut found = Found::default();
    let mut numbers = IndexMap::new();
    for name in names {
        let folder = Path::new("/sys/class/net").join(&name);
        if let Ok(number) = files::text(folder.join("ifindex")).parse::<u32>() {
            numbers.insert(number, name.clone());
        }
        found.interfaces.insert(name.clone(), interface::describe(&name, &folder));
    }
    let name_of = |route: &Route| route.interface.and_then(|number| numbers.get(&number)).cloned();
    for (far, default) in [(FAR_V4.into(), &mut found.default_v4), (FAR_V6.into(), &mut found.default_v6)] {
        if let Ok(Some(route)) = netlink::route_to(far) {
            *default = default_route(&route, name_of(&route), far);
        }
    }
    let addresses = netlink::addresses().unwrap_or_default();
    for (number, name) in &numbers {
        let own =
            |secondary| addresses.iter().filter(move |a| a.interface == *number && a.secondary == secondary);
        own(false).chain(own(true)).for_each(|address| found.add(name, address));
        let features = ethtool::describe(gather, name);
        found.entry(name).extend_from(&features);
    }
    found.into_facts()
}

/// What the route to the outside tells about its interface.
fn default_route(route: &Route, interface: Option<String>, far: IpAddr) -> Map {
    let mut fact = Map::new();
    if let Some(gateway) = route.gateway.filter(|gateway| *gateway != far) {
        fact.insert("gateway", gateway.to_string());
    }
    if let Some(interface) = interface {
        fact.insert("interface", interface);
    }
    if let Some(source) = route.source {
        fact.insert("address", source.to_string());
    }
    fact
}

/// The facts in the making.
#[derive(Default)]
struct Found {
    interfaces: IndexMap<String, Map>,
    default_v4: Map,
    default_v6: Map,
    all_v4: Vec<Value>,
    all_v6: Vec<Value>,
}

impl Found {
    fn entry(&mut self, name: &str) -> &mut Map {
        self.interfaces.entry(name.to_owned()).or_default()
    }

    fn add(&mut self, device: &str, address: &Address) {
        match address.local {
            IpAddr::V4(local) => self.add_v4(device, local, address),
            IpAddr::V6(local) => self.add_v6(device, local, address),
        }
    }

    fn add_v4(&mut self, device: &str, local: Ipv4Addr, address: &Address) {
        let label = address.label.as_deref().unwrap_or(device);
        let fact = describe_v4(local, address);
        if label != device {
            self.interfaces.insert(label.to_owned(), Map::new());
        }
        let entry = self.entry(label);
        if !address.secondary && !entry.contains_key("ipv4") {
            entry.insert("ipv4", fact.clone());
        } else {
            push(entry, "ipv4_secondaries", fact.clone().into());
        }
        if address.secondary && label != device {
            push(self.entry(device), "ipv4_secondaries", fact.clone().into());
        }
        if self.default_v4.get_str("address") == Some(&local.to_string()) {
            let from = self.interfaces.get(device).cloned().unwrap_or_default();
            for key in ["broadcast", "netmask", "network", "prefix"] {
                copy(&fact, &mut self.default_v4, key);
            }
            link_facts(&from, &mut self.default_v4);
            self.default_v4.insert("alias", label);
        }
        if local.octets()[0] != 127 {
            self.all_v4.push(local.to_string().into());
        }
    }

    fn add_v6(&mut self, device: &str, local: Ipv6Addr, address: &Address) {
        let fact = Map::from([
            ("address", local.to_string()),
            ("prefix", address.prefix.to_string()),
            ("scope", address.scope.clone()),
        ]);
        push(self.entry(device), "ipv6", fact.clone().into());
        if self.default_v6.get_str("address") == Some(&local.to_string()) {
            let from = self.interfaces.get(device).cloned().unwrap_or_default();
            copy(&fact, &mut self.default_v6, "prefix");
            copy(&fact, &mut self.default_v6, "scope");
            link_facts(&from, &mut self.default_v6);
        }
        if local != Ipv6Addr::LOCALHOST {
            self.all_v6.push(local.to_string().into());
        }
    }

    fn into_facts(self) -> Map {
        // Templates cannot say `eth0:1` as a name.
        let interfaces: IndexMap<_, _> =
            self.interfaces.into_iter().map(|(name, fact)| (name.replace(':', "_"), fact)).collect();
        let names: Vec<Value> = interfaces.keys().map(|name| name.as_str().into()).collect();
        let mut facts: Map = interfaces.into_iter().collect();
        facts.insert("interfaces", names);
        facts.insert("default_ipv4", self.default_v4);
        facts.insert("default_ipv6", self.default_v6);
        facts.insert("all_ipv4_addresses", self.all_v4);
        facts.insert("all_ipv6_addresses", self.all_v6);
        let reachable = |v6| netlink::local_destinations(v6).unwrap_or_default().into_iter().map(Value::from);
        let both = [("ipv4", reachable(false).collect::<Value>()), ("ipv6", reachable(true).collect())];
        facts.insert("locally_reachable_ips", Map::from(both));
        facts
    }
}

/// Address, broadcast, netmask, network and prefix; a point-to-point address stands for itself alone.
fn describe_v4(local: Ipv4Addr, address: &Address) -> Map {
    let prefix = if address.peer.is_some() { 32 } else { address.prefix.min(32) };
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
    let broadcast = address.broadcast.filter(|_| address.peer.is_none());
    Map::from([
        ("address", local.to_string()),
        ("broadcast", broadcast.map(|ip| ip.to_string()).unwrap_or_default()),
        ("netmask", Ipv4Addr::from(mask).to_string()),
        ("network", Ipv4Addr::from(u32::from(local) & mask).to_string()),
        ("prefix", prefix.to_string()),
    ])
}

fn link_facts(from: &Map, to: &mut Map) {
    copy(from, to, "macaddress");
    copy(from, to, "mtu");
    to.insert("type", from.get("type").cloned().unwrap_or_else(|| "unknown".into()));
}

fn copy(from: &Map, to: &mut Map, key: &'static str) {
    if let Some(value) = from.get(key) {
        to.insert(key, value.clone());
    }
}

fn push(map: &mut Map, key: &'static str, value: Value) {
    let mut list = map.get(key).and_then(Value::as_list).cloned().unwrap_or_default();
    list.make_mut().push(value);
    map.insert(key, list);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(text: &str, prefix: u8, label: &str, secondary: bool) -> Address {
        Address {
            interface: 2,
            local: text.parse().unwrap(),
            peer: None,
            prefix,
            broadcast: Some("10.0.0.255".parse().unwrap()),
            label: Some(label.to_owned()),
            scope: "global".to_owned(),
            secondary,
        }
    }

    #[test]
    fn the_default_interface_gets_its_link_facts() {
        let mut found = Found::default();
        found
            .interfaces
            .insert("eth0".into(), Map::from([("macaddress", Value::from("aa")), ("mtu", 1500.into())]));
        found.default_v4 = Map::from([("address", "10.0.0.5"), ("interface", "eth0")]);
        found.add("eth0", &v4("10.0.0.5", 24, "eth0", false));
        let facts = found.into_facts();
        let default = facts.get("default_ipv4").unwrap();
        for (key, value) in [
            ("netmask", "255.255.255.0"),
            ("network", "10.0.0.0"),
            ("prefix", "24"),
            ("alias", "eth0"),
            ("macaddress", "aa"),
            ("type", "unknown"),
        ] {
            assert_eq!(default.get(key), Some(&Value::from(value)), "{key}");
        }
    }

    #[test]
    fn an_alias_is_an_interface_with_an_underscore() {
        let mut found = Found::default();
        found.interfaces.insert("eth0".into(), Map::new());
        found.add("eth0", &v4("10.0.0.5", 24, "eth0", false));
        found.add("eth0", &v4("10.0.0.6", 24, "eth0:1", true));
        let facts = found.into_facts();
        assert!(facts.get("eth0_1").unwrap().get("ipv4_secondaries").is_some());
        assert_eq!(facts.get("eth0").unwrap().get("ipv4_secondaries").unwrap().as_list().unwrap().len(), 1);
        assert_eq!(facts.get("all_ipv4_addresses").unwrap().as_list().unwrap().len(), 2);
    }

    #[test]
    fn a_point_to_point_address_is_a_network_of_one() {
        let address =
            Address { peer: Some("10.9.9.9".parse().unwrap()), ..v4("10.0.0.5", 24, "ppp0", false) };
        let fact = describe_v4("10.0.0.5".parse().unwrap(), &address);
        assert_eq!(fact.get_str("netmask"), Some("255.255.255.255"));
        assert_eq!(fact.get_str("broadcast"), Some(""));
    }
}
