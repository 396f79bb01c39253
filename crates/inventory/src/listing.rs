//! What `ansible-inventory` prints: the inventory as one value for JSON and YAML, and as a tree.

use std::collections::HashSet;
use std::fmt::Write;

use data::json::{self, JsonStyle};
use data::{Map, Value, python};
use indexmap::IndexSet;

use crate::{Group, Host, HostName, Inventory, VarsFileError, VarsFiles, is_internal_var};

/// What stands beside the groups in the JSON form.
const META: &str = "_meta";

/// An inventory to be shown.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// Hosts and groups.
    pub inventory: &'a Inventory,
    /// The variable files beside it.
    pub files: &'a VarsFiles,
    /// `--export`: each variable where it is defined, rather than all of a host's variables at the host.
    pub export: bool,
    /// Whether `--playbook-dir` was given: only then do the files beside a playbook count as a group's or host's own.
    pub playbook_dir: bool,
    /// `inject_facts_as_vars`: without it Ansible shows every host's local facts, of which it knows none here.
    pub inject_facts: bool,
    /// `-e`: shown as every host's, but for `--export`.
    pub extra_vars: &'a Map,
    /// Only these hosts, as `--limit` selects them; all when `None`.
    pub limit: Option<&'a [HostName]>,
}

impl Listing<'_> {
    fn includes(&self, host: &Host) -> bool {
        self.limit.is_none_or(|limit| limit.contains(host.name()))
    }

    /// The variables shown for a host (`--host`).
    ///
    /// # Errors
    /// A variable file that cannot be read.
    pub fn host_vars(&self, host: &Host) -> Result<Map, VarsFileError> {
        let mut vars = match self.export {
            true => self.files.own_host_vars(self.inventory, host, self.playbook_dir)?,
            false => self.files.host_vars(self.inventory, host)?,
        };
        if !self.export && !self.inject_facts {
            vars.insert("ansible_local", Map::new());
        }
        if !self.export {
            self.inventory.hash_behaviour().combine(&mut vars, self.extra_vars);
        }
        Ok(without_internal(vars))
    }

    fn group_vars(&self, group: &Group) -> Result<Map, VarsFileError> {
        let mut vars = self.files.group_vars(self.inventory, group, self.playbook_dir)?;
        if group.priority() != 1 {
            vars.insert("ansible_group_priority", group.priority());
        }
        Ok(without_internal(vars))
    }

    fn children<'b>(&'b self, group: &'b Group) -> impl Iterator<Item = &'b Group> {
        self.inventory.children(group)
    }

    /// `--list`: the groups by name, and `_meta.hostvars`, as JSON with sorted keys. The text is given piece by piece: of ten thousand
    /// hosts, the variables of one are in memory at a time.
    ///
    /// # Errors
    /// A variable file that cannot be read; nothing has been given then.
    pub fn to_json(&self, emit: &mut dyn FnMut(&str)) -> Result<(), VarsFileError> {
        let style = JsonStyle::indented(4).sorted().unicode();
        let mut groups = Map::new();
        let mut hosts = Vec::new();
        if let Some(all) = self.inventory.group("all") {
            hosts = self.inventory.hosts_of(all);
            hosts.retain(|host| self.includes(host));
            hosts.sort_by(|a, b| a.name().cmp(b.name()));
            self.files.read_all(&hosts, &self.groups_of(&hosts), self.playbook_dir || !self.export)?;
            self.json_group(all, &mut groups, &mut IndexSet::new())?;
        }
        groups.insert(META, Value::Null);
        let mut before = "{\n    ";
        for (name, group) in groups.sorted().unwrap_or_default() {
            emit(before);
            before = ",\n    ";
            emit(&json::write(&name.to_value(), &style));
            emit(": ");
            match name.as_str() {
                Some(META) => self.json_meta(&hosts, &style, emit)?,
                _ => emit(&json::write_at(group, &style, 1)),
            }
        }
        emit("\n}");
        Ok(())
    }

    /// The groups whose files count: all of them where they are shown, else those of the hosts.
    fn groups_of(&self, hosts: &[&Host]) -> Vec<&Group> {
        if self.export {
            return self.inventory.groups().collect();
        }
        let mut names = IndexSet::from(["all"]);
        for host in hosts {
            names.extend(self.inventory.groups_of(host).into_iter().map(Group::name));
        }
        names.into_iter().filter_map(|name| self.inventory.group(name)).collect()
    }

    fn json_meta(
        &self,
        hosts: &[&Host],
        style: &JsonStyle,
        emit: &mut dyn FnMut(&str),
    ) -> Result<(), VarsFileError> {
        emit("{\n        \"hostvars\": {");
        let mut before = "\n            ";
        for host in hosts {
            let vars = self.host_vars(host)?;
            if !vars.is_empty() {
                emit(before);
                before = ",\n            ";
                emit(&json::write(&Value::str(host.name().clone()), style));
                emit(": ");
                emit(&json::write_at(&marked(&Value::Map(vars)), style, 3));
            }
        }
        emit(if before.starts_with(',') { "\n        }" } else { "}" });
        emit(",\n        \"profile\": \"inventory_legacy\"\n    }");
        Ok(())
    }

    fn json_group<'b>(
        &'b self,
        group: &'b Group,
        result: &mut Map,
        seen: &mut IndexSet<&'b str>,
    ) -> Result<(), VarsFileError> {
        let mut entry = Map::new();
        let own = self.inventory.own_hosts(group).filter(|host| self.includes(host));
        let hosts: Vec<Value> = own.map(|host| Value::str(host.name().clone())).collect();
        if group.name() != "all" && !hosts.is_empty() {
            entry.insert("hosts", hosts);
        }
        let children: Vec<Value> = self.children(group).map(|child| Value::str(child.name())).collect();
        if !children.is_empty() {
            entry.insert("children", children);
        }
        if self.export {
            let vars = self.group_vars(group)?;
            if !vars.is_empty() {
                entry.insert("vars", marked(&Value::Map(vars)));
            }
        }
        if !entry.is_empty() {
            result.insert(group.name(), entry);
        }
        for child in self.children(group) {
            if seen.insert(child.name()) {
                self.json_group(child, result, seen)?;
            }
        }
        Ok(())
    }

    /// `--list --yaml`: groups within groups, as a YAML inventory has them.
    ///
    /// # Errors
    /// A variable file that cannot be read.
    pub fn to_yaml(&self) -> Result<Value, VarsFileError> {
        let mut result = Map::new();
        if let Some(all) = self.inventory.group("all") {
            self.yaml_group(all, &mut result, &mut Seen::default())?;
        }
        Ok(Value::from(result))
    }

    fn yaml_group<'b>(
        &'b self,
        group: &'b Group,
        result: &mut Map,
        seen: &mut Seen<'b>,
    ) -> Result<(), VarsFileError> {
        let mut entry = Map::new();
        let mut children = Map::new();
        for child in self.children(group) {
            if seen.groups.insert(child.name()) {
                self.yaml_group(child, &mut children, seen)?;
            } else {
                children.insert(child.name(), Map::new());
            }
        }
        if !children.is_empty() {
            entry.insert("children", children);
        }
        let mut hosts = Map::new();
        if group.name() != "all" {
            for host in self.inventory.own_hosts(group).filter(|host| self.includes(host)) {
                let is_first = seen.hosts.insert(host.name());
                let vars = if is_first { self.host_vars(host)? } else { Map::new() };
                hosts.insert(host.name().to_string(), vars);
            }
        }
        if !hosts.is_empty() {
            entry.insert("hosts", hosts);
        }
        let vars = if self.export { self.group_vars(group)? } else { Map::new() };
        if !vars.is_empty() {
            entry.insert("vars", vars);
        }
        if !entry.is_empty() {
            result.insert(group.name(), entry);
        }
        Ok(())
    }

    /// `--list --toml`: groups side by side, as a TOML inventory has them.
    ///
    /// # Errors
    /// A variable file that cannot be read.
    pub fn to_toml(&self) -> Result<String, VarsFileError> {
        let mut result = Map::new();
        if let Some(all) = self.inventory.group("all") {
            self.toml_group(all, &mut result, &mut Seen::default())?;
        }
        Ok(crate::toml_text::to_toml(&result))
    }

    fn toml_group<'b>(
        &'b self,
        group: &'b Group,
        result: &mut Map,
        seen: &mut Seen<'b>,
    ) -> Result<(), VarsFileError> {
        let is_all = group.name() == "all";
        let ungrouped = self.inventory.group("ungrouped");
        let has_ungrouped = ungrouped.is_some_and(|group| self.inventory.own_hosts(group).next().is_some());
        // The group keeps its place before those below it.
        result.insert(group.name(), Map::new());
        let mut children: Vec<Value> = Vec::new();
        for child in self.children(group).filter(|child| has_ungrouped || child.name() != "ungrouped") {
            if !is_all {
                children.push(Value::str(child.name()));
            }
            if seen.groups.insert(child.name()) {
                self.toml_group(child, result, seen)?;
            }
        }
        let mut entry = Map::new();
        if !children.is_empty() {
            entry.insert("children", children);
        }
        let mut hosts = Map::new();
        for host in self.inventory.own_hosts(group).filter(|host| !is_all && self.includes(host)) {
            let is_first = seen.hosts.insert(host.name());
            hosts.insert(host.name().to_string(), if is_first { self.host_vars(host)? } else { Map::new() });
        }
        if !hosts.is_empty() {
            entry.insert("hosts", hosts);
        }
        let vars = if self.export { self.group_vars(group)? } else { Map::new() };
        if !vars.is_empty() {
            entry.insert("vars", vars);
        }
        if entry.is_empty() {
            result.remove(group.name());
        } else {
            result.insert(group.name(), entry);
        }
        Ok(())
    }

    /// `--graph`: the tree below a group, with variables if asked for.
    ///
    /// # Errors
    /// A variable file that cannot be read.
    pub fn to_graph(&self, group: &Group, with_vars: bool) -> Result<String, VarsFileError> {
        let mut text = String::new();
        self.graph_group(group, 0, with_vars, &mut text)?;
        text.truncate(text.trim_end_matches('\n').len());
        Ok(text)
    }

    fn graph_group(
        &self,
        group: &Group,
        depth: usize,
        vars: bool,
        text: &mut String,
    ) -> Result<(), VarsFileError> {
        line(text, depth, &format!("@{}:", group.name()));
        for child in self.children(group) {
            self.graph_group(child, depth + 1, vars, text)?;
        }
        if group.name() != "all" {
            for host in self.inventory.own_hosts(group) {
                line(text, depth + 1, host.name());
                if vars {
                    lines_of(text, depth + 2, &self.host_vars(host)?);
                }
            }
        }
        if vars {
            lines_of(text, depth + 1, &self.group_vars(group)?);
        }
        Ok(())
    }
}

