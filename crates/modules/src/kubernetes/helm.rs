//! `kubernetes.core.helm`: releases of charts, through the target's `helm`.

use data::{Map, Value};
use tempfile::NamedTempFile;

use super::access::{Access, secret_file};
use super::helm_release::{self, Helm};
use super::kubectl::program;
use crate::{Arg, ArgType, Args, Context, Default, Diff, Failure, ModuleSpec, Outcome, RequiredIf, Rules};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "helm",
    collection: "kubernetes.core",
    summary: "Manages Kubernetes packages with the Helm package manager",
    args: &[
        Arg::str("release_name").required().aliases(&["name"]).help("The release's name."),
        Arg::str("release_namespace").required().aliases(&["namespace"]).help("Its namespace."),
        Arg::str("release_state").aliases(&["state"]).default_str("present").choices(&["present", "absent"]).help("Whether it is to be there."),
        Arg::path("chart_ref").help("The chart: a folder or file on the target, `repository/name`, or an address."),
        Arg::str("chart_repo_url").help("The repository to take the chart from."),
        Arg::str("chart_version").help("The chart's version; not given: the newest."),
        Arg::new("release_values", ArgType::Dict).aliases(&["values"]).default(Default::Dict).help("Values for the chart."),
        Arg::list("values_files", ArgType::Str).default(Default::List(&[])).help("Files of values on the target."),
        Arg::list("set_values", ArgType::Dict).help("Single values: dictionaries of `value` (`key=value`) and `value_type` (`raw`, `string`, `json` or `file`)."),
        Arg::bool("update_repo_cache").default_bool(false).help("Look for new charts first."),
        Arg::bool("dependency_update").aliases(&["dep_up"]).default_bool(false).help("Fetch the chart's dependencies first."),
        Arg::bool("create_namespace").default_bool(false).help("Make the namespace if it is not there."),
        Arg::bool("wait").default_bool(false).help("Wait until everything is ready."),
        Arg::str("wait_timeout").help("How long to wait, such as `5m`."),
        Arg::str("timeout").help("How long a step may take, such as `5m`."),
        Arg::bool("atomic").default_bool(false).help("Take a failed installation back."),
        Arg::bool("force").default_bool(false).help("Upgrade even if nothing changed, by replacing."),
        Arg::bool("replace").default_bool(false).help("Reuse the name of a deleted release; not for production."),
        Arg::bool("disable_hook").default_bool(false).help("Run no hooks."),
        Arg::bool("skip_crds").default_bool(false).help("Do not install the chart's own kinds."),
        Arg::bool("purge").default_bool(true).help("With `absent`: forget the release's history too."),
        Arg::int("history_max").help("How many revisions to keep."),
        Arg::str("post_renderer").help("A program that gets the manifests before they are applied."),
        Arg::bool("reuse_values").help("Keep the values of the last release."),
        Arg::bool("reset_values").default_bool(true).help("Start from the chart's own values."),
        Arg::bool("reset_then_reuse_values").default_bool(false).help("Start from the chart's own values and put the last release's over them."),
        Arg::bool("insecure_skip_tls_verify").aliases(&["skip_tls_certs_check"]).default_bool(false).help("Fetch the chart from whom nobody trusts."),
        Arg::bool("plain_http").default_bool(false).help("Fetch the chart without TLS."),
        Arg::bool("take_ownership").default_bool(false).help("Take objects of others over."),
        Arg::bool("skip_schema_validation").default_bool(false).help("Do not check values against the chart's schema."),
        Arg::path("binary_path").help("The program, if it is not `helm` in `PATH`."),
        Arg::str("context").aliases(&["kube_context"]).help("The context of the settings to use."),
        Arg::raw("kubeconfig").no_log().aliases(&["kubeconfig_path"]).help("The settings file on the target, or its content as a dictionary."),
        Arg::str("host").help("The address of the API server."),
        Arg::path("ca_cert").aliases(&["ssl_ca_cert"]).help("The authority of its certificate, a file on the target."),
        Arg::bool("validate_certs").aliases(&["verify_ssl"]).default_bool(true).help("Refuse certificates that nobody trusts."),
        Arg::str("api_key").no_log().help("A bearer token."),
    ],
    rules: Rules {
        mutually_exclusive: &[&["context", "ca_cert"], &["replace", "history_max"], &["wait_timeout", "timeout"]],
        required_if: &[RequiredIf::all("release_state", "present", &["chart_ref"])],
        ..Rules::NONE
    },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let helm = Helm {
        program: args.opt_path("binary_path").map_or_else(|| program("helm", context), Ok)?,
        access: Access::new(args, context)?,
        namespace: args.str("release_namespace")?.to_owned(),
    };
    if args.bool("update_repo_cache") {
        helm.run(&["repo".to_owned(), "update".to_owned()], context)?;
    }
    let name = args.str("release_name")?;
    let absent = args.str("release_state")? == "absent";
    let release = helm.release(name, absent, context)?;
    let mut values: Vec<NamedTempFile> = Vec::new();
    let plan = if absent {
        plan_removal(name, release.as_ref(), args)?
    } else {
        plan_release(&helm, name, release.as_ref(), &mut values, args, context)?
    };
    let diff = plan.prepared.map(|text| Diff { prepared: Some(text), ..Diff::default() });
    let done = |changed: bool| {
        let mut outcome = Outcome::new(changed).with("command", helm.command(&plan.words).display());
        outcome.diff.extend(diff.clone());
        outcome
    };
    let shown = |release: Option<Map>| release.map_or(Value::Null, Value::Map);
    if context.check {
        let current = release.as_ref().and_then(|release| release.get("values")).cloned();
        let both = Map::from([
            ("current", current.unwrap_or_else(|| Map::new().into())),
            ("declared", release.map_or_else(|| Map::new().into(), Value::Map)),
        ]);
        let status = Map::from([("values", both)]);
        return Ok(done(plan.changed).with("status", status).with("stdout", "").with("stderr", ""));
    }
    if !plan.changed {
        return Ok(done(false).with("status", shown(release)).with("stdout", "").with("stderr", ""));
    }
    let output = helm.run(&plan.words, context)?;
    let status = shown(helm.release(name, true, context)?);
    let outcome = done(true).with("status", status);
    Ok(outcome.with("stdout", output.stdout_text()).with("stderr", output.stderr_text()))
}

