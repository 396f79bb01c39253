//! From a request to a result: finds the module, checks the arguments, runs it, and adds what every result has.

use std::sync::Arc;

use data::{Map, Value};
use serde::{Deserialize, Serialize};

use crate::file_attributes::add_path_info;
use crate::job::{self, Job};
use crate::{ArgError, Args, BlobStore, Cancel, Context, Failure, ModuleSpec, Progress};

/// One call of one module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRequest {
    /// Its name, short or full.
    pub module: String,
    /// Its arguments as the user gave them, rendered.
    pub args: Map,
    /// Say what would change and change nothing.
    pub check: bool,
    /// The user wants to see diffs.
    pub diff: bool,
    /// How many `-v`.
    pub verbosity: u8,
    /// The task's `environment`.
    pub environment: Vec<(String, String)>,
    /// `ansible_shell_executable`; empty means `/bin/sh`.
    pub shell: String,
    /// Facts already known of the host, for modules that choose by them; may be empty.
    pub facts: Map,
    /// Small content that the arguments name by its SHA-256, sent along to save a round trip.
    pub blobs: Vec<Vec<u8>>,
    /// Go on without the connection; the result is asked for by `async_status`.
    pub job: Option<Job>,
}

impl RunRequest {
    /// A plain call.
    pub fn new(module: impl Into<String>, args: Map) -> Self {
        Self {
            module: module.into(),
            args,
            check: false,
            diff: false,
            verbosity: 0,
            environment: Vec::new(),
            shell: String::new(),
            facts: Map::new(),
            blobs: Vec::new(),
            job: None,
        }
    }
}

/// Runs a request in this process, for `connection: local`.
pub fn run_local(request: &RunRequest) -> Map {
    run_in(request, &mut Context::local()).into_result()
}

/// As [`run_local`], with content already received, a way to stop it, and an ear for live output.
pub fn run_local_with(
    request: &RunRequest,
    blobs: Arc<BlobStore>,
    cancel: Cancel,
    progress: Box<dyn FnMut(Progress) + Send>,
) -> Map {
    run_in(request, &mut Context { blobs, cancel, progress, ..Context::local() }).into_result()
}

/// How a run ended.
pub(crate) enum Ran {
    /// With a result.
    Result(Map),
    /// It did nothing: content of this SHA-256 must be sent first.
    Need(String),
}

impl Ran {
    /// The result; content that is missing is a failure to who cannot send it.
    pub(crate) fn into_result(self) -> Map {
        match self {
            Self::Result(result) => result,
            Self::Need(sha256) => Failure::need(&sha256).to_result(),
        }
    }
}

/// Runs a request in prepared surroundings. Never fails: a failure is a result with `failed`.
pub(crate) fn run_in(request: &RunRequest, context: &mut Context) -> Ran {
    context.check = request.check;
    context.diff = request.diff;
    context.verbosity = request.verbosity;
    context.environment.clone_from(&request.environment);
    context.facts = request.facts.clone();
    context.warnings = Vec::new();
    if !request.shell.is_empty() {
        context.shell.clone_from(&request.shell);
    }
    for bytes in &request.blobs {
        context.blobs.put(bytes);
    }
    if let Some(job) = &request.job {
        return Ran::Result(job::start(request, job, context).unwrap_or_else(|failure| failure.to_result()));
    }
    let Some(spec) = crate::find(&request.module) else {
        return Ran::Result(unknown_module(&request.module).to_result());
    };
    match spec.parse(&request.args, &|name| context.variable(name)) {
        Ok(args) => run_checked(spec, &args, context),
        Err(errors) => Ran::Result(wrong_arguments(&errors).to_result()),
    }
}

fn run_checked(spec: &ModuleSpec, args: &Args, context: &mut Context) -> Ran {
    if context.check && !spec.check_mode {
        let words = format!("remote module ({}) does not support check mode", spec.name);
        let skipped = [("skipped", Value::from(true)), ("changed", false.into()), ("msg", words.into())];
        return Ran::Result(Map::from(skipped));
    }
    for warning in args.warnings() {
        context.warn(warning.as_str());
    }
    let mut result = match (spec.run)(args, context) {
        Ok(mut outcome) => {
            context.warnings.append(&mut outcome.warnings);
            outcome.warnings = std::mem::take(&mut context.warnings);
            if !context.diff {
                outcome.diff.clear();
            }
            outcome.to_result()
        }
        Err(Failure { need: Some(sha256), .. }) => return Ran::Need(sha256),
        Err(failure) => {
            let mut result = failure.to_result();
            if !context.warnings.is_empty() {
                let warnings: Vec<Value> = context.warnings.drain(..).map(Value::from).collect();
                result.insert("warnings", warnings);
            }
            result
        }
    };
    add_path_info(&mut result);
    if !result.contains_key("invocation") {
        result.insert("invocation", Map::from([("module_args", visible_args(spec, args))]));
    }
    Ran::Result(result)
}

/// The arguments with secret ones masked, as `invocation` shows them.
fn visible_args(spec: &ModuleSpec, args: &Args) -> Map {
    let mut visible = args.values().clone();
    for arg in spec.all_args().filter(|arg| arg.no_log && args.has(arg.name)) {
        visible.insert(arg.name, "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER");
    }
    visible
}

fn unknown_module(name: &str) -> Failure {
    let hint = crate::nearest(name).map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default();
    Failure::new(format!("The module {name} was not found in configured module paths.{hint}"))
}

/// Ansible tells only the first mistake; all are kept for who wants them.
fn wrong_arguments(errors: &[ArgError]) -> Failure {
    let first = errors.first().map_or_else(String::new, ToString::to_string);
    let failure = Failure::new(first);
    if errors.len() < 2 {
        return failure;
    }
    failure
        .with("argument_errors", errors.iter().map(|error| Value::from(error.to_string())).collect::<Value>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_has_changed_and_invocation() {
        let result = run_local(&RunRequest::new("ping", Map::new()));
        assert_eq!(result.get_str("ping"), Some("pong"));
        assert_eq!(result.get("changed"), Some(&Value::from(false)));
        assert_eq!(
            result
                .get("invocation")
                .and_then(|shown| shown.get("module_args"))
                .and_then(|args| args.get("data")),
            Some(&Value::from("pong"))
        );
    }

    #[test]
    fn wrong_arguments_and_unknown_modules_fail_with_a_hint() {
        let wrong = run_local(&RunRequest::new("ping", Map::from([("dta", "x")])));
        assert_eq!(wrong.get("failed"), Some(&Value::from(true)));
        assert!(wrong.get_str("msg").unwrap().starts_with("Unsupported parameters for (ping) module: dta."));
        let unknown = run_local(&RunRequest::new("pimg", Map::new()));
        assert!(unknown.get_str("msg").unwrap().ends_with("Did you mean `ping`?"));
    }
}
