//! What the command line and the configuration say about a run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use data::{Diagnostic, Map, Source, Text, Value};
use inventory::Inventory;

use crate::connection::{BecomeKeywords, ConnectionDefaults, Content};

/// A run: hosts, playbooks, and how they meet.
pub struct RunOptions {
    /// All hosts and groups.
    pub inventory: Inventory,
    /// Folders beside which `group_vars` and `host_vars` are looked for, in the order of the inventory's sources.
    pub inventory_folders: Vec<PathBuf>,
    /// How files are read: vault secrets.
    pub reader: inventory::Reader,
    /// Reads the inventory anew (`meta: refresh_inventory`); without it the inventory stays as it is.
    pub reload: Option<Reload>,
    /// The inventory's sources as given: the variable `ansible_inventory_sources`.
    pub inventory_sources: Vec<String>,
    /// Modules that no task may use (`plugin_filters_cfg`), by their short names.
    pub rejected_modules: std::collections::HashSet<String>,
    /// Playbook files, run one after the other.
    pub playbooks: Vec<PathBuf>,
    /// Texts that stand for files that are not on the disk: the play of an ad hoc run.
    pub stand_ins: Vec<(PathBuf, Arc<Source>)>,
    /// `-e`
    pub extra_vars: Map,
    /// `--limit`
    pub limit: Option<String>,
    /// `--tags`; empty means `all`.
    pub tags: Vec<String>,
    /// `--skip-tags`
    pub skip_tags: Vec<String>,
    /// `--check`
    pub check: bool,
    /// `--diff`
    pub diff: bool,
    /// `--forks`: how many hosts at a time.
    pub forks: usize,
    /// The number of `-v`.
    pub verbosity: u8,
    /// Whether somebody is shown all of every result, whatever the verbosity. If not, sums of large files that no task has asked for by
    /// `register` are not found out.
    pub whole_results: bool,
    /// `--start-at-task`
    pub start_at_task: Option<String>,
    /// `--step`: asks before each task.
    pub step: bool,
    /// `--force-handlers`
    pub force_handlers: bool,
    /// `roles_path`
    pub roles_path: Vec<PathBuf>,
    /// `collections_path`: folders that hold `ansible_collections`.
    pub collections_path: Vec<PathBuf>,
    /// `library`: folders with modules of the user's own, beside those of playbooks and roles.
    pub library: Vec<PathBuf>,
    /// `private_role_vars`, if somebody set it: whether roles keep their variables from the play.
    pub private_role_vars: Option<bool>,
    /// `inject_facts_as_vars`: facts are variables of their own too (`ansible_hostname`), not only parts of `ansible_facts`.
    pub inject_facts: bool,
    /// `strategy`: of plays that name none.
    pub strategy: Option<String>,
    /// `no_log`: tasks that say nothing else hide their results.
    pub no_log: bool,
    /// `poll_interval`: seconds between looks at a job of `async`.
    pub poll_interval: u64,
    /// `task_timeout`: seconds after which a task that says nothing else is broken off; 0 for never.
    pub task_timeout: u64,
    /// `enable_task_debugger`: a task that fails opens the debugger where no `debugger:` says otherwise.
    pub task_debugger: bool,
    /// `task_debugger_ignore_errors`: failures that are ignored open the debugger too.
    pub debugger_on_ignored: bool,
    /// `fact_caching`: where facts are kept between runs.
    pub fact_cache: FactCache,
    /// `-c`, `-u`, `-k`, `-K`, `--private-key`, ...
    pub connection: ConnectionDefaults,
    /// `--become` and its companions.
    pub become_as: BecomeKeywords,
    /// When facts are gathered.
    pub gathering: Gathering,
    /// `any_errors_fatal` of the configuration.
    pub any_errors_fatal: bool,
    /// `error_on_missing_handler` of the configuration.
    pub error_on_missing_handler: bool,
    /// `host_pattern_mismatch` of the configuration.
    pub pattern_mismatch: PatternMismatch,
    /// The configuration file: the variable `ansible_config_file`.
    pub config_file: Option<PathBuf>,
    /// The settings of the configuration by Ansible's names, each with where it comes from (`default`, `env: X`, or a file): what playbooks
    /// ask for with `lookup('config', ...)`.
    pub settings: HashMap<String, (Value, String)>,
    /// An archive whose files can be named by paths below its own, as if it were a folder: `copy` and `unarchive` send them from there.
    pub packed: Option<Arc<dyn PackedFiles>>,
    /// Asks the user; `None` when nobody is there.
    pub prompter: Option<Arc<dyn Prompter>>,
    /// Set from a signal handler or another thread to end the run.
    pub interrupt: Interrupt,
}

