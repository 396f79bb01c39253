//! Handlers: who answers to a notification, and when.

use std::collections::HashSet;
use std::sync::Arc;

use data::{Diagnostic, Value};
use playbook::Task;

use crate::event::{Event, HostName};
use crate::play::run::PlayRun;

impl PlayRun<'_> {
    /// A task that changed something names a handler: remembered until the next flush, or run at once while handlers run.
    pub(crate) fn notify(&mut self, host: &HostName, name: &str, task: &Arc<Task>) {
        let found = self.handlers_of(name);
        if found.is_empty() {
            let title = format!(
                "The requested handler '{name}' was not found in either the main handlers list nor in the listening handlers list"
            );
            let finding = if self.shared.options.error_on_missing_handler {
                Diagnostic::error(title)
            } else {
                Diagnostic::warning(title)
            };
            let finding = finding.at_opt(task.place.as_ref(), "notified here");
            if self.shared.options.error_on_missing_handler {
                self.abort(vec![finding]);
            } else {
                self.tell(Event::Warning(finding));
            }
            return;
        }
        let Some(cursor) = self.cursors.get_mut(host) else { return };
        if !cursor.is_flushing() {
            cursor.note(name);
            let text = format!("Notification for handler {name} has been saved.");
            self.tell(Event::Verbose { level: 2, text });
            return;
        }
        self.mark(host, &found);
    }

    /// Marks handlers to be run on a host.
    fn mark(&mut self, host: &HostName, handlers: &[Arc<Task>]) {
        for handler in handlers {
            let new = self.cursors.get_mut(host).is_some_and(|cursor| cursor.notify(handler.id));
            if new {
                let handler = self.handler_name(handler);
                self.tell(Event::Notify { handler, host: host.clone() });
            }
        }
    }

    /// `meta: flush_handlers` for a host: what was notified so far is marked and runs next.
    pub(crate) fn flush_handlers(&mut self, host: &HostName) {
        let Some(cursor) = self.cursors.get_mut(host) else { return };
        for name in std::mem::take(&mut cursor.notifications) {
            let found = self.handlers_of(&name);
            self.mark(host, &found);
        }
        let handlers = self.handlers.clone();
        if let Some(cursor) = self.cursors.get_mut(host) {
            cursor.flush(&handlers);
        }
    }

    /// The handlers that answer to a name: the last one so called, and all that listen to it.
    fn handlers_of(&self, notification: &str) -> Vec<Arc<Task>> {
        let mut found: Vec<Arc<Task>> = Vec::new();
        let order = last_list_first(&self.handlers);
        let named = order.iter().find(|handler| {
            let Some(name) = handler.name.as_ref().filter(|name| !name.is_empty()) else { return false };
            let own = match self.rendered(handler, name) {
                Ok(own) => own,
                Err(error) => {
                    self.warn_unusable(handler, name, &error);
                    return false;
                }
            };
            notification == own || with_role(handler, &own).any(|full| full == notification)
        });
        found.extend(named.map(|handler| Arc::clone(handler)));
        let mut seen = HashSet::new();
        for handler in order {
            let answers = |topic: &data::Text| {
                topic.as_str() == notification || with_role(handler, topic).any(|full| full == notification)
            };
            if !handler.listen.iter().any(answers) {
                continue;
            }
            if handler.name.as_ref().is_some_and(|name| !seen.insert(name.to_string())) {
                continue;
            }
            if !found.iter().any(|known| known.id == handler.id) {
                found.push(Arc::clone(handler));
            }
        }
        found
    }

    /// A handler that can be notified neither by its name nor by a topic is worth a word.
    fn warn_unusable(&self, handler: &Task, name: &data::Text, error: &str) {
        if handler.listen.is_empty() {
            self.shared.warn(Diagnostic::warning(format!(
                "Handler '{name}' is unusable because it has no listen topics and the name could not be templated (host-specific \
                 variables are not supported in handler names). The error: {error}"
            )));
        }
    }

    /// A handler's name rendered with the play's variables.
    ///
    /// # Errors
    /// It needs more than these; the reason.
    fn rendered(&self, handler: &Arc<Task>, name: &data::Text) -> Result<String, String> {
        if !name.contains("{{") {
            return Ok(name.to_string());
        }
        let value = self.task_scope(Some(handler), None).resolve(&Value::Str(name.clone()));
        let value = value.map_err(|error| error.to_string())?;
        crate::task::finalized::shown(&value).ok_or_else(|| "it is no text".to_owned())
    }

    fn handler_name(&self, handler: &Arc<Task>) -> String {
        let name = handler.name.as_ref().and_then(|name| self.rendered(handler, name).ok());
        handler.named(&name.unwrap_or_default())
    }
}

/// A handler's name or topic with its role before it: the role's full name, and its own without the collection's.
fn with_role<'h>(handler: &'h Task, name: &'h str) -> impl Iterator<Item = String> + 'h {
    let role = handler.enclosing.role.as_ref().map(|role| role.name.as_str());
    let short = role.and_then(|role| role.rsplit('.').next()).filter(|short| Some(*short) != role);
    role.into_iter().chain(short).map(move |role| format!("{role} : {name}"))
}

/// Handlers of the list that came last first: a role's or a play's list, each in its own order.
fn last_list_first(handlers: &[Arc<Task>]) -> Vec<&Arc<Task>> {
    let list = |handler: &Arc<Task>| handler.enclosing.role.as_ref().map(|role| role.id);
    handlers.chunk_by(|a, b| list(a) == list(b)).rev().flatten().collect()
}
