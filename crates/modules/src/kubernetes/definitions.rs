//! The objects that a task is about: from text, dictionaries, lists of either, a file on the target, or single arguments.

use data::{Map, Source, Value, yaml};

use super::kubectl::Identity;
use crate::{Args, Failure};

/// All definitions, completed by the single arguments; lists are taken apart.
///
/// # Errors
/// For text that is no YAML, a file that cannot be read, and a definition without a kind.
pub(super) fn definitions(args: &Args) -> Result<Vec<Map>, Failure> {
    let mut found: Vec<Map> = Vec::new();
    match (args.get("resource_definition").filter(|value| value.is_truthy()), args.opt_str("src")) {
        (Some(given), _) => add(given, &mut found)?,
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::io("Failed to load resource definition: could not read", path, &error)
            })?;
            add_text(&text, path, &mut found)?;
        }
        (None, None) => found.push(Map::new()),
    }
    let mut all = Vec::new();
    for definition in found {
        let definition = completed(definition, args);
        match definition.get_str("kind").and_then(|kind| kind.strip_suffix("List")) {
            Some(kind) => {
                let items = definition.get("items").and_then(Value::as_list).cloned().unwrap_or_default();
                for item in items.iter().filter_map(Value::as_map) {
                    let mut item = item.clone();
                    set_default(&mut item, "kind", Some(kind));
                    set_default(&mut item, "apiVersion", definition.get_str("apiVersion"));
                    all.push(completed(item, args));
                }
            }
            None => all.push(definition),
        }
    }
    Ok(all)
}

fn add(given: &Value, found: &mut Vec<Map>) -> Result<(), Failure> {
    match given {
        Value::Str(text) => add_text(text, "resource_definition", found),
        Value::List(items) => items.iter().try_for_each(|item| add(item, found)),
        Value::Map(map) => {
            found.push(map.clone());
            Ok(())
        }
        Value::Null => Ok(()),
        other => {
            let shown = data::python::repr(other);
            Err(Failure::new(format!(
                "Failed to load resource definition: {shown} is neither text nor a dictionary"
            )))
        }
    }
}

fn add_text(text: &str, name: &str, found: &mut Vec<Map>) -> Result<(), Failure> {
    let source = Source::new(name, text);
    let documents = yaml::load_all(&source)
        .map_err(|error| Failure::new(format!("Failed to load resource definition: {error}")))?;
    for node in &documents.nodes {
        match node.to_value() {
            Value::Map(map) => found.push(map),
            Value::Null => {}
            _ => return Err(Failure::new("Failed to load resource definition: a document is no dictionary")),
        }
    }
    Ok(())
}

/// What the definition says goes before the arguments.
fn completed(mut definition: Map, args: &Args) -> Map {
    set_default(&mut definition, "kind", args.opt_str("kind"));
    set_default(&mut definition, "apiVersion", args.opt_str("api_version"));
    let mut metadata = definition.get("metadata").and_then(Value::as_map).cloned().unwrap_or_default();
    set_default(&mut metadata, "namespace", args.opt_str("namespace"));
    set_default(&mut metadata, "name", args.opt_str("name"));
    set_default(&mut metadata, "generateName", args.opt_str("generate_name"));
    definition.insert("metadata", metadata);
    definition
}

fn set_default(map: &mut Map, key: &'static str, value: Option<&str>) {
    if let Some(value) = value.filter(|value| !value.is_empty())
        && !map.contains_key(key)
    {
        map.insert(key, value);
    }
}

/// What names a definition.
///
/// # Errors
/// If it has no kind, or its text is none.
pub(super) fn identity(definition: &Map) -> Result<Identity, Failure> {
    let text = |map: Option<&Map>, key: &str| map.and_then(|map| map.get_str(key)).map(str::to_owned);
    let metadata = definition.get("metadata").and_then(Value::as_map);
    let kind = definition.get_str("kind").ok_or_else(|| {
        Failure::new("the resource has no kind: set `kind`, or give a definition that has one")
    })?;
    Ok(Identity {
        kind: kind.to_owned(),
        api_version: text(Some(definition), "apiVersion").unwrap_or_else(|| "v1".to_owned()),
        name: text(metadata, "name"),
        namespace: text(metadata, "namespace"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::k8s::SPEC;

    fn of(given: &[(&'static str, Value)]) -> Vec<Map> {
        let given: Map = given.iter().map(|(key, value)| (*key, value.clone())).collect();
        definitions(&SPEC.parse(&given, &|_| None).unwrap()).unwrap()
    }

    #[test]
    fn text_of_several_documents_and_lists_are_taken_apart() {
        let text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n---\nkind: ConfigMapList\napiVersion: v1\nitems:\n- metadata: {name: b}\n";
        let found = of(&[("definition", text.into()), ("namespace", "n".into())]);
        let names: Vec<_> = found.iter().map(|one| identity(one).unwrap()).collect();
        assert_eq!(names.len(), 2);
        assert_eq!((names[0].kind.as_str(), names[0].name.as_deref()), ("Namespace", Some("a")));
        assert_eq!((names[1].kind.as_str(), names[1].namespace.as_deref()), ("ConfigMap", Some("n")));
    }

    #[test]
    fn single_arguments_are_a_definition() {
        let found = of(&[("kind", "Pod".into()), ("name", "p".into()), ("api_version", "v1".into())]);
        assert_eq!(identity(&found[0]).unwrap().words(), ["Pod.v1.", "p"]);
    }

    #[test]
    fn what_is_no_yaml_is_refused() {
        let args = SPEC.parse(&Map::from([("definition", "a: [")]), &|_| None).unwrap();
        assert!(definitions(&args).unwrap_err().msg.starts_with("Failed to load resource definition"));
    }
}
