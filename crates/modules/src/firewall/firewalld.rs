//! `firewalld`: services, ports, rules, interfaces and zones of the firewall of Red Hat's family, by its own programs.

use data::{Map, Value};

use super::firewall_cmd::{FirewallCmd, Layer};
use crate::{Arg, ArgType, Args, Context, Failure, ModuleSpec, Outcome, Rules};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "firewalld",
    collection: "ansible.posix",
    summary: "Manage arbitrary ports/services with firewalld",
    args: &[
        Arg::str("icmp_block").help("An ICMP type to block."),
        Arg::bool("icmp_block_inversion").help("Block all ICMP types but those of `icmp_block`."),
        Arg::str("service").help("A service to let in, as `firewall-cmd --get-services` names it."),
        Arg::str("protocol").help("A protocol to let in."),
        Arg::str("port").help("A port or range to let in: `PORT/PROTOCOL` or `PORT-PORT/PROTOCOL`."),
        Arg::list("port_forward", ArgType::Dict)
            .help("One port to pass on: `port`, `proto`, `toport`, and `toaddr` if it is elsewhere."),
        Arg::str("rich_rule").help("A rule in firewalld's rich language."),
        Arg::str("zone").help("The zone; the default zone if not given."),
        Arg::bool("immediate").default_bool(false).help("Change what holds now; with `permanent` both."),
        Arg::str("source").help("A network that the zone is for."),
        Arg::bool("permanent").default_bool(false).help("Change what holds after the next start."),
        Arg::str("state")
            .required()
            .choices(&["absent", "disabled", "enabled", "present"])
            .help("Whether it is to be in force; for zones and targets, whether it is to be there."),
        Arg::int("timeout")
            .default_int(0)
            .help("Seconds for which a change that is not permanent holds; 0 for ever."),
        Arg::str("interface").help("An interface that the zone is for; needs `zone`."),
        Arg::bool("forward").help("Pass on traffic within the zone."),
        Arg::bool("masquerade").help("Hide what the zone sends behind this host's address."),
        Arg::bool("offline").default_bool(false).help("Go on where no daemon runs; needs `permanent`."),
        Arg::str("target")
            .choices(&["default", "ACCEPT", "DROP", "%%REJECT%%"])
            .help("What to do with traffic of the zone that nothing matches; needs `zone`."),
    ],
    rules: Rules {
        required_by: &[("interface", &["zone"]), ("target", &["zone"]), ("source", &["permanent"])],
        mutually_exclusive: &[&[
            "icmp_block",
            "icmp_block_inversion",
            "service",
            "protocol",
            "port",
            "port_forward",
            "rich_rule",
            "interface",
            "forward",
            "masquerade",
            "source",
            "target",
        ]],
        ..Rules::NONE
    },
    run,
    ..ModuleSpec::DEFAULTS
};

const NOT_PERMANENT: &str = "Zone operations must be permanent. Make sure you didn't set the 'permanent' flag to 'false' or the 'immediate' \
     flag to 'true'.";

/// What is changed, in firewalld's options and in words.
struct Item {
    /// What follows `--query-`, `--add-` and `--remove-`, such as `service=http`.
    option: String,
    /// Whether it is to be in force.
    wanted: bool,
    /// Whether a change may hold for a time only.
    may_end: bool,
    /// Said when it was put in force, and when it was taken out.
    said: [Option<String>; 2],
    /// Said after any change.
    named: Option<String>,
}

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let firewall = FirewallCmd::open(context)?;
    let layers = layers(args, &firewall)?;
    let zone = match args.opt_str("zone") {
        Some(zone) => zone.to_owned(),
        None => firewall.default_zone(context)?,
    };
    let state = args.str("state")?;
    let item = item(args, &zone)?;
    if item.is_some() && matches!(state, "absent" | "present") {
        return Err(Failure::new("absent and present state can only be used in zone level operations"));
    }
    let mut call = Call { args, firewall, zone, layers, msgs: Vec::new() };
    let changed = match item {
        Some(item) => call.settle(&item, context)?,
        None if args.has("target") => call.settle_target(context)?,
        None if matches!(state, "absent" | "present") => call.settle_zone(context)?,
        None => Some(false),
    };
    // In check mode Ansible's module ends here, without words.
    let Some(changed) = changed else { return Ok(Outcome::changed()) };
    if call.firewall.offline {
        call.msgs.push("(offline operation: only on-disk configs were altered)".to_owned());
    }
    Ok(Outcome::new(changed).msg(call.msgs.join(", ")))
}

