//! `taskbox doc`: what modules take, from their own tables, as `ansible-doc` shows it; and the reference page of the documentation.

use std::process::ExitCode;

use clap::Args;
use data::{Diagnostic, Map, Value, json};
use modules::{Arg, ArgType, Default as ArgDefault, ModuleSpec};

use super::{modules_page, reference};
use crate::flags::FlagError;

/// Show what modules take.
#[derive(Debug, Args)]
#[command(infer_long_args = true, args_override_self = true)]
pub(crate) struct DocArgs {
    /// The modules.
    #[arg(value_name = "MODULE")]
    modules: Vec<String>,
    /// List all modules.
    #[arg(short, long)]
    list: bool,
    /// As JSON.
    #[arg(short, long)]
    json: bool,
    /// A task that shows all arguments.
    #[arg(short, long)]
    snippet: bool,
    /// The kind of plugin; only `module` is known.
    #[arg(short = 't', long = "type", value_name = "KIND", default_value = "module")]
    kind: String,
    /// The reference page of the documentation.
    #[arg(long, hide = true)]
    reference: bool,
    /// All modules with their arguments as a page of the documentation.
    #[arg(long, hide = true)]
    markdown: bool,
    /// Say more.
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// Runs `taskbox doc`.
///
/// # Errors
/// A module that does not exist, nothing to show.
pub(crate) fn run(args: &DocArgs) -> Result<ExitCode, FlagError> {
    if args.reference {
        anstream::print!("{}", reference::page());
        return Ok(ExitCode::SUCCESS);
    }
    if args.markdown {
        anstream::print!("{}", modules_page::page());
        return Ok(ExitCode::SUCCESS);
    }
    if args.kind != "module" {
        let error =
            Diagnostic::error(format!("there is no documentation of plugins of the kind `{}`", args.kind));
        return Err(FlagError::option(error.help("taskbox documents modules")));
    }
    if args.list {
        anstream::print!("{}", list(args.json));
        return Ok(ExitCode::SUCCESS);
    }
    if args.modules.is_empty() {
        let error = Diagnostic::error("Incorrect options passed: name a module");
        return Err(FlagError::option(error.help("`--list` names all of them")));
    }
    let specs = args.modules.iter().map(|name| found(name)).collect::<Result<Vec<_>, _>>()?;
    if args.json {
        let all: Map = specs.iter().map(|spec| (spec.full_name(), as_json(spec))).collect();
        let style = json::JsonStyle::indented(4).sorted().unicode();
        anstream::println!("{}", json::write(&Value::from(all), &style));
    } else {
        let text = if args.snippet { snippet } else { described };
        specs.iter().for_each(|spec| anstream::print!("{}", text(spec)));
    }
    Ok(ExitCode::SUCCESS)
}

fn found(name: &str) -> Result<&'static ModuleSpec, FlagError> {
    modules::find(name).ok_or_else(|| {
        let error = Diagnostic::error(format!("there is no documentation of a module `{name}`"));
        FlagError::error(match modules::nearest(name) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("`--list` names all modules"),
        })
    })
}

/// All modules by name.
pub(super) fn sorted() -> Vec<&'static ModuleSpec> {
    // What the engine runs modules of others with is nobody's to name.
    let mut all: Vec<_> = modules::all().filter(|spec| spec.name != "foreign_module").collect();
    all.sort_by_key(|spec| spec.full_name());
    all
}

fn list(as_json: bool) -> String {
    let all = sorted();
    if as_json {
        let map: Map = all.iter().map(|spec| (spec.full_name(), spec.summary)).collect();
        return json::write(&Value::from(map), &json::JsonStyle::indented(4).sorted().unicode()) + "\n";
    }
    let width = all.iter().map(|spec| spec.full_name().len()).max().unwrap_or(0);
    all.iter().map(|spec| format!("{:width$} {}\n", spec.full_name(), spec.summary)).collect()
}

