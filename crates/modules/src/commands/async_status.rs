//! `async_status`: how far a job is, and its result.

use std::fs;
use std::io::ErrorKind;

use data::{Value, json};

use crate::job::job_file;
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "async_status",
    summary: "Obtain status of asynchronous task",
    args: &[
        Arg::str("jid").required().help("The job's id, `ansible_job_id` of the task that began it."),
        Arg::str("mode")
            .choices(&["cleanup", "status"])
            .default_str("status")
            .help("Ask, or remove the job's file."),
        Arg::path("_async_dir").help("Where job files are; set by the controller."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let id = args.str("jid")?;
    let file = job_file(id, args.opt_str("_async_dir").unwrap_or_default(), context)?;
    let shown = file.display().to_string();
    if args.str("mode")? == "cleanup" {
        return match fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Failure::io("could not remove", &file, &error))
            }
            _ => Ok(Outcome::unchanged().with("ansible_job_id", id).with("erased", shown)),
        };
    }
    let lost = |failure: Failure| {
        failure
            .with("ansible_job_id", id)
            .with("started", true)
            .with("finished", true)
            .with("results_file", shown.as_str())
    };
    let text = fs::read_to_string(&file).map_err(|error| match error.kind() {
        ErrorKind::NotFound => lost(Failure::new("could not find job")),
        _ => lost(Failure::io("could not read", &file, &error)),
    })?;
    let result = json::parse(&text).ok().and_then(|value| value.as_map().cloned());
    let mut fields =
        result.ok_or_else(|| lost(Failure::new(format!("Could not parse job output: {text}"))))?;
    fields.insert("results_file", shown.as_str());
    let changed = fields.remove("changed").is_some_and(|changed| changed.is_truthy());
    if fields.remove("failed").is_some_and(|failed| failed.is_truthy()) {
        let msg = fields.remove("msg").map(|msg| data::python::str(&msg)).unwrap_or_default();
        let failure = Failure { fields, ..Failure::new(msg) };
        return Err(failure.with("changed", changed));
    }
    fields.insert("changed", Value::from(changed));
    Ok(Outcome { fields, ..Outcome::new(changed) })
}
