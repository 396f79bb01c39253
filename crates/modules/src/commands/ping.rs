//! `ping`: shows that modules run on the host.

use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "ping",
    summary: "Try to reach a host, and return `pong` on success",
    args: &[Arg::str("data")
        .default_str("pong")
        .help("Text to return as `ping`. The text `crash` makes the module fail, for tests.")],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, _: &mut Context) -> Result<Outcome, Failure> {
    match args.str("data")? {
        // Ansible's module raises an exception here, which the controller reports in these words.
        "crash" => Err(Failure::new("Task failed: Module failed: boom")),
        data => Ok(Outcome::unchanged().with("ping", data)),
    }
}
