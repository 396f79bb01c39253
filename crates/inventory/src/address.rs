//! Host identifiers as inventories and patterns write them: a name, an IPv4 or an IPv6 address, each perhaps with `[x:y]` ranges and a
//! port. What counts as one follows Ansible's address rules, which decide where `a:b` is a host with a port and where it is two patterns.

/// Splits `address` into a host identifier and a port.
///
/// The identifier may hold ranges such as `web[01:20:2]`. `None` when it is neither a host name nor an address; callers then take the
/// text as it is, or as a list of patterns.
pub(crate) fn parse_address(address: &str) -> Option<(&str, Option<u32>)> {
    let mut host = address;
    let mut port = None;
    if let Some((inner, number)) = bracketed_host_and_port(host) {
        (host, port) = (inner, Some(number));
    }
    if let Some((inner, number)) = host_and_port(host) {
        (host, port) = (inner, Some(number));
    }
    (is_ipv4(host) || is_ipv6(host) || is_host_name(host)).then_some((host, port))
}

/// Whether the text is an IPv4 or IPv6 address (ranges count as numbers), so that its dots do not separate a domain.
pub(crate) fn is_address(text: &str) -> bool {
    is_ipv4(text) || is_ipv6(text)
}

fn digits(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// `[anything]:22`
fn bracketed_host_and_port(text: &str) -> Option<(&str, u32)> {
    let (inner, port) = text.strip_prefix('[')?.rsplit_once("]:")?;
    if inner.is_empty() { None } else { Some((inner, digits(port)?)) }
}

/// `name:22`, where a colon inside brackets belongs to a range.
fn host_and_port(text: &str) -> Option<(&str, u32)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = digits(port)?;
    let mut inside = false;
    for byte in host.bytes() {
        match byte {
            b']' if inside => inside = false,
            _ if inside => {}
            b'[' => inside = true,
            b':' | b']' => return None,
            _ => {}
        }
    }
    (!inside).then_some((host, port))
}

/// What may stand on both sides of a range's colon.
#[derive(Clone, Copy, PartialEq)]
enum RangeKind {
    Numeric,
    Hexadecimal,
    Alphanumeric,
}

/// Whether the text between brackets is `begin:end` or `begin:end:step` of this kind.
fn is_range(inner: &str, kind: RangeKind) -> bool {
    let mut parts = inner.split(':');
    let (Some(begin), Some(end)) = (parts.next(), parts.next()) else { return false };
    if parts.next().is_some_and(|step| !is_number(step)) || parts.next().is_some() {
        return false;
    }
    let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_letter = |text: &str| text.len() == 1 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    match kind {
        RangeKind::Numeric => is_number(begin) && is_number(end),
        RangeKind::Hexadecimal => is_hex(begin) && is_hex(end),
        RangeKind::Alphanumeric => {
            (is_letter(begin) && is_letter(end)) || (is_number(begin) && is_number(end))
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The text with each range of this kind replaced by the placeholder; `None` when a bracket is something else.
fn without_ranges(text: &str, kind: RangeKind, placeholder: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let (inner, after) = rest[open + 1..].split_once(']')?;
        if !is_range(inner, kind) || rest[..open].contains(']') {
            return None;
        }
        plain.push_str(&rest[..open]);
        plain.push_str(placeholder);
        rest = after;
    }
    if rest.contains(']') {
        return None;
    }
    plain.push_str(rest);
    Some(plain)
}

fn is_ipv4(text: &str) -> bool {
    let mut components = 0;
    for component in text.split('.') {
        let is_range_component = component
            .strip_prefix('[')
            .and_then(|inner| inner.strip_suffix(']'))
            .is_some_and(|inner| is_range(inner, RangeKind::Numeric));
        let is_octet =
            component.len() <= 3 && is_number(component) && component.parse::<u16>().is_ok_and(|n| n < 256);
        if !is_range_component && !is_octet {
            return false;
        }
        components += 1;
    }
    components == 4
}

fn is_ipv6(text: &str) -> bool {
    if !text.contains(':') {
        return false;
    }
    // A range stands in for a whole component, so it must not touch other digits.
    let Some(plain) = without_ranges(text, RangeKind::Hexadecimal, "~") else { return false };
    if plain.contains('.') {
        return is_ipv4_in_ipv6(&plain);
    }
    match plain.split_once("::") {
        None => components(&plain) == Some(8),
        Some((left, right)) => match (components(left), components(right)) {
            (Some(left), Some(right)) => right <= 6 && left <= 6 && left + right <= 7,
            _ => false,
        },
    }
}

fn is_component(text: &str) -> bool {
    text == "~" || (!text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// How many components a colon-separated part has; `None` when one of them is none.
fn components(part: &str) -> Option<usize> {
    if part.is_empty() {
        return Some(0);
    }
    part.split(':').try_fold(0, |count, component| is_component(component).then_some(count + 1))
}

fn is_ipv4_in_ipv6(plain: &str) -> bool {
    let lower = plain.to_ascii_lowercase();
    ["0:0:0:0:0:0:", "0:0:0:0:0:ffff:", "::ffff:", "::"].iter().any(|prefix| {
        lower
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.split('.').count() == 4 && rest.split('.').all(is_component))
    })
}

fn is_host_name(text: &str) -> bool {
    // A range may stand anywhere in a label, so a letter can take its place.
    without_ranges(text, RangeKind::Alphanumeric, "x").is_some_and(|plain| plain.split('.').all(is_label))
}

fn is_label(label: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    label.starts_with(word) && label.chars().all(|c| word(c) || c == '-') && !label.ends_with(['_', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_split_as_in_ansible() {
        for (text, expected) in [
            ("web1", Some(("web1", None))),
            ("web1:2222", Some(("web1", Some(2222)))),
            ("web[01:20].example.com:22", Some(("web[01:20].example.com", Some(22)))),
            ("10.0.0.1", Some(("10.0.0.1", None))),
            ("10.0.0.[1:5]:22", Some(("10.0.0.[1:5]", Some(22)))),
            ("[2001:db8::1]:22", Some(("2001:db8::1", Some(22)))),
            ("2001:db8::1", Some(("2001:db8::1", None))),
            ("::1", Some(("::1", None))),
            ("::", Some(("::", None))),
            ("1:2:3:4:5:6:7:8", Some(("1:2:3:4:5:6:7:8", None))),
            ("::ffff:192.0.2.3", Some(("::ffff:192.0.2.3", None))),
            ("2001:db8::[a:f]", Some(("2001:db8::[a:f]", None))),
            ("db-[a:c]", Some(("db-[a:c]", None))),
            ("rechner-ä", Some(("rechner-ä", None))),
            ("a:b", None),
            ("all:!web", None),
            ("web*", None),
            ("web-", None),
            ("web[1-3]", None),
            ("1:2:3:4:5:6:7:8:9", None),
            ("", None),
        ] {
            assert_eq!(parse_address(text), expected, "{text}");
        }
    }

    #[test]
    fn a_component_of_an_address_has_at_most_four_digits() {
        assert!(is_ipv6("ffff::1"));
        assert!(!is_ipv6("fffff::1"));
        assert!(is_ipv4("255.1.1.1"));
        assert!(!is_ipv4("256.1.1.1"));
    }
}
