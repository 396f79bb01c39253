//! From the words after `-i` to one inventory: files, folders of files, executable scripts and `host1,host2` lists, merged in order.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use data::{Diagnose, Diagnostic, Map, Source, Value};
use thiserror::Error;

use crate::address::parse_address;
use crate::ignored::Ignored;
use crate::ini::{self, IniError, IniFile};
use crate::plugin::{self, Plugin, PluginError};
use crate::range::{RangeError, expand};
use crate::read::{ReadError, Reader};
use crate::script::{self, ScriptError};
use crate::toml;
use crate::yaml::{self, YamlInventoryError};
use crate::{Enabled, GroupNames, HashBehaviour, Inventory, Origin, group_names};

/// Settings of Ansible that change how inventories are read.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// `hash_behaviour`
    pub hash_behaviour: HashBehaviour,
    /// `force_valid_group_names`
    pub group_names: GroupNames,
    /// `inventory_any_unparsed_is_failed`: a source that cannot be read is an error, not a warning.
    pub any_unparsed_is_failed: bool,
    /// `inventory_unparsed_is_failed`: it is an error when no source can be read.
    pub unparsed_is_failed: bool,
    /// What is left out of folders.
    pub ignored: Ignored,
    /// `enable_plugins`
    pub enabled: Enabled,
    /// The opposite of `always_show_stderr`: what scripts that went well wrote to their standard error is not told.
    pub hide_stderr: bool,
    /// `-e`, for plugins that use them.
    pub extra_vars: Map,
    /// `use_extra_vars`: whether plugins use them that do not say.
    pub use_extra_vars: bool,
    /// How files are read (vault secrets).
    pub reader: Reader,
}

/// What loading gives.
#[derive(Debug)]
pub struct Loaded {
    /// The merged inventory.
    pub inventory: Inventory,
    /// What the user should know.
    pub warnings: Vec<Diagnostic>,
    /// Sources that could not be read. Ansible warns of them and goes on with the rest.
    pub failures: Vec<SourceFailure>,
    /// The folders beside which `group_vars` and `host_vars` are looked for, in the order of the sources.
    pub folders: Vec<PathBuf>,
}

/// A source that could not be read.
#[derive(Debug, Error)]
#[error("unable to parse `{source_name}` as an inventory source: {error}")]
pub struct SourceFailure {
    /// The source, as given.
    pub source_name: String,
    /// Why.
    pub error: SourceError,
}

/// Why a source could not be read.
#[derive(Debug, Error)]
pub enum SourceError {
    /// It is not there.
    #[error("there is no such file or folder")]
    Missing,
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It has mistakes as an INI file.
    #[error("{} mistakes in an INI inventory", .0.len())]
    Ini(Vec<IniError>),
    /// It has mistakes as a YAML file.
    #[error(transparent)]
    Yaml(#[from] YamlInventoryError),
    /// It configures a plugin that cannot be used so, or that taskbox has not.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// No format that it may have is enabled.
    #[error("no enabled format fits")]
    NotEnabled,
    /// A list of hosts with a range that cannot be read.
    #[error("Invalid data from string, could not parse: {0}")]
    HostList(String),
    /// It was run and failed.
    #[error(transparent)]
    Script(#[from] ScriptError),
}

impl SourceFailure {
    /// Ansible's plugin for the format that the source was taken for; none for what is not there.
    pub fn format(&self) -> Option<&'static str> {
        match &self.error {
            SourceError::Missing | SourceError::NotEnabled => None,
            SourceError::Read(_) | SourceError::Ini(_) => Some("ini"),
            SourceError::Yaml(YamlInventoryError::Toml(_)) => Some("toml"),
            SourceError::Yaml(_) => Some("yaml"),
            SourceError::Plugin(_) => Some("auto"),
            SourceError::Script(_) => Some("script"),
            SourceError::HostList(_) => Some("advanced_host_list"),
        }
    }

    /// Ansible's last word about it.
    pub fn summary(&self) -> String {
        let path = std::path::absolute(&self.source_name);
        let path = path.map_or_else(|_| self.source_name.clone(), |path| path.display().to_string());
        format!("Unable to parse {path} as an inventory source")
    }
}

impl Diagnose for SourceFailure {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        let title = self.summary();
        match &self.error {
            SourceError::Missing => vec![
                Diagnostic::error(title)
                    .note("there is no such file or folder")
                    .help("a list of hosts needs a comma, even after a single host: `web1,`"),
            ],
            SourceError::NotEnabled => vec![
                Diagnostic::error(title)
                    .note("none of the formats that `enable_plugins` lists fits the file")
                    .help("add the format to `enable_plugins`, or take the setting away"),
            ],
            SourceError::HostList(_) => vec![Diagnostic::error(self.error.to_string())],
            SourceError::Read(error) => error.diagnostics(),
            SourceError::Ini(errors) => errors.iter().flat_map(Diagnose::diagnostics).collect(),
            SourceError::Yaml(error) => error.diagnostics(),
            SourceError::Plugin(error) => error.diagnostics(),
            SourceError::Script(error) => error.diagnostics(),
        }
    }
}

