//! `kubernetes.core.k8s`: objects of a cluster are there as defined, or not there. Check mode asks the API server what it would do.

use data::json::{self, JsonStyle};
use data::{Map, Value};

use super::definitions::{definitions, identity};
use super::kubectl::{self, Identity, Kubectl};
use super::ready::{self, Goal};
use super::{access, changes};
use crate::process::Output;
use crate::{Arg, ArgType, Args, Context, Failure, ModuleSpec, Outcome, Rules};

const SHARED: &[Arg] =
    &crate::spec::join::<{ access::ARGS.len() + ready::ARGS.len() }>(access::ARGS, ready::ARGS);

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "k8s",
    collection: "kubernetes.core",
    summary: "Manage Kubernetes objects",
    args: &[
        Arg::str("state").default_str("present").choices(&["present", "absent", "patched"]).help("Whether the objects are to be there, or not; `patched` changes them only if they are there."),
        Arg::raw("resource_definition").aliases(&["definition", "inline"]).help("The objects: YAML text of any number of documents, a dictionary, or a list of either."),
        Arg::path("src").help("A file of definitions; on the controller if it is found there, else on the target."),
        Arg::raw("template").help("A template of definitions on the controller: its path, or a dictionary with `path` and the options of the `template` module."),
        Arg::str("kind").help("The kind of an object, if no definition says it."),
        Arg::str("name").help("Its name."),
        Arg::str("namespace").help("Its namespace."),
        Arg::str("api_version").aliases(&["api", "version"]).default_str("v1").help("The version of its API."),
        Arg::str("generate_name").help("The beginning of a name that the server completes."),
        Arg::bool("apply").default_bool(false).help("Change as `kubectl apply` does: what a former apply set and this one does not is removed."),
        Arg::new("server_side_apply", ArgType::Dict)
            .options(
                &[
                    Arg::str("field_manager").required().help("Who manages the fields."),
                    Arg::bool("force_conflicts").default_bool(false).help("Take fields over from others."),
                ],
                Rules::NONE,
            )
            .help("With `apply`: let the server do it."),
        Arg::list("merge_type", ArgType::Str).choices(&["merge", "strategic-merge"]).help("How changes are merged; not given: strategic, and plainly for kinds that do not know that."),
        Arg::bool("force").default_bool(false).help("Replace an object as a whole."),
        Arg::list("label_selectors", ArgType::Str).help("Only definitions, or objects to delete, with these labels."),
        Arg::bool("delete_all").aliases(&["all"]).default_bool(false).help("With `absent` and a kind: delete all in the namespace."),
        Arg::new("delete_options", ArgType::Dict)
            .options(
                &[
                    Arg::str("propagationPolicy").choices(&["Foreground", "Background", "Orphan"]).help("What becomes of dependents."),
                    Arg::int("gracePeriodSeconds").help("How many seconds the object has to end."),
                    Arg::new("preconditions", ArgType::Dict).help("Not supported."),
                ],
                Rules::NONE,
            )
            .help("How objects are deleted."),
        Arg::bool("continue_on_error").default_bool(false).help("Go on with the next definition when one fails."),
        Arg::list("hidden_fields", ArgType::Str).help("Fields that are left out of answer and diff."),
        Arg::bool("append_hash").default_bool(false).help("Not supported; must be false."),
        Arg::new("validate", ArgType::Dict).help("Not supported: the API server validates; must not be given."),
    ],
    shared: SHARED,
    rules: Rules {
        mutually_exclusive: &[
            &["resource_definition", "src"],
            &["merge_type", "apply"],
            &["template", "resource_definition"],
            &["template", "src"],
            &["name", "generate_name"],
        ],
        ..Rules::NONE
    },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    for (given, name) in [(args.bool("append_hash"), "append_hash"), (args.has("validate"), "validate")] {
        if given {
            return Err(Failure::new(format!("{name} is not supported by this k8s module")));
        }
    }
    if args.has("template") {
        return Err(Failure::new("template is rendered on the controller: use it in a playbook's task"));
    }
    let cluster = Cluster { kubectl: Kubectl::new(args, context)?, args };
    let given = ["resource_definition", "src", "name"].iter().any(|name| args.has(name));
    if args.bool("delete_all") && args.str("state")? == "absent" && !given {
        return cluster.delete_all(context);
    }
    let mut outcomes = Vec::new();
    for definition in definitions(args)? {
        match cluster.ensure(&definition, context) {
            Ok(outcome) => outcomes.push(outcome),
            Err(failure) if args.bool("continue_on_error") => {
                let mut error = failure.fields.clone();
                error.insert("msg", failure.msg);
                outcomes.push(Outcome::unchanged().with("result", Map::new()).with("error", error));
            }
            Err(failure) => return Err(failure),
        }
    }
    if outcomes.len() == 1
        && let Some(only) = outcomes.pop()
    {
        return Ok(only);
    }
    let changed = outcomes.iter().any(|outcome| outcome.changed);
    let diff = outcomes.iter().flat_map(|outcome| outcome.diff.clone()).collect();
    let results: Vec<Value> = outcomes.into_iter().map(|outcome| outcome.to_result().into()).collect();
    Ok(Outcome { diff, ..Outcome::new(changed) }.with("result", Map::from([("results", results)])))
}

