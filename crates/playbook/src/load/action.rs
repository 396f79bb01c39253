//! What a task does: the one key that names an action, in all the forms that Ansible takes.

use data::split::{parse_kv, split_args};
use data::suggest::nearest;
use data::yaml::{Node, NodeKind};
use data::{Diagnose, Diagnostic, Key, Map, Text, Value};

use super::object::{Object, data_text};
use super::{Reader, is_template};
use crate::keyword::{self, On};
use crate::task::Action;

impl Reader<'_> {
    /// The action of a task. The second value tells whether it was written as `local_action`. `None` after a mistake, which is noted.
    pub(super) fn action(&mut self, task: &Node, object: &Object, on: On) -> Option<(Action, bool)> {
        let (variable, mut args) = self.args_keyword(object.node("args"));
        let mut found = None;
        for form in ["action", "local_action"] {
            let Some(node) = object.node(form) else { continue };
            if found.is_some() {
                self.findings.error(
                    Diagnostic::error("action and local_action are mutually exclusive").at(&node.place, ""),
                );
                return None;
            }
            found = Some((self.old_style(node)?, form == "local_action"));
        }
        let candidates: Vec<_> = object.unknown.iter().filter(|(key, _)| !is_with(key)).collect();
        if found.is_none() {
            let (key, value) = self.named_action(task, &candidates, on)?;
            let own = self.new_style(key, value)?;
            let name = key.as_text().cloned().unwrap_or_else(|| Text::plain(data_text(key)));
            found = Some(((name, own, key.place.clone()), false));
        } else if let Some((key, _)) = candidates.first() {
            self.refuse_unknown(&[(key.clone(), key.clone())], on);
            return None;
        }
        let ((name, own, place), local) = found?;
        args.extend_from(&own);
        self.refuse_internal(&name, &args, &place);
        Some((Action { name, args, variable, place: Some(place) }, local))
    }

    /// Arguments that only the engine gives.
    fn refuse_internal(&mut self, action: &Text, args: &Map, place: &data::Place) {
        let internal = |key: &&Key| key.as_str().is_some_and(|name| name.starts_with("_ansible_"));
        let Some(key) = args.keys().find(internal).filter(|_| !takes_command(action)) else { return };
        let title = format!(
            "Invalid parameter specified beginning with keyword '_ansible_' for action '{}': '{key}'. The prefix '_ansible_' is \
             reserved for internal use only.",
            action.as_str()
        );
        let place = match key {
            Key::Str(text) => text.place().unwrap_or(place),
            _ => place,
        };
        self.findings.error(Diagnostic::error(title).at(place, ""));
    }

    /// The one key that is the action; with several, those that can run win over misspelled keywords.
    fn named_action<'n>(
        &mut self,
        task: &Node,
        candidates: &[&'n (Node, Node)],
        on: On,
    ) -> Option<(&'n Node, &'n Node)> {
        let runs: Vec<_> = candidates
            .iter()
            .filter(|(key, _)| key.as_str().is_some_and(|name| self.loader.surroundings.is_action(name)))
            .collect();
        match (runs.as_slice(), candidates) {
            ([], []) => {
                self.findings
                    .error(Diagnostic::error("no module/action detected in task.").at(&task.place, ""));
                None
            }
            ([], [one]) if keyword_near(one, on).is_none() => Some((&one.0, &one.1)),
            ([], many) => {
                let keys: Vec<_> = many.iter().map(|pair| (**pair).clone()).collect();
                self.refuse_unknown(&keys, on);
                None
            }
            ([one], _) => {
                let others: Vec<_> = candidates
                    .iter()
                    .filter(|pair| !std::ptr::eq(**pair, **one))
                    .map(|pair| (**pair).clone())
                    .collect();
                others.iter().for_each(|(other, _)| self.conflicting(&one.0, other, on));
                Some((&one.0, &one.1))
            }
            ([first, second, ..], _) => {
                let title = format!(
                    "conflicting action statements: {}, {}",
                    data_text(&first.0),
                    data_text(&second.0)
                );
                let error =
                    Diagnostic::error(title).at(&second.0.place, "").also(&first.0.place, "the first");
                self.findings.error(error.help("a task does one thing: make two tasks of it"));
                None
            }
        }
    }

    /// A second key that is no keyword: to Ansible another action, to its writer probably a keyword.
    fn conflicting(&mut self, action: &Node, other: &Node, on: On) {
        let name = data_text(other);
        let title = format!("conflicting action statements: {}, {name}", data_text(action));
        let error = Diagnostic::error(title)
            .at(&other.place, "")
            .note(format!("'{name}' is not a valid attribute for a {}", on.noun()));
        self.findings.error(match nearest(&name, keyword::names(on)) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error,
        });
    }

    /// `args:`: a mapping, or a template of one.
    fn args_keyword(&mut self, node: Option<&Node>) -> (Option<Text>, Map) {
        match node.map(|node| &node.kind) {
            Some(NodeKind::Str(text)) if is_template(text) => (Some(text.clone()), Map::new()),
            Some(NodeKind::Map(_)) => {
                (None, node.and_then(|node| node.to_value().as_map().cloned()).unwrap_or_default())
            }
            _ => (None, Map::new()),
        }
    }

    /// `copy: {src: a}` or `copy: src=a`.
    fn new_style(&mut self, key: &Node, value: &Node) -> Option<Map> {
        match &value.kind {
            NodeKind::Null => Some(Map::new()),
            NodeKind::Map(_) => value.to_value().as_map().cloned(),
            NodeKind::Str(text) if text.is_encrypted() => {
                Some(Map::from([("_raw_params", Value::Str(text.clone()))]))
            }
            NodeKind::Str(text) => self.pairs(text, takes_command(key.as_str().unwrap_or_default()), value),
            NodeKind::Int(_) | NodeKind::Float(_) | NodeKind::Bool(_) | NodeKind::Seq(_) => {
                let title = format!("`{}` takes a mapping of arguments or text", data_text(key));
                self.findings.error(
                    Diagnostic::error(title).at(&value.place, format!("this is {}", value.kind_name())),
                );
                None
            }
        }
    }

    /// `action: copy src=a` or `action: {module: copy, src: a}`.
    fn old_style(&mut self, node: &Node) -> Option<(Text, Map, data::Place)> {
        let (text, mut args) = match &node.kind {
            NodeKind::Str(text) => (text.clone(), Map::new()),
            NodeKind::Map(_) => {
                let mut args = node.to_value().as_map().cloned().unwrap_or_default();
                let Some(Value::Str(module)) = args.remove("module") else {
                    self.findings.error(
                        Diagnostic::error("no module/action detected in task.")
                            .at(&node.place, "`module` is missing"),
                    );
                    return None;
                };
                if let Some(Value::Map(nested)) = args.remove("args") {
                    args.extend_from(&nested);
                }
                (module, args)
            }
            _ => {
                self.expected("an action as text or a mapping with `module`", node);
                return None;
            }
        };
        let (name, rest) = self.first_word(&text, node)?;
        args.extend_from(&self.pairs(&rest, takes_command(&name), node)?);
        Some((name, args, node.place.clone()))
    }

    /// The first word, and the rest of the text.
    fn first_word(&mut self, text: &Text, node: &Node) -> Option<(Text, Text)> {
        let words = match split_args(text) {
            Ok(words) => words,
            Err(error) => {
                error.diagnostics().into_iter().for_each(|finding| self.findings.error(finding));
                return None;
            }
        };
        let Some(first) = words.first() else {
            self.findings.error(
                Diagnostic::error("no module/action detected in task.").at(&node.place, "no word here"),
            );
            return None;
        };
        let rest = words.get(1).map_or("", |word| &text[word.start..]);
        Some((text.with_chars(first.chars.trim()), text.with_chars(rest)))
    }

    fn pairs(&mut self, text: &Text, command: bool, node: &Node) -> Option<Map> {
        match parse_kv(text, command) {
            Ok(pairs) => Some(pairs.to_map()),
            Err(error) => {
                for finding in error.diagnostics() {
                    let finding =
                        if finding.labels.is_empty() { finding.at(&node.place, "") } else { finding };
                    self.findings.error(finding);
                }
                None
            }
        }
    }
}

/// Actions whose free text is a command and may hold `=`: only known options are taken out of it.
const COMMANDS: [&str; 8] = [
    "command",
    "shell",
    "script",
    "raw",
    "win_command",
    "win_shell",
    "ansible.windows.win_command",
    "ansible.windows.win_shell",
];

/// Whether the action's free text is a command.
fn takes_command(action: &str) -> bool {
    COMMANDS.contains(&crate::task::short_name(action))
}

/// Whether a key is `with_x`.
pub(super) fn is_with(key: &Node) -> bool {
    key.as_str().is_some_and(|name| name.starts_with("with_"))
}

/// The keyword that a key probably misspells. A name with a dot is a collection's.
fn keyword_near((key, _): &(Node, Node), on: On) -> Option<&'static str> {
    let name = key.as_str()?;
    if name.contains('.') { None } else { nearest(name, keyword::names(on)) }
}
