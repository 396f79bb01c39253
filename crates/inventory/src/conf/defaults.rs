//! The cluster's defaults: `group_vars/all` beside the sample inventories, below everything that a user writes.

use std::path::Path;

use data::{Diagnose, Diagnostic};

use crate::read::Reader;
use crate::vars_files::Entity;
use crate::{Inventory, VarsFiles};

/// Gives the group `all` each variable of `folder`'s `group_vars/all` that it does not have.
pub(crate) fn put_below(
    inventory: &mut Inventory,
    folder: &Path,
    reader: &Reader,
    findings: &mut Vec<Diagnostic>,
) {
    let behaviour = inventory.hash_behaviour();
    let files = VarsFiles::new(Vec::new(), Vec::new(), behaviour, reader.clone());
    let defaults = match files.vars(folder, Entity::Group, "all") {
        Ok(defaults) => defaults,
        Err(error) => return findings.extend(error.diagnostics()),
    };
    findings.extend(files.take_warnings());
    let own = inventory.group("all").map(|all| all.vars().clone()).unwrap_or_default();
    for (name, value) in defaults.iter().filter(|(name, _)| !own.contains_key(*name)) {
        // The group `all` always exists, and no default is a group's priority.
        let _ = inventory.set_group_var("all", name.clone(), value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_yield_to_what_the_inventory_says() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("group_vars/all")).unwrap();
        std::fs::write(folder.path().join("group_vars/all/a.yml"), "a: default\nb: default\n").unwrap();
        let mut inventory = Inventory::default();
        inventory.set_group_var("all", "b", "own").unwrap();
        let mut findings = Vec::new();
        put_below(&mut inventory, folder.path(), &Reader::default(), &mut findings);
        let vars = inventory.group("all").unwrap().vars();
        assert_eq!((vars.get_str("a"), vars.get_str("b"), findings.len()), (Some("default"), Some("own"), 0));
    }
}
