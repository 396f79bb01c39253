//! The lab's `vars.yml`: the load balancer, and what differs in hosts that share a kernel.

use std::fmt::Write;

use super::state::LabState;

/// The text of a `vars.yml` for the lab.
pub(crate) fn vars_yml(state: &LabState) -> String {
    let mut text = String::from("# Variables of the lab's hosts. Written by `taskbox lab`.\n");
    if let Some(vip) = state.vip() {
        let _ = write!(
            text,
            "\n# The load balancers share an address that no host has.\n\
             internal_lb: haproxy_keepalived\n\
             loadbalancer_apiserver:\n  address: {vip}\n  port: 6443\n"
        );
    }
    text.push_str(SHARED_KERNEL);
    if !state.rights.can_raise_limits() {
        text.push_str(NO_SYS_RESOURCE);
        if let Some(limit) = state.open_files {
            let _ = write!(text, "containerd_limit_nofile: {limit}\netcd_limit_nofile: {limit}\n");
        }
    }
    text.push_str(SHARED_DISK);
    if state.cgroup_version == 1 {
        text.push_str(CGROUP_V1);
    }
    text
}

/// A kubelet sees the machine's disk as its own and would put pods out, and images with them, for what others keep there.
/// The last lines of it belong to `kubelet_config_overrides`, so what follows may add to that.
const SHARED_DISK: &str = "
# All hosts lie on one disk, which is not the kubelets' to keep free.
kubelet_config_overrides:
  imageGCHighThresholdPercent: 100
  evictionHard:
    memory.available: 100Mi
    nodefs.available: 1%
    nodefs.inodesFree: 1%
    imagefs.available: 1%
";

/// Containers have the machine's kernel, clock, swap and modules: those are not the hosts' to change.
const SHARED_KERNEL: &str = "
# All hosts run on one kernel with one clock.
os_time_sync: none
os_kernel_modules: []
os_disable_swap: false

# Hosts in containers load no modules, make no dummy interfaces and may not set how many connections the kernel tracks.
kube_proxy_mode: iptables
kube_proxy_conntrack_max_per_core: 0
kube_proxy_conntrack_min: 0
enable_nodelocaldns: false

# The one network plugin that needs images only.
kube_network_plugin: flannel
";

/// Without this capability nothing may raise its limits.
const NO_SYS_RESOURCE: &str = "
# The Docker daemon here cannot give the capability SYS_RESOURCE.
containerd_restrict_oom_score_adj: true
";

/// Kubernetes 1.35 and newer refuse it unless told otherwise.
const CGROUP_V1: &str = "
  # The machine has control groups of version 1.
  failCgroupV1: false
kubeadm_ignore_preflight_errors:
  - SystemVerification
";

#[cfg(test)]
mod tests {
    use super::super::spec::Counts;
    use super::super::state::tests::example;
    use super::*;

    #[test]
    fn limits_of_the_machine_become_variables() {
        let mut state = example(Counts::default());
        let text = vars_yml(&state);
        assert!(text.contains("loadbalancer_apiserver:\n  address: 172.30.0.50\n  port: 6443\n"), "{text}");
        assert!(
            text.contains("containerd_restrict_oom_score_adj: true")
                && text.contains("    imagefs.available: 1%\n\n  # The machine has control groups of version 1.\n  failCgroupV1: false\n")
        );
        assert!(text.contains("etcd_limit_nofile: 20000\n"), "{text}");
        state.rights = Default::default();
        state.cgroup_version = 2;
        state.counts.lbs = 0;
        let text = vars_yml(&state);
        for absent in ["loadbalancer", "restrict_oom", "limit_nofile", "failCgroupV1"] {
            assert!(!text.contains(absent), "{absent}");
        }
    }
}
