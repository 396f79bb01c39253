//! `hosts.ini` as the installer reads it: an Ansible inventory, and the mistakes that Ansible would swallow.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use data::{Diagnose, Diagnostic, Map, Place, Text, Value, suggest};

use super::credentials::{SECRETS, keep_password};
use super::lookalikes;
use crate::ini::{self, Entry, HostLine, IniError, IniFile, IniProblem, Section};
use crate::read::Reader;
use crate::{Inventory, Origin};

/// Groups that the installer knows.
pub(crate) const GROUPS: [&str; 8] = [
    "kube-master",
    "kube-node",
    "etcd",
    "k8s-cluster",
    "loadbalancer",
    "local-registry",
    "bastion",
    "calico-rr",
];

/// Reads a `hosts.ini`: its inventory, and the variables of `[all:vars]`. Hosts with mistakes on their lines go to
/// `unsure`. `None` when the file cannot be read at all.
pub(crate) fn load(
    path: &Path,
    reader: &Reader,
    findings: &mut Vec<Diagnostic>,
    unsure: &mut HashSet<String>,
) -> Option<(Inventory, Map)> {
    let mut inventory = Inventory::default();
    let source = match reader.read(path) {
        Ok(source) => source,
        Err(error) => {
            findings.extend(error.diagnostics());
            return None;
        }
    };
    let (mut file, errors) = IniFile::parse_tolerant(&source);
    let lookalikes = lookalikes::find(&source);
    if !lookalikes.is_empty() {
        // They make words of several, so that all else that seems wrong may come from them.
        findings.extend(lookalikes);
        return None;
    }
    findings.extend(errors.iter().flat_map(Diagnose::diagnostics));
    take_out_wrapped_lines(&mut file, findings, unsure);
    check_members(&file, findings, unsure);
    for section in &mut file.sections {
        for entry in &mut section.entries {
            match entry {
                Entry::Host(line) => {
                    unsure.extend(line.names.iter().filter(|_| line.is_damaged).cloned());
                    keep_passwords(line, findings);
                }
                Entry::Var(var) if SECRETS.contains(&var.name.as_str()) => keep_password(var),
                Entry::Var(_) | Entry::Child(_) => {}
            }
        }
    }
    if let Err(errors) = ini::apply(file, &mut inventory, &origin(path)) {
        findings.extend(errors.iter().map(|error| with_nearest_group(error, &inventory)));
    }
    add_cluster_group(&mut inventory, findings);
    inventory.reconcile();
    findings.extend(inventory.take_notices());
    let vars = inventory.group("all").map(|all| all.vars().clone()).unwrap_or_default();
    Some((inventory, vars))
}

pub(super) fn origin(path: &Path) -> Origin {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let dir = absolute.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
    Origin { file: Value::str(absolute.to_string_lossy()), dir: Value::str(dir) }
}

/// A line that begins with `key=value` is the rest of the line above it; Ansible would make a host of it.
fn take_out_wrapped_lines(file: &mut IniFile, findings: &mut Vec<Diagnostic>, unsure: &mut HashSet<String>) {
    for section in &mut file.sections {
        let mut last_host: Option<(Place, Vec<String>)> = None;
        section.entries.retain(|entry| {
            let Entry::Host(line) = entry else { return true };
            let place = line.pattern.place();
            if !line.pattern.contains('=') {
                last_host = place.map(|place| (place.clone(), line.names.clone()));
                return true;
            }
            let found =
                Diagnostic::error("a host line is wrapped").at_opt(place, "belongs to the line above");
            let found = match &last_host {
                Some((host, names)) => {
                    unsure.extend(names.iter().cloned());
                    found.also(host, "the host")
                }
                None => found,
            };
            findings.push(found.help("write each host on one line, however long it is"));
            false
        });
    }
}

/// Whether a line says more of its host than its name.
fn defines(section: &Section, line: &HostLine) -> bool {
    matches!(&*section.name, "all" | "ungrouped") || !line.vars.is_empty()
}

