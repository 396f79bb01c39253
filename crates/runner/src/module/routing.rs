//! Which module a name stands for in collections: short names that Ansible itself once had, the names of a role's own collection, and what
//! `meta/runtime.yml` of a collection says of modules that moved or are gone.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use data::Value;
use playbook::{Inherited, Task, short_name};

use crate::module::file::{self, ModuleFile};
use crate::options::RunOptions;

/// How often a name may lead to another one.
const HOPS: usize = 10;

/// Where a name leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// To this file.
    File(ModuleFile),
    /// To what cannot run here: the collection is not on this machine, or has an action plugin or a module for Windows.
    Away,
    /// To a module that is gone, in Ansible's words.
    Removed(String),
    /// Nowhere.
    Nothing,
}

/// The full name that a short name of Ansible 2.9 stands for.
pub(crate) fn full_name(short: &str) -> Option<&'static str> {
    static NAMES: OnceLock<HashMap<&str, String>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let lines = include_str!("short_names.txt").lines().filter_map(|line| line.split_once(": "));
        let entries = lines.flat_map(|(collection, names)| {
            names.split(' ').map(move |name| {
                let (old, new) = name.split_once('=').unwrap_or((name, name));
                (old, format!("{collection}.{new}"))
            })
        });
        entries.collect()
    });
    names.get(short).map(String::as_str)
}

/// Where the name of a task's module leads, as far as collections are concerned.
pub(crate) fn look_up(name: &str, task: &Task, options: &RunOptions) -> Route {
    let short = short_name(name);
    if short == "include" {
        return Route::Removed(removed("ansible.builtin.include", "action plugin", &include_is_gone()));
    }
    if short.split('.').count() >= 3 {
        return follow(short, options);
    }
    for collection in searched(task).filter(|_| short == name) {
        match follow(&format!("{collection}.{name}"), options) {
            Route::Nothing | Route::Away => {}
            found => return found,
        }
    }
    full_name(short).map_or(Route::Nothing, |full| follow(full, options))
}

/// The collections in which a task's short names are looked for: its role's own and those of `collections:`.
fn searched(task: &Task) -> impl Iterator<Item = String> {
    let own = task.enclosing.role.as_ref().and_then(|role| role.collection());
    let listed =
        task.keywords.list(Inherited::Collections).iter().filter_map(Value::as_str).map(str::to_owned);
    own.into_iter().chain(listed.collect::<Vec<_>>())
}

fn follow(name: &str, options: &RunOptions) -> Route {
    let mut name = name.to_owned();
    for _ in 0..HOPS {
        if let Some(file) = file::in_collections(&name, options) {
            return Route::File(file);
        }
        let mut parts = name.splitn(3, '.');
        let (Some(namespace), Some(collection), Some(module)) = (parts.next(), parts.next(), parts.next())
        else {
            return Route::Nothing;
        };
        let Some(folder) = file::collection_folder(namespace, collection, options) else {
            return Route::Away;
        };
        let plugins = folder.join("plugins");
        if plugins.join(format!("action/{module}.py")).is_file()
            || plugins.join(format!("modules/{module}.ps1")).is_file()
        {
            return Route::Away;
        }
        match routed(&folder, module) {
            Some(Entry::Moved(next)) if next.split('.').count() >= 3 => name = next,
            Some(Entry::Moved(next)) => name = format!("{namespace}.{collection}.{next}"),
            Some(Entry::Gone(kind, tombstone)) => return Route::Removed(removed(&name, kind, &tombstone)),
            None => return Route::Nothing,
        }
    }
    Route::Nothing
}

