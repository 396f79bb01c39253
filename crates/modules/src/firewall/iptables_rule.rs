//! A rule in the words of `iptables`: which argument of the module becomes which option, in the order in which Ansible writes them.

use crate::Args;

/// One piece of a rule.
enum Part {
    /// `FLAG VALUE`; a value that begins with `!` puts the mark before the flag.
    Value(&'static str, &'static str),
    /// The same for each value of a list.
    Each(&'static str, &'static str),
    /// `FLAG A,B,C` of a list that is not empty.
    Joined(&'static str, &'static str),
    /// `-m NAME` if one of the arguments is given.
    Match(&'static str, &'static [&'static str]),
    /// `-m NAME` as well, unless `match` names it already.
    MatchUnlessNamed(&'static str, &'static [&'static str]),
    /// What follows rules of its own.
    Special(fn(&Args, &mut Vec<String>)),
}

use Part::{Each, Joined, Match, MatchUnlessNamed, Special, Value};

/// The rule, piece by piece. iptables is particular about some places: options of a match follow its `-m`, those of a target its `-j`.
const PARTS: &[Part] = &[
    Value("protocol", "-p"),
    Value("source", "-s"),
    Value("destination", "-d"),
    Each("match", "-m"),
    Special(tcp_flags),
    Value("jump", "-j"),
    Special(gateway),
    Value("log_prefix", "--log-prefix"),
    Value("log_level", "--log-level"),
    Value("to_destination", "--to-destination"),
    Match("multiport", &["destination_ports"]),
    Joined("destination_ports", "--dports"),
    Value("to_source", "--to-source"),
    Value("goto", "-g"),
    Value("in_interface", "-i"),
    Value("out_interface", "-o"),
    Value("fragment", "-f"),
    Value("set_counters", "-c"),
    Value("source_port", "--source-port"),
    Value("destination_port", "--destination-port"),
    Value("to_ports", "--to-ports"),
    Value("set_dscp_mark", "--set-dscp"),
    Special(|args, rule| jump_to_dscp(args, "set_dscp_mark", rule)),
    Value("set_dscp_mark_class", "--set-dscp-class"),
    Special(|args, rule| jump_to_dscp(args, "set_dscp_mark_class", rule)),
    Special(syn),
    Special(states),
    MatchUnlessNamed("iprange", &["src_range", "dst_range"]),
    Value("src_range", "--src-range"),
    Value("dst_range", "--dst-range"),
    MatchUnlessNamed("set", &["match_set"]),
    Value("match_set", "--match-set"),
    Special(set_flags),
    Match("limit", &["limit", "limit_burst"]),
    Value("limit", "--limit"),
    Value("limit_burst", "--limit-burst"),
    Match("owner", &["uid_owner"]),
    Value("uid_owner", "--uid-owner"),
    Match("owner", &["gid_owner"]),
    Value("gid_owner", "--gid-owner"),
    Special(reject),
    Value("reject_with", "--reject-with"),
    Special(icmp_type),
    Match("comment", &["comment"]),
    Value("comment", "--comment"),
];

/// The rule as arguments of `iptables`; empty if the arguments describe none.
pub(super) fn words(args: &Args) -> Vec<String> {
    let mut rule = Vec::new();
    let given = |names: &[&str]| names.iter().any(|name| is_given(args, name));
    for part in PARTS {
        match part {
            Value(name, flag) => {
                if let Some(value) = args.opt_str(name) {
                    option(flag, value, &mut rule);
                }
            }
            Each(name, flag) => args.strings(name).iter().for_each(|value| option(flag, value, &mut rule)),
            Joined(name, flag) if is_given(args, name) => {
                rule.extend([(*flag).to_owned(), args.strings(name).join(",")]);
            }
            Match(name, of) if given(of) => push(&mut rule, &["-m", name]),
            MatchUnlessNamed(name, of) if given(of) && !args.strings("match").contains(name) => {
                push(&mut rule, &["-m", name]);
            }
            Special(write) => write(args, &mut rule),
            Joined(..) | Match(..) | MatchUnlessNamed(..) => {}
        }
    }
    rule
}

fn is_given(args: &Args, name: &str) -> bool {
    args.opt_str(name).is_some_and(|value| !value.is_empty()) || !args.list(name).is_empty()
}

fn push(rule: &mut Vec<String>, words: &[&str]) {
    rule.extend(words.iter().map(|word| (*word).to_owned()));
}

fn option(flag: &str, value: &str, rule: &mut Vec<String>) {
    match value.strip_prefix('!') {
        Some(rest) => push(rule, &["!", flag, rest]),
        None => push(rule, &[flag, value]),
    }
}

fn tcp_flags(args: &Args, rule: &mut Vec<String>) {
    let Some(inner) = args.inner("tcp_flags") else { return };
    if inner.has("flags") && inner.has("flags_set") {
        let (mask, set) = (inner.strings("flags").join(","), inner.strings("flags_set").join(","));
        push(rule, &["--tcp-flags", &mask, &set]);
    }
}

/// `--gateway` belongs to the target TEE.
fn gateway(args: &Args, rule: &mut Vec<String>) {
    let is_tee = args.opt_str("jump").is_some_and(|jump| jump.eq_ignore_ascii_case("tee"));
    if let (true, Some(gateway)) = (is_tee, args.opt_str("gateway")) {
        option("--gateway", gateway, rule);
    }
}

fn jump_to_dscp(args: &Args, name: &str, rule: &mut Vec<String>) {
    let elsewhere = args.opt_str("jump").is_some_and(|jump| !jump.eq_ignore_ascii_case("dscp"));
    if is_given(args, name) && elsewhere {
        push(rule, &["-j", "DSCP"]);
    }
}

fn syn(args: &Args, rule: &mut Vec<String>) {
    match args.opt_str("syn") {
        Some("match") => push(rule, &["--syn"]),
        Some("negate") => push(rule, &["!", "--syn"]),
        _ => {}
    }
}

/// `ctstate` is the option of `conntrack`, and of the older `state` under another name.
fn states(args: &Args, rule: &mut Vec<String>) {
    if !is_given(args, "ctstate") {
        return;
    }
    let (named, states) = (args.strings("match"), args.strings("ctstate").join(","));
    if named.contains(&"state") && !named.contains(&"conntrack") {
        push(rule, &["--state", &states]);
        return;
    }
    if !named.contains(&"conntrack") {
        push(rule, &["-m", "conntrack"]);
    }
    push(rule, &["--ctstate", &states]);
}

fn set_flags(args: &Args, rule: &mut Vec<String>) {
    if let (true, Some(flags)) = (args.has("match_set"), args.opt_str("match_set_flags")) {
        push(rule, &[flags]);
    }
}

/// `reject_with` means the target REJECT where none is named.
fn reject(args: &Args, rule: &mut Vec<String>) {
    if args.has("jump") {
        return;
    }
    for (name, target) in
        [("reject_with", "REJECT"), ("set_dscp_mark_class", "DSCP"), ("set_dscp_mark", "DSCP")]
    {
        if is_given(args, name) {
            push(rule, &["-j", target]);
        }
    }
}

fn icmp_type(args: &Args, rule: &mut Vec<String>) {
    let flag = match args.opt_str("ip_version") {
        Some("ipv6") => "--icmpv6-type",
        _ => "--icmp-type",
    };
    if let Some(kind) = args.opt_str("icmp_type") {
        option(flag, kind, rule);
    }
}

#[cfg(test)]
mod tests {
    use data::{Map, Value};

    fn rule(given: &[(&str, Value)]) -> String {
        let mut map = Map::from([("chain", Value::from("INPUT"))]);
        given.iter().for_each(|(name, value)| {
            map.insert(*name, value.clone());
        });
        let args = super::super::iptables::SPEC.parse(&map, &|_| None).unwrap();
        super::words(&args).join(" ")
    }

    #[test]
    fn options_stand_where_iptables_wants_them() {
        let list = |items: &[&str]| items.iter().map(|item| Value::from(*item)).collect::<Value>();
        let text = |text: &str| Value::from(text);
        for (given, expected) in [
            (vec![], ""),
            (vec![("source", text("8.8.8.8")), ("jump", text("DROP"))], "-s 8.8.8.8 -j DROP"),
            (
                vec![
                    ("protocol", text("tcp")),
                    ("ctstate", list(&["ESTABLISHED", "RELATED"])),
                    ("jump", text("ACCEPT")),
                ],
                "-p tcp -j ACCEPT -m conntrack --ctstate ESTABLISHED,RELATED",
            ),
            (vec![("match", list(&["state"])), ("ctstate", list(&["NEW"]))], "-m state --state NEW"),
            (
                vec![("source", text("!10.0.0.0/8")), ("syn", text("negate")), ("comment", text("a b"))],
                "! -s 10.0.0.0/8 ! --syn -m comment --comment a b",
            ),
            (
                vec![("destination_ports", list(&["80", "443", "8081:8083"])), ("protocol", text("tcp"))],
                "-p tcp -m multiport --dports 80,443,8081:8083",
            ),
            (
                vec![("reject_with", text("tcp-reset")), ("protocol", text("tcp"))],
                "-p tcp -j REJECT --reject-with tcp-reset",
            ),
            (
                vec![("src_range", text("192.168.1.100-192.168.1.199")), ("jump", text("ACCEPT"))],
                "-j ACCEPT -m iprange --src-range 192.168.1.100-192.168.1.199",
            ),
            (
                vec![
                    ("match_set", text("admin_hosts")),
                    ("match_set_flags", text("src")),
                    ("jump", text("ALLOW")),
                ],
                "-j ALLOW -m set --match-set admin_hosts src",
            ),
        ] {
            assert_eq!(rule(&given), expected);
        }
    }
}
