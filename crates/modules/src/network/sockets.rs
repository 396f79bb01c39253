//! The kernel's tables of sockets: `/proc/net/tcp` and its kin.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which table a socket is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// One socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Socket {
    pub(super) protocol: Protocol,
    pub(super) local: (IpAddr, u16),
    pub(super) remote: (IpAddr, u16),
    pub(super) state: u8,
    pub(super) inode: u64,
}

/// Waiting for connections.
pub(super) const LISTEN: u8 = 0x0a;
/// Not connected; where UDP sockets wait.
const CLOSE: u8 = 0x07;

impl Socket {
    /// Whether it waits for whoever comes.
    pub(super) fn listens(&self) -> bool {
        match self.protocol {
            Protocol::Tcp => self.state == LISTEN,
            Protocol::Udp => self.state == CLOSE,
        }
    }

    /// The state's name as `ss` and `netstat` write it.
    pub(super) fn state_name(&self) -> &'static str {
        state_name(self.state)
    }
}

/// Names of the kernel's states, by number.
const STATES: [&str; 12] = [
    "UNKNOWN",
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
];

fn state_name(state: u8) -> &'static str {
    STATES.get(usize::from(state)).copied().unwrap_or("UNKNOWN")
}

/// All sockets of a protocol, IPv4 and IPv6.
pub(super) fn sockets(protocol: Protocol) -> Vec<Socket> {
    let name = protocol.name();
    let tables = [format!("/proc/net/{name}"), format!("/proc/net/{name}6")];
    tables.iter().flat_map(|table| parse(protocol, &fs::read_to_string(table).unwrap_or_default())).collect()
}

fn parse(protocol: Protocol, table: &str) -> Vec<Socket> {
    table.lines().skip(1).filter_map(|line| parse_line(protocol, line)).collect()
}

fn parse_line(protocol: Protocol, line: &str) -> Option<Socket> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    Some(Socket {
        protocol,
        local: parse_address(fields.get(1)?)?,
        remote: parse_address(fields.get(2)?)?,
        state: u8::from_str_radix(fields.get(3)?, 16).ok()?,
        inode: fields.get(9)?.parse().ok()?,
    })
}

/// `0100007F:1F90`: words of four bytes in the machine's order, then the port.
fn parse_address(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| u32::from_str_radix(address.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    let address = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for at in 0..4 {
                bytes[at * 4..at * 4 + 4].copy_from_slice(&word(at * 8)?);
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some((address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn the_kernels_lines_are_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1\n   1: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 43 1\nbroken\n";
        let found = parse(Protocol::Tcp, table);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].local, found[0].inode), ((IpAddr::V4(Ipv4Addr::LOCALHOST), 8080), 4242));
        assert_eq!(found[1].local, (IpAddr::V6(Ipv6Addr::LOCALHOST), 22));
        assert!(found[0].listens());
        assert_eq!(found[0].state_name(), "LISTEN");
    }
}
