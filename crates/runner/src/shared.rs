//! What all threads of a run share: options, engine, loader, inventory, connections and the store of variables.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use data::{Diagnose, Diagnostic, Map};
use inventory::{Inventory, VarsFiles};
use playbook::Loader;
use template::Engine;

use crate::connections::Connections;
use crate::event::HostName;
use crate::options::RunOptions;
use crate::variables::Variables;

/// The run's common ground.
pub(crate) struct Shared {
    pub(crate) options: RunOptions,
    pub(crate) engine: Engine,
    pub(crate) loader: Loader,
    pub(crate) variables: Variables,
    pub(crate) connections: Connections,
    inventory: RwLock<Arc<Inventory>>,
    vars_files: RwLock<Arc<VarsFiles>>,
    inventory_vars: Mutex<HashMap<HostName, Map>>,
    yaml_vars: Mutex<HashMap<PathBuf, Map>>,
    warnings: Mutex<Vec<Diagnostic>>,
    /// Files of variables that cannot be used: the run ends.
    broken: Mutex<Vec<Diagnostic>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The places of a finding, as the user reads them.
fn places(finding: &Diagnostic) -> Vec<String> {
    finding.labels.iter().map(|label| label.place.to_string()).collect()
}

/// The files beside the inventory and the playbooks.
fn vars_files(options: &RunOptions, inventory: &Inventory, playbooks: Vec<PathBuf>) -> VarsFiles {
    let folders = options.inventory_folders.clone();
    VarsFiles::new(folders, playbooks, inventory.hash_behaviour(), options.reader.clone())
}

impl Shared {
    pub(crate) fn new(mut options: RunOptions, engine: Engine, loader: Loader) -> Self {
        let inventory =
            std::mem::replace(&mut options.inventory, Inventory::new(inventory::HashBehaviour::default()));
        let vars_files = vars_files(&options, &inventory, Vec::new());
        Self {
            engine,
            loader,
            variables: Variables::new(options.fact_cache.clone()),
            connections: Connections::asking(options.prompter.clone()),
            inventory: RwLock::new(Arc::new(inventory)),
            vars_files: RwLock::new(Arc::new(vars_files)),
            inventory_vars: Mutex::default(),
            yaml_vars: Mutex::default(),
            warnings: Mutex::default(),
            broken: Mutex::default(),
            options,
        }
    }

    /// The inventory as it is now.
    pub(crate) fn inventory(&self) -> Arc<Inventory> {
        Arc::clone(&self.inventory.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the inventory (`add_host`, `group_by`).
    pub(crate) fn change_inventory<T>(&self, change: impl FnOnce(&mut Inventory) -> T) -> T {
        let mut guard = self.inventory.write().unwrap_or_else(PoisonError::into_inner);
        let result = change(Arc::make_mut(&mut guard));
        lock(&self.inventory_vars).clear();
        result
    }

    /// Reads the inventory's sources anew. Hosts and groups of the run (`add_host`, `group_by`) are gone then, as in Ansible.
    pub(crate) fn reload_inventory(&self) {
        let Some(reload) = &self.options.reload else { return };
        match reload() {
            Ok(loaded) => {
                loaded.warnings.into_iter().for_each(|warning| self.warn(warning));
                *self.inventory.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded.inventory);
                lock(&self.inventory_vars).clear();
            }
            Err(findings) => findings.into_iter().for_each(|finding| self.warn(finding)),
        }
    }

    /// Makes `folder` the place of the playbook's `group_vars` and `host_vars`.
    pub(crate) fn set_playbook_folder(&self, folder: &Path) {
        let files = vars_files(&self.options, &self.inventory(), vec![folder.to_path_buf()]);
        *self.vars_files.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(files);
        lock(&self.inventory_vars).clear();
    }

    /// The variables that the inventory and the files beside it and the playbook give to a host.
    pub(crate) fn inventory_vars(&self, host: &HostName) -> Map {
        if let Some(vars) = lock(&self.inventory_vars).get(host) {
            return vars.clone();
        }
        let inventory = self.inventory();
        let files = Arc::clone(&self.vars_files.read().unwrap_or_else(PoisonError::into_inner));
        let vars = inventory.host(host).map(|known| files.host_vars(&inventory, known));
        files.take_warnings().into_iter().for_each(|warning| self.warn(warning));
        let vars = match vars {
            Some(Ok(vars)) => vars,
            Some(Err(error)) => {
                self.break_off(error.diagnostics());
                Map::new()
            }
            None => Map::new(),
        };
        crate::variables::reserved::warn(self, &vars);
        lock(&self.inventory_vars).insert(host.clone(), vars.clone());
        vars
    }

    /// The variables of a YAML file (`vars_files`), read once.
    ///
    /// # Errors
    /// It cannot be read, or is no mapping.
    pub(crate) fn yaml_vars(&self, path: &Path) -> Result<Map, Vec<Diagnostic>> {
        if let Some(vars) = lock(&self.yaml_vars).get(path) {
            return Ok(vars.clone());
        }
        let vars = crate::variables::vars_file::read(path, self, true)?;
        lock(&self.yaml_vars).insert(path.to_path_buf(), vars.clone());
        Ok(vars)
    }

    /// Keeps a warning until the main thread sends it. The same words are told once.
    pub(crate) fn warn(&self, warning: Diagnostic) {
        let mut warnings = lock(&self.warnings);
        if !warnings.iter().any(|known| known.title == warning.title) {
            warnings.push(warning);
        }
    }

    /// Keeps what ends the run until the main thread asks for it. The same words about the same place are told once.
    pub(crate) fn break_off(&self, findings: Vec<Diagnostic>) {
        let mut broken = lock(&self.broken);
        for finding in findings {
            if !broken.iter().any(|known| known.title == finding.title && places(known) == places(&finding)) {
                broken.push(finding);
            }
        }
    }

    /// What ends the run: files of variables that cannot be used.
    pub(crate) fn take_broken(&self) -> Vec<Diagnostic> {
        std::mem::take(&mut *lock(&self.broken))
    }

    /// The warnings that were not sent yet.
    pub(crate) fn take_warnings(&self) -> Vec<Diagnostic> {
        self.variables.take_warnings().into_iter().for_each(|warning| self.warn(warning));
        std::mem::take(&mut *lock(&self.warnings))
    }
}
