//! Dynamic inventories: executable files that print their hosts and groups as JSON when called with `--list`, and the variables of one
//! host when called with `--host NAME`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use data::json::{self, JsonError};
use data::yaml::{Node, NodeKind};
use data::{Diagnose, Diagnostic, Severity, Source};
use indexmap::IndexSet;
use thiserror::Error;

use crate::{GraphError, Inventory, Origin};

/// A script that gives no inventory.
#[derive(Debug, Error)]
pub enum ScriptError {
    /// It cannot be started.
    #[error("Failed to execute inventory script command {path}: {error}")]
    Start {
        /// The script.
        path: String,
        /// The system's answer.
        error: std::io::Error,
    },
    /// It ended with another code than 0.
    #[error("Inventory script returned non-zero exit code {code}.")]
    Exit {
        /// The script.
        path: String,
        /// Its exit code; -1 when a signal ended it.
        code: i32,
        /// What it wrote to its standard error.
        stderr: String,
    },
    /// It printed something else than JSON.
    #[error("{}", no_json(.host.as_deref()))]
    Json {
        /// The script.
        path: String,
        /// The host whose variables it was asked for.
        host: Option<String>,
        /// Why it is none.
        error: Box<JsonError>,
        /// What it wrote to its standard error.
        stderr: String,
    },
    /// It printed bytes that are not UTF-8.
    #[error("Inventory script result contained characters that cannot be interpreted as UTF-8.")]
    Text(String),
    /// It names a profile for its JSON that is none of inventories.
    #[error("{}", wrong_profile(.0))]
    Profile(String),
    /// JSON of another structure.
    #[error("{}", structure(.member, .expected, .found))]
    Structure {
        /// The script.
        path: String,
        /// The member, as `group.hosts`.
        member: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// What the graph refuses.
    #[error("inventory script `{path}`: {error}")]
    Graph {
        /// The script.
        path: String,
        /// Why.
        error: GraphError,
    },
}

impl Diagnose for ScriptError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        let found = Diagnostic::error(self.to_string());
        vec![match self {
            Self::Exit { path, stderr, .. } | Self::Json { path, stderr, .. }
                if !stderr.trim().is_empty() =>
            {
                found
                    .note(format!("the script is `{path}`"))
                    .note(format!("standard error of the script: {}", stderr.trim()))
            }
            Self::Exit { path, .. }
            | Self::Json { path, .. }
            | Self::Text(path)
            | Self::Structure { path, .. } => found.note(format!("the script is `{path}`")),
            Self::Start { .. } => found.help("a script needs a `#!` line that names its interpreter"),
            _ => found,
        }]
    }
}

fn no_json(host: Option<&str>) -> String {
    match host {
        Some(host) => format!("Inventory script result for host '{host}' could not be parsed as JSON."),
        None => "Unable to get JSON decoder for inventory script result: Value could not be parsed as JSON."
            .to_owned(),
    }
}

fn wrong_profile(name: &str) -> String {
    let reason = if name.starts_with("inventory_") {
        format!("Unknown profile name '{name}'.")
    } else {
        format!("Non-inventory profile '{name}' is not allowed.")
    };
    format!("Unable to get JSON decoder for inventory script result: {reason}")
}

/// Ansible's words: of the whole it says that it finds no decoder for it.
fn structure(member: &str, expected: &str, found: &str) -> String {
    match member {
        "" => format!(
            "Unable to get JSON decoder for inventory script result: Value is '{found}' instead of '{expected}'."
        ),
        "_meta" | "_meta.profile" => format!(
            "Unable to get JSON decoder for inventory script result: Value contains '{member}' which is '{found}' instead of \
             '{expected}'."
        ),
        _ => format!("Value contains '{member}' which is '{found}' instead of '{expected}'."),
    }
}

/// The profiles that the JSON of an inventory may name.
const PROFILES: [&str; 2] = ["inventory_legacy", "inventory_legacy_m2c"];

