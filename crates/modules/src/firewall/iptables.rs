//! `iptables`: one rule, chain or policy of the kernel's packet filter, by the programs `iptables` and `ip6tables`. It changes what the
//! kernel has now; saving it over a restart is another matter.

use data::{Map, Value};

use super::iptables_rule;
use crate::process::{Command, Output, require_program};
use crate::{Arg, ArgType, Args, Context, Default, Failure, ModuleSpec, Outcome, RequiredIf, Rules};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "iptables",
    summary: "Modify iptables rules",
    args: &[
        Arg::str("table")
            .default_str("filter")
            .choices(&["filter", "nat", "mangle", "raw", "security"])
            .help("The table that is meant."),
        Arg::str("state")
            .default_str("present")
            .choices(&["absent", "present"])
            .help("Whether the rule (or, with `chain_management`, the chain) is to be there."),
        Arg::str("action")
            .default_str("append")
            .choices(&["append", "insert"])
            .help("Whether a new rule goes to the end of the chain or to its beginning (or to `rule_num`)."),
        Arg::str("ip_version")
            .default_str("ipv4")
            .choices(&["ipv4", "ipv6", "both"])
            .help("Which version of IP the rule is for."),
        Arg::str("chain").help("The chain, such as `INPUT`, or one of your own."),
        Arg::str("rule_num").help("The place of a rule that is inserted."),
        Arg::str("protocol").help("Protocol, by name or number. `!` before it negates, here and elsewhere."),
        Arg::str("wait").help("Seconds to wait for another program that changes the tables."),
        Arg::str("source").help("Address or network that packets come from."),
        Arg::str("to_source").help("Address to put in place of the source (SNAT)."),
        Arg::str("destination").help("Address or network that packets go to."),
        Arg::str("to_destination").help("Address to put in place of the destination (DNAT)."),
        Arg::list("match", ArgType::Str).default(Default::List(&[])).help("Extensions to match with (`-m`)."),
        Arg::dict("tcp_flags")
            .options(
                &[
                    Arg::list("flags", ArgType::Str).help("Flags that are looked at."),
                    Arg::list("flags_set", ArgType::Str).help("Those of them that must be set."),
                ],
                Rules::NONE,
            )
            .help("TCP flags: those that are looked at and those that must be set."),
        Arg::str("jump").help("What to do with a packet: `ACCEPT`, `DROP`, a chain ..."),
        Arg::str("gateway").help("Where `jump: TEE` sends the copy."),
        Arg::str("log_prefix").help("Text before each line of the log; means `jump: LOG`."),
        Arg::str("log_level")
            .choices(&[
                "0", "1", "2", "3", "4", "5", "6", "7", "emerg", "alert", "crit", "error", "warning",
                "notice", "info", "debug",
            ])
            .help("Level of the log's lines; means `jump: LOG`."),
        Arg::str("goto").help("Chain to go on in without coming back."),
        Arg::str("in_interface").help("Interface that packets come in by."),
        Arg::str("out_interface").help("Interface that packets go out by."),
        Arg::str("fragment").help("Second and further fragments of packets."),
        Arg::str("set_counters").help("Initial counts of packets and bytes."),
        Arg::str("source_port").help("Port or range of ports that packets come from."),
        Arg::str("destination_port").help("Port or range of ports that packets go to; needs `protocol`."),
        Arg::list("destination_ports", ArgType::Str)
            .default(Default::List(&[]))
            .help("Several ports or ranges (`-m multiport`)."),
        Arg::str("to_ports").help("Port to put in place of the destination's (REDIRECT)."),
        Arg::str("set_dscp_mark").help("DSCP mark to set."),
        Arg::str("set_dscp_mark_class").help("DSCP class to set."),
        Arg::str("comment").help("A remark that stands with the rule."),
        Arg::list("ctstate", ArgType::Str)
            .default(Default::List(&[]))
            .help("States of the connection: `NEW`, `ESTABLISHED`, `RELATED` ..."),
        Arg::str("src_range").help("Range of addresses that packets come from."),
        Arg::str("dst_range").help("Range of addresses that packets go to."),
        Arg::str("match_set").help("A set of ipset."),
        Arg::str("match_set_flags")
            .choices(&["src", "dst", "src,dst", "dst,src", "src,src", "dst,dst"])
            .help("Which addresses are looked up in the set."),
        Arg::str("limit").help("How many packets a time match, such as `2/second`."),
        Arg::str("limit_burst").help("How many packets match before the limit counts."),
        Arg::str("uid_owner").help("User whose program sends the packet."),
        Arg::str("gid_owner").help("Group whose program sends the packet."),
        Arg::str("reject_with").help("What to answer with; means `jump: REJECT`."),
        Arg::str("icmp_type").help("ICMP type, by name or number."),
        Arg::str("syn")
            .default_str("ignore")
            .choices(&["ignore", "match", "negate"])
            .help("Whether the packet opens a TCP connection."),
        Arg::bool("flush")
            .default_bool(false)
            .help("Remove all rules of the chain, or of the table without one."),
        Arg::str("policy")
            .choices(&["ACCEPT", "DROP", "QUEUE", "RETURN"])
            .help("What to do with packets that no rule of the chain matches."),
        Arg::bool("chain_management")
            .default_bool(false)
            .help("Make or remove the chain if there is no rule."),
        Arg::bool("numeric")
            .default_bool(false)
            .help("List chains without looking up names, which may take long."),
    ],
    rules: Rules {
        mutually_exclusive: &[&["set_dscp_mark", "set_dscp_mark_class"], &["flush", "policy"]],
        required_by: &[("set_dscp_mark", &["jump"]), ("set_dscp_mark_class", &["jump"])],
        required_if: &[
            RequiredIf::all("jump", "TEE", &["gateway"]),
            RequiredIf::all("jump", "tee", &["gateway"]),
            RequiredIf { argument: "flush", value: Default::Bool(false), needs: &["chain"], any: false },
        ],
        ..Rules::NONE
    },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let rule = iptables_rule::words(args).join(" ");
    let mut changed = false;
    for program in programs(args) {
        changed |= Tables::open(program, args, context)?.settle(context)?;
    }
    let same = ["ip_version", "table", "chain", "flush", "state", "chain_management", "wait"];
    let told: Map =
        same.into_iter().map(|name| (name, args.get(name).cloned().unwrap_or(Value::Null))).collect();
    let mut outcome = Outcome::new(changed).with("rule", rule);
    outcome.fields.extend_from(&told);
    Ok(outcome)
}

