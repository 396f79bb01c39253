//! The scheduler and the controller manager: leases that they hold one at a time, and what the holder does.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api_client::Api;
use crate::documents::{age, flag, now};
use crate::{Result, ks_installer, say};

/// How long a lease holds without being renewed, in seconds.
const LEASE: i64 = 15;
/// How long a node may be silent, in seconds.
const SILENCE: i64 = 40;

/// Holds or waits for a lease, for ever.
pub(crate) fn hold_lease_forever(name: &str, flags: &BTreeMap<String, String>) -> Result<()> {
    let api = Api::from_kubeconfig(flag(flags, "kubeconfig")?)?;
    loop {
        if let Err(error) = hold(&api, name) {
            say(&format!("lease {name}: {error}"));
        }
        std::thread::sleep(Duration::from_secs(2));
    }
}

/// Runs the controllers while holding the lease.
pub(crate) fn run(flags: &BTreeMap<String, String>) -> Result<()> {
    let api = Api::from_kubeconfig(flag(flags, "kubeconfig")?)?;
    loop {
        let done =
            hold(&api, "kube-controller-manager").and_then(|ours| if ours { control(&api) } else { Ok(()) });
        if let Err(error) = done {
            say(&format!("controllers: {error}"));
        }
        std::thread::sleep(Duration::from_secs(2));
    }
}

/// Takes or renews a lease; whether it is ours now.
pub(crate) fn hold(api: &Api, name: &str) -> Result<bool> {
    let ours = std::fs::read_to_string("/etc/hostname").unwrap_or_default().trim().to_owned();
    let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
    let Some(mut lease) = api.get(&format!("{leases}/{name}"))? else {
        let spec = json!({"holderIdentity": ours, "leaseDurationSeconds": LEASE, "renewTime": now(), "leaseTransitions": 0});
        let (code, _) = api.call("POST", leases, Some(&json!({"metadata": {"name": name}, "spec": spec})))?;
        return Ok(code == 201);
    };
    let spec = &mut lease["spec"];
    let holder = spec["holderIdentity"].as_str().unwrap_or_default().to_owned();
    if holder != ours && age(spec["renewTime"].as_str().unwrap_or_default()) < LEASE {
        return Ok(false);
    }
    spec["renewTime"] = Value::from(now());
    if holder != ours {
        spec["holderIdentity"] = Value::from(ours);
        spec["leaseTransitions"] = Value::from(spec["leaseTransitions"].as_i64().unwrap_or(0) + 1);
    }
    Ok(api.call("PUT", &format!("{leases}/{name}"), Some(&lease))?.0 == 200)
}

