//! `generator`: a host for every combination of the values of its layers, with the groups above it.

use data::yaml::Node;
use data::{Diagnostic, Map, Value};

use super::{Plugin, PluginError, Templates, first, text};

/// More combinations than this are a mistake.
const LIMIT: usize = 100_000;

/// Makes the hosts.
pub(super) fn apply(plugin: &mut Plugin<'_>, config: &Node) -> Result<(), PluginError> {
    let missing = |what: &str| {
        PluginError::from(
            Diagnostic::error(format!("the inventory plugin `generator` needs `{what}`"))
                .at(&config.place, ""),
        )
    };
    let layers = config.get("layers").and_then(Node::as_map).ok_or_else(|| missing("layers"))?;
    let hosts = config.get("hosts").filter(|node| node.as_map().is_some()).ok_or_else(|| missing("hosts"))?;
    let name = hosts.get("name").ok_or_else(|| missing("hosts.name"))?;
    let parents = hosts.get("parents");
    let templates = Templates::new();
    let combinations = combinations(layers).ok_or_else(|| {
        Diagnostic::error(format!("the layers make more than {LIMIT} hosts")).at(&config.place, "")
    })?;
    for vars in combinations {
        let host = render(&templates, &name.to_value(), &vars)?;
        let host = text(&host);
        let added = plugin.inventory.add_host(&host, Some(plugin.origin), Some(&name.place));
        added.map_err(|error| Diagnostic::error(error.to_string()).at(&name.place, ""))?;
        add_parents(plugin, &templates, &host, parents, &vars)?;
    }
    Ok(())
}

/// The product of all layers, the last one varying fastest. `None` when there are too many.
fn combinations(layers: &[(Node, Node)]) -> Option<Vec<Map>> {
    let mut all = vec![Map::new()];
    for (name, values) in layers {
        let key = name.to_key()?;
        let values = values.as_seq().unwrap_or_default();
        if all.len().checked_mul(values.len())? > LIMIT {
            return None;
        }
        let longer = all.iter().flat_map(|vars| {
            let key = key.clone();
            values.iter().map(move |value| {
                let mut vars = vars.clone();
                vars.insert(key.clone(), value.to_value());
                vars
            })
        });
        all = longer.collect();
    }
    Some(all)
}

/// Only text is rendered; structures are kept for later, as in Ansible.
fn render(templates: &Templates, value: &Value, vars: &Map) -> Result<Value, PluginError> {
    match value {
        Value::Str(_) => templates.resolve(value, vars).map_err(|error| first(&error).into()),
        other => Ok(other.clone()),
    }
}

fn add_parents(
    plugin: &mut Plugin<'_>,
    templates: &Templates,
    child: &str,
    parents: Option<&Node>,
    vars: &Map,
) -> Result<(), PluginError> {
    for parent in parents.and_then(Node::as_seq).unwrap_or_default() {
        let name = parent.get("name").map(Node::to_value).unwrap_or(Value::Null);
        let name = render(templates, &name, vars)?;
        if !name.is_truthy() {
            let error = Diagnostic::error(format!("Element {child} has a parent with no name."));
            return Err(error.at(&parent.place, "").into());
        }
        let group = text(&name);
        let graph = |error: crate::GraphError| {
            PluginError::from(Diagnostic::error(error.to_string()).at(&parent.place, ""))
        };
        plugin.inventory.add_group(&group, Some(&parent.place)).map_err(graph)?;
        for (key, value) in parent.get("vars").and_then(Node::as_map).unwrap_or_default() {
            let Some(key) = key.to_key() else { continue };
            let value = render(templates, &value.to_value(), vars)?;
            plugin.inventory.set_group_var(&group, key, value).map_err(graph)?;
        }
        if plugin.inventory.group_index(child).is_some() {
            plugin.inventory.add_child_group(&group, child).map_err(graph)?;
        } else {
            plugin.inventory.add_to_group(child, &group).map_err(graph)?;
        }
        add_parents(plugin, templates, &group, parent.get("parents"), vars)?;
    }
    Ok(())
}
