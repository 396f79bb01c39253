//! Inventories in YAML: a mapping of groups, each with `hosts`, `children` and `vars`.

use std::sync::Arc;

use data::yaml::{Node, NodeKind, YamlError};
use data::{Diagnose, Diagnostic, Place, Source, Text, Value};
use thiserror::Error;

use crate::address::parse_address;
use crate::range::expand;
use crate::{GraphError, Inventory, Origin};

/// A YAML inventory that cannot be read.
#[derive(Clone, Debug, Error)]
pub enum YamlInventoryError {
    /// Not YAML.
    #[error("{}", .0.diagnostics().first().map(|found| found.title.clone()).unwrap_or_default())]
    Syntax(YamlError),
    /// YAML, but not an inventory: all mistakes.
    #[error("{} mistakes in a YAML inventory", .0.len())]
    Structure(Vec<StructureError>),
    /// Not TOML.
    #[error("{}", .0.title)]
    Toml(Diagnostic),
}

/// One mistake in the structure of a YAML inventory.
#[derive(Clone, Debug, Error)]
#[error("{problem}")]
pub struct StructureError {
    /// Where it is; nowhere in an empty file.
    pub place: Option<Place>,
    /// What it is.
    pub problem: StructureProblem,
}

/// What is wrong with the structure.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StructureProblem {
    /// No document.
    #[error("the YAML inventory is empty")]
    Empty,
    /// The document is not a mapping of groups.
    #[error("a YAML inventory is a mapping of groups, found {0}")]
    Root(&'static str),
    /// A group name that is not text.
    #[error("a group name must be text, found {0}")]
    GroupName(&'static str),
    /// A host name that is not text.
    #[error("Host pattern {0} must be a string. Enclose integers/floats in quotation marks.")]
    HostName(String),
    /// `hosts: [a, b]`
    #[error("`{section}` of group `{group}` must be {expected}, found {found}")]
    Section {
        /// What should stand there.
        expected: &'static str,
        /// `hosts`, `children` or `vars`.
        section: &'static str,
        /// The group.
        group: String,
        /// What stands there.
        found: &'static str,
    },
    /// Variables of a host that are not a mapping.
    #[error("the variables of host `{host}` must be a mapping, found {found}")]
    HostVars {
        /// The host.
        host: String,
        /// What stands there.
        found: &'static str,
    },
    /// A range that cannot be expanded.
    #[error("invalid host range in `{pattern}`: {reason}")]
    Range {
        /// The host pattern.
        pattern: String,
        /// Why.
        reason: String,
    },
    /// What the graph refuses.
    #[error("{0}")]
    Graph(GraphError),
}

impl StructureProblem {
    fn help(&self) -> &'static str {
        match self {
            Self::Empty => "begin with `all:`, below it `hosts:` and `children:`",
            Self::Root(_) => {
                "begin with a group, such as `all:`, and put `hosts:`, `children:` and `vars:` below it"
            }
            Self::GroupName(_) | Self::HostName(_) => "put the name in quotes",
            Self::Section { .. } => "write one name on each line and end it with a colon",
            Self::HostVars { .. } => "write the variables below the host, one `key: value` on each line",
            Self::Range { .. } => "write ranges as `[1:3]`, `[01:20:2]` or `[a:f]`",
            Self::Graph(_) => "a group must not lie below itself; take one of the entries out",
        }
    }
}

impl Diagnose for YamlInventoryError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            Self::Syntax(error) => error.diagnostics(),
            Self::Toml(error) => vec![error.clone()],
            Self::Structure(errors) => errors
                .iter()
                .map(|error| {
                    Diagnostic::error(error.problem.to_string())
                        .at_opt(error.place.as_ref(), "")
                        .help(error.problem.help())
                })
                .collect(),
        }
    }
}

/// Adds the hosts, groups and variables of a YAML inventory; returns what the user should know.
///
/// # Errors
/// Text that is not YAML, and every mistake in the structure.
pub(crate) fn apply(
    source: &Arc<Source>,
    inventory: &mut Inventory,
    origin: &Origin,
) -> Result<Vec<Diagnostic>, YamlInventoryError> {
    let loaded = data::yaml::load(source).map_err(YamlInventoryError::Syntax)?;
    let warnings = loaded.warnings;
    let applying = Applying { inventory, origin, children_are_lists: false, warnings, errors: Vec::new() };
    applying.finish(loaded.node.as_ref())
}

/// A tree of groups on its way into an inventory.
pub(crate) struct Applying<'a> {
    inventory: &'a mut Inventory,
    origin: &'a Origin,
    /// TOML has lists of names where YAML has mappings.
    children_are_lists: bool,
    warnings: Vec<Diagnostic>,
    errors: Vec<StructureError>,
}

impl<'a> Applying<'a> {
    /// For a tree that stood in TOML.
    pub(crate) fn of_toml(inventory: &'a mut Inventory, origin: &'a Origin) -> Self {
        Self { inventory, origin, children_are_lists: true, warnings: Vec::new(), errors: Vec::new() }
    }

    /// Adds all groups; returns what the user should know.
    ///
    /// # Errors
    /// Every mistake in the structure.
    pub(crate) fn finish(mut self, root: Option<&Node>) -> Result<Vec<Diagnostic>, YamlInventoryError> {
        self.root(root);
        if self.errors.is_empty() {
            Ok(self.warnings)
        } else {
            Err(YamlInventoryError::Structure(self.errors))
        }
    }