/// The programs that are meant, each with the version of IP that it is for.
fn programs(args: &Args) -> &'static [(&'static str, &'static str)] {
    match args.opt_str("ip_version") {
        Some("ipv6") => &[("ip6tables", "ipv6")],
        Some("both") => &[("iptables", "ipv4"), ("ip6tables", "ipv6")],
        _ => &[("iptables", "ipv4")],
    }
}

/// One program and what is asked of it.
struct Tables {
    program: std::path::PathBuf,
    args: Args,
    rule: Vec<String>,
    /// Whether the arguments themselves describe a rule: `log_prefix` alone adds a target, not a rule.
    has_rule: bool,
}

impl Tables {
    fn open((name, version): &(&str, &str), args: &Args, context: &mut Context) -> Result<Self, Failure> {
        let program = require_program(name, context)?;
        let mut args = args.clone().with("ip_version", *version);
        let has_rule = !iptables_rule::words(&args).is_empty();
        if args.has("log_prefix") || args.has("log_level") {
            match args.opt_str("jump") {
                None => args = args.with("jump", "LOG"),
                Some("LOG") => {}
                Some(_) => {
                    return Err(Failure::new("Logging options can only be used with the LOG jump target."));
                }
            }
        }
        let said = Command::new(&program).arg("--version").run_ok(context)?.stdout_text();
        args = args_for_version(args, &said);
        let rule = iptables_rule::words(&args);
        Ok(Self { program, args, rule, has_rule })
    }

