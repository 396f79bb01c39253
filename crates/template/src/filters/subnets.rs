//! Filters that count in networks: `ipsubnet`, `nthhost`, `ipmath`, `network_in_network`, `cidr_merge` and their kin; `hwaddr`.

use crate::args::Bound;
use crate::eval::Eval;
use crate::filters::address::Net;
use crate::filters::ipaddr::{recognized, usable};
use crate::registry::Filter;
use crate::val::{Res, Val, fail};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("ipsubnet", &["query?", "index?"], ipsubnet),
    Filter::new("nthhost", &["query?"], nthhost),
    Filter::new("ipmath", &["amount"], ipmath),
    Filter::new("next_nth_usable", &["offset"], |ev, value, args| {
        nth_usable(ev, value, args.val(0).as_int())
    }),
    Filter::new("previous_nth_usable", &["offset"], |ev, value, args| {
        nth_usable(ev, value, args.val(0).as_int().map(|offset| -offset))
    }),
    Filter::new("network_in_network", &["test"], |ev, value, args| {
        let (Some(outer), Some(inner)) = (net(ev, value)?, net(ev, &args.val(0))?) else {
            return Ok(Val::Bool(false));
        };
        Ok(Val::Bool(outer.contains(&inner)))
    }),
    Filter::new("network_in_usable", &["test"], |ev, value, args| {
        let (Some(outer), Some(inner)) = (net(ev, value)?, net(ev, &args.val(0))?) else {
            return Ok(Val::Bool(false));
        };
        let (first, last) = usable(&outer);
        Ok(Val::Bool(outer.six == inner.six && first <= inner.first() && inner.last() <= last))
    }),
    Filter::new("reduce_on_network", &["network"], reduce_on_network),
    Filter::new("cidr_merge", &["action?"], cidr_merge),
    Filter::new("ip4_hex", &["delimiter?"], ip4_hex),
    Filter::new("hwaddr", &["query?"], hwaddr),
    Filter::new("macaddr", &["query?"], hwaddr),
    Filter::new("slaac", &["query?"], slaac),
];

/// The network of a value: of an address its own, of a network without the bits behind the prefix.
fn net(ev: &Eval<'_>, value: &Val) -> Res<Option<Net>> {
    if !value.truth()? || matches!(value, Val::Bool(_)) {
        return Ok(None);
    }
    Ok(recognized(ev, value, None)?.map(|(net, _)| net))
}

fn ipsubnet(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let Some(given) = net(ev, value)? else { return Ok(Val::Bool(false)) };
    let is_address = given.size() == 1;
    let own = given.cidr();
    let query = args.text(ev, 0, "")?;
    if query.is_empty() {
        return Ok(Val::from(own.to_string()));
    }
    let Ok(prefix) = query.parse::<u32>() else { return position(&own, &query) };
    if prefix > own.bits() {
        return Ok(Val::Bool(false));
    }
    let index = args.given(1).map(|index| ev.text(index)).transpose()?;
    let index: Option<i128> = match index {
        None => None,
        Some(index) => match index.trim().parse() {
            Ok(index) => Some(index),
            Err(_) => return fail(format!("the index '{index}' is not a number")),
        },
    };
    if is_address {
        // The networks around the address, from the widest one asked for.
        let around = |prefix: u32| Val::from(Net { prefix, ..own }.cidr().to_string());
        let count = i128::from(own.bits() - prefix);
        return Ok(match index {
            None => around(prefix),
            Some(at) if at < -count || at >= count => Val::Bool(false),
            Some(at) => around((i128::from(prefix) + if at < 0 { at + count } else { at }) as u32),
        });
    }
    if prefix < own.prefix {
        return fail(format!("Requested subnet size of {prefix} is invalid"));
    }
    let count = 1_i128.checked_shl(prefix - own.prefix).unwrap_or(i128::MAX);
    Ok(match index {
        None => Val::from(count.to_string()),
        Some(at) => {
            let at = if at < 0 { at + count } else { at };
            if at < 0 || at >= count {
                return Ok(Val::Bool(false));
            }
            let start = own.first() + ((at as u128) << (own.bits() - prefix));
            Val::from(Net { six: own.six, value: start, prefix }.to_string())
        }
    })
}

