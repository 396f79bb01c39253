//! The reference page of `conf/vars.yml`, made from the table of variables.

use std::fmt::Write;

use super::keys::{self, KnownKey, OldName};

const HEAD: &str = "\
# The conf folder

This page is made from the table in `crates/inventory/src/conf/keys`; a test keeps it up to date.

`./install.sh` reads one of these, and each gives the same hosts, groups and variables:

| Files | Form |
| --- | --- |
| `hosts.ini`, `vars.yml` | the 2.0 installer's |
| `hosts.ini`, `common.yaml`, `plugin-*.yaml` | the 2.1 installer's |
| `config-sample.yaml` (or another `.yaml` file with `apiVersion: kubekey.kubesphere.io/...`) | KubeKey's, v1alpha1 and v1alpha2; its `ClusterConfiguration` becomes the variable `ks_cluster_configuration` |

`hosts.ini` is an Ansible inventory: ranges, groups of groups and `[group:vars]` work. A user's `ansible_become_pass` is the SSH password
too where no other login is given. Passwords are text whatever they look like, and are never shown.

The files are checked as a whole before any host is touched, and all mistakes are reported at once. Old names of variables still work,
with a warning. Unknown variables are kept, with a warning that names the nearest known one.

A variable's value comes from, the last one winning: the cluster's defaults (`inventory/group_vars/all`), `[all:vars]` and then
`[group:vars]` of `hosts.ini`, `group_vars/all` in this folder, the variable files, `group_vars` of other groups, the host's line,
`host_vars`. It is Ansible's order, in which the variable files stand where `group_vars/all` does.

In the tables, \"Since\" is the release of the KubeSphere installer that knew the variable first; `new` marks what it did not have.
";

/// `docs/configuration.md`
pub fn reference_page() -> String {
    let mut page = HEAD.to_owned();
    for group in keys::groups() {
        // Writing to a string cannot fail.
        let _ = write!(page, "\n## {}\n\n", group.title);
        if !group.about.is_empty() {
            let _ = write!(page, "{}\n\n", group.about);
        }
        page.push_str("| Variable | Value | Default | Since | Meaning |\n| --- | --- | --- | --- | --- |\n");
        for key in group.keys {
            page.push_str(&row(key));
        }
    }
    page
}

fn row(key: &KnownKey) -> String {
    let default = if key.default.is_empty() { String::new() } else { format!("`{}`", key.default) };
    let mut meaning = key.meaning.to_owned();
    if key.secret {
        meaning.push_str(" Never shown.");
    }
    for old in key.old {
        let _ = match old {
            OldName::Same(name) => write!(meaning, " Old name: `{name}`."),
            OldName::Inverted(name) => write!(meaning, " Old name, with the opposite meaning: `{name}`."),
        };
    }
    format!("| `{}` | {} | {default} | {} | {meaning} |\n", key.name, key.kind.words(), key.since)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_page_in_docs_is_up_to_date() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        let page = reference_page();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == page,
            "run `UPDATE_DOCS=1 cargo test -p taskbox-inventory` to write docs/configuration.md anew"
        );
    }
}