    /// Looks and changes; tells whether anything was (or would be) changed.
    fn settle(&self, context: &mut Context) -> Result<bool, Failure> {
        let wanted = self.args.opt_str("state") != Some("absent");
        let managed = self.args.bool("chain_management");
        if self.args.bool("flush") {
            return self.change(true, &["-F"], &[], context);
        }
        if let Some(policy) = self.args.opt_str("policy") {
            let differs = self.policy(context)? != policy;
            return self.change(differs, &["-P"], &[policy.to_owned()], context);
        }
        if !self.has_rule {
            let there = self.list(context)?.ok();
            let differs = there != wanted;
            return if managed {
                self.change(differs, &[if wanted { "-N" } else { "-X" }], &[], context)
            } else {
                Ok(differs)
            };
        }
        let there = self.command(&["-C"], &self.rule).run(context)?.ok();
        let place = self.args.opt_str("rule_num").filter(|number| !number.is_empty());
        let action = match (wanted, self.args.opt_str("action")) {
            (false, _) => vec!["-D"],
            (true, Some("insert")) => std::iter::once("-I").chain(place).collect(),
            (true, _) => vec!["-A"],
        };
        self.change(there != wanted, &action, &self.rule, context)
    }

    fn change(
        &self,
        differs: bool,
        action: &[&str],
        rest: &[String],
        context: &mut Context,
    ) -> Result<bool, Failure> {
        if differs && !context.check {
            self.command(action, rest).run_ok(context)?;
        }
        Ok(differs)
    }

    /// `iptables -t TABLE ACTION CHAIN [PLACE] [-w SECONDS] REST`
    fn command(&self, action: &[&str], rest: &[String]) -> Command {
        let mut command = Command::new(&self.program).plain_language();
        command = command.args(["-t", self.args.opt_str("table").unwrap_or("filter")]);
        command = command.args(action.iter().take(1)).args(self.args.opt_str("chain"));
        command = command.args(action.iter().skip(1));
        if let Some(wait) = self.args.opt_str("wait") {
            command = command.arg("-w").args(Some(wait).filter(|wait| !wait.is_empty()));
        }
        command.args(rest)
    }

    fn list(&self, context: &mut Context) -> Result<Output, Failure> {
        let numeric = if self.args.bool("numeric") { vec!["--numeric".to_owned()] } else { Vec::new() };
        self.command(&["-L"], &numeric).run(context)
    }

    fn policy(&self, context: &mut Context) -> Result<String, Failure> {
        let output = self.list(context)?;
        if !output.ok() {
            return Err(Failure::new(output.stderr_text().trim_end()).with("rc", output.code));
        }
        let text = output.stdout_text();
        let named = text.lines().next().and_then(|line| line.split_once("(policy ")).map(|(_, rest)| rest);
        let policy = named.and_then(|rest| rest.split([')', ' ']).next());
        policy.map(str::to_owned).ok_or_else(|| Failure::new("Can't detect current policy"))
    }
}

/// `-w` came with 1.4.20, its seconds with 1.6.0.
fn args_for_version(args: Args, said: &str) -> Args {
    let number =
        said.split_once('v').map_or("", |(_, rest)| rest).split_whitespace().next().unwrap_or_default();
    let version: Vec<u32> = number.split('.').map(|part| part.parse().unwrap_or(0)).collect();
    if !args.has("wait") || version >= vec![1, 6] {
        args
    } else if version >= vec![1, 4, 20] {
        args.with("wait", "")
    } else {
        args.with("wait", Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_programs_wait_without_seconds_or_not_at_all() {
        let args = || SPEC.parse(&Map::from([("chain", "INPUT"), ("wait", "5")]), &|_| None).unwrap();
        assert_eq!(args_for_version(args(), "iptables v1.8.9 (nf_tables)\n").opt_str("wait"), Some("5"));
        assert_eq!(args_for_version(args(), "iptables v1.4.21\n").opt_str("wait"), Some(""));
        assert_eq!(args_for_version(args(), "iptables v1.4.7\n").opt_str("wait"), None);
    }

    #[test]
    fn a_chain_is_needed_unless_all_is_flushed() {
        let given = |map: Map| SPEC.parse(&map, &|_| None).map_err(|errors| errors[0].to_string());
        let missing = given(Map::from([("jump", "DROP")])).unwrap_err();
        assert_eq!(missing, "flush is False but all of the following are missing: chain");
        assert!(given(Map::from([("flush", true)])).is_ok());
    }
}
