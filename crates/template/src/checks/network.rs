//! Tests of ansible.utils: what an address or network is and where it lies, as Python's `ipaddress` sees it.

use data::pattern::PatternFlags;

use crate::args::Bound;
use crate::eval::Eval;
use crate::filters::{Net, compiled, matches};
use crate::registry::Test;
use crate::val::{Res, Val, fail};

pub(crate) const TESTS: &[Test] = &[
    Test::new("ansible.utils.ip", &[], |_, value, _| Ok(network(value).is_some())),
    Test::new("ansible.utils.ip_address", &[], |_, value, _| Ok(address(value).is_some())),
    Test::new("ansible.utils.ipv4", &[], |_, value, _| Ok(network(value).is_some_and(|net| !net.six))),
    Test::new("ansible.utils.ipv6", &[], |_, value, _| Ok(network(value).is_some_and(|net| net.six))),
    Test::new(
        "ansible.utils.ipv4_address",
        &[],
        |_, value, _| Ok(address(value).is_some_and(|net| !net.six)),
    ),
    Test::new("ansible.utils.ipv6_address", &[], |_, value, _| Ok(address(value).is_some_and(|net| net.six))),
    Test::new("ansible.utils.ipv4_netmask", &[], |_, value, _| Ok(is_mask(value, Net::netmask))),
    Test::new("ansible.utils.ipv4_hostmask", &[], |_, value, _| Ok(is_mask(value, Net::hostmask))),
    Test::new("ansible.utils.ipv6_ipv4_mapped", &[], |_, value, _| is_in(value, &["::ffff:0:0/96"])),
    Test::new("ansible.utils.ipv6_sixtofour", &[], |_, value, _| is_in(value, &["2002::/16"])),
    Test::new("ansible.utils.ipv6_teredo", &[], |_, value, _| is_in(value, &["2001::/32"])),
    Test::new("ansible.utils.loopback", &[], |_, value, _| {
        Ok(address(value).is_some_and(|net| net.is_loopback()))
    }),
    Test::new("ansible.utils.multicast", &[], |_, value, _| {
        Ok(address(value).is_some_and(|net| net.is_multicast()))
    }),
    // The addresses that providers share (RFC 6598) are neither private nor public.
    Test::new("ansible.utils.private", &[], |_, value, _| {
        Ok(address(value).is_some_and(|net| !net.is_global() && !net.in_any(&["100.64.0.0/10"])))
    }),
    Test::new("ansible.utils.public", &[], |_, value, _| {
        Ok(address(value).is_some_and(|net| net.is_global()))
    }),
    Test::new("ansible.utils.reserved", &[], |_, value, _| is_in(value, RESERVED)),
    Test::new("ansible.utils.unspecified", &[], |_, value, _| {
        Ok(address(value).is_some_and(|net| net.value == 0))
    }),
    Test::new("ansible.utils.in_network", &["network"], |_, value, args| Ok(lies_in(value, &args.val(0)))),
    Test::new("ansible.utils.subnet_of", &["network_b"], |_, value, args| Ok(lies_in(value, &args.val(0)))),
    Test::new("ansible.utils.supernet_of", &["network_b"], |_, value, args| Ok(lies_in(&args.val(0), value))),
    Test::new("ansible.utils.in_any_network", &["networks"], |ev, value, args| {
        Ok(how_many(ev, value, args)? > 0)
    }),
    Test::new("ansible.utils.in_one_network", &["networks"], |ev, value, args| {
        Ok(how_many(ev, value, args)? == 1)
    }),
    Test::new("ansible.utils.mac", &[], |ev, value, _| {
        let Val::Str(text) = value else {
            return fail(format!("expected string or bytes-like object, got '{}'", value.type_name()));
        };
        let flags = PatternFlags { ignore_case: true, ..PatternFlags::default() };
        matches(&compiled(ev, &Val::from(MAC), flags)?, text, true)
    }),
    Test::new("ansible.utils.resolvable", &[], |ev, value, _| match value {
        Val::Str(name) => Ok(ev.ctx.host.is_some_and(|host| host.resolves(name))),
        _ => Ok(false),
    }),
];

/// The usual spellings of a hardware address.
const MAC: &str = r"^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$|^[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}$|^[0-9a-f]{12}$";

/// What the IETF keeps back (RFC 4291, RFC 1112).
const RESERVED: &[&str] = &[
    "240.0.0.0/4",
    "::/8",
    "100::/8",
    "200::/7",
    "400::/6",
    "800::/5",
    "1000::/4",
    "4000::/3",
    "6000::/3",
    "8000::/3",
    "a000::/3",
    "c000::/3",
    "e000::/4",
    "f000::/5",
    "f800::/6",
    "fe00::/9",
];

/// An address of version 6 may name the interface that it belongs to.
fn without_interface(text: &str) -> &str {
    match text.split_once('%') {
        Some((address, interface)) if address.contains(':') && !interface.is_empty() => address,
        _ => text,
    }
}

/// A single address.
fn address(value: &Val) -> Option<Net> {
    let text = without_interface(value.as_str()?);
    if text.contains(|c: char| c.is_whitespace() || c == '/') { None } else { Net::parse(text) }
}

/// A network without bits behind its prefix; an address counts as one.
fn network(value: &Val) -> Option<Net> {
    let text = value.as_str()?;
    let text = if text.contains('/') { text } else { without_interface(text) };
    if text.contains(char::is_whitespace) {
        return None;
    }
    Net::parse(text).filter(|net| net.value == net.first())
}

fn is_mask(value: &Val, of: fn(&Net) -> u128) -> bool {
    let Some(mask) = value.as_str() else { return false };
    network(&Val::from(format!("10.0.0.0/{mask}"))).is_some_and(|net| net.text(of(&net)) == mask)
}

fn is_in(value: &Val, nets: &[&str]) -> Res<bool> {
    Ok(address(value).is_some_and(|net| net.in_any(nets)))
}

fn lies_in(inner: &Val, outer: &Val) -> bool {
    matches!((network(inner), network(outer)), (Some(inner), Some(outer)) if outer.contains(&inner))
}

/// In how many of the networks of an argument the value lies.
fn how_many(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<usize> {
    match args.val(0) {
        networks @ (Val::List(_) | Val::Tuple(_) | Val::Str(_)) => {
            Ok(ev.items(&networks)?.iter().filter(|network| lies_in(value, network)).count())
        }
        other => fail(format!("'networks' is a {} and must be a list of networks", other.type_name())),
    }
}
