//! kubeadm's configuration: which documents, fields and versions it takes.

use serde_json::Value;

use crate::{Result, VERSION, documents};

/// The version of the configuration that this Kubernetes reads.
const API: &str = "kubeadm.k8s.io/v1beta4";

const INIT: [&str; 10] = [
    "apiVersion",
    "kind",
    "localAPIEndpoint",
    "nodeRegistration",
    "bootstrapTokens",
    "skipPhases",
    "timeouts",
    "patches",
    "certificateKey",
    "dryRun",
];
const CLUSTER: [&str; 18] = [
    "apiVersion",
    "kind",
    "clusterName",
    "kubernetesVersion",
    "controlPlaneEndpoint",
    "certificatesDir",
    "imageRepository",
    "networking",
    "etcd",
    "apiServer",
    "controllerManager",
    "scheduler",
    "dns",
    "proxy",
    "featureGates",
    "encryptionAlgorithm",
    "certificateValidityPeriod",
    "caCertificateValidityPeriod",
];
const JOIN: [&str; 9] = [
    "apiVersion",
    "kind",
    "discovery",
    "controlPlane",
    "nodeRegistration",
    "caCertPath",
    "timeouts",
    "skipPhases",
    "patches",
];
const NODE: [&str; 7] = [
    "name",
    "criSocket",
    "taints",
    "kubeletExtraArgs",
    "ignorePreflightErrors",
    "imagePullPolicy",
    "imagePullSerial",
];
const COMPONENT: [&str; 4] = ["certSANs", "extraArgs", "extraVolumes", "extraEnvs"];

/// Reads the file that `--config` names, strictly.
pub(super) fn read(path: Option<&String>) -> Result<Vec<Value>> {
    let path = path.ok_or("--config is missing (the stand-in takes no other way)")?;
    let documents = documents::read(path)?;
    for document in &documents {
        check(document).map_err(|wrong| format!("{path}: {wrong}"))?;
    }
    Ok(documents)
}

fn check(document: &Value) -> Result<()> {
    let (version, kind) =
        (document["apiVersion"].as_str().unwrap_or_default(), document["kind"].as_str().unwrap_or_default());
    let fields: &[&str] = match kind {
        "InitConfiguration" => &INIT,
        "ClusterConfiguration" => &CLUSTER,
        "JoinConfiguration" => &JOIN,
        "KubeletConfiguration" if version == "kubelet.config.k8s.io/v1beta1" => return Ok(()),
        "KubeProxyConfiguration" if version == "kubeproxy.config.k8s.io/v1alpha1" => return proxy(document),
        other => return Err(format!("no kind {other:?} is registered for version {version:?}")),
    };
    if version != API {
        return Err(format!(
            "your configuration file uses an old or unknown API spec: {version:?} (kubeadm {VERSION} reads {API})"
        ));
    }
    known(document, fields, "")?;
    known(&document["nodeRegistration"], &NODE, "nodeRegistration.")?;
    for component in ["apiServer", "controllerManager", "scheduler"] {
        known(&document[component], &COMPONENT, &format!("{component}."))?;
        arguments(&document[component]["extraArgs"], component)?;
    }
    arguments(&document["nodeRegistration"]["kubeletExtraArgs"], "nodeRegistration")?;
    if kind == "ClusterConfiguration" { cluster(document) } else { Ok(()) }
}

fn known(value: &Value, fields: &[&str], path: &str) -> Result<()> {
    let names = value.as_object().into_iter().flatten().map(|(name, _)| name);
    match names.into_iter().find(|name| !fields.contains(&name.as_str())) {
        Some(name) => Err(format!("strict decoding error: unknown field \"{path}{name}\"")),
        None => Ok(()),
    }
}

/// From v1beta4 on, arguments are a list of names and values, both text.
fn arguments(value: &Value, of: &str) -> Result<()> {
    let pair = |pair: &Value| pair["name"].is_string() && pair["value"].is_string();
    match value {
        Value::Null => Ok(()),
        Value::Array(pairs) if pairs.iter().all(pair) => Ok(()),
        _ => {
            Err(format!("{of}: cannot unmarshal extra arguments into a list of name and value, both strings"))
        }
    }
}

fn cluster(document: &Value) -> Result<()> {
    let wanted = document["kubernetesVersion"].as_str().unwrap_or_default();
    if wanted != VERSION {
        return Err(format!("this version of kubeadm only supports deploying {VERSION}; got {wanted:?}"));
    }
    let endpoint = document["controlPlaneEndpoint"].as_str().unwrap_or_default();
    if !endpoint.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    {
        return Err(format!("controlPlaneEndpoint: invalid value {endpoint:?}"));
    }
    for network in ["serviceSubnet", "podSubnet"] {
        if !document["networking"][network].as_str().is_some_and(|cidr| cidr.contains('/')) {
            return Err(format!("networking.{network}: couldn't parse subnet"));
        }
    }
    if document["etcd"]["local"].is_object() == document["etcd"]["external"].is_object() {
        return Err("etcd: exactly one of local and external".to_owned());
    }
    Ok(())
}

fn proxy(document: &Value) -> Result<()> {
    match document["mode"].as_str() {
        Some("" | "iptables" | "ipvs" | "nftables") | None => Ok(()),
        Some(mode) => Err(format!("KubeProxyConfiguration.mode: invalid value {mode:?}")),
    }
}

/// Whether a preflight finding only warns.
pub(super) fn ignored(node: &Value, check: &str) -> bool {
    let list = node["ignorePreflightErrors"].as_array();
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .any(|name| name.eq_ignore_ascii_case(check) || name == "all")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn old_versions_and_unknown_fields_are_refused() {
        let old = json!({"apiVersion": "kubeadm.k8s.io/v1beta3", "kind": "InitConfiguration"});
        assert!(check(&old).unwrap_err().contains("old or unknown API spec"));
        let field = json!({"apiVersion": API, "kind": "InitConfiguration", "nodeRegistration": {"nme": "a"}});
        assert_eq!(
            check(&field).unwrap_err(),
            "strict decoding error: unknown field \"nodeRegistration.nme\""
        );
        let map = json!({"apiVersion": API, "kind": "InitConfiguration", "nodeRegistration": {"kubeletExtraArgs": {"v": "2"}}});
        assert!(check(&map).unwrap_err().contains("list of name and value"));
    }
}