/// Which settings are changed.
fn layers(args: &Args, firewall: &FirewallCmd) -> Result<Vec<Layer>, Failure> {
    let (permanent, mut immediate) = (args.bool("permanent"), args.bool("immediate"));
    if args.bool("offline") {
        if !permanent {
            return Err(Failure::new("offline cannot be enabled unless permanent changes are allowed"));
        }
        immediate &= !firewall.offline;
    }
    immediate |= !permanent;
    if immediate && firewall.offline {
        return Err(Failure::new(
            "firewall is not currently running, unable to perform immediate actions without a running firewall daemon",
        ));
    }
    Ok([(permanent, Layer::Permanent), (immediate, Layer::Running)]
        .into_iter()
        .filter_map(|(wanted, layer)| wanted.then_some(layer))
        .collect())
}

/// What the arguments want changed; `None` if it is a zone or its target.
fn item(args: &Args, zone: &str) -> Result<Option<Item>, Failure> {
    let state = args.str("state")?;
    let enabled = state == "enabled";
    let plain = |option: String, name: String| Item {
        option,
        wanted: enabled,
        may_end: true,
        said: [None, None],
        named: Some(format!("Changed {name} to {state}")),
    };
    let lasting = |option: String, wanted: bool, said: [String; 2]| Item {
        option,
        wanted,
        may_end: false,
        said: said.map(Some),
        named: None,
    };
    for (argument, option) in [
        ("icmp_block", "icmp-block"),
        ("service", "service"),
        ("protocol", "protocol"),
        ("rich_rule", "rich-rule"),
    ] {
        if let Some(value) = args.opt_str(argument) {
            let name = if argument == "rich_rule" { argument } else { option };
            return Ok(Some(plain(format!("{option}={value}"), format!("{name} {value}"))));
        }
    }
    if let Some(port) = args.opt_str("port") {
        let (number, protocol) = port.trim().split_once('/').unwrap_or_default();
        if protocol.is_empty() {
            return Err(Failure::new("improper port format (missing protocol?)"));
        }
        return Ok(Some(plain(format!("port={number}/{protocol}"), format!("port {number}/{protocol}"))));
    }
    if args.has("port_forward") {
        let shown = forward_port(args.list("port_forward"))?;
        return Ok(Some(plain(format!("forward-port={shown}"), format!("port_forward {shown}"))));
    }
    if let Some(inverted) = args.opt_bool("icmp_block_inversion") {
        let item = plain(
            "icmp-block-inversion".to_owned(),
            format!("icmp-block-inversion {}", if inverted { "True" } else { "False" }),
        );
        return Ok(Some(Item { wanted: enabled == inverted, may_end: false, ..item }));
    }
    for (argument, verb) in [("interface", "Changed"), ("source", "Added")] {
        if let Some(value) = args.opt_str(argument) {
            let said =
                [format!("{verb} {value} to zone {zone}"), format!("Removed {value} from zone {zone}")];
            return Ok(Some(lasting(format!("{argument}={value}"), enabled, said)));
        }
    }
    for argument in ["forward", "masquerade"] {
        if let Some(on) = args.opt_bool(argument) {
            let said =
                [format!("Added {argument} to zone {zone}"), format!("Removed {argument} from zone {zone}")];
            return Ok(Some(lasting(argument.to_owned(), enabled == on, said)));
        }
    }
    Ok(None)
}

/// `port=...:proto=...:toport=...:toaddr=...`
fn forward_port(given: &[Value]) -> Result<String, Failure> {
    if given.len() > 1 {
        return Err(Failure::new("Only one port forward supported at a time"));
    }
    let forward = given.first().and_then(Value::as_map).cloned().unwrap_or_else(Map::new);
    let text = |name: &str| forward.get(name).map(data::python::str);
    let need = |name: &str, said: &str| {
        text(name).ok_or_else(|| Failure::new(format!("{said} must be specified for port forward")))
    };
    Ok(format!(
        "port={}:proto={}:toport={}:toaddr={}",
        need("port", "port")?,
        need("proto", "proto udp/tcp")?,
        need("toport", "toport")?,
        text("toaddr").unwrap_or_default()
    ))
}

struct Call<'a> {
    args: &'a Args,
    firewall: FirewallCmd,
    zone: String,
    layers: Vec<Layer>,
    msgs: Vec<String>,
}