/// Reports hosts that are listed twice, and members of groups that no line describes.
fn check_members(file: &IniFile, findings: &mut Vec<Diagnostic>, unsure: &mut HashSet<String>) {
    let mut defined: HashMap<&str, &Text> = HashMap::new();
    let mut listed: HashMap<(&str, &str), &Text> = HashMap::new();
    for (section, line) in file.host_lines() {
        for name in &line.names {
            if let Some(first) = listed.insert((&section.name, name), &line.pattern) {
                findings.push(twice(
                    format!("host `{name}` is listed twice in `[{}]`", section.name),
                    first,
                    line,
                ));
            } else if defines(section, line)
                && let Some(first) = defined.insert(name, &line.pattern)
            {
                findings.push(twice(format!("host `{name}` is described twice"), first, line));
            }
        }
    }
    if defined.is_empty() {
        return;
    }
    for (section, line) in file.host_lines() {
        for name in line.names.iter().filter(|name| !defined.contains_key(name.as_str())) {
            unsure.insert(name.clone());
            let found = Diagnostic::error(format!(
                "`[{}]` names host `{name}`, which `[all]` does not list",
                section.name
            ))
            .at_opt(line.pattern.place(), "unknown host");
            findings.push(match nearest_host(name, defined.keys().copied()) {
                Some(near) => found.help(format!("did you mean `{near}`?")),
                None => {
                    found.help(format!("add a line for `{name}` to `[all]`, with its addresses and login"))
                }
            });
        }
    }
}

/// The host that was probably meant. `node2` is no slip for `node3`: names that differ in their numbers are different hosts.
pub(super) fn nearest_host<'a>(name: &str, hosts: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let letters = |name: &str| name.replace(|c: char| c.is_ascii_digit(), "");
    suggest::nearest(name, hosts.filter(|host| letters(host) != letters(name)))
}

fn twice(title: String, first: &Text, line: &HostLine) -> Diagnostic {
    let found = Diagnostic::error(title).at_opt(line.pattern.place(), "again");
    let found = match first.place() {
        Some(place) => found.also(place, "first"),
        None => found,
    };
    found.help("take one of the lines out, or correct its name")
}

/// Keeps passwords as they were written, and reports values that a comment sign cut off.
fn keep_passwords(line: &mut HostLine, findings: &mut Vec<Diagnostic>) {
    for var in &mut line.vars {
        let is_secret = SECRETS.contains(&var.name.as_str());
        if is_secret {
            keep_password(var);
        }
        if var.cut {
            let title = format!("the value of `{}` ends at a `#`", var.name);
            let found = if is_secret { Diagnostic::error(title) } else { Diagnostic::warning(title) };
            findings.push(found.at(&var.place, "what follows is taken for a comment").help(format!(
                "put the value in quotes: `{}='...#...'`; or put a blank before the comment",
                var.name
            )));
        }
    }
}

/// An undefined group, with the name that was probably meant.
fn with_nearest_group(error: &IniError, inventory: &Inventory) -> Diagnostic {
    let mut found = error.diagnostics().swap_remove(0);
    let wrong = match &error.problem {
        IniProblem::UndefinedChild { child, .. } => child,
        IniProblem::UndefinedVars(group) => group,
        _ => return found,
    };
    let known = inventory.groups().map(|group| group.name()).filter(|name| name != wrong).chain(GROUPS);
    if let Some(near) = suggest::nearest(wrong, known) {
        found.helps = vec![format!("did you mean `{near}`?")];
    }
    found
}

/// `[k8s-cluster:children]` is the same in every file; without it, it is added.
fn add_cluster_group(inventory: &mut Inventory, findings: &mut Vec<Diagnostic>) {
    let has = |name: &str| inventory.group(name).is_some();
    if has("k8s-cluster") || !(has("kube-master") && has("kube-node")) {
        return;
    }
    findings.push(
        Diagnostic::warning("there is no group `[k8s-cluster:children]`")
            .note("it is taken to hold `kube-node` and `kube-master`")
            .help("add it, as the sample files have it"),
    );
    join_cluster(inventory);
}

/// Makes `k8s-cluster` of `kube-node` and `kube-master`.
pub(super) fn join_cluster(inventory: &mut Inventory) {
    // The names are not empty and the new group has no parents, so nothing here can be refused.
    let _ = inventory.add_group("k8s-cluster", None);
    for child in ["kube-node", "kube-master"] {
        let _ = inventory.add_group(child, None);
        let _ = inventory.add_child_group("k8s-cluster", child);
    }
}
