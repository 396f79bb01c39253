//! The inventory of an all-in-one install: this machine in every group. Written once into `conf/all-in-one/`, then the user's to edit.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use data::{Diagnose, Diagnostic, Map, Value};
use modules::RunRequest;

use super::menu::confirm;

/// The name the 2.x installer gave such a machine, for one whose own name cannot be a node's.
const NAME: &str = "ks-allinone";

/// The folder with this machine's inventory, written if it is not there yet.
///
/// # Errors
/// This machine has no address, or the files cannot be written.
pub(super) fn folder(home: &Path, may_ask: bool) -> Result<PathBuf, Box<dyn Diagnose>> {
    let folder = home.join("conf/all-in-one");
    if folder.join("hosts.ini").is_file() {
        return Ok(folder);
    }
    let machine = Machine::look().map_err(|found| Box::new(found) as Box<dyn Diagnose>)?;
    let rename = !machine.has_node_name() && may_ask && ask_to_rename(&machine.name);
    write(&folder, home, &machine, rename).map_err(|error| {
        let found = Diagnostic::error(format!("cannot write `{}`: {error}", folder.display()));
        Box::new(found.help("run it as a user who may write there")) as Box<dyn Diagnose>
    })?;
    Ok(folder)
}

/// What an inventory needs to know of this machine.
#[derive(Debug, PartialEq, Eq)]
struct Machine {
    name: String,
    address: String,
}

impl Machine {
    fn look() -> Result<Self, Diagnostic> {
        let subset = Value::from(vec![Value::from("!all"), Value::from("network")]);
        let found = modules::run_local(&RunRequest::new("setup", Map::from([("gather_subset", subset)])));
        let facts = found.get("ansible_facts");
        let fact = |name: &str| facts.and_then(|facts| facts.get(name));
        let name = fact("ansible_hostname").and_then(Value::as_str).unwrap_or_default().to_owned();
        let address =
            fact("ansible_default_ipv4").and_then(|ipv4| ipv4.get("address")).and_then(Value::as_str);
        let address = address.ok_or_else(|| {
            Diagnostic::error("this machine has no default route, so its address is not known")
                .help("write conf/hosts.ini with `ip=` of this machine and choose multi-node")
        })?;
        Ok(Self { name, address: address.to_owned() })
    }

    /// Whether Kubernetes takes the machine's name as it is (RFC 1123).
    fn has_node_name(&self) -> bool {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        !self.name.is_empty()
            && self.name.chars().all(|c| plain(c) || c == '-')
            && self.name.starts_with(plain)
            && self.name.ends_with(plain)
    }
}

fn ask_to_rename(name: &str) -> bool {
    let question = format!("This machine's name, `{name}`, cannot be a node's. Rename it to {NAME}?");
    confirm(&mut io::stdin().lock(), &mut anstream::stdout(), &question).unwrap_or(false)
}

fn write(folder: &Path, home: &Path, machine: &Machine, rename: bool) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let vars = home.join("conf/vars.yml");
    if vars.is_file() {
        fs::write(folder.join("vars.yml"), without_load_balancer(&fs::read_to_string(vars)?))?;
    }
    fs::write(folder.join("hosts.ini"), hosts_ini(machine, rename))
}

/// The settings with `loadbalancer_apiserver` turned into a comment: one machine needs none, and the sample's address is not its own.
fn without_load_balancer(vars: &str) -> String {
    let mut inside = false;
    let mut text = String::with_capacity(vars.len() + 16);
    for line in vars.lines() {
        inside = line.starts_with("loadbalancer_apiserver:") || (inside && line.starts_with(' '));
        text.push_str(if inside { "# " } else { "" });
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn hosts_ini(machine: &Machine, rename: bool) -> String {
    let name = if machine.has_node_name() { machine.name.as_str() } else { NAME };
    let keep = if rename { "" } else { " os_set_hostname=False" };
    let groups: String =
        ["kube-master", "kube-node", "etcd"].iter().map(|group| format!("[{group}]\n{name}\n\n")).collect();
    format!(
        "; Everything on this machine. Written by `install.sh all-in-one` once; edit it as you like.\n\
         [all]\n{name}  ansible_connection=local  ip={}{keep}\n\n{groups}[k8s-cluster:children]\nkube-node\nkube-master\n",
        machine.address
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(name: &str) -> Machine {
        Machine { name: name.into(), address: "192.0.2.7".into() }
    }

    #[test]
    fn one_machine_has_no_load_balancer() {
        let vars = "a: 1\nloadbalancer_apiserver:\n  address: 192.0.2.1\n  port: 6443\n\nb: 2\n";
        let expected = "a: 1\n# loadbalancer_apiserver:\n#   address: 192.0.2.1\n#   port: 6443\n\nb: 2\n";
        assert_eq!(without_load_balancer(vars), expected);
    }

    #[test]
    fn a_machine_keeps_its_name_unless_it_was_asked() {
        let text = hosts_ini(&machine("box"), false);
        assert!(
            text.contains("\nbox  ansible_connection=local  ip=192.0.2.7 os_set_hostname=False\n"),
            "{text}"
        );
        assert!(
            hosts_ini(&machine("My_Box"), true)
                .contains("\nks-allinone  ansible_connection=local  ip=192.0.2.7\n")
        );
    }

    #[test]
    fn node_names_are_those_of_rfc_1123() {
        for (name, fine) in
            [("box", true), ("box-1", true), ("Box", false), ("my_box", false), ("-x", false), ("", false)]
        {
            assert_eq!(machine(name).has_node_name(), fine, "{name}");
        }
    }

    #[test]
    fn this_machine_can_be_looked_at() {
        let found = Machine::look().unwrap();
        assert!(found.address.parse::<std::net::Ipv4Addr>().is_ok(), "{found:?}");
    }
}
