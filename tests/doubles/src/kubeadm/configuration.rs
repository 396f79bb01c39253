//! kubeadm's configuration: which documents, fields and versions it takes.

use serde_json::Value;

use crate::{Result, VERSION, documents};

/// What one version of the configuration knows. Both are as kubeadm documents them.
struct Schema {
    api: &'static str,
    init: &'static [&'static str],
    cluster: &'static [&'static str],
    join: &'static [&'static str],
    node: &'static [&'static str],
    component: &'static [&'static str],
    /// Arguments are a list of names and values, not a mapping.
    listed: bool,
}

/// Until Kubernetes 1.30.
static V1BETA3: Schema = Schema {
    api: "kubeadm.k8s.io/v1beta3",
    init: &[
        "localAPIEndpoint",
        "nodeRegistration",
        "bootstrapTokens",
        "skipPhases",
        "patches",
        "certificateKey",
    ],
    cluster: &[
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
        "featureGates",
    ],
    join: &["discovery", "controlPlane", "nodeRegistration", "caCertPath", "skipPhases", "patches"],
    node: &["name", "criSocket", "taints", "kubeletExtraArgs", "ignorePreflightErrors", "imagePullPolicy"],
    component: &["certSANs", "extraArgs", "extraVolumes", "timeoutForControlPlane"],
    listed: false,
};

/// From Kubernetes 1.31 on.
static V1BETA4: Schema = Schema {
    api: "kubeadm.k8s.io/v1beta4",
    init: &[
        "localAPIEndpoint",
        "nodeRegistration",
        "bootstrapTokens",
        "skipPhases",
        "timeouts",
        "patches",
        "certificateKey",
        "dryRun",
    ],
    cluster: &[
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
    ],
    join: &[
        "discovery",
        "controlPlane",
        "nodeRegistration",
        "caCertPath",
        "timeouts",
        "skipPhases",
        "patches",
        "dryRun",
    ],
    node: &[
        "name",
        "criSocket",
        "taints",
        "kubeletExtraArgs",
        "ignorePreflightErrors",
        "imagePullPolicy",
        "imagePullSerial",
    ],
    component: &["certSANs", "extraArgs", "extraVolumes", "extraEnvs"],
    listed: true,
};

/// The version of the configuration that a version of Kubernetes (`v1.MINOR.PATCH`) reads.
fn schema(version: &str) -> &'static Schema {
    let minor = version.split('.').nth(1).and_then(|minor| minor.parse::<u8>().ok()).unwrap_or_default();
    if minor < 31 { &V1BETA3 } else { &V1BETA4 }
}

/// Reads the file that `--config` names, strictly.
pub(super) fn read(path: Option<&String>) -> Result<Vec<Value>> {
    let path = path.ok_or("--config is missing (the stand-in takes no other way)")?;
    // The real one takes a comment before the first line of dashes for a document.
    if documents::has_comment_only(path)? {
        return Err(format!(
            "{path}: invalid configuration for GroupVersionKind /, Kind=: kind and apiVersion is mandatory information that must be specified"
        ));
    }
    let documents = documents::read_all(path)?;
    for document in &documents {
        if document.is_null() {
            return Err("invalid configuration for GroupVersionKind /, Kind=: kind and apiVersion is mandatory information that must be specified".to_owned());
        }
        check(document, VERSION).map_err(|wrong| format!("{path}: {wrong}"))?;
    }
    Ok(documents)
}

fn check(document: &Value, kubernetes: &str) -> Result<()> {
    let (version, kind) =
        (document["apiVersion"].as_str().unwrap_or_default(), document["kind"].as_str().unwrap_or_default());
    let schema = schema(kubernetes);
    let fields = match kind {
        "InitConfiguration" => schema.init,
        "ClusterConfiguration" => schema.cluster,
        "JoinConfiguration" => schema.join,
        "KubeletConfiguration" if version == "kubelet.config.k8s.io/v1beta1" => return Ok(()),
        "KubeProxyConfiguration" if version == "kubeproxy.config.k8s.io/v1alpha1" => return proxy(document),
        other => return Err(format!("no kind {other:?} is registered for version {version:?}")),
    };
    if version != schema.api {
        return Err(format!(
            "your configuration file uses an old or unknown API spec: {version:?} (kubeadm {kubernetes} reads {})",
            schema.api
        ));
    }
    known(document, &[&["apiVersion", "kind"], fields].concat(), "")?;
    known(&document["nodeRegistration"], schema.node, "nodeRegistration.")?;
    for component in ["apiServer", "controllerManager", "scheduler"] {
        known(&document[component], schema.component, &format!("{component}."))?;
        arguments(&document[component]["extraArgs"], component, schema)?;
    }
    arguments(&document["nodeRegistration"]["kubeletExtraArgs"], "nodeRegistration", schema)?;
    if kind == "ClusterConfiguration" { cluster(document, kubernetes) } else { Ok(()) }
}

