//! All modules as one page: `docs/modules.md`.

use std::fmt::Write;

use data::{Map, Value};
use modules::{Arg, ModuleSpec, Rules};

use super::doc;

/// The page.
pub(crate) fn page() -> String {
    let all = doc::sorted();
    let mut page = format!(
        "# Modules\n\nThe {} modules that are built in, made from their own argument tables by `taskbox doc --markdown`. \
         `taskbox doc MODULE` shows one of them.\nWhat differs from Ansible's module of the same name is in [COMPATIBILITY.md](COMPATIBILITY.md).\n",
        all.len()
    );
    let mut collection = "";
    for spec in &all {
        if spec.collection != collection {
            collection = spec.collection;
            let _ = write!(page, "\n## {collection}\n");
        }
        module(spec, &mut page);
    }
    page
}

fn module(spec: &ModuleSpec, page: &mut String) {
    let _ = write!(page, "\n### {}\n\n{}.", spec.name, spec.summary.trim_end_matches('.'));
    if !spec.aliases.is_empty() {
        let names: Vec<String> = spec.aliases.iter().map(|name| format!("`{name}`")).collect();
        let _ = write!(page, " Also {}.", names.join(", "));
    }
    if !spec.check_mode {
        page.push_str(" Skipped in check mode.");
    }
    page.push('\n');
    let arguments = arguments(spec);
    if !arguments.is_empty() {
        page.push_str("\n| argument | type | default | |\n| --- | --- | --- | --- |\n");
        rows("", &arguments, page);
    }
    let rules = rules(&spec.rules);
    if !rules.is_empty() {
        let _ = write!(page, "\nRules: {}.\n", rules.join("; "));
    }
}

fn rows(before: &str, all: &[&Arg], page: &mut String) {
    for arg in all {
        let kind = match arg.elements {
            Some(elements) => format!("{} of {}", arg.kind.name(), elements.name()),
            None => arg.kind.name().to_owned(),
        };
        let default = match (arg.required, shown_default(arg)) {
            (true, _) => "required".to_owned(),
            (_, text) if text == "null" => String::new(),
            (_, text) => format!("`{}`", text.replace('|', "\\|")),
        };
        let mut about = arg.help.replace('|', "\\|");
        for (words, list) in [("One of", arg.choices), ("Also", arg.aliases)] {
            if !list.is_empty() {
                let list: Vec<String> = list.iter().map(|word| format!("`{word}`")).collect();
                let _ = write!(about, " {words} {}.", list.join(", "));
            }
        }
        let _ = writeln!(page, "| `{before}{}` | {kind} | {default} | {about} |", arg.name);
        if !arg.options.is_empty() {
            rows(&format!("{before}{}.", arg.name), &arg.options.iter().collect::<Vec<_>>(), page);
        }
    }
}

/// What must, may not, or must come together, one sentence each.
fn rules(rules: &Rules) -> Vec<String> {
    let names = |group: &[&str]| group.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let mut all = Vec::new();
    all.extend(rules.mutually_exclusive.iter().map(|group| format!("at most one of {}", names(group))));
    all.extend(rules.required_one_of.iter().map(|group| format!("at least one of {}", names(group))));
    all.extend(rules.required_together.iter().map(|group| format!("all or none of {}", names(group))));
    all.extend(rules.required_by.iter().map(|(name, needs)| format!("`{name}` needs {}", names(needs))));
    all.extend(rules.required_if.iter().map(|rule| {
        let value = match rule.value {
            modules::Default::Str(text) => text.to_owned(),
            modules::Default::Bool(flag) => flag.to_string(),
            other => format!("{other:?}"),
        };
        let any = if rule.any { "one of " } else { "" };
        format!("`{}: {value}` needs {any}{}", rule.argument, names(rule.needs))
    }));
    all
}

/// A module's arguments as users give them, by name. What the controller sets for itself is left out.
fn arguments(spec: &ModuleSpec) -> Vec<&'static Arg> {
    let own = |arg: &&Arg| !arg.name.starts_with('_') && !arg.name.ends_with("_blob");
    let mut all: Vec<&'static Arg> = spec.all_args().filter(own).collect();
    all.sort_by_key(|arg| arg.name);
    all
}

/// The value of an argument that was not given.
fn default(arg: &Arg) -> Value {
    match arg.default {
        modules::Default::Null => Value::Null,
        modules::Default::Bool(flag) => flag.into(),
        modules::Default::Int(number) => number.into(),
        modules::Default::Float(number) => number.into(),
        modules::Default::Str(text) => text.into(),
        modules::Default::List(words) => words.iter().map(|word| Value::from(*word)).collect(),
        modules::Default::Dict => Map::new().into(),
    }
}

/// A default as a reader of YAML writes it.
fn shown_default(arg: &Arg) -> String {
    match default(arg) {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Str(text) => text.to_string(),
        other => data::json::write(&other, &data::json::JsonStyle::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_docs_is_of_these_modules() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/modules.md");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        let stale = page()
            .lines()
            .zip(written.lines())
            .find(|(ours, theirs)| ours != theirs)
            .map(|(ours, _)| ours.to_owned());
        assert!(
            written == page(),
            "docs/modules.md is stale, first at `{}`: make it anew with `taskbox doc --markdown > docs/modules.md`",
            stale.unwrap_or_default()
        );
    }
}