/// The call that changes the release, if it is to change.
struct Plan {
    changed: bool,
    words: Vec<String>,
    prepared: Option<String>,
}

fn plan_removal(name: &str, release: Option<&Map>, args: &Args) -> Result<Plan, Failure> {
    let gone =
        |release: &&Map| release.get_str("status").is_some_and(|status| status.starts_with("uninstall"));
    let changed = release.filter(|release| !gone(release)).is_some();
    if changed && args.bool("replace") {
        return Err(Failure::new("replace is not applicable when state is absent"));
    }
    let mut words = vec!["uninstall".to_owned()];
    for (set, word) in [
        (!args.bool("purge"), "--keep-history"),
        (args.bool("disable_hook"), "--no-hooks"),
        (args.bool("wait"), "--wait"),
    ] {
        words.extend(set.then(|| word.to_owned()));
    }
    words.extend(args.opt_str("wait_timeout").map(|time| format!("--timeout={time}")));
    words.push(name.to_owned());
    Ok(Plan { changed, words, prepared: None })
}

fn plan_release(
    helm: &Helm,
    name: &str,
    release: Option<&Map>,
    files: &mut Vec<NamedTempFile>,
    args: &Args,
    context: &mut Context,
) -> Result<Plan, Failure> {
    let reference = args.str("chart_ref")?;
    let mut source: Vec<String> = Vec::new();
    for (name, option) in [("chart_version", "--version"), ("chart_repo_url", "--repo")] {
        source.extend(args.opt_str(name).map(|value| format!("{option}={value}")));
    }
    for (name, option) in
        [("insecure_skip_tls_verify", "--insecure-skip-tls-verify"), ("plain_http", "--plain-http")]
    {
        source.extend(args.bool(name).then(|| option.to_owned()));
    }
    let chart = helm.chart(&source, reference, context)?;
    let fetch_dependencies = args.bool("dependency_update") && has_dependencies(&chart, context);
    let remote = args.has("chart_repo_url") || reference.starts_with("http");
    if fetch_dependencies && remote && !args.bool("replace") {
        return Err(Failure::new(
            "'--dependency-update' hasn't been supported yet with 'helm upgrade'. Please use 'helm install' instead by adding 'replace' option",
        ));
    }
    if fetch_dependencies && !remote && !context.check {
        helm.run(&["dependency".to_owned(), "update".to_owned(), reference.to_owned()], context)?;
    }
    let given = values_words(files, args, context)?;
    let (would_change, prepared) = match release {
        None => (true, None),
        Some(release) => difference(helm, name, release, &chart, &source, &given, args, context)?,
    };
    let changed = release.is_none() || args.bool("force") || would_change;
    let mut words = deploy_words(args, release.is_some());
    words.extend((fetch_dependencies && remote).then(|| "--dependency-update".to_owned()));
    words.extend(source);
    words.extend(given);
    words.extend([name.to_owned(), reference.to_owned()]);
    Ok(Plan { changed, words, prepared })
}

