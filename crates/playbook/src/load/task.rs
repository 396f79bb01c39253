//! One task or handler from its mapping.

use std::sync::Arc;

use data::suggest::nearest;
use data::yaml::{Node, NodeKind};
use data::{Diagnostic, Text, VARIABLE_NAME_RULE, Value, invalid_variable_name, is_variable_name};

use super::Reader;
use super::action::is_with;
use super::object::Object;
use crate::enclosing::Enclosing;
use crate::keyword::{Inherited, On};
use crate::task::{Loop, LoopControl, Task, TaskId, TaskKind};

impl Reader<'_> {
    /// The task of a mapping that is no block. `None` after a mistake, which is noted.
    pub(super) fn task(
        &mut self,
        node: &Node,
        entries: &[(Node, Node)],
        around: &Arc<Enclosing>,
        kind: TaskKind,
    ) -> Option<Task> {
        let on = if kind == TaskKind::Handler { On::HANDLER } else { On::TASK };
        let mut object = self.object(entries, on);
        let (action, local) = self.action(node, &object, on)?;
        if local {
            object.inherited.set(Inherited::DelegateTo, Value::from("localhost"));
        }
        let looped = self.looped(&object);
        let loop_control = self.loop_control(object.node("loop_control"));
        let register = self.register(object.node("register"));
        Some(Task {
            id: TaskId::next(),
            kind,
            name: object.name.clone(),
            action,
            keywords: object.inherited.inside(&around.keywords),
            vars: object.vars.clone(),
            looped,
            loop_control,
            register,
            until: object.list("until"),
            retries: object.value("retries"),
            delay: object.value("delay"),
            async_seconds: object.value("async"),
            poll: object.value("poll"),
            changed_when: object.list("changed_when"),
            failed_when: object.list("failed_when"),
            listen: object.list("listen").iter().filter_map(|topic| topic.as_text().cloned()).collect(),
            enclosing: Arc::clone(around),
            implicit: false,
            place: Some(start(node)),
        })
    }

    fn looped(&mut self, object: &Object) -> Option<Loop> {
        let mut found: Option<Loop> = None;
        let plain = object.node("loop").filter(|node| !node.is_null()).map(|node| (None, node));
        let with = object.unknown.iter().filter(|(key, _)| is_with(key));
        let with = with.map(|(key, node)| (key.as_str().map(|name| name["with_".len()..].to_owned()), node));
        for (name, node) in plain.into_iter().chain(with) {
            if let Some(first) = &found {
                let error = Diagnostic::error(format!(
                    "duplicate loop in task: {}",
                    name.as_deref().unwrap_or("loop")
                ))
                .at(&node.place, "")
                .also(&first.place, "the first");
                self.findings.error(error);
                continue;
            }
            if node.is_null() {
                let shown = name.unwrap_or_default();
                self.findings.error(
                    Diagnostic::error(format!("you must specify a value when using with_{shown}"))
                        .at(&node.place, ""),
                );
                continue;
            }
            if let Some(lookup) = &name
                && !self.loader.surroundings.is_lookup(lookup)
            {
                let title = format!("'with_{lookup}' is not a valid attribute for a Task");
                let error = Diagnostic::error(title).at(&node.place, "");
                self.findings.error(error.note(format!("there is no lookup `{lookup}`")));
                continue;
            }
            found = Some(Loop { with: name, items: node.to_value(), place: node.place.clone() });
        }
        found
    }

    fn loop_control(&mut self, node: Option<&Node>) -> LoopControl {
        let mut control = LoopControl::default();
        let Some(node) = node.filter(|node| !node.is_null()) else { return control };
        let NodeKind::Map(entries) = &node.kind else {
            self.expected("`loop_control` as a mapping", node);
            return control;
        };
        const NAMES: [&str; 7] =
            ["loop_var", "index_var", "label", "pause", "extended", "extended_allitems", "break_when"];
        for (key, value) in entries {
            let slot = match key.as_str().unwrap_or_default() {
                "loop_var" => &mut control.loop_var,
                "index_var" => &mut control.index_var,
                "label" => &mut control.label,
                "pause" => &mut control.pause,
                "extended" => &mut control.extended,
                "extended_allitems" => &mut control.extended_allitems,
                "break_when" => {
                    control.break_when = match value.to_value() {
                        Value::List(list) => list.into_items(),
                        other => vec![other],
                    };
                    continue;
                }
                other => {
                    let mut error = Diagnostic::error(format!("`{other}` is not a key of `loop_control`"))
                        .at(&key.place, "");
                    if let Some(near) = nearest(other, NAMES) {
                        error = error.help(format!("did you mean `{near}`?"));
                    }
                    self.findings.error(error);
                    continue;
                }
            };
            *slot = Some(value.to_value());
        }
        control
    }

    fn register(&mut self, node: Option<&Node>) -> Option<Text> {
        let node = node?;
        match node.as_text() {
            Some(text) if is_variable_name(text) => Some(text.clone()),
            _ => {
                let why = invalid_variable_name(&node.to_value());
                let error = Diagnostic::error(format!("Invalid 'register' specified: {why}"));
                self.findings.error(error.at(&node.place, "").help(VARIABLE_NAME_RULE));
                None
            }
        }
    }
}

/// The place of a mapping's first key: a task is shown by where it begins.
pub(super) fn start(node: &Node) -> data::Place {
    node.as_map().and_then(<[_]>::first).map_or_else(|| node.place.clone(), |(key, _)| key.place.clone())
}
