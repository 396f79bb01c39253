//! Logins as the installer always understood them: passwords are text whatever they look like, and one password may serve twice.

use data::{Diagnostic, Map, Place, Text, Value};

use super::lookup::Lookup;
use crate::{Host, IniVar, Inventory};

/// Variables whose values are passwords or keys.
pub(crate) const SECRETS: [&str; 8] = [
    "ansible_ssh_pass",
    "ansible_ssh_password",
    "ansible_password",
    "ansible_become_pass",
    "ansible_become_password",
    "ansible_sudo_pass",
    "ansible_ssh_private_key",
    "ansible_private_key",
];

const SSH_PASSWORDS: [&str; 3] = ["ansible_ssh_pass", "ansible_password", "ansible_ssh_password"];
const BECOME_PASSWORDS: [&str; 3] = ["ansible_become_pass", "ansible_become_password", "ansible_sudo_pass"];
const SSH_KEYS: [&str; 4] = [
    "ansible_ssh_private_key_file",
    "ansible_private_key_file",
    "ansible_ssh_private_key",
    "ansible_private_key",
];

/// Whether the files say how to log in to the host.
pub(crate) fn has_login<'a>(lookup: Lookup<'a>, host: &'a Host) -> bool {
    lookup.get(host, &SSH_PASSWORDS).is_some() || lookup.get(host, &SSH_KEYS).is_some()
}

/// Fills in the password that the old installer would have used.
///
/// A user with a sudo password and no SSH login is logged in with the sudo password (the non-root form of `hosts.ini`, in which the order
/// of the fields does not matter). A user other than root with an SSH password and no sudo password uses that one for sudo.
pub(crate) fn complete(inventory: &mut Inventory, vars: &Map, findings: &mut Vec<Diagnostic>) {
    let mut set: Vec<(String, &str, Value)> = Vec::new();
    let lookup = Lookup { inventory, vars };
    for host in inventory.hosts() {
        let user = lookup.get(host, &["ansible_user", "ansible_ssh_user"]).and_then(Value::as_str);
        let is_other_user = user.is_some_and(|user| user != "root");
        let ssh = lookup.get(host, &SSH_PASSWORDS);
        let sudo = lookup.get(host, &BECOME_PASSWORDS);
        if lookup.is_local(host) || !is_other_user {
            continue;
        }
        match (ssh, sudo) {
            (None, Some(sudo)) if !has_login(lookup, host) => {
                set.push((host.name().to_string(), SSH_PASSWORDS[0], sudo.clone()));
            }
            (Some(ssh), None) => {
                let place = host.var_place(SSH_PASSWORDS[0]).or(host.place());
                findings.push(
                    Diagnostic::warning(format!("host `{}` has no `ansible_become_pass`", host.name()))
                        .at_opt(place, "only the SSH password is given")
                        .note("sudo is tried with the SSH password")
                        .help("give the sudo password of a user other than root as `ansible_become_pass`"),
                );
                set.push((host.name().to_string(), BECOME_PASSWORDS[0], ssh.clone()));
            }
            _ => {}
        }
    }
    for (host, name, value) in set {
        // The host was just found, so setting its variable cannot fail.
        let _ = inventory.set_host_var(&host, name, value);
    }
}

/// Keeps a variable's password as text: `0123` and `1e5` are no numbers there.
pub(crate) fn keep_password(var: &mut IniVar) {
    let text = match &var.value {
        Value::Str(text) => text.to_string(),
        _ => var.written().to_owned(),
    };
    var.value = password(&text, &var.place);
}

/// A password: text whatever it looks like, and never shown. Only braces make it a template.
pub(crate) fn password(written: &str, place: &Place) -> Value {
    let place = Some(place.clone());
    let text = match written.contains("{{") {
        true => Text::template(written, place),
        false => Text::plain(written).with_place(place),
    };
    Value::Str(text.into_secret())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(vars: &[(&str, &str)]) -> (Inventory, usize) {
        let mut inventory = Inventory::default();
        inventory.add_host("h", None, None).unwrap();
        inventory.reconcile();
        for (name, value) in vars {
            inventory.set_host_var("h", *name, Value::str(*value)).unwrap();
        }
        let mut findings = Vec::new();
        complete(&mut inventory, &Map::new(), &mut findings);
        (inventory, findings.len())
    }

    fn var<'a>(inventory: &'a Inventory, name: &str) -> Option<&'a str> {
        inventory.host("h").unwrap().vars().get_str(name)
    }

    #[test]
    fn a_sudo_password_alone_serves_for_ssh_in_any_order_of_fields() {
        let mut fields = vec![("ansible_user", "ubuntu"), ("ansible_become_pass", "x"), ("ip", "10.0.0.1")];
        for _ in 0..fields.len() {
            fields.rotate_left(1);
            let (inventory, findings) = completed(&fields);
            assert_eq!((var(&inventory, "ansible_ssh_pass"), findings), (Some("x"), 0), "{fields:?}");
        }
    }

    #[test]
    fn a_key_or_a_local_connection_needs_no_ssh_password() {
        for (name, value) in [("ansible_ssh_private_key_file", "~/.ssh/id"), ("ansible_connection", "local")]
        {
            let (inventory, _) =
                completed(&[("ansible_user", "ubuntu"), ("ansible_become_pass", "x"), (name, value)]);
            assert_eq!(var(&inventory, "ansible_ssh_pass"), None);
        }
    }

    #[test]
    fn an_ssh_password_alone_serves_for_sudo_with_a_warning() {
        let (inventory, findings) = completed(&[("ansible_user", "ubuntu"), ("ansible_ssh_pass", "x")]);
        assert_eq!((var(&inventory, "ansible_become_pass"), findings), (Some("x"), 1));
    }

    #[test]
    fn root_needs_no_second_password() {
        let (inventory, findings) = completed(&[("ansible_ssh_pass", "x")]);
        assert_eq!((var(&inventory, "ansible_become_pass"), findings), (None, 0));
    }
}