fn has_dependencies(chart: &Map, context: &mut Context) -> bool {
    let found = chart.get("dependencies").is_some_and(Value::is_truthy);
    if !found {
        context.warn(
            "There is no dependencies block defined in Chart.yaml. Dependency update will not be performed. \
             Please consider add dependencies block or disable dependency_update to remove this warning.",
        );
    }
    found
}

/// Files of values and single values. `release_values` go through a file that only its owner can read.
fn values_words(
    files: &mut Vec<NamedTempFile>,
    args: &Args,
    context: &Context,
) -> Result<Vec<String>, Failure> {
    let mut words: Vec<String> =
        args.strings("values_files").iter().map(|file| format!("--values={file}")).collect();
    if let Some(values) = args.map("release_values").filter(|values| !values.is_empty()) {
        let file = secret_file(&Value::Map(values.clone()), ".yml", &context.tmpdir)?;
        words.push(format!("--values={}", file.path().display()));
        files.push(file);
    }
    for item in args.list("set_values") {
        let text = |key: &str| item.get(key).and_then(Value::as_str);
        let option = match text("value_type").unwrap_or("raw") {
            "raw" => "--set",
            "string" => "--set-string",
            "json" => "--set-json",
            "file" => "--set-file",
            other => {
                return Err(Failure::new(format!(
                    "set_values: value_type must be one of: raw, string, json, file, got: {other}"
                )));
            }
        };
        let value =
            text("value").ok_or_else(|| Failure::new("set_values: missing required arguments: value"))?;
        words.push(format!("{option}={value}"));
    }
    Ok(words)
}

/// Whether an upgrade would change anything: by the plugin `diff` if it is there, else by chart and values.
#[allow(clippy::too_many_arguments, reason = "all of them describe the one release that would be upgraded")]
fn difference(
    helm: &Helm,
    name: &str,
    release: &Map,
    chart: &Map,
    source: &[String],
    given: &[String],
    args: &Args,
    context: &mut Context,
) -> Result<(bool, Option<String>), Failure> {
    if helm.plugin("diff", context)?.is_some() {
        let mut words = ["diff", "upgrade", name, args.str("chart_ref")?].map(str::to_owned).to_vec();
        words.extend(source.iter().filter(|word| word.as_str() != "--plain-http").cloned());
        words.extend(given.iter().cloned());
        if !args.bool("replace") {
            words.push(format!("--reset-values={}", args.bool("reset_values")));
        }
        words.extend(args.bool("reuse_values").then(|| "--reuse-values".to_owned()));
        words.extend(args.bool("reset_then_reuse_values").then(|| "--reset-then-reuse-values".to_owned()));
        words.extend(args.opt_str("post_renderer").map(|program| format!("--post-renderer={program}")));
        let text = helm.run(&words, context)?.stdout_text().trim().to_owned();
        return Ok((!text.is_empty(), Some(text).filter(|text| !text.is_empty())));
    }
    context.warn(
        "The default idempotency check can fail to report changes in certain cases. Install helm diff >= 3.4.1 for better results.",
    );
    let mut values = Map::new();
    for file in args.strings("values_files") {
        let text =
            std::fs::read_to_string(file).map_err(|error| Failure::io("could not read", file, &error))?;
        values.extend_from(&helm_release::yaml_map(&text, file)?);
    }
    if args.strings("values_files").is_empty() {
        values = args.map("release_values").cloned().unwrap_or_default();
    }
    Ok((helm_release::differs(release, chart, &values), None))
}

