//! `wait`: when an object is as it shall be, by its kind or by a condition.

use std::time::{Duration, Instant};

use data::{Map, Value};

use super::kubectl::{Identity, Kubectl};
use crate::{Arg, ArgType, Args, Context, Default, Failure, Rules};

/// The arguments of `k8s` and `k8s_info`.
pub(super) const ARGS: &[Arg] = &[
    Arg::bool("wait").default_bool(false).help("Wait until the object is ready, or gone."),
    Arg::int("wait_sleep").default_int(5).help("Seconds between two looks."),
    Arg::int("wait_timeout").default_int(120).help("How many seconds to wait."),
    Arg::new("wait_condition", ArgType::Dict)
        .options(
            &[
                Arg::str("type").help("The condition's type."),
                Arg::raw("status").default(Default::Bool(true)).help("Its status: true, false or `Unknown`."),
                Arg::str("reason").help("Its reason."),
            ],
            Rules::NONE,
        )
        .help("A condition in the object's status to wait for, instead of what its kind means by ready."),
];

/// What is waited for.
#[derive(Clone, Debug)]
pub(super) enum Goal {
    /// Ready by its kind; kinds without a rule are ready when they are there.
    Ready,
    /// A condition of this type, status and reason.
    Condition { kind: String, status: String, reason: Option<String> },
    /// No such object.
    Gone,
}

impl Goal {
    /// What `wait_condition` asks for.
    pub(super) fn of(args: &Args) -> Self {
        let Some(condition) = args.inner("wait_condition") else { return Self::Ready };
        let status = match condition.get("status") {
            Some(Value::Bool(flag)) => if *flag { "True" } else { "False" }.to_owned(),
            Some(Value::Str(text)) => match crate::boolean_word(text) {
                Some(true) => "True".to_owned(),
                Some(false) => "False".to_owned(),
                None => text.to_string(),
            },
            _ => "True".to_owned(),
        };
        let text = |name: &str| condition.opt_str(name).map(str::to_owned);
        Self::Condition { kind: text("type").unwrap_or_default(), status, reason: text("reason") }
    }

    /// Whether an object, or its absence, is what is waited for.
    pub(super) fn is_met(&self, object: Option<&Map>) -> bool {
        match (self, object) {
            (Self::Gone, object) => object.is_none(),
            (_, None) => false,
            (Self::Ready, Some(object)) => is_ready(object),
            (Self::Condition { kind, status, reason }, Some(object)) => {
                let conditions = list(object, &["status", "conditions"]);
                let found =
                    conditions.iter().find(|one| one.get("type").and_then(Value::as_str) == Some(kind));
                let text = |key: &str| found.and_then(|one| one.get(key)).and_then(Value::as_str);
                text("status") == Some(status.as_str())
                    && reason
                        .as_deref()
                        .is_none_or(|reason| reason.is_empty() || text("reason") == Some(reason))
            }
        }
    }
}

/// How a wait ended.
pub(super) struct Waited {
    pub(super) met: bool,
    pub(super) object: Option<Map>,
    pub(super) seconds: u64,
}

/// Looks at the object until the goal is met or the time is up.
///
/// # Errors
/// If the cluster refuses to show it.
pub(super) fn wait(
    kubectl: &Kubectl,
    identity: &Identity,
    goal: &Goal,
    args: &Args,
    context: &mut Context,
) -> Result<Waited, Failure> {
    let seconds =
        |name: &str| Duration::from_secs(args.int(name).and_then(|n| u64::try_from(n).ok()).unwrap_or(0));
    let (pause, limit, start) = (seconds("wait_sleep"), seconds("wait_timeout"), Instant::now());
    loop {
        let object = kubectl.get(identity, context)?;
        let (met, elapsed) = (goal.is_met(object.as_ref()), start.elapsed());
        if met || elapsed >= limit {
            return Ok(Waited { met, object, seconds: elapsed.as_secs() });
        }
        context.go_on()?;
        std::thread::sleep(pause.min(limit.saturating_sub(elapsed)).max(Duration::from_millis(100)));
    }
}