enum Entry {
    Moved(String),
    Gone(&'static str, Tombstone),
}

/// What a collection says of a module that is gone.
struct Tombstone {
    warning: String,
    version: Option<String>,
    date: Option<String>,
}

/// The action that ansible-core had and took away.
fn include_is_gone() -> Tombstone {
    let warning = "Use include_tasks or import_tasks instead.".to_owned();
    Tombstone { warning, version: None, date: Some("2023-05-16".to_owned()) }
}

/// What `meta/runtime.yml` of a collection says of a module.
fn routed(folder: &Path, module: &str) -> Option<Entry> {
    let source = data::fs::read_source(folder.join("meta/runtime.yml")).ok()?;
    let routing = data::yaml::load(&source).ok()?.node?.to_value();
    let routing = routing.get("plugin_routing")?;
    [("action", "action plugin"), ("modules", "module")].into_iter().find_map(|(kind, noun)| {
        let entry = routing.get(kind)?.get(module)?;
        if let Some(next) = entry.get("redirect").and_then(Value::as_str) {
            return Some(Entry::Moved(next.to_owned()));
        }
        let tombstone = entry.get("tombstone")?;
        let text = |key: &str| tombstone.get(key).map(data::python::str);
        let warning = text("warning_text").unwrap_or_default();
        let tombstone = Tombstone { warning, version: text("removal_version"), date: text("removal_date") };
        Some(Entry::Gone(noun, tombstone))
    })
}

/// Ansible's words for a module that is gone.
fn removed(name: &str, noun: &str, tombstone: &Tombstone) -> String {
    let collection = name.rsplit_once('.').map_or("", |(collection, _)| collection);
    let from = match collection {
        "ansible.builtin" => "ansible-core".to_owned(),
        other => format!("collection '{other}'"),
    };
    let when = match (&tombstone.version, &tombstone.date) {
        (Some(version), _) => format!(" version {version}"),
        (None, Some(date)) => format!(" in a release after {date}"),
        (None, None) => String::new(),
    };
    let warning = tombstone.warning.trim();
    let blank = if warning.is_empty() { "" } else { " " };
    format!(
        "The '{name}' {noun} has been removed.{blank}{warning} This feature was removed from {from}{when}."
    )
}

/// The folders that hold `ansible_collections`: beside the playbooks, of the settings, and of an ansible on this machine.
pub(crate) fn roots(options: &RunOptions) -> Vec<PathBuf> {
    let beside =
        options.playbooks.iter().filter_map(|path| path.parent()).map(|folder| folder.join("collections"));
    let folders = beside.chain(options.collections_path.iter().cloned()).chain(file::python_libraries());
    // A path may name the folder itself or what is above it.
    let above = folders.filter_map(|root| match root.ends_with("ansible_collections") {
        true => root.parent().map(Path::to_path_buf),
        false => Some(root),
    });
    above.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_lead_to_the_collection_that_has_the_module_today() {
        assert_eq!(full_name("npm"), Some("community.general.npm"));
        assert_eq!(full_name("gluster_heal_facts"), Some("gluster.gluster.gluster_heal_info"));
        assert_eq!(full_name("dbug"), None);
    }

    #[test]
    fn what_is_gone_is_told_in_ansibles_words() {
        let tombstone =
            Tombstone { warning: "Use y.".to_owned(), version: Some("9.0.0".to_owned()), date: None };
        assert_eq!(
            removed("community.general.x", "module", &tombstone),
            "The 'community.general.x' module has been removed. Use y. This feature was removed from collection \
             'community.general' version 9.0.0."
        );
    }

    #[test]
    fn a_collection_on_disk_says_what_became_of_a_module() {
        let folder = tempfile::tempdir().unwrap();
        let collection = folder.path().join("ansible_collections/a/b");
        std::fs::create_dir_all(collection.join("plugins/modules")).unwrap();
        std::fs::create_dir_all(collection.join("meta")).unwrap();
        std::fs::write(collection.join("plugins/modules/new.py"), "").unwrap();
        std::fs::write(
            collection.join("meta/runtime.yml"),
            "plugin_routing:\n  modules:\n    old: {redirect: a.b.new}\n    gone: {tombstone: {removal_date: '2020-01-01', warning_text: Sorry.}}\n    round: {redirect: a.b.round}\n",
        )
        .unwrap();
        let options =
            RunOptions { collections_path: vec![folder.path().to_path_buf()], ..RunOptions::default() };
        let Route::File(file) = follow("a.b.old", &options) else { panic!("no file") };
        assert_eq!(file.path, collection.join("plugins/modules/new.py"));
        let gone = "The 'a.b.gone' module has been removed. Sorry. This feature was removed from collection 'a.b' in a release after 2020-01-01.";
        assert_eq!(follow("a.b.gone", &options), Route::Removed(gone.to_owned()));
        assert_eq!(follow("a.b.never", &options), Route::Nothing);
        assert_eq!(follow("a.b.round", &options), Route::Nothing);
        assert_eq!(follow("not.there.x", &options), Route::Away);
    }
}
