//! Groups: none empty, an odd number of etcd members, a load balancer before more than one master.

use std::collections::HashSet;
use std::net::IpAddr;

use data::{Diagnostic, Map, Place, Value};

use super::{Facts, load_balancer, members, name_place, number, place_of};
use crate::{Host, Inventory};

pub(super) fn check(facts: &Facts<'_>, findings: &mut Vec<Diagnostic>) {
    let Facts { inventory, vars, .. } = *facts;
    for (group, what) in
        [("kube-master", "control plane"), ("kube-node", "workers"), ("etcd", "members of the etcd cluster")]
    {
        findings.extend(empty(facts, group, what));
    }
    findings.extend(etcd_count(inventory));
    findings.extend(registry(facts));
    findings.extend(load_balancer_of_masters(facts));
    internal_load_balancer(inventory, vars, findings);
    virtual_address(inventory, vars, findings);
}

fn group_place<'a>(inventory: &'a Inventory, group: &str) -> Option<&'a Place> {
    inventory.group(group).and_then(|group| group.place())
}

fn empty(facts: &Facts<'_>, group: &str, what: &str) -> Option<Diagnostic> {
    let Facts { inventory, vars, .. } = *facts;
    let name = facts.group_name(group);
    let is_elsewhere =
        group == "etcd" && matches!(vars.get_str("etcd_deployment_type"), Some("kubeadm" | "external"));
    if !members(inventory, group).is_empty() || is_elsewhere {
        return None;
    }
    let found = Diagnostic::error(format!("group `{name}` is empty"))
        .at_opt(group_place(inventory, group), "no hosts below it");
    let header = if facts.is_kubekey { format!("{name}:") } else { format!("[{name}]") };
    Some(found.help(format!("list the {what} below `{header}`, one name on each line")))
}

/// Of an even number of members one more would fail as many: a cluster of four stands no more than one of three.
fn etcd_count(inventory: &Inventory) -> Option<Diagnostic> {
    let count = members(inventory, "etcd").len();
    if count == 0 || count % 2 == 1 {
        return None;
    }
    Some(
        Diagnostic::error(format!("group `etcd` has {count} members"))
            .at_opt(group_place(inventory, "etcd"), "an even number")
            .note(format!(
                "{count} members survive the loss of {}, no better than {}",
                (count - 1) / 2,
                count - 1
            ))
            .help(format!("list {} or {} hosts", count - 1, count + 1)),
    )
}

fn registry(facts: &Facts<'_>) -> Option<Diagnostic> {
    let inventory = facts.inventory;
    let count = members(inventory, "local-registry").len();
    (count > 1).then(|| {
        Diagnostic::error(format!("group `{}` has {count} hosts", facts.group_name("local-registry")))
            .at_opt(group_place(inventory, "local-registry"), "")
            .help("list the one host that keeps the images")
    })
}

/// `internal_lb`, in lower case as roles expect it.
fn internal_lb(vars: &Map) -> &str {
    vars.get_str("internal_lb").unwrap_or("")
}

fn load_balancer_of_masters(facts: &Facts<'_>) -> Option<Diagnostic> {
    let Facts { inventory, vars, .. } = *facts;
    let masters = members(inventory, "kube-master").len();
    // Variables that are there but wrong have findings of their own.
    let is_set = load_balancer(vars).is_some() || !internal_lb(vars).is_empty();
    if masters < 2 || is_set || !facts.vars_are_whole {
        return None;
    }
    Some(
        Diagnostic::error(format!("{masters} masters need a load balancer, and none is set"))
            .at_opt(group_place(inventory, "kube-master"), "more than one master")
            .help(facts.say(
                "set `loadbalancer_apiserver` in `vars.yml` to the address and port of your load balancer",
                "set `address` and `port` of `controlPlaneEndpoint` to those of your load balancer",
            ))
            .help(facts.say(
                "or set `internal_lb: haproxy_localhost` (nothing else needed), or `internal_lb: haproxy_keepalived` (two hosts in `[loadbalancer]` and a free address)",
                "or set `internalLoadbalancer: haproxy` (nothing else needed), or `kube-vip` (a free address)",
            )),
    )
}

