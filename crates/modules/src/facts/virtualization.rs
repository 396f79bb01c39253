//! Whether the host is a guest or a host of virtual machines or containers, in the order in which Ansible looks.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use data::{Map, Value};
use fancy_regex::Regex;

use super::{Gather, files};

/// What has been found: the first finding names the type, all of them are listed as techniques.
#[derive(Default)]
struct Findings {
    kind: Option<String>,
    role: Option<&'static str>,
    guest: BTreeSet<String>,
    host: BTreeSet<String>,
    settled: bool,
}

impl Findings {
    fn guest(&mut self, kind: &str) {
        self.guest.insert(kind.to_owned());
        self.settle(kind, "guest");
    }

    fn host(&mut self, kind: &str) {
        self.host.insert(kind.to_owned());
        self.settle(kind, "host");
    }

    fn settle(&mut self, kind: &str, role: &'static str) {
        if !self.settled {
            (self.kind, self.role, self.settled) = (Some(kind.to_owned()), Some(role), true);
        }
    }

    fn into_facts(self) -> Map {
        let list = |names: BTreeSet<String>| names.into_iter().map(Value::from).collect::<Value>();
        Map::from([
            ("virtualization_type", Value::from(self.kind.unwrap_or_else(|| "NA".to_owned()))),
            ("virtualization_role", self.role.unwrap_or("NA").into()),
            ("virtualization_tech_guest", list(self.guest)),
            ("virtualization_tech_host", list(self.host)),
        ])
    }
}

/// `virtualization_type`, `virtualization_role`, `virtualization_tech_guest` and `virtualization_tech_host`.
pub(super) fn virtualization(gather: &Gather) -> Map {
    let mut found = Findings::default();
    containers(&mut found);
    xen(&mut found);
    let dmi = |name: &str| files::text(Path::new("/sys/devices/virtual/dmi/id").join(name));
    firmware(
        &mut found,
        &dmi("product_name"),
        &dmi("sys_vendor"),
        &dmi("product_family"),
        &dmi("bios_vendor"),
    );
    vserver(&mut found, &files::text("/proc/self/status"));
    emulated_processor(&mut found, &files::text("/proc/cpuinfo"));
    kernel_modules(&mut found, &files::text("/proc/modules"));
    if let Some(out) = gather.stdout_of(&["dmidecode", "-s", "system-product-name"]) {
        dmidecode(&mut found, &out);
    }
    if Path::new("/dev/kvm").exists() {
        found.host("kvm");
    }
    found.into_facts()
}

fn containers(found: &mut Findings) {
    control_groups(found, &files::text("/proc/1/cgroup"));
    environment(found, &files::text("/proc/1/environ"));
    if Path::new("/proc/vz").exists() && !Path::new("/proc/lve").exists() {
        if Path::new("/proc/bc").exists() { found.host("openvz") } else { found.guest("openvz") }
    }
    let systemd = files::content("/run/systemd/container");
    if let Some(kind) = &systemd {
        found.guest(kind);
    }
    if Path::new("/.dockerenv").exists() || Path::new("/.dockerinit").exists() {
        found.guest("docker");
    }
    let known = ["docker", "lxc", "podman", "openvz", "containerd"];
    if systemd.is_some() || known.iter().any(|kind| found.guest.contains(*kind)) {
        found.guest.insert("container".to_owned());
    }
}

fn control_groups(found: &mut Findings, text: &str) {
    static DOCKER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"/docker(/|-[0-9a-f]+\.scope)").expect("the pattern is valid"));
    for line in text.lines() {
        if DOCKER.is_match(line).unwrap_or(false) {
            found.guest("docker");
        }
        if line.contains("/lxc/") || line.contains("/machine.slice/machine-lxc") {
            found.guest("lxc");
        }
        if line.contains("/system.slice/containerd.service") {
            found.guest("containerd");
        }
    }
}

fn environment(found: &mut Findings, text: &str) {
    for entry in text.split('\0') {
        if entry.contains("container=lxc") {
            found.guest("lxc");
        }
        if entry.contains("container=podman") {
            found.guest("podman");
        }
        if entry.strip_prefix("container=").is_some_and(|kind| !kind.is_empty()) {
            found.guest("container");
        }
    }
}

fn xen(found: &mut Findings) {
    if !Path::new("/proc/xen").exists() {
        return;
    }
    if files::text("/proc/xen/capabilities").contains("control_d") {
        found.host("xen");
    } else {
        found.settle("xen", "guest");
    }
}

