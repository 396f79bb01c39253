//! Lookups in the inventory, from the variable `groups`: `inventory_hostnames`.

use crate::lookups::{Lookup, Request};
use crate::val::{Res, Val};

pub(crate) const LOOKUPS: &[Lookup] = &[Lookup::new("inventory_hostnames", inventory_hostnames)];

/// The hosts of one part of a pattern: a group, a host, or a glob over both.
fn hosts(groups: &[(String, Vec<String>)], part: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |host: &String| {
        if !found.contains(host) {
            found.push(host.clone());
        }
    };
    for (group, members) in groups {
        if part == group || (part == "all" && group == "all") || data::fnmatch(part, group) {
            members.iter().for_each(&mut add);
        }
    }
    for (_, members) in groups {
        members.iter().filter(|host| data::fnmatch(part, host)).for_each(&mut add);
    }
    found
}

fn inventory_hostnames(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let ev = request.ev;
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    if let Some(all) = ev.variable(request.scope, "groups")?
        && let Some(dict) = ev.mapping(&all)?
    {
        for (name, members) in dict.entries(ev)? {
            let members = ev.items(&members)?.iter().map(|host| ev.text(host)).collect::<Res<_>>()?;
            groups.push((name.to_string(), members));
        }
    }
    let mut found: Vec<String> = Vec::new();
    for term in request.text_terms()? {
        let parts = term.split([',', ':']).map(str::trim).filter(|part| !part.is_empty());
        // As in Ansible: first what is added, then what must also hold, then what is taken away.
        let (mut add, mut both, mut without) = (Vec::new(), Vec::new(), Vec::new());
        for part in parts {
            match part.split_at(1) {
                ("&", rest) => both.push(rest),
                ("!", rest) => without.push(rest),
                _ => add.push(part),
            }
        }
        let mut hits: Vec<String> = Vec::new();
        for part in if add.is_empty() { vec!["all"] } else { add } {
            hits.extend(
                hosts(&groups, part).into_iter().filter(|host| !hits.contains(host)).collect::<Vec<_>>(),
            );
        }
        for part in both {
            let other = hosts(&groups, part);
            hits.retain(|host| other.contains(host));
        }
        for part in without {
            let other = hosts(&groups, part);
            hits.retain(|host| !other.contains(host));
        }
        found.extend(hits.into_iter().filter(|host| !found.contains(host)).collect::<Vec<_>>());
    }
    Ok(found.into_iter().map(Val::from).collect())
}
