//! `slurp`: a file's content, base64.

use std::fs;
use std::io::ErrorKind;

use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome, base64};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "slurp",
    summary: "Slurps a file from remote nodes",
    args: &[Arg::path("src").required().aliases(&["path"]).help("The file.")],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, _: &mut Context) -> Result<Outcome, Failure> {
    let source = args.str("src")?;
    let bytes = fs::read(source).map_err(|error| {
        Failure::new(match error.kind() {
            ErrorKind::NotFound => format!("File not found: {source}"),
            ErrorKind::PermissionDenied => format!("File is not readable: {source}"),
            ErrorKind::IsADirectory => format!("Source is a directory and must be a file: {source}"),
            _ => format!("Unable to slurp file: {source}: {error}"),
        })
    })?;
    Ok(Outcome::unchanged()
        .with("content", base64::encode(&bytes))
        .with("source", source)
        .with("encoding", "base64"))
}
