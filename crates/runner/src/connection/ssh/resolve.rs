//! Host names to addresses without the C library's resolver, which a static binary must not call (it loads the system's own plugins and
//! crashes on a mismatch): literal addresses, /etc/hosts, then `getent ahosts` as a child process.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// All addresses of a name, the resolver's favourite first.
///
/// # Errors
/// OpenSSH's words for a name that has none.
pub(crate) fn addresses(name: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) =
        bare.parse::<SocketAddr>().map(|found| found.ip()).or_else(|_| bare.parse::<IpAddr>())
    {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    static KNOWN: Mutex<Option<HashMap<String, Vec<IpAddr>>>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if !known.contains_key(name) {
        let local =
            fs::read_to_string("/etc/hosts").map(|text| from_hosts_file(&text, name)).unwrap_or_default();
        let found = if local.is_empty() { from_getent(name)? } else { local };
        known.insert(name.to_owned(), found);
    }
    Ok(known[name].iter().map(|address| SocketAddr::new(*address, port)).collect())
}

/// The addresses that a hosts(5) file gives a name.
fn from_hosts_file(text: &str, name: &str) -> Vec<IpAddr> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    lines
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let address = words.next()?.parse().ok()?;
            words.any(|word| word.eq_ignore_ascii_case(name)).then_some(address)
        })
        .collect()
}

/// What the system's resolver says, whatever it is made of (DNS, mDNS, LDAP ...).
fn from_getent(name: &str) -> Result<Vec<IpAddr>, String> {
    // A name that begins with a dash would be an option.
    if name.starts_with('-') || name.is_empty() {
        return Err("Name or service not known".into());
    }
    let output = match Command::new("getent").args(["ahosts", name]).stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err("not in /etc/hosts, and there is no `getent` on this machine to ask DNS".into());
        }
        Err(error) => return Err(format!("`getent` cannot be started: {error}")),
    };
    let found = from_ahosts(&String::from_utf8_lossy(&output.stdout));
    if found.is_empty() { Err("Name or service not known".into()) } else { Ok(found) }
}

/// The addresses in the output of `getent ahosts`, each once.
fn from_ahosts(text: &str) -> Vec<IpAddr> {
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
    fn literal_addresses_need_no_resolver() {
        for (name, shown) in
            [("10.0.0.1", "10.0.0.1:22"), ("fd00::1", "[fd00::1]:22"), ("[fd00::1]", "[fd00::1]:22")]
        {
            assert_eq!(addresses(name, 22).unwrap()[0].to_string(), shown);
        }
    }

    #[test]
    fn the_hosts_file_gives_all_addresses_of_a_name() {
        let text = "127.0.0.1 localhost\n::1 localhost ip6 # Master1\n10.0.0.1\tmaster1.lan MASTER1 # first\n#10.0.0.9 master1\n";
        assert_eq!(from_hosts_file(text, "localhost").len(), 2);
        assert_eq!(from_hosts_file(text, "master1"), ["10.0.0.1".parse::<IpAddr>().unwrap()]);
        assert_eq!(from_hosts_file(text, "first"), Vec::<IpAddr>::new());
    }

    #[test]
    fn getent_lists_each_address_per_socket_type() {
        let text = "::1 STREAM localhost\n::1 DGRAM\n127.0.0.1 STREAM\n127.0.0.1 RAW\n";
        assert_eq!(from_ahosts(text).len(), 2);
    }

    #[test]
    fn a_name_is_never_taken_for_an_option() {
        assert_eq!(addresses("--help", 22).unwrap_err(), "Name or service not known");
    }
}
