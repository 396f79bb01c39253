//! Blocks: lists of tasks with a `rescue` and an `always` list.

use std::sync::Arc;

use data::{Place, Text};

use crate::enclosing::Enclosing;
use crate::task::Task;

/// An entry of a list of tasks.
#[derive(Clone, Debug)]
pub enum Item {
    /// A task.
    Task(Arc<Task>),
    /// A block.
    Block(Arc<Block>),
}

/// A block.
#[derive(Clone, Debug)]
pub struct Block {
    /// `name:`.
    pub name: Option<Text>,
    /// `block:`.
    pub block: Vec<Item>,
    /// `rescue:`: runs when a task of `block` failed.
    pub rescue: Vec<Item>,
    /// `always:`: runs in any case.
    pub always: Vec<Item>,
    /// Its own keywords and variables, and what stands around it.
    pub enclosing: Arc<Enclosing>,
    /// Where it is written.
    pub place: Option<Place>,
}

impl Block {
    /// Whether it has no task at all.
    pub fn is_empty(&self) -> bool {
        self.block.is_empty() && self.rescue.is_empty() && self.always.is_empty()
    }

    /// The three lists in order.
    pub fn lists(&self) -> [&[Item]; 3] {
        [&self.block, &self.rescue, &self.always]
    }
}

/// The items without the tasks that `keep` refuses; blocks that lose all their tasks go too.
pub fn filter(items: &[Item], keep: &mut dyn FnMut(&Arc<Task>) -> bool) -> Vec<Item> {
    items
        .iter()
        .filter_map(|item| match item {
            Item::Task(task) => keep(task).then(|| item.clone()),
            Item::Block(block) => {
                let filtered = Block {
                    block: filter(&block.block, keep),
                    rescue: filter(&block.rescue, keep),
                    always: filter(&block.always, keep),
                    ..(**block).clone()
                };
                (!filtered.is_empty()).then(|| Item::Block(Arc::new(filtered)))
            }
        })
        .collect()
}

/// All tasks, in the order they are written.
pub fn flatten(items: &[Item]) -> Vec<Arc<Task>> {
    let mut tasks = Vec::new();
    for item in items {
        match item {
            Item::Task(task) => tasks.push(Arc::clone(task)),
            Item::Block(block) => block.lists().into_iter().for_each(|list| tasks.extend(flatten(list))),
        }
    }
    tasks
}
