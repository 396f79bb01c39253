//! `vars.yml`, `common.yaml` and `plugin-*.yaml`: YAML mappings of variables, with the slips that people make in them.

use std::path::Path;
use std::sync::Arc;

use data::yaml::Node;
use data::{Diagnose, Diagnostic, Key, Map, Place, Source, Span, Text, Value, suggest};

use super::ConfOptions;
use super::keys::{self, OldName};
use super::lookalikes;

/// Reads a variable file and puts its variables over `vars`.
pub(crate) fn load(path: &Path, options: &ConfOptions, vars: &mut Map, findings: &mut Vec<Diagnostic>) {
    let source = match options.reader.read(path) {
        Ok(source) => source,
        Err(error) => return findings.extend(error.diagnostics()),
    };
    let loaded = match data::yaml::load(&source) {
        Ok(loaded) => loaded,
        Err(error) => {
            let slips = slips(&source);
            return findings.extend(if slips.is_empty() { error.diagnostics() } else { slips });
        }
    };
    findings.extend(loaded.warnings);
    let Some(node) = loaded.node else { return };
    let Some(entries) = node.as_map() else {
        let lookalikes = lookalikes::find(&source);
        if !lookalikes.is_empty() {
            return findings.extend(lookalikes);
        }
        let title = format!("`{}` must hold variables, found {}", path.display(), node.kind_name());
        let found = Diagnostic::error(title).at(&node.place, "");
        return findings.push(found.help("write one `name: value` on each line"));
    };
    for (key, value) in entries {
        variable(&node, key, value, options, vars, findings);
    }
}

fn variable(
    file: &Node,
    key: &Node,
    value: &Node,
    options: &ConfOptions,
    vars: &mut Map,
    findings: &mut Vec<Diagnostic>,
) {
    let Some(name) = key.as_str() else {
        let found = Diagnostic::error(format!("a variable's name must be text, found {}", key.kind_name()));
        return findings.push(found.at(&key.place, ""));
    };
    if let Some((known, old)) = keys::find_old(name) {
        return renamed(file, (key, value), known.name, old, vars, findings);
    }
    let is_known = keys::find(name).is_some()
        || name.starts_with("ansible_")
        || options.known_variables.iter().any(|known| known == name);
    if !is_known {
        findings.push(unknown(file, key, name, options));
    }
    vars.insert(named(name, &key.place), value.to_value());
}

/// A name that knows its place, so that findings can point at it.
pub(super) fn named(name: &str, place: &Place) -> Key {
    Key::Str(Text::plain(name).with_place(Some(place.clone())))
}

/// Takes the value of an old name over to the right one.
fn renamed(
    file: &Node,
    (key, value): (&Node, &Node),
    right: &str,
    old: OldName,
    vars: &mut Map,
    findings: &mut Vec<Diagnostic>,
) {
    let found =
        Diagnostic::warning(format!("`{}` is called `{right}`", old.name())).at(&key.place, "old name");
    if file.get(right).is_some() {
        return findings
            .push(found.note(format!("`{right}` is given too and wins")).help("take this line out"));
    }
    let value = match (old, value.to_value()) {
        (OldName::Inverted(_), Value::Bool(flag)) => {
            findings.push(found.note("it means the opposite").help(format!("write `{right}: {}`", !flag)));
            Value::Bool(!flag)
        }
        (_, value) => {
            findings.push(found.note("the value is used under that name").help(format!("write `{right}:`")));
            value
        }
    };
    vars.insert(named(right, &key.place), value);
}

fn unknown(file: &Node, key: &Node, name: &str, options: &ConfOptions) -> Diagnostic {
    if let ("address" | "port", Some((owner, value))) = (name, file.entry("loadbalancer_apiserver"))
        && value.is_null()
    {
        return outside(&key.place, name).also(&owner.place, "belongs to this");
    }
    let found = Diagnostic::warning(format!("unknown variable `{name}`"))
        .at(&key.place, "")
        .note("it is kept, for roles and templates of your own");
    let known =
        keys::keys().flat_map(|key| std::iter::once(key.name).chain(key.old.iter().map(|old| old.name())));
    match suggest::nearest(name, known.chain(options.known_variables.iter().map(String::as_str))) {
        Some(near) => {
            let right = keys::find_old(near).map_or(near, |(known, _)| known.name);
            found.help(format!("did you mean `{right}`?"))
        }
        None => found,
    }
}