struct Cluster<'a> {
    kubectl: Kubectl,
    args: &'a Args,
}

/// What a write did.
struct Written {
    method: &'static str,
    object: Map,
}

impl Cluster<'_> {
    fn ensure(&self, definition: &Map, context: &mut Context) -> Result<Outcome, Failure> {
        let mut identity = identity(definition)?;
        let absent = self.args.str("state")? == "absent";
        let existing = match identity.name {
            Some(_) => match self.kubectl.get(&identity, context) {
                // In check mode the kind may come with a definition that was not really applied.
                Err(failure) if kubectl::is_unknown_kind(&failure) && absent => None,
                other => other?,
            },
            None if definition
                .get("metadata")
                .and_then(|metadata| metadata.get("generateName"))
                .is_some() =>
            {
                None
            }
            None => return Err(Failure::new(format!("the {} has no name", identity.kind))),
        };
        if absent {
            return self.delete(&identity, existing, context);
        }
        let labels =
            definition.get("metadata").and_then(|metadata| metadata.get("labels")).and_then(Value::as_map);
        if !selects(&self.args.strings("label_selectors"), labels) {
            let (kind, name) = (&identity.kind, identity.name.as_deref().unwrap_or_default());
            let namespace = identity.namespace.as_deref().unwrap_or("None");
            let msg = format!(
                "resource 'kind={kind},name={name},namespace={namespace}' filtered by label_selectors."
            );
            return Ok(Outcome::unchanged().with("result", Map::new()).msg(msg));
        }
        let Some(written) = self.write(definition, &identity, existing.as_ref(), context)? else {
            let (kind, name) = (&identity.kind, identity.name.as_deref().unwrap_or_default());
            context.warn(format!(
                "resource 'kind={kind},name={name}' was not found but will not be created as 'state' parameter has been set to 'patched'"
            ));
            return Ok(Outcome::unchanged().with("result", Map::new()));
        };
        let mut object = written.object;
        let (mut duration, mut met) = (None, true);
        if self.args.bool("wait") && !context.check {
            identity.name = object
                .get("metadata")
                .and_then(|metadata| metadata.get("name"))
                .and_then(Value::as_str)
                .map(str::to_owned);
            let waited = ready::wait(&self.kubectl, &identity, &Goal::of(self.args), self.args, context)?;
            (met, duration) = (waited.met, Some(waited.seconds));
            object = waited.object.unwrap_or(object);
        }
        let hidden = self.args.strings("hidden_fields");
        let before = changes::hide(existing.unwrap_or_default(), &hidden);
        let object = changes::hide(object, &hidden);
        let diff = changes::between(&before, &object);
        let changed = written.method == "create" || diff.is_some();
        let mut outcome = Outcome::new(changed).with("method", written.method).with("result", object);
        outcome.diff.extend(diff);
        if let Some(seconds) = duration {
            outcome = outcome.with("duration", i64::try_from(seconds).unwrap_or(i64::MAX));
        }
        if met {
            return Ok(outcome);
        }
        let name = identity.name.unwrap_or_default();
        let msg = format!("\"{}\" \"{name}\": Timed out waiting on resource", identity.kind);
        Err(Failure { fields: outcome.to_result(), ..Failure::new(msg) })
    }

    /// Creates or changes an object; `None` if it is only to be changed and is not there.
    fn write(
        &self,
        definition: &Map,
        identity: &Identity,
        existing: Option<&Map>,
        context: &mut Context,
    ) -> Result<Option<Written>, Failure> {
        let text = json::write(&Value::Map(definition.clone()), &JsonStyle::default());
        let mut words: Vec<String> = Vec::new();
        let method = match existing {
            _ if self.args.bool("apply") => {
                words.push("apply".to_owned());
                if let Some(server) = self.args.inner("server_side_apply") {
                    words.push("--server-side".to_owned());
                    words.push(format!("--field-manager={}", server.str("field_manager")?));
                    words.push(format!("--force-conflicts={}", server.bool("force_conflicts")));
                }
                "apply"
            }
            None if self.args.str("state")? == "patched" => return Ok(None),
            None => {
                words.push("create".to_owned());
                "create"
            }
            Some(_) if self.args.bool("force") => {
                words.push("replace".to_owned());
                "replace"
            }
            Some(_) => return self.patch(&text, identity, context).map(Some),
        };
        words.extend(["--filename=-", "--output=json"].map(str::to_owned));
        words.extend(identity.namespace.as_ref().map(|name| format!("--namespace={name}")));
        let object = self.send(words, &text, context)?;
        Ok(Some(Written { method, object }))
    }

    /// Merges a definition into an object, in the first way that its kind knows.
    fn patch(&self, text: &str, identity: &Identity, context: &mut Context) -> Result<Written, Failure> {
        let given = self.args.strings("merge_type");
        let ways = if given.is_empty() { vec!["strategic-merge", "merge"] } else { given };
        let mut last = Failure::new("merge_type names no way to merge");
        for way in ways {
            let kind = if way == "merge" { "merge" } else { "strategic" };
            let mut words = vec!["patch".to_owned()];
            words.extend(identity.words());
            words.extend([
                format!("--type={kind}"),
                "--patch-file=/dev/stdin".to_owned(),
                "--output=json".to_owned(),
            ]);
            match self.send(words, text, context) {
                Ok(object) => return Ok(Written { method: "update", object }),
                // Custom kinds have no strategic merge.
                Err(failure)
                    if failure.msg.contains("UnsupportedMediaType")
                        || failure.msg.contains("strategic merge patch is not supported") =>
                {
                    last = failure;
                }
                Err(failure) => return Err(failure),
            }
        }
        Err(last)
    }

    /// Runs a write, or asks the server what it would do, and keeps its remarks.
    fn send(&self, mut words: Vec<String>, text: &str, context: &mut Context) -> Result<Map, Failure> {
        if context.check {
            words.push("--dry-run=server".to_owned());
        }
        let output = self.kubectl.run(&words, text, context)?;
        note_warnings(&output, context);
        if output.ok() { kubectl::parse(&output.stdout_text()) } else { Err(kubectl::refused(&output)) }
    }

    fn delete_words(&self, context: &Context) -> Vec<String> {
        let mut words = ["delete", "--ignore-not-found", "--wait=false"].map(str::to_owned).to_vec();
        if let Some(options) = self.args.inner("delete_options") {
            words.extend(
                options
                    .opt_str("propagationPolicy")
                    .map(|policy| format!("--cascade={}", policy.to_lowercase())),
            );
            words
                .extend(options.int("gracePeriodSeconds").map(|seconds| format!("--grace-period={seconds}")));
            if options.int("gracePeriodSeconds") == Some(0) {
                words.push("--force".to_owned());
            }
        }
        if context.check {
            words.push("--dry-run=server".to_owned());
        }
        words
    }

    fn delete(
        &self,
        identity: &Identity,
        existing: Option<Map>,
        context: &mut Context,
    ) -> Result<Outcome, Failure> {
        let outcome =
            |changed: bool| Outcome::new(changed).with("method", "delete").with("result", Map::new());
        let Some(existing) = existing else { return Ok(outcome(false)) };
        let words: Vec<String> = self.delete_words(context).into_iter().chain(identity.words()).collect();
        let output = self.kubectl.run(&words, "", context)?;
        if !output.ok() {
            return Err(kubectl::refused(&output));
        }
        note_warnings(&output, context);
        let mut done = outcome(true);
        let shown = changes::hide(existing, &self.args.strings("hidden_fields"));
        done.diff.extend(changes::between(&shown, &Map::new()));
        if self.args.bool("wait") && !context.check {
            let waited = ready::wait(&self.kubectl, identity, &Goal::Gone, self.args, context)?;
            if !waited.met {
                let name = identity.name.as_deref().unwrap_or_default();
                return Err(Failure::new(format!(
                    "\"{}\" \"{name}\": Timed out waiting on resource",
                    identity.kind
                )));
            }
            done = done.with("duration", i64::try_from(waited.seconds).unwrap_or(i64::MAX));
        }
        Ok(done)
    }

    /// `delete_all`: every object of the kind in the namespace, or those with the labels.
    fn delete_all(&self, context: &mut Context) -> Result<Outcome, Failure> {
        let kind = self
            .args
            .opt_str("kind")
            .ok_or_else(|| Failure::new("'kind' option is required to specify the resource type."))?;
        let identity = Identity {
            kind: kind.to_owned(),
            api_version: self.args.str("api_version")?.to_owned(),
            name: None,
            namespace: self.args.opt_str("namespace").map(str::to_owned),
        };
        let mut words = self.delete_words(context);
        words.extend(identity.words());
        let labels = self.args.strings("label_selectors").join(",");
        words.push(if labels.is_empty() { "--all".to_owned() } else { format!("--selector={labels}") });
        words.push("--output=name".to_owned());
        let output = self.kubectl.run(&words, "", context)?;
        if !output.ok() {
            return Err(kubectl::refused(&output));
        }
        let names: Vec<Value> = output.stdout_text().lines().map(Value::from).collect();
        let outcome = Outcome::new(!names.is_empty()).with("method", "delete");
        Ok(outcome.with("result", Map::from([("deleted", names)])))
    }
}

