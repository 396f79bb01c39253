//! `constructed`: variables and groups from expressions over the hosts that earlier sources gave.

use data::yaml::{Node, NodeKind};
use data::{Diagnostic, List, Map, Text, Value};

use super::{Plugin, PluginError, Templates, first, flag, text};
use crate::{Host, HostName, VarsFiles};

/// The options that are honoured.
const OPTIONS: [&str; 8] = [
    "plugin",
    "compose",
    "groups",
    "keyed_groups",
    "strict",
    "use_vars_plugins",
    "use_extra_vars",
    "leading_separator",
];

/// Goes over the hosts.
pub(super) fn apply(plugin: &mut Plugin<'_>, config: &Node) -> Result<Vec<Diagnostic>, PluginError> {
    let constructed = Constructed {
        templates: Templates::new(),
        config,
        strict: flag(config, "strict", false),
        leading_separator: flag(config, "leading_separator", true),
        use_vars_files: flag(config, "use_vars_plugins", false),
        use_extra_vars: flag(config, "use_extra_vars", plugin.use_extra_vars),
    };
    let names: Vec<HostName> = plugin.inventory.hosts().map(|host| host.name().clone()).collect();
    for name in names {
        constructed.host(plugin, &name)?;
    }
    let unknown = config
        .as_map()
        .unwrap_or_default()
        .iter()
        .filter(|(key, _)| !key.as_str().is_some_and(|key| OPTIONS.contains(&key)));
    Ok(unknown
        .map(|(key, _)| {
            let title = format!("`{}` is no option of the inventory plugin `constructed`", key.place.text());
            Diagnostic::warning(title).at(&key.place, "")
        })
        .collect())
}

struct Constructed<'c> {
    templates: Templates,
    config: &'c Node,
    strict: bool,
    leading_separator: bool,
    use_vars_files: bool,
    use_extra_vars: bool,
}

