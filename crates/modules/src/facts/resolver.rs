//! The `dns` fact: what `/etc/resolv.conf` says.

use data::{Map, Value};

use super::files;

/// `dns`: nameservers, domain, search, sortlist and options.
pub(super) fn dns() -> Map {
    Map::from([("dns", parse(&files::text("/etc/resolv.conf")))])
}

fn parse(text: &str) -> Map {
    let mut found = Map::new();
    for line in text.lines().filter(|line| !line.starts_with(['#', ';'])) {
        let mut words = line.split_whitespace();
        let Some(keyword) = words.next() else { continue };
        let rest = words.map(Value::from);
        match keyword {
            "nameserver" => {
                let known = found.get("nameservers").and_then(Value::as_list).cloned().unwrap_or_default();
                found.insert("nameservers", known.into_iter().chain(rest).collect::<Value>());
            }
            "domain" => {
                if let Some(domain) = rest.into_iter().next() {
                    found.insert("domain", domain);
                }
            }
            "search" | "sortlist" => drop(found.insert(keyword, rest.collect::<Value>())),
            "options" => drop(found.insert("options", options(line))),
            _ => {}
        }
    }
    found
}

fn options(line: &str) -> Map {
    let words = line.split_whitespace().skip(1);
    let pairs = words.map(|word| match word.split_once(':') {
        Some((name, value)) if !value.is_empty() => (name, Value::from(value)),
        Some((name, _)) => (name, Value::Bool(true)),
        None => (word, Value::Bool(true)),
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolver_file_is_read() {
        let found = parse(
            "# x\nnameserver 10.0.0.1\nnameserver 10.0.0.2\nsearch a.org b.org\noptions ndots:5 rotate\n",
        );
        assert_eq!(found.get("nameservers").unwrap().as_list().unwrap().len(), 2);
        assert_eq!(found.get("search").unwrap().as_list().unwrap()[1], Value::from("b.org"));
        assert_eq!(found.get("options").unwrap().get("ndots"), Some(&Value::from("5")));
        assert_eq!(found.get("options").unwrap().get("rotate"), Some(&Value::from(true)));
        assert_eq!(found.get("domain"), None);
    }
}
