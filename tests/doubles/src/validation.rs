//! What the API server refuses of an object: the fields that the real one requires, in the words it uses.

use serde_json::Value;

use crate::objects::Kind;

/// The first thing that is wrong with an object that shall be written; `None` when it may be.
pub(crate) fn wrong(kind: &Kind, object: &Value) -> Option<String> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    if !is_name(name, kind.kind) {
        return Some(format!(
            "metadata.name: Invalid value: {name:?}: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'"
        ));
    }
    match kind.kind {
        "Deployment" | "DaemonSet" | "StatefulSet" => workload(&object["spec"]),
        "Pod" => containers(&object["spec"], "spec."),
        "Service" => service(&object["spec"]),
        "PersistentVolumeClaim" => claim(&object["spec"]),
        "StorageClass" => class(object),
        "ConfigMap" => texts(&object["data"], "data"),
        "Secret" => texts(&object["data"], "data").or_else(|| texts(&object["stringData"], "stringData")),
        "Role" | "ClusterRole" => rules(&object["rules"]),
        "RoleBinding" | "ClusterRoleBinding" => binding(object),
        "CustomResourceDefinition" => definition(object),
        "APIService" => required(&object["spec"], "spec", &["group", "version"]),
        _ => None,
    }
}

/// Names of roles may have colons.
fn is_name(name: &str, kind: &str) -> bool {
    let fits = |c: char| {
        c.is_ascii_lowercase()
            || c.is_ascii_digit()
            || "-.".contains(c)
            || (kind.contains("Role") && c == ':')
    };
    !name.is_empty() && name.len() <= 253 && name.chars().all(fits) && !name.starts_with(['-', '.'])
}

