//! `ipaddr`, `ipv4`, `ipv6`, `ipwrap`: what an address or network is, and parts of it.

use crate::args::Bound;
use crate::eval::Eval;
use crate::filters::address::Net;
use crate::registry::Filter;
use crate::val::{Res, Val, fail};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("ipaddr", &["query?", "version?"], |ev, value, args| {
        let version = args.given(1).map(|_| args.int(1, 4)).transpose()?;
        ipaddr(ev, value, &args.text(ev, 0, "")?, version)
    }),
    Filter::new("ipv4", &["query?"], |ev, value, args| versioned(ev, value, args, 4)),
    Filter::new("ipv6", &["query?"], |ev, value, args| versioned(ev, value, args, 6)),
    Filter::new("ipwrap", &["query?"], ipwrap),
];

fn versioned(ev: &Eval<'_>, value: &Val, args: &Bound, version: i128) -> Res<Val> {
    match value {
        Val::Str(_) | Val::List(_) | Val::Tuple(_) | Val::Int(_) | Val::Bool(_) => {
            ipaddr(ev, value, &args.text(ev, 0, "")?, Some(version))
        }
        other => fail(format!("Unrecognized type <{}> for ipv{version} filter <value>", other.type_name())),
    }
}

/// An address or network, and whether it was written with a prefix.
pub(crate) fn recognized(ev: &Eval<'_>, value: &Val, version: Option<i128>) -> Res<Option<(Net, bool)>> {
    let text = ev.text(value)?;
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let Ok(number) = text.parse::<u128>() else { return Ok(None) };
        let six = version == Some(6) || number > u32::MAX.into();
        return Ok(Some((Net::host(six, number), false)));
    }
    if let Some(net) = Net::parse(&text) {
        return Ok(Some((net, text.matches('/').count() == 1)));
    }
    // `3232235777/24`
    let numbers = text.split_once('/').and_then(|(value, prefix)| {
        Some((value.trim().parse::<u128>().ok()?, prefix.trim().parse::<u32>().ok()?))
    });
    Ok(numbers.and_then(|(value, prefix)| {
        let six = value > u32::MAX.into() || prefix > 32;
        (prefix <= 128).then_some((Net { six, value, prefix }, true))
    }))
}

/// The filter with its query. `False` is what is no address.
pub(crate) fn ipaddr(ev: &Eval<'_>, value: &Val, query: &str, version: Option<i128>) -> Res<Val> {
    if let Val::List(_) | Val::Tuple(_) = value {
        let mut found = Vec::new();
        for item in ev.items(value)? {
            let one = ipaddr(ev, &item, query, version)?;
            if one.truth()? {
                found.push(one);
            }
        }
        return Ok(Val::list(found));
    }
    if !value.truth()? || matches!(value, Val::Bool(_)) {
        return Ok(Val::Bool(false));
    }
    let Some((net, is_network)) = recognized(ev, value, version)? else { return Ok(Val::Bool(false)) };
    if version.is_some_and(|version| version != net.version()) {
        return Ok(Val::Bool(false));
    }
    let written = match value {
        Val::Str(text) if !text.bytes().all(|byte| byte.is_ascii_digit()) => value.clone(),
        _ => Val::from(net.to_string()),
    };
    ask(&net, is_network, query, &written)
}

fn text(text: String) -> Val {
    Val::from(text)
}

/// First and last address that a host may have.
pub(crate) fn usable(net: &Net) -> (u128, u128) {
    if net.size() <= 2 { (net.first(), net.last()) } else { (net.first() + 1, net.last() - 1) }
}

