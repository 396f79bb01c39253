//! What a cluster needs from the network: files with their checksum files, images, and packages of the operating system.

use crate::Promise;

/// What decides the plan; versions are without a leading `v`, architectures in Go's names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanInput {
    /// Kubernetes' version.
    pub kubernetes: String,
    /// etcd's.
    pub etcd: String,
    /// containerd's.
    pub containerd: String,
    /// runc's.
    pub runc: String,
    /// The CNI plugins'.
    pub cni: String,
    /// crictl's.
    pub crictl: String,
    /// The registry's, if the cluster gets one of its own.
    pub registry: String,
    /// The tag of the pause image.
    pub pause: String,
    /// The tag of CoreDNS' image.
    pub coredns: String,
    /// Where Kubernetes' images are: `registry.k8s.io`.
    pub image_repo: String,
    /// Images besides Kubernetes' own: the network's, the name cache's.
    pub more_images: Vec<String>,
    /// Charts and manifests: name, version, URL.
    pub more_files: Vec<(String, String, String)>,
    /// Packages of the hosts' distribution, each with who needs it.
    pub packages: Vec<(String, String)>,
    /// The architectures.
    pub archs: Vec<String>,
}

/// A file to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedFile {
    /// What it is: `kubelet`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The architecture; empty if it is for all.
    pub arch: String,
    /// Where it is.
    pub url: String,
    /// Who says what its SHA-256 is.
    pub promise: Promise,
}

/// All that is to be fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Files.
    pub files: Vec<PlannedFile>,
    /// Images by name and tag.
    pub images: Vec<String>,
    /// Packages of the hosts' distribution, each with who needs it: which version, their distribution decides.
    pub packages: Vec<(String, String)>,
}

/// How upstream names a file, and the checksum file beside it. `{V}` is the version, `{A}` the architecture.
const SOURCES: [(&str, &str, &str); 9] = [
    ("kubeadm", "https://dl.k8s.io/release/v{V}/bin/linux/{A}/kubeadm", "{U}.sha256"),
    ("kubelet", "https://dl.k8s.io/release/v{V}/bin/linux/{A}/kubelet", "{U}.sha256"),
    ("kubectl", "https://dl.k8s.io/release/v{V}/bin/linux/{A}/kubectl", "{U}.sha256"),
    (
        "etcd",
        "https://github.com/etcd-io/etcd/releases/download/v{V}/etcd-v{V}-linux-{A}.tar.gz",
        "https://github.com/etcd-io/etcd/releases/download/v{V}/SHA256SUMS",
    ),
    (
        "containerd",
        "https://github.com/containerd/containerd/releases/download/v{V}/containerd-static-{V}-linux-{A}.tar.gz",
        "{U}.sha256sum",
    ),
    (
        "runc",
        "https://github.com/opencontainers/runc/releases/download/v{V}/runc.{A}",
        "https://github.com/opencontainers/runc/releases/download/v{V}/runc.sha256sum",
    ),
    (
        "cni-plugins",
        "https://github.com/containernetworking/plugins/releases/download/v{V}/cni-plugins-linux-{A}-v{V}.tgz",
        "{U}.sha256",
    ),
    (
        "crictl",
        "https://github.com/kubernetes-sigs/cri-tools/releases/download/v{V}/crictl-v{V}-linux-{A}.tar.gz",
        "{U}.sha256",
    ),
    (
        "registry",
        "https://github.com/distribution/distribution/releases/download/v{V}/registry_{V}_linux_{A}.tar.gz",
        "{U}.sha256",
    ),
];

/// Lists what is needed; what has no version in the input is left out.
pub fn plan(input: &PlanInput) -> Plan {
    let version = |name: &str| match name {
        "etcd" => &input.etcd,
        "containerd" => &input.containerd,
        "runc" => &input.runc,
        "cni-plugins" => &input.cni,
        "crictl" => &input.crictl,
        "registry" => &input.registry,
        _ => &input.kubernetes,
    };
    let mut files = Vec::new();
    for (name, url, checksum) in SOURCES {
        let version = version(name).trim_start_matches('v');
        for arch in input.archs.iter().filter(|_| !version.is_empty()) {
            let fill = |pattern: &str| pattern.replace("{V}", version).replace("{A}", arch);
            let url = fill(url);
            let promise = Promise::ChecksumFile(fill(checksum).replace("{U}", &url));
            files.push(PlannedFile {
                name: name.to_owned(),
                version: version.to_owned(),
                arch: arch.clone(),
                url,
                promise,
            });
        }
    }
    for (name, version, url) in &input.more_files {
        files.push(PlannedFile {
            name: name.clone(),
            version: version.clone(),
            arch: String::new(),
            url: url.clone(),
            promise: Promise::None,
        });
    }
    let repo = &input.image_repo;
    let own = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"];
    let mut images: Vec<String> =
        own.iter().map(|name| format!("{repo}/{name}:v{}", input.kubernetes)).collect();
    // The community's registry keeps CoreDNS in a folder of its own; kubeadm asks a private one without it.
    let coredns = if repo == "registry.k8s.io" { "coredns/coredns" } else { "coredns" };
    for (name, tag) in [("pause", &input.pause), (coredns, &input.coredns)] {
        if !tag.is_empty() {
            images.push(format!("{repo}/{name}:{tag}"));
        }
    }
    images.extend(input.more_images.iter().cloned());
    Plan { files, images, packages: input.packages.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstream_addresses_and_their_checksum_files_are_listed() {
        let input = PlanInput {
            kubernetes: "1.36.2".into(),
            etcd: "3.6.8".into(),
            runc: "1.4.3".into(),
            pause: "3.10.2".into(),
            coredns: "v1.14.2".into(),
            image_repo: "registry.k8s.io".into(),
            archs: vec!["amd64".into(), "arm64".into()],
            ..PlanInput::default()
        };
        let plan = plan(&input);
        let of = |name: &str, arch: &str| {
            let found = plan.files.iter().find(|file| file.name == name && file.arch == arch).unwrap();
            (found.url.clone(), found.promise.clone())
        };
        let kubelet = "https://dl.k8s.io/release/v1.36.2/bin/linux/arm64/kubelet";
        assert_eq!(
            of("kubelet", "arm64"),
            (kubelet.into(), Promise::ChecksumFile(format!("{kubelet}.sha256")))
        );
        let base = "https://github.com/opencontainers/runc/releases/download/v1.4.3";
        let sums = Promise::ChecksumFile(format!("{base}/runc.sha256sum"));
        assert_eq!(of("runc", "amd64"), (format!("{base}/runc.amd64"), sums));
        assert!(!plan.files.iter().any(|file| file.name == "crictl"), "no version, no file");
        assert!(plan.images.contains(&"registry.k8s.io/coredns/coredns:v1.14.2".to_owned()));
        assert!(plan.images.contains(&"registry.k8s.io/kube-proxy:v1.36.2".to_owned()));
    }
}
