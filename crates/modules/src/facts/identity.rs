//! What names the host to others: SSH host keys, iSCSI, Fibre Channel and NVMe initiators.

use data::{Map, Value};

use super::files;

/// `ssh_host_key_*_public` and their `_keytype`, from the first folder that has keys.
pub(super) fn ssh_host_keys() -> Map {
    let mut found = Map::new();
    for folder in ["/etc/ssh", "/etc/openssh", "/etc"] {
        for kind in ["dsa", "rsa", "ecdsa", "ed25519"] {
            let text = files::text(format!("{folder}/ssh_host_{kind}_key.pub"));
            let mut words = text.split_whitespace();
            if let (Some(key_type), Some(key)) = (words.next(), words.next()) {
                found.insert(format!("ssh_host_key_{kind}_public").as_str(), key);
                found.insert(format!("ssh_host_key_{kind}_public_keytype").as_str(), key_type);
            }
        }
        if !found.is_empty() {
            break;
        }
    }
    found
}

/// `iscsi_iqn`.
pub(super) fn iscsi() -> Map {
    Map::from([(
        "iscsi_iqn",
        first_line("/etc/iscsi/initiatorname.iscsi", "InitiatorName=").unwrap_or_default(),
    )])
}

/// `hostnqn`.
pub(super) fn nvme() -> Map {
    let name = first_line("/etc/nvme/hostnqn", "nqn.").map(|rest| format!("nqn.{rest}"));
    Map::from([("hostnqn", name.unwrap_or_default())])
}

fn first_line(path: &str, start: &str) -> Option<String> {
    files::text(path).lines().find_map(|line| Some(line.strip_prefix(start)?.to_owned()))
}

/// `fibre_channel_wwn`.
pub(super) fn fibre_channel() -> Map {
    let ports = files::names("/sys/class/fc_host").into_iter();
    let names = ports.filter_map(|port| files::content(format!("/sys/class/fc_host/{port}/port_name")));
    let bare = names.map(|name| Value::from(name.strip_prefix("0x").unwrap_or(&name)));
    Map::from([("fibre_channel_wwn", bare.collect::<Value>())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_of_absent_hardware_are_empty_not_missing() {
        assert!(iscsi().contains_key("iscsi_iqn"));
        assert!(nvme().contains_key("hostnqn"));
        assert!(fibre_channel().get("fibre_channel_wwn").unwrap().as_list().is_some());
    }
}
