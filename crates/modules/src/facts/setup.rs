//! `setup`: gathers facts about the host.

use std::time::Duration;

use super::{Gather, collect, local};
use crate::{Arg, ArgType, Args, Context, Default, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "setup",
    summary: "Gather facts about remote hosts",
    args: &[
        Arg::list("gather_subset", ArgType::Str)
            .default(Default::List(&["all"]))
            .help("Families of facts to gather: `all`, `min`, `hardware`, `network`, `virtual` and others; `!name` leaves one out."),
        Arg::int("gather_timeout").default_int(10).help("Seconds that one mounted file system may take to answer."),
        Arg::list("filter", ArgType::Str)
            .default(Default::List(&[]))
            .help("Shell patterns of the facts to return, with or without the prefix `ansible_`; all without patterns."),
        Arg::path("fact_path")
            .default_str("/etc/ansible/facts.d")
            .help("Folder of local facts: `*.fact` files of JSON or INI, or programs that print it."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let seconds = u64::try_from(args.int("gather_timeout").unwrap_or(10)).unwrap_or(0);
    let folder = args.opt_path("fact_path").unwrap_or_else(local::default_folder);
    let mut gather = Gather::new(context.environment.clone(), folder, Duration::from_secs(seconds));
    gather.interpreter = context.facts.get_str("ansible_python_interpreter").map(str::to_owned);
    let facts = collect::collect(&mut gather, &args.strings("gather_subset"), &args.strings("filter"))?;
    for warning in gather.warnings {
        context.warn(warning);
    }
    Ok(Outcome::unchanged().with_facts(facts))
}

#[cfg(test)]
mod tests {
    use data::{Map, Value};

    use crate::{RunRequest, run_local};

    #[test]
    fn a_filter_leaves_only_what_it_names() {
        let args = Map::from([
            ("filter", Value::from("ansible_memtotal_mb,kernel")),
            ("gather_subset", "hardware".into()),
        ]);
        let result = run_local(&RunRequest::new("setup", args));
        let facts = result.get("ansible_facts").unwrap().as_map().unwrap();
        assert_eq!(facts.len(), 2);
    }

    #[test]
    fn an_unknown_subset_fails() {
        let result = run_local(&RunRequest::new("setup", Map::from([("gather_subset", "nonsense")])));
        assert!(result.get_str("msg").unwrap().starts_with("Bad subset 'nonsense'"));
    }
}
