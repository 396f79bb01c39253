//! `tempfile`: makes a file or folder under a name nobody else has.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "tempfile",
    summary: "Creates temporary files and directories",
    args: &[
        Arg::str("state").choices(&["file", "directory"]).default_str("file").help("What to make."),
        Arg::path("path").help("Where; the system's place for temporary files, if not given."),
        Arg::str("prefix").default_str("ansible.").help("How the name begins."),
        Arg::str("suffix").default_str("").help("How the name ends."),
    ],
    check_mode: false,
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let (prefix, suffix) = (args.str("prefix")?, args.str("suffix")?);
    for (name, part) in [("prefix", prefix), ("suffix", suffix)] {
        if part.contains('/') {
            return Err(Failure::new(format!("{name} must be a valid file name component, got '{part}'")));
        }
    }
    let folder = args.opt_path("path").or_else(|| context.variable("TMPDIR").map(Into::into));
    let folder = folder.unwrap_or_else(|| "/tmp".into());
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).suffix(suffix).rand_bytes(8);
    let made = if args.str("state")? == "directory" {
        builder.permissions(Permissions::from_mode(0o700)).tempdir_in(&folder).map(tempfile::TempDir::keep)
    } else {
        builder.tempfile_in(&folder).and_then(|file| Ok(file.keep().map_err(|error| error.error)?.1))
    };
    let path = made.map_err(|error| Failure::io("could not make a temporary file in", &folder, &error))?;
    Ok(Outcome::changed().with("path", path.display().to_string()))
}