fn known(value: &Value, fields: &[&str], path: &str) -> Result<()> {
    let names = value.as_object().into_iter().flatten().map(|(name, _)| name);
    match names.into_iter().find(|name| !fields.contains(&name.as_str())) {
        Some(name) => Err(format!("strict decoding error: unknown field \"{path}{name}\"")),
        None => Ok(()),
    }
}

/// Arguments: a list of names and values, or before v1beta4 a mapping; all of it text.
fn arguments(value: &Value, of: &str, schema: &Schema) -> Result<()> {
    let pair = |pair: &Value| pair["name"].is_string() && pair["value"].is_string();
    match value {
        Value::Null => Ok(()),
        Value::Array(pairs) if schema.listed && pairs.iter().all(pair) => Ok(()),
        Value::Object(pairs) if !schema.listed && pairs.values().all(Value::is_string) => Ok(()),
        _ => {
            Err(format!("{of}: cannot unmarshal extra arguments into a list of name and value, both strings"))
        }
    }
}

fn cluster(document: &Value, kubernetes: &str) -> Result<()> {
    let wanted = document["kubernetesVersion"].as_str().unwrap_or_default();
    if wanted != kubernetes {
        return Err(format!("this version of kubeadm only supports deploying {kubernetes}; got {wanted:?}"));
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
        assert!(check(&old, VERSION).unwrap_err().contains("old or unknown API spec"));
        let field =
            json!({"apiVersion": V1BETA4.api, "kind": "InitConfiguration", "nodeRegistration": {"nme": "a"}});
        assert_eq!(
            check(&field, VERSION).unwrap_err(),
            "strict decoding error: unknown field \"nodeRegistration.nme\""
        );
        let map = json!({"apiVersion": V1BETA4.api, "kind": "InitConfiguration", "nodeRegistration": {"kubeletExtraArgs": {"v": "2"}}});
        assert!(check(&map, VERSION).unwrap_err().contains("list of name and value"));
    }

    fn golden(folder: &str) -> Vec<(String, Vec<Value>)> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden").join(folder);
        let entries = std::fs::read_dir(&folder).expect("golden files");
        let paths = entries.map(|entry| entry.expect("an entry").path().display().to_string());
        paths
            .filter(|path| path.ends_with(".yaml"))
            .map(|path| (path.clone(), documents::read(&path).expect(&path)))
            .collect()
    }

    #[test]
    fn what_the_roles_write_fits_its_version() {
        let minors = ["1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "stacked", "dual"];
        for folder in minors {
            let files = golden(folder);
            let all = files.iter().flat_map(|(_, documents)| documents);
            let version = all
                .filter_map(|document| document["kubernetesVersion"].as_str())
                .next()
                .expect("a ClusterConfiguration")
                .to_owned();
            for (path, documents) in &files {
                assert!(!documents.is_empty(), "{path}");
                assert_eq!(documents::has_comment_only(path), Ok(false), "{path}");
                for document in documents {
                    assert_eq!(check(document, &version), Ok(()), "{path}");
                }
            }
        }
    }

    #[test]
    fn manifests_of_the_roles_are_taken_by_the_api_server() {
        let skipped = ["ks-core-values.yaml"];
        let mut count = 0;
        for (path, documents) in golden("manifests") {
            if skipped.iter().any(|name| path.ends_with(name)) {
                continue;
            }
            for document in documents {
                let kind = document["kind"].as_str().unwrap_or_default();
                let known = crate::objects::KINDS.iter().find(|known| {
                    known.kind == kind
                        && crate::objects::group_version(known)
                            == document["apiVersion"].as_str().unwrap_or_default()
                });
                let known = known.unwrap_or_else(|| panic!("{path}: no kind {kind}"));
                assert_eq!(crate::validation::wrong(known, &document), None, "{path}");
                count += 1;
            }
        }
        assert!(count > 40, "{count} objects");
    }
}
