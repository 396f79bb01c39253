//! `json_patch` and `json_patch_recipe` of community.general: changes to a document by JSON Patch (RFC 6902).

use data::{Key, Value, json};

use crate::args::Bound;
use crate::eval::{Eval, OUTER};
use crate::registry::Filter;
use crate::val::{Res, Val, fail, finalize};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("community.general.json_patch", &["op", "path", "value?", "from?", "fail_test?"], one_patch),
    Filter::new("community.general.json_patch_recipe", &["operations", "fail_test?"], recipe),
];

/// Why an operation could not be done.
enum Refusal {
    /// A `test` that does not hold.
    Test(String),
    Patch(String),
}

fn refuse<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Patch(message.into()))
}

/// One operation.
struct Operation {
    op: String,
    path: String,
    from: Option<String>,
    value: Option<Value>,
}

fn document(ev: &Eval<'_>, filter: &str, value: &Val) -> Res<Value> {
    match value {
        Val::Str(text) => json::parse(text)
            .or_else(|error| fail(format!("{filter}: could not decode JSON from input: {error}"))),
        Val::List(_) | Val::Dict(_) => finalize(ev, value),
        _ => fail(format!("{filter}: input is not dictionary, list or string")),
    }
}

fn one_patch(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let text = |index: usize, name: &str| match args.given(index) {
        None => Ok(None),
        Some(Val::Str(text)) => Ok(Some(text.to_string())),
        Some(_) => fail(format!("json_patch: '{name}' argument is not a string")),
    };
    let value_given = finalize(ev, &args.val(2))?;
    let operation = Operation {
        op: text(0, "op")?.unwrap_or_default(),
        path: text(1, "path")?.unwrap_or_default(),
        from: text(3, "from")?,
        value: Some(value_given),
    };
    let fail_test = fail_test(args.get(4))?;
    let document = document(ev, "json_patch", value)?;
    patched(ev, "json_patch", document, &[operation], fail_test)
}

fn fail_test(value: Option<&Val>) -> Res<bool> {
    match value {
        None => Ok(false),
        Some(Val::Bool(flag)) => Ok(*flag),
        Some(_) => fail("json_patch: 'fail_test' argument is not a bool"),
    }
}

fn recipe(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let filter = "json_patch_recipe";
    let Value::List(list) = finalize(ev, &args.val(0))? else {
        return fail(format!("{filter}: 'operations' needs to be a list"));
    };
    let mut operations = Vec::new();
    for one in list.iter() {
        let text = |name: &str| one.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(op), Some(path)) = (text("op"), text("path")) else {
            return fail(format!("{filter}: every operation needs the texts 'op' and 'path'"));
        };
        operations.push(Operation { op, path, from: text("from"), value: one.get("value").cloned() });
    }
    let fail_test = fail_test(args.get(1))?;
    patched(ev, filter, document(ev, filter, value)?, &operations, fail_test)
}

fn patched(
    ev: &Eval<'_>,
    filter: &str,
    mut document: Value,
    operations: &[Operation],
    fail_test: bool,
) -> Res<Val> {
    for operation in operations {
        if !matches!(operation.op.as_str(), "add" | "copy" | "move" | "remove" | "replace" | "test") {
            return fail(format!("{filter}: unsupported 'op' argument: {}", operation.op));
        }
        if matches!(operation.op.as_str(), "copy" | "move") && operation.from.is_none() {
            return fail(format!("{filter}: 'from' argument missing for '{}' operation", operation.op));
        }
    }
    for operation in operations {
        ev.spend(1, 0)?;
        match apply(&mut document, operation) {
            Ok(()) => {}
            Err(Refusal::Test(message)) if fail_test => {
                return fail(format!("{filter}: test operation failed: {message}"));
            }
            Err(Refusal::Test(_)) => return Ok(Val::None),
            Err(Refusal::Patch(message)) => return fail(format!("{filter}: patch failed: {message}")),
        }
    }
    ev.open(&document, OUTER)
}

