//! The variables of a play: the same for all its hosts and tasks. Made anew when a host leaves the play or a role joins it.

use std::collections::HashSet;
use std::sync::Arc;

use data::{Map, Value};
use playbook::{Play, Role};

use crate::event::HostName;
use crate::shared::Shared;
use crate::variables::names;

/// What a play adds to every scope.
pub(crate) struct PlayScope {
    /// The play.
    pub(crate) play: Arc<Play>,
    /// `vars` and the answers to `vars_prompt`.
    pub(crate) vars: Map,
    /// Defaults of the play's public roles.
    pub(crate) role_defaults: Map,
    /// Exported variables of the play's public roles.
    pub(crate) role_exports: Map,
    /// Magic variables of the play and the run.
    pub(crate) magic: Map,
    /// The same without the play's own variables: what `hostvars` shows.
    bare: Option<Arc<Self>>,
}

/// Which hosts a play has.
#[derive(Clone, Default)]
pub(crate) struct PlayHosts {
    /// All hosts of the play.
    pub(crate) all: Vec<HostName>,
    /// The hosts of the current batch.
    pub(crate) batch: Vec<HostName>,
    /// Hosts that failed, were unreachable, or ended.
    pub(crate) removed: HashSet<HostName>,
}

impl PlayHosts {
    fn left<'a>(&'a self, hosts: &'a [HostName]) -> Vec<HostName> {
        hosts.iter().filter(|host| !self.removed.contains(*host)).cloned().collect()
    }
}

impl PlayScope {
    pub(crate) fn new(
        shared: &Shared,
        play: &Arc<Play>,
        vars: &Map,
        roles: &[Arc<Role>],
        hosts: &PlayHosts,
        check: bool,
    ) -> Self {
        let (mut role_defaults, mut role_exports) = (Map::new(), Map::new());
        for role in roles.iter().filter(|role| role.public) {
            role_defaults.extend_from(&role.defaults);
            role_exports.extend_from(&role.exported_vars);
        }
        let mut magic = run_magic(shared, check);
        magic.insert("playbook_dir", play.base_dir.display().to_string());
        let bare = Self {
            play: Arc::new(Play { vars_files: Vec::new(), ..(**play).clone() }),
            vars: Map::new(),
            role_defaults: Map::new(),
            role_exports: Map::new(),
            magic: magic.clone(),
            bare: None,
        };
        magic.insert("ansible_play_name", play.shown_name());
        magic.insert("ansible_play_hosts_all", names(&hosts.all));
        magic.insert("ansible_play_hosts", names(&hosts.left(&hosts.all)));
        let batch = names(&hosts.left(&hosts.batch));
        magic.insert("play_hosts", batch.clone());
        magic.insert("ansible_play_batch", batch);
        role_names(&mut magic, roles);
        let bare = Some(Arc::new(bare));
        Self { play: Arc::clone(play), vars: vars.clone(), role_defaults, role_exports, magic, bare }
    }

    /// What another host's variables are seen with: the run, but not the play.
    pub(crate) fn without_play(self: &Arc<Self>) -> Arc<Self> {
        self.bare.clone().unwrap_or_else(|| Arc::clone(self))
    }
}

fn role_names(magic: &mut Map, roles: &[Arc<Role>]) {
    let list = |names: &[String]| names.iter().map(|name| Value::from(name.as_str())).collect::<Value>();
    let direct: Vec<String> = roles.iter().map(|role| role.name.clone()).collect();
    let mut dependent: Vec<String> =
        roles.iter().flat_map(|role| role.all_dependencies()).map(|role| role.name.clone()).collect();
    dependent.dedup();
    let mut all = direct.clone();
    all.extend(dependent.iter().cloned());
    let mut seen = HashSet::new();
    all.retain(|name| seen.insert(name.clone()));
    magic.insert("ansible_role_names", list(&all));
    magic.insert("ansible_play_role_names", list(&direct));
    magic.insert("role_names", list(&direct));
    magic.insert("ansible_dependent_role_names", list(&dependent));
}

/// A Python of this machine, for playbooks that call one: taskbox itself has none.
fn local_python() -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("python3")).find(|path| path.is_file());
    found.map_or_else(|| "/usr/bin/python3".to_owned(), |path| path.display().to_string())
}

fn run_magic(shared: &Shared, check: bool) -> Map {
    let options = &shared.options;
    let words = |words: &[String]| words.iter().map(|word| Value::from(word.as_str())).collect::<Value>();
    let tags = if options.tags.is_empty() { words(&["all".to_owned()]) } else { words(&options.tags) };
    let version = Map::from([
        ("full", Value::from("2.19.0")),
        ("major", Value::from(2)),
        ("minor", Value::from(19)),
        ("revision", Value::from(0)),
        ("string", Value::from("2.19.0")),
    ]);
    let mut magic = Map::from([
        ("ansible_check_mode", Value::from(check)),
        ("ansible_diff_mode", Value::from(options.diff)),
        ("ansible_forks", Value::from(options.forks)),
        ("ansible_verbosity", Value::from(u32::from(options.verbosity))),
        ("ansible_run_tags", tags),
        ("ansible_skip_tags", words(&options.skip_tags)),
        ("ansible_version", Value::Map(version)),
        ("ansible_config_file", options.config_file.as_ref().map(|path| path.display().to_string()).into()),
        ("ansible_playbook_python", local_python().into()),
        ("omit", template::omit()),
    ]);
    magic.insert("ansible_inventory_sources", words(&options.inventory_sources));
    if let Some(limit) = &options.limit {
        magic.insert("ansible_limit", limit.as_str());
    }
    magic
}