/// An inventory that must not be used.
#[derive(Debug, Error)]
pub enum InventoryError {
    /// Sources that cannot be read, where that is an error.
    #[error("{} inventory sources could not be parsed", .0.len())]
    Failed(Vec<SourceFailure>),
    /// Nothing could be read, where that is an error.
    #[error("No inventory was parsed, please check your configuration and options.")]
    Nothing,
}

impl Diagnose for InventoryError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            Self::Failed(failures) => failures.iter().flat_map(Diagnose::diagnostics).collect(),
            Self::Nothing => {
                vec![
                    Diagnostic::error(self.to_string())
                        .help("give an inventory with `-i FILE` or `-i host,`"),
                ]
            }
        }
    }
}

/// Reads inventory sources and merges them in order.
///
/// # Errors
/// Only with the settings that make unreadable sources an error; otherwise they are in [`Loaded::failures`].
pub fn load<S: AsRef<str>>(sources: &[S], options: &LoadOptions) -> Result<Loaded, InventoryError> {
    let mut loading = Loading {
        options,
        inventory: Inventory::new(options.hash_behaviour).with_group_names(options.group_names),
        warnings: Vec::new(),
        failures: Vec::new(),
        folders: Vec::new(),
    };
    let mut parsed = false;
    for source in sources.iter().map(AsRef::as_ref).filter(|source| !source.is_empty()) {
        parsed |= loading.source(source);
    }
    loading.finish(parsed)
}

struct Loading<'a> {
    options: &'a LoadOptions,
    inventory: Inventory,
    warnings: Vec<Diagnostic>,
    failures: Vec<SourceFailure>,
    folders: Vec<PathBuf>,
}

