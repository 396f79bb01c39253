//! Platform facts: kernel, machine, names of the host, machine id.

use std::path::Path;

use data::Map;

use super::{Gather, files};

/// `system`, `kernel`, `kernel_version`, `machine`, `architecture`, `userspace_*`, `hostname`, `nodename`, `fqdn`, `domain`, `machine_id`.
pub(super) fn platform(gather: &Gather) -> Map {
    let uname = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let (machine, node) = (text(uname.machine()), text(uname.nodename()));
    let fqdn = full_name(gather, &node);
    let domain = fqdn.split_once('.').map_or("", |(_, domain)| domain).to_owned();
    let bits = userspace_bits();

    let mut facts = Map::from([
        ("system", text(uname.sysname())),
        ("kernel", text(uname.release())),
        ("kernel_version", text(uname.version())),
        ("machine", machine.clone()),
        ("fqdn", fqdn),
        ("hostname", node.split('.').next().unwrap_or_default().to_owned()),
        ("nodename", node),
        ("domain", domain),
        ("userspace_bits", bits.to_owned()),
    ]);
    let intel_32 = matches!(machine.as_str(), "i386" | "i486" | "i586" | "i686" | "i86pc");
    facts.insert("architecture", if intel_32 { "i386" } else { &machine });
    if intel_32 || machine == "x86_64" {
        facts.insert("userspace_architecture", if bits == "64" { "x86_64" } else { "i386" });
    }
    let id = files::content("/var/lib/dbus/machine-id").or_else(|| files::content("/etc/machine-id"));
    if let Some(id) = id.as_deref().and_then(|id| id.lines().next()) {
        facts.insert("machine_id", id);
    }
    facts
}

/// The width of the host's own programs, told by the ELF class of its first process's or its shell's binary, because this program's
/// own width says nothing about the host's.
fn userspace_bits() -> &'static str {
    let class = ["/bin/sh", "/sbin/init"].iter().find_map(|path| {
        let mut header = [0u8; 5];
        let mut file = std::fs::File::open(path).ok()?;
        std::io::Read::read_exact(&mut file, &mut header).ok()?;
        header.starts_with(b"\x7fELF").then_some(header[4])
    });
    match class {
        Some(1) => "32",
        Some(_) => "64",
        None if cfg!(target_pointer_width = "32") => "32",
        None => "64",
    }
}

/// What Python's `socket.getfqdn()` gives: the first name with a dot among the names of the host's address, else the first name.
fn full_name(gather: &Gather, node: &str) -> String {
    let hosts = files::text("/etc/hosts");
    let names = names_of_address(&hosts, node).or_else(|| {
        // Not in /etc/hosts: the system's resolver may know more (DNS, systemd's own names).
        Path::new("/usr/bin/getent").exists().then(|| asked_names(gather, node)).flatten()
    });
    let Some(names) = names else { return node.to_owned() };
    let dotted = names.iter().find(|name| name.contains('.'));
    dotted.or(names.first()).cloned().unwrap_or_else(|| node.to_owned())
}

fn asked_names(gather: &Gather, node: &str) -> Option<Vec<String>> {
    let address = gather.stdout_of(&["getent", "ahosts", node])?.split_whitespace().next()?.to_owned();
    let line = gather.stdout_of(&["getent", "hosts", &address])?;
    let names: Vec<_> = line.split_whitespace().skip(1).map(str::to_owned).collect();
    (!names.is_empty()).then_some(names)
}

/// All names of the address that `node` stands for in this text of a hosts file.
fn names_of_address(hosts: &str, node: &str) -> Option<Vec<String>> {
    let lines: Vec<Vec<&str>> = hosts
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().split_whitespace().collect())
        .collect();
    let is_node = |name: &&&str| name.eq_ignore_ascii_case(node);
    let with_node = lines.iter().filter(|words| words.iter().skip(1).any(|name| is_node(&name)));
    let address =
        with_node.clone().find(|words| words[0].contains('.')).or_else(|| with_node.clone().next())?[0];
    let line = lines.iter().find(|words| words.first() == Some(&address))?;
    Some(line.iter().skip(1).map(|name| (*name).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_the_first_line_with_the_address_count() {
        let hosts = "127.0.0.1 localhost # vm\n10.0.0.5 node1.example.org node1\n127.0.0.1 vm\n::1 six\n";
        let names = |node: &str| names_of_address(hosts, node);
        assert_eq!(names("vm").unwrap(), ["localhost"]);
        assert_eq!(names("node1").unwrap(), ["node1.example.org", "node1"]);
        assert_eq!(names("six").unwrap(), ["six"]);
        assert_eq!(names("other"), None);
    }
}
