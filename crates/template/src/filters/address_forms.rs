//! Filters of ansible.utils that list the addresses of a network or spell one in another way: `usable_range`, `ipv6form`, `ipcut`.

use std::net::{IpAddr, Ipv6Addr};

use data::Key;
use indexmap::IndexMap;

use crate::args::Bound;
use crate::eval::Eval;
use crate::filters::address::Net;
use crate::filters::keys::class;
use crate::registry::Filter;
use crate::val::{Res, Val, fail};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("ansible.utils.usable_range", &[], |ev, value, _| usable_range(ev, value)),
    Filter::new("ansible.utils.ipv6form", &["format?"], ipv6form),
    Filter::new("ansible.utils.ipcut", &["amount"], ipcut),
];

/// All addresses of a network and their number.
fn usable_range(ev: &Eval<'_>, value: &Val) -> Res<Val> {
    let refused = |why: String| fail(format!("Error while using plugin 'usable_range': {why}"));
    let Some(text) = value.as_str() else { return refused(format!("not expecting type '{}'", class(value))) };
    let Some(net) = Net::parse(text).filter(|_| !text.contains(char::is_whitespace)) else {
        return refused(format!("'{text}' does not appear to be an IPv4 or IPv6 network"));
    };
    if net.value != net.first() {
        return refused(format!("{text} has host bits set"));
    }
    // A network that has more addresses than a template may do steps ends here, before any is made.
    ev.spend(usize::try_from(net.size()).unwrap_or(usize::MAX), 0)?;
    let addresses = (net.first()..=net.last()).map(|address| Val::from(net.text(address))).collect();
    Ok(Val::dict(IndexMap::from([
        (Key::from("usable_ips"), Val::list(addresses)),
        (Key::from("number_of_ips"), Val::Int(net.size() as i128)),
    ])))
}

fn parsed(ev: &Eval<'_>, value: &Val) -> Res<IpAddr> {
    let text = ev.text(value)?;
    text.parse().or_else(|_| fail(format!("You must pass a valid IP address; {text} is invalid")))
}

fn ipv6form(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let Some(format) = args.given(0) else {
        return fail("You must pass valid format; None is not a valid format");
    };
    let spelled = |address: Ipv6Addr, width: usize| {
        let parts: Vec<String> = address.segments().iter().map(|part| format!("{part:0width$x}")).collect();
        parts.join(":")
    };
    let format = ev.text(format)?;
    match (format.as_str(), parsed(ev, value)?) {
        ("expand", IpAddr::V6(address)) => Ok(Val::from(spelled(address, 4))),
        ("expand" | "compress", address) => Ok(Val::from(address.to_string())),
        ("x509", IpAddr::V6(address)) => Ok(Val::from(spelled(address, 1))),
        ("x509", address) => fail(format!("You must pass a valid IP address; {address} is invalid")),
        _ => fail(format!("['value of format must be one of: compress, expand, x509, got: {format}']")),
    }
}

/// The first bits of an address, or its last ones, in groups as the address is written.
fn ipcut(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let amount = args.int(0, 0)?;
    let (bits, group) = match parsed(ev, value)? {
        IpAddr::V4(address) => (format!("{:032b}", u32::from(address)), 8),
        IpAddr::V6(address) => (format!("{:0128b}", u128::from(address)), 16),
    };
    let many = usize::try_from(amount.unsigned_abs()).unwrap_or(usize::MAX).min(bits.len());
    let part = if amount < 0 { &bits[bits.len() - many..] } else { &bits[..many] };
    let spelled = |start: usize| {
        let number = u16::from_str_radix(&part[start..(start + group).min(part.len())], 2).unwrap_or(0);
        if group == 8 { number.to_string() } else { format!("{number:x}") }
    };
    let groups: Vec<String> = (0..part.len()).step_by(group).map(spelled).collect();
    Ok(Val::from(groups.join(if group == 8 { "." } else { ":" })))
}