fn note_warnings(output: &Output, context: &mut Context) {
    for warning in kubectl::warnings(output) {
        context.warn(warning);
    }
}

/// Whether labels satisfy all selectors: `a=b`, `a!=b`, `a in (b, c)`, `a notin (b)`, `a`, `!a`.
fn selects(selectors: &[&str], labels: Option<&Map>) -> bool {
    let label = |key: &str| labels.and_then(|labels| labels.get_str(key.trim()));
    let listed = |text: &str, value: Option<&str>| {
        let items = text.trim().trim_start_matches('(').trim_end_matches(')').split(',');
        items.map(str::trim).any(|item| Some(item) == value)
    };
    selectors.iter().all(|selector| {
        if let Some((key, list)) = selector.split_once(" notin ") {
            !listed(list, label(key))
        } else if let Some((key, list)) = selector.split_once(" in ") {
            listed(list, label(key))
        } else if let Some((key, value)) = selector.split_once("!=") {
            label(key) != Some(value.trim())
        } else if let Some((key, value)) = selector.split_once('=') {
            label(key) == Some(value.trim_start_matches('=').trim())
        } else if let Some(key) = selector.strip_prefix('!') {
            label(key).is_none()
        } else {
            label(selector).is_some()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_hold_as_the_api_reads_them() {
        let labels = Map::from([("app", "web"), ("tier", "front")]);
        for (selector, holds) in [
            ("app=web", true),
            ("app==web", true),
            ("app!=web", false),
            ("tier in (back, front)", true),
            ("tier notin (front)", false),
            ("app", true),
            ("!app", false),
            ("!other", true),
        ] {
            assert_eq!(selects(&[selector], Some(&labels)), holds, "{selector}");
        }
        assert!(!selects(&["app"], None) && selects(&[], None));
    }
}
