//! Filters for HTML and URLs.

use data::Key;
use indexmap::IndexMap;

use crate::args::Bound;
use crate::eval::Eval;
use crate::filters::dict::need_dict;
use crate::registry::Filter;
use crate::val::{Object, Res, Val, fail, key_value};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("escape", &[], |ev, value, _| Ok(Val::from(escape(&ev.text(value)?)))),
    Filter::new("e", &[], |ev, value, _| Ok(Val::from(escape(&ev.text(value)?)))),
    Filter::new("forceescape", &[], |ev, value, _| Ok(Val::from(escape(&ev.text(value)?)))),
    Filter::new("striptags", &[], |ev, value, _| Ok(Val::from(strip_tags(&ev.text(value)?)))),
    Filter::new("xmlattr", &["autospace?"], xmlattr),
    Filter::new(
        "urlize",
        &["trim_url_limit?", "nofollow?", "target?", "rel?", "extra_schemes?"],
        crate::filters::urlize::urlize,
    ),
    Filter::new("urlencode", &[], urlencode),
    Filter::new("urldecode", &[], |_, value, _| match value.as_str() {
        Some(text) => Ok(Val::from(unquote_plus(text))),
        None => fail(format!("'{}' object has no attribute 'replace'", value.type_name())),
    }),
    Filter::new("urlsplit", &["query?"], urlsplit),
];

/// MarkupSafe's `escape`.
pub(crate) fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('>', "&gt;").replace('<', "&lt;");
    text.replace('\'', "&#39;").replace('"', "&#34;")
}

fn strip_tags(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        plain.push_str(&rest[..start]);
        let inner = &rest[start..];
        let end = if inner.starts_with("<!--") {
            inner.find("-->").map(|end| end + 3)
        } else {
            inner.find('>').map(|end| end + 1)
        };
        match end {
            Some(end) => rest = &inner[end..],
            None => {
                plain.push_str(inner);
                rest = "";
            }
        }
    }
    plain.push_str(rest);
    let joined = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let named =
        joined.replace("&lt;", "<").replace("&gt;", ">").replace("&#34;", "\"").replace("&quot;", "\"");
    named.replace("&#39;", "'").replace("&nbsp;", "\u{a0}").replace("&amp;", "&")
}

fn xmlattr(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let mut parts = Vec::new();
    for (key, value) in need_dict(ev, value, "xmlattr")?.entries(ev)? {
        if matches!(value, Val::None) {
            continue;
        }
        let Some(key) = key_value(&key).as_str().map(str::to_owned) else {
            return fail(format!(
                "expected string or bytes-like object, got '{}'",
                key_value(&key).type_name()
            ));
        };
        if key.contains(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '=')) {
            return fail(format!("Invalid character in attribute name: '{key}'"));
        }
        parts.push(format!("{}=\"{}\"", escape(&key), escape(&ev.text(&value)?)));
    }
    let joined = parts.join(" ");
    Ok(Val::from(if args.flag(0, true)? && !joined.is_empty() { format!(" {joined}") } else { joined }))
}

/// Python's `urllib.parse.quote`.
pub(crate) fn quote_url(text: &str, safe: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "_.-~".contains(c) || (byte.is_ascii() && safe.contains(c)) {
            out.push(c);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn urlencode(ev: &Eval<'_>, value: &Val, _: &Bound) -> Res<Val> {
    let pairs: Vec<(Val, Val)> = match (ev.mapping(value)?, value) {
        (Some(dict), _) => {
            dict.entries(ev)?.into_iter().map(|(key, value)| (key_value(&key), value)).collect()
        }
        (None, Val::Object(object)) if matches!(&**object, Object::Range(..)) => {
            return fail("cannot unpack non-iterable int object");
        }
        (None, Val::List(_) | Val::Tuple(_)) => {
            let mut pairs = Vec::new();
            for item in ev.items(value)? {
                let [key, value] = &ev.items(&item)?[..] else {
                    return fail("not enough values to unpack (expected 2)");
                };
                pairs.push((key.clone(), value.clone()));
            }
            pairs
        }
        (None, other) => return Ok(Val::from(quote_url(&ev.text(other)?, "/"))),
    };
    let quoted = |value: &Val| -> Res<String> { Ok(quote_url(&ev.text(value)?, "").replace("%20", "+")) };
    let mut parts = Vec::new();
    for (key, value) in &pairs {
        parts.push(format!("{}={}", quoted(key)?, quoted(value)?));
    }
    Ok(Val::from(parts.join("&")))
}

/// Python's `urllib.parse.unquote_plus`.
fn unquote_plus(text: &str) -> String {
    let text = text.replace('+', " ");
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                out.push(code);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The parts of a URL.
pub(crate) fn split_url(url: &str) -> IndexMap<Key, Val> {
    let url: String = url
        .trim_start_matches(|c: char| c <= ' ')
        .chars()
        .filter(|c| !matches!(c, '\n' | '\r' | '\t'))
        .collect();
    let url = url.as_str();
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let is_scheme = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    let (scheme, rest) = match rest.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_lowercase(), rest),
        _ => (String::new(), rest),
    };
    let (netloc, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let (user, host) = netloc.rsplit_once('@').map_or((None, netloc), |(user, host)| (Some(user), host));
    let (username, password) = match user {
        None => (Val::None, Val::None),
        Some(user) => match user.split_once(':') {
            Some((name, password)) => (Val::from(name), Val::from(password)),
            None => (Val::from(user), Val::None),
        },
    };
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, rest)) => (name, rest.strip_prefix(':')),
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    // What is no number stays for who looks at the port.
    let port = match port {
        None | Some("") => Val::None,
        Some(port) => match port.parse::<u64>() {
            Ok(number) if number <= 65_535 => Val::Int(number.into()),
            _ => Val::from(port),
        },
    };
    let hostname = if name.is_empty() { Val::None } else { Val::from(name.to_lowercase()) };
    let mut parts = IndexMap::new();
    for (key, value) in [
        ("fragment", Val::from(fragment)),
        ("hostname", hostname),
        ("netloc", Val::from(netloc)),
        ("password", password),
        ("path", Val::from(path)),
        ("port", port),
        ("query", Val::from(query)),
        ("scheme", Val::from(scheme)),
        ("username", username),
    ] {
        parts.insert(Key::from(key), value);
    }
    parts
}

fn urlsplit(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let Val::Str(url) = value else {
        return fail(format!("'{}' object has no attribute 'decode'", value.type_name()));
    };
    let parts = split_url(url);
    match parts.get("port") {
        Some(Val::Str(port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            return fail("Port out of range 0-65535");
        }
        Some(Val::Str(port)) => {
            return fail(format!("Port could not be cast to integer value as '{}'", port.as_str()));
        }
        _ => {}
    }
    match args.given(0) {
        None => Ok(Val::dict(parts)),
        Some(part) => {
            let name = ev.text(part)?;
            if name.is_empty() {
                return Ok(Val::dict(parts));
            }
            match parts.get(&*name) {
                Some(value) => Ok(value.clone()),
                None => fail(format!("urlsplit: unknown URL component: {name}")),
            }
        }
    }
}
