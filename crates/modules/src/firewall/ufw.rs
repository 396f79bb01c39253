//! `ufw`: the firewall of Ubuntu and Debian, by its program.

use data::Value;

use super::ufw_status;
use crate::process::{Command, require_program};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome, Rules};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "ufw",
    collection: "community.general",
    summary: "Manage firewall with UFW",
    args: &[
        Arg::str("state").choices(&["enabled", "disabled", "reloaded", "reset"]).help(
            "Turn the firewall on or off, load its rules anew, or reset it to what it was when installed.",
        ),
        Arg::str("default")
            .aliases(&["policy"])
            .choices(&["allow", "deny", "reject"])
            .help("What to do with traffic of `direction` that no rule matches."),
        Arg::str("logging")
            .choices(&["full", "high", "low", "medium", "off", "on"])
            .help("How much goes to the log."),
        Arg::str("direction")
            .choices(&["in", "incoming", "out", "outgoing", "routed"])
            .help("Which way the traffic goes."),
        Arg::bool("delete").default_bool(false).help("Remove the rule."),
        Arg::bool("route").default_bool(false).help("The rule is for traffic that passes through."),
        Arg::int("insert").help("The place of a new rule, counted from `insert_relative_to`."),
        Arg::str("insert_relative_to")
            .default_str("zero")
            .choices(&["zero", "first-ipv4", "last-ipv4", "first-ipv6", "last-ipv6"])
            .help("Where `insert` counts from."),
        Arg::str("rule").choices(&["allow", "deny", "limit", "reject"]).help("What to do with the traffic."),
        Arg::str("interface").aliases(&["if"]).help("The interface; needs `direction`."),
        Arg::str("interface_in").aliases(&["if_in"]).help("The interface that traffic comes in by."),
        Arg::str("interface_out").aliases(&["if_out"]).help("The interface that traffic goes out by."),
        Arg::bool("log").default_bool(false).help("Write new connections of the rule to the log."),
        Arg::str("from_ip")
            .default_str("any")
            .aliases(&["from", "src"])
            .help("Address or network that it comes from."),
        Arg::str("from_port").help("Port that it comes from."),
        Arg::str("to_ip")
            .default_str("any")
            .aliases(&["dest", "to"])
            .help("Address or network that it goes to."),
        Arg::str("to_port").aliases(&["port"]).help("Port that it goes to."),
        Arg::str("proto")
            .aliases(&["protocol"])
            .choices(&["ah", "any", "esp", "ipv6", "tcp", "udp", "gre", "igmp", "vrrp"])
            .help("The protocol."),
        Arg::str("name").aliases(&["app"]).help("A profile of `/etc/ufw/applications.d`."),
        Arg::str("comment").help("A remark that stands with the rule."),
    ],
    rules: Rules {
        mutually_exclusive: &[
            &["name", "proto", "logging"],
            &["direction", "interface_in"],
            &["direction", "interface_out"],
        ],
        required_one_of: &[&["state", "default", "rule", "logging"]],
        required_by: &[("interface", &["direction"])],
        ..Rules::NONE
    },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let program = require_program("ufw", context)?.display().to_string();
    let mut ufw = Ufw { args, program, said: Vec::new(), before: String::new(), rules: ufw_status::rules() };
    ufw.before = ufw.call(&["status", "verbose"], context)?;
    let mut changed = ufw.set_state(context)?;
    changed |= ufw.set_default(context)?;
    changed |= ufw.set_rule(context)?;
    changed |= ufw.set_logging(context)?;
    if context.check {
        return Ok(Outcome::new(changed).with("commands", ufw.said));
    }
    let after = ufw.call(&["status", "verbose"], context)?;
    let differs = changed || after != ufw.before || ufw_status::rules() != ufw.rules;
    Ok(Outcome::new(differs).with("commands", ufw.said).msg(after.trim_end()))
}

struct Ufw<'a> {
    args: &'a Args,
    program: String,
    /// Every command that was run.
    said: Vec<Value>,
    /// The status at the beginning.
    before: String,
    /// The rules at the beginning.
    rules: Vec<String>,
}

