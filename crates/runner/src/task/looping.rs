//! `loop` and `with_x`: the items, the variables of each round, and the sum of their results.

use std::time::Duration;

use data::{Diagnostic, Map, Place, VARIABLE_NAME_RULE, Value, invalid_variable_name, is_variable_name};
use playbook::{LoopControl, Task, boolean};
use template::TemplateError;

use crate::task::finalized::{number, shown, unconvertible};
use crate::task::outcome::{Execution, is_true};
use crate::trouble::Trouble;
use crate::variables::scope::TaskScope;

/// Why a loop has no items.
pub(crate) enum NoItems {
    /// Something is undefined; a condition may still skip the task.
    Undefined(Trouble),
    /// They cannot be had; the task fails.
    Wrong(Trouble),
}

impl From<TemplateError> for NoItems {
    fn from(error: TemplateError) -> Self {
        if error.is_undefined() {
            Self::Undefined(Trouble::template(error))
        } else {
            Self::Wrong(Trouble::template(error).of_outside())
        }
    }
}

/// The items of a task's loop; `None` for a task without one.
///
/// # Errors
/// What is looped over cannot be rendered, or is no list.
pub(crate) fn items(task: &Task, scope: &TaskScope) -> Result<Option<Vec<Value>>, NoItems> {
    let Some(looped) = &task.looped else { return Ok(None) };
    match &looped.with {
        Some(lookup) => Ok(Some(with_items(lookup, &looped.items, scope)?)),
        None => match scope.resolve(&looped.items)? {
            Value::List(list) => Ok(Some(list.into_items())),
            omitted if template::is_omit(&omitted) => {
                Err(no_list(template::OMITTED.to_owned(), &looped.place))
            }
            other => {
                let kind = other.kind().python_name();
                let msg = format!("The `loop` value must resolve to a 'list', not '{kind}'.");
                Err(no_list(msg, &looped.place))
            }
        },
    }
}

/// A loop over what is no list.
fn no_list(msg: String, place: &Place) -> NoItems {
    let finding = Diagnostic::error(msg.clone())
        .at(place, "")
        .help("give a list of items, or a template that resolves to a list");
    NoItems::Wrong(Trouble::outside(msg, vec![finding]))
}

/// The items that a lookup gives for `with_x`.
fn with_items(lookup: &str, raw: &Value, scope: &TaskScope) -> Result<Vec<Value>, TemplateError> {
    scope.shared.engine.lookup(lookup, raw, &scope.context())
}

/// A task's loop with its controls rendered.
pub(crate) struct Looping {
    pub(crate) variable: String,
    index: Option<String>,
    label: Option<Value>,
    pub(crate) pause: Duration,
    extended: bool,
    all_items: bool,
}

impl Looping {
    /// Renders `loop_control`.
    ///
    /// # Errors
    /// A control that cannot be rendered.
    pub(crate) fn new(control: &LoopControl, scope: &TaskScope) -> Result<Self, Trouble> {
        let controls = Controls { scope };
        let looping = Self {
            variable: controls.name("loop_var", &control.loop_var)?.unwrap_or_else(|| "item".into()),
            index: controls.name("index_var", &control.index_var)?,
            label: control.label.clone(),
            pause: Duration::from_secs_f64(controls.seconds("pause", &control.pause)?),
            extended: controls.flag("extended", &control.extended)?.unwrap_or(false),
            all_items: controls.flag("extended_allitems", &control.extended_allitems)?.unwrap_or(true),
        };
        if scope.has(&looping.variable) {
            let title = format!("the loop variable `{}` is already in use", looping.variable);
            let place = scope.task.as_ref().and_then(|task| task.place.clone());
            let help = "set `loop_var` in `loop_control` to another name to avoid collisions";
            scope.shared.warn(Diagnostic::warning(title).at_opt(place.as_ref(), "").help(help));
        }
        Ok(looping)
    }

    /// The variables of one round.
    pub(crate) fn round(&self, items: &[Value], at: usize) -> Map {
        let mut vars = Map::new();
        vars.insert("ansible_loop_var", self.variable.as_str());
        vars.insert(self.variable.as_str(), items[at].clone());
        if let Some(index) = &self.index {
            vars.insert("ansible_index_var", index.as_str());
            // Of one name for both, Ansible lets the index win.
            vars.insert(index.as_str(), at);
        }
        if self.extended {
            vars.insert("ansible_loop", Value::Map(self.extended(items, at)));
        }
        vars
    }

    fn extended(&self, items: &[Value], at: usize) -> Map {
        let count = items.len();
        let mut extended = Map::from([
            ("index", Value::from(at + 1)),
            ("index0", at.into()),
            ("first", (at == 0).into()),
            ("last", (at + 1 == count).into()),
            ("length", count.into()),
            ("revindex", (count - at).into()),
            ("revindex0", (count - at - 1).into()),
        ]);
        if self.all_items {
            extended.insert("allitems", items.to_vec());
        }
        if let Some(next) = items.get(at + 1) {
            extended.insert("nextitem", next.clone());
        }
        if let Some(previous) = at.checked_sub(1).map(|at| items[at].clone()) {
            extended.insert("previtem", previous);
        }
        extended
    }

