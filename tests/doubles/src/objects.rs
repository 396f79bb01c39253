//! The objects of the API: which kinds there are, where they lie in etcd, and what may be done with them.

use serde_json::{Map, Value, json};

use crate::documents::now;
use crate::etcd::Etcd;
use crate::validation;

/// A kind of object.
pub(crate) struct Kind {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) namespaced: bool,
}

const fn kind(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
    namespaced: bool,
) -> Kind {
    Kind { group, version, plural, kind, namespaced }
}

/// All kinds that it knows.
pub(crate) static KINDS: &[Kind] = &[
    kind("", "v1", "nodes", "Node", false),
    kind("", "v1", "namespaces", "Namespace", false),
    kind("", "v1", "persistentvolumes", "PersistentVolume", false),
    kind("", "v1", "pods", "Pod", true),
    kind("", "v1", "services", "Service", true),
    kind("", "v1", "endpoints", "Endpoints", true),
    kind("", "v1", "configmaps", "ConfigMap", true),
    kind("", "v1", "secrets", "Secret", true),
    kind("", "v1", "serviceaccounts", "ServiceAccount", true),
    kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true),
    kind("apps", "v1", "deployments", "Deployment", true),
    kind("apps", "v1", "daemonsets", "DaemonSet", true),
    kind("apps", "v1", "statefulsets", "StatefulSet", true),
    kind("batch", "v1", "jobs", "Job", true),
    kind("coordination.k8s.io", "v1", "leases", "Lease", true),
    kind("rbac.authorization.k8s.io", "v1", "roles", "Role", true),
    kind("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", true),
    kind("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", false),
    kind("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", false),
    kind("storage.k8s.io", "v1", "storageclasses", "StorageClass", false),
    kind("storage.k8s.io", "v1", "csidrivers", "CSIDriver", false),
    kind("certificates.k8s.io", "v1", "certificatesigningrequests", "CertificateSigningRequest", false),
    kind("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false),
    kind("apiregistration.k8s.io", "v1", "apiservices", "APIService", false),
    kind("installer.kubesphere.io", "v1alpha1", "clusterconfigurations", "ClusterConfiguration", true),
];

/// What a path names.
pub(crate) struct Place {
    pub(crate) kind: &'static Kind,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
}

impl Place {
    /// Reads `/api/v1/...` and `/apis/GROUP/VERSION/...`.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let words: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, version, rest) = match words.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() && rest[0] != "status" => {
                (Some((*namespace).to_owned()), rest)
            }
            rest => (None, rest),
        };
        let plural = rest.first()?;
        let kind = KINDS
            .iter()
            .find(|kind| kind.group == group && kind.version == version && kind.plural == *plural)?;
        Some(Self { kind, namespace, name: rest.get(1).map(|name| (*name).to_owned()) })
    }

    fn prefix(&self) -> String {
        let start = format!("/registry/standin/{}/{}/", self.kind.group, self.kind.plural);
        match &self.namespace {
            Some(namespace) => format!("{start}{namespace}/"),
            None => start,
        }
    }

    fn key(&self, name: &str) -> String {
        if self.kind.namespaced {
            format!("{}{name}", self.prefix())
        } else {
            format!("{}-/{name}", self.prefix())
        }
    }
}

/// An answer: the status and the body.
pub(crate) type Answer = (u16, Value);

/// A `Status` with a reason, as every client of Kubernetes reads it.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> Answer {
    (
        code,
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code}),
    )
}

/// Does what is asked with the objects.
pub(crate) fn serve(etcd: &Etcd, method: &str, place: &Place, query: &str, body: &Value) -> Answer {
    let done = match (method, &place.name) {
        ("GET", None) => list(etcd, place, query),
        ("GET", Some(name)) => get(etcd, place, name),
        ("POST", None) => create(etcd, place, body),
        ("PUT", Some(name)) => replace(etcd, place, name, body),
        ("PATCH", Some(name)) => patch(etcd, place, name, body),
        ("DELETE", Some(name)) => delete(etcd, place, name),
        _ => Ok(status(405, "MethodNotAllowed", "the stand-in does not do that")),
    };
    done.unwrap_or_else(|error| status(500, "InternalError", &error))
}

