//! Asking ahead: over a long line the requests of a loop's items go out together, and their answers come back in order.
//!
//! An action is run once to note what it would ask, and once more, with the answer, to make its result. Only actions whose result is that
//! of one module can do so.

use std::cell::RefCell;
use std::sync::Arc;

use data::Map;
use playbook::{Inherited, Task};

use crate::connection::{Call, Connection, ConnectionError};
use crate::task::looping::Looping;

/// How many items are asked at once: enough to hide the line, few enough that a wish to stop is soon heard.
pub(crate) const AT_ONCE: usize = 16;

/// What an action asks, or what it was answered.
#[derive(Default)]
pub(crate) struct Ahead {
    asked: RefCell<Option<(Arc<dyn Connection>, Call)>>,
    answer: RefCell<Option<Result<Map, ConnectionError>>>,
}

impl Ahead {
    /// With the answer.
    pub(crate) fn answered(answer: Result<Map, ConnectionError>) -> Self {
        Self { asked: RefCell::default(), answer: RefCell::new(Some(answer)) }
    }

    /// Keeps what would be asked.
    pub(crate) fn note(&self, connection: Arc<dyn Connection>, call: Call) {
        *self.asked.borrow_mut() = Some((connection, call));
    }

    /// What would be asked, if it can be asked ahead.
    pub(crate) fn asked(self) -> Option<(Arc<dyn Connection>, Call)> {
        self.asked.into_inner().filter(|(connection, call)| connection.is_remote() && call.can_go_ahead())
    }

    /// The answer, once.
    pub(crate) fn answer(&self) -> Option<Result<Map, ConnectionError>> {
        self.answer.borrow_mut().take()
    }
}

/// Whether no item of a loop needs what an earlier one did: no repeating, no waiting, no early end, and no look at what it registers.
pub(crate) fn possible(task: &Task, looping: &Looping) -> bool {
    task.until.is_empty()
        && task.retries.is_none()
        && task.async_seconds.is_none()
        && task.loop_control.break_when.is_empty()
        && looping.pause.is_zero()
        && task.keywords.get(Inherited::Timeout).is_none()
        && !matches!(task.action.short_name(), "include_tasks" | "include_role" | "add_host" | "group_by")
        && task.register.as_ref().is_none_or(|name| !mentions(task, name.as_str()))
}

/// Whether what is rendered before the request may name a variable. What is evaluated after the answer sees its own result anyway.
fn mentions(task: &Task, name: &str) -> bool {
    format!("{:?} {:?} {:?}", task.action, task.vars, task.keywords).contains(name)
}
