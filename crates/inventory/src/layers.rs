//! Variable precedence as far as the inventory knows it: the nine levels below facts and plays, weakest first.

use std::sync::Arc;

use data::{Key, Map, Value};

use crate::vars_files::{Entity, VarsFiles};
use crate::{Group, Host, Inventory, VarsFileError};

/// Where variables of a host come from, weakest first. Levels 3 to 11 of Ansible's list of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `[all:vars]` of the inventory.
    InventoryAll,
    /// `[group:vars]` of the inventory, for the other groups.
    InventoryGroups,
    /// `group_vars/all` beside the inventory; then the cluster's variables, where a conf folder gives them.
    GroupVarsAll,
    /// `group_vars/all` beside the playbook.
    PlaybookGroupVarsAll,
    /// `group_vars/*` beside the inventory.
    GroupVars,
    /// `group_vars/*` beside the playbook.
    PlaybookGroupVars,
    /// The host's line in the inventory.
    InventoryHost,
    /// `host_vars/*` beside the inventory.
    HostVars,
    /// `host_vars/*` beside the playbook.
    PlaybookHostVars,
}

impl Level {
    /// All levels, weakest first.
    pub const ALL: [Self; 9] = [
        Self::InventoryAll,
        Self::InventoryGroups,
        Self::GroupVarsAll,
        Self::PlaybookGroupVarsAll,
        Self::GroupVars,
        Self::PlaybookGroupVars,
        Self::InventoryHost,
        Self::HostVars,
        Self::PlaybookHostVars,
    ];
}

impl VarsFiles {
    /// All variables of a host that the inventory and the files beside it and the playbook give, weaker ones overridden.
    ///
    /// # Errors
    /// A variable file that cannot be read or is not a mapping.
    pub fn host_vars(&self, inventory: &Inventory, host: &Host) -> Result<Map, VarsFileError> {
        let mut vars = Map::new();
        for level in Level::ALL {
            self.put(inventory, host, level, &mut vars)?;
        }
        Ok(vars)
    }

    /// The variables of one level, for showing where a value comes from.
    ///
    /// # Errors
    /// As [`Self::host_vars`].
    pub fn host_layer(&self, inventory: &Inventory, host: &Host, level: Level) -> Result<Map, VarsFileError> {
        let mut vars = Map::new();
        self.put(inventory, host, level, &mut vars)?;
        Ok(vars)
    }

    /// The variables of a group itself: of the inventory, then of `group_vars` beside it and, if asked for, beside the playbook.
    ///
    /// # Errors
    /// As [`Self::host_vars`].
    pub fn group_vars(
        &self,
        inventory: &Inventory,
        group: &Group,
        playbook: bool,
    ) -> Result<Map, VarsFileError> {
        let behaviour = inventory.hash_behaviour();
        let mut vars = group.vars().clone();
        for folder in &self.inventory_folders {
            behaviour.combine(&mut vars, &*self.vars(folder, Entity::Group, group.name())?);
        }
        if group.name() == "all" {
            behaviour.combine(&mut vars, inventory.cluster_vars());
        }
        for folder in self.playbook_folders.iter().filter(|_| playbook) {
            behaviour.combine(&mut vars, &*self.vars(folder, Entity::Group, group.name())?);
        }
        Ok(vars)
    }

    /// The variables of a host's own line and of its `host_vars` beside the inventory and, if asked for, beside the playbook; without
    /// those of its groups.
    ///
    /// # Errors
    /// As [`Self::host_vars`].
    pub fn own_host_vars(
        &self,
        inventory: &Inventory,
        host: &Host,
        playbook: bool,
    ) -> Result<Map, VarsFileError> {
        let mut vars = Map::new();
        self.put(inventory, host, Level::InventoryHost, &mut vars)?;
        self.put(inventory, host, Level::HostVars, &mut vars)?;
        if playbook {
            self.put(inventory, host, Level::PlaybookHostVars, &mut vars)?;
        }
        Ok(vars)
    }