fn deploy_words(args: &Args, exists: bool) -> Vec<String> {
    let mut words: Vec<String> = if args.bool("replace") {
        vec!["install".to_owned(), "--replace".to_owned()]
    } else {
        vec!["upgrade".to_owned(), "--install".to_owned()]
    };
    let upgrade = !args.bool("replace");
    for (set, word) in [
        (upgrade && args.bool("reset_values"), "--reset-values"),
        (upgrade && args.bool("take_ownership"), "--take-ownership"),
        (args.bool("reset_then_reuse_values"), "--reset-then-reuse-values"),
        (args.bool("wait"), "--wait"),
        (args.bool("atomic"), "--atomic"),
        // A release that is not there yet cannot be replaced by force.
        (exists && args.bool("force"), "--force"),
        (args.bool("disable_hook"), "--no-hooks"),
        (args.bool("create_namespace"), "--create-namespace"),
        (args.bool("skip_crds"), "--skip-crds"),
        (args.bool("skip_schema_validation"), "--skip-schema-validation"),
    ] {
        words.extend(set.then(|| word.to_owned()));
    }
    words.extend(args.opt_bool("reuse_values").map(|flag| format!("--reuse-values={flag}")));
    let wait = args.opt_str("wait_timeout").filter(|_| args.bool("wait"));
    words.extend(wait.or(args.opt_str("timeout")).map(|time| format!("--timeout={time}")));
    words.extend(args.opt_str("post_renderer").map(|program| format!("--post-renderer={program}")));
    words.extend(args.int("history_max").map(|count| format!("--history-max={count}")));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(more: &[(&'static str, Value)]) -> Args {
        let mut given = Map::from([("name", "web"), ("namespace", "n"), ("chart_ref", "/charts/web")]);
        for (key, value) in more {
            given.insert(*key, value.clone());
        }
        SPEC.parse(&given, &|_| None).unwrap()
    }

    #[test]
    fn the_call_has_the_options_that_were_asked_for() {
        let given =
            args(&[("wait", true.into()), ("wait_timeout", "5m".into()), ("create_namespace", true.into())]);
        assert_eq!(
            deploy_words(&given, false).join(" "),
            "upgrade --install --reset-values --wait --create-namespace --timeout=5m"
        );
        let given = args(&[("replace", true.into()), ("force", true.into())]);
        assert_eq!(deploy_words(&given, false).join(" "), "install --replace");
    }

    #[test]
    fn values_never_stand_on_the_command_line() {
        let values = Map::from([("password", "s3cret")]);
        let mut files = Vec::new();
        let given = args(&[("values", values.into()), ("values_files", vec![Value::from("/v.yml")].into())]);
        let words = values_words(&mut files, &given, &Context::local()).unwrap();
        assert_eq!((words.len(), files.len()), (2, 1));
        assert!(words.iter().all(|word| !word.contains("s3cret")));
        assert!(std::fs::read_to_string(files[0].path()).unwrap().contains("s3cret"));
    }

    #[test]
    fn a_release_that_is_gone_is_not_uninstalled_again() {
        let gone = Map::from([("status", "uninstalled")]);
        let there = Map::from([("status", "deployed")]);
        let given = args(&[("state", "absent".into()), ("purge", false.into())]);
        assert!(!plan_removal("web", Some(&gone), &given).unwrap().changed);
        assert!(!plan_removal("web", None, &given).unwrap().changed);
        let plan = plan_removal("web", Some(&there), &given).unwrap();
        assert_eq!((plan.changed, plan.words.join(" ").as_str()), (true, "uninstall --keep-history web"));
    }
}
