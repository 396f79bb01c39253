//! Storage classes: one default.

use data::{Diagnostic, Map, Value};

use super::name_place;

/// Switches of default classes with the switch that turns the class itself on.
const CLASSES: [(&str, &str); 9] = [
    ("local_volume_is_default_class", "local_volume_enabled"),
    ("nfs_client_is_default_class", "nfs_client_enabled"),
    ("nfs_server_is_default_class", "nfs_server_enable"),
    ("ceph_rbd_is_default_class", "ceph_rbd_enabled"),
    ("glusterfs_provisioner_is_default_class", "glusterfs_provisioner_enabled"),
    ("qingcloud_csi_is_default_class", "qingcloud_csi_enabled"),
    ("neonsan_csi_is_default_class", "neonsan_csi_enabled"),
    ("alicloud_disk_csi_is_default_class", "alicloud_disk_csi_enabled"),
    ("tencentcloud_cbs_csi_is_default_class", "tencentcloud_cbs_csi_enabled"),
];

pub(super) fn check(vars: &Map, findings: &mut Vec<Diagnostic>) {
    let is_on = |name: &str| vars.get(name).and_then(Value::as_bool);
    let chosen: Vec<&str> = CLASSES
        .iter()
        .filter(|(default, class)| is_on(default) == Some(true) && is_on(class) != Some(false))
        .map(|(default, _)| *default)
        .collect();
    let [first, others @ ..] = &chosen[..] else { return };
    if others.is_empty() {
        return;
    }
    let place = |name: &str| vars.get_full(name).and_then(|(_, key, _)| name_place(key));
    let mut found = Diagnostic::error(format!("{} storage classes are the default", chosen.len()))
        .at_opt(others.last().and_then(|name| place(name)), "default");
    for name in [*first].iter().chain(&others[..others.len() - 1]) {
        if let Some(place) = place(name) {
            found = found.also(place, "default too");
        }
    }
    findings.push(found.help("leave one of them `true` and set the others to `false`"));
}
