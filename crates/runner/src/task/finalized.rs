//! A task's keywords for one execution of it: rendered on its host and turned into their types.

use std::sync::Arc;
use std::time::Duration;

use data::{Diagnose, Diagnostic, Map, Place, Text, Value};
use playbook::{Inherited, Task, boolean};
use template::is_omit;

use crate::connection::BecomeKeywords;
use crate::event::HostName;
use crate::trouble::Trouble;
use crate::variables::scope::TaskScope;

/// The keywords of one execution.
#[derive(Clone, Debug, Default)]
pub(crate) struct Finalized {
    pub(crate) ignore_errors: bool,
    pub(crate) ignore_unreachable: bool,
    pub(crate) no_log: bool,
    pub(crate) check: bool,
    pub(crate) diff: bool,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) become_as: BecomeKeywords,
    pub(crate) connection: Option<String>,
    pub(crate) remote_user: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) notify: Vec<String>,
    pub(crate) delegate_to: Option<HostName>,
    pub(crate) delegate_facts: bool,
    pub(crate) async_seconds: u64,
    /// Seconds between looks at a job; 0 leaves it alone.
    pub(crate) poll: u64,
    pub(crate) retries: Option<u64>,
    pub(crate) delay: Duration,
}

impl Finalized {
    /// What must be known even when the task is skipped or cannot be prepared; errors count as "not set".
    pub(crate) fn tolerant(scope: &TaskScope, task: &Task) -> Self {
        let reader = Reader { scope, task };
        let flag = |keyword| reader.flag(keyword).ok().flatten().unwrap_or_default();
        Self {
            ignore_errors: flag(Inherited::IgnoreErrors),
            ignore_unreachable: flag(Inherited::IgnoreUnreachable),
            no_log: reader
                .flag(Inherited::NoLog)
                .unwrap_or(Some(true))
                .unwrap_or(scope.shared.options.no_log),
            diff: reader.flag(Inherited::Diff).ok().flatten().unwrap_or(scope.shared.options.diff),
            ..Self::default()
        }
    }

    /// All keywords.
    ///
    /// # Errors
    /// A template that cannot be rendered, or a value of the wrong type.
    pub(crate) fn new(
        scope: &TaskScope,
        task: &Task,
        delegate_to: Option<HostName>,
    ) -> Result<Self, Trouble> {
        let reader = Reader { scope, task };
        let options = &scope.shared.options;
        let flag = |keyword| reader.flag(keyword).map(Option::unwrap_or_default);
        let defaults = &options.become_as;
        Ok(Self {
            ignore_errors: flag(Inherited::IgnoreErrors)?,
            ignore_unreachable: flag(Inherited::IgnoreUnreachable)?,
            no_log: reader.flag(Inherited::NoLog)?.unwrap_or(options.no_log),
            check: reader.flag(Inherited::CheckMode)?.unwrap_or(options.check),
            diff: reader.flag(Inherited::Diff)?.unwrap_or(options.diff),
            environment: reader.environment()?,
            become_as: BecomeKeywords {
                enabled: reader.flag(Inherited::Become)?.unwrap_or(defaults.enabled),
                method: reader.text(Inherited::BecomeMethod)?.or_else(|| defaults.method.clone()),
                user: reader.text(Inherited::BecomeUser)?.or_else(|| defaults.user.clone()),
                flags: reader.text(Inherited::BecomeFlags)?.or_else(|| defaults.flags.clone()),
                exe: reader.text(Inherited::BecomeExe)?.or_else(|| defaults.exe.clone()),
                prompts: defaults.prompts.clone(),
            },
            connection: reader.text(Inherited::Connection)?,
            remote_user: reader.text(Inherited::RemoteUser)?,
            port: reader.number(Inherited::Port)?.map(|port| port as u16),
            timeout: match reader.number(Inherited::Timeout)?.unwrap_or(options.task_timeout as f64) {
                seconds if !(0.0..=LONGEST_TIMEOUT).contains(&seconds) => {
                    return Err(Trouble::failed(format!(
                        "Task failed: Timeout {seconds} is invalid, it must be between 0 and {LONGEST_TIMEOUT}."
                    )));
                }
                seconds => Some(Duration::from_secs_f64(seconds)).filter(|limit| !limit.is_zero()),
            },
            notify: reader.words(Inherited::Notify)?,
            delegate_facts: flag(Inherited::DelegateFacts)?,
            delegate_to,
            async_seconds: reader.own_number("async", task.async_seconds.as_ref())?.map_or(0, whole),
            poll: reader.own_number("poll", task.poll.as_ref())?.map_or(options.poll_interval, whole),
            retries: reader.own_number("retries", task.retries.as_ref())?.map(whole),
            delay: match reader.own_number("delay", task.delay.as_ref())? {
                None => Duration::from_secs(5),
                Some(seconds) if seconds < 0.0 => Duration::from_secs(1),
                Some(seconds) => Duration::from_secs_f64(seconds.min(1e9)),
            },
        })
    }
}

