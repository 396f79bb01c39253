//! What can be told of a playbook before anything runs: actions that do not exist, arguments that they do not take.

use std::sync::Arc;

use data::{Diagnostic, Key, Severity};
use playbook::{Inherited, Item, Play, PlaybookError, Task, flatten, short_name};

use crate::action;
use crate::module::routing::{self, Route};
use crate::module::{file, foreign};
use crate::options::RunOptions;

/// Checks the actions of tasks that an include brought; what only warns was told when the run began, or is told by the task that fails.
///
/// # Errors
/// All mistakes together.
pub(crate) fn actions(items: &[Item], options: &RunOptions) -> Result<(), PlaybookError> {
    let found = flatten(items).iter().flat_map(|task| task_findings(task, options)).collect::<Vec<_>>();
    let told = found.into_iter().map(|finding| finding.told);
    finish(told.filter(|finding| finding.severity == Severity::Error).collect())
}

/// What is wrong with a task.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// What is told of it.
    pub(crate) told: Diagnostic,
    /// What it is about.
    pub(crate) about: About,
}

/// What a finding is about: Ansible treats each another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// An action that does not exist, or cannot run here: Ansible refuses the playbook.
    Action,
    /// An action that is gone: the same, with another exit code.
    Removed,
    /// An argument that the action does not take: Ansible tells it when the task runs, not when it lists tasks.
    Argument,
}

impl About {
    fn finding(self, told: Diagnostic) -> Finding {
        Finding { told, about: self }
    }
}

/// Checks the actions of a play: tasks, handlers and roles. Modules that cannot run here are warnings: tasks that are skipped do no harm.
pub(crate) fn play(play: &Play, options: &RunOptions) -> Vec<Finding> {
    let mut tasks: Vec<Arc<Task>> = play.handlers.clone();
    let listed = play.roles.iter().filter(|compiled| !compiled.role.from_include);
    for items in
        listed.map(|compiled| &compiled.tasks).chain([&play.pre_tasks, &play.tasks, &play.post_tasks])
    {
        tasks.extend(flatten(items));
    }
    tasks.iter().flat_map(|task| task_findings(task, options)).collect()
}

/// Findings without those that say the same as an earlier one.
pub(crate) fn once(findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut seen = std::collections::HashSet::new();
    findings.into_iter().filter(|finding| seen.insert(finding.title.clone())).collect()
}

/// The findings as one error.
///
/// # Errors
/// There are findings.
pub(crate) fn finish(findings: Vec<Diagnostic>) -> Result<(), PlaybookError> {
    PlaybookError::from_findings(findings).map_or(Ok(()), Err)
}

/// Groups of `module_defaults` that do not exist.
fn unknown_groups(task: &Task, options: &RunOptions) -> Vec<Diagnostic> {
    let entries =
        task.keywords.list(playbook::Inherited::ModuleDefaults).iter().filter_map(data::Value::as_map);
    let keys = entries.flat_map(|entry| {
        entry.keys().filter_map(|key| if let Key::Str(text) = key { Some(text) } else { None })
    });
    keys.filter_map(|key| Some((key, key.strip_prefix("group/")?)))
        .filter(|(_, group)| action::groups::members(group, options).is_none())
        .map(|(key, group)| {
            let title =
                format!("Error loading module_defaults: could not resolve the module_defaults group {group}");
            Diagnostic::error(title).at_opt(key.place(), "")
        })
        .collect()
}

fn task_findings(task: &Task, options: &RunOptions) -> Vec<Finding> {
    let groups = unknown_groups(task, options);
    if !groups.is_empty() {
        return groups.into_iter().map(|group| About::Action.finding(group)).collect();
    }
    let name = task.action.name.as_str();
    if name.contains("{{") {
        return Vec::new();
    }
    if options.rejects(name) {
        let error = Diagnostic::error(unresolved(name)).at_opt(task.action.place.as_ref(), "");
        return vec![About::Action.finding(error.note("`plugin_filters_cfg` rejects it"))];
    }
    if !action::exists(name) {
        return foreign_finding(name, task, options).into_iter().collect();
    }
    // A file of the user's own goes before a module of the same name and has arguments of its own.
    if !name.contains('.')
        && action::find(name).is_none()
        && foreign::library_file(name, task, options).is_some()
    {
        return Vec::new();
    }
    if may_fail(task) {
        return Vec::new();
    }
    unknown_arguments(task).into_iter().map(|error| About::Argument.finding(error)).collect()
}

/// What is to be told of an action that is not built in.
fn foreign_finding(name: &str, task: &Task, options: &RunOptions) -> Option<Finding> {
    if file::find(name, task, options).is_some() {
        return None;
    }
    let place = task.action.place.as_ref();
    let cannot_run = || {
        let warning = Diagnostic::warning(format!("the module `{name}` cannot run here"));
        let warning = warning.at_opt(place, "first used here");
        Some(About::Action.finding(warning.help("tasks that use it fail, unless they are skipped")))
    };
    if foreign::is_ansibles(name) || foreign::file(name, task, options).is_some() {
        return cannot_run();
    }
    match routing::look_up(name, task, options) {
        Route::File(_) => None,
        Route::Away => cannot_run(),
        Route::Removed(words) => Some(About::Removed.finding(Diagnostic::error(words).at_opt(place, ""))),
        Route::Nothing => {
            let error = Diagnostic::error(unresolved(name)).at_opt(place, "");
            Some(About::Action.finding(match action::nearest(name) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error,
            }))
        }
    }
}

/// Ansible's words for an action that it cannot find.
fn unresolved(name: &str) -> String {
    format!(
        "couldn't resolve module/action '{name}'. This often indicates a misspelling, missing collection, or incorrect module path."
    )
}

/// Whether the author counts on a failure: then a wrong argument is one like others and is told when the task runs.
fn may_fail(task: &Task) -> bool {
    task.keywords.get(Inherited::IgnoreErrors).is_some() || !task.failed_when.is_empty()
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
