//! Where one host stands in a play: the stack of blocks it is in, whether it failed there, and the handlers it still has to run.

use std::collections::HashSet;
use std::sync::Arc;

use playbook::{Block, Item, Task, TaskId};

/// A list of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Main,
    Rescue,
    Always,
}

/// A block that the host is in. The outermost level is the play's own list.
#[derive(Clone, Debug)]
struct Level {
    lists: [Arc<Vec<Item>>; 3],
    section: Section,
    next: usize,
    /// A failure waits for `always` to end; then it goes on outward.
    failed: bool,
}

impl Level {
    fn of_block(block: &Block) -> Self {
        let list = |items: &Vec<Item>| Arc::new(items.clone());
        Self::new([list(&block.block), list(&block.rescue), list(&block.always)])
    }

    fn new(lists: [Arc<Vec<Item>>; 3]) -> Self {
        Self { lists, section: Section::Main, next: 0, failed: false }
    }

    fn list(&self, section: Section) -> &Arc<Vec<Item>> {
        &self.lists[section as usize]
    }

    fn go_to(&mut self, section: Section) {
        self.section = section;
        self.next = 0;
    }
}

/// A flush of handlers.
#[derive(Clone, Debug)]
struct Flush {
    handlers: Vec<Arc<Task>>,
    next: usize,
}

/// A host's place in a play.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    levels: Vec<Level>,
    flush: Option<Flush>,
    failed: bool,
    /// Names that were notified since the last flush, in order.
    pub(crate) notifications: Vec<String>,
    /// Handlers that will run at the next occasion.
    notified: HashSet<TaskId>,
    /// Where the host was before a block that failed was left behind: it is there still until something else is done, and goes on from
    /// there when its failure is forgotten.
    before_leaving: Option<Vec<Level>>,
}

impl Cursor {
    /// At the first of these items.
    pub(crate) fn new(items: Vec<Item>) -> Self {
        let root = Level::new([Arc::new(items), Arc::default(), Arc::default()]);
        Self {
            levels: vec![root],
            flush: None,
            failed: false,
            notifications: Vec::new(),
            notified: HashSet::new(),
            before_leaving: None,
        }
    }

    /// The next task, which stays next until [`Self::take`]. Tasks that `skip` names are passed over.
    pub(crate) fn peek(&mut self, skip: &dyn Fn(&Task, &Self) -> bool) -> Option<Arc<Task>> {
        loop {
            let task = self.find()?;
            if self.flush.is_some() || !skip(&task, self) {
                return Some(task);
            }
            self.take();
        }
    }

    fn find(&mut self) -> Option<Arc<Task>> {
        if let Some(handler) = self.next_handler() {
            return Some(handler);
        }
        loop {
            let level = self.levels.last_mut()?;
            match level.list(level.section).get(level.next) {
                Some(Item::Task(task)) => return Some(Arc::clone(task)),
                Some(Item::Block(block)) => {
                    let inner = Level::of_block(block);
                    level.next += 1;
                    self.levels.push(inner);
                }
                None if level.section != Section::Always => level.go_to(Section::Always),
                None => {
                    let failed = level.failed;
                    if failed && self.before_leaving.is_none() {
                        self.before_leaving = Some(self.levels.clone());
                    }
                    self.levels.pop();
                    if failed {
                        self.propagate();
                    }
                }
            }
        }
    }

    fn next_handler(&mut self) -> Option<Arc<Task>> {
        let flush = self.flush.as_mut()?;
        while let Some(handler) = flush.handlers.get(flush.next) {
            if self.notified.contains(&handler.id) {
                return Some(Arc::clone(handler));
            }
            flush.next += 1;
        }
        self.flush = None;
        None
    }

    /// Passes over the task that [`Self::peek`] gave.
    pub(crate) fn take(&mut self) {
        self.before_leaving = None;
        if let Some(flush) = &mut self.flush {
            if let Some(handler) = flush.handlers.get(flush.next) {
                self.notified.remove(&handler.id);
            }
            flush.next += 1;
        } else if let Some(level) = self.levels.last_mut() {
            level.next += 1;
        }
    }

    /// Puts items before the next one: what an include brought.
    pub(crate) fn insert(&mut self, items: &[Item]) {
        if let Some(flush) = &mut self.flush {
            let handlers = playbook::flatten(items);
            self.notified.extend(handlers.iter().map(|handler| handler.id));
            flush.handlers.splice(flush.next..flush.next, handlers);
        } else if let Some(level) = self.levels.last_mut() {
            let at = level.next.min(level.list(level.section).len());
            Arc::make_mut(&mut level.lists[level.section as usize]).splice(at..at, items.iter().cloned());
        }
    }

    /// The last task failed: goes on with the rescue or always list of the nearest block, or ends. Says whether a rescue takes over.
    pub(crate) fn fail(&mut self) -> bool {
        self.flush = None;
        let rescued = self.is_guarded();
        self.propagate();
        rescued
    }

    /// Whether a failure here would be rescued by some block around.
    fn is_guarded(&self) -> bool {
        self.levels
            .iter()
            .any(|level| level.section == Section::Main && !level.list(Section::Rescue).is_empty())
    }

    fn propagate(&mut self) {
        while let Some(level) = self.levels.last_mut() {
            match level.section {
                Section::Main if !level.list(Section::Rescue).is_empty() => {
                    return level.go_to(Section::Rescue);
                }
                Section::Main | Section::Rescue if !level.list(Section::Always).is_empty() => {
                    level.failed = true;
                    return level.go_to(Section::Always);
                }
                _ => drop(self.levels.pop()),
            }
        }
        self.failed = true;
    }