/// Ansible's limit, in seconds.
const LONGEST_TIMEOUT: f64 = 100_000_000.0;

fn whole(number: f64) -> u64 {
    number.max(0.0) as u64
}

/// The host that `delegate_to` names; `None` when it is not set or omitted.
///
/// # Errors
/// It cannot be rendered, or is empty.
pub(crate) fn delegate(scope: &TaskScope, task: &Task) -> Result<Option<HostName>, Trouble> {
    let reader = Reader { scope, task };
    let written = task.keywords.get(Inherited::DelegateTo);
    if written.and_then(Value::as_str).is_some_and(str::is_empty) {
        return Ok(None);
    }
    let value =
        reader.value(Inherited::DelegateTo).map_err(|trouble| trouble.without_keyword("delegate_to"))?;
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match shown(&value) {
            Some(name) if !name.is_empty() => Ok(Some(Arc::from(name.as_str()))),
            _ => Err(Trouble::failed("Empty hostname produced from delegate_to")),
        },
    }
}

/// Whether the task runs on one host for all.
///
/// # Errors
/// The keyword cannot be rendered.
pub(crate) fn run_once(scope: &TaskScope, task: &Task) -> Result<bool, Trouble> {
    Reader { scope, task }.flag(Inherited::RunOnce).map(Option::unwrap_or_default)
}

/// How many hosts may run the task at a time; `None` without a limit.
///
/// # Errors
/// It cannot be rendered, or is no number: that ends the run.
pub(crate) fn throttle(scope: &TaskScope, task: &Task) -> Result<Option<usize>, Diagnostic> {
    let Some(raw) = task.keywords.get(Inherited::Throttle) else { return Ok(None) };
    let wrong = |why: String| {
        let place = raw.as_text().and_then(Text::place).or(task.place.as_ref());
        Diagnostic::error(format!("Failed to convert the throttle value to an integer: {why}"))
            .at_opt(place, "")
    };
    let value = scope.resolve(raw).map_err(|error| wrong(error.to_string()))?;
    let limit = number(&value).ok_or_else(|| {
        wrong(format!("invalid literal for int() with base 10: {}", data::python::repr(&value)))
    })?;
    Ok((limit >= 1.0).then_some(limit as usize))
}

/// Whether a failure on one host ends the play on all.
pub(crate) fn any_errors_fatal(scope: &TaskScope, task: &Task) -> bool {
    let set = Reader { scope, task }.flag(Inherited::AnyErrorsFatal).ok().flatten();
    set.unwrap_or(scope.shared.options.any_errors_fatal)
}

struct Reader<'a> {
    scope: &'a TaskScope,
    task: &'a Task,
}

