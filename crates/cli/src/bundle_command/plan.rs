//! `taskbox bundle plan`: what the cluster of a conf folder needs from the network.

use std::path::PathBuf;

use bundle::{BundleError, Downloads, Event, Plan, PlanInput, Promise, Reference, image_size, plan};
use data::{Diagnose, Diagnostic, Value};

use super::network::NetworkFlags;
use super::show::size;
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
    let has_registry =
        inventory.group("local-registry").is_some_and(|group| !inventory.hosts_of(group).is_empty());
    Ok(PlanInput {
        etcd: of_row("etcd"),
        containerd: of_row("containerd"),
        runc: of_row("runc"),
        cni: of_row("cni"),
        crictl: of_row("crictl"),
        registry: if has_registry { text("registry_version") } else { String::new() },
        packages: packages(cluster),
        pause: of_row("pause"),
        coredns: of_row("coredns"),
        image_repo: text("kube_image_repo"),
        kubernetes,
        more_images,
        more_files,
        archs: archs.to_vec(),
    })
}

/// Packages of the distribution that roles install, by who needs them, as the role `bundle` lists them; those that the plan has as programs
/// are left out.
fn packages(cluster: &Cluster) -> Vec<(String, String)> {
    let file = cluster.home.join("roles/bundle/defaults/main.yml");
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let loaded = data::yaml::load(&data::Source::new(file.display().to_string(), text)).ok();
    let groups =
        loaded.and_then(|loaded| loaded.node?.get("bundle_group_packages").map(data::yaml::Node::to_value));
    let inventory = &cluster.conf.inventory;
    let mounts_nfs = cluster.conf.vars.get("nfs_client_enabled").and_then(playbook::boolean).unwrap_or(false);
    let used = |name: &str| match name {
        "nfs-client" => mounts_nfs,
        _ => inventory.group(name).is_some_and(|group| !inventory.hosts_of(group).is_empty()),
    };
    let programs = ["k8s-cluster", "etcd", "local-registry"];
    let mut packages = Vec::new();
    for (group, names) in groups.iter().filter_map(Value::as_map).flat_map(|groups| groups.iter()) {
        let group = group.to_string();
        if used(&group) && !programs.contains(&group.as_str()) {
            let names = names.as_list().into_iter().flat_map(|names| names.iter());
            packages.extend(names.map(|name| (data::python::str(name), group.clone())));
        }
    }
    packages
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

/// Prints a plan, as a list that `bundle build --list` reads.
pub(super) fn list(plan: &Plan) {
    for file in &plan.files {
        anstream::println!("{}", format!("{} {}", file.url, checksum(&file.promise)).trim_end());
    }
    for image in &plan.images {
        anstream::println!("{image}");
    }
    for (package, group) in &plan.packages {
        anstream::println!("# package {package} ({group})");
    }
}

fn checksum(promise: &Promise) -> String {
    match promise {
        Promise::ChecksumFile(url) => url.clone(),
        Promise::Known(hash) => format!("sha256:{hash}"),
        Promise::None => String::new(),
    }
}

/// Prints a plan as a table; with `network` the sources are asked how large each thing is.
pub(super) fn show(plan: &Plan, archs: &[String], network: Option<&NetworkFlags>) -> Result<(), BundleError> {
    let client = network.map(NetworkFlags::client).transpose()?;
    let nowhere = std::env::temp_dir();
    let downloads =
        client.as_ref().map(|client| Downloads { client, folder: &nowhere, watch: &|_: Event| {} });
    let mut sum = Sum::default();
    for file in &plan.files {
        let size = downloads.as_ref().map(|downloads| downloads.size(&file.url));
        let checked =
            if checksum(&file.promise).is_empty() { "no checksum published" } else { "with checksum" };
        let what = format!("{:<12} {:<10} {:<6}", file.name, file.version, file.arch);
        anstream::println!("{what} {}{}  ({checked})", sum.column(size), file.url);
    }
    for image in &plan.images {
        let size = match (&downloads, network) {
            (Some(downloads), Some(network)) => Some(size_of_image(image, archs, downloads, network)),
            _ => None,
        };
        anstream::println!("{:<12} {}{image}", "image", sum.column(size));
    }
    for (package, group) in &plan.packages {
        anstream::println!("{:<12} {package:<24} for {group}: of the hosts' distribution", "package");
    }
    if network.is_some() {
        let unknown =
            if sum.unknown > 0 { format!(", {} of unknown size", sum.unknown) } else { String::new() };
        anstream::println!("{} in all{unknown}", size(sum.bytes));
    }
    Ok(())
}

fn size_of_image(
    image: &str,
    archs: &[String],
    downloads: &Downloads<'_>,
    network: &NetworkFlags,
) -> Result<Option<u64>, BundleError> {
    let asked = Reference::parse(image).and_then(|image| network.where_to_ask(downloads.client, &image));
    let Some(asked) = asked else { return Ok(None) };
    let registry = network.registry(downloads.client, &asked.registry)?;
    image_size(&registry, downloads, &asked, archs).map(Some)
}

/// Sizes so far.
#[derive(Default)]
struct Sum {
    bytes: u64,
    unknown: usize,
}

impl Sum {
    /// A size as a column; empty where nobody was asked.
    fn column(&mut self, asked: Option<Result<Option<u64>, BundleError>>) -> String {
        match asked {
            None => String::new(),
            Some(Ok(Some(bytes))) => {
                self.bytes += bytes;
                format!("{:>10}  ", size(bytes))
            }
            Some(Ok(None)) => {
                self.unknown += 1;
                format!("{:>10}  ", "?")
            }
            Some(Err(error)) => {
                self.unknown += 1;
                anstream::eprintln!("note: {error}");
                format!("{:>10}  ", "?")
            }
        }
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
        assert!(plan.packages.iter().any(|(name, group)| name == "conntrack" && group == "all"), "{plan:?}");
        assert!(!plan.packages.iter().any(|(name, _)| name == "nfs-common"), "{plan:?}");
        assert!(plan.images.iter().all(|image| !image.contains("{{") && !image.ends_with(':')), "{plan:?}");
    }

    #[test]
    fn what_mounts_volumes_on_an_nfs_server_is_planned_where_there_are_some() {
        let conf = tempfile::tempdir().unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conf");
        std::fs::copy(shipped.join("hosts.ini"), conf.path().join("hosts.ini")).unwrap();
        let vars = "nfs_client_enabled: true\nnfs_server: 192.0.2.9\nnfs_path: /volumes\n";
        std::fs::write(conf.path().join("vars.yml"), vars).unwrap();
        let (plan, _) = of_conf(Some(&conf.path().to_owned()), &["amd64".to_owned()])
            .map_err(|error| error.diagnostics())
            .unwrap();
        assert!(plan.packages.contains(&("nfs-common".into(), "nfs-client".into())), "{plan:?}");
    }
}