impl Call<'_> {
    fn begin(&mut self) {
        self.msgs.push(
            match self.layers.as_slice() {
                [Layer::Permanent] => "Permanent operation",
                [Layer::Running] => "Non-permanent operation",
                _ => "Permanent and Non-Permanent(immediate) operation",
            }
            .to_owned(),
        );
    }

    /// Puts it in force or takes it out where it is not as wanted; `None` if only check mode kept it from that.
    fn settle(&mut self, item: &Item, context: &mut Context) -> Result<Option<bool>, Failure> {
        let mut differ = Vec::new();
        for layer in self.layers.clone() {
            let query = [format!("--query-{}", item.option)];
            if self.firewall.asks(layer, Some(&self.zone), &query, context)? != item.wanted {
                differ.push(layer);
            }
        }
        self.begin();
        if !differ.is_empty() && context.check {
            return Ok(None);
        }
        for layer in &differ {
            let mut options = vec![format!("--{}-{}", self.verb(item), item.option)];
            let timeout = self.args.int("timeout").unwrap_or(0);
            if item.may_end && item.wanted && *layer == Layer::Running && timeout > 0 {
                options.push(format!("--timeout={timeout}"));
            }
            self.firewall.must(*layer, Some(&self.zone), &options, context)?;
        }
        if !differ.is_empty() {
            self.msgs.extend(item.said[usize::from(!item.wanted)].clone());
            self.msgs.extend(item.named.clone());
        }
        Ok(Some(!differ.is_empty()))
    }

    /// An interface is in one zone only: it is moved, not added.
    fn verb(&self, item: &Item) -> &'static str {
        match (item.wanted, item.option.starts_with("interface=")) {
            (true, true) => "change",
            (true, false) => "add",
            (false, _) => "remove",
        }
    }

    fn settle_target(&mut self, context: &mut Context) -> Result<Option<bool>, Failure> {
        if self.layers.contains(&Layer::Running) {
            return Err(Failure::new(NOT_PERMANENT));
        }
        let target = self.args.str("target")?;
        let enabled = matches!(self.args.str("state")?, "present" | "enabled");
        let wanted = if enabled { target } else { "default" };
        let get = ["--get-target".to_owned()];
        let current = self.firewall.must(Layer::Permanent, Some(&self.zone), &get, context)?;
        let differs = if enabled { current != target } else { current == target && current != "default" };
        self.begin();
        if !differs {
            return Ok(Some(false));
        }
        if context.check {
            return Ok(None);
        }
        self.firewall.must(
            Layer::Permanent,
            Some(&self.zone),
            &[format!("--set-target={wanted}")],
            context,
        )?;
        let zone = &self.zone;
        self.msgs.push(if enabled {
            format!("Set zone {zone} target to {target}")
        } else {
            format!("Reset zone {zone} target to default")
        });
        Ok(Some(true))
    }

    fn settle_zone(&mut self, context: &mut Context) -> Result<Option<bool>, Failure> {
        if self.layers.contains(&Layer::Running) {
            return Err(Failure::new(NOT_PERMANENT));
        }
        let wanted = self.args.str("state")? == "present";
        let zones = self.firewall.must(Layer::Permanent, None, &["--get-zones".to_owned()], context)?;
        let there = zones.split_whitespace().any(|zone| zone == self.zone);
        self.begin();
        if there == wanted {
            return Ok(Some(false));
        }
        if context.check {
            return Ok(None);
        }
        let (option, said) = if wanted { ("new", "Added") } else { ("delete", "Removed") };
        let zone = self.zone.clone();
        self.firewall.must(Layer::Permanent, None, &[format!("--{option}-zone={zone}")], context)?;
        self.msgs.push(format!("{said} zone {zone}"));
        self.msgs.push(format!("Changed zone {zone} to {}", self.args.str("state")?));
        Ok(Some(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(given: Map) -> Result<Option<(String, bool)>, String> {
        let args = SPEC.parse(&given, &|_| None).map_err(|errors| errors[0].to_string())?;
        item(&args, "public")
            .map(|item| item.map(|item| (item.option, item.wanted)))
            .map_err(|failure| failure.msg)
    }

    #[test]
    fn arguments_become_firewalls_options() {
        let with = |name: &str, value: Value| {
            Map::from([
                (name, value),
                ("state", "enabled".into()),
                ("permanent", true.into()),
                ("zone", "public".into()),
            ])
        };
        let forward =
            Map::from([("port", Value::from(443)), ("proto", "tcp".into()), ("toport", 8443.into())]);
        for (name, value, expected) in [
            ("service", Value::from("https"), "service=https"),
            ("port", "161-162/udp".into(), "port=161-162/udp"),
            (
                "rich_rule",
                "rule service name=\"ftp\" accept".into(),
                "rich-rule=rule service name=\"ftp\" accept",
            ),
            (
                "port_forward",
                vec![Value::from(forward)].into(),
                "forward-port=port=443:proto=tcp:toport=8443:toaddr=",
            ),
            ("interface", "eth2".into(), "interface=eth2"),
            ("masquerade", true.into(), "masquerade"),
        ] {
            assert_eq!(option(with(name, value)), Ok(Some((expected.to_owned(), true))), "{name}");
        }
        assert_eq!(option(with("masquerade", false.into())), Ok(Some(("masquerade".to_owned(), false))));
        assert_eq!(
            option(with("port", "80".into())).unwrap_err(),
            "improper port format (missing protocol?)"
        );
    }

    #[test]
    fn a_source_needs_a_word_on_permanence_and_an_interface_a_zone() {
        let without = |name: &str| option(Map::from([(name, "x"), ("state", "enabled")])).unwrap_err();
        assert!(without("interface").contains("zone"));
    }
}
