//! Storage classes: one default, and all that each needs to be told.

use data::{Diagnostic, Map, Value};

use super::name_place;

/// A kind of storage in the settings.
struct Class {
    /// The switch that makes its class the default.
    default: &'static str,
    /// The switch that turns it on.
    switch: &'static str,
    /// Settings without which it cannot work.
    needs: &'static [&'static str],
}

const fn class(default: &'static str, switch: &'static str, needs: &'static [&'static str]) -> Class {
    Class { default, switch, needs }
}

/// All of them. Only local volumes are on by themselves.
const CLASSES: [Class; 7] = [
    class("local_volume_is_default_class", LOCAL, &[]),
    class("nfs_client_is_default_class", "nfs_client_enabled", &["nfs_server", "nfs_path"]),
    class("ceph_rbd_is_default_class", "ceph_rbd_enabled", &["ceph_rbd_monitors", "ceph_rbd_admin_secret"]),
    class(
        "qingcloud_csi_is_default_class",
        "qingcloud_csi_enabled",
        &["qingcloud_access_key_id", "qingcloud_secret_access_key", "qingcloud_zone"],
    ),
    class("neonsan_csi_is_default_class", "neonsan_csi_enabled", &[]),
    class(
        "alicloud_disk_csi_is_default_class",
        "alicloud_disk_csi_enabled",
        &["ali_access_key_id", "ali_access_key_secret"],
    ),
    class(
        "tencentcloud_cbs_csi_is_default_class",
        "tencentcloud_cbs_csi_enabled",
        &["tencentcloud_cbs_api_secret_id", "tencentcloud_cbs_api_secret_key"],
    ),
];
const LOCAL: &str = "local_volume_enabled";

pub(super) fn check(vars: &Map, findings: &mut Vec<Diagnostic>) {
    let defaults: Vec<&str> = CLASSES
        .iter()
        .filter(|class| is(vars, class.default, true) && !is(vars, class.switch, false))
        .map(|class| class.default)
        .collect();
    let addons = default_addons(vars);
    several(vars, &defaults, addons, findings);
    none(vars, defaults.len() + addons, findings);
    for class in &CLASSES {
        findings.extend(off(vars, class));
        findings.extend(lacking(vars, class));
    }
    addon_forms(vars, findings);
}

fn is(vars: &Map, name: &str, value: bool) -> bool {
    vars.get(name).and_then(Value::as_bool) == Some(value)
}

fn addons(vars: &Map) -> impl Iterator<Item = &Value> {
    vars.get("addons").and_then(Value::as_list).into_iter().flat_map(|list| list.iter())
}

/// How many addons say that they bring the default class.
fn default_addons(vars: &Map) -> usize {
    addons(vars).filter(|addon| addon.get("default_class").and_then(Value::as_bool).unwrap_or(false)).count()
}

fn several(vars: &Map, defaults: &[&str], addons: usize, findings: &mut Vec<Diagnostic>) {
    if defaults.len() + addons < 2 {
        return;
    }
    let place = |name: &str| vars.get_full(name).and_then(|(_, key, _)| name_place(key));
    let last = defaults.last().copied().unwrap_or("addons");
    let mut found = Diagnostic::error(format!("{} storage classes are the default", defaults.len() + addons))
        .at_opt(place(last), "default");
    for name in &defaults[..defaults.len().saturating_sub(1)] {
        if let Some(place) = place(name) {
            found = found.also(place, "default too");
        }
    }
    if addons > 0 {
        found = found.note("an addon with `default_class: true` counts");
    }
    findings.push(found.help("leave one of them `true` and set the others to `false`"));
}

/// Without a default, claims that name no class wait for ever; KubeSphere makes such claims.
fn none(vars: &Map, defaults: usize, findings: &mut Vec<Diagnostic>) {
    let local_yields = is(vars, LOCAL, false) || is(vars, "local_volume_is_default_class", false);
    if defaults > 0 || !local_yields {
        return;
    }
    let place = [LOCAL, "local_volume_is_default_class"]
        .into_iter()
        .find(|name| is(vars, name, false))
        .and_then(|name| vars.get_full(name))
        .and_then(|(_, key, _)| name_place(key));
    let found = if is(vars, "kubesphere_enabled", true) {
        Diagnostic::error("no storage class is the default, and KubeSphere needs one")
    } else {
        Diagnostic::warning("no storage class is the default")
            .note("claims that name no class will wait for ever")
    };
    findings.push(found.at_opt(place, "").help(
        "set `..._is_default_class: true` for one that is on, or `default_class: true` for an addon that brings one",
    ));
}

/// A class that is the default, and is not there.
fn off(vars: &Map, class: &Class) -> Option<Diagnostic> {
    let is_on = is(vars, class.switch, true) || (class.switch == LOCAL && !is(vars, LOCAL, false));
    if is_on || !is(vars, class.default, true) {
        return None;
    }
    // A switch that is off beside a default that is on is how the old files say that neither counts.
    if is(vars, class.switch, false) {
        return None;
    }
    let place = vars.get_full(class.default).and_then(|(_, key, _)| name_place(key));
    let title = format!("`{}` is true, but its class is not turned on", class.default);
    Some(Diagnostic::error(title).at_opt(place, "").help(format!("set `{}: true`, too", class.switch)))
}

fn lacking(vars: &Map, class: &Class) -> Option<Diagnostic> {
    let is_there = |name: &&&str| match vars.get(**name) {
        None | Some(Value::Null) => false,
        Some(Value::Str(text)) => !text.is_empty(),
        Some(Value::List(list)) => !list.is_empty(),
        Some(_) => true,
    };
    let missing: Vec<String> =
        class.needs.iter().filter(|name| !is_there(name)).map(|name| format!("`{name}`")).collect();
    if missing.is_empty() || !is(vars, class.switch, true) {
        return None;
    }
    let place = vars.get_full(class.switch).and_then(|(_, key, _)| name_place(key));
    let title = format!("`{}` needs {}", class.switch, missing.join(" and "));
    Some(Diagnostic::error(title).at_opt(place, "").help("add them, or turn it off"))
}

/// An addon has a name, and something to apply.
fn addon_forms(vars: &Map, findings: &mut Vec<Diagnostic>) {
    let place = vars.get_full("addons").and_then(|(_, key, _)| name_place(key));
    for (number, addon) in addons(vars).enumerate() {
        let name = addon.get("name").and_then(Value::as_str).unwrap_or_default();
        let has_source = ["chart", "manifests", "sources"]
            .iter()
            .any(|field| addon.get(field).is_some_and(Value::is_truthy));
        let wrong = match (name, has_source) {
            ("", _) => format!("addon {} has no `name`", number + 1),
            (name, false) => format!("addon `{name}` has neither `chart` nor `manifests`"),
            _ => continue,
        };
        findings.push(
            Diagnostic::error(wrong)
                .at_opt(place, "")
                .help("each addon has `name`, and `chart` or `manifests`; docs/guide.md shows examples"),
        );
    }
}