/// Whether a file is to be run rather than read.
pub(crate) fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Runs a script and adds what it prints; returns what the user should know.
///
/// # Errors
/// A script that fails or prints something else than an inventory.
pub(crate) fn apply(
    path: &Path,
    inventory: &mut Inventory,
    origin: &Origin,
    show_stderr: bool,
) -> Result<Vec<Diagnostic>, ScriptError> {
    let (hosts, warnings) = (IndexSet::new(), Vec::new());
    let mut applying = Applying { path, inventory, origin, hosts, warnings, show_stderr };
    applying.run()?;
    Ok(applying.warnings)
}

struct Applying<'a> {
    path: &'a Path,
    inventory: &'a mut Inventory,
    origin: &'a Origin,
    /// The hosts of this script, to be given their variables last.
    hosts: IndexSet<String>,
    warnings: Vec<Diagnostic>,
    /// `always_show_stderr`
    show_stderr: bool,
}

impl Applying<'_> {
    fn path(&self) -> String {
        self.path.display().to_string()
    }

    fn run(&mut self) -> Result<(), ScriptError> {
        let output = self.call(&["--list"])?.unwrap_or_else(|| empty(self.path));
        let mut host_vars = None;
        for (name, body) in self.mapping(&output, "")? {
            match name.as_str() {
                Some("_meta") => {
                    self.mapping(body, "_meta")?;
                    self.check_profile(body.get("profile"))?;
                    host_vars = body.get("hostvars").cloned();
                }
                Some(group) => self.group(group, body)?,
                None => {}
            }
        }
        if let Some(vars) = &host_vars {
            self.mapping(vars, "_meta.hostvars")?;
        } else {
            self.warnings.push(
                Diagnostic::warning(format!("inventory script `{}` prints no `_meta.hostvars`", self.path()))
                    .note("it is called once more for each host")
                    .help("print the variables of all hosts with `--list`, below `_meta.hostvars`"),
            );
        }
        for host in std::mem::take(&mut self.hosts) {
            let vars = match &host_vars {
                Some(all) => all.get(&host).cloned(),
                None => self.call(&["--host", &host])?,
            };
            for (key, value) in vars.as_ref().and_then(Node::as_map).unwrap_or_default() {
                if let Some(key) = key.to_key() {
                    let set = self.inventory.set_host_var(&host, key, value.to_value());
                    self.graph(set)?;
                }
            }
        }
        Ok(())
    }

    fn group(&mut self, group: &str, body: &Node) -> Result<(), ScriptError> {
        let added = self.inventory.add_group(group, None);
        self.graph(added)?;
        if body.as_map().is_none() {
            // The oldest form: a list of hosts in place of a mapping.
            let kind = python_kind(body);
            self.deprecated(format!("Group '{group}' was converted to 'dict' from '{kind}'."));
            return self.hosts(group, body);
        }
        if !["hosts", "vars", "children"].iter().any(|key| body.get(key).is_some()) {
            // The variables of a host that is its own group.
            self.deprecated(format!(
                "Treating malformed group '{group}' as the sole host of that group. Variables provided in this manner cannot be templated."
            ));
            self.host(group, group)?;
            return self.vars(group, body);
        }
        if let Some(hosts) = body.get("hosts") {
            self.hosts(group, hosts)?;
        }
        if let Some(vars) = body.get("vars") {
            self.vars(group, vars)?;
        }
        for child in body.get("children").and_then(Node::as_seq).unwrap_or_default() {
            let name = child.as_str().ok_or_else(|| self.structure(group, "children", "str", child))?;
            let added = self
                .inventory
                .add_group(name, None)
                .and_then(|_| self.inventory.add_child_group(group, name));
            self.graph(added)?;
        }
        Ok(())
    }

    fn hosts(&mut self, group: &str, hosts: &Node) -> Result<(), ScriptError> {
        let list = hosts.as_seq().ok_or_else(|| self.structure(group, "hosts", "list", hosts))?;
        for host in list {
            let name = host.as_str().ok_or_else(|| self.structure(group, "hosts", "str", host))?;
            self.host(group, name)?;
        }
        Ok(())
    }

    fn host(&mut self, group: &str, host: &str) -> Result<(), ScriptError> {
        let added = self.inventory.add_host(host, Some(self.origin), None);
        let added = added.and_then(|_| self.inventory.add_to_group(host, group));
        self.graph(added)?;
        self.hosts.insert(host.to_owned());
        Ok(())
    }

    fn vars(&mut self, group: &str, vars: &Node) -> Result<(), ScriptError> {
        let entries = vars.as_map().ok_or_else(|| self.structure(group, "vars", "dict", vars))?;
        for (key, value) in entries {
            if let Some(key) = key.to_key() {
                let set = self.inventory.set_group_var(group, key, value.to_value());
                self.graph(set)?;
            }
        }
        Ok(())
    }

    fn mapping<'n>(&self, node: &'n Node, member: &str) -> Result<&'n [(Node, Node)], ScriptError> {
        node.as_map().ok_or_else(|| ScriptError::Structure {
            path: self.path(),
            member: member.to_owned(),
            expected: "dict",
            found: python_kind(node),
        })
    }

    fn structure(&self, group: &str, member: &str, expected: &'static str, node: &Node) -> ScriptError {
        let member = format!("{group}.{member}");
        ScriptError::Structure { path: self.path(), member, expected, found: python_kind(node) }
    }

    fn check_profile(&self, profile: Option<&Node>) -> Result<(), ScriptError> {
        let Some(profile) = profile else { return Ok(()) };
        match profile.as_str() {
            Some(name) if PROFILES.contains(&name) => Ok(()),
            Some(name) => Err(ScriptError::Profile(name.to_owned())),
            None => Err(ScriptError::Structure {
                path: self.path(),
                member: "_meta.profile".to_owned(),
                expected: "str",
                found: python_kind(profile),
            }),
        }
    }

    fn deprecated(&mut self, title: String) {
        let found = Diagnostic { severity: Severity::Deprecation, ..Diagnostic::warning(title) };
        self.warnings.push(found.note(format!("the inventory script is `{}`", self.path())));
    }

    fn graph<T>(&self, result: Result<T, GraphError>) -> Result<T, ScriptError> {
        result.map_err(|error| ScriptError::Graph { path: self.path(), error })
    }

    /// Runs the script; `None` when it prints nothing.
    fn call(&mut self, arguments: &[&str]) -> Result<Option<Node>, ScriptError> {
        let absolute = std::path::absolute(self.path).unwrap_or_else(|_| self.path.to_owned());
        let output = Command::new(absolute)
            .args(arguments)
            .output()
            .map_err(|error| ScriptError::Start { path: self.path(), error })?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            let code = output.status.code().unwrap_or(-1);
            return Err(ScriptError::Exit { path: self.path(), code, stderr });
        }
        if self.show_stderr && !stderr.trim().is_empty() {
            self.warnings.push(Diagnostic::error(stderr.trim_end().to_owned()));
        }
        let text = String::from_utf8(output.stdout).map_err(|_| ScriptError::Text(self.path()))?;
        if text.trim().is_empty() && arguments[0] == "--host" {
            return Ok(None);
        }
        let source = Source::new(format!("<output of inventory script {}>", self.path()), text);
        json::parse_node(&source).map(Some).map_err(|error| ScriptError::Json {
            path: self.path(),
            host: arguments.get(1).map(ToString::to_string),
            error: Box::new(error),
            stderr,
        })
    }
}

/// Python's name for the kind of a value.
fn python_kind(node: &Node) -> &'static str {
    node.to_value().kind().python_name()
}

/// What a script says that has no hosts.
fn empty(path: &Path) -> Node {
    let source = Source::new(path.display().to_string(), "");
    Node {
        kind: NodeKind::Map(Vec::new()),
        place: data::Place::new(&source, data::Span::default()),
        tag: None,
    }
}
