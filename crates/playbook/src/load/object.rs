//! What plays, blocks, tasks and roles have in common: a mapping of keywords, checked against the table.

use data::suggest::nearest;
use data::yaml::{Node, NodeKind};
use data::{Diagnostic, List, Map, Place, Text, VARIABLE_NAME_RULE, Value};
use data::{invalid_variable_name, is_variable_name};

use super::{Reader, has_template, is_template};
use crate::keyword::{self, Keyword, On, Support, Takes};
use crate::keywords::Keywords;

/// The keywords of an object, sorted out.
pub(super) struct Object {
    /// Those that tasks inherit.
    pub(super) inherited: Keywords,
    /// `vars:`.
    pub(super) vars: Map,
    /// `name:`.
    pub(super) name: Option<Text>,
    /// All others of the table, in order.
    pub(super) own: Vec<(&'static Keyword, Node)>,
    /// Keys that are not in the table for this place.
    pub(super) unknown: Vec<(Node, Node)>,
}

impl Object {
    /// The node of a keyword.
    pub(super) fn node(&self, name: &str) -> Option<&Node> {
        self.own.iter().find(|(row, _)| row.name == name).map(|(_, node)| node)
    }

    /// The value of a keyword.
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        self.node(name).filter(|node| !node.is_null()).map(Node::to_value)
    }

    /// The items of a keyword that is a list; one value is a list of one.
    pub(super) fn list(&self, name: &str) -> Vec<Value> {
        match self.value(name) {
            None => Vec::new(),
            Some(Value::List(list)) => list.into_items(),
            Some(other) => vec![other],
        }
    }
}