fn outside(place: &Place, name: &str) -> Diagnostic {
    Diagnostic::error(format!("`{name}` stands outside of `loadbalancer_apiserver`"))
        .at(place, "wrong indent")
        .help(format!("indent `{name}:` by two spaces below `loadbalancer_apiserver:`"))
}

/// What is behind a file that is no YAML, where it is a slip that can be named better than the parser does.
fn slips(source: &Arc<Source>) -> Vec<Diagnostic> {
    let found = [tabs(source), loadbalancer_indent(source), lookalikes::find(source)];
    found.into_iter().find(|slips| !slips.is_empty()).unwrap_or_default()
}

/// The lines of a text with the byte each starts at.
fn lines(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    source.text().split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line.trim_end_matches(['\n', '\r']))
    })
}

/// Tabs in indentation: YAML allows none, and they look like spaces.
fn tabs(source: &Arc<Source>) -> Vec<Diagnostic> {
    lines(source)
        .filter_map(|(start, line)| {
            let text = line.trim_start();
            let tab = line[..line.len() - text.len()].find('\t')?;
            if text.is_empty() || text.starts_with('#') {
                return None;
            }
            let place = Place::new(source, Span::new(start + tab, start + tab + 1));
            Some(
                Diagnostic::error("a tab indents this line")
                    .at(&place, "tab")
                    .help("replace it with spaces, two for each level"),
            )
        })
        .collect()
}

/// `address` and `port` that do not line up below `loadbalancer_apiserver`.
fn loadbalancer_indent(source: &Arc<Source>) -> Vec<Diagnostic> {
    let mut below = false;
    let mut first_indent = None;
    let mut findings = Vec::new();
    for (start, line) in lines(source) {
        let text = line.trim_start();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let indent = line.len() - text.len();
        let name = text.split(':').next().unwrap_or_default().trim_end();
        let place = Place::new(source, Span::new(start + indent, start + indent + name.len()));
        match name {
            "loadbalancer_apiserver" => below = true,
            "address" | "port" if below && indent == 0 => findings.push(outside(&place, name)),
            "address" | "port" if below => {
                if *first_indent.get_or_insert(indent) != indent {
                    findings.push(
                        Diagnostic::error("`address` and `port` of `loadbalancer_apiserver` do not line up")
                            .at(&place, "wrong indent")
                            .help("indent both by two spaces"),
                    );
                }
            }
            "address" | "port" if indent > 0 && first_indent.is_none() => findings.push(
                Diagnostic::error(format!(
                    "`{name}` is indented, but `loadbalancer_apiserver:` is missing above it"
                ))
                .at(&place, "belongs to nothing")
                .help("take the `#` away before `loadbalancer_apiserver:`"),
            ),
            _ => below = false,
        }
    }
    findings
}

/// Marks values that must never be shown.
pub(crate) fn hide_secrets(vars: &mut Map) {
    let secret = |(key, _): &(&Key, &Value)| {
        key.as_str().and_then(keys::find).is_some_and(|known| known.secret)
            || key.as_str().is_some_and(|name| super::credentials::SECRETS.contains(&name))
    };
    let hidden: Vec<(Key, Value)> =
        vars.iter().filter(secret).map(|(key, value)| (key.clone(), hide(value))).collect();
    for (key, value) in hidden {
        vars.insert(key, value);
    }
}

