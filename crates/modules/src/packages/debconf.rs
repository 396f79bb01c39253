//! `debconf`: answers to the questions that packages ask when they are configured.

use data::{Map, Value};

use crate::process::{Command, require_program};
use crate::{Arg, Args, Context, Diff, Failure, ModuleSpec, Outcome, Rules};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "debconf",
    summary: "Configure a .deb package",
    args: &[
        Arg::str("name").required().aliases(&["pkg"]).help("The package."),
        Arg::str("question")
            .aliases(&["selection", "setting"])
            .help("The question; not given: only tell the answers."),
        Arg::str("vtype")
            .choices(&[
                "boolean",
                "error",
                "multiselect",
                "note",
                "password",
                "seen",
                "select",
                "string",
                "text",
                "title",
            ])
            .help("The kind of question."),
        Arg::raw("value").aliases(&["answer"]).help("The answer; a list for `multiselect`."),
        Arg::bool("unseen")
            .default_bool(false)
            .help("Ask the question all the same when the package is configured."),
    ],
    rules: Rules { required_together: &[&["question", "vtype", "value"]], ..Rules::NONE },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let package = args.str("name")?;
    let known = answers(package, context)?;
    let Some(question) = args.opt_str("question") else {
        return Ok(Outcome::unchanged().msg("").with("current", known));
    };
    let kind = args.str("vtype")?;
    let wanted = Answer::new(args.get("value").unwrap_or(&Value::Null), kind)?;
    let old = known.get_str(question).map(str::to_owned);
    let same = match (&old, kind) {
        (None, _) => false,
        (Some(_), "password") => stored(package, question, kind, context)?.as_deref() == Some(&wanted.text),
        (Some(old), _) => wanted.is(old, kind),
    };
    if same {
        return Ok(Outcome::unchanged().msg("").with("current", known));
    }
    let mut said = String::new();
    if !context.check {
        said = set(package, question, kind, &wanted.text, args.bool("unseen"), context)?;
    }
    let mut before = if old.is_some() { Map::new() } else { known };
    before.insert(question, old.unwrap_or_default());
    let current = Map::from([(question, wanted.shown)]);
    let mut after = before.clone();
    after.extend_from(&current);
    Ok(Outcome::changed()
        .msg(said)
        .with("current", current)
        .with("previous", before.clone())
        .with_diff(Diff::properties(before, after)))
}

/// An answer as debconf takes it, and as results show it.
struct Answer {
    text: String,
    shown: Value,
    /// The parts of a list, sorted.
    parts: Option<Vec<String>>,
}

impl Answer {
    fn new(value: &Value, kind: &str) -> Result<Self, Failure> {
        if let (Value::List(items), "multiselect") = (value, kind) {
            if let Some(wrong) = items.iter().find(|item| item.as_str().is_none()) {
                let said = data::python::repr(wrong);
                return Err(Failure::new(format!(
                    "Invalid value provided for 'multiselect': {said} is no text; quote it"
                )));
            }
            let mut parts: Vec<String> = items.iter().map(data::python::str).collect();
            parts.sort();
            let text = parts.join(", ");
            return Ok(Self { shown: Value::from(text.as_str()), text, parts: Some(parts) });
        }
        let text = data::python::str(value);
        let text = if kind == "boolean" { text.to_lowercase() } else { text };
        Ok(Self { shown: Value::from(text.as_str()), text, parts: None })
    }

    fn is(&self, old: &str, kind: &str) -> bool {
        match &self.parts {
            Some(parts) => {
                let mut there: Vec<&str> = old.split(',').map(str::trim).collect();
                there.sort_unstable();
                there == *parts
            }
            None if kind == "boolean" => self.text == old.to_lowercase(),
            None => self.text == old,
        }
    }
}

/// What `debconf-show` knows of a package; passwords are hidden in it.
fn answers(package: &str, context: &mut Context) -> Result<Map, Failure> {
    let program = require_program("debconf-show", context)?;
    let output = Command::new(program).arg(package).run(context)?;
    if !output.ok() {
        return Err(Failure::new(output.stderr_text()));
    }
    let text = output.stdout_text();
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    Ok(pairs
        .map(|(key, value)| (key.trim_matches('*').trim().to_owned(), Value::from(value.trim())))
        .collect())
}

/// The answer to a question of this kind in debconf's database, where passwords stand in clear.
fn stored(
    package: &str,
    question: &str,
    kind: &str,
    context: &mut Context,
) -> Result<Option<String>, Failure> {
    let program = require_program("debconf-get-selections", context)
        .map_err(|failure| Failure::new(format!("{}; it is in the package `debconf-utils`", failure.msg)))?;
    let output = Command::new(program).run(context)?;
    if !output.ok() {
        let said = output.stderr_text();
        return Err(Failure::new(format!("Failed to get the value '{question}' from '{package}': {said}")));
    }
    let text = output.stdout_text();
    let found = text.lines().map(|line| line.split('\t').collect::<Vec<_>>()).find_map(|fields| match fields
        .as_slice()
    {
        [owner, asked, sort, answer, ..] if *owner == package && *asked == question && *sort == kind => {
            Some((*answer).to_owned())
        }
        _ => None,
    });
    Ok(found)
}

/// Hands the answer over by standard input, where nobody else reads it.
fn set(
    package: &str,
    question: &str,
    kind: &str,
    value: &str,
    unseen: bool,
    context: &mut Context,
) -> Result<String, Failure> {
    let program = require_program("debconf-set-selections", context)?;
    let mut command = Command::new(program);
    if unseen {
        command = command.arg("-u");
    }
    let output = command.input(format!("{package} {question} {kind} {value}\n")).run(context)?;
    if output.ok() { Ok(output.stdout_text()) } else { Err(Failure::new(output.stderr_text())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_compared_as_debconf_means_them() {
        assert!(Answer::new(&Value::from(true), "boolean").unwrap().is("true", "boolean"));
        assert!(Answer::new(&Value::from("TRUE"), "boolean").unwrap().is("true", "boolean"));
        let list: Value = ["b", "a"].into_iter().map(Value::from).collect();
        let answer = Answer::new(&list, "multiselect").unwrap();
        assert_eq!(answer.text, "a, b");
        let mixed: Value = [Value::from("a"), Value::from(1)].into_iter().collect();
        assert!(Answer::new(&mixed, "multiselect").is_err());
        assert!(answer.is("b, a", "multiselect") && !answer.is("a", "multiselect"));
        assert!(Answer::new(&Value::from(5), "string").unwrap().is("5", "string"));
        assert!(!Answer::new(&Value::from("x"), "select").unwrap().is("X", "select"));
    }
}