impl Reader<'_> {
    /// Sorts the keys of a mapping by the table and checks what can be checked without rendering.
    pub(super) fn object(&mut self, entries: &[(Node, Node)], on: On) -> Object {
        let mut object = Object {
            inherited: Keywords::default(),
            vars: Map::new(),
            name: None,
            own: Vec::new(),
            unknown: Vec::new(),
        };
        for (key, node) in entries {
            let Some(row) = key.as_str().and_then(|name| keyword::keyword(name, on)) else {
                object.unknown.push((key.clone(), node.clone()));
                continue;
            };
            if let Support::Refused(reason) = row.support {
                let error = Diagnostic::error(format!("the keyword `{}` is not supported", row.name));
                self.findings.error(error.at(&key.place, "").note(reason));
                continue;
            }
            self.check_kind(row, node, on);
            if row.name == "debugger" {
                self.check_debugger(node);
            }
            match (row.name, row.inherited) {
                ("vars", _) => object.vars = self.vars(node),
                ("name", _) => object.name = self.name(node),
                ("tags", Some(inherited)) => object.inherited.set(inherited, self.tags(node)),
                (_, Some(inherited)) if !node.is_null() => object.inherited.set(inherited, node.to_value()),
                (_, Some(_)) => {}
                _ => object.own.push((row, node.clone())),
            }
        }
        object
    }

    /// A value of the wrong kind. Ansible looks at a play's values before it runs, at those of tasks only when they run: a file may hold
    /// wrong ones in tasks that are always skipped, so these are warnings here and failures of the task later.
    fn check_kind(&mut self, row: &Keyword, node: &Node, on: On) {
        let value = node.to_value();
        if value.is_null() || node.as_text().is_some_and(is_template) {
            return;
        }
        if row.name == "vars" || has_template(&value) {
            return;
        }
        if let Some(expected) = row.takes.mismatch(&value) {
            let label = format!("this is {}", found(node));
            let title = format!("`{}` takes {expected}", row.name);
            if on == On::PLAY || matches!(row.takes, Takes::List | Takes::Dict | Takes::Text) {
                self.findings.error(Diagnostic::error(title).at(&node.place, label));
            } else {
                let warning = Diagnostic::warning(title).at(&node.place, label);
                self.findings.warn(warning.help("the task fails on every host that runs it"));
            }
        }
    }

    fn check_debugger(&mut self, node: &Node) {
        const WHEN: [&str; 5] = ["always", "on_failed", "on_unreachable", "on_skipped", "never"];
        let shown = data_text(node);
        if node.is_null() || node.as_text().is_some_and(is_template) || WHEN.contains(&shown.as_str()) {
            return;
        }
        let title =
            format!("'{shown}' is not a valid value for debugger. Must be one of {}", WHEN.join(", "));
        let mut error = Diagnostic::error(title).at(&node.place, "");
        if let Some(near) = nearest(&shown, WHEN) {
            error = error.help(format!("did you mean `{near}`?"));
        }
        self.findings.error(error);
    }

    fn name(&mut self, node: &Node) -> Option<Text> {
        match &node.kind {
            NodeKind::Null | NodeKind::Seq(_) | NodeKind::Map(_) => None,
            NodeKind::Str(text) => Some(text.clone()),
            NodeKind::Bool(true) => Some(Text::plain("True")),
            NodeKind::Bool(false) => Some(Text::plain("False")),
            NodeKind::Int(number) => Some(Text::plain(number.to_string())),
            NodeKind::Float(number) => Some(Text::plain(number.to_string())),
        }
    }

    /// `tags:` as a list; text is split at commas.
    fn tags(&mut self, node: &Node) -> Value {
        match &node.kind {
            NodeKind::Seq(_) => node.to_value(),
            NodeKind::Str(text) => {
                let split = text.split(',').map(|tag| Value::Str(text.with_chars(tag.trim())));
                Value::List(List::new(split.collect()))
            }
            NodeKind::Null => Value::List(List::default()),
            _ => {
                let error = Diagnostic::error("tags must be specified as a list");
                self.findings.error(error.at(&node.place, format!("this is {}", node.kind_name())));
                Value::List(List::default())
            }
        }
    }

    /// `vars:`: a mapping whose keys are names of variables.
    pub(super) fn vars(&mut self, node: &Node) -> Map {
        match &node.kind {
            NodeKind::Map(entries) => {
                entries.iter().for_each(|(key, _)| self.check_variable_name(key));
                node.to_value().as_map().cloned().unwrap_or_default()
            }
            NodeKind::Null => Map::new(),
            _ => {
                let error = Diagnostic::error("`vars` takes a mapping of variables");
                self.findings.error(error.at(&node.place, format!("this is {}", node.kind_name())));
                Map::new()
            }
        }
    }

    fn check_variable_name(&mut self, key: &Node) {
        if key.as_str().is_some_and(is_variable_name) {
            return;
        }
        let error = Diagnostic::error(invalid_variable_name(&key.to_value()));
        self.findings.error(error.at(&key.place, "").help(VARIABLE_NAME_RULE));
    }

    /// Notes keys that are in no table, with the nearest name that is.
    pub(super) fn refuse_unknown(&mut self, unknown: &[(Node, Node)], on: On) {
        for (key, _) in unknown {
            let shown = data_text(key);
            let mut error =
                Diagnostic::error(format!("'{shown}' is not a valid attribute for a {}", on.noun()))
                    .at(&key.place, "");
            if let Some(near) = nearest(&shown, keyword::names(on)) {
                error = error.help(format!("did you mean `{near}`?"));
            }
            self.findings.error(error);
        }
    }

    /// Notes that something else was expected here.
    pub(super) fn expected(&mut self, what: &str, node: &Node) {
        let error = Diagnostic::error(format!("expected {what}, found {}", node.kind_name()));
        self.findings.error(error.at(&node.place, ""));
    }

    /// Renders a value that must be known before the run, such as the name in a static import.
    pub(super) fn render_static(
        &mut self,
        value: &Value,
        vars: &Map,
        place: Option<&Place>,
    ) -> Option<Value> {
        if !has_template(value) {
            return Some(value.clone());
        }
        match self.loader.surroundings.render(value, vars) {
            Ok(rendered) => Some(rendered),
            Err(errors) => {
                for error in errors {
                    let error = if error.labels.is_empty() { error.at_opt(place, "") } else { error };
                    self.findings.error(error.help(
                        "names in static imports can use extra vars and variables of the play, its vars_files and the role; for facts \
                         and inventory variables use the dynamic form (include_tasks, include_role)",
                    ));
                }
                None
            }
        }
    }
}

/// The characters of a scalar, for messages.
pub(super) fn data_text(node: &Node) -> String {
    match &node.kind {
        NodeKind::Str(text) => text.to_string(),
        NodeKind::Bool(flag) => flag.to_string(),
        NodeKind::Int(number) => number.to_string(),
        NodeKind::Float(number) => number.to_string(),
        _ => node.place.text().to_owned(),
    }
}

fn found(node: &Node) -> String {
    match &node.kind {
        NodeKind::Str(text) => format!("`{}`", text.as_str()),
        _ => node.kind_name().to_owned(),
    }
}
