//! `getent`: entries of the host's databases as facts, by the program of that name.

use data::{Map, Value};

use crate::process::{self, Command};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "getent",
    summary: "A wrapper to the unix getent utility",
    args: &[
        Arg::str("database").required().help("The database, such as `passwd`, `group` or `hosts`."),
        Arg::str("key").help("The entry; not given: all, if the database can list them."),
        Arg::str("service").help("The one source to ask, as in nsswitch.conf."),
        Arg::str("split")
            .help("What stands between fields; not given: a colon for files that have it, else white space."),
        Arg::bool("fail_key")
            .default_bool(true)
            .help("Fail if the entry is not there; else its value is null."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let database = args.str("database")?;
    let program = process::require_program("getent", context)?;
    let mut command = Command::new(program).arg(database).args(args.opt_str("key"));
    if let Some(service) = args.opt_str("service") {
        command = command.arg("-s").arg(service);
    }
    let output = command.plain_language().run(context)?;
    let colons = ["passwd", "shadow", "group", "gshadow"].contains(&database);
    let split = args.opt_str("split").or(colons.then_some(":"));
    let name = format!("getent_{database}");
    let facts = |entries: Map| Outcome::unchanged().with_facts(Map::from([(name.as_str(), entries)]));
    let failed = |words: &str| Err(Failure::new(words));
    match (output.code, args.opt_str("key")) {
        (0, _) => Ok(facts(entries(&output.stdout_text(), split))),
        (1, _) => failed("Missing arguments, or database unknown."),
        (2, Some(key)) if !args.bool("fail_key") => {
            let words = "One or more supplied key could not be found in the database.";
            Ok(facts(Map::from([(key, Value::Null)])).msg(words))
        }
        (2, _) => failed("One or more supplied key could not be found in the database."),
        (3, _) => failed("Enumeration not supported on this database."),
        _ => failed("Unexpected failure!"),
    }
}

/// Lines by their first field; a key that comes more than once has a list of all.
fn entries(text: &str, split: Option<&str>) -> Map {
    let mut found = Map::new();
    let mut count = std::collections::HashMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = match split {
            Some(split) => line.split(split).collect(),
            None => line.split_whitespace().collect(),
        };
        let Some((key, rest)) = fields.split_first() else { continue };
        let value: Value = rest.iter().map(|field| Value::from(*field)).collect();
        let times = count.entry((*key).to_owned()).and_modify(|times| *times += 1).or_insert(1);
        let joined = match (found.get(*key).cloned(), *times) {
            (None, _) => value,
            (Some(first), 2) => vec![first, value].into(),
            (Some(all), _) => all.as_list().cloned().unwrap_or_default().into_iter().chain([value]).collect(),
        };
        found.insert(*key, joined);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RunRequest, run_local};

    #[test]
    fn entries_are_lists_of_their_fields() {
        let found = entries("root:x:0:0:root:/root:/bin/bash\n", Some(":"));
        assert_eq!(found.get("root").unwrap().as_list().unwrap().len(), 6);
        let found = entries("10.0.0.1 a b\n10.0.0.1 c\n10.0.0.1 d\n", None);
        assert_eq!(found.get("10.0.0.1").unwrap().as_list().unwrap().len(), 3);
    }

    #[test]
    fn a_missing_key_fails_or_is_null() {
        let call = |fail: bool| {
            let args = Map::from([
                ("database", Value::from("passwd")),
                ("key", "no-such".into()),
                ("fail_key", fail.into()),
            ]);
            run_local(&RunRequest::new("getent", args))
        };
        if process::find_program("getent", &Context::local()).is_some() {
            assert!(call(true).get_str("msg").unwrap().starts_with("One or more supplied key"));
            let facts = call(false).get("ansible_facts").cloned().unwrap();
            assert_eq!(facts.get("getent_passwd").unwrap().get("no-such"), Some(&Value::Null));
        }
    }
}
