//! What can be told of a playbook before anything runs: actions that do not exist, arguments that they do not take.

use std::sync::Arc;

use data::Diagnostic;
use playbook::{Item, Play, PlaybookError, Task, flatten, short_name};

use crate::action;

/// Checks the actions of tasks.
///
/// # Errors
/// All mistakes together.
pub(crate) fn actions(items: &[Item]) -> Result<(), PlaybookError> {
    finish(flatten(items).iter().flat_map(|task| task_findings(task)).collect())
}

/// Checks the actions of a play: tasks, handlers and roles.
pub(crate) fn play(play: &Play) -> Vec<Diagnostic> {
    let mut tasks: Vec<Arc<Task>> = play.handlers.clone();
    let listed = play.roles.iter().filter(|compiled| !compiled.role.from_include);
    for items in
        listed.map(|compiled| &compiled.tasks).chain([&play.pre_tasks, &play.tasks, &play.post_tasks])
    {
        tasks.extend(flatten(items));
    }
    tasks.iter().flat_map(|task| task_findings(task)).collect()
}

/// The findings as one error.
///
/// # Errors
/// There are findings.
pub(crate) fn finish(findings: Vec<Diagnostic>) -> Result<(), PlaybookError> {
    PlaybookError::from_findings(findings).map_or(Ok(()), Err)
}

fn task_findings(task: &Task) -> Vec<Diagnostic> {
    let name = task.action.name.as_str();
    if name.contains("{{") {
        return Vec::new();
    }
    if !action::exists(name) {
        let title = format!("there is no module or action `{name}`");
        let mut error = Diagnostic::error(title).at_opt(task.action.place.as_ref(), "");
        if let Some(near) = action::nearest(name) {
            error = error.help(format!("did you mean `{near}`?"));
        }
        return vec![error];
    }
    let mut findings = unknown_arguments(task);
    findings.extend(left_behind(task));
    findings
}

/// `async` with `poll: 0` would need jobs that outlive the run.
fn left_behind(task: &Task) -> Option<Diagnostic> {
    let number = |value: &Option<data::Value>| value.as_ref().and_then(data::Value::as_int);
    let seconds = number(&task.async_seconds)?;
    if seconds <= 0 || number(&task.poll)? != 0 {
        return None;
    }
    let error = Diagnostic::error("`async` with `poll: 0` is not supported").at_opt(task.place.as_ref(), "");
    Some(error.help("leave `poll` out: the task is waited for, at most `async` seconds"))
}

/// Arguments that are in no table. What a template may bring is left to the run.
fn unknown_arguments(task: &Task) -> Vec<Diagnostic> {
    let name = task.action.name.as_str();
    let known: Vec<&'static str> = match (action::find(name), modules::find(name)) {
        (Some(spec), _) if spec.args.is_some_and(|args| !args.is_empty()) => {
            spec.args.unwrap_or_default().to_vec()
        }
        (spec, Some(module)) if spec.is_none_or(|spec| spec.args.is_none()) => module
            .all_args()
            .flat_map(|arg| std::iter::once(arg.name).chain(arg.aliases.iter().copied()))
            .collect(),
        _ => return Vec::new(),
    };
    if known.is_empty() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (key, value) in task.action.args.iter() {
        let key = key.to_string();
        if key == "_raw_params" || known.contains(&key.as_str()) {
            continue;
        }
        let title = format!("`{}` has no argument `{key}`", short_name(name));
        let place = value.as_text().and_then(data::Text::place).or(task.action.place.as_ref());
        let mut error = Diagnostic::error(title).at_opt(place, "");
        if let Some(near) = data::suggest::nearest(&key, known.iter().copied()) {
            error = error.help(format!("did you mean `{near}`?"));
        }
        findings.push(error);
    }
    findings
}
