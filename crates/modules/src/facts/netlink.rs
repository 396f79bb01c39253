//! Asks the kernel for addresses and routes over a route netlink socket (rtnetlink(7)): what `ip` would print, without running `ip`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const RTM_GETADDR: u16 = 22;
const RTM_GETROUTE: u16 = 26;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
const HEADER: usize = 16;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

const IFA_F_SECONDARY: u8 = 1;
const RTN_LOCAL: u8 = 2;
const RT_TABLE_LOCAL: u32 = 255;

/// One address of an interface.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Address {
    /// The kernel's number of the interface.
    pub(super) interface: u32,
    /// The host's own address.
    pub(super) local: IpAddr,
    /// The other end of a point-to-point link, if it is one.
    pub(super) peer: Option<IpAddr>,
    /// Length of the prefix (of the peer, if there is one).
    pub(super) prefix: u8,
    /// The broadcast address, if one is set.
    pub(super) broadcast: Option<IpAddr>,
    /// The label (IPv4 only): the interface's name, or an alias such as `eth0:1`.
    pub(super) label: Option<String>,
    /// `global`, `site`, `link`, `host` or a number.
    pub(super) scope: String,
    /// Whether `ip` calls it secondary (IPv4) or temporary (IPv6).
    pub(super) secondary: bool,
}

/// How a packet to an address would leave this host.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Route {
    /// The kernel's number of the interface.
    pub(super) interface: Option<u32>,
    /// The next hop, if the address is not on the link.
    pub(super) gateway: Option<IpAddr>,
    /// The source address.
    pub(super) source: Option<IpAddr>,
}

/// All addresses of all interfaces, in the kernel's order: IPv4 first.
pub(super) fn addresses() -> io::Result<Vec<Address>> {
    let mut found = Vec::new();
    for family in [AF_INET, AF_INET6] {
        let body = [family, 0, 0, 0, 0, 0, 0, 0];
        for message in ask(RTM_GETADDR, NLM_F_DUMP, &body)? {
            found.extend(parse_address(&message).filter(|_| message.first() == Some(&family)));
        }
    }
    Ok(found)
}

