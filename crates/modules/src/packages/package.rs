//! `package`: packages under whatever manages them here. All arguments but `use` go to that manager's module.

use crate::facts::managers;
use crate::{Arg, ArgType, Args, Context, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "package",
    summary: "Generic OS package manager",
    args: &[
        Arg::list("name", ArgType::Str)
            .required()
            .aliases(&["pkg"])
            .help("Names, as the host's package manager knows them."),
        Arg::str("state")
            .required()
            .help("Whether the packages are to be there (`present`), newest (`latest`) or not (`absent`)."),
        Arg::str("use")
            .default_str("auto")
            .help("The module to use; `auto` takes that of the host's package manager."),
        Arg::bool("update_cache").help("Fetch the package lists first, for managers that have them."),
        Arg::int("cache_valid_time").help("How old the lists may be, in seconds; for `apt`."),
        Arg::bool("install_recommends").help("Install recommended packages too; for `apt`."),
        Arg::str("default_release").help("The release to prefer; for `apt`."),
        Arg::bool("purge").help("Remove configuration files too; for `apt`."),
        Arg::bool("autoremove").help("Remove packages that nothing needs any more."),
        Arg::bool("allow_downgrade").help("Accept an older version than the installed one."),
        Arg::int("lock_timeout")
            .help("How many seconds to wait for another program that uses the package manager."),
        Arg::str("dpkg_options").help("Options for dpkg; for `apt`."),
        Arg::int("policy_rc_d").help("Keep services from starting while packages are installed; for `apt`."),
        Arg::list("enablerepo", ArgType::Str).help("Repositories to use for this task; for `dnf`."),
        Arg::list("disablerepo", ArgType::Str).help("Repositories not to use for this task; for `dnf`."),
        Arg::bool("disable_gpg_check").help("Accept packages without a valid signature; for `dnf`."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let manager = match args.str("use")? {
        "auto" => managers::package_manager_of_this_host(),
        named => named.to_owned(),
    };
    let Some(module) = crate::find(&manager).filter(|spec| spec.name != SPEC.name) else {
        let words = "Could not find a matching action for the \"{manager}\" package manager.";
        return Err(Failure::new(words.replace("{manager}", &manager)));
    };
    let given = args.values().iter().filter(|(key, value)| key.as_str() != Some("use") && !value.is_null());
    let given = given.map(|(key, value)| (key.clone(), value.clone())).collect();
    let parsed = module.parse(&given, &|name| context.variable(name));
    let parsed =
        parsed.map_err(|errors| Failure::new(errors.first().map(ToString::to_string).unwrap_or_default()))?;
    (module.run)(&parsed, context)
}

#[cfg(test)]
mod tests {
    use data::{Map, Value};

    use crate::{RunRequest, run_local};

    fn package(args: &[(&'static str, &str)]) -> Map {
        let args: Map = args.iter().map(|(key, value)| (*key, *value)).collect();
        run_local(&RunRequest { check: true, ..RunRequest::new("package", args) })
    }

    #[test]
    fn an_unknown_manager_is_named() {
        let result = package(&[("name", "x"), ("state", "present"), ("use", "frobnicate")]);
        assert!(result.get_str("msg").unwrap().contains("\"frobnicate\" package manager"));
    }

    #[test]
    fn arguments_are_those_of_the_manager() {
        let result = package(&[("name", "x"), ("state", "nonsense"), ("use", "apt")]);
        assert!(
            result.get_str("msg").unwrap().starts_with("value of state must be one of: absent, build-dep")
        );
        assert_eq!(result.get("failed"), Some(&Value::from(true)));
    }
}
