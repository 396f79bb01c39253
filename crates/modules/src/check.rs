//! Arguments against a module's table: names, types, choices and mutual rules, with all mistakes at once and in Ansible's words.

use data::suggest::nearest;
use data::{Diagnose, Diagnostic, Key, List, Map, Place, Value};

use crate::coerce::{Environment, coerce};
use crate::{Arg, ArgType, Args, Default, ModuleSpec, RequiredIf, Rules};

/// One mistake in a module's arguments. Its text is Ansible's; the help is ours.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct ArgError {
    /// Ansible's sentence.
    pub message: String,
    /// The argument it is about, if it is about one.
    pub argument: Option<String>,
    /// Where the user wrote it, when known.
    pub place: Option<Place>,
    /// What to do, when there is something to say.
    pub help: Option<String>,
}

impl Diagnose for ArgError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        let found = Diagnostic::error(self.message.clone()).at_opt(self.place.as_ref(), "");
        vec![match &self.help {
            Some(help) => found.help(help.clone()),
            None => found,
        }]
    }
}

impl ModuleSpec {
    /// Checks arguments without running anything; on the controller before a play as well as on the target. Values that are still
    /// templates are taken on trust.
    ///
    /// # Errors
    /// Every mistake found, in the order in which Ansible looks for them.
    pub fn check(&self, given: &Map) -> Result<(), Vec<ArgError>> {
        self.parse(given, &|_| None).map(drop)
    }

    /// Checks and converts arguments, and fills in defaults. `environment` answers for `$NAME` and `~` in paths.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn parse(&self, given: &Map, environment: Environment) -> Result<Args, Vec<ArgError>> {
        let table: Vec<&'static Arg> = self.all_args().collect();
        let mut checker =
            Checker { errors: Vec::new(), warnings: Vec::new(), unsupported: Vec::new(), environment };
        let values = checker.check(&table, &self.rules, given, &mut Vec::new());
        checker.report_unsupported(self.name);
        if checker.errors.is_empty() { Ok(Args::new(values, checker.warnings)) } else { Err(checker.errors) }
    }
}

struct Checker<'a> {
    errors: Vec<ArgError>,
    warnings: Vec<String>,
    unsupported: Vec<Unsupported>,
    environment: Environment<'a>,
}

struct Unsupported {
    path: String,
    place: Option<Place>,
    known: Vec<&'static str>,
    aliases: Vec<&'static str>,
}