    fn fail(&mut self, node: &Node, problem: StructureProblem) {
        self.errors.push(StructureError { place: Some(node.place.clone()), problem });
    }

    fn check<T>(&mut self, node: &Node, result: Result<T, GraphError>) -> Option<T> {
        result.map_err(|error| self.fail(node, StructureProblem::Graph(error))).ok()
    }

    fn warn(&mut self, node: &Node, title: String) {
        self.warnings.push(Diagnostic::warning(title).at(&node.place, ""));
    }

    fn root(&mut self, node: Option<&Node>) {
        let Some(node) = node.filter(|node| !node.is_null()) else {
            return self.errors.push(StructureError { place: None, problem: StructureProblem::Empty });
        };
        let Some(groups) = node.as_map() else {
            return self.fail(node, StructureProblem::Root(node.kind_name()));
        };
        for (name, body) in groups {
            self.group(name, body);
        }
    }

    /// Adds a group with all that is below it; returns its name.
    fn group<'n>(&mut self, name: &'n Node, body: &Node) -> Option<&'n str> {
        let Some(group) = name.as_str() else {
            self.fail(name, StructureProblem::GroupName(name.kind_name()));
            return None;
        };
        if !body.is_null() && body.as_map().is_none() {
            self.warn(name, format!("skipping `{group}`, for this is not a valid group definition"));
            return Some(group);
        }
        let added = self.inventory.add_group(group, Some(&name.place));
        self.check(name, added)?;
        for (key, section) in body.as_map().unwrap_or_default() {
            self.section(group, key, section);
        }
        Some(group)
    }

    fn section(&mut self, group: &str, key: &Node, section: &Node) {
        let Some(kind) = ["vars", "children", "hosts"].into_iter().find(|kind| key.as_str() == Some(kind))
        else {
            let name = key.place.text();
            let title = format!("skipping unexpected key `{name}` in group `{group}`");
            let found = Diagnostic::warning(title).at(&key.place, "");
            self.warnings.push(found.help("only `vars`, `children` and `hosts` are valid in a group"));
            return;
        };
        match &section.kind {
            NodeKind::Null => {}
            NodeKind::Seq(names) if kind == "children" && self.children_are_lists => {
                for name in names {
                    self.entry(group, kind, name, None);
                }
            }
            // One name alone is as good as a mapping with that name.
            NodeKind::Str(_) if !self.children_are_lists => self.entry(group, kind, section, None),
            NodeKind::Map(entries) if kind != "children" || !self.children_are_lists => {
                for (name, value) in entries {
                    self.entry(group, kind, name, Some(value));
                }
            }
            _ => {
                let (group, found) = (group.to_owned(), section.kind_name());
                let list = kind == "children" && self.children_are_lists;
                let expected = if list { "a list" } else { "a mapping" };
                self.fail(section, StructureProblem::Section { expected, section: kind, group, found });
            }
        }
    }

    fn entry(&mut self, group: &str, kind: &str, name: &Node, value: Option<&Node>) {
        match kind {
            "vars" => {
                let Some(key) = name.to_key() else { return };
                let value = value.map_or(Value::Null, Node::to_value);
                let set = self.inventory.set_group_var(group, key, value);
                self.check(name, set);
            }
            "children" => {
                let null = Node { kind: NodeKind::Null, place: name.place.clone(), tag: None };
                let child = self.group(name, value.unwrap_or(&null));
                // A child that is no group definition was skipped with a warning and may be unknown.
                if let Some(child) = child.filter(|child| self.inventory.group_index(child).is_some()) {
                    let added = self.inventory.add_child_group(group, child);
                    self.check(name, added);
                }
            }
            _ => self.host(group, name, value),
        }
    }

    fn host(&mut self, group: &str, name: &Node, vars: Option<&Node>) {
        let Some(written) = name.as_str() else {
            return self.fail(name, StructureProblem::HostName(data::python::str(&name.to_value())));
        };
        let (pattern, port) = parse_address(written).unwrap_or((written, None));
        let names = match expand(pattern) {
            Ok(names) => names,
            Err(error) => {
                let (pattern, reason) = (pattern.to_owned(), error.to_string());
                return self.fail(name, StructureProblem::Range { pattern, reason });
            }
        };
        let vars = vars.filter(|vars| !vars.is_null());
        if let Some(vars) = vars.filter(|vars| vars.as_map().is_none()) {
            let (host, found) = (written.to_owned(), vars.kind_name());
            return self.fail(vars, StructureProblem::HostVars { host, found });
        }
        let vars = vars.and_then(Node::as_map).unwrap_or_default();
        for host in names {
            let added = self.add_host(&host, group, port, vars, &name.place);
            self.check(name, added);
        }
    }

    fn add_host(
        &mut self,
        host: &str,
        group: &str,
        port: Option<u32>,
        vars: &[(Node, Node)],
        place: &Place,
    ) -> Result<(), GraphError> {
        let is_new = self.inventory.add_host(host, Some(self.origin), Some(place))?;
        self.inventory.add_to_group(host, group)?;
        if let (true, Some(port)) = (is_new, port.filter(|port| *port != 0)) {
            let key = Text::plain("ansible_port").with_place(Some(place.clone()));
            self.inventory.set_host_var(host, key, port)?;
        }
        for (key, value) in vars {
            if let Some(key) = key.to_key() {
                self.inventory.set_host_var(host, key, value.to_value())?;
            }
        }
        Ok(())
    }
}