fn control(api: &Api) -> Result<()> {
    let nodes = api.items("/api/v1/nodes")?;
    watch_nodes(api, &nodes)?;
    let names: Vec<&str> = nodes.iter().filter_map(|node| node["metadata"]["name"].as_str()).collect();
    for set in api.items("/apis/apps/v1/daemonsets")? {
        run_pods(
            api,
            &set,
            "daemonsets",
            &names,
            json!({"desiredNumberScheduled": names.len(), "numberReady": names.len(), "numberAvailable": names.len()}),
        )?;
    }
    for deployment in api.items("/apis/apps/v1/deployments")? {
        let replicas = usize::try_from(deployment["spec"]["replicas"].as_u64().unwrap_or(1)).unwrap_or(1);
        let on: Vec<&str> =
            names.iter().copied().cycle().take(if names.is_empty() { 0 } else { replicas }).collect();
        run_pods(
            api,
            &deployment,
            "deployments",
            &on,
            json!({"replicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas}),
        )?;
    }
    for set in api.items("/apis/apps/v1/statefulsets")? {
        let replicas = usize::try_from(set["spec"]["replicas"].as_u64().unwrap_or(1)).unwrap_or(1);
        let on: Vec<&str> =
            names.iter().copied().cycle().take(if names.is_empty() { 0 } else { replicas }).collect();
        run_pods(api, &set, "statefulsets", &on, json!({"replicas": replicas, "readyReplicas": replicas}))?;
    }
    for claim in api.items("/api/v1/persistentvolumeclaims")? {
        bind(api, &claim)?;
    }
    schedule(api, &names)?;
    ks_installer::run(api)
}

/// A node whose kubelet is silent is not ready.
fn watch_nodes(api: &Api, nodes: &[Value]) -> Result<()> {
    for node in nodes {
        let name = node["metadata"]["name"].as_str().unwrap_or_default();
        let condition = node["status"]["conditions"][0].clone();
        if age(condition["lastHeartbeatTime"].as_str().unwrap_or_default()) > SILENCE
            && condition["status"] != "Unknown"
        {
            let silent = json!({"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status.", "lastHeartbeatTime": condition["lastHeartbeatTime"]});
            api.call(
                "PATCH",
                &format!("/api/v1/nodes/{name}"),
                Some(&json!({"status": {"conditions": [silent]}})),
            )?;
        }
    }
    Ok(())
}

/// Makes the pods of a workload, and says how many run.
fn run_pods(api: &Api, owner: &Value, plural: &str, nodes: &[&str], status: Value) -> Result<()> {
    let (name, namespace) = (
        owner["metadata"]["name"].as_str().unwrap_or_default(),
        owner["metadata"]["namespace"].as_str().unwrap_or_default(),
    );
    let template = &owner["spec"]["template"];
    let state = pod_state(api, namespace, &template["spec"])?;
    for (number, node) in nodes.iter().enumerate() {
        let mut pod = running_pod(
            &format!("{name}-{number}"),
            node,
            template["metadata"]["labels"].clone(),
            &template["spec"],
        );
        pod["status"] = state.clone();
        let pods = format!("/api/v1/namespaces/{namespace}/pods");
        if api.call("POST", &pods, Some(&pod))?.0 == 409 {
            api.call("PATCH", &format!("{pods}/{name}-{number}"), Some(&json!({"status": state})))?;
        }
    }
    let status = if state["phase"] == "Running" { status } else { json!({}) };
    if owner["status"] != status {
        api.call(
            "PATCH",
            &format!("/apis/apps/v1/namespaces/{namespace}/{plural}/{name}"),
            Some(&json!({"status": status})),
        )?;
    }
    Ok(())
}

/// Gives a pod of its own a node, and lets it run.
fn schedule(api: &Api, nodes: &[&str]) -> Result<()> {
    let Some(node) = nodes.first() else { return Ok(()) };
    for pod in api.items("/api/v1/pods")? {
        let (metadata, spec) = (&pod["metadata"], &pod["spec"]);
        if pod["status"]["phase"] == "Running" || metadata["annotations"]["taskbox/standin"].is_string() {
            continue;
        }
        let namespace = metadata["namespace"].as_str().unwrap_or_default();
        let state = pod_state(api, namespace, spec)?;
        let path =
            format!("/api/v1/namespaces/{namespace}/pods/{}", metadata["name"].as_str().unwrap_or_default());
        api.call("PATCH", &path, Some(&json!({"spec": {"nodeName": node}, "status": state})))?;
    }
    Ok(())
}

/// Running, or waiting for a volume that is not there, with the reason that the real one gives.
fn pod_state(api: &Api, namespace: &str, spec: &Value) -> Result<Value> {
    for volume in spec["volumes"].as_array().into_iter().flatten() {
        let base = format!("/api/v1/namespaces/{namespace}");
        let named = |kind: &str, field: &str| volume[kind][field].as_str();
        let (path, what) = if let Some(name) = named("configMap", "name") {
            (format!("{base}/configmaps/{name}"), format!("configmap \"{name}\" not found"))
        } else if let Some(name) = named("secret", "secretName") {
            (format!("{base}/secrets/{name}"), format!("secret \"{name}\" not found"))
        } else if let Some(name) = named("persistentVolumeClaim", "claimName") {
            (
                format!("{base}/persistentvolumeclaims/{name}"),
                format!("persistentvolumeclaim \"{name}\" not found"),
            )
        } else {
            continue;
        };
        let found = api.get(&path)?;
        let reason = match &found {
            None => what,
            Some(claim)
                if claim["kind"] == "PersistentVolumeClaim" && claim["status"]["phase"] != "Bound" =>
            {
                "pod has unbound immediate PersistentVolumeClaims".to_owned()
            }
            Some(_) => continue,
        };
        return Ok(
            json!({"phase": "Pending", "conditions": [{"type": "Ready", "status": "False", "message": reason}], "containerStatuses": []}),
        );
    }
    Ok(
        json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": []}),
    )
}

/// A pod that is ready.
pub(crate) fn running_pod(name: &str, node: &str, labels: Value, spec: &Value) -> Value {
    json!({
        "metadata": {"name": name, "labels": labels, "annotations": {"taskbox/standin": "no container runs"}},
        "spec": {"nodeName": node, "containers": spec["containers"], "volumes": spec["volumes"]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": []},
    })
}

/// Binds a claim whose class is there.
fn bind(api: &Api, claim: &Value) -> Result<()> {
    if claim["status"]["phase"] == "Bound" {
        return Ok(());
    }
    let classes = api.items("/apis/storage.k8s.io/v1/storageclasses")?;
    let default = |class: &&Value| {
        class["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"
    };
    let wanted = &claim["spec"]["storageClassName"];
    let found = if wanted.is_null() {
        classes.iter().find(default)
    } else {
        classes.iter().find(|class| class["metadata"]["name"] == *wanted)
    };
    let (name, namespace) = (
        claim["metadata"]["name"].as_str().unwrap_or_default(),
        claim["metadata"]["namespace"].as_str().unwrap_or_default(),
    );
    let waits = found.is_some_and(|class| class["volumeBindingMode"] == "WaitForFirstConsumer");
    let provisioner = found.and_then(|class| class["provisioner"].as_str()).unwrap_or_default();
    if found.is_some()
        && helpers_may_start(api, provisioner)?
        && (!waits || has_consumer(api, namespace, name)?)
    {
        let path = format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}");
        api.call("PATCH", &path, Some(&json!({"status": {"phase": "Bound"}})))?;
    }
    Ok(())
}

/// local-path makes a volume by a pod under a service account of its choice; without that account the API server refuses the pod, and the claim
/// waits for ever. Which one it takes is said by `SERVICE_ACCOUNT_NAME`, else it is upstream's (v0.0.32, main.go).
fn helpers_may_start(api: &Api, provisioner: &str) -> Result<bool> {
    for deployment in api.items("/apis/apps/v1/deployments")? {
        let pod = &deployment["spec"]["template"]["spec"];
        let containers = pod["containers"].as_array();
        let runs = |container: &&Value| {
            let command = container["command"].as_array().into_iter().flatten();
            let words: Vec<&str> = command.filter_map(Value::as_str).collect();
            words.first() == Some(&"local-path-provisioner") && words.contains(&provisioner)
        };
        let Some(container) = containers.into_iter().flatten().find(runs) else { continue };
        let namespace = deployment["metadata"]["namespace"].as_str().unwrap_or_default();
        let account = helpers_account(pod, container);
        return Ok(api.get(&format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}"))?.is_some());
    }
    Ok(true)
}

/// The service account that local-path gives its helpers.
fn helpers_account<'a>(pod: &'a Value, container: &'a Value) -> &'a str {
    let variables = container["env"].as_array().into_iter().flatten();
    let given = variables.into_iter().find(|variable| variable["name"] == "SERVICE_ACCOUNT_NAME");
    let own = |variable: &Value| variable["valueFrom"]["fieldRef"]["fieldPath"] == "spec.serviceAccountName";
    match given {
        Some(variable) if own(variable) => pod["serviceAccountName"].as_str().unwrap_or("default"),
        Some(variable) => variable["value"].as_str().unwrap_or_default(),
        None => "local-path-provisioner-service-account",
    }
}

/// Whether a pod mounts the claim.
fn has_consumer(api: &Api, namespace: &str, claim: &str) -> Result<bool> {
    let pods = api.items(&format!("/api/v1/namespaces/{namespace}/pods"))?;
    let mounts = |pod: &Value| {
        let volumes = pod["spec"]["volumes"].as_array();
        volumes.into_iter().flatten().any(|volume| volume["persistentVolumeClaim"]["claimName"] == claim)
    };
    Ok(pods.iter().any(mounts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_run_under_the_account_that_is_named_or_upstreams() {
        let pod = json!({"serviceAccountName": "own"});
        let with = |env: Value| json!({"command": ["local-path-provisioner"], "env": env});
        let own = json!([{"name": "SERVICE_ACCOUNT_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.serviceAccountName"}}}]);
        assert_eq!(helpers_account(&pod, &with(own)), "own");
        assert_eq!(
            helpers_account(&pod, &with(json!([{"name": "SERVICE_ACCOUNT_NAME", "value": "named"}]))),
            "named"
        );
        let others = json!([{"name": "POD_NAMESPACE", "value": "x"}]);
        assert_eq!(helpers_account(&pod, &with(others)), "local-path-provisioner-service-account");
    }
}