    /// Nothing more to do on this host, without a failure.
    pub(crate) fn end(&mut self) {
        let rescuing = self.levels.last().is_some_and(|level| level.section == Section::Rescue);
        if !rescuing && self.levels.iter().any(|level| level.failed) {
            self.failed = true;
        }
        self.levels.clear();
        self.flush = None;
    }

    /// Whether the host has failed for good, or will when its `always` lists are done.
    pub(crate) fn is_failed(&self) -> bool {
        self.failed || self.levels.iter().any(|level| level.failed) && !self.is_guarded()
    }

    /// Whether nothing is left.
    pub(crate) fn is_done(&self) -> bool {
        self.levels.is_empty() && self.flush.is_none()
    }

    /// Forgets failures (`meta: clear_host_errors`).
    pub(crate) fn clear_errors(&mut self) {
        self.failed = false;
        if let Some(levels) = self.before_leaving.take() {
            self.levels = levels;
        }
        self.levels.iter_mut().for_each(|level| level.failed = false);
    }

    /// Whether handlers are running.
    pub(crate) fn is_flushing(&self) -> bool {
        self.flush.is_some()
    }

    /// Whether anything was notified that has not run.
    pub(crate) fn has_notifications(&self) -> bool {
        !self.notifications.is_empty() || !self.notified.is_empty()
    }

    /// Keeps a name that was notified until the next flush.
    pub(crate) fn note(&mut self, notification: &str) {
        if !self.notifications.iter().any(|known| known == notification) {
            self.notifications.push(notification.to_owned());
        }
    }

    /// Marks a handler to be run; says whether it was not marked yet.
    pub(crate) fn notify(&mut self, handler: TaskId) -> bool {
        self.notified.insert(handler)
    }

    /// Takes the mark of a handler away: it ran once for all hosts.
    pub(crate) fn unnotify(&mut self, handler: TaskId) {
        self.notified.remove(&handler);
    }

    /// Starts running the marked ones of these handlers, in their order.
    pub(crate) fn flush(&mut self, handlers: &[Arc<Task>]) {
        self.flush = Some(Flush { handlers: handlers.to_vec(), next: 0 });
    }
}

#[cfg(test)]
mod tests {
    use data::Map;
    use playbook::{Enclosing, Keywords};

    use super::*;

    fn task(name: &str) -> Item {
        let play = Enclosing::play(Keywords::default());
        let mut task = Task::implicit("debug", Map::new(), &play);
        task.name = Some(name.into());
        Item::Task(Arc::new(task))
    }

    fn block(main: Vec<Item>, rescue: Vec<Item>, always: Vec<Item>) -> Item {
        let enclosing = Enclosing::play(Keywords::default());
        Item::Block(Arc::new(Block { name: None, block: main, rescue, always, enclosing, place: None }))
    }

    /// Runs to the end; tasks whose names start with `fail` fail.
    fn walk(items: Vec<Item>) -> (Vec<String>, bool) {
        let mut cursor = Cursor::new(items);
        let mut names = Vec::new();
        while let Some(task) = cursor.peek(&|_, _| false) {
            cursor.take();
            let name = task.name.clone().unwrap().to_string();
            if name.starts_with("fail") {
                cursor.fail();
            }
            names.push(name);
        }
        (names, cursor.is_failed())
    }

    #[test]
    fn blocks_go_on_as_in_ansible() {
        let t = task;
        type Case = (Vec<Item>, &'static [&'static str], bool);
        let cases: Vec<Case> = vec![
            (vec![t("a"), t("fail"), t("b")], &["a", "fail"], true),
            (
                vec![block(vec![t("fail"), t("x")], vec![t("r")], vec![t("w")]), t("b")],
                &["fail", "r", "w", "b"],
                false,
            ),
            (vec![block(vec![t("fail")], vec![], vec![t("w")]), t("b")], &["fail", "w"], true),
            (
                vec![block(vec![t("fail")], vec![t("fail2"), t("x")], vec![t("w")]), t("b")],
                &["fail", "fail2", "w"],
                true,
            ),
            (vec![block(vec![t("a")], vec![t("r")], vec![t("w")])], &["a", "w"], false),
            (
                vec![
                    block(vec![block(vec![t("fail")], vec![], vec![t("w")]), t("x")], vec![t("r")], vec![]),
                    t("b"),
                ],
                &["fail", "w", "r", "b"],
                false,
            ),
            (vec![block(vec![t("a")], vec![], vec![t("fail")]), t("b")], &["a", "fail"], true),
        ];
        for (at, (items, names, failed)) in cases.into_iter().enumerate() {
            let (ran, has_failed) = walk(items);
            assert_eq!(ran, names, "case {at}");
            assert_eq!(has_failed, failed, "case {at}");
        }
    }

    #[test]
    fn included_items_come_next() {
        let mut cursor = Cursor::new(vec![task("a"), task("c")]);
        cursor.peek(&|_, _| false);
        cursor.take();
        cursor.insert(&[task("b")]);
        let names: Vec<_> = std::iter::from_fn(|| {
            let task = cursor.peek(&|_, _| false)?;
            cursor.take();
            Some(task.name.clone().unwrap().to_string())
        })
        .collect();
        assert_eq!(names, ["b", "c"]);
    }

    #[test]
    fn only_notified_handlers_run_each_once() {
        let Item::Task(first) = task("h1") else { unreachable!() };
        let Item::Task(second) = task("h2") else { unreachable!() };
        let mut cursor = Cursor::new(vec![]);
        assert!(cursor.notify(second.id));
        assert!(!cursor.notify(second.id));
        cursor.flush(&[first, second]);
        let next = cursor.peek(&|_, _| false).unwrap();
        assert_eq!(next.name.as_deref(), Some("h2"));
        cursor.take();
        assert!(cursor.peek(&|_, _| false).is_none());
        assert!(cursor.is_done() && !cursor.has_notifications());
    }
}