impl Constructed<'_> {
    fn host(&self, plugin: &mut Plugin<'_>, name: &HostName) -> Result<(), PluginError> {
        let vars = self.variables(plugin, name)?;
        self.compose(plugin, name, &vars)?;
        let vars = self.variables(plugin, name)?;
        self.groups(plugin, name, &vars)?;
        for entry in self.config.get("keyed_groups").and_then(Node::as_seq).unwrap_or_default() {
            self.keyed(plugin, name, &vars, entry)?;
        }
        Ok(())
    }

    /// The variables of a host: of its groups, its own, and with `use_vars_plugins` those of files.
    fn variables(&self, plugin: &Plugin<'_>, name: &HostName) -> Result<Map, PluginError> {
        let inventory = &*plugin.inventory;
        let behaviour = inventory.hash_behaviour();
        let Some(host) = inventory.host(name) else { return Ok(Map::new()) };
        let mut vars = Map::new();
        if self.use_vars_files {
            let files = VarsFiles::new(plugin.folders.to_vec(), Vec::new(), behaviour, plugin.reader.clone());
            // Groups are not below `all` yet: its files are not seen, as in Ansible.
            for group in inventory.groups_of(host) {
                let found = files.group_vars(inventory, group, false).map_err(|error| first(&error))?;
                behaviour.combine(&mut vars, &found);
            }
            let own = files.own_host_vars(inventory, host, false).map_err(|error| first(&error))?;
            behaviour.combine(&mut vars, &own);
        } else {
            inventory.groups_of(host).iter().for_each(|group| behaviour.combine(&mut vars, group.vars()));
            behaviour.combine(&mut vars, Host::vars(host));
        }
        let mut magic = inventory.magic_vars(host);
        magic.remove("groups");
        vars.extend_from(&magic);
        if self.use_extra_vars {
            behaviour.combine(&mut vars, plugin.extra_vars);
        }
        Ok(vars)
    }

    /// A finding, if mistakes count; otherwise nothing.
    fn mistake(&self, what: String, why: &Diagnostic) -> Result<(), PluginError> {
        if !self.strict {
            return Ok(());
        }
        let mut error = Diagnostic::error(format!("{what}: {}", why.title));
        error.labels.clone_from(&why.labels);
        Err(error.into())
    }

    fn compose(&self, plugin: &mut Plugin<'_>, host: &str, vars: &Map) -> Result<(), PluginError> {
        for (key, expression) in self.config.get("compose").and_then(Node::as_map).unwrap_or_default() {
            let Some(name) = key.to_key() else { continue };
            match self.templates.evaluate(&expression.to_value(), vars) {
                Ok(value) => {
                    let set = plugin.inventory.set_host_var(host, name, value);
                    set.map_err(|error| Diagnostic::error(error.to_string()).at(&key.place, ""))?;
                }
                Err(why) => self.mistake(format!("Could not set {name} for host {host}"), &why)?,
            }
        }
        Ok(())
    }

    fn groups(&self, plugin: &mut Plugin<'_>, host: &str, vars: &Map) -> Result<(), PluginError> {
        for (key, condition) in self.config.get("groups").and_then(Node::as_map).unwrap_or_default() {
            let Some(group) = key.to_key().map(|key| key.to_string()) else { continue };
            match self.templates.condition(&condition.to_value(), vars) {
                Ok(true) => join(plugin, host, &group, None, key)?,
                Ok(false) => {}
                Err(error) => {
                    self.mistake(format!("Could not add host {host} to group {group}"), &first(&error))?
                }
            }
        }
        Ok(())
    }

    /// One entry of `keyed_groups`.
    fn keyed(
        &self,
        plugin: &mut Plugin<'_>,
        host: &str,
        vars: &Map,
        entry: &Node,
    ) -> Result<(), PluginError> {
        if !matches!(&entry.kind, NodeKind::Map(entries) if !entries.is_empty()) {
            let error = Diagnostic::error("Invalid keyed group entry, it must be a dictionary");
            return Err(error.at(&entry.place, "").into());
        }
        let option = |name: &str| entry.get(name).map(Node::to_value).filter(|value| !value.is_null());
        let default = option("default_value");
        let trailing = option("trailing_separator");
        if default.is_some() && trailing.is_some() {
            let error = Diagnostic::error(
                "parameters are mutually exclusive for keyed groups: default_value|trailing_separator",
            );
            return Err(error.at(&entry.place, "").into());
        }
        let written = option("key").unwrap_or(Value::Null);
        let key = match self.templates.evaluate(&written, vars) {
            Ok(key) => key,
            Err(why) => {
                let what = format!("Could not generate group for host {host} from {} entry", text(&written));
                return self.mistake(what, &why);
            }
        };
        let use_default = default.is_some() && is_empty(&key);
        if !key.is_truthy() && !use_default {
            if self.strict && !matches!(key, Value::List(_) | Value::Map(_)) {
                let title = format!(
                    "No key or key resulted empty for {} in host {host}, invalid entry",
                    text(&written)
                );
                return Err(Diagnostic::error(title).at(&entry.place, "").into());
            }
            return Ok(());
        }
        let prefix = option("prefix").map_or_else(String::new, |prefix| text(&prefix));
        let separator = entry.get("separator").map_or_else(|| "_".to_owned(), |node| text(&node.to_value()));
        let parent = match option("parent_group").map(|raw| self.templates.resolve(&raw, vars)).transpose() {
            Ok(parent) => parent.filter(|parent| parent.is_truthy()).map(|parent| text(&parent)),
            Err(error) => {
                let what = format!("Could not generate parent group for group {}", text(&key));
                return self.mistake(what, &first(&error));
            }
        };
        let keep_trailing = trailing.is_none_or(|trailing| trailing.is_truthy());
        let names = match &key {
            _ if use_default => default.iter().map(text).collect(),
            Value::Str(name) => vec![Text::as_str(name).to_owned()],
            Value::List(list) => of_list(list, default.as_ref()),
            Value::Map(map) => of_map(map, &separator, default.as_ref(), keep_trailing),
            other => {
                let kind = other.kind().python_name();
                let title = format!(
                    "Invalid group name format, expected a string or a list of them or dictionary, got: {kind}"
                );
                return Err(Diagnostic::error(title).at(&entry.place, "").into());
            }
        };
        let lead = if prefix.is_empty() && !self.leading_separator { "" } else { separator.as_str() };
        for name in names {
            join(plugin, host, &format!("{prefix}{lead}{name}"), parent.as_deref(), entry)?;
        }
        Ok(())
    }
}

/// What `default_value` stands in for.
fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

fn of_list(list: &List, default: Option<&Value>) -> Vec<String> {
    list.iter().map(|item| text(default.filter(|_| is_empty(item)).unwrap_or(item))).collect()
}

fn of_map(map: &Map, separator: &str, default: Option<&Value>, keep_trailing: bool) -> Vec<String> {
    map.iter()
        .map(|(name, value)| match default {
            Some(default) if is_empty(value) => format!("{name}{separator}{}", text(default)),
            None if is_empty(value) && !keep_trailing => name.to_string(),
            _ => format!("{name}{separator}{}", text(value)),
        })
        .collect()
}

/// Puts a host into a group, which is made if need be, and the group under its parent.
fn join(
    plugin: &mut Plugin<'_>,
    host: &str,
    group: &str,
    parent: Option<&str>,
    at: &Node,
) -> Result<(), PluginError> {
    let inventory = &mut *plugin.inventory;
    let mut put = || {
        inventory.add_group(group, Some(&at.place))?;
        inventory.add_to_group(host, group)?;
        if let Some(parent) = parent {
            inventory.add_group(parent, Some(&at.place))?;
            inventory.add_child_group(parent, group)?;
        }
        Ok::<_, crate::GraphError>(())
    };
    put().map_err(|error| Diagnostic::error(error.to_string()).at(&at.place, "").into())
}
