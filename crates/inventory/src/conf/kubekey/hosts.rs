//! `hosts` and `roleGroups`: the lines and groups of `hosts.ini`.

use std::path::Path;

use data::yaml::Node;
use data::{Diagnostic, Value, suggest};

use super::fields::{HOST_FIELDS, ROLE_GROUPS};
use crate::conf::credentials::password;
use crate::conf::hosts::{join_cluster, nearest_host, origin};
use crate::conf::vars::named;
use crate::range::expand;
use crate::{Inventory, Origin};

/// Reads the hosts and their groups.
pub(super) fn read(spec: &Node, path: &Path, inventory: &mut Inventory, findings: &mut Vec<Diagnostic>) {
    let origin = origin(path);
    match spec.entry("hosts") {
        None => findings.push(
            Diagnostic::error("there are no `hosts` in `spec`")
                .at(&spec.place, "")
                .help("list each host as `- {name: node1, address: 10.0.0.1, internalAddress: 10.0.0.1, user: root, password: ...}`"),
        ),
        Some((key, hosts)) => match hosts.as_seq() {
            None => findings.push(
                Diagnostic::error(format!("`spec.hosts` must be a list, found {}", hosts.kind_name())).at(&key.place, ""),
            ),
            Some(list) => list.iter().for_each(|node| host(node, &origin, inventory, findings)),
        },
    }
    groups(spec, inventory, findings);
    join_cluster(inventory);
    inventory.reconcile();
    findings.extend(inventory.take_notices());
}

fn host(node: &Node, origin: &Origin, inventory: &mut Inventory, findings: &mut Vec<Diagnostic>) {
    let Some(name) = node.get("name") else {
        return findings
            .push(Diagnostic::error("a host has no `name`").at(&node.place, "").help("add `name:`"));
    };
    let text = scalar(name);
    if let Some(first) = inventory.listed_host(&text) {
        let found = Diagnostic::error(format!("host `{text}` is described twice")).at(&name.place, "again");
        let found = match first.place() {
            Some(place) => found.also(place, "first"),
            None => found,
        };
        return findings.push(found.help("take one of the entries out, or correct its name"));
    }
    let mut vars: Vec<(&Node, &str, Value)> = Vec::new();
    for (key, value) in node.as_map().unwrap_or_default().iter().filter(|(_, value)| !value.is_null()) {
        match (key.as_str(), HOST_FIELDS.iter().find(|(field, _)| key.as_str() == Some(field))) {
            (Some("internalAddress"), _) => {
                // Dual stack: `v4,v6`.
                for (variable, part) in ["ip", "ip6"].into_iter().zip(scalar(value).split(',')) {
                    let text = data::Text::template(part.trim(), Some(value.place.clone()));
                    vars.push((key, variable, Value::Str(text)));
                }
            }
            (Some("password"), _) => {
                let secret = password(&scalar(value), &value.place);
                vars.push((key, "ansible_ssh_pass", secret.clone()));
                if node.get("user").is_some_and(|user| scalar(user) != "root") {
                    vars.push((key, "ansible_become_pass", secret));
                }
            }
            (Some("privateKey"), _) => {
                vars.push((key, "ansible_ssh_private_key", password(&scalar(value), &value.place)));
            }
            (Some("name"), _) => {}
            (_, Some((_, variable))) => vars.push((key, variable, value.to_value())),
            (_, None) => findings.push(unknown(key, HOST_FIELDS.iter().map(|(field, _)| *field))),
        }
    }
    // A host with a name that is no text has a finding below; nothing else can be refused.
    if inventory.add_host(&text, Some(origin), Some(&name.place)).is_ok() {
        let _ = inventory.add_to_group(&text, "all");
        for (key, variable, value) in vars {
            let _ = inventory.set_host_var(&text, named(variable, &key.place), value);
        }
    }
}

fn unknown<'a>(key: &Node, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    let name = key.place.text();
    let found = Diagnostic::warning(format!("unknown field `{name}`")).at(&key.place, "");
    match suggest::nearest(name, known) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found,
    }
}

fn groups(spec: &Node, inventory: &mut Inventory, findings: &mut Vec<Diagnostic>) {
    let Some((key, groups)) = spec.entry("roleGroups") else {
        return findings.push(
            Diagnostic::error("there are no `roleGroups` in `spec`")
                .at(&spec.place, "")
                .help("add `etcd`, `control-plane` and `worker`, each with a list of host names"),
        );
    };
    let Some(entries) = groups.as_map() else {
        let title = format!("`spec.roleGroups` must be a mapping, found {}", groups.kind_name());
        return findings.push(Diagnostic::error(title).at(&key.place, ""));
    };
    for (role, members) in entries {
        let name = scalar(role);
        let group = match ROLE_GROUPS.iter().find(|(theirs, _)| *theirs == name) {
            Some((_, group)) => (*group).to_owned(),
            None => {
                findings.push(unknown(role, ROLE_GROUPS.iter().map(|(theirs, _)| *theirs)));
                name
            }
        };
        // A mapping's key is never empty text in a file that anybody meant.
        let _ = inventory.add_group(&group, Some(&role.place));
        for member in members.as_seq().unwrap_or_default() {
            join(member, &group, inventory, findings);
        }
    }
}

fn join(member: &Node, group: &str, inventory: &mut Inventory, findings: &mut Vec<Diagnostic>) {
    let names = match expand(&scalar(member)) {
        Ok(names) => names,
        Err(error) => {
            let found = Diagnostic::error(format!("invalid host range: {error}")).at(&member.place, "");
            return findings.push(found.help("write ranges as `node[2:10]`"));
        }
    };
    for name in names {
        if inventory.add_to_group(&name, group).is_ok() {
            continue;
        }
        let found = Diagnostic::error(format!("role group names host `{name}`, which `hosts` does not list"))
            .at(&member.place, "unknown host");
        findings.push(match nearest_host(&name, inventory.hosts().map(|host| &**host.name())) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found.help(format!("add `{name}` to `hosts`")),
        });
    }
}

/// A scalar as it was written: a password of digits keeps its zeros.
fn scalar(node: &Node) -> String {
    node.as_str().unwrap_or_else(|| node.place.text()).to_owned()
}
