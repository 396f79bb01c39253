//! `taskbox bundle plan`: what the cluster of a conf folder needs from the network.

use std::path::PathBuf;

use bundle::{Plan, PlanInput, Promise, plan};
use data::{Diagnose, Diagnostic};

use crate::cluster::{Cluster, Target};

/// Reads a conf folder and works out the plan.
///
/// # Errors
/// The folder has no usable conf, or its Kubernetes version is not in the table.
pub(super) fn of_conf(conf: Option<&PathBuf>, archs: &[String]) -> Result<(Plan, String), Box<dyn Diagnose>> {
    let cluster = Cluster::open(None, &Target::Conf(conf.cloned()))?;
    let input = input(&cluster, archs)?;
    Ok((plan(&input), input.kubernetes))
}

fn input(cluster: &Cluster, archs: &[String]) -> Result<PlanInput, Box<dyn Diagnose>> {
    let inventory = &cluster.conf.inventory;
    let default = |name: &str| inventory.group("all").and_then(|all| all.vars().get(name).cloned());
    let value = |name: &str| cluster.conf.vars.get(name).cloned().or_else(|| default(name));
    let text = |name: &str| value(name).map(|value| data::python::str(&value)).unwrap_or_default();
    let kubernetes = text("kube_version").trim_start_matches('v').to_owned();
    let minor: String = kubernetes.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
    let row = value("kubernetes_versions").and_then(|table| table.get(minor.as_str()).cloned());
    let Some(row) = row else {
        let unknown = Diagnostic::error(format!("the table of versions has no Kubernetes {minor}"));
        return Err(Box::new(
            unknown.help("choose a kube_version of the table in inventory/group_vars/all/versions.yml"),
        ));
    };
    let of_row = |name: &str| row.get(name).map(data::python::str).unwrap_or_default();
    let (more_images, more_files) = network(&text);
    Ok(PlanInput {
        etcd: of_row("etcd"),
        containerd: of_row("containerd"),
        runc: of_row("runc"),
        cni: of_row("cni"),
        crictl: of_row("crictl"),
        pause: of_row("pause"),
        coredns: of_row("coredns"),
        image_repo: text("kube_image_repo"),
        kubernetes,
        more_images,
        more_files,
        archs: archs.to_vec(),
    })
}

/// Images and files of the network plugin and the name cache; for cilium, kubeovn and hybridnet the charts name their own images.
fn network(text: &impl Fn(&str) -> String) -> (Vec<String>, Vec<(String, String, String)>) {
    let (mut images, mut files) = (Vec::new(), Vec::new());
    let version = |name: &str| format!("v{}", text(name).trim_start_matches('v'));
    match text("kube_network_plugin").as_str() {
        "calico" => {
            let v = version("calico_version");
            images
                .extend(["cni", "node", "kube-controllers"].map(|name| format!("quay.io/calico/{name}:{v}")));
            let url = format!("https://github.com/projectcalico/calico/raw/{v}/manifests/calico.yaml");
            files.push(("calico".to_owned(), v, url));
        }
        "flannel" => {
            images.push(format!("ghcr.io/flannel-io/flannel:{}", version("flannel_version")));
            images.push(format!(
                "ghcr.io/flannel-io/flannel-cni-plugin:{}",
                version("flannel_cni_plugin_version")
            ));
        }
        "cilium" => {
            let v = text("cilium_version");
            files.push(("cilium".to_owned(), v.clone(), format!("https://helm.cilium.io/cilium-{v}.tgz")));
        }
        _ => {}
    }
    if text("enable_nodelocaldns").eq_ignore_ascii_case("true") {
        let tag = text("nodelocaldns_version");
        images.push(format!("{}/dns/k8s-dns-node-cache:{tag}", text("kube_image_repo")));
    }
    (images, files)
}

/// Prints a plan, as a table or as a list that `bundle build --list` reads.
pub(super) fn show(plan: &Plan, as_list: bool) {
    for file in &plan.files {
        let checksum = match &file.promise {
            Promise::ChecksumFile(url) => url.clone(),
            Promise::Known(hash) => format!("sha256:{hash}"),
            Promise::None => String::new(),
        };
        if as_list {
            anstream::println!("{}", format!("{} {checksum}", file.url).trim_end());
        } else {
            let checked = if checksum.is_empty() { "no checksum published" } else { "with checksum" };
            anstream::println!(
                "{:<12} {:<10} {:<6} {}  ({checked})",
                file.name,
                file.version,
                file.arch,
                file.url
            );
        }
    }
    for image in &plan.images {
        if as_list { anstream::println!("{image}") } else { anstream::println!("{:<12} {image}", "image") }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_shipped_conf_has_a_plan() {
        let conf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conf");
        let (plan, kubernetes) =
            of_conf(Some(&conf), &["amd64".to_owned()]).map_err(|error| error.diagnostics()).unwrap();
        assert!(!kubernetes.is_empty() && !kubernetes.starts_with('v'));
        assert_eq!(plan.files.iter().filter(|file| file.arch == "amd64").count(), 8, "{plan:?}");
        assert!(plan.images.iter().any(|image| image.contains("/pause:")), "{plan:?}");
        assert!(plan.images.iter().all(|image| !image.contains("{{") && !image.ends_with(':')), "{plan:?}");
    }
}
