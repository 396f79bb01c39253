//! Values of the wrong kind: quoted booleans, ports beyond the range, unknown words.

use data::{Diagnostic, Key, Map, Place, Value, suggest};

use super::{is_template, load_balancer, name_place, number, place_of};
use crate::conf::keys::{self, Kind, KnownKey};

pub(super) fn check(vars: &Map, findings: &mut Vec<Diagnostic>) {
    for (key, value) in vars {
        let Some(known) = key.as_str().and_then(keys::find) else { continue };
        if value.is_null() || is_template(value) {
            continue;
        }
        let place = place_of(vars, known.name);
        findings.extend(kind(known, value, place));
        if known.name == "loadbalancer_apiserver" {
            balancer(vars, key, findings);
        }
    }
    findings.extend(console_port(vars));
}

fn kind(known: &KnownKey, value: &Value, place: Option<&Place>) -> Option<Diagnostic> {
    let name = known.name;
    let wrong = |title: String, help: String| Some(Diagnostic::error(title).at_opt(place, "").help(help));
    match (known.kind, value) {
        (Kind::Bool, Value::Bool(_))
        | (Kind::Int, Value::Int(_))
        | (Kind::List, Value::List(_))
        | (Kind::Map | Kind::LoadBalancer, Value::Map(_))
        | (Kind::Cidr, Value::Str(_)) => None,
        (Kind::Bool, value) => boolean(name, value, place),
        (Kind::Int, value) if number(value).is_some() => None,
        (Kind::Port, value) => match number(value) {
            Some(port) if (1..=65535).contains(&port) => None,
            _ => wrong(format!("`{name}` is not a port"), "a port is a number from 1 to 65535".into()),
        },
        (Kind::Choice(words), Value::Str(text)) if words.contains(&text.as_str()) => None,
        (Kind::Choice(words), Value::Str(text)) => {
            let title = format!("`{name}` cannot be `{text}`");
            match suggest::nearest(text, words.iter().copied()) {
                Some(near) => wrong(title, format!("did you mean `{near}`?")),
                None => wrong(title, format!("it is one of: {}", known.kind.words())),
            }
        }
        (Kind::Text, Value::Str(_) | Value::Int(_) | Value::Float(_)) => None,
        (expected, value) => wrong(
            format!("`{name}` must be {}, found {}", expected.words(), found_words(value)),
            example(known),
        ),
    }
}

/// What a person calls a value.
fn found_words(value: &Value) -> &'static str {
    match value {
        Value::Null | Value::Undefined(_) => "nothing",
        Value::Bool(_) => "true or false",
        Value::Int(_) | Value::Float(_) => "a number",
        Value::Str(_) => "text",
        Value::List(_) => "a list",
        Value::Map(_) => "a mapping",
    }
}

fn example(known: &KnownKey) -> String {
    match known.kind {
        Kind::List => format!("write one item below `{}:` on each line, after `- `", known.name),
        Kind::Map => format!("write `name: value` below `{}:`, indented by two spaces", known.name),
        Kind::LoadBalancer => {
            "write `address:` and `port:` below `loadbalancer_apiserver:`, indented by two spaces".into()
        }
        _ if known.default.is_empty() => format!("write `{}: value` on one line", known.name),
        _ => format!("write it like the default: `{}: {}`", known.name, known.default),
    }
}

/// Text is true in conditions whatever it says, `"false"` too.
fn boolean(name: &str, value: &Value, place: Option<&Place>) -> Option<Diagnostic> {
    let word = value.as_str().map(str::to_ascii_lowercase);
    let meant = match word.as_deref() {
        Some("true" | "yes" | "on" | "y" | "t") => Some(true),
        Some("false" | "no" | "off" | "n" | "f" | "") => Some(false),
        _ => match value {
            Value::Int(0) => Some(false),
            Value::Int(1) => Some(true),
            _ => None,
        },
    };
    let found = Diagnostic::error(format!("`{name}` must be true or false"));
    let found = match (value.as_str(), meant) {
        (Some(_), Some(_)) => found.at_opt(place, "text, because of the quotes"),
        _ => found.at_opt(place, ""),
    };
    Some(match meant {
        Some(flag) => found.help(format!("write `{name}: {flag}`, without quotes")),
        None => found.help(format!("write `{name}: true` or `{name}: false`, without quotes")),
    })
}

/// `loadbalancer_apiserver`: its two members, and nothing else.
fn balancer(vars: &Map, key: &Key, findings: &mut Vec<Diagnostic>) {
    let Some(map) = load_balancer(vars) else { return };
    for member in map.keys() {
        let name = member.to_string();
        if !matches!(name.as_str(), "address" | "port") {
            let found = Diagnostic::warning(format!("unknown member `{name}` of `loadbalancer_apiserver`"))
                .at_opt(name_place(member), "");
            findings.push(match suggest::nearest(&name, ["address", "port"]) {
                Some(near) => found.help(format!("did you mean `{near}`?")),
                None => found.help("it has `address` and `port`"),
            });
        }
    }
    let place = name_place(key);
    match map.get("address") {
        None | Some(Value::Null)
            if map.get("port").is_some() && vars.get_str("internal_lb").unwrap_or("").is_empty() =>
        {
            findings.push(
                Diagnostic::error("`loadbalancer_apiserver` has no `address`")
                    .at_opt(place, "")
                    .help("add `address:` with the load balancer's address, indented by two spaces"),
            );
        }
        Some(value) if !value.is_null() && !is_template(value) && !is_host(value) => findings.push(
            Diagnostic::error("`address` of `loadbalancer_apiserver` is no address")
                .at_opt(place_of(map, "address"), "")
                .help("write the load balancer's address, such as 192.168.0.10, without a port"),
        ),
        _ => {}
    }
    let is_port = |value: &Value| {
        is_template(value) || value.is_null() || number(value).is_some_and(|port| (1..=65535).contains(&port))
    };
    if map.get("port").is_some_and(|value| !is_port(value)) {
        findings.push(
            Diagnostic::error("`port` of `loadbalancer_apiserver` is not a port")
                .at_opt(place_of(map, "port"), "")
                .help("a port is a number from 1 to 65535; the API server has 6443"),
        );
    }
}

/// An address, or a name that may resolve.
fn is_host(value: &Value) -> bool {
    let Some(text) = value.as_str() else { return false };
    let is_label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
    };
    let has_letters = text.contains(|c: char| c.is_ascii_alphabetic());
    text.parse::<std::net::IpAddr>().is_ok() || (has_letters && text.split('.').all(is_label))
}

/// The console is a node port; three of these are taken by components.
fn console_port(vars: &Map) -> Option<Diagnostic> {
    let port = vars.get("console_port").and_then(number)?;
    let found = Diagnostic::error(format!("the console cannot have port {port}"))
        .at_opt(place_of(vars, "console_port"), "");
    match port {
        30180 | 30280 | 30380 => Some(found.help("30180, 30280 and 30380 are taken; the default is 30880")),
        30000..=32767 => None,
        _ => Some(found.help("choose one from 30000 to 32767; the default is 30880")),
    }
}