    fn put(
        &self,
        inventory: &Inventory,
        host: &Host,
        level: Level,
        vars: &mut Map,
    ) -> Result<(), VarsFileError> {
        let behaviour = inventory.hash_behaviour();
        let all = || inventory.group("all").into_iter().map(Group::name).collect::<Vec<_>>();
        let groups = || inventory.groups_of(host).into_iter().map(Group::name).collect::<Vec<_>>();
        match level {
            Level::InventoryAll => {
                if let Some(all) = inventory.group("all") {
                    behaviour.combine(vars, all.vars());
                }
                return Ok(());
            }
            Level::InventoryGroups => {
                for group in inventory.groups_of(host) {
                    behaviour.combine(vars, group.vars());
                }
                return Ok(());
            }
            Level::InventoryHost => {
                behaviour.combine(vars, &host.origin);
                behaviour.combine(vars, host.vars());
                return Ok(());
            }
            _ => {}
        }
        let (folders, entity, names) = match level {
            Level::GroupVarsAll => (&self.inventory_folders, Entity::Group, all()),
            Level::PlaybookGroupVarsAll => (&self.playbook_folders, Entity::Group, all()),
            Level::GroupVars => (&self.inventory_folders, Entity::Group, groups()),
            Level::PlaybookGroupVars => (&self.playbook_folders, Entity::Group, groups()),
            Level::HostVars => (&self.inventory_folders, Entity::Host, vec![&**host.name()]),
            _ => (&self.playbook_folders, Entity::Host, vec![&**host.name()]),
        };
        // Folder by folder: a group's file beside a later source wins over a deeper group's beside an earlier one.
        for folder in folders {
            for name in &names {
                behaviour.combine(vars, &*self.vars(folder, entity, name)?);
            }
        }
        if level == Level::GroupVarsAll {
            behaviour.combine(vars, inventory.cluster_vars());
        }
        Ok(())
    }
}

impl Inventory {
    /// The magic variables that the inventory knows: `inventory_hostname`, `inventory_hostname_short`, `group_names` and `groups`.
    /// (`inventory_file` and `inventory_dir` are variables of the host.) They win over every variable of the same name.
    pub fn magic_vars(&self, host: &Host) -> Map {
        let names = self.group_names(host).into_iter().map(Value::str).collect::<Vec<_>>();
        Map::from([
            ("inventory_hostname", Value::str(Arc::clone(host.name()))),
            ("inventory_hostname_short", Value::str(host.short_name())),
            ("group_names", Value::from(names)),
            ("groups", Value::Map(self.groups_dict().clone())),
        ])
    }
}

