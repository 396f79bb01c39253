//! `kubeadm join`: discovery, then a certificate for the kubelet, then on masters the static pods.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::preflight::{self, Findings};
use super::{CERTIFICATES, admin, configuration, files, init, systemctl};
use crate::api_client::{Api, message};
use crate::documents::of_kind;
use crate::{Result, certificates, print};

pub(super) fn run(flags: &BTreeMap<String, String>) -> Result<()> {
    let documents = configuration::read(flags.get("config"))?;
    let join = of_kind(&documents, "JoinConfiguration").ok_or("no JoinConfiguration in the configuration")?;
    let node = &join["nodeRegistration"];
    let name = node["name"].as_str().unwrap_or_default();
    let master = join["controlPlane"].is_object();
    let mut findings = Findings::default();
    preflight::host(&mut findings);
    let manifests =
        Path::new("/etc/kubernetes/manifests").read_dir().is_ok_and(|mut entries| entries.next().is_some());
    findings.require(
        "DirAvailable--etc-kubernetes-manifests",
        !manifests,
        "/etc/kubernetes/manifests is not empty",
    );
    findings.require(
        "FileAvailable--etc-kubernetes-kubelet.conf",
        !Path::new("/etc/kubernetes/kubelet.conf").exists(),
        "/etc/kubernetes/kubelet.conf already exists",
    );
    if master {
        preflight::fresh_master(&mut findings);
    } else {
        let ca = format!("{CERTIFICATES}/ca.crt");
        findings.require(
            "FileAvailable--etc-kubernetes-pki-ca.crt",
            !Path::new(&ca).exists(),
            format!("{ca} already exists"),
        );
    }
    findings.judge(node)?;

    let (api, ca) = discover(&join["discovery"]["bootstrapToken"])?;
    let (cluster, kubelet) =
        (read(&api, "kubeadm-config", "ClusterConfiguration")?, read(&api, "kubelet-config", "kubelet")?);
    let endpoint = format!("https://{}", cluster["controlPlaneEndpoint"].as_str().unwrap_or_default());
    if master {
        prepare_master(join, &cluster, &endpoint, name)?;
    } else {
        certificates::write_private(&format!("{CERTIFICATES}/ca.crt"), &ca)?;
    }
    let (key, request) = certificates::request(&format!("/O=system:nodes/CN=system:node:{name}"))?;
    let certificate = ask_for_certificate(&api, name, &request)?;
    let text = certificates::kubeconfig(&endpoint, &format!("system:node:{name}"), &ca, &certificate, &key);
    certificates::write_private("/etc/kubernetes/kubelet.conf", text.as_bytes())?;
    std::fs::create_dir_all("/etc/kubernetes/manifests").map_err(|error| error.to_string())?;
    files::kubelet(&kubelet, node)?;
    systemctl(&["restart", "kubelet"])?;
    if master {
        let (address, port) = local(join)?;
        files::pods(&cluster, address, port)?;
        init::wait_live(&Api::at(&format!("https://{address}:{port}"), ca, None)?)?;
        init::mark_control_plane(&admin()?, name, node)?;
    }
    print(&format!("This node has joined the cluster: {name} [taskbox's stand-in]"));
    Ok(())
}

/// What the cluster keeps of its configuration.
fn read(api: &Api, name: &str, key: &str) -> Result<Value> {
    let path = format!("/api/v1/namespaces/kube-system/configmaps/{name}");
    let found = api.get(&path)?.ok_or_else(|| format!("configmaps \"{name}\" not found"))?;
    serde_json::from_str(found["data"][key].as_str().unwrap_or_default())
        .map_err(|error| format!("{name}: {error}"))
}

/// `kubeadm upgrade node phase kubelet-config`: the kubelet's copy anew, on a host that has joined.
pub(super) fn refresh_kubelet() -> Result<()> {
    let api = Api::from_kubeconfig("/etc/kubernetes/kubelet.conf")
        .map_err(|error| format!("couldn't create a Kubernetes client: {error}"))?;
    files::kubelet_settings(&read(&api, "kubelet-config", "kubelet")?)
}

/// Reads who the authority is, checks its hash, and comes again with the token.
fn discover(token: &Value) -> Result<(Api, Vec<u8>)> {
    let text = |field: &str| {
        token[field]
            .as_str()
            .filter(|text| !text.is_empty())
            .ok_or_else(|| format!("discovery.bootstrapToken.{field}: Required value"))
    };
    let server = format!("https://{}", text("apiServerEndpoint")?);
    let unverified = Api::at(&server, Vec::new(), None)?;
    let info = unverified
        .get("/api/v1/namespaces/kube-public/configmaps/cluster-info")
        .map_err(|error| format!("couldn't validate the identity of the API Server: {error}"))?
        .ok_or("the cluster has no cluster-info: `kubeadm init` has not ended")?;
    let info: Value = serde_json::from_str(info["data"]["kubeconfig"].as_str().unwrap_or_default())
        .map_err(|error| error.to_string())?;
    let ca = info["clusters"][0]["cluster"]["certificate-authority-data"].as_str().unwrap_or_default();
    let ca = STANDARD.decode(ca).map_err(|error| error.to_string())?;
    let hash = certificates::authority_hash(&ca)?;
    let known = token["caCertHashes"].as_array().into_iter().flatten().any(|wanted| wanted == hash.as_str());
    if !known {
        return Err(format!(
            "cluster CA found in cluster-info ConfigMap is invalid: none of the public keys \"{hash}\" are pinned"
        ));
    }
    let api = Api::at(&server, ca.clone(), Some(text("token")?))?;
    Ok((api, ca))
}

fn local(join: &Value) -> Result<(&str, u64)> {
    let local = &join["controlPlane"]["localAPIEndpoint"];
    let address = local["advertiseAddress"]
        .as_str()
        .ok_or("controlPlane.localAPIEndpoint.advertiseAddress: Required value")?;
    Ok((address, local["bindPort"].as_u64().unwrap_or(6443)))
}

fn prepare_master(join: &Value, cluster: &Value, endpoint: &str, name: &str) -> Result<()> {
    let (address, port) = local(join)?;
    let mut findings = Findings::default();
    let host = endpoint.trim_start_matches("https://").rsplit_once(':').map_or("", |(host, _)| host);
    preflight::certificates(&mut findings, cluster, &[name, host, address].map(str::to_owned));
    preflight::etcd(&mut findings, cluster);
    findings.judge(&join["nodeRegistration"])?;
    let server = format!("https://{address}:{port}");
    files::kubeconfig("admin", endpoint, "kubernetes-admin", "kubeadm:cluster-admins")?;
    files::kubeconfig("controller-manager", &server, "system:kube-controller-manager", "")?;
    files::kubeconfig("scheduler", &server, "system:kube-scheduler", "")
}

fn ask_for_certificate(api: &Api, name: &str, request: &[u8]) -> Result<Vec<u8>> {
    let stamp = jiff::Timestamp::now().as_nanosecond();
    let asked = json!({
        "metadata": {"name": format!("csr-{name}-{stamp}")},
        "spec": {"request": STANDARD.encode(request), "signerName": "kubernetes.io/kube-apiserver-client-kubelet", "usages": ["client auth"]},
    });
    let (code, answer) =
        api.call("POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests", Some(&asked))?;
    if code != 201 {
        return Err(format!("cannot create certificate signing request: {}", message(&answer)));
    }
    STANDARD
        .decode(answer["status"]["certificate"].as_str().unwrap_or_default())
        .map_err(|error| error.to_string())
}
