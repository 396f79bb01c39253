//! `group`: groups of the host, by `groupadd`, `groupmod` and `groupdel`.

use crate::process::{self, Command};
use crate::{Arg, Args, Context, Default, Failure, ModuleSpec, Outcome, RequiredIf, Rules, accounts};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "group",
    summary: "Add or remove groups",
    args: &[
        Arg::str("name").required().help("The group's name."),
        Arg::str("state")
            .default_str("present")
            .choices(&["absent", "present"])
            .help("Whether the group is to be there."),
        Arg::int("gid").help("Its number."),
        Arg::bool("system")
            .default_bool(false)
            .help("Whether a new group gets a number of the system's range."),
        Arg::bool("force").default_bool(false).help("Remove it even if it is the primary group of a user."),
        Arg::bool("local")
            .default_bool(false)
            .help("Look only into the host's own files, not into directories."),
        Arg::bool("non_unique").default_bool(false).help("Allow a number that another group has."),
        Arg::int("gid_min").help("Smallest number for a new group."),
        Arg::int("gid_max").help("Largest number for a new group."),
    ],
    rules: Rules {
        required_if: &[RequiredIf {
            argument: "non_unique",
            value: Default::Bool(true),
            needs: &["gid"],
            any: false,
        }],
        ..Rules::NONE
    },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let name = args.str("name")?;
    let state = args.str("state")?;
    if args.bool("local") {
        check_local(args)?;
    }
    let found = find(name, args.bool("local"));
    let command = match (state, &found) {
        ("absent", None) => None,
        ("absent", Some(_)) => Some(removal(name, args, context)?),
        (_, None) => Some(creation(name, args, context)?),
        (_, Some(group)) => change(name, group.gid, args, context)?,
    };
    let mut outcome = Outcome::new(command.is_some()).with("name", name).with("state", state);
    if let Some(command) = command {
        if context.check {
            return Ok(Outcome::changed());
        }
        let output = command.plain_language().run(context)?;
        if !output.ok() {
            return Err(Failure::new(output.stderr_text()).with("name", name));
        }
        for (key, text) in [("stdout", output.stdout_text()), ("stderr", output.stderr_text())] {
            if !text.is_empty() {
                outcome.fields.insert(key, text);
            }
        }
    }
    if let Some(group) = find(name, args.bool("local")) {
        outcome = outcome.with("system", args.bool("system")).with("gid", group.gid);
    }
    Ok(outcome)
}

fn check_local(args: &Args) -> Result<(), Failure> {
    if args.bool("force") {
        let words = "force is not a valid option for local, force=True and local=True are mutually exclusive";
        return Err(Failure::new(words));
    }
    match ["gid_min", "gid_max"].into_iter().find(|name| args.has(name)) {
        Some(name) => Err(Failure::new(format!("'{name}' can not be used with 'local'"))),
        None => Ok(()),
    }
}

fn find(name: &str, local: bool) -> Option<accounts::Group> {
    if local {
        accounts::groups().into_iter().find(|group| group.name == name)
    } else {
        accounts::group(name)
    }
}

fn removal(name: &str, args: &Args, context: &Context) -> Result<Command, Failure> {
    let command = Command::new(process::require_program("groupdel", context)?);
    Ok(if args.bool("force") { command.arg("-f") } else { command }.arg(name))
}

fn creation(name: &str, args: &Args, context: &Context) -> Result<Command, Failure> {
    let mut command = Command::new(process::require_program("groupadd", context)?);
    if let Some(gid) = args.int("gid") {
        command = command.arg("-g").arg(gid.to_string());
        if args.bool("non_unique") {
            command = command.arg("-o");
        }
    }
    if args.bool("system") {
        command = command.arg("-r");
    }
    for (argument, setting) in [("gid_min", "GID_MIN"), ("gid_max", "GID_MAX")] {
        if let Some(number) = args.int(argument) {
            command = command.arg("-K").arg(format!("{setting}={number}"));
        }
    }
    Ok(command.arg(name))
}

/// Only the number can change.
fn change(name: &str, gid: u32, args: &Args, context: &Context) -> Result<Option<Command>, Failure> {
    let Some(wanted) = args.int("gid").filter(|wanted| *wanted != i64::from(gid)) else { return Ok(None) };
    let mut command =
        Command::new(process::require_program("groupmod", context)?).arg("-g").arg(wanted.to_string());
    if args.bool("non_unique") {
        command = command.arg("-o");
    }
    Ok(Some(command.arg(name)))
}

#[cfg(test)]
mod tests {
    use data::{Map, Value};

    use crate::{RunRequest, run_local};

    fn check(args: &[(&'static str, Value)]) -> Map {
        let args: Map = args.iter().cloned().collect();
        run_local(&RunRequest { check: true, ..RunRequest::new("group", args) })
    }

    #[test]
    fn a_group_that_is_there_is_left_alone() {
        let result = check(&[("name", "root".into())]);
        assert_eq!(result.get("changed"), Some(&Value::from(false)));
        assert_eq!(result.get("gid"), Some(&Value::from(0)));
    }

    #[test]
    fn check_mode_tells_what_would_change() {
        for (args, changed) in [
            (vec![("name", Value::from("no-such-group"))], true),
            (vec![("name", "no-such-group".into()), ("state", "absent".into())], false),
            (vec![("name", "daemon".into()), ("state", "absent".into())], true),
        ] {
            assert_eq!(check(&args).get("changed"), Some(&Value::from(changed)), "{args:?}");
        }
    }

    #[test]
    fn arguments_that_contradict_are_refused() {
        let result = check(&[("name", "x".into()), ("local", true.into()), ("force", true.into())]);
        assert!(result.get_str("msg").unwrap().starts_with("force is not a valid option for local"));
        let result = check(&[("name", "x".into()), ("non_unique", true.into())]);
        assert_eq!(
            result.get_str("msg"),
            Some("non_unique is True but all of the following are missing: gid")
        );
    }
}
