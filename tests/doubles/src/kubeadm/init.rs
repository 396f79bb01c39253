//! `kubeadm init` and its phases.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::preflight::{self, Findings};
use super::{CERTIFICATES, admin, configuration, files, systemctl};
use crate::api_client::{Api, file};
use crate::documents::of_kind;
use crate::{Result, print};

struct Wanted {
    init: Value,
    cluster: Value,
    kubelet: Value,
    proxy: Value,
}

impl Wanted {
    fn read(flags: &BTreeMap<String, String>) -> Result<Self> {
        let documents = configuration::read(flags.get("config"))?;
        let document = |kind: &str| {
            of_kind(&documents, kind).cloned().ok_or_else(|| format!("no {kind} in the configuration"))
        };
        Ok(Self {
            init: document("InitConfiguration")?,
            cluster: document("ClusterConfiguration")?,
            kubelet: document("KubeletConfiguration")?,
            proxy: document("KubeProxyConfiguration")?,
        })
    }

    fn endpoint(&self) -> &str {
        self.cluster["controlPlaneEndpoint"].as_str().unwrap_or_default()
    }

    fn address(&self) -> Result<&str> {
        match self.init["localAPIEndpoint"]["advertiseAddress"].as_str() {
            Some(address) if !address.starts_with("127.") => Ok(address),
            other => Err(format!(
                "localAPIEndpoint.advertiseAddress: {other:?} cannot be used as advertise address"
            )),
        }
    }

    fn port(&self) -> u64 {
        self.init["localAPIEndpoint"]["bindPort"].as_u64().unwrap_or(6443)
    }
}

pub(super) fn run(flags: &BTreeMap<String, String>) -> Result<()> {
    let wanted = Wanted::read(flags)?;
    let node = &wanted.init["nodeRegistration"];
    let (address, name) = (wanted.address()?, node["name"].as_str().unwrap_or_default());
    print(&format!("[init] Using Kubernetes version: {}+standin (taskbox's stand-in)", crate::VERSION));
    let mut findings = Findings::default();
    preflight::host(&mut findings);
    preflight::fresh_master(&mut findings);
    let host = wanted.endpoint().rsplit_once(':').map_or("", |(host, _)| host);
    let names = [name, "kubernetes", "kubernetes.default.svc", host, address].map(str::to_owned);
    preflight::certificates(&mut findings, &wanted.cluster, &names);
    preflight::etcd(&mut findings, &wanted.cluster);
    findings.judge(node)?;

    let (local, common) =
        (format!("https://{address}:{}", wanted.port()), format!("https://{}", wanted.endpoint()));
    files::kubeconfig("admin", &common, "kubernetes-admin", "kubeadm:cluster-admins")?;
    files::kubeconfig("super-admin", &common, "kubernetes-super-admin", "system:masters")?;
    files::kubeconfig("controller-manager", &local, "system:kube-controller-manager", "")?;
    files::kubeconfig("scheduler", &local, "system:kube-scheduler", "")?;
    files::kubeconfig("kubelet", &common, &format!("system:node:{name}"), "system:nodes")?;
    files::pods(&wanted.cluster, address, wanted.port())?;
    files::kubelet(&wanted.kubelet, node)?;
    systemctl(&["restart", "kubelet"])?;
    print("[wait-control-plane] Waiting for a healthy API server");
    let ca = file(&format!("{CERTIFICATES}/ca.crt"))?;
    wait_live(&Api::at(&local, ca.clone(), None)?)?;
    wait_live(&Api::at(&common, ca, None)?)?;
    upload(flags)?;
    mark_control_plane(&admin()?, name, node)?;
    addons(&wanted)?;
    print("Your Kubernetes control-plane has initialized successfully! [taskbox's stand-in]");
    Ok(())
}