/// The parts of a JSON Pointer (RFC 6901).
fn pointer(path: &str) -> Result<Vec<String>, Refusal> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let Some(rest) = path.strip_prefix('/') else { return refuse("Location must start with /") };
    Ok(rest.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect())
}

fn apply(document: &mut Value, operation: &Operation) -> Result<(), Refusal> {
    let path = pointer(&operation.path)?;
    let value = || match &operation.value {
        Some(value) => Ok(value.clone()),
        None => refuse("The operation does not contain a 'value' member"),
    };
    let from = || pointer(operation.from.as_deref().unwrap_or(""));
    match operation.op.as_str() {
        "add" => add(document, &path, value()?),
        "replace" => {
            *found(document, &path, "can't replace a non-existent object")? = value()?;
            Ok(())
        }
        "remove" => remove(document, &path).map(|_| ()),
        "copy" => {
            let copy = found(document, &from()?, "member not found:")?.clone();
            add(document, &path, copy)
        }
        "move" => {
            let from = from()?;
            if path.len() > from.len() && path.starts_with(&from) {
                return refuse("Cannot move values into their own children");
            }
            let moved = remove(document, &from)?;
            add(document, &path, moved)
        }
        _ => {
            let (have, wanted) = (found(document, &path, "member not found:"), value()?);
            match have {
                Ok(have) if *have == wanted => Ok(()),
                Ok(have) => Err(Refusal::Test(format!(
                    "{} is not equal to tested value {}",
                    data::python::repr(have),
                    data::python::repr(&wanted)
                ))),
                Err(_) => Err(Refusal::Test(format!("nothing lies at '{}'", operation.path))),
            }
        }
    }
}

/// The index of a list that a part of a path names.
fn index(part: &str, limit: usize) -> Result<usize, Refusal> {
    let is_number = part == "0"
        || (!part.is_empty() && !part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit()));
    match part.parse::<usize>() {
        Ok(at) if is_number && at < limit => Ok(at),
        Ok(_) if is_number => refuse("list index out of range"),
        _ => refuse(format!("'{part}' is not a valid sequence index")),
    }
}

/// What lies at a path.
fn found<'v>(value: &'v mut Value, path: &[String], missing: &str) -> Result<&'v mut Value, Refusal> {
    let Some((part, rest)) = path.split_first() else { return Ok(value) };
    let inner = match value {
        Value::Map(map) => match map.make_mut().get_mut(&Key::from(part.as_str())) {
            Some(inner) => inner,
            None => return refuse(format!("{missing} '{part}'")),
        },
        Value::List(list) => {
            let at = index(part, list.len())?;
            &mut list.make_mut()[at]
        }
        _ => return refuse(format!("{missing} '{part}'")),
    };
    found(inner, rest, missing)
}

fn add(document: &mut Value, path: &[String], new: Value) -> Result<(), Refusal> {
    let Some((last, parent)) = path.split_last() else {
        *document = new;
        return Ok(());
    };
    match found(document, parent, "member not found:")? {
        Value::Map(map) => {
            map.insert(last.as_str(), new);
            Ok(())
        }
        Value::List(list) if last == "-" => {
            list.make_mut().push(new);
            Ok(())
        }
        Value::List(list) => {
            let at = match index(last, list.len() + 1) {
                Err(Refusal::Patch(message)) if message.ends_with("range") => {
                    return refuse("can't insert outside of list");
                }
                at => at?,
            };
            list.make_mut().insert(at, new);
            Ok(())
        }
        _ => refuse(format!("unable to add '{last}' to what is neither a list nor a dictionary")),
    }
}

fn remove(document: &mut Value, path: &[String]) -> Result<Value, Refusal> {
    let Some((last, parent)) = path.split_last() else {
        return Ok(std::mem::replace(document, Value::Null));
    };
    let missing = || refuse(format!("can't remove a non-existent object '{last}'"));
    match found(document, parent, "can't remove a non-existent object")? {
        Value::Map(map) => map.make_mut().shift_remove(&Key::from(last.as_str())).map_or_else(missing, Ok),
        Value::List(list) => {
            let at = index(last, list.len())?;
            Ok(list.make_mut().remove(at))
        }
        _ => missing(),
    }
}
