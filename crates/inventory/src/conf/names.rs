//! Which names of variables are known besides the table: those of the roles.

use std::path::Path;

use data::yaml::Node;

/// The variables that the roles below `roles` declare in `defaults/main.yml` and in their argument specifications; what cannot be read is
/// left to the reader of roles to complain about.
pub fn role_variables(roles: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for role in data::fs::list(roles).unwrap_or_default() {
        let defaults = mapping(&role.join("defaults/main.yml"));
        names.extend(defaults.iter().flat_map(keys));
        let specs = mapping(&role.join("meta/argument_specs.yml"));
        let points = specs.as_ref().and_then(|node| node.get("argument_specs")?.as_map()).unwrap_or_default();
        names.extend(points.iter().filter_map(|(_, point)| point.get("options")).flat_map(keys));
    }
    names.sort();
    names.dedup();
    names
}

fn mapping(path: &Path) -> Option<Node> {
    let source = data::fs::read_source(path).ok()?;
    data::yaml::load(&source).ok()?.node
}

fn keys(node: &Node) -> Vec<String> {
    node.as_map().unwrap_or_default().iter().filter_map(|(key, _)| key.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_declare_variables_in_two_places() {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("etcd/defaults/main.yml", "etcd_user: etcd\n"),
            (
                "etcd/meta/argument_specs.yml",
                "argument_specs: {main: {options: {etcd_user: {}, etcd_address: {}}}}\n",
            ),
            ("empty/tasks/main.yml", "[]\n"),
        ] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        assert_eq!(role_variables(folder.path()), ["etcd_address", "etcd_user"]);
    }
}