/// Waits until an API server is ready, four minutes at most.
pub(super) fn wait_live(api: &Api) -> Result<()> {
    let begin = Instant::now();
    loop {
        let wrong = match api.call("GET", "/readyz", None) {
            Ok((200, _)) => return Ok(()),
            Ok((code, said)) => format!("{code}: {said}"),
            Err(error) => error,
        };
        if begin.elapsed() > Duration::from_secs(240) {
            return Err(format!("{} is not healthy after 4m0s: {wrong}", api.server));
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Labels and taints a master's node, once its kubelet has made it.
pub(super) fn mark_control_plane(api: &Api, name: &str, node: &Value) -> Result<()> {
    let path = format!("/api/v1/nodes/{name}");
    let begin = Instant::now();
    while api.get(&path)?.is_none() {
        if begin.elapsed() > Duration::from_secs(120) {
            return Err(format!("the kubelet has not registered the node {name}"));
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    let taint = json!([{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]);
    let taints = if node["taints"].is_array() { node["taints"].clone() } else { taint };
    let marked = json!({"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}}, "spec": {"taints": taints}});
    api.call("PATCH", &path, Some(&marked)).map(drop)
}

/// The phase upload-config, and what joining hosts read before they have a certificate.
pub(super) fn upload(flags: &BTreeMap<String, String>) -> Result<()> {
    let wanted = Wanted::read(flags)?;
    let api = admin()?;
    let configmap = |name: &str, key: &str, value: &Value| json!({"metadata": {"name": name}, "data": {key: value.to_string()}});
    let system = "/api/v1/namespaces/kube-system/configmaps";
    api.apply(system, &configmap("kubeadm-config", "ClusterConfiguration", &wanted.cluster))?;
    api.apply(system, &configmap("kubelet-config", "kubelet", &wanted.kubelet))?;
    let ca = STANDARD.encode(file(&format!("{CERTIFICATES}/ca.crt"))?);
    let info = json!({"clusters": [{"name": "", "cluster": {"server": format!("https://{}", wanted.endpoint()), "certificate-authority-data": ca}}]});
    api.apply("/api/v1/namespaces/kube-public/configmaps", &configmap("cluster-info", "kubeconfig", &info))?;
    Ok(())
}

/// The phase control-plane: the static pods anew.
pub(super) fn pods(flags: &BTreeMap<String, String>) -> Result<()> {
    let wanted = Wanted::read(flags)?;
    files::pods(&wanted.cluster, wanted.address()?, wanted.port())
}

fn addons(wanted: &Wanted) -> Result<()> {
    let api = admin()?;
    let template = |name: &str| json!({"metadata": {"labels": {"k8s-app": name}}, "spec": {"containers": [{"name": name, "image": format!("standin/{name}")}]}});
    let selector = |name: &str| json!({"matchLabels": {"k8s-app": name}});
    let dns = json!({"metadata": {"name": "coredns", "labels": {"k8s-app": "kube-dns"}}, "spec": {"replicas": 2, "selector": selector("kube-dns"), "template": template("kube-dns")}});
    api.apply("/apis/apps/v1/namespaces/kube-system/deployments", &dns)?;
    let service = json!({"metadata": {"name": "kube-dns"}, "spec": {"selector": {"k8s-app": "kube-dns"}, "ports": [{"name": "dns", "port": 53}]}});
    api.apply("/api/v1/namespaces/kube-system/services", &service)?;
    let skipped =
        wanted.init["skipPhases"].as_array().into_iter().flatten().any(|phase| phase == "addon/kube-proxy");
    if !skipped {
        let set = json!({"metadata": {"name": "kube-proxy", "labels": {"k8s-app": "kube-proxy"}}, "spec": {"selector": selector("kube-proxy"), "template": template("kube-proxy")}});
        api.apply("/apis/apps/v1/namespaces/kube-system/daemonsets", &set)?;
        proxy_settings(&api, wanted)?;
    }
    Ok(())
}

fn proxy_settings(api: &Api, wanted: &Wanted) -> Result<()> {
    let settings =
        json!({"metadata": {"name": "kube-proxy"}, "data": {"config.conf": wanted.proxy.to_string()}});
    api.apply("/api/v1/namespaces/kube-system/configmaps", &settings).map(drop)
}

/// The phase addon/kube-proxy, for a cluster that has it: its settings anew.
pub(super) fn proxy(flags: &BTreeMap<String, String>) -> Result<()> {
    proxy_settings(&admin()?, &Wanted::read(flags)?)
}
