//! The file that `plugin_filters_cfg` names: modules that no task may use.

use std::collections::HashSet;

use data::{Diagnostic, Value, python, yaml};
use inventory::Reader;

use super::FlagError;
use crate::settings::Settings;

/// The short names of rejected modules; none without a file, or when it cannot be used, which is told.
///
/// # Errors
/// The file rejects `stat`, which Ansible cannot do without.
pub(super) fn modules(settings: &Settings, reader: &Reader) -> Result<HashSet<String>, FlagError> {
    let Some(path) = settings.path("PLUGIN_FILTERS_CFG") else { return Ok(HashSet::new()) };
    let warn = |why: &str| {
        let title = format!("The plugin filter file, {}, {why}. Skipping.", path.display());
        crate::diagnostics::report_all(&[Diagnostic::warning(title)]);
        Ok(HashSet::new())
    };
    if !path.is_file() {
        return warn("does not exist");
    }
    let source = reader.read(&path).map_err(|error| FlagError::from_error(&error))?;
    let loaded = yaml::load(&source).map_err(|error| FlagError::from_error(&error))?;
    let value = loaded.node.map_or(Value::Null, |node| node.to_value());
    let Some(filter) = value.as_map() else { return warn("is no mapping") };
    match filter.get("filter_version").map(python::str).as_deref() {
        Some("1.0") => {}
        None => return warn("has no version"),
        Some(_) => return warn("has a version that this release of Ansible does not know"),
    }
    let names: HashSet<String> = match filter.get("module_rejectlist") {
        Some(Value::List(names)) => names.iter().map(python::str).collect(),
        None | Some(Value::Null) => HashSet::new(),
        Some(_) => return warn("has a `module_rejectlist` that is no list"),
    };
    if names.contains("stat") {
        return Err(FlagError::error(Diagnostic::error(format!(
            "The stat module was specified in the module reject list file, {}, but Ansible will not function without the stat module.  \
             Please remove stat from the reject list.",
            path.display()
        ))));
    }
    Ok(names.into_iter().map(|name| playbook::short_name(&name).to_owned()).collect())
}