fn described(spec: &'static ModuleSpec) -> String {
    let mut text = format!("> MODULE {}\n\n  {}\n", spec.full_name(), spec.summary);
    if !spec.check_mode {
        text.push_str("  It is skipped in check mode.\n");
    }
    text.push_str("\nOPTIONS (= indicates it is required):\n");
    for arg in spec.all_args() {
        let sign = if arg.required { '=' } else { '-' };
        text.push_str(&format!("\n{sign} {}\n        {}\n", arg.name, arg.help));
        for (word, value) in facts(arg) {
            text.push_str(&format!("        {word}: {value}\n"));
        }
    }
    text + "\n"
}

/// What is known of an argument beside its name and help.
pub(super) fn facts(arg: &Arg) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if !arg.aliases.is_empty() {
        facts.push(("aliases", arg.aliases.join(", ")));
    }
    if !arg.choices.is_empty() {
        facts.push(("choices", arg.choices.join(", ")));
    }
    if let Some(default) = default(arg) {
        facts.push(("default", default));
    }
    if let Some(elements) = arg.elements {
        facts.push(("elements", kind(elements).to_owned()));
    }
    facts.push(("type", kind(arg.kind).to_owned()));
    facts
}

fn default(arg: &Arg) -> Option<String> {
    Some(match arg.default {
        ArgDefault::Null => return None,
        ArgDefault::Bool(flag) => flag.to_string(),
        ArgDefault::Int(number) => number.to_string(),
        ArgDefault::Float(number) => number.to_string(),
        ArgDefault::Str(text) => text.to_owned(),
        ArgDefault::List(items) => format!("[{}]", items.join(", ")),
        ArgDefault::Dict => "{}".to_owned(),
    })
}

/// Ansible's word for a type.
pub(super) fn kind(kind: ArgType) -> &'static str {
    match kind {
        ArgType::Str => "str",
        ArgType::Bool => "bool",
        ArgType::Int => "int",
        ArgType::Float => "float",
        ArgType::Path => "path",
        ArgType::List => "list",
        ArgType::Dict => "dict",
        ArgType::Raw => "raw",
        ArgType::Json => "json",
        ArgType::Bytes => "bytes",
        ArgType::Bits => "bits",
    }
}

fn as_json(spec: &&'static ModuleSpec) -> Value {
    let option = |arg: &'static Arg| {
        let mut map = Map::from([("description", Value::from(arg.help)), ("required", arg.required.into())]);
        for (word, value) in facts(arg) {
            map.insert(word, value);
        }
        (arg.name, Value::from(map))
    };
    let options: Map = spec.all_args().map(option).collect();
    let doc = Map::from([
        ("collection", Value::from(spec.collection)),
        ("module", spec.name.into()),
        ("options", options.into()),
        ("short_description", spec.summary.into()),
    ]);
    Value::from(Map::from([("doc", doc)]))
}

fn snippet(spec: &'static ModuleSpec) -> String {
    let mut text = format!("- name: {}\n  {}:\n", spec.summary.trim_end_matches('.'), spec.full_name());
    for arg in spec.all_args() {
        let required = if arg.required { "(required) " } else { "" };
        text.push_str(&format!("      {}:  # {required}{}\n", arg.name, arg.help));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_described_by_its_own_table() {
        let spec = found("ansible.builtin.copy").unwrap();
        let text = described(spec);
        assert!(text.starts_with("> MODULE ansible.builtin.copy\n") && text.contains("\n= dest\n"), "{text}");
        assert!(snippet(spec).contains("dest:  # (required)"));
        let value = as_json(&spec);
        assert_eq!(value.get("doc").and_then(|doc| doc.get("module")), Some(&Value::from("copy")));
    }

    #[test]
    fn a_slip_of_the_fingers_is_noticed() {
        let error = found("copi").unwrap_err();
        assert_eq!(data::Diagnose::diagnostics(&error)[0].helps, ["did you mean `copy`?"]);
        assert!(list(false).contains("ansible.builtin.copy"));
    }
}