fn internal_load_balancer(inventory: &Inventory, vars: &Map, findings: &mut Vec<Diagnostic>) {
    let mode = internal_lb(vars);
    let place = place_of(vars, "internal_lb");
    let address = load_balancer(vars).and_then(|map| map.get("address")).filter(|value| !value.is_null());
    let balancers = members(inventory, "loadbalancer");
    if matches!(mode, "haproxy_keepalived" | "kube_vip") && address.is_none() {
        findings.push(
            Diagnostic::error(format!("`internal_lb: {mode}` needs an address"))
                .at_opt(place, "")
                .help("set `loadbalancer_apiserver.address` to a free address in the network of the hosts"),
        );
    }
    if mode == "haproxy_localhost" && address.is_some() {
        findings.push(
            Diagnostic::warning("`internal_lb: haproxy_localhost` and `loadbalancer_apiserver` are both set")
                .at_opt(place, "")
                .note("the hosts go through their own proxies; the address is only written into the certificate")
                .help("take one of them out"),
        );
    }
    if mode != "haproxy_keepalived" {
        return;
    }
    if balancers.is_empty() {
        findings.push(
            Diagnostic::error(
                "`internal_lb: haproxy_keepalived` needs hosts, and group `loadbalancer` is empty",
            )
            .at_opt(place, "")
            .help("add `[loadbalancer]` with two hosts to `hosts.ini`"),
        );
    } else if balancers.len() == 1 {
        findings.push(
            Diagnostic::warning("group `loadbalancer` has one host")
                .at_opt(group_place(inventory, "loadbalancer"), "")
                .note("when it is down, the cluster cannot be reached")
                .help("list two hosts"),
        );
    }
    port_of_masters(inventory, vars, &balancers, findings);
}

/// haproxy on a master cannot listen where the API server does.
fn port_of_masters(inventory: &Inventory, vars: &Map, balancers: &[&Host], findings: &mut Vec<Diagnostic>) {
    let api = vars.get("kube_apiserver_port").and_then(number).unwrap_or(6443);
    let port = load_balancer(vars).and_then(|map| map.get("port")).map_or(Some(6443), number);
    let masters: HashSet<_> = members(inventory, "kube-master").into_iter().map(Host::name).collect();
    let Some(both) = balancers.iter().find(|host| masters.contains(host.name())) else { return };
    if port == Some(api) {
        let map = load_balancer(vars);
        findings.push(
            Diagnostic::error(format!(
                "host `{}` is a master and a load balancer, both at port {api}",
                both.name()
            ))
            .at_opt(map.and_then(|map| place_of(map, "port")).or(both.place()), "")
            .help("give `loadbalancer_apiserver` another port, such as 8443, or use other hosts"),
        );
    }
}

/// A virtual address must be free; an external load balancer is no host of the cluster.
fn virtual_address(inventory: &Inventory, vars: &Map, findings: &mut Vec<Diagnostic>) {
    let Some(map) = load_balancer(vars) else { return };
    let Some(address) =
        map.get("address").and_then(Value::as_str).and_then(|text| text.parse::<IpAddr>().ok())
    else {
        return;
    };
    let is_virtual = matches!(internal_lb(vars), "haproxy_keepalived" | "kube_vip");
    let cluster: HashSet<_> = members(inventory, "k8s-cluster").into_iter().map(Host::name).collect();
    for host in inventory.hosts().filter(|host| is_virtual || cluster.contains(host.name())) {
        let owns = |name: &&str| {
            host.vars().get_str(name).and_then(|text| text.parse::<IpAddr>().ok()) == Some(address)
        };
        let Some(variable) = ["ip", "ansible_host"].into_iter().find(|name| owns(name)) else { continue };
        let title = format!("the load balancer's address {address} belongs to host `{}`", host.name());
        let place = place_of(map, "address")
            .or_else(|| vars.get_full("loadbalancer_apiserver").and_then(|(_, key, _)| name_place(key)));
        let found = Diagnostic::error(title).at_opt(place, "not free");
        let found = match host.var_place(variable) {
            Some(place) => found.also(place, "used here"),
            None => found,
        };
        let help = match is_virtual {
            true => "choose an address in the same network that no host has",
            false => "give the address of the load balancer; without one, set `internal_lb`",
        };
        findings.push(found.help(help));
        return;
    }
}