fn find<'a>(object: &'a Map, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(object.get(*first)?, |value, key| value.get(key))
}

fn number(object: &Map, path: &[&str]) -> Option<i128> {
    find(object, path).and_then(Value::as_int)
}

fn list<'a>(object: &'a Map, path: &[&str]) -> &'a [Value] {
    find(object, path).and_then(Value::as_list).map_or(&[], |items| items)
}

fn is_ready(object: &Map) -> bool {
    let status = |key: &str| number(object, &["status", key]);
    let observed = || status("observedGeneration") == number(object, &["metadata", "generation"]);
    let replicas = number(object, &["spec", "replicas"]);
    match object.get_str("kind").unwrap_or_default() {
        "Deployment" => {
            replicas == Some(status("replicas").unwrap_or(0))
                && status("availableReplicas") == status("replicas")
                && observed()
                && status("unavailableReplicas").unwrap_or(0) == 0
        }
        "DaemonSet" => {
            status("desiredNumberScheduled").is_some()
                && Some(status("updatedNumberScheduled").unwrap_or(0)) == status("desiredNumberScheduled")
                && status("numberReady") == status("desiredNumberScheduled")
                && observed()
                && status("numberUnavailable").unwrap_or(0) == 0
        }
        "StatefulSet" => {
            let on_delete =
                find(object, &["spec", "updateStrategy", "type"]).and_then(Value::as_str) == Some("OnDelete");
            let current =
                find(object, &["status", "updateRevision"]) == find(object, &["status", "currentRevision"]);
            let all = |key: &str| Some(status(key).unwrap_or(0)) == replicas;
            if on_delete {
                observed() && status("replicas") == replicas
            } else {
                observed() && current && all("updatedReplicas") && all("readyReplicas")
            }
        }
        "Pod" => {
            let containers = find(object, &["status", "containerStatuses"]).and_then(Value::as_list);
            containers.is_some_and(|all| all.iter().all(|one| one.get("ready") == Some(&Value::from(true))))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data::json;

    fn map(text: &str) -> Map {
        json::parse(text).unwrap().as_map().unwrap().clone()
    }

    #[test]
    fn a_deployment_is_ready_when_all_replicas_are_available_and_seen() {
        let ready = r#"{"kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 2},
            "status": {"replicas": 2, "availableReplicas": 2, "observedGeneration": 2}}"#;
        assert!(Goal::Ready.is_met(Some(&map(ready))));
        assert!(
            !Goal::Ready
                .is_met(Some(&map(&ready.replace("\"availableReplicas\": 2", "\"availableReplicas\": 1"))))
        );
        assert!(
            !Goal::Ready
                .is_met(Some(&map(&ready.replace("\"observedGeneration\": 2", "\"observedGeneration\": 1"))))
        );
        assert!(!Goal::Ready.is_met(None) && Goal::Gone.is_met(None));
    }

    #[test]
    fn kinds_without_a_rule_are_ready_when_there_and_pods_when_their_containers_are() {
        assert!(Goal::Ready.is_met(Some(&map(r#"{"kind": "ConfigMap"}"#))));
        assert!(!Goal::Ready.is_met(Some(&map(r#"{"kind": "Pod", "status": {}}"#))));
        let pod = r#"{"kind": "Pod", "status": {"containerStatuses": [{"ready": true}]}}"#;
        assert!(Goal::Ready.is_met(Some(&map(pod))));
    }

    #[test]
    fn a_condition_is_met_by_status_and_reason() {
        let node = map(
            r#"{"kind": "Node", "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]}}"#,
        );
        let goal = |status: &str, reason: Option<&str>| Goal::Condition {
            kind: "Ready".into(),
            status: status.into(),
            reason: reason.map(str::to_owned),
        };
        assert!(
            goal("True", None).is_met(Some(&node)) && goal("True", Some("KubeletReady")).is_met(Some(&node))
        );
        assert!(!goal("False", None).is_met(Some(&node)) && !goal("True", Some("Other")).is_met(Some(&node)));
    }
}