/// The route to `to`; an error if there is none.
pub(super) fn route_to(to: IpAddr) -> io::Result<Option<Route>> {
    let (family, octets) = match to {
        IpAddr::V4(address) => (AF_INET, address.octets().to_vec()),
        IpAddr::V6(address) => (AF_INET6, address.octets().to_vec()),
    };
    let mut body = vec![family, (octets.len() * 8) as u8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    body.extend((octets.len() as u16 + 4).to_ne_bytes());
    body.extend(1u16.to_ne_bytes());
    body.extend(octets);
    Ok(ask(RTM_GETROUTE, 0, &body)?.first().and_then(|message| parse_route(message)))
}

/// The destinations of the local table's local routes: every address or network that this host answers for.
pub(super) fn local_destinations(v6: bool) -> io::Result<Vec<String>> {
    let family = if v6 { AF_INET6 } else { AF_INET };
    let body = [family, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut found = Vec::new();
    for message in ask(RTM_GETROUTE, NLM_F_DUMP, &body)? {
        if let Some(text) = local_destination(&message, family).filter(|text| !found.contains(text)) {
            found.push(text);
        }
    }
    Ok(found)
}

/// Sends one request and gathers the bodies of its answers.
fn ask(kind: u16, flags: u16, body: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    let mut request = Vec::with_capacity(HEADER + body.len());
    request.extend(((HEADER + body.len()) as u32).to_ne_bytes());
    request.extend(kind.to_ne_bytes());
    request.extend((NLM_F_REQUEST | flags).to_ne_bytes());
    request.extend(1u32.to_ne_bytes());
    request.extend(0u32.to_ne_bytes());
    request.extend(body);
    send(&socket, &request, SendFlags::empty())?;
    let mut answers = Vec::new();
    while !read_answers(&socket, flags & NLM_F_DUMP == 0, &mut answers)? {}
    Ok(answers)
}

/// Reads one packet of answers; true if it was the last. `single`: the request has one answer and no closing message.
fn read_answers(socket: &OwnedFd, single: bool, answers: &mut Vec<Vec<u8>>) -> io::Result<bool> {
    let mut buffer = vec![0u8; 64 * 1024];
    let (_, length) = recv(socket, &mut buffer[..], RecvFlags::empty())?;
    let mut rest = buffer.get(..length).unwrap_or(&buffer);
    if rest.is_empty() {
        return Ok(true);
    }
    while rest.len() >= HEADER {
        let size = (u32_at(rest, 0) as usize).clamp(HEADER, rest.len());
        let body = &rest[HEADER..size];
        match u16_at(rest, 4) {
            NLMSG_DONE => return Ok(true),
            NLMSG_ERROR if body.len() >= 4 => {
                return match i32::from_ne_bytes([body[0], body[1], body[2], body[3]]) {
                    0 => Ok(true),
                    code => Err(io::Error::from_raw_os_error(-code)),
                };
            }
            _ => answers.push(body.to_vec()),
        }
        rest = rest.get(align(size)..).unwrap_or_default();
    }
    Ok(single)
}

fn parse_address(message: &[u8]) -> Option<Address> {
    let [_, prefix, flags, scope, ..] = *message else { return None };
    let interface = message.get(4..8).map(|_| u32_at(message, 4))?;
    let (mut address, mut local, mut broadcast, mut label) = (None, None, None, None);
    for (kind, value) in attributes(message.get(8..)?) {
        match kind {
            1 => address = ip(value),
            2 => local = ip(value),
            3 => label = Some(String::from_utf8_lossy(value).trim_end_matches('\0').to_owned()),
            4 => broadcast = ip(value),
            _ => {}
        }
    }
    // IPv6 tells the local address apart only on point-to-point links.
    let own = local.or(address)?;
    let peer = address.filter(|address| *address != own);
    let secondary = flags & IFA_F_SECONDARY != 0;
    Some(Address {
        interface,
        local: own,
        peer,
        prefix,
        broadcast,
        label,
        scope: scope_name(scope),
        secondary,
    })
}

fn scope_name(scope: u8) -> String {
    let name = match scope {
        0 => "global",
        200 => "site",
        253 => "link",
        254 => "host",
        255 => "nowhere",
        number => return number.to_string(),
    };
    name.to_owned()
}

fn parse_route(message: &[u8]) -> Option<Route> {
    let mut route = Route::default();
    for (kind, value) in attributes(message.get(12..)?) {
        match kind {
            4 if value.len() == 4 => route.interface = Some(u32_at(value, 0)),
            5 => route.gateway = ip(value),
            7 => route.source = ip(value),
            // RTA_VIA: a gateway of another family, after two bytes that name it.
            18 => route.gateway = value.get(2..).and_then(ip),
            _ => {}
        }
    }
    Some(route)
}

fn local_destination(message: &[u8], family: u8) -> Option<String> {
    let [own, length, _, _, table, _, _, kind, ..] = *message else { return None };
    let attributes: Vec<_> = attributes(message.get(12..)?).collect();
    let find = |wanted| attributes.iter().find(|(kind, _)| *kind == wanted).map(|(_, value)| *value);
    let table = find(15).filter(|value| value.len() == 4).map_or(u32::from(table), |value| u32_at(value, 0));
    if own != family || kind != RTN_LOCAL || table != RT_TABLE_LOCAL {
        return None;
    }
    let address = ip(find(1)?)?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    Some(if length == whole { address.to_string() } else { format!("{address}/{length}") })
}

/// The attributes of a message: kind and value.
fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let size = usize::from(u16_at(rest.get(..4)?, 0));
        let kind = u16_at(rest, 2) & 0x3fff;
        let value = rest.get(4..size)?;
        rest = rest.get(align(size)..).unwrap_or_default();
        Some((kind, value))
    })
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(|octets| Ipv4Addr::from(octets).into()),
        16 => <[u8; 16]>::try_from(bytes).ok().map(|octets| Ipv6Addr::from(octets).into()),
        _ => None,
    }
}

fn align(size: usize) -> usize {
    size.next_multiple_of(4)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut out = ((value.len() + 4) as u16).to_ne_bytes().to_vec();
        out.extend(kind.to_ne_bytes());
        out.extend(value);
        out.resize(align(out.len()), 0);
        out
    }

    #[test]
    fn the_loopback_address_is_there() {
        let found = addresses().unwrap();
        assert!(
            found
                .iter()
                .any(|address| address.local == IpAddr::V4(Ipv4Addr::LOCALHOST) && address.prefix == 8)
        );
    }

    #[test]
    fn the_local_table_holds_the_loopback_network() {
        assert!(local_destinations(false).unwrap().contains(&"127.0.0.0/8".to_owned()));
    }

    #[test]
    fn a_point_to_point_address_has_a_peer() {
        let mut message = vec![AF_INET, 32, IFA_F_SECONDARY, 0];
        message.extend(7u32.to_ne_bytes());
        message.extend(attribute(1, &[10, 0, 0, 2]));
        message.extend(attribute(2, &[10, 0, 0, 1]));
        message.extend(attribute(3, b"ppp0\0"));
        let address = parse_address(&message).unwrap();
        assert_eq!(address.local.to_string(), "10.0.0.1");
        assert_eq!(address.peer.unwrap().to_string(), "10.0.0.2");
        assert_eq!((address.interface, address.label.as_deref(), address.secondary), (7, Some("ppp0"), true));
    }

    #[test]
    fn a_short_message_is_no_address() {
        assert_eq!(parse_address(&[AF_INET, 8]), None);
        assert_eq!(parse_address(&[AF_INET, 8, 0, 0, 1, 0, 0, 0, 255, 255, 1, 0]), None);
    }
}
