//! The table of all native modules and how a name finds one.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::ModuleSpec;

/// One table a folder; a new module is added to the table of its folder.
#[rustfmt::skip] // One a line: tables are added side by side.
const TABLES: &[&[&ModuleSpec]] = &[
    crate::commands::MODULES,
    crate::crypto::MODULES,
    crate::facts::MODULES,
    crate::files::MODULES,
    crate::firewall::MODULES,
    crate::kubernetes::MODULES,
    crate::network::MODULES,
    crate::packages::MODULES,
    crate::services::MODULES,
    crate::system::MODULES,
];

/// Every native module, in the order of the tables.
pub fn all() -> impl Iterator<Item = &'static ModuleSpec> {
    TABLES.iter().flat_map(|table| table.iter().copied())
}

/// The module of this name: short (`copy`), full (`ansible.builtin.copy`), `ansible.legacy.copy`, or an alias.
///
/// A short name finds a module of any collection, as in a playbook with `collections:`; names of other collections are found only in full
/// or short, never under a wrong collection.
pub fn find(name: &str) -> Option<&'static ModuleSpec> {
    INDEX.get(name).copied()
}

/// The known name closest to `name`, for "did you mean".
pub fn nearest(name: &str) -> Option<&'static str> {
    let short = name.rsplit('.').next().unwrap_or(name);
    data::suggest::nearest(short, all().flat_map(|spec| spec.aliases.iter().copied().chain([spec.name])))
}

static INDEX: LazyLock<HashMap<String, &'static ModuleSpec>> = LazyLock::new(|| {
    let mut index = HashMap::new();
    for spec in all() {
        for name in names(spec) {
            index.entry(name).or_insert(spec);
        }
    }
    index
});

/// Every name that finds a module.
fn names(spec: &ModuleSpec) -> Vec<String> {
    let mut names = Vec::new();
    for name in std::iter::once(&spec.name).chain(spec.aliases) {
        names.push((*name).to_string());
        if name.contains('.') {
            continue;
        }
        names.push(format!("{}.{name}", spec.collection));
        if spec.collection == "ansible.builtin" {
            names.push(format!("ansible.legacy.{name}"));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_unique() {
        let mut seen = HashMap::new();
        for spec in all() {
            for name in names(spec) {
                if let Some(other) = seen.insert(name.clone(), spec.full_name()) {
                    panic!("`{name}` is both {other} and {}", spec.full_name());
                }
            }
        }
    }

    #[test]
    fn short_full_and_legacy_names_find_a_module() {
        for name in ["ping", "ansible.builtin.ping", "ansible.legacy.ping"] {
            assert_eq!(find(name).map(|spec| spec.name), Some("ping"), "{name}");
        }
        assert!(find("community.general.ping").is_none());
        assert_eq!(nearest("pign"), Some("ping"));
    }

    /// A table that contradicts itself would only show when somebody uses the argument.
    #[test]
    fn every_table_is_sound() {
        for spec in all() {
            let mut names = Vec::new();
            for arg in spec.all_args() {
                names.extend(arg.aliases.iter().chain([&arg.name]).copied());
                assert!(
                    !(arg.required && arg.default != crate::Default::Null),
                    "{}: {}",
                    spec.name,
                    arg.name
                );
                assert!(!arg.help.is_empty(), "{}: {} has no help", spec.name, arg.name);
            }
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{}: an argument name is used twice", spec.name);
            assert!(!spec.summary.is_empty(), "{} has no summary", spec.name);
        }
    }
}
