//! The lab's network: a free range, an address for every host, the network itself.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::docker::Docker;
use super::error::{LabError, Result};
use super::spec::Kind;

/// Where the addresses of a lab lie in its range of 256: gateway, masters, load balancers, VIP, nodes, and a part for Docker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses(pub(crate) Ipv4Net);

impl Addresses {
    fn at(self, last: u8) -> Ipv4Addr {
        let [a, b, c, _] = self.0.network().octets();
        Ipv4Addr::new(a, b, c, last)
    }

    /// The machine that carries the lab.
    pub(crate) fn gateway(self) -> Ipv4Addr {
        self.at(1)
    }

    /// The address of a host; numbers begin at 1.
    pub(crate) fn host(self, kind: Kind, number: u8) -> Ipv4Addr {
        match kind {
            Kind::Master => self.at(10 + number),
            Kind::Lb => self.at(20 + number),
            Kind::Node => self.at(100 + number),
        }
    }

    /// An address that no host has, for the load balancers to share.
    pub(crate) fn vip(self) -> Ipv4Addr {
        self.at(50)
    }
}

/// Ranges to choose from: private, and not what Docker, Kubernetes installers or home routers take by default.
fn candidates() -> impl Iterator<Item = Ipv4Net> {
    let within =
        |a: u8, b: u8| (0..=255).filter_map(move |c| Ipv4Net::new(Ipv4Addr::new(a, b, c, 0), 24).ok());
    within(172, 30).chain(within(172, 29)).chain(within(10, 213))
}

/// The candidates that overlap nothing in `taken`.
fn free_ranges(taken: &[Ipv4Net]) -> impl Iterator<Item = Ipv4Net> {
    candidates().filter(|range| {
        !taken.iter().any(|other| other.contains(&range.network()) || range.contains(&other.network()))
    })
}

/// Ranges that the kernel routes anywhere but to the default gateway: `/proc/net/route`, little-endian hexadecimal.
fn parse_routes(table: &str) -> Vec<Ipv4Net> {
    let route = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let number = |index: usize| u32::from_str_radix(fields.get(index)?, 16).ok().map(u32::from_be);
        let range = Ipv4Net::with_netmask(number(1)?.into(), number(7)?.into()).ok()?;
        (range.prefix_len() > 0).then_some(range)
    };
    table.lines().skip(1).filter_map(route).collect()
}

/// The name of the interface of the default route.
fn default_interface(table: &str) -> Option<&str> {
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_whitespace();
        let name = fields.next()?;
        (fields.next() == Some("00000000")).then_some(name)
    })
}

/// The packet size of the way out, if it is smaller than Ethernet's: larger packets of the hosts would be lost.
fn small_mtu(routes: &str) -> Option<u32> {
    let name = default_interface(routes)?;
    let mtu = std::fs::read_to_string(format!("/sys/class/net/{name}/mtu")).ok()?.trim().parse().ok()?;
    (mtu < 1500).then_some(mtu)
}

/// The range of the network `name`, if it exists.
///
/// # Errors
/// Those of docker.
pub(crate) fn find(docker: &Docker, name: &str) -> Result<Option<Ipv4Net>> {
    Ok(ranges(docker, &format!("name=^{name}$"))?.into_iter().next())
}

fn ranges(docker: &Docker, filter: &str) -> Result<Vec<Ipv4Net>> {
    let ids = docker.call("list networks", &["network", "ls", "--quiet", "--filter", filter])?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut args = vec!["network", "inspect", "--format", "{{range .IPAM.Config}}{{.Subnet}} {{end}}"];
    args.extend(ids.split_whitespace());
    // A network that somebody removes at this moment makes the command fail, but the others are printed.
    let said = docker.ask("look at the networks", &args)?;
    Ok(said.out.split_whitespace().filter_map(|range| range.parse().ok()).collect())
}

/// Makes the network `name` in a free range, with `labels`, and says which. An `offline` one leads nowhere but to this machine.
///
/// # Errors
/// [`LabError::NoRange`]; those of docker.
pub(crate) fn create(docker: &Docker, name: &str, labels: &[String], offline: bool) -> Result<Ipv4Net> {
    let routes = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
    let mut taken = ranges(docker, "driver=bridge")?;
    taken.extend(parse_routes(&routes));
    let mut refused = String::new();
    // Another lab may take a range between looking and taking: then the next one.
    for range in free_ranges(&taken).take(8) {
        let mut arguments = create_arguments(name, range, small_mtu(&routes), labels);
        if offline {
            arguments.insert(2, "--internal".into());
        }
        let said = docker.ask("create the network", &arguments)?;
        if said.ok {
            return Ok(range);
        }
        if !said.err.contains("overlap") {
            return Err(LabError::Docker { action: "create the network".into(), detail: said.err });
        }
        refused = said.err;
    }
    Err(LabError::NoRange(refused))
}

fn create_arguments(name: &str, range: Ipv4Net, mtu: Option<u32>, labels: &[String]) -> Vec<String> {
    let addresses = Addresses(range);
    let mut args = vec![
        "network".to_owned(),
        "create".into(),
        format!("--subnet={range}"),
        format!("--gateway={}", addresses.gateway()),
        // What Docker gives away itself must not be a host's address.
        format!("--ip-range={}/27", addresses.at(224)),
    ];
    args.extend(mtu.map(|mtu| format!("--opt=com.docker.network.driver.mtu={mtu}")));
    args.extend(labels.iter().map(|label| format!("--label={label}")));
    args.push(name.into());
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().expect("a range")
    }

    const ROUTES: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";

    #[test]
    fn a_range_is_free_if_nothing_in_use_overlaps_it() {
        let first =
            |taken: &[&str]| free_ranges(&taken.iter().map(|range| net(range)).collect::<Vec<_>>()).next();
        assert_eq!(first(&[]), Some(net("172.30.0.0/24")));
        assert_eq!(first(&["172.30.0.0/24", "172.30.1.128/25"]), Some(net("172.30.2.0/24")));
        assert_eq!(first(&["172.30.0.0/16"]), Some(net("172.29.0.0/24")));
        assert_eq!(first(&["172.16.0.0/12"]), Some(net("10.213.0.0/24")));
        assert_eq!(first(&["172.16.0.0/12", "10.0.0.0/8"]), None);
    }

    #[test]
    fn routes_are_read_as_the_kernel_prints_them() {
        assert_eq!(parse_routes(ROUTES), [net("172.17.0.0/16")]);
        assert_eq!(default_interface(ROUTES), Some("eth0"));
    }

    #[test]
    fn no_two_addresses_of_a_full_lab_are_equal() {
        let addresses = Addresses(net("172.30.4.0/24"));
        let counts = super::super::spec::Counts { masters: 9, nodes: 99, lbs: 9 };
        let mut all: Vec<Ipv4Addr> =
            counts.hosts().map(|(kind, number)| addresses.host(kind, number)).collect();
        all.extend([addresses.gateway(), addresses.vip()]);
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|address| address.octets()[3] < 224), "Docker's own part is left alone");
    }

    #[test]
    fn the_network_is_created_with_its_range_and_packet_size() {
        let args =
            create_arguments("taskbox-lab-a", net("172.30.0.0/24"), Some(1400), &["taskbox.lab=a".into()]);
        assert_eq!(
            args.join(" "),
            "network create --subnet=172.30.0.0/24 --gateway=172.30.0.1 --ip-range=172.30.0.224/27 \
             --opt=com.docker.network.driver.mtu=1400 --label=taskbox.lab=a taskbox-lab-a"
        );
    }
}