impl Reader<'_> {
    /// The rendered value; a keyword that turns out to be `omit` counts as the one around the task.
    fn value(&self, keyword: Inherited) -> Result<Option<Value>, Trouble> {
        let Some(raw) = self.task.keywords.get(keyword) else { return Ok(None) };
        let value = self.scope.resolve(raw).map_err(|error| Trouble::keyword(name(keyword), error))?;
        if !is_omit(&value) {
            return Ok(Some(value));
        }
        let Some(outer) = self.task.enclosing.keywords.get(keyword) else { return Ok(None) };
        let value = self.scope.resolve(outer).map_err(|error| Trouble::keyword(name(keyword), error))?;
        Ok((!is_omit(&value)).then_some(value))
    }

    fn flag(&self, keyword: Inherited) -> Result<Option<bool>, Trouble> {
        match self.value(keyword)? {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                boolean(&value).map(Some).ok_or_else(|| self.wrong(name(keyword), &value, "a boolean"))
            }
        }
    }

    fn text(&self, keyword: Inherited) -> Result<Option<String>, Trouble> {
        Ok(self.value(keyword)?.filter(|value| !value.is_null()).and_then(|value| shown(&value)))
    }

    fn number(&self, keyword: Inherited) -> Result<Option<f64>, Trouble> {
        match self.value(keyword)? {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                number(&value).map(Some).ok_or_else(|| self.wrong(name(keyword), &value, "a number"))
            }
        }
    }

    fn own_number(&self, keyword: &'static str, raw: Option<&Value>) -> Result<Option<f64>, Trouble> {
        let Some(raw) = raw else { return Ok(None) };
        let value = self.scope.resolve(raw).map_err(|error| Trouble::keyword(keyword, error))?;
        if is_omit(&value) || value.is_null() {
            return Ok(None);
        }
        number(&value).map(Some).ok_or_else(|| self.wrong(keyword, &value, "a number"))
    }

    fn words(&self, keyword: Inherited) -> Result<Vec<String>, Trouble> {
        Ok(match self.value(keyword)? {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::List(list)) => list.iter().filter_map(shown).collect(),
            Some(other) => shown(&other).into_iter().collect(),
        })
    }

    /// `environment:`, outer mappings first; a variable that cannot be rendered fails the task, except that facts may not be there yet.
    fn environment(&self) -> Result<Vec<(String, String)>, Trouble> {
        let mut variables = indexmap::IndexMap::new();
        let gathering = matches!(self.task.action.short_name(), "setup" | "gather_facts");
        for entry in self.task.keywords.list(Inherited::Environment) {
            let Value::Map(map) = entry else {
                self.environment_of(entry, &mut variables)?;
                continue;
            };
            for (key, value) in map {
                let one = Value::Map(Map::from(indexmap::IndexMap::from([(key.clone(), value.clone())])));
                match self.environment_of(&one, &mut variables) {
                    Err(error) if gathering && error.result.get_str("msg").is_some_and(is_about_facts) => {}
                    other => other?,
                }
            }
        }
        Ok(variables.into_iter().collect())
    }

    fn environment_of(
        &self,
        entry: &Value,
        variables: &mut indexmap::IndexMap<String, String>,
    ) -> Result<(), Trouble> {
        let rendered = self.scope.resolve(entry).map_err(|error| Trouble::keyword("environment", error))?;
        match rendered {
            Value::Map(map) => {
                for (key, value) in map.iter().filter(|(_, value)| !is_omit(value)) {
                    variables.insert(key.to_string(), shown(value).unwrap_or_default());
                }
            }
            omitted if is_omit(&omitted) => {}
            other => {
                let title =
                    format!("could not parse environment value, skipping: {}", data::python::str(&other));
                self.scope.shared.warn(Diagnostic::warning(title).at_opt(self.task.place.as_ref(), ""));
            }
        }
        Ok(())
    }

    fn wrong(&self, keyword: &str, value: &Value, expected: &str) -> Trouble {
        unconvertible(keyword, value, expected, self.task.place.as_ref())
    }
}

/// A keyword's value that is of another kind than `expected`: `a boolean`, `a number`.
pub(crate) fn unconvertible(keyword: &str, value: &Value, expected: &str, place: Option<&Place>) -> Trouble {
    let shown = shown(value).unwrap_or_else(|| value.kind().python_name().to_owned());
    let finding = Diagnostic::error(format!("`{keyword}` takes {expected}, not `{shown}`"));
    let kind = match expected {
        "a boolean" => "bool",
        _ if keyword == "pause" => "float",
        _ => "int",
    };
    Trouble::from_finding(
        format!(
            "Error processing keyword '{keyword}': The value {} could not be converted to '{kind}'.",
            data::python::repr(value)
        ),
        finding.at_opt(place, "").diagnostics(),
    )
}

/// Whether an error is about the environment of the host, which is a fact that is not there before facts are gathered.
fn is_about_facts(error: &str) -> bool {
    error.contains("ansible_env") || error.contains("'ansible_facts'") || error.contains("no attribute 'env'")
}

fn name(keyword: Inherited) -> &'static str {
    let row = playbook::KEYWORDS.iter().find(|row| row.inherited == Some(keyword));
    row.map_or("", |row| row.name)
}

/// A number as Python's `float()` takes it.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Str(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Text of a scalar as Python's `str()` gives it; `None` for lists and mappings.
pub(crate) fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Str(text) => Some(Text::as_str(text).to_owned()),
        Value::List(_) | Value::Map(_) | Value::Undefined(_) => None,
        scalar => Some(data::python::str(scalar)),
    }
}
