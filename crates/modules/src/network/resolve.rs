//! Names to addresses without `getaddrinfo`, which static binaries do not have: `/etc/hosts` first, then the `getent` program.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use crate::Context;
use crate::process::Command;

/// The addresses of a host, the preferred first; empty if nobody knows the name in that time.
pub(super) fn addresses(host: &str, limit: Duration, context: &mut Context) -> Vec<IpAddr> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = host.parse() {
        return vec![address];
    }
    if host.is_empty() || host.starts_with('-') {
        return Vec::new();
    }
    let known = addresses_of_hosts_file(&fs::read_to_string("/etc/hosts").unwrap_or_default(), host);
    if !known.is_empty() {
        return known;
    }
    let asked = Command::new("getent").args(["ahosts", host]).plain_language().timeout(limit).run(context);
    asked.map(|output| addresses_of_getent(&output.stdout_text())).unwrap_or_default()
}

/// The addresses of a host, for programs that have no [`Context`]; empty if nobody knows the name in that time.
pub fn resolve_host(host: &str, limit: Duration) -> Vec<IpAddr> {
    addresses(host, limit, &mut Context::local())
}

/// Whether the resolver knows a name, or the name of an address.
pub fn is_resolvable(host: &str, limit: Duration) -> bool {
    let context = &mut Context::local();
    let Ok(address) = host.parse::<IpAddr>() else { return !addresses(host, limit, context).is_empty() };
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let mut known = hosts.lines().filter_map(|line| line.split_whitespace().next()?.parse::<IpAddr>().ok());
    if known.any(|known| known == address) {
        return true;
    }
    let asked = Command::new("getent").args(["hosts", host]).plain_language().timeout(limit).run(context);
    asked.is_ok_and(|output| !output.stdout_text().trim().is_empty())
}

/// The addresses that the text of a hosts(5) file has for a name or an alias.
pub fn addresses_of_hosts_file(text: &str, name: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(address) = words.next().and_then(|word| word.parse().ok()) else { continue };
        if words.any(|word| word.eq_ignore_ascii_case(name)) {
            found.push(address);
        }
    }
    found
}

/// The addresses in what `getent ahosts` says, each once: it has one line for each kind of socket.
pub fn addresses_of_getent(text: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for address in text.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()) {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_file_is_read_by_name_and_alias() {
        let text = "127.0.0.1 localhost\n# 10.0.0.9 node1\n10.0.0.1\tnode1.lan Node1 # a node\n::1 localhost\nbroken line\n";
        assert_eq!(addresses_of_hosts_file(text, "node1"), ["10.0.0.1".parse::<IpAddr>().unwrap()]);
        assert_eq!(addresses_of_hosts_file(text, "localhost").len(), 2);
        assert!(addresses_of_hosts_file(text, "a").is_empty());
    }

    #[test]
    fn getent_names_each_address_once() {
        let text = "10.0.0.1        STREAM node1\n10.0.0.1        DGRAM  \n10.0.0.1        RAW    \n";
        assert_eq!(addresses_of_getent(text), ["10.0.0.1".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn an_address_needs_no_resolving() {
        let mut context = Context::local();
        let found = addresses("[::1]", Duration::from_secs(1), &mut context);
        assert_eq!(found, ["::1".parse::<IpAddr>().unwrap()]);
    }
}
