//! `dpkg_selections`: what dpkg shall do with a package (`hold` keeps it at its version).

use super::dpkg::Database;
use crate::process::{self, Command};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "dpkg_selections",
    summary: "Dpkg package selection selections",
    args: &[
        Arg::str("name").required().help("The package."),
        Arg::str("selection")
            .required()
            .choices(&["install", "hold", "deinstall", "purge"])
            .help("What to do with it."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let (name, wanted) = (args.str("name")?, args.str("selection")?);
    let database = Database::read()?;
    let current = database
        .get(name)
        .and_then(|package| package.status.split(' ').next())
        .unwrap_or("not present")
        .to_owned();
    let changed = current != wanted;
    if changed && current == "not present" {
        return Err(Failure::new(format!("dpkg knows no package `{name}`; install it first")));
    }
    if changed && !context.check {
        let program = process::require_program("dpkg", context)?;
        let line = format!("{name} {wanted}\n");
        Command::new(program)
            .arg("--set-selections")
            .input(line.into_bytes())
            .plain_language()
            .run_ok(context)?;
    }
    Ok(Outcome::new(changed).with("before", current).with("after", wanted))
}

#[cfg(test)]
mod tests {
    use data::{Map, Value};

    use crate::{RunRequest, run_local};

    #[test]
    fn check_mode_compares_only() {
        if std::path::Path::new("/var/lib/dpkg/status").exists() {
            for (selection, changed) in [("install", false), ("hold", true)] {
                let args = Map::from([("name", "dpkg"), ("selection", selection)]);
                let result =
                    run_local(&RunRequest { check: true, ..RunRequest::new("dpkg_selections", args) });
                assert_eq!(result.get("changed"), Some(&Value::from(changed)));
                assert_eq!(result.get_str("before"), Some("install"));
            }
        }
    }
}