fn hide(value: &Value) -> Value {
    match value {
        Value::Str(text) => Value::Str(text.clone().into_secret()),
        Value::List(items) => Value::List(items.iter().map(hide).collect()),
        Value::Map(map) => Value::Map(map.iter().map(|(key, value)| (key.clone(), hide(value))).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str) -> (Map, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vars.yml");
        std::fs::write(&path, text).unwrap();
        let (mut vars, mut findings) = (Map::new(), Vec::new());
        load(&path, &ConfOptions::default(), &mut vars, &mut findings);
        let line = |found: &Diagnostic| found.place().map_or(0, |place| place.location().line);
        let lines = findings
            .iter()
            .map(|found| format!("{}: {} ({})", line(found), found.title, found.helps.join("; ")));
        (vars, lines.collect())
    }

    #[test]
    fn old_names_are_translated_with_a_warning() {
        for (text, name, value, finding) in [
            (
                "prometheus_replica: 3\n",
                "prometheus_replicas",
                Value::from(3),
                "1: `prometheus_replica` is called `prometheus_replicas` (write `prometheus_replicas:`)",
            ),
            (
                "disableMultiLogin: true\n",
                "enable_multi_login",
                Value::from(false),
                "1: `disableMultiLogin` is called `enable_multi_login` (write `enable_multi_login: false`)",
            ),
            (
                "Harbor_enable: true\n",
                "harbor_enabled",
                Value::from(true),
                "1: `Harbor_enable` is called `harbor_enabled` (write `harbor_enabled:`)",
            ),
            (
                "disk_replica: 1\n",
                "qingcloud_disk_replica",
                Value::from(1),
                "1: `disk_replica` is called `qingcloud_disk_replica` (write `qingcloud_disk_replica:`)",
            ),
        ] {
            let (vars, findings) = load_text(text);
            assert_eq!((vars.get(name), findings), (Some(&value), vec![finding.to_owned()]), "{text}");
        }
    }

    #[test]
    fn the_right_name_wins_over_the_old_one() {
        let (vars, findings) = load_text("kibana_enable: true\nkibana_enabled: false\n");
        assert_eq!(vars.get("kibana_enabled"), Some(&Value::from(false)));
        assert_eq!(findings, ["1: `kibana_enable` is called `kibana_enabled` (take this line out)"]);
    }

    #[test]
    fn unknown_variables_are_kept_and_the_nearest_name_is_given() {
        let (vars, findings) = load_text("kube_versoin: v1.30.0\nmy_own_thing: 1\nansible_user: ubuntu\n");
        assert_eq!(
            (vars.get_str("kube_versoin"), vars.get("my_own_thing")),
            (Some("v1.30.0"), Some(&Value::from(1)))
        );
        assert_eq!(
            findings,
            [
                "1: unknown variable `kube_versoin` (did you mean `kube_version`?)",
                "2: unknown variable `my_own_thing` ()"
            ]
        );
    }

    #[test]
    fn slips_in_the_load_balancer_block_say_how_to_indent() {
        for (text, expected) in [
            (
                "loadbalancer_apiserver:\naddress: 10.0.0.1\nport: 6443\n",
                vec![
                    "2: `address` stands outside of `loadbalancer_apiserver` (indent `address:` by two spaces below `loadbalancer_apiserver:`)",
                    "3: `port` stands outside of `loadbalancer_apiserver` (indent `port:` by two spaces below `loadbalancer_apiserver:`)",
                ],
            ),
            (
                "loadbalancer_apiserver:\naddress: 10.0.0.1\n  port: 6443\n",
                vec![
                    "2: `address` stands outside of `loadbalancer_apiserver` (indent `address:` by two spaces below `loadbalancer_apiserver:`)",
                ],
            ),
            (
                "loadbalancer_apiserver:\n  address: 10.0.0.1\n   port: 6443\n",
                vec![
                    "3: `address` and `port` of `loadbalancer_apiserver` do not line up (indent both by two spaces)",
                ],
            ),
            (
                "kube_version: v1\n#loadbalancer_apiserver:\n  address: 10.0.0.1\n  port: 6443\n",
                vec![
                    "3: `address` is indented, but `loadbalancer_apiserver:` is missing above it (take the `#` away before `loadbalancer_apiserver:`)",
                    "4: `port` is indented, but `loadbalancer_apiserver:` is missing above it (take the `#` away before `loadbalancer_apiserver:`)",
                ],
            ),
            (
                "loadbalancer_apiserver:\n\taddress: 10.0.0.1\n\tport: 6443\n",
                vec![
                    "2: a tab indents this line (replace it with spaces, two for each level)",
                    "3: a tab indents this line (replace it with spaces, two for each level)",
                ],
            ),
        ] {
            assert_eq!(load_text(text).1, expected, "{text}");
        }
    }

    #[test]
    fn secrets_are_hidden() {
        let mut vars = Map::from([("ceph_rbd_admin_secret", "k"), ("ceph_rbd_pool", "p")]);
        hide_secrets(&mut vars);
        assert!(vars.get("ceph_rbd_admin_secret").unwrap().as_text().unwrap().is_secret());
        assert!(!vars.get("ceph_rbd_pool").unwrap().as_text().unwrap().is_secret());
    }
}
