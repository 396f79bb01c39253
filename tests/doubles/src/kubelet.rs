//! The kubelet: keeps static pods alive, reports its node, and listens where services have node ports.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use serde_json::{Value, json};

use crate::api_client::Api;
use crate::documents::{flag, now};
use crate::{RUN, Result, VERSION, controllers, documents, print, say};

const MANIFESTS: &str = "/etc/kubernetes/manifests";
const FLAGS: [&str; 8] = [
    "bootstrap-kubeconfig",
    "kubeconfig",
    "config",
    "node-ip",
    "hostname-override",
    "container-runtime-endpoint",
    "pod-infra-container-image",
    "v",
];

/// Runs until it is killed.
pub(crate) fn run(words: &[String]) -> Result<()> {
    if words.first().is_some_and(|word| word == "--version") {
        print(&format!("Kubernetes {VERSION}+standin"));
        return Ok(());
    }
    let mut flags = BTreeMap::new();
    for word in words {
        let bare = word.strip_prefix("--").ok_or_else(|| format!("unknown command {word:?}"))?;
        let (name, value) = bare.split_once('=').unwrap_or((bare, "true"));
        if !FLAGS.contains(&name) {
            return Err(format!("unknown flag: --{name}"));
        }
        flags.insert(name.to_owned(), value.to_owned());
    }
    let config = configuration(flag(&flags, "config")?)?;
    if !Path::new("/run/containerd/containerd.sock").exists() {
        return Err(
            "validate CRI v1 runtime API for endpoint unix:///run/containerd/containerd.sock: no such file"
                .to_owned(),
        );
    }
    let kubeconfig = flag(&flags, "kubeconfig")?.to_owned();
    let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default().trim().to_owned();
    listen("0.0.0.0:10250")?;
    listen("127.0.0.1:10248")?;
    say("taskbox's stand-in for the kubelet runs; it starts no containers");
    let mut pods = HashMap::new();
    let mut ports = Vec::new();
    loop {
        keep_alive(&mut pods);
        let reported = Api::from_kubeconfig(&kubeconfig)
            .and_then(|api| report(&api, &name, flags.get("node-ip"), &config, &pods, &mut ports));
        if let Err(error) = reported {
            say(&format!("Unable to update node status: {error}"));
        }
        std::thread::sleep(Duration::from_secs(2));
    }
}

/// Its configuration, if it is one.
fn configuration(path: &str) -> Result<Value> {
    let config = documents::read(path)
        .map_err(|error| format!("failed to load kubelet config file: {error}"))?
        .into_iter()
        .next()
        .unwrap_or_default();
    if config["apiVersion"] != "kubelet.config.k8s.io/v1beta1" || config["kind"] != "KubeletConfiguration" {
        return Err(format!("{path} is no KubeletConfiguration"));
    }
    if control_groups_v1() && config["failCgroupV1"] != false {
        return Err("kubelet is configured to not run on a host using cgroup v1".to_owned());
    }
    Ok(config)
}

/// Whether the host has control groups of version 1.
pub(crate) fn control_groups_v1() -> bool {
    !Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

/// Answers every request with 200.
fn listen(address: &str) -> Result<()> {
    let listener = TcpListener::bind(address).map_err(|error| format!("{address}: {error}"))?;
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
            let body = "taskbox's stand-in answers here\n";
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    Ok(())
}

/// Starts what is missing, ends what is gone.
fn keep_alive(pods: &mut HashMap<String, Child>) {
    let names: Vec<String> = std::fs::read_dir(MANIFESTS)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            entry.file_name().to_str().and_then(|name| name.strip_suffix(".yaml")).map(str::to_owned)
        })
        .collect();
    pods.retain(|name, child| {
        let keeps = names.contains(name) && matches!(child.try_wait(), Ok(None));
        if !keeps {
            let _ = child.kill();
            let _ = child.wait();
        }
        keeps
    });
    for name in names {
        if pods.contains_key(&name) {
            continue;
        }
        let started =
            Command::new("/proc/self/exe").args([RUN, &name, &format!("{MANIFESTS}/{name}.yaml")]).spawn();
        match started {
            Ok(child) => drop(pods.insert(name, child)),
            Err(error) => say(&format!("{name}: {error}")),
        }
    }
}

fn report(
    api: &Api,
    name: &str,
    ip: Option<&String>,
    config: &Value,
    pods: &HashMap<String, Child>,
    ports: &mut Vec<u64>,
) -> Result<()> {
    let network = Path::new("/etc/cni/net.d").read_dir().is_ok_and(|mut entries| entries.next().is_some());
    let (ready, message) = if network {
        ("True", "kubelet is posting ready status")
    } else {
        (
            "False",
            "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized",
        )
    };
    let node = json!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
        "status": {
            "conditions": [{"type": "Ready", "status": ready, "message": message, "lastHeartbeatTime": now()}],
            "addresses": [{"type": "InternalIP", "address": ip}, {"type": "Hostname", "address": name}],
            "capacity": {"pods": config["maxPods"].to_string()},
            "nodeInfo": {"kubeletVersion": format!("{VERSION}+standin"), "containerRuntimeVersion": "containerd", "osImage": "taskbox's stand-in"},
        },
    });
    api.apply("/api/v1/nodes", &node)?;
    let lease = json!({"metadata": {"name": name}, "spec": {"holderIdentity": name, "renewTime": now()}});
    api.apply("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases", &lease)?;
    for pod in pods.keys() {
        let labels = json!({"component": pod, "tier": "control-plane"});
        let spec = json!({"containers": [{"name": pod, "image": format!("standin/{pod}")}]});
        let mirror = controllers::running_pod(&format!("{pod}-{name}"), name, labels, &spec);
        api.call("POST", "/api/v1/namespaces/kube-system/pods", Some(&mirror))?;
    }
    // The network plugin's first container puts its settings in place.
    let flannel = api.get("/apis/apps/v1/namespaces/kube-flannel/daemonsets/kube-flannel-ds")?;
    if flannel.is_some() && !network {
        std::fs::create_dir_all("/etc/cni/net.d").map_err(|error| error.to_string())?;
        std::fs::write("/etc/cni/net.d/10-flannel.conflist", "{}\n").map_err(|error| error.to_string())?;
    }
    open_node_ports(api, ports)
}

fn open_node_ports(api: &Api, ports: &mut Vec<u64>) -> Result<()> {
    for service in api.items("/api/v1/services")? {
        for port in service["spec"]["ports"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|port| port["nodePort"].as_u64())
        {
            if !ports.contains(&port) {
                listen(&format!("0.0.0.0:{port}"))?;
                ports.push(port);
            }
        }
    }
    Ok(())
}