fn required(value: &Value, path: &str, fields: &[&str]) -> Option<String> {
    fields
        .iter()
        .find(|field| value[**field].as_str().unwrap_or_default().is_empty())
        .map(|field| format!("{path}.{field}: Required value"))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn workload(spec: &Value) -> Option<String> {
    let Some(wanted) = spec["selector"]["matchLabels"].as_object().filter(|labels| !labels.is_empty()) else {
        return Some("spec.selector: Required value".to_owned());
    };
    let labels = &spec["template"]["metadata"]["labels"];
    if wanted.iter().any(|(name, value)| labels[name] != *value) {
        return Some(format!(
            "spec.template.metadata.labels: Invalid value: {labels}: `selector` does not match template `labels`"
        ));
    }
    containers(&spec["template"]["spec"], "spec.template.spec.")
}

fn containers(spec: &Value, path: &str) -> Option<String> {
    if list(&spec["containers"]).next().is_none() {
        return Some(format!("{path}containers: Required value"));
    }
    let volumes: Vec<&str> = list(&spec["volumes"]).filter_map(|volume| volume["name"].as_str()).collect();
    for (field, number, container) in ["initContainers", "containers"]
        .into_iter()
        .flat_map(|field| list(&spec[field]).enumerate().map(move |(number, one)| (field, number, one)))
    {
        let path = format!("{path}{field}[{number}]");
        if let Some(missing) = required(container, &path, &["name", "image"]) {
            return Some(missing);
        }
        for mount in list(&container["volumeMounts"]) {
            let name = mount["name"].as_str().unwrap_or_default();
            if mount["mountPath"].as_str().unwrap_or_default().is_empty() {
                return Some(format!("{path}.volumeMounts.mountPath: Required value"));
            }
            if !volumes.contains(&name) {
                return Some(format!("{path}.volumeMounts.name: Not found: {name:?}"));
            }
        }
        for variable in list(&container["env"]) {
            if variable["name"].as_str().unwrap_or_default().is_empty() {
                return Some(format!("{path}.env.name: Required value"));
            }
            if !(variable["value"].is_string() || variable["value"].is_null()) {
                return Some(format!(
                    "{path}.env.value: cannot unmarshal {} into a string",
                    variable["value"]
                ));
            }
        }
    }
    None
}

fn service(spec: &Value) -> Option<String> {
    let kind = spec["type"].as_str().unwrap_or("ClusterIP");
    for port in list(&spec["ports"]) {
        if !port["port"].as_u64().is_some_and(|port| (1..=65535).contains(&port)) {
            return Some(
                "spec.ports[0].port: Invalid value: must be between 1 and 65535, inclusive".to_owned(),
            );
        }
        match port["nodePort"].as_u64() {
            Some(_) if kind == "ClusterIP" => {
                return Some(
                    "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"
                        .to_owned(),
                );
            }
            Some(port) if !(30000..=32767).contains(&port) => {
                return Some(format!(
                    "spec.ports[0].nodePort: Invalid value: {port}: provided port is not in the valid range. The range of valid ports is 30000-32767"
                ));
            }
            _ => {}
        }
    }
    None
}

fn claim(spec: &Value) -> Option<String> {
    if list(&spec["accessModes"]).next().is_none() {
        return Some("spec.accessModes: Required value: at least 1 access mode is required".to_owned());
    }
    required(&spec["resources"]["requests"], "spec.resources.requests", &["storage"])
        .map(|_| "spec.resources[storage]: Required value".to_owned())
}

fn class(object: &Value) -> Option<String> {
    if let Some(missing) = required(object, "storageclass", &["provisioner"]) {
        return Some(missing);
    }
    match object["volumeBindingMode"].as_str() {
        None | Some("Immediate" | "WaitForFirstConsumer") => texts(&object["parameters"], "parameters"),
        Some(mode) => Some(format!("volumeBindingMode: Unsupported value: {mode:?}")),
    }
}

/// Every value is text.
fn texts(map: &Value, path: &str) -> Option<String> {
    let (name, value) = map.as_object()?.iter().find(|(_, value)| !value.is_string())?;
    Some(format!("{path}.{name}: cannot unmarshal {value} into a string"))
}

fn rules(rules: &Value) -> Option<String> {
    let without = list(rules).position(|rule| list(&rule["verbs"]).next().is_none());
    without
        .map(|number| format!("rules[{number}].verbs: Required value: verbs must contain at least one value"))
}

fn binding(object: &Value) -> Option<String> {
    if let Some(missing) = required(&object["roleRef"], "roleRef", &["apiGroup", "kind", "name"]) {
        return Some(missing);
    }
    list(&object["subjects"]).find_map(|subject| match subject["kind"].as_str() {
        Some("ServiceAccount") => required(subject, "subjects[0]", &["name", "namespace"]),
        Some(_) => required(subject, "subjects[0]", &["name"]),
        None => Some("subjects[0].kind: Required value".to_owned()),
    })
}

fn definition(object: &Value) -> Option<String> {
    let spec = &object["spec"];
    if let Some(missing) = required(spec, "spec", &["group", "scope"])
        .or_else(|| required(&spec["names"], "spec.names", &["plural", "kind"]))
    {
        return Some(missing);
    }
    let name = format!("{}.{}", spec["names"]["plural"].as_str()?, spec["group"].as_str()?);
    if object["metadata"]["name"] != name.as_str() {
        return Some(format!(
            "metadata.name: Invalid value: must be spec.names.plural+\".\"+spec.group: {name}"
        ));
    }
    let stored = list(&spec["versions"]).filter(|version| version["storage"] == true).count();
    (stored != 1).then(|| {
        "spec.versions: Invalid value: must have exactly one version marked as storage version".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::objects::KINDS;

    fn said(kind: &str, object: Value) -> Option<String> {
        wrong(KINDS.iter().find(|known| known.kind == kind).expect("a known kind"), &object)
    }

    #[test]
    fn a_workload_needs_a_selector_that_fits_its_pods() {
        let template = json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "b"}]}});
        let with = |labels: Value| json!({"metadata": {"name": "a"}, "spec": {"selector": {"matchLabels": labels}, "template": template}});
        assert_eq!(said("Deployment", with(json!({"app": "a"}))), None);
        assert_eq!(said("Deployment", with(json!({}))).as_deref(), Some("spec.selector: Required value"));
        assert!(said("DaemonSet", with(json!({"app": "b"}))).expect("refused").contains("does not match"));
    }

    #[test]
    fn what_is_mounted_must_be_there_and_text_must_be_text() {
        let mounts = json!({"metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "image": "b", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}]}});
        assert!(said("Pod", mounts).expect("refused").ends_with("Not found: \"v\""));
        assert!(said("ConfigMap", json!({"metadata": {"name": "a"}, "data": {"x": 1}})).is_some());
        assert!(said("Service", json!({"metadata": {"name": "a"}, "spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]}})).is_some());
        assert!(said("StorageClass", json!({"metadata": {"name": "a"}})).is_some());
        assert!(said("ConfigMap", json!({"metadata": {"name": "A"}})).is_some());
    }
}
