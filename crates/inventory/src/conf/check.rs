//! Everything about a cluster that can be known from its files, without asking a host: all findings at once.

mod groups;
mod hosts;
mod network;
mod storage;
mod unsupported;
mod values;

use std::collections::HashSet;

use data::{Diagnostic, Key, Map, Place, Text, Value};

use super::lookup::Lookup;
use crate::{Host, Inventory};

/// What is to be checked.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) inventory: &'a Inventory,
    pub(crate) vars: &'a Map,
    /// Whether the user speaks KubeKey's words (`worker`, `address`) rather than those of `hosts.ini`.
    pub(crate) is_kubekey: bool,
    /// Hosts whose lines have mistakes, which were reported: what seems to be missing there may be what was not read.
    pub(crate) unsure: HashSet<String>,
    /// Whether all variables could be read.
    pub(crate) vars_are_whole: bool,
}

impl<'a> Facts<'a> {
    /// A host's variables, wherever they are set.
    fn lookup(&self) -> Lookup<'a> {
        Lookup { inventory: self.inventory, vars: self.vars }
    }

    /// All findings.
    pub(crate) fn check(&self) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        hosts::check(self, &mut findings);
        groups::check(self, &mut findings);
        values::check(self.vars, &mut findings);
        network::check(self.inventory, self.vars, &mut findings);
        storage::check(self.vars, &mut findings);
        unsupported::check(self.vars, &mut findings);
        findings
    }

    /// The first words to the user of `hosts.ini`, the second to the user of a KubeKey file.
    fn say<'w>(&self, ini: &'w str, kubekey: &'w str) -> &'w str {
        if self.is_kubekey { kubekey } else { ini }
    }

    /// What the user calls a group.
    fn group_name<'w>(&self, group: &'w str) -> &'w str {
        match group {
            "kube-master" => self.say(group, "control-plane"),
            "kube-node" => self.say(group, "worker"),
            "local-registry" => self.say(group, "registry"),
            _ => group,
        }
    }
}

/// Where a variable was written: its value, or its name where the value has no place of its own.
fn place_of<'a>(vars: &'a Map, name: &str) -> Option<&'a Place> {
    let (_, key, value) = vars.get_full(name)?;
    value.as_text().and_then(Text::place).or_else(|| name_place(key))
}

/// Where a variable's name was written.
fn name_place(key: &Key) -> Option<&Place> {
    match key {
        Key::Str(text) => text.place(),
        _ => None,
    }
}

/// The hosts of a group; none when there is no such group.
fn members<'a>(inventory: &'a Inventory, group: &str) -> Vec<&'a Host> {
    inventory.group(group).map(|group| inventory.hosts_of(group)).unwrap_or_default()
}

/// The address and the port of `loadbalancer_apiserver`, as written.
fn load_balancer(vars: &Map) -> Option<&Map> {
    vars.get("loadbalancer_apiserver").and_then(Value::as_map)
}

/// A number, also when it was written in quotes as KubeKey's files do.
fn number(value: &Value) -> Option<i128> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Str(text) => text.as_str().trim().parse().ok(),
        _ => None,
    }
}

/// Whether a value is known only when it is rendered.
fn is_template(value: &Value) -> bool {
    value.as_text().is_some_and(|text| text.is_template() && text.contains("{{"))
}
