//! `shell`: runs a line through a shell.

use super::command::{CHDIR, CREATES, Call, REMOVES, STDIN, STDIN_NEWLINE, STRIP};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome, Rules};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "shell",
    summary: "Execute shell commands on targets",
    args: &[
        Arg::str("_raw_params").help("The line as free text."),
        Arg::bool("_uses_shell").default_bool(true).help("Always so."),
        Arg::str("cmd").help("The line."),
        CHDIR,
        Arg::path("executable").help("The shell; `/bin/sh` if not given."),
        CREATES,
        REMOVES,
        STDIN,
        STDIN_NEWLINE,
        STRIP,
    ],
    rules: Rules {
        required_one_of: &[&["_raw_params", "cmd"]],
        mutually_exclusive: &[&["_raw_params", "cmd"]],
        ..Rules::NONE
    },
    free_form: Some("_raw_params"),
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let text = args.opt_str("_raw_params").filter(|text| !text.is_empty());
    let line = text.or_else(|| args.opt_str("cmd")).unwrap_or_default();
    Call::shell(line, args, context).carry_out(args, context)
}
