//! A task's arguments: `module_defaults` below, what `args:` resolves to, what the task says, rendered one by one.

use data::{Map, Value};
use playbook::{Inherited, Task, short_name};

use super::{find, groups};
use crate::trouble::Trouble;
use crate::variables::scope::TaskScope;

/// The rendered arguments of a task's action.
///
/// # Errors
/// One cannot be rendered.
pub(crate) fn arguments(task: &Task, name: &str, scope: &TaskScope) -> Result<Map, Trouble> {
    let full = full_name(name);
    let unrendered = find(name).map_or(&[][..], |spec| spec.unrendered);
    let mut args = Map::new();
    let mut put = |from: &Map| -> Result<(), Trouble> {
        for (key, value) in from.iter() {
            let key_text = key.to_string();
            if unrendered.contains(&key_text.as_str()) {
                args.insert(key.clone(), value.clone());
                continue;
            }
            let rendered =
                scope.resolve(value).map_err(|error| Trouble::argument(&full, &key_text, &error))?;
            if template::is_omit(&rendered) {
                args.remove(&key_text);
            } else {
                args.insert(key.clone(), rendered);
            }
        }
        Ok(())
    };
    for defaults in defaults(task, name, scope)? {
        put(&defaults)?;
    }
    if let Some(variable) = &task.action.variable {
        let rendered = scope
            .resolve(&Value::Str(variable.clone()))
            .map_err(|error| Trouble::argument(&full, "args", &error))?;
        match rendered {
            Value::Map(map) => put(&map)?,
            other if other.is_null() || template::is_omit(&other) => {}
            other => {
                let kind = other.kind().python_name();
                return Err(Trouble::failed(format!(
                    "Task failed: Finalization of task args for '{full}' failed: Task args must resolve to a 'dict' not '{kind}'."
                )));
            }
        }
    }
    put(&task.action.args)?;
    free_text(name, args, task.place.as_ref())
}

/// Free text of a module: its free-form argument, a mapping that a template resolved to, or a mistake.
fn free_text(name: &str, mut args: Map, task_place: Option<&data::Place>) -> Result<Map, Trouble> {
    let takes_it = match (find(name), modules::find(name)) {
        (Some(spec), _) => spec.free_text,
        (None, Some(_)) => false,
        (None, None) => true,
    };
    if takes_it || !args.contains_key("_raw_params") {
        return Ok(args);
    }
    let free_form = modules::find(name).and_then(|module| module.free_form);
    let raw = args.remove("_raw_params");
    match (raw, free_form) {
        (Some(Value::Map(map)), None) => {
            let mut joined = map;
            joined.extend_from(&args);
            Ok(joined)
        }
        (Some(raw), Some(argument)) => {
            args.insert(argument, raw);
            Ok(args)
        }
        (Some(Value::Null), None) | (None, _) => Ok(args),
        (Some(raw), None) => {
            let (text, name) = (data::python::str(&raw), full_name(name));
            let msg = format!("Task failed: Action '{name}' does not support raw params.");
            let finding = data::Diagnostic::error(format!("Action '{name}' does not support raw params."))
                .at_opt(task_place, "")
                .note(format!("the text is `{text}`"));
            Err(Trouble { findings: vec![finding], ..Trouble::failed(msg) })
        }
    }
}

/// The mappings of `module_defaults` that apply, weakest first: those of groups, then the module's own. Of two entries with the same key
/// the inner one stands alone.
fn defaults(task: &Task, name: &str, scope: &TaskScope) -> Result<Vec<Map>, Trouble> {
    let resolve =
        |value: &Value| scope.resolve(value).map_err(|error| Trouble::keyword("module_defaults", error));
    let mut of_groups: indexmap::IndexMap<String, Map> = indexmap::IndexMap::new();
    let mut own = None;
    for entry in task.keywords.list(Inherited::ModuleDefaults) {
        let entry = match entry {
            Value::Map(map) => map.clone(),
            other => match resolve(other)? {
                Value::Map(map) => map,
                _ => continue,
            },
        };
        for (key, value) in entry.iter() {
            let Some(key) = key.as_str() else { continue };
            let group = key.strip_prefix("group/");
            let applies = match group {
                Some(group) => is_member(name, group, scope),
                None => short_name(key) == short_name(name),
            };
            if !applies {
                continue;
            }
            let value = if matches!(value, Value::Str(_)) { resolve(value)? } else { value.clone() };
            let Value::Map(map) = value else { continue };
            match group {
                Some(group) => drop(of_groups.insert(group.to_owned(), map)),
                None => own = Some(map),
            }
        }
    }
    Ok(of_groups.into_values().chain(own).collect())
}

fn is_member(name: &str, group: &str, scope: &TaskScope) -> bool {
    let members = groups::members(group, &scope.shared.options).unwrap_or_default();
    members.iter().any(|member| short_name(member) == short_name(name))
}

/// The name with its collection, as messages show it.
pub(crate) fn full_name(name: &str) -> String {
    if name.contains('.') {
        return name.to_owned();
    }
    match (find(name), modules::find(name)) {
        (None, Some(module)) => module.full_name(),
        _ => format!("ansible.builtin.{name}"),
    }
}