/// What the machine's make tells: clouds and hypervisors write their names into the DMI tables.
fn firmware(found: &mut Findings, product: &str, vendor: &str, family: &str, bios: &str) {
    if matches!(product, "KVM" | "KVM Server" | "Bochs" | "AHV" | "CloudStack KVM Hypervisor") {
        found.guest("kvm");
    }
    match (vendor, family, product) {
        ("oVirt", ..) => found.guest("oVirt"),
        ("Red Hat", "RHV", _) => found.guest("RHV"),
        ("Red Hat", _, "RHEV Hypervisor") => found.guest("RHEV"),
        _ => {}
    }
    if product.starts_with("VMware") {
        found.guest("VMware");
    }
    if matches!(product, "OpenStack Compute" | "OpenStack Nova") {
        found.guest("openstack");
    }
    match bios {
        "Xen" => found.guest("xen"),
        "innotek GmbH" => found.guest("virtualbox"),
        "Amazon EC2" | "DigitalOcean" | "Hetzner" | "Linode" => found.guest("kvm"),
        _ => {}
    }
    match vendor {
        "QEMU" | "Amazon EC2" | "DigitalOcean" | "Google" | "Scaleway" | "Nutanix" => found.guest("kvm"),
        "KubeVirt" => found.guest("KubeVirt"),
        "Microsoft Corporation" => found.guest("VirtualPC"),
        "Parallels Software International Inc." => found.guest("parallels"),
        "OpenStack Foundation" => found.guest("openstack"),
        _ => {}
    }
}

fn vserver(found: &mut Findings, status: &str) {
    let context = status.lines().find_map(|line| line.strip_prefix("VxID:")).map(str::trim_start);
    match context {
        Some(context) if context.starts_with('0') => found.host("linux_vserver"),
        Some(context) if context.starts_with(|c: char| c.is_ascii_digit()) => found.guest("linux_vserver"),
        _ => {}
    }
}

fn emulated_processor(found: &mut Findings, cpuinfo: &str) {
    for line in cpuinfo.lines() {
        let has = |key: &str, words: &str| line.starts_with(key) && line.contains(words);
        if has("model name", "QEMU Virtual CPU") || has("machine", "CHRP IBM pSeries (emulated by qemu)") {
            found.guest("kvm");
        } else if has("vendor_id", "User Mode Linux") || has("model name", "UML") {
            found.guest("uml");
        } else if has("vendor_id", "PowerVM Lx86") {
            found.guest("powervm_lx86");
        } else if has("vendor_id", "IBM/S390") {
            found.guest.insert("PR/SM".to_owned());
            found.settle("PR/SM", "LPAR");
        }
    }
}

fn kernel_modules(found: &mut Findings, modules: &str) {
    let loaded = |name: &str| modules.lines().any(|line| line.split(' ').next() == Some(name));
    if loaded("kvm") {
        found.host("kvm");
        if Path::new("/rhev/").is_dir() && runs_vdsm() {
            found.host.insert("RHEV".to_owned());
        }
    }
    if loaded("vboxdrv") {
        found.host("virtualbox");
    }
    if loaded("virtio") {
        found.host.insert("kvm".to_owned());
        found.settle("kvm", "guest");
    }
}

fn runs_vdsm() -> bool {
    let processes =
        files::names("/proc").into_iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    processes
        .into_iter()
        .any(|id| matches!(files::text(format!("/proc/{id}/comm")).as_str(), "vdsm" | "vdsmd"))
}

fn dmidecode(found: &mut Findings, out: &str) {
    let product: String = out.lines().filter(|line| !line.starts_with('#')).map(str::trim).collect();
    if product.starts_with("VMware") {
        found.guest("VMware");
    }
    if out.contains("BHYVE") {
        found.guest("bhyve");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_and_role(find: impl FnOnce(&mut Findings)) -> (String, String) {
        let mut found = Findings::default();
        find(&mut found);
        let facts = found.into_facts();
        let text = |key: &str| facts.get_str(key).unwrap().to_owned();
        (text("virtualization_type"), text("virtualization_role"))
    }

    #[test]
    fn the_first_finding_names_the_type_and_all_are_listed() {
        let mut found = Findings::default();
        control_groups(&mut found, "0::/docker/abc\n");
        firmware(&mut found, "KVM", "", "", "");
        let facts = found.into_facts();
        assert_eq!(facts.get_str("virtualization_type"), Some("docker"));
        let guests = facts.get("virtualization_tech_guest").unwrap().as_list().unwrap();
        assert_eq!(guests.to_vec(), [Value::from("docker"), Value::from("kvm")]);
    }

    #[test]
    fn a_host_of_which_nothing_is_known_is_na() {
        assert_eq!(kind_and_role(|_| {}), ("NA".into(), "NA".into()));
    }

    #[test]
    fn makes_and_modules() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            kind_and_role(|f| firmware(f, "VMware7,1", "VMware, Inc.", "", "")),
            pair("VMware", "guest")
        );
        assert_eq!(kind_and_role(|f| firmware(f, "x", "Red Hat", "RHV", "")), pair("RHV", "guest"));
        assert_eq!(kind_and_role(|f| kernel_modules(f, "kvm_intel 1 0\nkvm 2 1\n")), pair("kvm", "host"));
        assert_eq!(kind_and_role(|f| kernel_modules(f, "virtio 1 0\n")), pair("kvm", "guest"));
        assert_eq!(kind_and_role(|f| vserver(f, "Name: x\nVxID:\t0\n")), pair("linux_vserver", "host"));
        assert_eq!(kind_and_role(|f| emulated_processor(f, "vendor_id : IBM/S390")), pair("PR/SM", "LPAR"));
        assert_eq!(kind_and_role(|f| environment(f, "A=b\0container=podman\0")), pair("podman", "guest"));
    }
}
