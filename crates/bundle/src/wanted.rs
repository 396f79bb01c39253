//! What a cluster of some Kubernetes version needs, and what of it a bundle lacks.

use crate::{Kind, Manifest};

/// Something that a cluster needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// What it is, as shown.
    pub what: String,
    /// The architecture, if it depends on one.
    pub arch: String,
}

/// A program and the Debian and RPM packages that bring it too.
const NEEDED: &[(&str, &[&str])] = &[
    ("kubeadm", &["kubeadm"]),
    ("kubelet", &["kubelet"]),
    ("kubectl", &["kubectl"]),
    ("etcd", &["etcd-server", "etcd"]),
    ("etcdctl", &["etcd-client", "etcd", "etcdctl"]),
    ("containerd", &["containerd", "containerd.io"]),
    ("containerd-shim-runc-v2", &["containerd", "containerd.io"]),
    ("ctr", &["containerd", "containerd.io"]),
    ("runc", &["runc", "containerd.io"]),
    ("crictl", &["cri-tools"]),
    ("loopback", &["containernetworking-plugins", "kubernetes-cni", "cni-plugins"]),
];

/// Images of the control plane: their last names, and whether they have the version of Kubernetes.
const IMAGES: &[(&str, bool)] = &[
    ("kube-apiserver", true),
    ("kube-controller-manager", true),
    ("kube-scheduler", true),
    ("kube-proxy", true),
    ("pause", false),
    ("coredns", false),
];

/// What a bundle lacks for a Kubernetes version (without `v`), for each architecture it is for. Where the version of Kubernetes' own
/// programs or images is another one, that counts as lacking too.
pub fn missing(manifest: &Manifest, kubernetes: &str) -> Vec<Want> {
    let archs = manifest.architectures();
    archs.into_iter().flat_map(|arch| missing_for(manifest, kubernetes, arch)).collect()
}

fn missing_for(manifest: &Manifest, kubernetes: &str, arch: &str) -> Vec<Want> {
    let want = |what: String| Want { what, arch: arch.to_owned() };
    let mut wants = Vec::new();
    for (program, packages) in NEEDED {
        let of_kubernetes = program.starts_with("kube");
        let found = manifest.artifacts.iter().find(|artifact| match artifact.kind {
            Kind::Program | Kind::CniPlugin => {
                artifact.name == *program && artifact.arch.as_deref() == Some(arch)
            }
            Kind::Deb | Kind::Rpm => {
                packages.contains(&artifact.name.as_str())
                    && [Some(arch), Some("all"), Some("noarch")].contains(&artifact.arch.as_deref())
            }
            _ => false,
        });
        let version = found.and_then(|artifact| artifact.version.as_deref());
        match found {
            None if of_kubernetes => wants.push(want(format!("{program} {kubernetes}"))),
            None if *program == "loopback" => wants.push(want("the CNI plugins".into())),
            None => wants.push(want((*program).to_owned())),
            Some(_) if of_kubernetes && version.is_some_and(|own| !own.starts_with(kubernetes)) => {
                let own = version.unwrap_or_default();
                wants.push(want(format!("{program} {kubernetes} (the one here is {own})")));
            }
            Some(_) => {}
        }
    }
    for (name, of_kubernetes) in IMAGES {
        let tag = format!("v{kubernetes}");
        let there = manifest.images.iter().filter(|image| image.arch == arch).any(|image| {
            let Some((path, own)) = image.reference.rsplit_once(':') else { return false };
            path.rsplit('/').next() == Some(*name) && (!of_kubernetes || own == tag)
        });
        if !there {
            wants.push(want(if *of_kubernetes {
                format!("image {name}:{tag}")
            } else {
                format!("image {name}")
            }));
        }
    }
    wants
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Artifact;

    fn artifact(kind: Kind, name: &str, version: &str) -> Artifact {
        let (name, version) = (name.into(), Some(version.into()));
        Artifact { kind, name, version, arch: Some("amd64".into()), ..Artifact::default() }
    }

    #[test]
    fn what_a_package_brings_is_not_missing_and_another_version_is() {
        let manifest = Manifest {
            artifacts: vec![
                artifact(Kind::Deb, "containerd", "1.6.20~ds1-1"),
                artifact(Kind::Program, "kubelet", "1.35.1"),
                artifact(Kind::Program, "kubeadm", "1.36.2"),
            ],
            ..Manifest::default()
        };
        let wants: Vec<String> = missing(&manifest, "1.36.2").into_iter().map(|want| want.what).collect();
        assert!(wants.contains(&"kubelet 1.36.2 (the one here is 1.35.1)".to_owned()), "{wants:?}");
        assert!(wants.contains(&"runc".to_owned()) && wants.contains(&"image kube-proxy:v1.36.2".to_owned()));
        assert!(
            !wants.iter().any(|want| want.starts_with("ctr") || want.starts_with("kubeadm")),
            "{wants:?}"
        );
    }
}