/// Which of the parts of a wider network this one is, from 1.
fn position(own: &Net, query: &str) -> Res<Val> {
    let Some(outer) = Net::parse(query).map(|outer| if outer.size() == 1 { outer } else { outer.cidr() })
    else {
        return fail(format!("You must pass a valid subnet or IP address; {query} is invalid"));
    };
    let shift = outer.bits() - outer.prefix;
    let high = |value: u128| value.checked_shr(shift).unwrap_or(0);
    if outer.six != own.six || outer.prefix > own.prefix || high(own.value) != high(outer.value) {
        return fail(format!("{} is not in the subnet {}", own.cidr(), outer.cidr()));
    }
    let behind = (own.value - outer.first()).checked_shr(own.bits() - own.prefix).unwrap_or(0);
    Ok(Val::from((behind + 1).to_string()))
}

fn nthhost(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let (Some(own), Ok(nth)) = (net(ev, value)?, args.text(ev, 0, "")?.trim().parse::<i128>()) else {
        return Ok(Val::Bool(false));
    };
    let at = if nth < 0 { own.size().checked_sub(nth.unsigned_abs()) } else { Some(nth as u128) };
    Ok(match at.filter(|at| *at < own.size()) {
        Some(at) => Val::from(own.text(own.first() + at)),
        None => Val::Bool(false),
    })
}

fn ipmath(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let text = ev.text(value)?;
    let Some(own) = Net::parse(&text) else {
        return fail(format!("You must pass a valid IP address; {text} is invalid"));
    };
    let Val::Int(amount) = args.val(0) else {
        let amount = ev.text(&args.val(0))?;
        return fail(format!("You must pass an integer for arithmetic; {amount} is not a valid integer"));
    };
    let moved = own.value.checked_add_signed(amount);
    match moved.filter(|moved| own.six || *moved <= u32::MAX.into()) {
        Some(moved) => Ok(Val::from(own.text(moved))),
        None => fail("result outside valid IP address boundary!"),
    }
}

fn nth_usable(ev: &Eval<'_>, value: &Val, offset: Option<i128>) -> Res<Val> {
    let Some(own) = net(ev, value)? else { return Ok(Val::Bool(false)) };
    let Some(offset) = offset else { return fail("Must pass in an integer") };
    if own.size() == 1 {
        return Ok(Val::None);
    }
    // Of a network without a host in it the first address counts.
    let (first, last) = usable(&own);
    Ok(match own.value.checked_add_signed(offset) {
        Some(value) if (first..=last).contains(&value) => Val::from(own.text(value)),
        _ => Val::None,
    })
}

fn reduce_on_network(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let Some(outer) = net(ev, &args.val(0))? else { return fail("the network is not a network") };
    let mut kept = Vec::new();
    for item in ev.items(value)? {
        if net(ev, &item)?.is_some_and(|inner| outer.contains(&inner)) {
            kept.push(item);
        }
    }
    Ok(Val::list(kept))
}

fn cidr_merge(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let mut nets = Vec::new();
    for item in ev.items(value)? {
        let text = ev.text(&item)?;
        match Net::parse(&text) {
            Some(net) => nets.push(net.cidr()),
            None => return fail(format!("cidr_merge: error in netaddr:\ninvalid IPNetwork {text}")),
        }
    }
    match args.text(ev, 0, "merge")?.as_str() {
        "merge" => Ok(Val::list(merged(nets).iter().map(|net| Val::from(net.to_string())).collect())),
        "span" => {
            let Some(first) = nets.first().copied() else { return Ok(Val::None) };
            let low = nets.iter().map(Net::first).min().unwrap_or(0);
            let high = nets.iter().map(Net::last).max().unwrap_or(0);
            let mut span = Net { value: low, ..first };
            while span.last() < high || span.first() > low {
                span.prefix -= 1;
            }
            Ok(Val::from(span.cidr().to_string()))
        }
        other => fail(format!("cidr_merge: invalid action '{other}'")),
    }
}

