//! `raw`: a line for the login shell, with nothing around it. Over SSH the runner needs no agent for it; here it serves local hosts and
//! users become.

use crate::process::Command;
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome, Rules};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "raw",
    summary: "Execute a low-down and dirty command",
    args: &[
        Arg::str("_raw_params").help("The line as free text."),
        Arg::str("cmd").help("The line."),
        Arg::path("executable").help("The shell to run it with."),
    ],
    rules: Rules { required_one_of: &[&["_raw_params", "cmd"]], ..Rules::NONE },
    free_form: Some("_raw_params"),
    // Ansible's is skipped in check mode without a word about support.
    check_mode: true,
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    if context.check {
        return Ok(Outcome { skipped: true, ..Outcome::unchanged() });
    }
    let line = args.opt_str("_raw_params").or_else(|| args.opt_str("cmd")).unwrap_or_default();
    let shell = args.opt_str("executable").unwrap_or(&context.shell).to_string();
    let output = Command::shell(shell, line).live().run(context)?;
    let outcome = Outcome::changed()
        .with("rc", output.code)
        .with("stdout", output.stdout_text())
        .with("stderr", output.stderr_text());
    if output.ok() {
        return Ok(outcome);
    }
    Err(Failure { fields: outcome.fields, ..Failure::new("non-zero return code") }.with("changed", true))
}
