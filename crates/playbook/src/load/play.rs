//! One play from its mapping.

use std::path::Path;
use std::sync::Arc;

use data::yaml::{Node, NodeKind};
use data::{Diagnostic, Map, Text, Value};

use super::Reader;
use super::object::Object;
use super::task::start;
use crate::enclosing::Enclosing;
use crate::keyword::{Inherited, On};
use crate::keywords::Keywords;
use crate::play::{Play, VarsPrompt};
use crate::task::TaskKind;

/// What an `import_playbook` gives to the plays it brings.
#[derive(Clone, Default)]
pub(super) struct Imported {
    /// Its `vars`.
    pub(super) vars: Map,
    /// Its `when` and `tags`.
    pub(super) keywords: Keywords,
}

/// Keys of an entry of `vars_prompt`.
const PROMPT_KEYS: [&str; 9] =
    ["name", "prompt", "default", "private", "confirm", "encrypt", "salt_size", "salt", "unsafe"];

impl Reader<'_> {
    /// The play of a mapping.
    pub(super) fn play(
        &mut self,
        node: &Node,
        entries: &[(Node, Node)],
        base_dir: &Path,
        imported: &Imported,
    ) -> Play {
        let mut object = self.object(entries, On::PLAY);
        self.refuse_unknown(&object.unknown, On::PLAY);
        if let Some(user) = object.node("user").filter(|node| !node.is_null()).cloned() {
            if object.inherited.get(Inherited::RemoteUser).is_some() {
                let error = Diagnostic::error("both 'user' and 'remote_user' are set for this play.");
                self.findings
                    .error(error.at(&user.place, "").help("keep `remote_user`; `user` is its old name"));
            }
            let user = user.to_value();
            object.inherited.set(Inherited::RemoteUser, user);
        }
        if let Some(tags) = imported.keywords.get(Inherited::Tags) {
            let mut own = Keywords::default();
            own.set(Inherited::Tags, tags.clone());
            object.inherited = own.inside(&object.inherited);
        }
        let vars = crate::enclosing::over(&imported.vars, &object.vars);
        let vars_files = object.list("vars_files");
        self.play_vars = self.vars_with_files(&vars, &vars_files);
        let hosts = self.hosts(node, &object);
        let outermost = Enclosing::play(object.inherited.clone());
        let guarded = self.guarded(&outermost, imported);
        let roles = match object.node("roles").map(|node| (node, &node.kind)) {
            Some((_, NodeKind::Seq(list))) => self.role_list(list, &guarded),
            None | Some((_, NodeKind::Null)) => Vec::new(),
            Some((other, _)) => {
                let error = Diagnostic::error("A malformed role declaration was encountered.");
                let label = format!("this is {}, not a list of roles", other.kind_name());
                self.findings.error(error.at(&other.place, label));
                Vec::new()
            }
        };
        let items = |reader: &mut Self, name: &str| {
            let node = object.node(name).filter(|node| reader.is_block_list(name, node));
            node.map(|node| reader.items(node, &guarded, TaskKind::Task)).unwrap_or_default()
        };
        let (pre_tasks, tasks, post_tasks) =
            (items(self, "pre_tasks"), items(self, "tasks"), items(self, "post_tasks"));
        let mut handlers = match object.node("handlers").filter(|node| self.is_block_list("handlers", node)) {
            Some(node) => self.handlers(node, &outermost),
            None => Vec::new(),
        };
        // Ansible puts the handlers of listed roles before those of the play; those of imported roles stand after both.
        let listed: Vec<_> = roles.iter().flat_map(|role| role.handlers.iter().cloned()).collect();
        handlers.splice(0..0, listed);
        handlers.append(&mut self.imported_handlers);
        let mut roles = roles;
        roles.append(&mut self.imported_roles);
        Play {
            name: object.name.clone(),
            hosts,
            vars,
            vars_files,
            vars_prompt: self.vars_prompt(object.node("vars_prompt")),
            gather_facts: object.value("gather_facts"),
            gather_subset: object.value("gather_subset"),
            gather_timeout: object.value("gather_timeout"),
            fact_path: object.value("fact_path"),
            force_handlers: object.value("force_handlers"),
            max_fail_percentage: object.value("max_fail_percentage"),
            serial: object.list("serial"),
            strategy: object.value("strategy"),
            order: object.value("order"),
            roles,
            pre_tasks,
            tasks,
            post_tasks,
            handlers,
            enclosing: outermost,
            base_dir: base_dir.to_path_buf(),
            imported_when: imported.keywords.list(Inherited::When).to_vec(),
            place: Some(start(node)),
        }
    }

    /// Whether a keyword of a play holds a list of tasks or nothing.
    fn is_block_list(&mut self, name: &str, node: &Node) -> bool {
        if matches!(node.kind, NodeKind::Seq(_) | NodeKind::Null) {
            return true;
        }
        let shown = super::object::data_text(node);
        let title = format!(
            "A malformed block was encountered while loading {name}: {shown} should be a list or None"
        );
        let label = format!("this is {}", node.kind_name());
        self.findings.error(Diagnostic::error(title).at(&node.place, label));
        false
    }

    /// The ring of the tasks: under an import with `when`, each of them is guarded by it.
    fn guarded(&self, outermost: &Arc<Enclosing>, imported: &Imported) -> Arc<Enclosing> {
        let Some(when) = imported.keywords.get(Inherited::When) else { return Arc::clone(outermost) };
        let mut own = Keywords::default();
        own.set(Inherited::When, when.clone());
        outermost.ring(crate::enclosing::Ring::Block, &own, &Map::new())
    }

    fn hosts(&mut self, node: &Node, object: &Object) -> Value {
        let Some(hosts) = object.node("hosts") else {
            let error = Diagnostic::error("the field 'hosts' is required but was not set")
                .at(&start(node), "in this play");
            self.findings.error(error);
            return Value::Null;
        };
        match &hosts.kind {
            NodeKind::Str(text) if !text.trim().is_empty() => Value::Str(text.clone()),
            NodeKind::Seq(list) if !list.is_empty() => {
                for entry in list {
                    if !matches!(entry.kind, NodeKind::Str(_) | NodeKind::Int(_)) {
                        self.expected("a host pattern as text", entry);
                    }
                }
                hosts.to_value()
            }
            NodeKind::Int(number) => Value::Str(Text::plain(number.to_string())),
            NodeKind::Null | NodeKind::Str(_) | NodeKind::Seq(_) => {
                let error = Diagnostic::error("Hosts list cannot be empty. Please check your playbook");
                self.findings.error(error.at(&hosts.place, ""));
                Value::Null
            }
            _ => {
                self.expected("`hosts` as text or a list", hosts);
                Value::Null
            }
        }
    }

    fn vars_prompt(&mut self, node: Option<&Node>) -> Vec<VarsPrompt> {
        let entries: &[Node] = match node.map(|node| &node.kind) {
            Some(NodeKind::Seq(list)) => list,
            None | Some(NodeKind::Null) => return Vec::new(),
            Some(_) => node.map(std::slice::from_ref).unwrap_or_default(),
        };
        let mut prompts = Vec::new();
        for entry in entries {
            let Some(name) = entry.get("name").and_then(Node::as_str) else {
                let error = Diagnostic::error("Invalid vars_prompt data structure, missing 'name' key");
                self.findings.error(error.at(&entry.place, ""));
                continue;
            };
            for (key, _) in entry.as_map().unwrap_or_default() {
                let shown = super::object::data_text(key);
                if !PROMPT_KEYS.contains(&shown.as_str()) {
                    let title =
                        format!("Invalid vars_prompt data structure, found unsupported key '{shown}'");
                    self.findings.error(Diagnostic::error(title).at(&key.place, ""));
                }
            }
            let options = entry.to_value().as_map().cloned().unwrap_or_default();
            prompts.push(VarsPrompt { name: name.to_owned(), options });
        }
        prompts
    }
}
