//! KubeKey's `config-sample.yaml` (v1alpha1 and v1alpha2): the same hosts, groups and variables as `hosts.ini` and `vars.yml` give.

mod endpoint;
mod fields;
mod hosts;

use std::path::Path;

use data::yaml::Node;
use data::{Diagnose, Diagnostic, Map, Value, suggest};

use super::vars::named;
use crate::Inventory;
use crate::read::Reader;
use fields::{FIELDS, Rule};

/// Reads a KubeKey file: its inventory and its variables. `None` when it cannot be read at all.
pub(crate) fn load(path: &Path, reader: &Reader, findings: &mut Vec<Diagnostic>) -> Option<(Inventory, Map)> {
    let mut reading = Reading { vars: Map::new(), kept: Map::new(), is_v1alpha1: false, findings };
    let mut inventory = Inventory::default();
    let documents = match reader.read(path) {
        Ok(source) => data::yaml::load_all(&source),
        Err(error) => {
            reading.findings.extend(error.diagnostics());
            return None;
        }
    };
    match documents {
        Ok(documents) => {
            reading.findings.extend(documents.warnings);
            reading.documents(&documents.nodes, path, &mut inventory);
        }
        Err(error) => {
            reading.findings.extend(error.diagnostics());
            return None;
        }
    }
    let Reading { mut vars, kept, .. } = reading;
    if !kept.is_empty() {
        vars.insert("kubekey_spec", kept);
    }
    Some((inventory, vars))
}

/// What has been read so far.
struct Reading<'a> {
    vars: Map,
    /// Fields without a variable of the installer.
    kept: Map,
    is_v1alpha1: bool,
    findings: &'a mut Vec<Diagnostic>,
}

impl Reading<'_> {
    fn documents(&mut self, documents: &[Node], path: &Path, inventory: &mut Inventory) {
        let mut has_cluster = false;
        for document in documents.iter().filter(|document| !document.is_null()) {
            let kind = document.get("kind").and_then(Node::as_str);
            if let (Some(spec), None | Some("Cluster")) = (document.get("spec"), kind) {
                has_cluster = true;
                let version = document.get("apiVersion").and_then(Node::as_str);
                self.is_v1alpha1 = version.is_some_and(|version| version.ends_with("/v1alpha1"));
                self.cluster(spec, path, inventory);
            } else if kind == Some("ClusterConfiguration") {
                self.vars.insert(named("ks_cluster_configuration", &document.place), document.to_value());
            } else {
                let title = format!("a document of kind `{}` is ignored", kind.unwrap_or("?"));
                self.findings.push(
                    Diagnostic::warning(title)
                        .at(&document.place, "")
                        .help("`Cluster` and `ClusterConfiguration` are read"),
                );
            }
        }
        if !has_cluster {
            self.findings.push(
                Diagnostic::error(format!("there is no `spec` in `{}`", path.display()))
                    .help("a KubeKey file holds `kind: Cluster` with a `spec` of hosts and role groups"),
            );
        }
    }

    fn cluster(&mut self, spec: &Node, path: &Path, inventory: &mut Inventory) {
        if spec.as_map().is_none() {
            let found = Diagnostic::error(format!("`spec` must be a mapping, found {}", spec.kind_name()));
            return self.findings.push(found.at(&spec.place, ""));
        }
        hosts::read(spec, path, inventory, self.findings);
        for (key, value) in spec.as_map().unwrap_or_default() {
            match key.as_str() {
                Some("hosts" | "roleGroups") => {}
                Some("controlPlaneEndpoint") => endpoint::read(value, &mut self.vars, self.findings),
                _ => self.field("", key, value),
            }
        }
    }

    /// Reads a field below `prefix` (empty, or a path with a dot at its end).
    fn field(&mut self, prefix: &str, key: &Node, value: &Node) {
        let Some(name) = key.as_str() else { return };
        if value.is_null() {
            return;
        }
        let path = format!("{prefix}{name}");
        if let Some((_, rule)) = FIELDS.iter().find(|(field, _)| *field == path) {
            return self.known(*rule, &path, key, value);
        }
        let below = format!("{path}.");
        if FIELDS.iter().any(|(field, _)| field.starts_with(&below)) {
            let Some(entries) = value.as_map() else {
                let title = format!("`spec.{path}` must be a mapping, found {}", value.kind_name());
                return self.findings.push(Diagnostic::error(title).at(&value.place, ""));
            };
            for (key, value) in entries {
                self.field(&below, key, value);
            }
            return;
        }
        self.unknown(prefix, &path, name, key);
        keep(&mut self.kept, &path, value.to_value());
    }

    fn known(&mut self, rule: Rule, path: &str, key: &Node, value: &Node) {
        match rule {
            // In v1alpha2 the DNS domain has a field of its own, and this is only a name.
            Rule::Is("cluster_name") if path == "kubernetes.clusterName" && !self.is_v1alpha1 => {
                keep(&mut self.kept, path, value.to_value());
            }
            Rule::Is(variable) => {
                self.vars.insert(named(variable, &key.place), value.to_value());
            }
            Rule::Version(variable) => {
                let value = match value.to_value() {
                    Value::Str(text) if text.starts_with(|c: char| c.is_ascii_digit()) => {
                        Value::Str(text.with_chars(format!("v{}", text.as_str())))
                    }
                    value => value,
                };
                self.vars.insert(named(variable, &key.place), value);
            }
            Rule::Kept => keep(&mut self.kept, path, value.to_value()),
        }
    }

    fn unknown(&mut self, prefix: &str, path: &str, name: &str, key: &Node) {
        let siblings = FIELDS
            .iter()
            .filter_map(|(field, _)| field.strip_prefix(prefix))
            .map(|rest| rest.split('.').next().unwrap_or(rest))
            .chain(["hosts", "roleGroups", "controlPlaneEndpoint"].into_iter().filter(|_| prefix.is_empty()));
        let found = Diagnostic::warning(format!("unknown field `spec.{path}`"))
            .at(&key.place, "")
            .note("it is kept in the variable `kubekey_spec`");
        self.findings.push(match suggest::nearest(name, siblings) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found,
        });
    }
}

/// Puts a value at a dotted path of nested mappings.
fn keep(map: &mut Map, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            map.insert(path, value);
        }
        Some((first, rest)) => {
            let mut inner = map.get(first).and_then(Value::as_map).cloned().unwrap_or_default();
            keep(&mut inner, rest, value);
            map.insert(first, inner);
        }
    }
}