fn typed(place: &Place, entry: crate::etcd::Entry) -> Value {
    let mut value = entry.value;
    value["metadata"]["resourceVersion"] = Value::String(entry.revision);
    value["kind"] = Value::from(place.kind.kind);
    value["apiVersion"] = Value::from(group_version(place.kind));
    value
}

pub(crate) fn group_version(kind: &Kind) -> String {
    if kind.group.is_empty() { kind.version.to_owned() } else { format!("{}/{}", kind.group, kind.version) }
}

fn list(etcd: &Etcd, place: &Place, query: &str) -> crate::Result<Answer> {
    let wanted = selector(query);
    let items: Vec<Value> = etcd
        .list(&place.prefix())?
        .into_iter()
        .map(|entry| typed(place, entry))
        .filter(|item| wanted.iter().all(|(name, value)| item["metadata"]["labels"][name] == *value))
        .collect();
    let kind = format!("{}List", place.kind.kind);
    Ok((
        200,
        json!({"kind": kind, "apiVersion": group_version(place.kind), "metadata": {"resourceVersion": "1"}, "items": items}),
    ))
}

/// The pairs of `labelSelector=a=b,c=d`.
fn selector(query: &str) -> Vec<(String, String)> {
    let text = query.split('&').find_map(|part| part.strip_prefix("labelSelector=")).unwrap_or_default();
    let text = text.replace("%3D", "=").replace("%2C", ",").replace("%2F", "/");
    text.split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn missing(place: &Place, name: &str) -> Answer {
    status(404, "NotFound", &format!("{} \"{name}\" not found", place.kind.plural))
}

fn get(etcd: &Etcd, place: &Place, name: &str) -> crate::Result<Answer> {
    Ok(etcd.get(&place.key(name))?.map_or_else(|| missing(place, name), |entry| (200, typed(place, entry))))
}

fn create(etcd: &Etcd, place: &Place, body: &Value) -> crate::Result<Answer> {
    let Some(name) = body["metadata"]["name"].as_str() else {
        return Ok(status(422, "Invalid", "metadata.name: Required value"));
    };
    if body["kind"].as_str().is_some_and(|kind| kind != place.kind.kind) {
        return Ok(status(400, "BadRequest", "the object provided is of another kind than the path"));
    }
    if let Some(namespace) = place
        .namespace
        .as_deref()
        .filter(|name| !["default", "kube-system", "kube-public", "kube-node-lease"].contains(name))
        && etcd.get(&format!("/registry/standin//namespaces/-/{namespace}"))?.is_none()
    {
        return Ok(status(404, "NotFound", &format!("namespaces \"{namespace}\" not found")));
    }
    if let Some(refused) = refuse(etcd, place, body)? {
        return Ok(refused);
    }
    let mut object = body.clone();
    encode_secret(place, &mut object);
    let metadata = &mut object["metadata"];
    metadata["uid"] = Value::from(format!("{}-{}", place.kind.plural, now()));
    metadata["creationTimestamp"] =
        Value::from(jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    if let Some(namespace) = &place.namespace {
        metadata["namespace"] = Value::from(namespace.as_str());
    }
    if place.kind.kind == "Namespace" {
        object["status"] = json!({"phase": "Active"});
    }
    if !etcd.put(&place.key(name), &object, "0")? {
        return Ok(status(409, "AlreadyExists", &format!("{} \"{name}\" already exists", place.kind.plural)));
    }
    let (_, made) = get(etcd, place, name)?;
    Ok((201, made))
}

/// What the real one answers to an object that it would not store.
fn refuse(etcd: &Etcd, place: &Place, object: &Value) -> crate::Result<Option<Answer>> {
    let Kind { group, plural, kind, .. } = place.kind;
    // Kinds that are defined by objects are there once they are defined.
    if group.contains("kubesphere") {
        let definition =
            format!("/registry/standin/apiextensions.k8s.io/customresourcedefinitions/-/{plural}.{group}");
        if etcd.get(&definition)?.is_none() {
            return Ok(Some(status(404, "NotFound", "the server could not find the requested resource")));
        }
    }
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    Ok(validation::wrong(place.kind, object)
        .map(|wrong| status(422, "Invalid", &format!("{kind} \"{name}\" is invalid: {wrong}"))))
}

/// `stringData` is `data` once it is stored.
fn encode_secret(place: &Place, object: &mut Value) {
    use base64::Engine as _;
    if place.kind.kind != "Secret" {
        return;
    }
    let Some(Value::Object(texts)) = object.as_object_mut().and_then(|object| object.remove("stringData"))
    else {
        return;
    };
    for (name, text) in texts {
        let bytes = text.as_str().unwrap_or_default();
        object["data"][name] = Value::from(base64::engine::general_purpose::STANDARD.encode(bytes));
    }
}

fn replace(etcd: &Etcd, place: &Place, name: &str, body: &Value) -> crate::Result<Answer> {
    let Some(old) = etcd.get(&place.key(name))? else { return Ok(missing(place, name)) };
    let wanted = body["metadata"]["resourceVersion"].as_str().unwrap_or(&old.revision);
    if wanted != old.revision || !etcd.put(&place.key(name), body, &old.revision)? {
        return Ok(status(
            409,
            "Conflict",
            "the object has been modified; please apply your changes to the latest version",
        ));
    }
    get(etcd, place, name)
}

fn patch(etcd: &Etcd, place: &Place, name: &str, body: &Value) -> crate::Result<Answer> {
    for _ in 0..20 {
        let Some(old) = etcd.get(&place.key(name))? else { return Ok(missing(place, name)) };
        let mut object = old.value.clone();
        let mut change = body.clone();
        // Not by index: that would make an empty `metadata`, and an empty one removes.
        if let Some(metadata) = change.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("resourceVersion");
        }
        merge(&mut object, &change);
        encode_secret(place, &mut object);
        if let Some(refused) = refuse(etcd, place, &object)? {
            return Ok(refused);
        }
        if object == old.value || etcd.put(&place.key(name), &object, &old.revision)? {
            return get(etcd, place, name);
        }
    }
    Ok(status(409, "Conflict", "others keep changing it"))
}

/// A merge patch (RFC 7396). Of a strategic one, what kubectl needs here is the same; taints and other lists are replaced whole.
fn merge(target: &mut Value, change: &Value) {
    let Value::Object(change) = change else { return target.clone_from(change) };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in change {
        if name.starts_with('$') {
            continue;
        }
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

fn delete(etcd: &Etcd, place: &Place, name: &str) -> crate::Result<Answer> {
    if etcd.get(&place.key(name))?.is_none() {
        return Ok(missing(place, name));
    }
    etcd.delete(&place.key(name))?;
    if place.kind.kind == "Namespace" {
        for kind in KINDS.iter().filter(|kind| kind.namespaced) {
            let inside = Place { kind, namespace: Some(name.to_owned()), name: None };
            for object in etcd.list(&inside.prefix())? {
                etcd.delete(&inside.key(object.value["metadata"]["name"].as_str().unwrap_or_default()))?;
            }
        }
    }
    Ok((200, json!({"kind": "Status", "apiVersion": "v1", "status": "Success"})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_objects() {
        let pod = Place::parse("/api/v1/namespaces/kube-system/pods/a").expect("known");
        assert_eq!(
            (pod.key("a").as_str(), pod.name.as_deref()),
            ("/registry/standin//pods/kube-system/a", Some("a"))
        );
        let namespace = Place::parse("/api/v1/namespaces/kube-system").expect("known");
        assert_eq!((namespace.kind.kind, namespace.name.as_deref()), ("Namespace", Some("kube-system")));
        let all = Place::parse("/apis/apps/v1/deployments").expect("known");
        assert_eq!(all.prefix(), "/registry/standin/apps/deployments/");
        assert!(Place::parse("/apis/none/v1/things").is_none());
    }

    #[test]
    fn a_merge_removes_what_is_null() {
        let mut object = json!({"a": {"b": 1, "c": 2}, "d": [1]});
        merge(&mut object, &json!({"a": {"b": null, "e": 3}, "d": [2]}));
        assert_eq!(object, json!({"a": {"c": 2, "e": 3}, "d": [2]}));
    }
}
