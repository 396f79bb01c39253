//! `kubernetes.core.k8s`: definitions that lie on the controller go along with the task; `template` is rendered here.

use data::{Map, Value};

use super::{ActionCall, template};
use crate::task::finalized::shown;
use crate::trouble::Trouble;

/// Turns `src` and `template` into `resource_definition` and runs the module. A `src` that is not here is a file of the target.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let mut args = call.args.clone();
    if let Some(given) = args.get("template").cloned() {
        if args.contains_key("resource_definition") || args.contains_key("src") {
            let words = "parameters are mutually exclusive: template|resource_definition, template|src";
            return Err(Trouble::failed(words));
        }
        let all = match given {
            Value::List(all) => all.to_vec(),
            one => vec![one],
        };
        let texts = all.iter().map(|one| rendered(call, one)).collect::<Result<Vec<Value>, _>>()?;
        args.remove("template");
        args.insert("resource_definition", texts);
    } else if let Some(src) = call.text("src").filter(|src| !src.contains("://"))
        && let Ok(path) = call.file("files", &src)
    {
        let source = call.job.shared.options.reader.read(&path);
        let source = source.map_err(|error| Trouble::failed(error.to_string()))?;
        args.remove("src");
        args.insert("resource_definition", source.text());
    }
    call.module(&call.name, args, Vec::new())
}

/// One template: its path, or a dictionary with `path` and the options of `template`.
fn rendered(call: &ActionCall<'_>, one: &Value) -> Result<Value, Trouble> {
    let mut options = call.clone();
    options.args = match one {
        Value::Map(map) => map.clone(),
        path => Map::from([("path", path.clone())]),
    };
    let path = options.args.get("path").and_then(shown).ok_or_else(|| {
        Trouble::failed(
            "Error while reading template file - a template needs a path, or a dictionary with `path`",
        )
    })?;
    Ok(template::render(&options, &path, "")?.1.into())
}
