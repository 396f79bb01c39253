//! ks-installer of KubeSphere 3, where its deployment runs: reads the ClusterConfiguration, refuses what it cannot use, and brings the console.

use serde_json::{Value, json};

use crate::Result;
use crate::api_client::Api;

const NAMESPACE: &str = "kubesphere-system";

/// One round: nothing when there is no ks-installer, or nothing to install.
pub(crate) fn run(api: &Api) -> Result<()> {
    let deployment = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/ks-installer");
    let configuration = format!(
        "/apis/installer.kubesphere.io/v1alpha1/namespaces/{NAMESPACE}/clusterconfigurations/ks-installer"
    );
    let (Some(_), Some(wanted)) = (api.get(&deployment)?, api.get(&configuration)?) else { return Ok(()) };
    let spec = &wanted["spec"];
    if let Some(wrong) = refuse(spec, &api.items("/apis/storage.k8s.io/v1/storageclasses")?) {
        return Err(format!("ks-installer: {wrong}"));
    }
    let console = &spec["common"]["core"]["console"];
    let labels = json!({"app": "ks-console", "tier": "frontend"});
    let workload = json!({
        "metadata": {"name": "ks-console"},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "ks-console", "image": "standin/ks-console"}]}}},
    });
    api.apply(&format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments"), &workload)?;
    let service = json!({"metadata": {"name": "ks-console"}, "spec": {"type": "NodePort", "selector": labels, "ports": [{"name": "nginx", "port": 80, "nodePort": console["port"]}]}});
    api.apply(&format!("/api/v1/namespaces/{NAMESPACE}/services"), &service).map(drop)
}

/// What its own checks say: a storage class, and switches that are switches.
fn refuse(spec: &Value, classes: &[Value]) -> Option<String> {
    let named = spec["persistence"]["storageClass"].as_str().unwrap_or_default();
    let is_default = |class: &Value| {
        class["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"
    };
    let found = classes.iter().any(|class| match named {
        "" => is_default(class),
        name => class["metadata"]["name"] == name,
    });
    if !found {
        return Some("Default StorageClass was not found".to_owned());
    }
    let switches = ["alerting", "auditing", "devops", "events", "logging", "metrics_server", "servicemesh"];
    switches
        .iter()
        .find(|name| !spec[**name]["enabled"].is_boolean())
        .map(|name| format!("{name}.enabled is no boolean"))
}