impl Loading<'_> {
    /// Reads one word after `-i`; says whether anything in it could be read.
    fn source(&mut self, source: &str) -> bool {
        let path = expand_home(source);
        if !path.exists() && source.contains(',') {
            let ranges =
                !self.options.enabled.has("host_list") && self.options.enabled.has("advanced_host_list");
            return match self.host_list(source, ranges) {
                Ok(()) => true,
                Err(error) => {
                    self.failures.push(SourceFailure { source_name: source.to_owned(), error });
                    false
                }
            };
        }
        let folder = if path.is_dir() { path.as_path() } else { path.parent().unwrap_or(Path::new("")) };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        self.folders.push(folder.to_owned());
        self.path(&path)
    }

    fn path(&mut self, path: &Path) -> bool {
        if path.is_dir() {
            return self.folder(path);
        }
        match self.file(path) {
            Ok(()) => true,
            Err(error) => {
                self.failures.push(SourceFailure { source_name: path.display().to_string(), error });
                false
            }
        }
    }

    fn folder(&mut self, path: &Path) -> bool {
        let paths = match data::fs::list(path) {
            Ok(paths) => paths,
            Err(error) => {
                let error = SourceError::Read(error.into());
                self.failures.push(SourceFailure { source_name: path.display().to_string(), error });
                return false;
            }
        };
        let mut parsed = false;
        for path in paths {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if !self.options.ignored.holds(&name) {
                parsed |= self.path(&path);
            }
        }
        parsed
    }

    /// Tries the formats in Ansible's order: script, YAML, INI. The first that fits wins; if none does, the most telling failure is kept.
    fn file(&mut self, path: &Path) -> Result<(), SourceError> {
        if !path.exists() {
            return Err(SourceError::Missing);
        }
        let origin = origin(path);
        let ending = path.extension().map(|ending| ending.to_string_lossy().into_owned());
        let mut script_failure = None;
        let enabled = &self.options.enabled;
        if enabled.has("script") && script::is_executable(path) {
            match script::apply(path, &mut self.inventory, &origin, !self.options.hide_stderr) {
                Ok(warnings) => {
                    self.warnings.extend(warnings);
                    return Ok(());
                }
                Err(error) => script_failure = Some(SourceError::Script(error)),
            }
        }
        let text = self.options.reader.read(path)?;
        if plugin::may_configure(ending.as_deref())
            && let Some(config) = plugin_config(&text)
            && enabled.has_plugin(config.get("plugin").and_then(data::yaml::Node::as_str).unwrap_or_default())
        {
            let told = self.plugin(&origin).apply(&config)?;
            self.warnings.extend(told);
            return Ok(());
        }
        if enabled.has("toml") && ending.as_deref() == Some("toml") {
            let told = toml::apply(&text, &mut self.inventory, &origin)?;
            self.warnings.extend(told);
            return Ok(());
        }
        let mut yaml_failure = None;
        if enabled.has("yaml") && matches!(ending.as_deref(), None | Some("yml" | "yaml" | "json")) {
            match yaml::apply(&text, &mut self.inventory, &origin) {
                Ok(warnings) => {
                    self.warnings.extend(warnings);
                    return Ok(());
                }
                Err(error) => yaml_failure = Some(SourceError::Yaml(error)),
            }
        }
        let ini_failure = match enabled.has("ini").then(|| self.ini(&text, &origin)) {
            Some(Ok(())) => return Ok(()),
            Some(Err(failure)) => failure,
            None => SourceError::NotEnabled,
        };
        // The ending says what the file was meant to be; a file without one is INI unless it can be run.
        Err(match (script_failure, yaml_failure) {
            (Some(error), _) if text.text().starts_with("#!") => error,
            (_, Some(error)) if ending.is_some() => error,
            _ => ini_failure,
        })
    }

    fn plugin<'p>(&'p mut self, origin: &'p Origin) -> Plugin<'p> {
        let reader = &self.options.reader;
        let (extra_vars, use_extra_vars) = (&self.options.extra_vars, self.options.use_extra_vars);
        let (inventory, folders) = (&mut self.inventory, &self.folders);
        Plugin { inventory, origin, folders, reader, extra_vars, use_extra_vars }
    }

    fn ini(&mut self, text: &Arc<Source>, origin: &Origin) -> Result<(), SourceError> {
        let file = IniFile::parse(text).map_err(SourceError::Ini)?;
        ini::apply(file, &mut self.inventory, origin).map_err(SourceError::Ini)
    }

    /// `web1,web2:2222,`; with `ranges` also `web[1:3],`.
    fn host_list(&mut self, list: &str, ranges: bool) -> Result<(), SourceError> {
        let origin = Origin { file: Value::str(list), dir: Value::str("None") };
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let parsed = parse_address(word).filter(|(host, _)| ranges || !host.contains('['));
            let (pattern, port) = parsed.unwrap_or((word, None));
            let hosts = match ranges {
                true => expand(pattern).or_else(|error| match error {
                    // Ansible leaves such a word as it is.
                    RangeError::Form | RangeError::End | RangeError::Length | RangeError::Order => {
                        Ok(vec![word.to_owned()])
                    }
                    other => Err(SourceError::HostList(other.to_string())),
                })?,
                false => vec![pattern.to_owned()],
            };
            hosts.iter().for_each(|host| self.listed_host(host, port, &origin));
        }
        Ok(())
    }

    fn listed_host(&mut self, host: &str, port: Option<u32>, origin: &Origin) {
        if self.inventory.listed_host(host).is_some() {
            return;
        }
        // Neither can fail: the name is not empty, the host and `ungrouped` exist.
        let added = self.inventory.add_host(host, Some(origin), None);
        let added = added.and_then(|_| self.inventory.add_to_group(host, "ungrouped"));
        if let (Ok(_), Some(port)) = (added, port.filter(|port| *port != 0)) {
            let _ = self.inventory.set_host_var(host, "ansible_port", port);
        }
    }

    /// Tells of the first group whose name no variable could have.
    fn group_name_warning(&self) -> Option<Diagnostic> {
        let found = Diagnostic::warning(self.options.group_names.warning()?);
        if let Some(name) = &self.inventory.replaced_name {
            return Some(found.note(format!("of the group `{name}`")));
        }
        let group = self.inventory.groups().find(|group| !group_names::is_valid(group.name()))?;
        let found = found.at_opt(group.place(), "");
        Some(found.note(format!("write `groups['{}']` where a template needs the group", group.name())))
    }

    fn finish(mut self, parsed: bool) -> Result<Loaded, InventoryError> {
        if self.options.any_unparsed_is_failed && !self.failures.is_empty() {
            return Err(InventoryError::Failed(self.failures));
        }
        if parsed {
            self.inventory.reconcile();
            self.warnings.extend(self.group_name_warning());
            for name in self.inventory.ambiguous_names() {
                self.warnings
                    .push(Diagnostic::warning(format!("found both group and host with same name: `{name}`")));
            }
        } else if self.options.unparsed_is_failed {
            return Err(match self.failures.is_empty() {
                true => InventoryError::Nothing,
                false => InventoryError::Failed(self.failures),
            });
        } else {
            self.warnings
                .push(Diagnostic::warning("No inventory was parsed, only implicit localhost is available"));
        }
        self.warnings.extend(self.inventory.take_notices());
        self.inventory.shrink_to_fit();
        let Self { inventory, warnings, failures, folders, .. } = self;
        Ok(Loaded { inventory, warnings, failures, folders })
    }
}