/// The fewest networks that hold the same addresses.
fn merged(mut nets: Vec<Net>) -> Vec<Net> {
    nets.sort_by_key(|net| (net.six, net.first(), net.prefix));
    let mut found: Vec<Net> = Vec::new();
    for net in nets {
        if found.last().is_some_and(|last| last.contains(&net)) {
            continue;
        }
        found.push(net);
        while let [.., a, b] = found[..] {
            let parent = Net { prefix: a.prefix.wrapping_sub(1), ..a };
            let pair = a.prefix > 0
                && a.prefix == b.prefix
                && a.six == b.six
                && parent.contains(&b)
                && a.first() == parent.first();
            if !pair {
                break;
            }
            found.truncate(found.len() - 2);
            found.push(parent);
        }
    }
    found
}

fn ip4_hex(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let text = ev.text(value)?;
    match text.parse::<std::net::Ipv4Addr>() {
        Ok(address) => {
            let parts: Vec<String> = address.octets().iter().map(|octet| format!("{octet:02x}")).collect();
            Ok(Val::from(parts.join(&args.text(ev, 0, "")?)))
        }
        Err(_) => fail(format!("You must pass a valid IP address; {text} is invalid")),
    }
}

/// The 48 bits of a hardware address in one of its usual spellings.
fn mac(text: &str) -> Option<u64> {
    let parts: Vec<&str> = text.split([':', '-', '.']).collect();
    let width = match parts.len() {
        1 => 12,
        2 => 6,
        3 => 4,
        6 => 2,
        _ => return None,
    };
    let fits = |part: &&str| {
        !part.is_empty() && part.len() <= width && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if !parts.iter().all(fits) || (parts.len() == 1 && text.len() < 11) {
        return None;
    }
    let joined: String = parts.iter().map(|part| format!("{part:0>width$}")).collect();
    u64::from_str_radix(&joined, 16).ok()
}

fn hwaddr(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let query = args.text(ev, 0, "")?;
    let text = ev.text(value)?;
    let Some(mac) = mac(&text) else {
        if matches!(query.as_str(), "" | "bool") {
            return Ok(Val::None);
        }
        return fail(format!("hwaddr: not a hardware address: {text}"));
    };
    let octets: Vec<u64> = (0..6).rev().map(|at| mac >> (at * 8) & 0xff).collect();
    let spelled = |separator: &str| {
        octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(separator)
    };
    let grouped = |size: usize, separator: &str| {
        let digits = format!("{mac:012x}");
        let groups: Vec<&str> = (0..12 / size).map(|at| &digits[at * size..(at + 1) * size]).collect();
        groups.join(separator)
    };
    Ok(match query.as_str() {
        "" => value.clone(),
        "bool" => Val::Bool(true),
        "bare" => Val::from(format!("{mac:012X}")),
        "int" => Val::Int(mac.into()),
        "cisco" => Val::from(grouped(4, ".")),
        "linux" => Val::from(spelled(":")),
        "unix" => Val::from(octets.iter().map(|octet| format!("{octet:x}")).collect::<Vec<_>>().join(":")),
        "pgsql" | "postgresql" | "psql" => Val::from(grouped(6, ":")),
        "win" | "eui48" => Val::from(spelled("-").to_uppercase()),
        other => return fail(format!("hwaddr: unknown filter type: {other}")),
    })
}

/// The address that a host gives itself in a network (RFC 4862, RFC 4291 appendix A).
fn slaac(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let (Some(own), Some(mac)) = (net(ev, value)?, mac(&args.text(ev, 0, "")?)) else {
        return Ok(Val::Bool(false));
    };
    if !own.six {
        return Ok(Val::Bool(false));
    }
    let mac = u128::from(mac);
    let interface = (mac >> 24) << 40 | 0xff_fe00_0000 | (mac & 0xff_ffff);
    Ok(Val::from(own.text(own.first() + (interface ^ 0x0200_0000_0000_0000))))
}
