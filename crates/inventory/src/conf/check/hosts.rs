//! Hosts: names, addresses, logins, this machine.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use data::{Diagnostic, Value};

use super::{Facts, is_template, members, number};
use crate::conf::credentials::has_login;
use crate::{Host, Inventory};

pub(super) fn check(facts: &Facts<'_>, findings: &mut Vec<Diagnostic>) {
    let inventory = facts.inventory;
    let cluster = ["k8s-cluster", "etcd"].map(|group| members(inventory, group)).concat();
    let needs_ip = |host: &Host| cluster.iter().any(|member| member.name() == host.name());
    for host in inventory.hosts() {
        findings.extend(name(host));
        findings.extend(port(host));
        if !facts.unsure.contains(&**host.name()) {
            findings.extend(ip(facts, host, needs_ip(host)));
            findings.extend(login(facts, host));
        }
    }
    same_address(inventory, findings);
    local_lines(inventory, findings);
}

/// Kubernetes takes host names as RFC 1123 has them: lower case, digits, hyphens and dots.
fn name(host: &Host) -> Option<Diagnostic> {
    let name = &**host.name();
    let found =
        |title: String, help: String| Some(Diagnostic::error(title).at_opt(host.place(), "").help(help));
    if name.chars().any(char::is_uppercase) {
        let lower = name.to_lowercase();
        return found(
            format!("host name `{name}` has capital letters"),
            format!("write `{lower}`, here and in the groups; Kubernetes allows only lower case"),
        );
    }
    let is_label = |label: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() > 253 || !name.split('.').all(is_label) {
        return found(
            format!("`{name}` is no host name for Kubernetes"),
            "use letters, digits, hyphens and dots; begin and end with a letter or digit".into(),
        );
    }
    None
}

fn ip(facts: &Facts<'_>, host: &Host, is_needed: bool) -> Option<Diagnostic> {
    let key = facts.say("ip", "internalAddress");
    let name = host.name();
    if let Some(value) = facts.lookup().get(host, &["ip"]) {
        let is_address = value.as_str().is_some_and(|text| text.parse::<IpAddr>().is_ok());
        if is_address || is_template(value) {
            return None;
        }
        let found = Diagnostic::error(format!("`{key}` of host `{name}` is not an address"));
        return Some(
            found.at_opt(host.var_place("ip"), "").help("write an IPv4 or IPv6 address that the host has"),
        );
    }
    if !is_needed {
        return None;
    }
    let title = format!("host `{name}` has no `{key}`");
    let address = host.vars().get_str("ansible_host").filter(|address| address.parse::<IpAddr>().is_ok());
    Some(match address {
        Some(address) if !facts.lookup().is_local(host) => Diagnostic::warning(title)
            .at_opt(host.place(), "")
            .note(format!("`{}` is used in its place: {address}", facts.say("ansible_host", "address")))
            .help(format!(
                "add `{key}{}{address}`, or the address that the other hosts reach it at",
                facts.say("=", ": ")
            )),
        _ => Diagnostic::error(title)
            .at_opt(host.place(), "")
            .help(format!("add `{key}` with the address that etcd and Kubernetes listen at")),
    })
}

fn port(host: &Host) -> Option<Diagnostic> {
    let value = host.vars().get("ansible_port")?;
    if is_template(value) || number(value).is_some_and(|port| (1..=65535).contains(&port)) {
        return None;
    }
    let found = Diagnostic::error(format!("`ansible_port` of host `{}` is not a port", host.name()));
    Some(
        found
            .at_opt(host.var_place("ansible_port"), "")
            .help("a port is a number from 1 to 65535; SSH has 22"),
    )
}

fn login(facts: &Facts<'_>, host: &Host) -> Option<Diagnostic> {
    if facts.lookup().is_local(host) || has_login(facts.lookup(), host) {
        return None;
    }
    Some(
        Diagnostic::warning(format!("host `{}` has neither a password nor a key", host.name()))
            .at_opt(host.place(), "")
            .note("your SSH agent and the keys in ~/.ssh are tried")
            .help(facts.say(
                "add `ansible_ssh_pass=`, or `ansible_ssh_private_key_file=` with a key's path",
                "add `password`, or `privateKeyPath` with a key's path",
            )),
    )
}

/// Two lines with one address are a line that was copied and not finished.
fn same_address(inventory: &Inventory, findings: &mut Vec<Diagnostic>) {
    let mut reported = HashSet::new();
    for variable in ["ip", "ansible_host"] {
        let mut seen: HashMap<(String, i128), &Host> = HashMap::new();
        for host in inventory.hosts() {
            let Some(address) = host.vars().get_str(variable).filter(|address| !address.contains("{{"))
            else {
                continue;
            };
            // Hosts behind one address differ in their ports.
            let port = match variable {
                "ansible_host" => host.vars().get("ansible_port").and_then(number).unwrap_or(22),
                _ => 0,
            };
            let Some(first) = seen.insert((address.to_owned(), port), host) else { continue };
            if !reported.insert((first.name(), host.name())) {
                continue;
            }
            let title = format!("hosts `{}` and `{}` have the same `{variable}`", first.name(), host.name());
            let found = Diagnostic::error(title).at_opt(host.var_place(variable), "again");
            let found = match first.var_place(variable) {
                Some(place) => found.also(place, "first"),
                None => found,
            };
            findings.push(found.help("give each host its own address"));
        }
    }
}

/// Only one host can be the machine that the installer runs on.
fn local_lines(inventory: &Inventory, findings: &mut Vec<Diagnostic>) {
    let is_written_local =
        |host: &&Host| host.vars().get("ansible_connection").and_then(Value::as_str) == Some("local");
    let mut local = inventory.hosts().filter(is_written_local);
    let Some(first) = local.next() else { return };
    for host in local {
        let title =
            format!("hosts `{}` and `{}` are both said to be this machine", first.name(), host.name());
        let found =
            Diagnostic::error(title).at_opt(host.var_place("ansible_connection"), "this machine again");
        let found = match first.var_place("ansible_connection") {
            Some(place) => found.also(place, "this machine"),
            None => found,
        };
        findings.push(found.help("keep `ansible_connection=local` on the line of the machine you install from, and give the other hosts `ansible_host=`"));
    }
}
