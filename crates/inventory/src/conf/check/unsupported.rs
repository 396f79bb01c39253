//! Settings that people have in their files and that this version does not do: named, never passed over.

use data::{Diagnostic, Map, Value};

use super::{is_template, name_place, place_of};

/// What a setting asks for when it is on, and what to do instead.
struct Missing {
    name: &'static str,
    /// The value at which it asks for nothing; empty for `false` and nothing.
    idle: &'static [&'static str],
    /// Whether the install would not be what the file says.
    stops: bool,
    why: &'static str,
    cure: &'static str,
}

const MISSING: [Missing; 14] = [
    Missing {
        name: "etcd_deployment_type",
        idle: &["host", "kubekey", "kubeadm"],
        stops: true,
        why: "an etcd cluster of yours is not connected to",
        cure: "write `host` (services on the hosts of `[etcd]`) or `kubeadm` (pods on the masters)",
    },
    Missing {
        name: "container_manager",
        idle: &["containerd"],
        stops: true,
        why: "Kubernetes from 1.24 on speaks to docker no more, and of the other runtimes containerd is installed here",
        cure: "write `container_manager: containerd`, or take the line out; images and registries stay the same",
    },
    Missing {
        name: "dns_mode",
        idle: &["coredns"],
        stops: true,
        why: "kubeadm runs CoreDNS",
        cure: "write `dns_mode: coredns`, or take the line out",
    },
    Missing {
        name: "glusterfs_provisioner_enabled",
        idle: &[],
        stops: true,
        why: "Kubernetes took GlusterFS and Heketi out in 1.26",
        cure: "add a CSI driver for GlusterFS to `addons`; docs/guide.md shows how",
    },
    Missing {
        name: "nfs_server_enable",
        idle: &[],
        stops: true,
        why: "the NFS server inside the cluster was for tests and is gone",
        cure: "use `nfs_client_enabled` with a server of yours, or local volumes",
    },
    Missing {
        name: "qingcloud_lb_enabled",
        idle: &[],
        stops: true,
        why: "the load balancer plugin of QingCloud is no part of it",
        cure: "add QingCloud's cloud controller manager to `addons`; docs/guide.md shows how",
    },
    Missing {
        name: "kube_vip_mode",
        idle: &["ARP"],
        stops: true,
        why: "kube-vip announces its address by ARP here",
        cure: "write `kube_vip_mode: ARP`, or take the line out",
    },
    Missing {
        name: "auto_renew_certificates",
        idle: &[],
        stops: false,
        why: "there is no timer for it",
        cure: "`taskbox verify` says when certificates come to their end; running the install again after `kubeadm certs renew all` keeps the rest",
    },
    Missing {
        name: "enable_multus",
        idle: &[],
        stops: false,
        why: "multus is not installed",
        cure: "add its manifest to `addons`",
    },
    Missing {
        name: "nvidia_accelerator_enabled",
        idle: &[],
        stops: false,
        why: "drivers of GPUs are not installed",
        cure: "add NVIDIA's operator to `addons`",
    },
    Missing {
        name: "external_dns",
        idle: &[],
        stops: false,
        why: "the name is written to the hosts files all the same",
        cure: "take the line out; the hosts files and your DNS may both have it",
    },
    Missing {
        name: "kube_proxy_args",
        idle: &[],
        stops: false,
        why: "kube-proxy is set up by its configuration, not by arguments",
        cure: "write the fields below `kube_proxy_config_overrides:`",
    },
    Missing {
        name: "periodic_cleaning_time",
        idle: &["weekly"],
        stops: false,
        why: "the kubelet removes unused images by itself when the disk fills",
        cure: "take the line out; `kubelet_config_overrides` has imageGCHighThresholdPercent",
    },
    Missing {
        name: "registry_namespace_override",
        idle: &[],
        stops: false,
        why: "images keep their namespaces",
        cure: "take the line out",
    },
];

pub(super) fn check(vars: &Map, findings: &mut Vec<Diagnostic>) {
    for missing in &MISSING {
        let Some((_, key, value)) = vars.get_full(missing.name) else { continue };
        if is_idle(value, missing.idle) || is_template(value) {
            continue;
        }
        let place = place_of(vars, missing.name).or(name_place(key));
        let found = if missing.stops {
            Diagnostic::error(format!("`{}` asks for what this version does not do", missing.name))
        } else {
            Diagnostic::warning(format!("`{}` has no effect", missing.name))
        };
        findings.push(found.at_opt(place, "").note(missing.why).help(missing.cure));
    }
    findings.extend(version_of_kubesphere(vars));
}

fn is_idle(value: &Value, idle: &[&str]) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Str(text) => text.is_empty() || idle.contains(&text.as_str()),
        Value::List(list) => list.is_empty(),
        _ => false,
    }
}

/// Only lines 3.4 and 4.1 are installed.
fn version_of_kubesphere(vars: &Map) -> Option<Diagnostic> {
    let text = vars.get_str("ks_version").filter(|text| !text.is_empty() && !text.contains("{{"))?;
    let bare = text.trim_start_matches('v');
    let is_off = vars.get("kubesphere_enabled").and_then(Value::as_bool) == Some(false);
    if is_off || bare.starts_with("3.4.") || bare.starts_with("4.1.") {
        return None;
    }
    Some(
        Diagnostic::error(format!("KubeSphere {text} cannot be installed"))
            .at_opt(place_of(vars, "ks_version"), "")
            .help("write `ks_version: v4.1.3` or `ks_version: v3.4.1`, or `kubesphere_enabled: false` for Kubernetes alone"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(vars: &[(&'static str, Value)]) -> Vec<String> {
        let vars: Map = vars.iter().map(|(name, value)| (data::Key::from(*name), value.clone())).collect();
        let mut findings = Vec::new();
        check(&vars, &mut findings);
        findings.into_iter().map(|found| found.title).collect()
    }

    #[test]
    fn what_is_not_done_is_named_once_it_is_asked_for() {
        assert_eq!(
            titles(&[("container_manager", Value::from("docker")), ("enable_multus", Value::from(true))]),
            ["`container_manager` asks for what this version does not do", "`enable_multus` has no effect"]
        );
        let idle = [
            ("container_manager", Value::from("containerd")),
            ("enable_multus", Value::from(false)),
            ("periodic_cleaning_time", Value::from("weekly")),
        ];
        assert_eq!(titles(&idle), Vec::<String>::new());
    }

    #[test]
    fn old_lines_of_kubesphere_are_refused_unless_it_is_off() {
        let old = ("ks_version", Value::from("v2.1.1"));
        assert_eq!(titles(std::slice::from_ref(&old)), ["KubeSphere v2.1.1 cannot be installed"]);
        assert!(titles(&[old, ("kubesphere_enabled", Value::from(false))]).is_empty());
        assert!(titles(&[("ks_version", Value::from("3.4.1"))]).is_empty());
    }
}
