//! Groups of `module_defaults`: `group/NAME`, as the collections on disk define them in `meta/runtime.yml`.

use std::path::{Path, PathBuf};

use data::yaml::Node;

use crate::options::RunOptions;

/// Groups that Ansible itself names; their modules are all those of collections that are no part of taskbox.
const ANSIBLES: [&str; 10] = ["acme", "aws", "azure", "cpm", "docker", "gcp", "k8s", "os", "ovirt", "vmware"];

/// How deeply groups may extend each other.
const DEPTH: usize = 10;

/// The full names of a group's modules; `None` when there is no such group.
pub(crate) fn members(group: &str, options: &RunOptions) -> Option<Vec<String>> {
    let short = group.strip_prefix("ansible.builtin.").unwrap_or(group);
    if ANSIBLES.contains(&short) {
        return Some(Vec::new());
    }
    let mut found = Vec::new();
    collect(group, options, DEPTH, &mut found).then_some(found)
}

fn collect(group: &str, options: &RunOptions, depth: usize, found: &mut Vec<String>) -> bool {
    let mut parts = group.splitn(3, '.');
    let (Some(namespace), Some(collection), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let Some(runtime) = runtime(namespace, collection, options) else { return false };
    let full = format!("{namespace}.{collection}");
    let groups = runtime.get("action_groups");
    let listed = groups.and_then(|groups| groups.get(group).or_else(|| groups.get(name)));
    let Some(entries) = listed.and_then(Node::as_seq) else { return false };
    for entry in entries {
        if let Some(action) = entry.as_str() {
            found.push(if action.split('.').count() > 2 {
                action.to_owned()
            } else {
                format!("{full}.{action}")
            });
        } else if let Some(outer) = entry.get("metadata").and_then(|metadata| metadata.get("extend_group")) {
            let one = outer.as_str().into_iter();
            let many = outer.as_seq().unwrap_or_default().iter().filter_map(Node::as_str);
            for more in one.chain(many).filter(|_| depth > 0) {
                let more = if more.contains('.') { more.to_owned() } else { format!("{full}.{more}") };
                // A group that is extended need not be there.
                collect(&more, options, depth - 1, found);
            }
        }
    }
    true
}

fn runtime(namespace: &str, collection: &str, options: &RunOptions) -> Option<Node> {
    let beside =
        options.playbooks.iter().filter_map(|path| path.parent().map(|folder| folder.join("collections")));
    let roots: Vec<PathBuf> = beside.chain(options.collections_path.iter().cloned()).collect();
    let file = roots
        .iter()
        .map(|root| {
            root.join("ansible_collections").join(namespace).join(collection).join("meta/runtime.yml")
        })
        .find(|path: &PathBuf| Path::is_file(path))?;
    let source = data::fs::read_source(file).ok()?;
    data::yaml::load(&source).ok()?.node
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_on_disk_says_what_its_groups_hold() {
        let folder = tempfile::tempdir().unwrap();
        let meta = folder.path().join("ansible_collections/a/b/meta");
        std::fs::create_dir_all(&meta).unwrap();
        let text = "action_groups:\n  g:\n  - one\n  - ansible.builtin.ping\n  - metadata: {extend_group: h}\n  h: [two]\n";
        std::fs::write(meta.join("runtime.yml"), text).unwrap();
        let options = RunOptions { collections_path: vec![folder.path().into()], ..RunOptions::default() };
        assert_eq!(members("a.b.g", &options).unwrap(), ["a.b.one", "ansible.builtin.ping", "a.b.two"]);
        assert_eq!(members("a.b.none", &options), None);
        assert_eq!(members("nothing", &options), None);
        assert_eq!(members("aws", &options), Some(Vec::new()));
    }
}
