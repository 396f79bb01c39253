//! Networks: services and pods must not overlap with each other, nor with the hosts.

use std::net::IpAddr;

use data::{Diagnostic, Map, Value};
use ipnet::IpNet;

use super::{is_template, load_balancer, place_of};
use crate::Inventory;
use crate::conf::keys;

pub(super) fn check(inventory: &Inventory, vars: &Map, findings: &mut Vec<Diagnostic>) {
    let services = networks(vars, "kube_service_addresses", findings);
    let pods = networks(vars, "kube_pods_subnet", findings);
    for (service, pod) in services.iter().flat_map(|service| pods.iter().map(move |pod| (service, pod))) {
        if overlap(service, pod) {
            let place = place_of(vars, "kube_pods_subnet").or(place_of(vars, "kube_service_addresses"));
            let found = Diagnostic::error(format!(
                "the pods' network {pod} overlaps with the services' network {service}"
            ))
            .at_opt(place, "");
            let found = match place_of(vars, "kube_service_addresses") {
                Some(other) if place != Some(other) => found.also(other, "the services' network"),
                _ => found,
            };
            findings.push(
                found.help(
                    "choose two networks that share no address, such as 10.233.0.0/18 and 10.233.64.0/18",
                ),
            );
        }
    }
    for (name, networks) in [("kube_service_addresses", &services), ("kube_pods_subnet", &pods)] {
        for network in networks {
            hosts_inside(inventory, vars, name, network, findings);
        }
    }
}

fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(&b.network()) || b.contains(&a.network())
}

/// The networks of a variable, or of its default: one, or two with a comma between them for dual stack.
fn networks(vars: &Map, name: &str, findings: &mut Vec<Diagnostic>) -> Vec<IpNet> {
    let default = keys::find(name).map_or("", |key| key.default);
    let text = match vars.get(name) {
        None => default,
        Some(value) if is_template(value) => return Vec::new(),
        Some(Value::Str(text)) => text.as_str(),
        // Other kinds are reported with all values of the wrong kind.
        Some(_) => return Vec::new(),
    };
    let mut networks = Vec::new();
    for part in text.split(',').map(str::trim) {
        match part.parse::<IpNet>() {
            Ok(network) if network.addr() == network.network() => networks.push(network),
            Ok(network) => findings.push(
                Diagnostic::error(format!("`{part}` in `{name}` is an address within a network"))
                    .at_opt(place_of(vars, name), "")
                    .help(format!("write the network: `{}`", network.trunc())),
            ),
            Err(_) => findings.push(
                Diagnostic::error(format!("`{part}` in `{name}` is not a network"))
                    .at_opt(place_of(vars, name), "")
                    .help(format!("write an address and a length, such as `{default}`")),
            ),
        }
    }
    networks
}

fn hosts_inside(
    inventory: &Inventory,
    vars: &Map,
    name: &str,
    network: &IpNet,
    findings: &mut Vec<Diagnostic>,
) {
    let what = if name == "kube_pods_subnet" { "pods" } else { "services" };
    for host in inventory.hosts() {
        let address = |variable: &&str| {
            let address = host.vars().get_str(variable)?.parse::<IpAddr>().ok()?;
            network.contains(&address).then_some(address)
        };
        let Some(variable) = ["ip", "ansible_host"].into_iter().find(|variable| address(variable).is_some())
        else {
            continue;
        };
        let title = format!("the address of host `{}` lies in the {what}' network {network}", host.name());
        let found = Diagnostic::error(title).at_opt(host.var_place(variable), "");
        let found = match place_of(vars, name) {
            Some(place) => found.also(place, "the network"),
            None => found,
        };
        findings.push(found.help(format!("set `{name}` to a network that nothing else uses")));
        // One host shows it; the others would say the same.
        return;
    }
    let Some(map) = load_balancer(vars) else { return };
    let balancer = map.get("address").and_then(Value::as_str).and_then(|text| text.parse::<IpAddr>().ok());
    if let Some(address) = balancer.filter(|address| network.contains(address)) {
        findings.push(
            Diagnostic::error(format!(
                "the load balancer's address {address} lies in the {what}' network {network}"
            ))
            .at_opt(place_of(map, "address"), "")
            .help(format!("set `{name}` to a network that nothing else uses")),
        );
    }
}