    /// What is shown for an item.
    ///
    /// # Errors
    /// `label` cannot be rendered.
    pub(crate) fn label(&self, item: &Value, scope: &TaskScope) -> Result<Value, Trouble> {
        match &self.label {
            // `index_var` may have taken the loop variable's name.
            None => Ok(scope.local.get(self.variable.as_str()).unwrap_or(item).clone()),
            Some(label) => scope
                .resolve(label)
                .map_err(|error| Trouble::failed(format!("Failed to template loop_control.label: {error}"))),
        }
    }
}

/// Reads the controls of a loop.
struct Controls<'a> {
    scope: &'a TaskScope,
}

impl Controls<'_> {
    fn place(&self) -> Option<&Place> {
        self.scope.task.as_ref().and_then(|task| task.place.as_ref())
    }

    fn value(&self, keyword: &str, raw: &Option<Value>) -> Result<Option<Value>, Trouble> {
        let Some(raw) = raw else { return Ok(None) };
        let value = self.scope.resolve(raw).map_err(|error| Trouble::keyword(keyword, error).of_outside())?;
        Ok((!value.is_null() && !template::is_omit(&value)).then_some(value))
    }

    /// A name for a variable.
    fn name(&self, keyword: &str, raw: &Option<Value>) -> Result<Option<String>, Trouble> {
        let Some(value) = self.value(keyword, raw)? else { return Ok(None) };
        match shown(&value) {
            Some(name) if is_variable_name(&name) => Ok(Some(name)),
            _ => {
                let msg = invalid_variable_name(&value);
                let finding = Diagnostic::error(msg.clone()).at_opt(self.place(), "");
                Err(Trouble::outside(msg, vec![finding.help(VARIABLE_NAME_RULE)]))
            }
        }
    }

    fn flag(&self, keyword: &str, raw: &Option<Value>) -> Result<Option<bool>, Trouble> {
        let Some(value) = self.value(keyword, raw)? else { return Ok(None) };
        let wrong = || unconvertible(keyword, &value, "a boolean", self.place()).of_outside();
        boolean(&value).map(Some).ok_or_else(wrong)
    }

    fn seconds(&self, keyword: &str, raw: &Option<Value>) -> Result<f64, Trouble> {
        let Some(value) = self.value(keyword, raw)? else { return Ok(0.0) };
        let wrong = || unconvertible(keyword, &value, "a number", self.place()).of_outside();
        number(&value)
            .filter(|seconds| !seconds.is_nan())
            .map(|seconds| seconds.clamp(0.0, 1e9))
            .ok_or_else(wrong)
    }
}

/// The result of a loop without items.
pub(crate) fn nothing() -> Map {
    Map::from([
        ("changed", Value::from(false)),
        ("skipped", true.into()),
        ("skipped_reason", "No items in the list".into()),
        ("results", Value::List(data::List::default())),
    ])
}

/// The result of a loop from those of its items.
pub(crate) fn sum(items: &[Execution]) -> Execution {
    let results = items.iter().map(|item| Value::Map(item.result.clone())).collect::<Value>();
    let any = |field: &str| items.iter().any(|item| is_true(&item.result, field));
    let skipped = items.iter().all(|item| is_true(&item.result, "skipped"));
    let mut whole = Map::from([("results", results)]);
    whole.insert("skipped", skipped);
    whole.insert("changed", any("changed"));
    if any("failed") {
        whole.insert("failed", true);
        whole.insert("msg", "One or more items failed");
    } else {
        whole.insert("msg", if skipped { "All items skipped" } else { "All items completed" });
    }
    if any("unreachable") {
        whole.insert("unreachable", true);
    }
    let failed = || items.iter().filter(|item| is_true(&item.result, "failed"));
    let unreachable = || items.iter().filter(|item| is_true(&item.result, "unreachable"));
    Execution {
        result: whole,
        no_log: items.iter().any(|item| item.no_log),
        ignore_errors: failed().next().is_some() && failed().all(|item| item.ignore_errors),
        ignore_unreachable: unreachable().next().is_some()
            && unreachable().all(|item| item.ignore_unreachable),
        show_diff: items.iter().any(|item| item.show_diff),
        delegated_to: items.last().and_then(|item| item.delegated_to.clone()),
        ..Execution::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn execution(fields: &[(&'static str, bool)]) -> Execution {
        Execution { result: fields.iter().copied().collect(), ..Execution::default() }
    }

    #[test]
    fn the_sum_of_a_loop_is_ansibles() {
        let whole = sum(&[execution(&[("changed", true)]), execution(&[("skipped", true)])]);
        assert_eq!(whole.result.get("changed"), Some(&Value::from(true)));
        assert_eq!(whole.result.get("skipped"), Some(&Value::from(false)));
        assert_eq!(whole.result.get_str("msg"), Some("All items completed"));
        let whole = sum(&[execution(&[("skipped", true)])]);
        assert_eq!(whole.result.get_str("msg"), Some("All items skipped"));
        let whole = sum(&[execution(&[("failed", true)]), execution(&[("changed", true)])]);
        assert_eq!(whole.result.get_str("msg"), Some("One or more items failed"));
    }

    #[test]
    fn a_loop_ignores_errors_only_if_every_failed_item_does() {
        let ignoring = Execution { ignore_errors: true, ..execution(&[("failed", true)]) };
        assert!(sum(&[ignoring.clone(), execution(&[("changed", true)])]).ignore_errors);
        assert!(!sum(&[ignoring, execution(&[("failed", true)])]).ignore_errors);
    }
}