impl RunOptions {
    /// Whether no task may use this module.
    pub(crate) fn rejects(&self, name: &str) -> bool {
        self.rejected_modules.contains(playbook::short_name(name))
    }
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            inventory: Inventory::new(inventory::HashBehaviour::default()),
            inventory_folders: Vec::new(),
            reader: inventory::Reader::default(),
            reload: None,
            inventory_sources: Vec::new(),
            rejected_modules: std::collections::HashSet::new(),
            playbooks: Vec::new(),
            stand_ins: Vec::new(),
            extra_vars: Map::new(),
            limit: None,
            tags: Vec::new(),
            skip_tags: Vec::new(),
            check: false,
            diff: false,
            forks: 50,
            verbosity: 0,
            whole_results: true,
            start_at_task: None,
            step: false,
            force_handlers: false,
            roles_path: Vec::new(),
            collections_path: Vec::new(),
            library: Vec::new(),
            private_role_vars: None,
            inject_facts: true,
            strategy: None,
            no_log: false,
            poll_interval: 15,
            task_timeout: 0,
            task_debugger: false,
            debugger_on_ignored: true,
            fact_cache: FactCache::Memory,
            connection: ConnectionDefaults::default(),
            become_as: BecomeKeywords::default(),
            gathering: Gathering::Implicit,
            any_errors_fatal: false,
            error_on_missing_handler: true,
            pattern_mismatch: PatternMismatch::default(),
            config_file: None,
            settings: HashMap::new(),
            packed: None,
            prompter: None,
            interrupt: Interrupt::default(),
        }
    }
}

/// Reads an inventory anew: what was loaded, with its warnings.
pub type Reload = Arc<dyn Fn() -> Result<inventory::Loaded, Vec<Diagnostic>> + Send + Sync>;

/// Where facts are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FactCache {
    /// As long as the run.
    #[default]
    Memory,
    /// One file of JSON a host, read by later runs.
    JsonFile {
        /// `fact_caching_connection`: the folder, made if it is not there.
        folder: PathBuf,
        /// `fact_caching_prefix`: what file names begin with.
        prefix: String,
        /// `fact_caching_timeout`: the age in seconds at which facts are no longer used; 0 for never.
        timeout: u64,
    },
}

/// `gathering` of the configuration: when a play without `gather_facts` gathers facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gathering {
    /// Always.
    #[default]
    Implicit,
    /// Never; only `gather_facts: true` gathers.
    Explicit,
    /// For hosts whose facts are not known yet.
    Smart,
}

/// `host_pattern_mismatch` of the configuration: what a host pattern that matches nothing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PatternMismatch {
    /// A warning.
    #[default]
    Warning,
    /// An error that ends the run.
    Error,
    /// Nothing.
    Ignore,
}

/// The user's wish to stop, shared with whoever hears it.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Asks the run to stop: no new task begins, what runs is broken off, the recap follows.
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the run was asked to stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Files inside an archive of the controller, such as an offline bundle.
pub trait PackedFiles: Send + Sync {
    /// What is at this path; `None` if the path does not lead into the archive, or to nothing in it.
    ///
    /// # Errors
    /// The archive cannot be read.
    fn find(&self, path: &Path) -> std::io::Result<Option<Packed>>;

    /// Sends what a registry lacks of the archive's images, from here; with `look_only` nothing is sent. An archive without images does
    /// nothing.
    ///
    /// # Errors
    /// What the user is told when the registry does not take them.
    fn push_images(&self, to: &RegistryAccess, look_only: bool) -> Result<Vec<PushedImage>, String> {
        let _ = (to, look_only);
        Ok(Vec::new())
    }
}

/// A registry that images are sent to.
#[derive(Clone, Debug)]
pub struct RegistryAccess {
    /// `10.0.0.9:5000`
    pub host: String,
    /// What its repositories are below, such as a project.
    pub prefix: Option<String>,
    /// User and password.
    pub login: Option<(String, String)>,
    /// A file with certificates to trust besides the system's.
    pub authority: Option<PathBuf>,
    /// HTTP without TLS.
    pub plain: bool,
}

/// What became of an image that was to be sent.
#[derive(Clone, Debug)]
pub struct PushedImage {
    /// `library/redis:7`
    pub name: String,
    /// Whether the registry had another image under the name, or none.
    pub changed: bool,
    /// Blobs that were sent.
    pub sent: usize,
}

/// What a path in an archive leads to.
#[derive(Clone, Debug)]
pub enum Packed {
    /// A file.
    File(PackedFile),
    /// A folder: all files below it, by their paths relative to it, in order.
    Folder(Vec<(PathBuf, PackedFile)>),
}

/// A file in an archive.
#[derive(Clone, Debug)]
pub struct PackedFile {
    /// Its bytes.
    pub content: Content,
    /// Permission bits, for `mode: preserve`.
    pub mode: u32,
}

/// A question to the user.
#[derive(Clone, Debug)]
pub struct Question {
    /// The text before the cursor.
    pub text: String,
    /// Whether the answer stays hidden.
    pub hidden: bool,
    /// The answer of a bare return.
    pub default: Option<String>,
    /// Whether to ask twice and compare.
    pub confirm: bool,
}

/// Asks the user. Calls come from any thread, one at a time.
pub trait Prompter: Send + Sync {
    /// The answer.
    ///
    /// # Errors
    /// There is no terminal, or the user gave up.
    fn ask(&self, question: &Question) -> Result<Text, Diagnostic>;
}
