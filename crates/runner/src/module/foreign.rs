//! Modules that are no part of taskbox: Ansible's own that are not built in, those of collections, and the files of a user's `library`.
//! They run on the target as Ansible runs them ([`super::file`]).

use std::path::{Path, PathBuf};

use playbook::{Task, short_name};

use crate::module::routing;
use crate::options::RunOptions;

/// Modules of ansible-core 2.19 that may not be built in. One that is, is found before this list is asked.
const ANSIBLES: [&str; 75] = [
    "add_host",
    "apt",
    "apt_key",
    "apt_repository",
    "assemble",
    "assert",
    "async_status",
    "blockinfile",
    "command",
    "copy",
    "cron",
    "deb822_repository",
    "debconf",
    "debug",
    "dnf",
    "dnf5",
    "dpkg_selections",
    "expect",
    "fail",
    "fetch",
    "file",
    "find",
    "gather_facts",
    "get_url",
    "getent",
    "git",
    "group",
    "group_by",
    "hostname",
    "import_playbook",
    "import_role",
    "import_tasks",
    "include_role",
    "include_tasks",
    "include_vars",
    "iptables",
    "known_hosts",
    "lineinfile",
    "meta",
    "mount_facts",
    "package",
    "package_facts",
    "pause",
    "ping",
    "pip",
    "raw",
    "reboot",
    "replace",
    "rpm_key",
    "script",
    "service",
    "service_facts",
    "set_fact",
    "set_stats",
    "setup",
    "shell",
    "slurp",
    "stat",
    "subversion",
    "systemd",
    "systemd_service",
    "sysvinit",
    "tempfile",
    "template",
    "unarchive",
    "uri",
    "user",
    "validate_argument_spec",
    "wait_for",
    "wait_for_connection",
    "yum",
    "yum_repository",
    "win_ping",
    "win_command",
    "win_shell",
];

/// Whether Ansible would know the module: its own, or one that a collection could hold.
pub(crate) fn is_known(name: &str) -> bool {
    let in_collection = || {
        let parts: Vec<&str> = name.split('.').collect();
        let is_name = |part: &&str| {
            !part.is_empty() && part.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
        };
        parts.len() >= 3
            && parts.iter().all(is_name)
            && !matches!(parts[..2], ["ansible", "builtin" | "legacy"])
    };
    is_ansibles(name) || in_collection() || routing::full_name(short_name(name)).is_some()
}

/// Whether it is a module of ansible-core itself.
pub(crate) fn is_ansibles(name: &str) -> bool {
    ANSIBLES.contains(&short_name(name))
}

/// The file of a module or action plugin of the user's own: in the `library` of the task's role, of its playbook, or of the settings.
pub(crate) fn file(name: &str, task: &Task, options: &RunOptions) -> Option<PathBuf> {
    library_file(name, task, options).or_else(|| {
        let name = plain_name(name)?;
        beside(task, options).into_iter().find_map(|folder| in_folder(&folder.join("action_plugins"), name))
    })
}

/// The file of a module of the user's own.
pub(crate) fn library_file(name: &str, task: &Task, options: &RunOptions) -> Option<PathBuf> {
    let name = plain_name(name)?;
    let libraries = beside(task, options).into_iter().map(|folder| folder.join("library"));
    libraries.chain(options.library.iter().cloned()).find_map(|folder| in_folder(&folder, name))
}

fn plain_name(name: &str) -> Option<&str> {
    Some(short_name(name)).filter(|name| !name.is_empty() && !name.contains('/'))
}

/// The folders beside which a task's modules may lie: its role's, its playbook's, its own.
fn beside(task: &Task, options: &RunOptions) -> Vec<PathBuf> {
    let roles = task.enclosing.roles().map(|role| role.path.clone());
    let playbooks = options.playbooks.iter().filter_map(|path| path.parent().map(Path::to_path_buf));
    let files = task.enclosing.files().filter_map(|file| file.parent().map(Path::to_path_buf));
    let own =
        task.place.as_ref().and_then(|place| Path::new(place.source.name()).parent().map(Path::to_path_buf));
    roles.chain(playbooks).chain(files).chain(own).collect()
}

fn in_folder(folder: &Path, name: &str) -> Option<PathBuf> {
    ["", ".py", ".sh", ".ps1"]
        .iter()
        .map(|ending| folder.join(format!("{name}{ending}")))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ansible_or_a_collection_has_is_known() {
        for (name, known) in [
            ("dnf", true),
            ("ansible.builtin.pip", true),
            ("community.general.ufw", true),
            ("npm", true),
            ("ansible.builtin.nothing", false),
            ("nothing", false),
            ("a.b", false),
        ] {
            assert_eq!(is_known(name), known, "{name}");
        }
    }
}
