//! `add_host`: a host for the rest of the run.

use data::{Map, Text, Value};

use super::ActionCall;
use crate::task::finalized::shown;
use crate::trouble::Trouble;

/// Gives the host's name, groups and variables; the main thread puts it into the inventory.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let mut args = call.args.clone();
    match args.remove("_raw_params") {
        Some(Value::Str(raw)) => {
            let pairs = data::split::parse_kv(&Text::plain(raw.as_str()), false);
            args.extend_from(&pairs.map_err(|error| Trouble::raised(error.to_string()))?.to_map());
        }
        Some(Value::Map(mapping)) => args.extend_from(&mapping),
        _ => {}
    }
    let name =
        ["name", "hostname", "host"].iter().find_map(|key| args.remove(key)).and_then(|value| shown(&value));
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Err(Trouble::raised("name, host or hostname needs to be provided"));
    };
    let groups = ["groups", "groupname", "group"].iter().find_map(|key| args.remove(key));
    let groups: Vec<Value> = match groups {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::List(list)) => list.into_items(),
        Some(Value::Str(text)) => text.split(',').map(|group| Value::from(group.trim())).collect(),
        Some(_) => return Err(Trouble::raised("Groups must be specified as a list.")),
    };
    let (name, port) = split_port(&name);
    if let Some(port) = port {
        args.insert("ansible_ssh_port", port);
    }
    let host = Map::from([
        ("host_name", Value::from(name)),
        ("groups", groups.into()),
        ("host_vars", Value::Map(args)),
    ]);
    Ok(Map::from([("changed", Value::from(false)), ("add_host", Value::Map(host))]))
}

/// `name:port`, unless the name is an IPv6 address.
fn split_port(name: &str) -> (String, Option<u32>) {
    let (host, port) = match name.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match name.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (name, None),
        },
    };
    (host.to_owned(), port.and_then(|port| port.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_after_the_name_is_told_apart_from_an_address() {
        for (name, expected) in [
            ("a:22", ("a", Some(22))),
            ("a", ("a", None)),
            ("fe80::1", ("fe80::1", None)),
            ("[fe80::1]:22", ("fe80::1", Some(22))),
        ] {
            let (host, port) = split_port(name);
            assert_eq!((host.as_str(), port), expected, "{name}");
        }
    }
}
