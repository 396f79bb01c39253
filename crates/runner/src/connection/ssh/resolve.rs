//! Host names to addresses without the C library's resolver, which a static binary must not call (it loads the system's own plugins and
//! crashes on a mismatch): literal addresses, /etc/hosts, then `getent ahosts` as a child process.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use modules::{addresses_of_getent, addresses_of_hosts_file};

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
        let local = fs::read_to_string("/etc/hosts")
            .map(|text| addresses_of_hosts_file(&text, name))
            .unwrap_or_default();
        let found = if local.is_empty() { from_getent(name)? } else { local };
        known.insert(name.to_owned(), found);
    }
    Ok(known[name].iter().map(|address| SocketAddr::new(*address, port)).collect())
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
    let found = addresses_of_getent(&String::from_utf8_lossy(&output.stdout));
    if found.is_empty() { Err("Name or service not known".into()) } else { Ok(found) }
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
    fn a_name_is_never_taken_for_an_option() {
        assert_eq!(addresses("--help", 22).unwrap_err(), "Name or service not known");
    }
}