impl Ufw<'_> {
    /// Runs `ufw`; gives what it printed.
    fn call(&mut self, words: &[&str], context: &mut Context) -> Result<String, Failure> {
        let command = Command::new(&self.program).args(words).plain_language();
        self.said.push(command.display().into());
        let output = command.run(context)?;
        if output.ok() {
            return Ok(output.stdout_text());
        }
        let (said, printed) = (output.stderr_text(), output.stdout_text());
        Err(Failure::new(if said.is_empty() { printed } else { said }).with("commands", self.said.clone()))
    }

    fn set_state(&mut self, context: &mut Context) -> Result<bool, Failure> {
        let Some(state) = self.args.opt_str("state") else { return Ok(false) };
        let enabled = self.before.contains(" active");
        let (word, would) = match state {
            "enabled" => ("enable", !enabled),
            "disabled" => ("disable", enabled),
            "reloaded" => ("reload", true),
            _ => ("reset", true),
        };
        if context.check {
            return Ok(would);
        }
        self.call(&["-f", word], context)?;
        Ok(matches!(word, "reload" | "reset"))
    }

    fn set_logging(&mut self, context: &mut Context) -> Result<bool, Failure> {
        let Some(level) = self.args.opt_str("logging") else { return Ok(false) };
        let changed = match (ufw_status::logging(&self.before), level) {
            (None, _) => true,
            (Some((state, _)), "off") => state != "off",
            (Some(("off", _)), _) => true,
            (Some(_), "on") => false,
            (Some((_, current)), level) => current != Some(level),
        };
        if !context.check {
            self.call(&["logging", level], context)?;
        }
        Ok(changed)
    }

    fn set_default(&mut self, context: &mut Context) -> Result<bool, Failure> {
        let Some(policy) = self.args.opt_str("default") else { return Ok(false) };
        let direction = self.args.opt_str("direction");
        if matches!(direction, Some("in" | "out")) {
            return Err(Failure::new(
                "For default, direction must be one of \"outgoing\", \"incoming\" and \"routed\", or direction must not be specified.",
            ));
        }
        if context.check {
            let current = ufw_status::default_policy(&self.before, direction.unwrap_or("incoming"));
            return Ok(current.is_none_or(|current| current != policy && current != "disabled"));
        }
        let words: Vec<&str> = ["default", policy].into_iter().chain(direction).collect();
        self.call(&words, context)?;
        Ok(false)
    }

    fn set_rule(&mut self, context: &mut Context) -> Result<bool, Failure> {
        let Some(action) = self.args.opt_str("rule") else { return Ok(false) };
        let args = self.args;
        if !matches!(args.opt_str("direction"), None | Some("in" | "out")) {
            return Err(Failure::new(
                "For rules, direction must be one of \"in\" and \"out\", or direction must not be specified.",
            ));
        }
        if !args.bool("route") && args.has("interface_in") && args.has("interface_out") {
            return Err(Failure::new("Only route rules can combine interface_in and interface_out"));
        }
        let place = self.place(context)?.map(|place| place.to_string());
        let words = rule_words(args, action, place.as_deref(), context.check);
        let dry = self.call(&words.iter().map(String::as_str).collect::<Vec<_>>(), context)?;
        let (from, to) = (args.opt_str("from_ip").unwrap_or("any"), args.opt_str("to_ip").unwrap_or("any"));
        Ok(context.check && ufw_status::would_change(&dry, &self.rules, from, to))
    }

    fn place(&self, context: &mut Context) -> Result<Option<i64>, Failure> {
        let Some(insert) = self.args.int("insert").filter(|_| !self.args.bool("delete")) else {
            return Ok(None);
        };
        match self.args.opt_str("insert_relative_to") {
            None | Some("zero") => Ok(Some(insert)),
            Some(relative_to) => {
                let status =
                    Command::new(&self.program).args(["status", "numbered"]).plain_language().run(context)?;
                Ok(ufw_status::place(insert, relative_to, &status.stdout_text()))
            }
        }
    }
}

/// `ufw [--dry-run] [route] [delete | insert NUMBER] ACTION [in | out] [on INTERFACE] [log] from ... to ... [proto ...] [app ...] [comment ...]`
fn rule_words(args: &Args, action: &str, place: Option<&str>, dry: bool) -> Vec<String> {
    let mut words: Vec<&str> = Vec::new();
    let mut add = |condition: bool, more: &[&'static str]| {
        if condition {
            words.extend(more);
        }
    };
    add(dry, &["--dry-run"]);
    add(args.bool("route"), &["route"]);
    add(args.bool("delete"), &["delete"]);
    let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    let mut pair = |flags: &[&str], value: Option<&str>| {
        if let Some(value) = value {
            words.extend(flags.iter().copied().chain([value]).map(str::to_owned));
        }
    };
    pair(&["insert"], place);
    pair(&[], Some(action));
    pair(&[], args.opt_str("direction"));
    pair(&["on"], args.opt_str("interface"));
    pair(&["in", "on"], args.opt_str("interface_in"));
    pair(&["out", "on"], args.opt_str("interface_out"));
    pair(&[], Some("log").filter(|_| args.bool("log")));
    for (flag, name) in [
        ("from", "from_ip"),
        ("port", "from_port"),
        ("to", "to_ip"),
        ("port", "to_port"),
        ("proto", "proto"),
        ("app", "name"),
        ("comment", "comment"),
    ] {
        pair(&[flag], args.opt_str(name).filter(|value| !value.is_empty()));
    }
    words
}

#[cfg(test)]
mod tests {
    use data::Map;

    use super::*;

    #[test]
    fn a_rule_is_written_in_the_long_form() {
        let words = |given: &[(&str, &str)], place, dry| {
            let map: Map = given.iter().copied().collect();
            let args = SPEC.parse(&map, &|_| None).unwrap();
            rule_words(&args, args.opt_str("rule").unwrap(), place, dry).join(" ")
        };
        assert_eq!(
            words(&[("rule", "allow"), ("port", "22"), ("proto", "tcp")], None, false),
            "allow from any to any port 22 proto tcp"
        );
        assert_eq!(
            words(
                &[
                    ("rule", "deny"),
                    ("route", "yes"),
                    ("if_in", "eth0"),
                    ("if_out", "eth1"),
                    ("src", "1.2.3.0/24")
                ],
                Some("2"),
                true
            ),
            "--dry-run route insert 2 deny in on eth0 out on eth1 from 1.2.3.0/24 to any"
        );
        assert_eq!(
            words(
                &[
                    ("rule", "limit"),
                    ("direction", "in"),
                    ("interface", "eth0"),
                    ("log", "yes"),
                    ("app", "OpenSSH")
                ],
                None,
                false
            ),
            "limit in on eth0 log from any to any app OpenSSH"
        );
    }
}