/// What YAML has written already: groups and hosts show their contents once.
#[derive(Default)]
struct Seen<'a> {
    groups: HashSet<&'a str>,
    hosts: HashSet<&'a HostName>,
}

fn line(text: &mut String, depth: usize, words: &str) {
    let lead = if depth == 0 { String::new() } else { format!("{}--", "  |".repeat(depth)) };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{lead}{words}");
}

fn lines_of(text: &mut String, depth: usize, vars: &Map) {
    let mut entries: Vec<(String, &Value)> =
        vars.iter().map(|(key, value)| (key.to_string(), value)).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    for (key, value) in entries {
        line(text, depth, &format!("{{{key} = {}}}", python::str(value)));
    }
}

/// The value as JSON shows it: text that is never a template, or is vaulted, stands in a mapping that says so. (`--host` does the same.)
pub fn marked(value: &Value) -> Value {
    match value {
        Value::Str(text) if text.is_encrypted() => {
            Value::from(Map::from([("__ansible_vault", Value::str(text.shared()))]))
        }
        Value::Str(text) if !text.is_template() => {
            Value::from(Map::from([("__ansible_unsafe", Value::str(text.shared()))]))
        }
        Value::List(items) => Value::List(items.iter().map(marked).collect()),
        Value::Map(map) => Value::Map(map.iter().map(|(key, value)| (key.clone(), marked(value))).collect()),
        other => other.clone(),
    }
}

fn without_internal(vars: Map) -> Map {
    vars.into_entries().into_iter().filter(|(key, _)| !is_internal_var(key)).collect()
}
