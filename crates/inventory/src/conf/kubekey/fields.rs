//! Every field of KubeKey's `Cluster` that is not a host, a role group or the endpoint, and the variable it is here.

/// How a field's value becomes a variable's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The same value under this name.
    Is(&'static str),
    /// A version, with a `v` before it.
    Version(&'static str),
    /// No variable of the installer; kept in `kubekey_spec`.
    Kept,
}

use Rule::{Is, Kept, Version};

/// Paths below `spec`, in the order of KubeKey's documents. A path that is a mapping or list is taken whole.
pub(crate) static FIELDS: &[(&str, Rule)] = &[
    ("system.ntpServers", Is("os_ntp_servers")),
    ("system.timezone", Is("os_timezone")),
    ("system.rpms", Kept),
    ("system.debs", Kept),
    ("system.preInstall", Kept),
    ("system.postClusterInstall", Kept),
    ("system.postInstall", Kept),
    ("system.skipConfigureOS", Kept),
    ("etcd.type", Is("etcd_deployment_type")),
    ("etcd.external", Kept),
    ("etcd.dataDir", Is("etcd_data_dir")),
    ("etcd.heartbeatInterval", Is("etcd_heartbeat_interval")),
    ("etcd.electionTimeout", Is("etcd_election_timeout")),
    ("etcd.snapshotCount", Is("etcd_snapshot_count")),
    ("etcd.autoCompactionRetention", Is("etcd_auto_compaction_retention")),
    ("etcd.metrics", Is("etcd_metrics")),
    ("etcd.quotaBackendBytes", Is("etcd_quota_backend_bytes")),
    ("etcd.maxRequestBytes", Is("etcd_max_request_bytes")),
    ("etcd.maxSnapshots", Is("etcd_max_snapshots")),
    ("etcd.maxWals", Is("etcd_max_wals")),
    ("etcd.logLevel", Is("etcd_log_level")),
    ("etcd.port", Is("etcd_client_port")),
    ("etcd.peerPort", Is("etcd_peer_port")),
    ("etcd.extraArgs", Kept),
    ("etcd.backupDir", Is("etcd_backup_dir")),
    ("etcd.backupPeriod", Is("etcd_backup_period")),
    ("etcd.keepBackupNumber", Is("keep_backup_number")),
    ("etcd.backupScript", Kept),
    ("dns.dnsEtcHosts", Kept),
    ("dns.nodeEtcHosts", Kept),
    ("dns.coredns.additionalConfigs", Kept),
    ("dns.coredns.externalZones", Kept),
    ("dns.coredns.rewriteBlock", Kept),
    ("dns.coredns.upstreamDNSServers", Is("upstream_dns_servers")),
    ("dns.nodelocaldns.externalZones", Kept),
    ("kubernetes.type", Kept),
    ("kubernetes.version", Version("kube_version")),
    ("kubernetes.imageRepo", Is("kube_image_repo")),
    ("kubernetes.clusterName", Is("cluster_name")),
    ("kubernetes.dnsDomain", Is("cluster_name")),
    ("kubernetes.disableKubeProxy", Is("disable_kube_proxy")),
    ("kubernetes.masqueradeAll", Is("kube_proxy_masquerade_all")),
    ("kubernetes.maxPods", Is("kubelet_max_pods")),
    ("kubernetes.podPidsLimit", Is("kubelet_pod_pids_limit")),
    ("kubernetes.nodeCidrMaskSize", Is("kube_network_node_prefix")),
    ("kubernetes.nodeCidrMaskSizeIPv6", Is("kube_network_node_prefix_ipv6")),
    ("kubernetes.apiserverCertExtraSans", Is("supplementary_addresses_in_ssl_keys")),
    ("kubernetes.proxyMode", Is("kube_proxy_mode")),
    ("kubernetes.autoRenewCerts", Is("auto_renew_certificates")),
    ("kubernetes.nodelocaldns", Is("enable_nodelocaldns")),
    ("kubernetes.containerManager", Is("container_manager")),
    ("kubernetes.containerRuntimeEndpoint", Kept),
    ("kubernetes.nodeFeatureDiscovery", Kept),
    ("kubernetes.kata", Kept),
    ("kubernetes.apiserverArgs", Is("kube_apiserver_args")),
    ("kubernetes.controllerManagerArgs", Is("kube_controller_manager_args")),
    ("kubernetes.schedulerArgs", Is("kube_scheduler_args")),
    ("kubernetes.kubeletArgs", Is("kubelet_args")),
    ("kubernetes.kubeProxyArgs", Is("kube_proxy_args")),
    ("kubernetes.featureGates", Is("kube_feature_gates")),
    ("kubernetes.kubeletConfiguration", Is("kubelet_config_overrides")),
    ("kubernetes.kubeProxyConfiguration", Is("kube_proxy_config_overrides")),
    ("kubernetes.audit", Kept),
    ("kubernetes.nvidiaRuntime", Kept),
    ("network.plugin", Is("kube_network_plugin")),
    ("network.calico.ipipMode", Is("calico_ipip_mode")),
    ("network.calico.vxlanMode", Is("calico_vxlan_mode")),
    ("network.calico.vethMTU", Is("calico_mtu")),
    ("network.calico.ipv4NatOutgoing", Kept),
    ("network.calico.defaultIPPOOL", Kept),
    ("network.calico.enableTypha", Kept),
    ("network.calico.controller", Kept),
    ("network.calico.typha", Kept),
    ("network.flannel", Kept),
    ("network.cilium", Kept),
    ("network.kubeovn", Kept),
    ("network.hybridnet", Kept),
    ("network.kubePodsCIDR", Is("kube_pods_subnet")),
    ("network.kubeServiceCIDR", Is("kube_service_addresses")),
    ("network.enableMultusCNI", Is("enable_multus")),
    ("network.multusCNI.enabled", Is("enable_multus")),
    ("storage.openebs.basePath", Is("local_volume_base_path")),
    ("registry.type", Is("registry_type")),
    ("registry.registryMirrors", Is("docker_registry_mirrors")),
    ("registry.insecureRegistries", Is("docker_insecure_registries")),
    ("registry.privateRegistry", Is("private_registry")),
    ("registry.namespaceOverride", Is("registry_namespace_override")),
    ("registry.namespaceRewrite", Kept),
    ("registry.auths", Is("registry_auths")),
    ("registry.dataRoot", Kept),
    ("registry.containerdDataDir", Is("containerd_data_dir")),
    ("registry.dockerDataDir", Kept),
    ("registry.registryDataDir", Kept),
    ("registry.dataDirs.containerd", Is("containerd_data_dir")),
    ("registry.dataDirs.docker", Kept),
    ("registry.dataDirs.registry", Kept),
    ("registry.bridgeIP", Kept),
    ("registry.remoteMirrors", Kept),
    ("addons", Is("addons")),
];

/// The fields of a host, with the variable each is; the name and the password have rules of their own.
pub(crate) static HOST_FIELDS: &[(&str, &str)] = &[
    ("name", ""),
    ("address", "ansible_host"),
    ("internalAddress", ""),
    ("port", "ansible_port"),
    ("user", "ansible_user"),
    ("password", ""),
    ("privateKey", ""),
    ("privateKeyPath", "ansible_ssh_private_key_file"),
    ("arch", "host_arch"),
    ("timeout", "ansible_timeout"),
    ("labels", "node_labels"),
];

/// KubeKey's role groups and the groups they are here.
pub(crate) static ROLE_GROUPS: &[(&str, &str)] = &[
    ("etcd", "etcd"),
    ("control-plane", "kube-master"),
    ("master", "kube-master"),
    ("worker", "kube-node"),
    ("registry", "local-registry"),
];

/// The fields of `controlPlaneEndpoint`.
pub(crate) const ENDPOINT: [&str; 6] =
    ["internalLoadbalancer", "domain", "externalDNS", "address", "port", "kubevip"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::keys;

    #[test]
    fn every_variable_is_in_the_table_or_an_etcd_or_runtime_setting_of_the_roles() {
        for (path, rule) in FIELDS {
            let (Is(name) | Version(name)) = rule else { continue };
            let is_of_a_role = name.starts_with("etcd_") || name.starts_with("containerd_");
            assert!(keys::find(name).is_some() || is_of_a_role, "{path} -> {name}");
        }
    }
}