impl Checker<'_> {
    /// One table against one dictionary; `within` names the arguments around it.
    fn check(&mut self, table: &[&'static Arg], rules: &Rules, given: &Map, within: &mut Vec<String>) -> Map {
        let mut values = self.resolve_names(table, given, within);
        self.mutually_exclusive(rules, &values, within);
        for arg in table {
            if !values.contains_key(arg.name) && arg.default != Default::Null {
                values.insert(arg.name, arg.default.to_value());
            }
        }
        self.required(table, &values, within);
        for arg in table {
            self.convert(arg, &mut values, within);
        }
        for arg in table {
            self.choices(arg, &mut values, within);
        }
        self.together(rules, &values, within);
        for arg in table {
            if !values.contains_key(arg.name) {
                values.insert(arg.name, Value::Null);
            }
        }
        for arg in table.iter().filter(|arg| !arg.options.is_empty()) {
            self.options(arg, &mut values, within);
        }
        values
    }

    /// Puts values under their arguments' names. Names nobody knows are noted.
    fn resolve_names(&mut self, table: &[&'static Arg], given: &Map, within: &[String]) -> Map {
        let mut values = Map::new();
        for (key, value) in given {
            let name = key.to_string();
            match table.iter().find(|arg| arg.answers_to(&name)) {
                Some(arg) => {
                    if arg.name != name && given.contains_key(arg.name) {
                        self.warnings.push(format!("Both option {} and its alias {name} are set.", arg.name));
                    }
                    // An alias wins over the name, whichever is written first, as in Ansible.
                    if arg.name != name || !values.contains_key(arg.name) {
                        values.insert(arg.name, value.clone());
                    }
                }
                None => self.unsupported.push(Unsupported {
                    path: within.iter().chain([&name]).cloned().collect::<Vec<_>>().join("."),
                    place: key_place(key, value),
                    known: table.iter().map(|arg| arg.name).collect(),
                    aliases: table.iter().flat_map(|arg| arg.aliases.iter().copied()).collect(),
                }),
            }
        }
        values
    }

    fn error(&mut self, message: String, within: &[String]) {
        self.error_at(message, within, None, None);
    }

    fn error_at(&mut self, message: String, within: &[String], argument: Option<&str>, place: Option<Place>) {
        let message =
            if within.is_empty() { message } else { format!("{message} found in {}", within.join(" -> ")) };
        self.errors.push(ArgError { message, argument: argument.map(str::to_string), place, help: None });
    }

    fn mutually_exclusive(&mut self, rules: &Rules, values: &Map, within: &[String]) {
        let broken: Vec<String> = rules
            .mutually_exclusive
            .iter()
            .filter(|group| count(group, values) > 1)
            .map(|group| group.join("|"))
            .collect();
        if !broken.is_empty() {
            self.error(format!("parameters are mutually exclusive: {}", broken.join(", ")), within);
        }
    }

    fn required(&mut self, table: &[&'static Arg], values: &Map, within: &[String]) {
        let mut missing: Vec<&str> = table
            .iter()
            .filter(|arg| arg.required && !values.contains_key(arg.name))
            .map(|arg| arg.name)
            .collect();
        if !missing.is_empty() {
            missing.sort_unstable();
            self.error_at(
                format!("missing required arguments: {}", missing.join(", ")),
                within,
                Some(missing[0]),
                None,
            );
        }
    }

    fn convert(&mut self, arg: &Arg, values: &mut Map, within: &[String]) {
        let Some(value) = values.get(arg.name).cloned() else { return };
        if value.is_null() && !arg.required && arg.default == Default::Null {
            return;
        }
        match coerce(&value, arg.kind, self.environment) {
            Ok(converted) => {
                let converted = match (arg.elements, converted) {
                    (Some(kind), Value::List(items)) => self.convert_elements(arg, kind, &items, within),
                    (_, other) => other,
                };
                values.insert(arg.name, converted);
            }
            Err(reason) => {
                let inside = if within.is_empty() {
                    String::new()
                } else {
                    format!(" found in '{}'.", within.join(" -> "))
                };
                let (type_of, wanted) = (value.kind().python_name(), arg.kind.name());
                let name = arg.name;
                let message = format!(
                    "argument '{name}' is of type {type_of}{inside} and we were unable to convert to {wanted}: {reason}"
                );
                self.error_at(message, &[], Some(name), value_place(&value));
            }
        }
    }

    fn convert_elements(&mut self, arg: &Arg, kind: ArgType, items: &List, within: &[String]) -> Value {
        let mut converted = Vec::with_capacity(items.len());
        for item in items {
            match coerce(item, kind, self.environment) {
                Ok(value) => converted.push(value),
                Err(reason) => {
                    let inside = if within.is_empty() {
                        String::new()
                    } else {
                        format!(" found in '{}'", within.join(" -> "))
                    };
                    let (type_of, wanted) = (item.kind().python_name(), kind.name());
                    let message = format!(
                        "Elements value for option '{}'{inside} is of type {type_of} and we were unable to convert to {wanted}: {reason}",
                        arg.name
                    );
                    self.error_at(message, &[], Some(arg.name), value_place(item));
                }
            }
        }
        Value::from(converted)
    }

    fn choices(&mut self, arg: &Arg, values: &mut Map, within: &[String]) {
        let Some(value) = values.get(arg.name).filter(|_| !arg.choices.is_empty()).cloned() else { return };
        if let Value::List(items) = &value {
            let strangers: Vec<String> = items
                .iter()
                .filter(|item| !is_unrendered(item) && !arg.choices.contains(&choice_text(item).as_str()))
                .map(choice_text)
                .collect();
            if !strangers.is_empty() {
                let message = format!(
                    "value of {} must be one or more of: {}. Got no match for: {}",
                    arg.name,
                    arg.choices.join(", "),
                    strangers.join(", ")
                );
                self.error_at(message, within, Some(arg.name), None);
            }
            return;
        }
        let text = choice_text(&value);
        if is_unrendered(&value) || arg.choices.contains(&text.as_str()) || value.is_null() {
            return;
        }
        // YAML turns `yes` and `no` into booleans; where exactly one choice means the same, that one was meant.
        if let Some(meant) = boolean_choice(arg.choices, &text) {
            values.insert(arg.name, meant);
            return;
        }
        let message =
            format!("value of {} must be one of: {}, got: {text}", arg.name, arg.choices.join(", "));
        self.error_at(message, within, Some(arg.name), value_place(&value));
        if let Some(near) = nearest(&text, arg.choices.iter().copied())
            && let Some(error) = self.errors.last_mut()
        {
            error.help = Some(format!("did you mean `{near}`?"));
        }
    }

    fn together(&mut self, rules: &Rules, values: &Map, within: &[String]) {
        if let Some(group) = rules
            .required_together
            .iter()
            .find(|group| count(group, values) > 0 && count(group, values) < group.len())
        {
            self.error(format!("parameters are required together: {}", group.join(", ")), within);
        }
        if let Some(group) = rules.required_one_of.iter().find(|group| count(group, values) == 0) {
            self.error(format!("one of the following is required: {}", group.join(", ")), within);
        }
        if let Some((rule, missing)) =
            rules.required_if.iter().find_map(|rule| broken_condition(rule, values))
        {
            let how_many = if rule.any { "any" } else { "all" };
            let value = choice_text(&rule.value.to_value());
            self.error(
                format!(
                    "{} is {value} but {how_many} of the following are missing: {}",
                    rule.argument,
                    missing.join(", ")
                ),
                within,
            );
        }
        let given = |name: &str| values.get(name).is_some_and(|value| !value.is_null());
        for (argument, needs) in rules.required_by.iter().filter(|(argument, _)| given(argument)) {
            let missing: Vec<&str> = needs.iter().copied().filter(|name| !given(name)).collect();
            if !missing.is_empty() {
                self.error(
                    format!("missing parameter(s) required by '{argument}': {}", missing.join(", ")),
                    within,
                );
                break;
            }
        }
    }

    /// The dictionary or dictionaries inside an argument.
    fn options(&mut self, arg: &'static Arg, values: &mut Map, within: &mut Vec<String>) {
        let Some(value) = values.get(arg.name).filter(|value| !value.is_null()).cloned() else { return };
        let table: Vec<&'static Arg> = arg.options.iter().collect();
        within.push(arg.name.to_string());
        let checked = match &value {
            Value::List(items) => items.iter().map(|item| self.option(arg, &table, item, within)).collect(),
            other => self.option(arg, &table, other, within),
        };
        within.pop();
        values.insert(arg.name, checked);
    }

    fn option(
        &mut self,
        arg: &Arg,
        table: &[&'static Arg],
        value: &Value,
        within: &mut Vec<String>,
    ) -> Value {
        match value {
            Value::Map(map) => Value::Map(self.check(table, &arg.option_rules, map, within)),
            other if is_unrendered(other) => other.clone(),
            other => {
                let message = format!("value of '{}' must be of type dict or list of dicts", arg.name);
                self.error_at(message, &[], Some(arg.name), value_place(other));
                other.clone()
            }
        }
    }

    fn report_unsupported(&mut self, module: &str) {
        let Some(last) = self.unsupported.last() else { return };
        let sorted = |names: &[&'static str]| {
            let mut names = names.to_vec();
            names.sort_unstable();
            names.join(", ")
        };
        let aliases =
            if last.aliases.is_empty() { String::new() } else { format!(" ({})", sorted(&last.aliases)) };
        let supported = format!("{}{aliases}", sorted(&last.known));
        let mut names: Vec<&str> = self.unsupported.iter().map(|one| one.path.as_str()).collect();
        names.sort_unstable();
        let message = format!(
            "Unsupported parameters for ({module}) module: {}. Supported parameters include: {supported}.",
            names.join(", ")
        );
        let first = &self.unsupported[0];
        let meant = self.unsupported.iter().filter_map(|one| {
            let name = one.path.rsplit('.').next().unwrap_or(&one.path);
            let near = nearest(name, one.known.iter().chain(&one.aliases).copied())?;
            Some(format!("`{near}` instead of `{name}`"))
        });
        let meant: Vec<String> = meant.collect();
        self.errors.push(ArgError {
            message,
            argument: Some(first.path.clone()),
            place: first.place.clone(),
            help: (!meant.is_empty()).then(|| format!("did you mean {}?", meant.join(", "))),
        });
    }
}

impl Default {
    /// The default as a value.
    pub fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(flag),
            Self::Int(number) => Value::from(number),
            Self::Float(number) => Value::Float(number),
            Self::Str(text) => Value::from(text),
            Self::List(items) => items.iter().map(|item| Value::from(*item)).collect(),
            Self::Dict => Value::Map(Map::new()),
        }
    }
}

/// How many of these names were given; as in Ansible, a given `null` counts.
fn count(names: &[&str], values: &Map) -> usize {
    names.iter().filter(|name| values.contains_key(**name)).count()
}

fn broken_condition(
    rule: &'static RequiredIf,
    values: &Map,
) -> Option<(&'static RequiredIf, Vec<&'static str>)> {
    if values.get(rule.argument) != Some(&rule.value.to_value()) {
        return None;
    }
    let missing: Vec<&'static str> =
        rule.needs.iter().copied().filter(|name| !values.contains_key(*name)).collect();
    let enough = if rule.any { missing.len() < rule.needs.len() } else { missing.is_empty() };
    (!enough).then_some((rule, missing))
}

fn is_unrendered(value: &Value) -> bool {
    value.as_text().is_some_and(|text| text.is_template() && (text.contains("{{") || text.contains("{%")))
}

fn choice_text(value: &Value) -> String {
    data::python::str(value)
}

fn boolean_choice(choices: &[&'static str], text: &str) -> Option<&'static str> {
    let wanted = match text {
        "True" => true,
        "False" => false,
        _ => return None,
    };
    let mut same = choices.iter().copied().filter(|choice| crate::boolean_word(choice) == Some(wanted));
    let first = same.next()?;
    same.next().is_none().then_some(first)
}

fn key_place(key: &Key, value: &Value) -> Option<Place> {
    match key {
        Key::Str(text) => text.place().cloned(),
        _ => None,
    }
    .or_else(|| value_place(value))
}

fn value_place(value: &Value) -> Option<Place> {
    value.as_text().and_then(|text| text.place().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    static SPEC: ModuleSpec = ModuleSpec {
        name: "demo",
        args: &[
            Arg::path("dest").required().aliases(&["path"]),
            Arg::str("src"),
            Arg::str("content"),
            Arg::str("state").choices(&["yes", "no", "soft"]).default_str("soft"),
            Arg::int("port"),
            Arg::list("names", ArgType::Str),
            Arg::dict("inner").options(&[Arg::bool("deep").required()], Rules::NONE),
        ],
        rules: Rules {
            mutually_exclusive: &[&["src", "content"]],
            required_if: &[RequiredIf::all("state", "yes", &["port"])],
            ..Rules::NONE
        },
        ..ModuleSpec::DEFAULTS
    };

    fn messages(given: Map) -> Vec<String> {
        SPEC.check(&given).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_mistakes_come_at_once_in_ansibles_words() {
        let given = Map::from([
            ("src", Value::from("a")),
            ("content", Value::from("b")),
            ("port", Value::from("http")),
            ("state", Value::from("sotf")),
            ("ownr", Value::from("x")),
        ]);
        assert_eq!(
            messages(given),
            [
                "parameters are mutually exclusive: src|content",
                "missing required arguments: dest",
                "argument 'port' is of type str and we were unable to convert to int: \"'http'\" cannot be converted to an int",
                "value of state must be one of: yes, no, soft, got: sotf",
                "Unsupported parameters for (demo) module: ownr. Supported parameters include: content, dest, inner, names, port, src, state (path).",
            ]
        );
    }

    #[test]
    fn the_help_names_the_nearest_right_word() {
        let errors = SPEC.check(&Map::from([("destt", "/x"), ("path", "/y")])).unwrap_err();
        assert_eq!(errors[0].help.as_deref(), Some("did you mean `dest` instead of `destt`?"));
    }

    #[test]
    fn aliases_defaults_and_elements_are_filled_in() {
        let args = SPEC.parse(&Map::from([("path", "/x"), ("names", "a,b")]), &|_| None).unwrap();
        assert_eq!(args.str("dest").unwrap(), "/x");
        assert_eq!(args.str("state").unwrap(), "soft");
        assert_eq!(args.strings("names"), ["a", "b"]);
        assert_eq!(args.opt_str("src"), None);
    }

    #[test]
    fn a_yaml_boolean_finds_the_choice_it_was_written_as() {
        let given = Map::from([("path", Value::from("/x")), ("state", Value::from(false))]);
        assert_eq!(SPEC.parse(&given, &|_| None).unwrap().str("state").unwrap(), "no");
    }

    #[test]
    fn conditions_and_inner_arguments_are_checked() {
        assert_eq!(
            messages(Map::from([("path", "/x"), ("state", "yes")])),
            ["state is yes but all of the following are missing: port"]
        );
        let inner = Map::from([("shallow", true)]);
        let given = Map::from([("path", Value::from("/x")), ("inner", Value::from(inner))]);
        assert_eq!(
            messages(given),
            [
                "missing required arguments: deep found in inner",
                "Unsupported parameters for (demo) module: inner.shallow. Supported parameters include: deep."
            ]
        );
    }
}
