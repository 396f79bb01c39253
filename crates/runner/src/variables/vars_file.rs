//! Files of variables named by `vars_files` and `include_vars`.

use std::path::Path;

use data::{Diagnose, Diagnostic, Map, Value, yaml};

use crate::shared::Shared;

/// The variables of a file; an empty file has none. With `lists`, a list of mappings is taken too, and later ones win: `vars_files` does so,
/// `include_vars` does not.
///
/// # Errors
/// It cannot be read or decrypted, is no YAML or JSON, or is no mapping.
pub(crate) fn read(path: &Path, shared: &Shared, lists: bool) -> Result<Map, Vec<Diagnostic>> {
    let source = shared.options.reader.read(path).map_err(|error| error.diagnostics())?;
    let loaded = yaml::load(&source).map_err(|error| error.diagnostics())?;
    loaded.warnings.into_iter().for_each(|warning| shared.warn(warning));
    let Some(node) = loaded.node else { return Ok(Map::new()) };
    match node.to_value() {
        Value::Map(vars) => Ok(vars),
        Value::Null => Ok(Map::new()),
        Value::List(items) if lists && items.iter().all(|item| item.as_map().is_some()) => {
            let mut vars = Map::new();
            items.iter().filter_map(Value::as_map).for_each(|more| vars.extend_from(more));
            Ok(vars)
        }
        _ => {
            let title = format!("`{}` must hold variables as a mapping", path.display());
            Err(vec![Diagnostic::error(title).at(&node.place, format!("this is {}", node.kind_name()))])
        }
    }
}