/// Names that `ansible-inventory` leaves out of its output: they are Ansible's own.
pub fn is_internal_var(key: &Key) -> bool {
    const NAMES: [&str; 34] = [
        "ansible_async_path",
        "ansible_collection_name",
        "ansible_config_file",
        "ansible_dependent_role_names",
        "ansible_diff_mode",
        "ansible_facts",
        "ansible_forks",
        "ansible_inventory_sources",
        "ansible_limit",
        "ansible_play_batch",
        "ansible_play_hosts",
        "ansible_play_hosts_all",
        "ansible_play_role_names",
        "ansible_playbook_python",
        "ansible_role_name",
        "ansible_role_names",
        "ansible_run_tags",
        "ansible_skip_tags",
        "ansible_verbosity",
        "ansible_version",
        "inventory_dir",
        "inventory_file",
        "inventory_hostname",
        "inventory_hostname_short",
        "groups",
        "group_names",
        "hostvars",
        "playbook_dir",
        "play_hosts",
        "role_name",
        "role_names",
        "role_path",
        "role_uuid",
        "omit",
    ];
    key.as_str().is_some_and(|name| NAMES.contains(&name))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::HashBehaviour;
    use crate::read::Reader;

    /// A host `h` in groups `a` and `b`, with `v` set to the level's number on every level from `from` to `to`.
    fn vars_set_on(levels: &[Level]) -> Map {
        let folder = tempfile::tempdir().unwrap();
        let mut inventory = Inventory::default();
        inventory.add_group("a", None).unwrap();
        inventory.add_host("h", None, None).unwrap();
        inventory.add_to_group("h", "a").unwrap();
        inventory.reconcile();
        for level in levels {
            set(&mut inventory, folder.path(), *level);
        }
        let (beside, playbook) = (folder.path().join("inventory"), folder.path().join("playbook"));
        let files = VarsFiles::new(vec![beside], vec![playbook], HashBehaviour::Replace, Reader::default());
        files.host_vars(&inventory, inventory.host("h").unwrap()).unwrap()
    }

    fn set(inventory: &mut Inventory, folder: &Path, level: Level) {
        let value = level as i32;
        let file = match level {
            Level::InventoryAll => return inventory.set_group_var("all", "v", value).unwrap(),
            Level::InventoryGroups => return inventory.set_group_var("a", "v", value).unwrap(),
            Level::InventoryHost => return inventory.set_host_var("h", "v", value).unwrap(),
            Level::GroupVarsAll => "inventory/group_vars/all.yml",
            Level::PlaybookGroupVarsAll => "playbook/group_vars/all.yml",
            Level::GroupVars => "inventory/group_vars/a.yml",
            Level::PlaybookGroupVars => "playbook/group_vars/a.yml",
            Level::HostVars => "inventory/host_vars/h.yml",
            Level::PlaybookHostVars => "playbook/host_vars/h.yml",
        };
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("v: {value}\n")).unwrap();
    }

    #[test]
    fn each_level_wins_over_the_one_below_it() {
        for pair in Level::ALL.windows(2) {
            let vars = vars_set_on(pair);
            assert_eq!(vars.get("v"), Some(&Value::from(pair[1] as i32)), "{:?} over {:?}", pair[1], pair[0]);
        }
    }

    #[test]
    fn deeper_groups_win_then_priority_then_name() {
        let mut inventory = Inventory::default();
        inventory.add_host("h", None, None).unwrap();
        for group in ["a", "b", "c", "deep"] {
            inventory.add_group(group, None).unwrap();
            inventory.add_to_group("h", group).unwrap();
            inventory.set_group_var(group, "v", group).unwrap();
        }
        inventory.reconcile();
        let files = VarsFiles::new(vec![], vec![], HashBehaviour::Replace, Reader::default());
        let value = |inventory: &Inventory| {
            let vars = files.host_vars(inventory, inventory.host("h").unwrap()).unwrap();
            vars.get_str("v").map(str::to_owned)
        };
        assert_eq!(value(&inventory).as_deref(), Some("deep"), "by name");
        inventory.set_group_var("a", "ansible_group_priority", 10).unwrap();
        assert_eq!(value(&inventory).as_deref(), Some("a"), "by priority");
        inventory.add_child_group("c", "b").unwrap();
        assert_eq!(value(&inventory).as_deref(), Some("b"), "by depth");
    }

    #[test]
    fn a_later_folder_wins_even_for_a_shallower_group() {
        let folder = tempfile::tempdir().unwrap();
        for (file, value) in [("one/group_vars/deep.yml", "one"), ("two/group_vars/top.yml", "two")] {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, format!("v: {value}\n")).unwrap();
        }
        let mut inventory = Inventory::default();
        inventory.add_host("h", None, None).unwrap();
        inventory.add_group("top", None).unwrap();
        inventory.add_group("deep", None).unwrap();
        inventory.add_child_group("top", "deep").unwrap();
        inventory.add_to_group("h", "deep").unwrap();
        inventory.reconcile();
        let folders = ["one", "two"].map(|name| folder.path().join(name)).to_vec();
        let files = VarsFiles::new(folders, vec![], HashBehaviour::Replace, Reader::default());
        let vars = files.host_vars(&inventory, inventory.host("h").unwrap()).unwrap();
        assert_eq!(vars.get_str("v"), Some("two"));
    }

    #[test]
    fn cluster_variables_win_over_the_defaults_of_all_and_yield_to_groups() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("group_vars")).unwrap();
        std::fs::write(folder.path().join("group_vars/all.yml"), "a: default\nb: default\n").unwrap();
        std::fs::write(folder.path().join("group_vars/web.yml"), "b: group\n").unwrap();
        let mut inventory = Inventory::default();
        inventory.add_host("h", None, None).unwrap();
        inventory.add_group("web", None).unwrap();
        inventory.add_to_group("h", "web").unwrap();
        inventory.reconcile();
        let files =
            VarsFiles::new(vec![folder.path().into()], vec![], HashBehaviour::Replace, Reader::default());
        inventory.set_cluster_vars(Map::from([("a", "conf"), ("b", "conf")]));
        let vars = files.host_vars(&inventory, inventory.host("h").unwrap()).unwrap();
        assert_eq!((vars.get_str("a"), vars.get_str("b")), (Some("conf"), Some("group")));
    }

    #[test]
    fn magic_variables_name_the_host_and_its_groups() {
        let mut inventory = Inventory::default();
        inventory.add_host("web1.example.com", None, None).unwrap();
        inventory.add_group("web", None).unwrap();
        inventory.add_to_group("web1.example.com", "web").unwrap();
        inventory.reconcile();
        let magic = inventory.magic_vars(inventory.host("web1.example.com").unwrap());
        assert_eq!(magic.get_str("inventory_hostname"), Some("web1.example.com"));
        assert_eq!(magic.get_str("inventory_hostname_short"), Some("web1"));
        assert_eq!(magic.get("group_names"), Some(&Value::from(vec![Value::from("web")])));
        assert_eq!(magic.get("groups").unwrap().get("web").unwrap().as_list().unwrap().len(), 1);
    }
}
