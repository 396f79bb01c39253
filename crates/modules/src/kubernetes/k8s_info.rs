//! `kubernetes.core.k8s_info`: objects of a cluster as they are.

use data::{Map, Value};

use super::kubectl::{Identity, Kubectl, is_unknown_kind};
use super::ready::{self, Goal};
use super::{access, changes};
use crate::{Arg, ArgType, Args, Context, Default, Failure, ModuleSpec, Outcome};

const SHARED: &[Arg] =
    &crate::spec::join::<{ access::ARGS.len() + ready::ARGS.len() }>(access::ARGS, ready::ARGS);

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "k8s_info",
    collection: "kubernetes.core",
    aliases: &["k8s_facts"],
    summary: "Describe Kubernetes objects",
    args: &[
        Arg::str("kind").required().help("The kind of the objects."),
        Arg::str("api_version")
            .aliases(&["api", "version"])
            .default_str("v1")
            .help("The version of its API."),
        Arg::str("name").help("The name of one object."),
        Arg::str("namespace").help("The namespace to look in; all if neither this nor a name is given."),
        Arg::list("label_selectors", ArgType::Str)
            .default(Default::List(&[]))
            .help("Labels that objects must have."),
        Arg::list("field_selectors", ArgType::Str)
            .default(Default::List(&[]))
            .help("Fields that objects must have."),
        Arg::list("hidden_fields", ArgType::Str)
            .help("Fields that are left out of the answer, such as `metadata.managedFields`."),
    ],
    shared: SHARED,
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let kubectl = Kubectl::new(args, context)?;
    let text = |name: &str| args.opt_str(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let identity = Identity {
        kind: args.str("kind")?.to_owned(),
        api_version: args.str("api_version")?.to_owned(),
        name: text("name"),
        namespace: text("namespace"),
    };
    if args.bool("wait") && identity.name.is_some() && !context.check {
        let waited = ready::wait(&kubectl, &identity, &Goal::of(args), args, context)?;
        if !waited.met {
            let name = identity.name.unwrap_or_default();
            let msg = format!(
                "Failed to gather information about {}(s) even after waiting for {} seconds",
                identity.kind, waited.seconds
            );
            return Err(Failure::new(msg).with("name", name));
        }
    }
    let mut words = ["get", "--output=json", "--ignore-not-found"].map(str::to_owned).to_vec();
    words.extend(identity.words());
    if identity.name.is_none() && identity.namespace.is_none() {
        words.push("--all-namespaces".to_owned());
    }
    for (name, option) in [("label_selectors", "--selector"), ("field_selectors", "--field-selector")] {
        let selectors = args.strings(name).join(",");
        if !selectors.is_empty() {
            words.push(format!("{option}={selectors}"));
        }
    }
    let output = kubectl.run(&words, "", context)?;
    if !output.ok() {
        let failure = super::kubectl::refused(&output);
        if is_unknown_kind(&failure) {
            return Ok(Outcome::unchanged().with("resources", Vec::<Value>::new()).with("api_found", false));
        }
        return Err(failure);
    }
    let text = output.stdout_text();
    let answer = if text.trim().is_empty() { Map::new() } else { super::kubectl::parse(&text)? };
    let hidden = args.strings("hidden_fields");
    let resources: Vec<Value> = match answer.get("items").and_then(Value::as_list) {
        Some(items) => items
            .iter()
            .filter_map(Value::as_map)
            .cloned()
            .map(|one| changes::hide(one, &hidden).into())
            .collect(),
        None if answer.is_empty() => Vec::new(),
        None => vec![changes::hide(answer, &hidden).into()],
    };
    Ok(Outcome::unchanged().with("resources", resources).with("api_found", true))
}
