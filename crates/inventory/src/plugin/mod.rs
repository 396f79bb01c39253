//! Files that configure an inventory plugin: `plugin: constructed` and `plugin: generator` are done here, others are refused by name.

mod constructed;
mod generator;

use std::path::PathBuf;

use data::yaml::Node;
use data::{Diagnose, Diagnostic, Map, Value};
use template::{Context, Engine, SearchPath, Settings, TemplateError};
use thiserror::Error;

use crate::{Inventory, Origin, Reader};

/// A plugin's configuration that cannot be used, or a plugin that taskbox has not.
#[derive(Clone, Debug, Error)]
#[error("{}", .0.title)]
pub struct PluginError(pub(crate) Box<Diagnostic>);

impl From<Diagnostic> for PluginError {
    fn from(finding: Diagnostic) -> Self {
        Self(Box::new(finding))
    }
}

impl Diagnose for PluginError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        vec![(*self.0).clone()]
    }
}

/// What a plugin works with.
pub(crate) struct Plugin<'a> {
    /// The inventory as the sources before this one made it.
    pub(crate) inventory: &'a mut Inventory,
    /// The file.
    pub(crate) origin: &'a Origin,
    /// The folders of the sources so far.
    pub(crate) folders: &'a [PathBuf],
    /// Reads files of variables.
    pub(crate) reader: &'a Reader,
    /// Variables of the command line.
    pub(crate) extra_vars: &'a Map,
    /// Whether plugins see them that do not say.
    pub(crate) use_extra_vars: bool,
}

/// Whether a file ending means that the file may configure a plugin.
pub(crate) fn may_configure(ending: Option<&str>) -> bool {
    matches!(ending, None | Some("yml" | "yaml" | "config"))
}

impl Plugin<'_> {
    /// Does what the plugin that `config` names does; returns what the user should know.
    ///
    /// # Errors
    /// A plugin that is not there, or a configuration that it cannot use.
    pub(crate) fn apply(mut self, config: &Node) -> Result<Vec<Diagnostic>, PluginError> {
        let named = config.entry("plugin");
        let name = named.and_then(|(_, node)| node.as_str()).unwrap_or_default();
        let short = name.strip_prefix("ansible.builtin.").unwrap_or(name);
        match short {
            "constructed" => constructed::apply(&mut self, config),
            "generator" => generator::apply(&mut self, config).map(|()| Vec::new()),
            _ => {
                let mut error = Diagnostic::error(format!("inventory plugin `{name}` is not supported"));
                if let Some((key, _)) = named {
                    error = error.at(&key.place, "");
                }
                Err(error
                    .help("write the hosts into an INI or YAML inventory, or print them as JSON from an executable script")
                    .into())
            }
        }
    }
}

/// Renders templates with a few variables.
struct Templates {
    engine: Engine,
    search: SearchPath,
}

impl Templates {
    fn new() -> Self {
        Self { engine: Engine::new(Settings::default()), search: SearchPath::default() }
    }

    fn resolve(&self, value: &Value, vars: &Map) -> Result<Value, TemplateError> {
        self.engine.resolve(value, &Context::new(vars, &self.search))
    }

    fn condition(&self, value: &Value, vars: &Map) -> Result<bool, TemplateError> {
        self.engine.condition(value, &Context::new(vars, &self.search))
    }

    /// The value of a bare expression.
    fn evaluate(&self, value: &Value, vars: &Map) -> Result<Value, Diagnostic> {
        let Value::Str(text) = value else {
            return Err(Diagnostic::error(format!(
                "expected an expression, found {}",
                value.kind().python_name()
            )));
        };
        self.engine.evaluate(text, &Context::new(vars, &self.search)).map_err(|error| first(&error))
    }
}

/// The first finding of an error.
fn first(error: &dyn Diagnose) -> Diagnostic {
    error.diagnostics().into_iter().next().unwrap_or_else(|| Diagnostic::error("cannot be rendered"))
}

/// Text of a value as Python's `%s` gives it.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| data::python::str(value), str::to_owned)
}

/// A boolean option.
fn flag(config: &Node, name: &str, default: bool) -> bool {
    match config.get(name).map(Node::to_value) {
        Some(Value::Bool(flag)) => flag,
        Some(Value::Str(word)) => {
            matches!(word.trim().to_ascii_lowercase().as_str(), "y" | "yes" | "on" | "1" | "true" | "t")
        }
        _ => default,
    }
}