/// The configuration of an inventory plugin, if the text is one.
fn plugin_config(text: &Arc<Source>) -> Option<data::yaml::Node> {
    if !text.text().contains("plugin") {
        return None;
    }
    data::yaml::load(text).ok()?.node.filter(|node| node.get("plugin").is_some())
}

fn origin(path: &Path) -> Origin {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let dir = absolute.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
    Origin { file: Value::str(absolute.to_string_lossy()), dir: Value::str(dir) }
}

fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// What is said of one source file with this name, text and mode.
    fn failure(name: &str, text: &str, mode: u32) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let loaded = load(&[path.to_str().unwrap()], &LoadOptions::default()).unwrap();
        let prefix = format!("{}/", folder.path().display());
        let found = loaded.failures.iter().flat_map(Diagnose::diagnostics);
        found.map(|found| found.title.replace(&prefix, "")).collect()
    }

    #[test]
    fn a_source_that_cannot_be_read_says_why_in_the_words_of_its_format() {
        for (name, text, mode, titles) in [
            ("hosts", "[web:hots]\n", 0o644, vec!["section `[web:hots]` has unknown type `hots`"]),
            ("hosts.toml", "", 0o644, vec!["Parsed empty TOML file"]),
            ("hosts.yml", "- a\n", 0o644, vec!["a YAML inventory is a mapping of groups, found a list"]),
            ("hosts.yml", "plugin: aws_ec2\n", 0o644, vec!["inventory plugin `aws_ec2` is not supported"]),
            (
                "hosts.yml",
                "all: {hosts: [a], vars: 1}\n",
                0o644,
                vec![
                    "`hosts` of group `all` must be a mapping, found a list",
                    "`vars` of group `all` must be a mapping, found an integer",
                ],
            ),
            (
                "hosts.sh",
                "#!/bin/sh\nexit 3\n",
                0o755,
                vec!["Inventory script returned non-zero exit code 3."],
            ),
            (
                "hosts.sh",
                "#!/bin/sh\necho '{\"web\": {\"hosts\": 1}}'\n",
                0o755,
                vec!["Value contains 'web.hosts' which is 'int' instead of 'list'."],
            ),
        ] {
            assert_eq!(failure(name, text, mode), titles, "{name}: {text}");
        }
    }

    #[test]
    fn an_ini_file_that_happens_to_be_executable_is_read() {
        assert_eq!(failure("hosts", "[web]\nweb1\n", 0o755), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_there_is_a_warning_unless_the_settings_say_error() {
        let loaded = load(&["/nowhere/hosts"], &LoadOptions::default()).unwrap();
        assert_eq!(loaded.failures.len(), 1);
        assert!(loaded.warnings[0].title.contains("only implicit localhost is available"));
        let strict = LoadOptions { any_unparsed_is_failed: true, ..LoadOptions::default() };
        assert!(matches!(load(&["/nowhere/hosts"], &strict), Err(InventoryError::Failed(_))));
        let some = LoadOptions { unparsed_is_failed: true, ..LoadOptions::default() };
        assert!(load(&["/nowhere/hosts", "web1,"], &some).is_ok());
        assert!(matches!(load::<&str>(&[], &some), Err(InventoryError::Nothing)));
    }

    #[test]
    fn a_list_has_ranges_only_where_that_format_is_enabled() {
        let hosts = |list: &str, format: &str| {
            let enabled = Enabled::new([format.to_owned()]);
            let loaded = load(&[list], &LoadOptions { enabled, ..LoadOptions::default() }).unwrap();
            let names: Vec<_> = loaded.inventory.hosts().map(|host| host.name().to_string()).collect();
            (names, loaded.failures.len())
        };
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(hosts("w[1:3],x", "advanced_host_list"), (names(&["w1", "w2", "w3", "x"]), 0));
        assert_eq!(hosts("w[1:],", "advanced_host_list"), (names(&["w[1:]"]), 0));
        assert_eq!(hosts("w[1:j],", "advanced_host_list"), (names(&[]), 1));
        assert_eq!(hosts("w[1:3],", "host_list").0, names(&["w[1:3]"]));
    }

    #[test]
    fn groups_that_no_variable_could_name_are_kept_or_renamed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts.ini");
        std::fs::write(&path, "[my-web]\na\n[my-web:vars]\nv=1\n[top:children]\nmy-web\n").unwrap();
        let loaded = |group_names| {
            let options = LoadOptions { group_names, ..LoadOptions::default() };
            load(&[path.to_str().unwrap()], &options).unwrap()
        };
        let kept = loaded(GroupNames::Never);
        assert!(kept.inventory.group("my-web").is_some());
        assert!(kept.warnings[0].title.contains("but not replaced"), "{:?}", kept.warnings);
        assert!(loaded(GroupNames::Ignore).warnings.is_empty());
        let renamed = loaded(GroupNames::Always);
        let group = renamed.inventory.group("my_web").unwrap();
        assert!(group.vars().get("v").is_some() && renamed.inventory.group("my-web").is_none());
        assert!(renamed.warnings[0].title.contains("automatically replaced"), "{:?}", renamed.warnings);
    }

    #[test]
    fn a_list_needs_only_its_comma() {
        let loaded = load(&["web1, web2:2222,,web1"], &LoadOptions::default()).unwrap();
        let hosts: Vec<_> = loaded.inventory.hosts().map(|host| host.name().to_string()).collect();
        assert_eq!(hosts, ["web1", "web2"]);
        assert_eq!(
            loaded.inventory.host("web2").unwrap().vars().get("ansible_port"),
            Some(&Value::from(2222))
        );
    }
}
