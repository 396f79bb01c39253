//! IP networks as the filters see them: an address of either version with a prefix, as text and as numbers.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address with its prefix; the bits behind the prefix may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Net {
    /// Whether it is of version 6.
    pub(crate) six: bool,
    pub(crate) value: u128,
    pub(crate) prefix: u32,
}

impl Net {
    /// A single address.
    pub(crate) fn host(six: bool, value: u128) -> Self {
        Self { six, value, prefix: if six { 128 } else { 32 } }
    }

    /// `address`, `address/prefix`, `address/netmask` or `address/hostmask`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, mask) =
            text.split_once('/').map_or((text, None), |(address, mask)| (address, Some(mask)));
        let mut net = match address.trim().parse().ok()? {
            IpAddr::V4(address) => Self::host(false, u32::from(address).into()),
            IpAddr::V6(address) => Self::host(true, address.into()),
        };
        if let Some(mask) = mask {
            net.prefix = net.prefix_of(mask)?;
        }
        Some(net)
    }

    fn prefix_of(&self, mask: &str) -> Option<u32> {
        if let Ok(prefix) = mask.parse::<u32>() {
            return (prefix <= self.bits() && mask.bytes().all(|byte| byte.is_ascii_digit()))
                .then_some(prefix);
        }
        let mask: u32 = mask.parse::<Ipv4Addr>().ok().filter(|_| !self.six)?.into();
        if mask.leading_ones() + mask.trailing_zeros() >= 32 {
            return Some(mask.leading_ones());
        }
        (mask.leading_zeros() + mask.trailing_ones() == 32).then(|| mask.leading_zeros())
    }

    pub(crate) fn version(&self) -> i128 {
        if self.six { 6 } else { 4 }
    }

    pub(crate) fn bits(&self) -> u32 {
        if self.six { 128 } else { 32 }
    }

    /// The bits behind the prefix, all set.
    pub(crate) fn hostmask(&self) -> u128 {
        let host = self.bits() - self.prefix;
        if host == 128 { u128::MAX } else { (1 << host) - 1 }
    }

    pub(crate) fn netmask(&self) -> u128 {
        let all = if self.six { u128::MAX } else { u32::MAX.into() };
        all & !self.hostmask()
    }

    pub(crate) fn first(&self) -> u128 {
        self.value & self.netmask()
    }

    pub(crate) fn last(&self) -> u128 {
        self.first() | self.hostmask()
    }

    /// How many addresses it holds; one less for all of version 6, which no integer of ours can count.
    pub(crate) fn size(&self) -> u128 {
        self.hostmask().saturating_add(1)
    }

    /// The last address, where the network has one for all its hosts.
    pub(crate) fn broadcast(&self) -> Option<u128> {
        (self.six || self.bits() - self.prefix > 1).then(|| self.last())
    }

    /// The network without the bits behind the prefix.
    pub(crate) fn cidr(&self) -> Self {
        Self { value: self.first(), ..*self }
    }

    pub(crate) fn contains(&self, other: &Self) -> bool {
        self.six == other.six && self.first() <= other.first() && other.last() <= self.last()
    }

    /// Whether the address lies in one of these networks.
    pub(crate) fn in_any(&self, nets: &[&str]) -> bool {
        let own = Self::host(self.six, self.value);
        nets.iter().filter_map(|net| Self::parse(net)).any(|net| net.contains(&own))
    }

    /// An address of the same version as text.
    pub(crate) fn text(&self, value: u128) -> String {
        if self.six { Ipv6Addr::from(value).to_string() } else { Ipv4Addr::from(value as u32).to_string() }
    }

    pub(crate) fn ip(&self) -> String {
        self.text(self.value)
    }

    pub(crate) fn is_loopback(&self) -> bool {
        self.in_any(&["127.0.0.0/8", "::1/128"])
    }

    pub(crate) fn is_multicast(&self) -> bool {
        self.in_any(&["224.0.0.0/4", "ff00::/8"])
    }

    /// Whether the address may be reached from everywhere, by IANA's registries of special purpose addresses.
    pub(crate) fn is_global(&self) -> bool {
        let special = [
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "240.0.0.0/4",
            "::1/128",
            "::/128",
            "::ffff:0:0/96",
            "64:ff9b:1::/48",
            "100::/64",
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "fc00::/7",
            "fe80::/10",
        ];
        let reachable = [
            "192.0.0.9/32",
            "192.0.0.10/32",
            "2001:1::1/128",
            "2001:1::2/128",
            "2001:3::/32",
            "2001:4:112::/48",
            "2001:20::/28",
            "2001:30::/28",
        ];
        !self.in_any(&special) || self.in_any(&reachable)
    }

    /// The name under which DNS answers for the address (RFC 1035, RFC 3596).
    pub(crate) fn reverse_dns(&self) -> String {
        if self.six {
            let digits = format!("{:032x}", self.value);
            let reversed: Vec<String> = digits.chars().rev().map(String::from).collect();
            return format!("{}.ip6.arpa.", reversed.join("."));
        }
        let mut octets: Vec<&str> = Vec::new();
        let text = self.ip();
        octets.extend(text.rsplit('.'));
        format!("{}.in-addr.arpa.", octets.join("."))
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip(), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::Net;

    #[test]
    fn networks_know_their_bounds() {
        for (text, first, last, size) in [
            ("192.168.1.5/24", "192.168.1.0", "192.168.1.255", 256),
            ("10.0.0.1/255.255.255.252", "10.0.0.0", "10.0.0.3", 4),
            ("10.0.0.1/0.0.0.255", "10.0.0.0", "10.0.0.255", 256),
            ("2001:db8::1/126", "2001:db8::", "2001:db8::3", 4),
            ("1.2.3.4", "1.2.3.4", "1.2.3.4", 1),
        ] {
            let net = Net::parse(text).unwrap();
            assert_eq!(
                (net.text(net.first()), net.text(net.last()), net.size()),
                (first.into(), last.into(), size)
            );
        }
        for bad in ["1.2.3", "1.2.3.4/33", "a", "", "1.2.3.4/255.0.255.0", "::1/129"] {
            assert_eq!(Net::parse(bad), None, "{bad}");
        }
    }
}
