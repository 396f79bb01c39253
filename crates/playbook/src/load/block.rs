//! Lists of tasks: blocks, tasks, and the static imports that stand for more of them.

use std::sync::Arc;

use data::Diagnostic;
use data::yaml::{Node, NodeKind};

use super::Reader;
use super::task::start;
use crate::block::{Block, Item};
use crate::enclosing::{Enclosing, Ring};
use crate::keyword::On;
use crate::task::{Task, TaskKind};

/// Deeper nesting of blocks and imports than this is a mistake (or an attack), and would exhaust the stack.
const DEPTH: usize = 100;

impl Reader<'_> {
    /// The entries of a list of tasks.
    pub(super) fn items(&mut self, node: &Node, around: &Arc<Enclosing>, kind: TaskKind) -> Vec<Item> {
        match &node.kind {
            NodeKind::Null => Vec::new(),
            NodeKind::Seq(list) => list.iter().flat_map(|entry| self.item(entry, around, kind)).collect(),
            _ => {
                self.expected("a list of tasks", node);
                Vec::new()
            }
        }
    }

    /// The handlers of a list; blocks are refused there.
    pub(super) fn handlers(&mut self, node: &Node, around: &Arc<Enclosing>) -> Vec<Arc<Task>> {
        let items = self.items(node, around, TaskKind::Handler);
        items
            .into_iter()
            .filter_map(|item| if let Item::Task(task) = item { Some(task) } else { None })
            .collect()
    }

    fn item(&mut self, node: &Node, around: &Arc<Enclosing>, kind: TaskKind) -> Vec<Item> {
        let NodeKind::Map(entries) = &node.kind else {
            self.expected("a task as a mapping", node);
            return Vec::new();
        };
        if around.rings().count() > DEPTH {
            self.findings.error(Diagnostic::error("tasks are nested too deeply").at(&start(node), ""));
            return Vec::new();
        }
        if ["block", "rescue", "always"].iter().any(|list| node.get(list).is_some()) {
            if kind == TaskKind::Handler {
                self.findings.error(
                    Diagnostic::error("Using a block as a handler is not supported.").at(&start(node), ""),
                );
                return Vec::new();
            }
            return vec![Item::Block(Arc::new(self.block(node, entries, around)))];
        }
        let Some(task) = self.task(node, entries, around, kind) else { return Vec::new() };
        self.expand(task)
    }

    /// The task itself, or what it statically stands for.
    fn expand(&mut self, task: Task) -> Vec<Item> {
        match task.action.short_name() {
            "import_tasks" => self.import_tasks(&task),
            "import_role" => self.import_role(&task),
            "include_tasks" => {
                self.check_include_tasks(&task);
                vec![Item::Task(Arc::new(task))]
            }
            "include_role" => {
                self.check_include_role(&task);
                vec![Item::Task(Arc::new(task))]
            }
            "meta" => {
                self.check_meta(&task);
                vec![Item::Task(Arc::new(task))]
            }
            _ => vec![Item::Task(Arc::new(task))],
        }
    }

    fn block(&mut self, node: &Node, entries: &[(Node, Node)], around: &Arc<Enclosing>) -> Block {
        let object = self.object(entries, On::BLOCK);
        self.refuse_unknown(&object.unknown, On::BLOCK);
        let enclosing = around.ring(Ring::Block, &object.inherited, &object.vars);
        let mut list = |name| {
            object.node(name).map(|node| self.items(node, &enclosing, TaskKind::Task)).unwrap_or_default()
        };
        let (block, rescue, always) = (list("block"), list("rescue"), list("always"));
        if object.node("block").is_none() {
            for name in ["rescue", "always"] {
                if let Some(at) = object.node(name) {
                    let error = Diagnostic::error(format!("'{name}' keyword cannot be used without 'block'"));
                    self.findings.error(error.at(&at.place, ""));
                }
            }
        }
        Block { name: object.name.clone(), block, rescue, always, enclosing, place: Some(start(node)) }
    }
}