fn ask(net: &Net, is_network: bool, query: &str, written: &Val) -> Res<Val> {
    let (one, two) = (net.size() == 1, net.size() == 2);
    let inside = net.value != net.first();
    let has_host = inside || net.broadcast().is_none();
    let when = |holds: bool| if holds { written.clone() } else { Val::None };
    let text_when = |holds: bool, make: &dyn Fn() -> String| if holds { text(make()) } else { Val::None };
    let with_prefix = || net.to_string();
    Ok(match query {
        "" => text(if is_network { net.to_string() } else { net.ip() }),
        "address" | "ip" => text_when(one || has_host || net.six, &|| net.ip()),
        "address/prefix" | "gateway" | "gw" | "host/prefix" | "hostnet" | "router" => {
            if net.size() > 2 && (!inside || Some(net.value) == net.broadcast()) {
                Val::Bool(false)
            } else {
                text(net.to_string())
            }
        }
        "bool" => Val::Bool(true),
        "broadcast" => text_when(net.size() > 2, &|| net.text(net.last())),
        "cidr" => text(net.to_string()),
        "host" => text_when(one || has_host, &with_prefix),
        "hostmask" | "wildcard" => text(net.text(net.hostmask())),
        "int" if !is_network => {
            i128::try_from(net.value).map_or_else(|_| text(net.value.to_string()), Val::Int)
        }
        "int" => text(format!("{}/{}", net.value, net.prefix)),
        "ip/prefix" => text_when(two || (!one && inside), &with_prefix),
        "ip_netmask" => {
            text_when(two || (!one && inside), &|| format!("{} {}", net.ip(), net.text(net.netmask())))
        }
        // Listed, but ansible.utils calls them with an argument too few.
        "v4" => return fail("_ipv4_query() missing 1 required positional argument: 'value'"),
        "v6" => return fail("_ipv6_query() missing 1 required positional argument: 'value'"),
        "ipv4" => version_4(net, written),
        "ipv6" => {
            if net.six {
                written.clone()
            } else {
                text(format!("::ffff:{}/{}", net.ip(), net.prefix + 96))
            }
        }
        "link-local" => when(net.in_any(&["169.254.0.0/16", "fe80::/10"])),
        "lo" | "loopback" => when(net.is_loopback()),
        "multicast" => when(net.is_multicast()),
        "unicast" => when(!net.is_multicast()),
        "private" => when(!net.is_global()),
        "public" => {
            let mask = |value: u128| value & value.wrapping_add(1) == 0;
            let all = if net.six { u128::MAX } else { u32::MAX.into() };
            when(
                !net.is_multicast()
                    && net.is_global()
                    && !net.is_loopback()
                    && !mask(net.value)
                    && !mask(!net.value & all),
            )
        }
        "net" => text_when(!one && !inside, &with_prefix),
        "netmask" => text(net.text(net.netmask())),
        "network" | "network_id" => text(net.text(net.first())),
        "network/prefix" | "subnet" => text(net.cidr().to_string()),
        "network_netmask" => text(format!("{} {}", net.text(net.first()), net.text(net.netmask()))),
        "network_wildcard" => text(format!("{} {}", net.text(net.first()), net.text(net.hostmask()))),
        "prefix" => Val::Int(net.prefix.into()),
        "revdns" => text(net.reverse_dns()),
        "size" => i128::try_from(net.size()).map_or_else(|_| text(net.size().to_string()), Val::Int),
        "size_usable" => match net.size() {
            1 => Val::Int(0),
            2 => Val::Int(2),
            size => i128::try_from(size - 2).map_or_else(|_| text((size - 2).to_string()), Val::Int),
        },
        "type" => text(if one || inside { "address" } else { "network" }.to_owned()),
        "version" => Val::Int(net.version()),
        "wrap" if !net.six => written.clone(),
        "wrap" if is_network => text(format!("[{}]/{}", net.ip(), net.prefix)),
        "wrap" => text(format!("[{}]", net.ip())),
        "6to4" => six_to_four(net, is_network, written),
        "first_usable" | "last_usable" | "next_usable" | "previous_usable" | "range_usable" | "peer" => {
            return of_network(net, is_network, query);
        }
        other => return number_or_net(net, is_network, other, written),
    })
}

