//! The files that kubeadm writes on a host.

use serde_json::{Value, json};

use super::CERTIFICATES;
use crate::api_client::file;
use crate::{Result, certificates};

/// The static pods of a master.
pub(super) const PODS: [&str; 3] = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"];

/// A kubeconfig for a user of a group, if none is there.
pub(super) fn kubeconfig(name: &str, server: &str, user: &str, group: &str) -> Result<()> {
    let subject = if group.is_empty() { format!("/CN={user}") } else { format!("/O={group}/CN={user}") };
    let (key, request) = certificates::request(&subject)?;
    let certificate = certificates::sign(CERTIFICATES, &request)?;
    let ca = file(&format!("{CERTIFICATES}/ca.crt"))?;
    let text = certificates::kubeconfig(server, user, &ca, &certificate, &key);
    certificates::write_private(&format!("/etc/kubernetes/{name}.conf"), text.as_bytes())
}

/// The static pods of a master, from the cluster's configuration and this host's address.
pub(super) fn pods(cluster: &Value, address: &str, port: u64) -> Result<()> {
    let external = &cluster["etcd"]["external"];
    let endpoints: Vec<&str> =
        external["endpoints"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let text = |field: &str| external[field].as_str().unwrap_or_default().to_owned();
    let server = vec![
        format!("--advertise-address={address}"),
        format!("--secure-port={port}"),
        format!("--etcd-servers={}", endpoints.join(",")),
        format!("--etcd-cafile={}", text("caFile")),
        format!("--etcd-certfile={}", text("certFile")),
        format!("--etcd-keyfile={}", text("keyFile")),
        format!("--tls-cert-file={CERTIFICATES}/apiserver.crt"),
        format!("--tls-private-key-file={CERTIFICATES}/apiserver.key"),
        format!("--client-ca-file={CERTIFICATES}/ca.crt"),
        format!(
            "--service-cluster-ip-range={}",
            cluster["networking"]["serviceSubnet"].as_str().unwrap_or_default()
        ),
    ];
    let of = |name: &str| {
        vec![format!("--kubeconfig=/etc/kubernetes/{name}.conf"), "--leader-elect=true".to_owned()]
    };
    let parts = [
        ("apiServer", server),
        ("controllerManager", of("controller-manager")),
        ("scheduler", of("scheduler")),
    ];
    for (name, (component, mut command)) in PODS.into_iter().zip(parts) {
        for pair in cluster[component]["extraArgs"].as_array().into_iter().flatten() {
            command.push(format!(
                "--{}={}",
                pair["name"].as_str().unwrap_or_default(),
                pair["value"].as_str().unwrap_or_default()
            ));
        }
        command.insert(0, name.to_owned());
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "kube-system", "annotations": {"taskbox/standin": "no container runs"}},
            "spec": {"hostNetwork": true, "containers": [{"name": name, "command": command}]},
        });
        // JSON is YAML, too.
        certificates::write_private(
            &format!("/etc/kubernetes/manifests/{name}.yaml"),
            format!("{pod:#}\n").as_bytes(),
        )?;
    }
    Ok(())
}

/// The kubelet's configuration and flags.
pub(super) fn kubelet(configuration: &Value, node: &Value) -> Result<()> {
    let mut flags = Vec::new();
    for pair in node["kubeletExtraArgs"].as_array().into_iter().flatten() {
        flags.push(format!(
            "--{}={}",
            pair["name"].as_str().unwrap_or_default(),
            pair["value"].as_str().unwrap_or_default()
        ));
    }
    kubelet_settings(configuration)?;
    certificates::write_private(
        "/var/lib/kubelet/kubeadm-flags.env",
        format!("KUBELET_KUBEADM_ARGS=\"{}\"\n", flags.join(" ")).as_bytes(),
    )
}

/// The kubelet's copy of the cluster's configuration for it.
pub(super) fn kubelet_settings(configuration: &Value) -> Result<()> {
    certificates::write_private("/var/lib/kubelet/config.yaml", format!("{configuration:#}\n").as_bytes())
}
