//! Inventories in TOML: the groups of a YAML inventory, with `children` as lists of names.

use std::ops::Range;
use std::sync::Arc;

use data::yaml::{Node, NodeKind};
use data::{Diagnostic, Place, Source, Span, Text};
use toml_edit::{Datetime, Document, Item, Value};

use crate::yaml::{Applying, YamlInventoryError};
use crate::{Inventory, Origin};

/// Adds the hosts, groups and variables of a TOML inventory; returns what the user should know.
///
/// # Errors
/// Text that is not TOML, and every mistake in the structure.
pub(crate) fn apply(
    source: &Arc<Source>,
    inventory: &mut Inventory,
    origin: &Origin,
) -> Result<Vec<Diagnostic>, YamlInventoryError> {
    let document = Document::parse(source.text()).map_err(|error| {
        let title =
            format!("TOML file '{}' is invalid: {}", source.name(), error.message().replace('\n', ", "));
        let place = error.span().map(|span| place(source, &span));
        YamlInventoryError::Toml(Diagnostic::error(title).at_opt(place.as_ref(), ""))
    })?;
    let whole = 0..source.text().len();
    let root = Reading { source }.item(document.as_item(), &whole);
    if root.as_map().is_none_or(<[_]>::is_empty) {
        let found = Diagnostic::error("Parsed empty TOML file").at(&root.place, "");
        return Err(YamlInventoryError::Toml(found.help("begin with a group: `[web.hosts]`")));
    }
    Applying::of_toml(inventory, origin).finish(Some(&root))
}

fn place(source: &Arc<Source>, span: &Range<usize>) -> Place {
    Place::new(source, Span::new(span.start, span.end))
}

struct Reading<'a> {
    source: &'a Arc<Source>,
}

impl Reading<'_> {
    fn node(&self, kind: NodeKind, span: &Range<usize>) -> Node {
        Node { kind, place: place(self.source, span), tag: None }
    }

    fn text(&self, text: &str, span: &Range<usize>) -> Node {
        let place = place(self.source, span);
        self.node(NodeKind::Str(Text::template(text, Some(place))), span)
    }

    /// A date or time as in YAML; a time of day without a date is text.
    fn time(&self, time: Datetime, span: &Range<usize>) -> Node {
        let written = time.to_string();
        match Text::date(&written) {
            Some(date) => {
                let date = date.into_template().with_place(Some(place(self.source, span)));
                self.node(NodeKind::Str(date), span)
            }
            None => self.text(&written, span),
        }
    }

    /// An item; `around` is the place of what it belongs to, for items that have none of their own.
    fn item(&self, item: &Item, around: &Range<usize>) -> Node {
        let span = item.span().unwrap_or_else(|| around.clone());
        match item {
            Item::None => self.node(NodeKind::Null, &span),
            Item::Value(value) => self.value(value, &span),
            Item::Table(table) => {
                let entries = table.iter().map(|(key, item)| {
                    let at = table.key(key).and_then(toml_edit::Key::span).unwrap_or_else(|| span.clone());
                    (self.text(key, &at), self.item(item, &at))
                });
                self.node(NodeKind::Map(entries.collect()), &span)
            }
            Item::ArrayOfTables(tables) => {
                let tables = tables.iter().map(|table| self.item(&Item::Table(table.clone()), &span));
                self.node(NodeKind::Seq(tables.collect()), &span)
            }
        }
    }

    fn value(&self, value: &Value, around: &Range<usize>) -> Node {
        let span = value.span().unwrap_or_else(|| around.clone());
        let kind = match value {
            Value::String(text) => return self.text(text.value(), &span),
            Value::Integer(number) => NodeKind::Int((*number.value()).into()),
            Value::Float(number) => NodeKind::Float(*number.value()),
            Value::Boolean(flag) => NodeKind::Bool(*flag.value()),
            Value::Datetime(time) => return self.time(*time.value(), &span),
            Value::Array(items) => NodeKind::Seq(items.iter().map(|item| self.value(item, &span)).collect()),
            Value::InlineTable(table) => {
                let entries = table.iter().map(|(key, value)| {
                    let at = table.key(key).and_then(toml_edit::Key::span).unwrap_or_else(|| span.clone());
                    (self.text(key, &at), self.value(value, &at))
                });
                NodeKind::Map(entries.collect())
            }
        };
        self.node(kind, &span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HashBehaviour;

    fn loaded(text: &str) -> Result<Inventory, YamlInventoryError> {
        let mut inventory = Inventory::new(HashBehaviour::default());
        let origin = Origin { file: data::Value::str("hosts.toml"), dir: data::Value::str(".") };
        apply(&Source::new("hosts.toml", text), &mut inventory, &origin)?;
        inventory.reconcile();
        Ok(inventory)
    }

    #[test]
    fn groups_hosts_and_variables_of_every_form() {
        let inventory = loaded(
            "[all.vars]\nhas_java = false\n[web]\nchildren = ['apache', 'nginx']\nvars = { port = 8080, at = 2020-01-01T12:42:42Z }\n\
             [web.hosts]\nhost1 = {}\nhost2 = { ansible_port = 222 }\n[apache.hosts.tomcat1]\nlist = [1, 2.5, 'x']\n[nginx.hosts]\n\"j[1:2]\" = {}\n",
        )
        .unwrap();
        let web = inventory.group("web").unwrap();
        let names: Vec<_> = inventory.hosts_of(web).iter().map(|host| host.name().to_string()).collect();
        assert_eq!(names, ["host1", "host2", "tomcat1", "j1", "j2"]);
        assert_eq!(web.vars().get("at").and_then(data::Value::as_str), Some("2020-01-01T12:42:42+00:00"));
        assert!(web.vars().get("at").and_then(data::Value::as_text).unwrap().is_date());
        let port = inventory.host("host2").unwrap().vars().get("ansible_port").cloned();
        assert_eq!(port, Some(data::Value::from(222)));
        assert_eq!(
            inventory.host("tomcat1").unwrap().vars().get("list").unwrap().as_list().unwrap().len(),
            3
        );
    }

    #[test]
    fn mistakes_have_places() {
        for (text, title) in [
            ("[web\n", "TOML file 'hosts.toml' is invalid"),
            ("[web]\nchildren = 'x'\n", "`children` of group `web` must be a list, found text"),
            ("[web]\nhosts = ['a']\n", "`hosts` of group `web` must be a mapping, found a list"),
        ] {
            let found = data::Diagnose::diagnostics(&loaded(text).unwrap_err());
            assert!(found[0].title.starts_with(title), "{}", found[0].title);
            assert!(found[0].place().is_some(), "{text}");
        }
    }
}