fn version_4(net: &Net, written: &Val) -> Val {
    if !net.six {
        return written.clone();
    }
    // A mapped or compatible address holds one of version 4 (RFC 4291, section 2.5.5).
    let low = net.value & 0xffff_ffff;
    let high = net.value >> 32;
    if (high == 0 || high == 0xffff) && net.prefix >= 96 {
        return text(Net { six: false, value: low, prefix: net.prefix - 96 }.to_string());
    }
    Val::Bool(false)
}

/// The network that RFC 3056 gives to an address of version 4.
fn six_to_four(net: &Net, is_network: bool, written: &Val) -> Val {
    if net.six {
        let holds = net.in_any(&["2002::/16"]) && (!is_network || net.value != net.first());
        return if holds { written.clone() } else { Val::Bool(false) };
    }
    if (net.size() > 1 && net.value == net.first()) || net.is_multicast() {
        return Val::Bool(false);
    }
    text(format!("2002:{:04x}:{:04x}::1/48", net.value >> 16, net.value & 0xffff))
}

/// Queries that only a network can answer.
fn of_network(net: &Net, is_network: bool, query: &str) -> Res<Val> {
    if !is_network {
        return fail("Not a network address");
    }
    if query == "peer" {
        return match (net.size(), net.value % 4) {
            (2, _) => Ok(text(net.text(net.value ^ 1))),
            (4, 0) => fail("Network address of /30 has no peer"),
            (4, 3) => fail("Broadcast address of /30 has no peer"),
            (4, _) => Ok(text(net.text(net.value ^ 3))),
            _ => fail("Not a point-to-point network"),
        };
    }
    if net.size() == 1 {
        return Ok(Val::None);
    }
    let (first, last) = usable(net);
    let between = |value: Option<u128>| match value {
        Some(value) if (first..=last).contains(&value) => text(net.text(value)),
        _ => Val::None,
    };
    Ok(match query {
        "first_usable" => text(net.text(first)),
        "last_usable" => text(net.text(last)),
        "next_usable" => between(net.value.checked_add(1)),
        "previous_usable" => between(net.value.checked_sub(1)),
        _ => text(format!("{}-{}", net.text(first), net.text(last))),
    })
}

/// A number picks an address of the network; a network asks whether this one lies in it.
fn number_or_net(net: &Net, is_network: bool, query: &str, written: &Val) -> Res<Val> {
    if let Ok(number) = query.parse::<i128>() {
        if net.size() == 1 {
            return Ok(text(if is_network { net.to_string() } else { net.ip() }));
        }
        let at = match number {
            0.. => Some(number as u128),
            negative => net.size().checked_sub(negative.unsigned_abs()),
        };
        return Ok(match at.filter(|at| *at < net.size()) {
            Some(at) => text(format!("{}/{}", net.text(net.first() + at), net.prefix)),
            None => Val::Bool(false),
        });
    }
    match Net::parse(query) {
        Some(outer) => Ok(if outer.contains(net) { written.clone() } else { Val::None }),
        None if query.parse::<f64>().is_ok() => Ok(Val::Bool(false)),
        None => fail(format!("ipaddr: unknown filter type: {query}")),
    }
}

fn ipwrap(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let query = args.text(ev, 0, "")?;
    let wrap = |value: &Val| -> Res<Val> {
        match ipaddr(ev, value, &query, None) {
            Ok(found) if found.truth()? => ipaddr(ev, &found, "wrap", None),
            _ => Ok(value.clone()),
        }
    };
    match value {
        Val::List(_) | Val::Tuple(_) => {
            let mut found = Vec::new();
            for item in ev.items(value)? {
                let known = ipaddr(ev, &item, &query, None)?.truth()?;
                found.push(if known { ipaddr(ev, &item, "wrap", None)? } else { item });
            }
            Ok(Val::list(found))
        }
        Val::Str(_) | Val::Int(_) | Val::Bool(_) | Val::None => wrap(value),
        other => fail(format!("Unrecognized type <{}> for ipwrap filter <value>", other.type_name())),
    }
}
