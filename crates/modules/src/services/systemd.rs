//! `systemd_service` (`systemd`): units of systemd: running, enabled, masked.

use std::path::Path;

use data::Map;

use super::init_script;
use super::systemctl::{Systemctl, is_offline, parse_show, was_ignored};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome, Rules};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "systemd_service",
    aliases: &["systemd"],
    summary: "Manage systemd units",
    args: &[
        Arg::str("name")
            .aliases(&["service", "unit"])
            .help("The unit; `.service` is added if it has no suffix."),
        Arg::str("state")
            .choices(&["reloaded", "restarted", "started", "stopped"])
            .help("`started` and `stopped` act only if needed; `restarted` and `reloaded` act always."),
        Arg::bool("enabled").help("Whether the unit starts at boot."),
        Arg::bool("force").help("Whether to override existing links."),
        Arg::bool("masked").help("Whether the unit cannot be started at all."),
        Arg::bool("daemon_reload")
            .default_bool(false)
            .aliases(&["daemon-reload"])
            .help("Make systemd read its unit files again first."),
        Arg::bool("daemon_reexec")
            .default_bool(false)
            .aliases(&["daemon-reexec"])
            .help("Make systemd replace itself first."),
        Arg::str("scope")
            .default_str("system")
            .choices(&["system", "user", "global"])
            .help("Which manager: the system's, the user's, or that of all users."),
        Arg::bool("no_block").default_bool(false).help("Do not wait until the request is carried out."),
    ],
    rules: Rules {
        required_one_of: &[&["state", "enabled", "masked", "daemon_reload", "daemon_reexec"]],
        required_by: &[("state", &["name"]), ("enabled", &["name"]), ("masked", &["name"])],
        ..Rules::NONE
    },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let wanted = Wanted {
        state: args.opt_str("state"),
        enabled: args.opt_bool("enabled"),
        masked: args.opt_bool("masked"),
        scope: args.str("scope")?,
    };
    let mut options = Vec::new();
    if wanted.scope != "system" {
        options.push(format!("--{}", wanted.scope));
    }
    for (argument, option) in [("no_block", "--no-block"), ("force", "--force")] {
        if args.bool(argument) {
            options.push(option.to_owned());
        }
    }
    let systemctl = Systemctl::new(options, context)?;
    for (argument, command) in [("daemon_reload", "daemon-reload"), ("daemon_reexec", "daemon-reexec")] {
        if args.bool(argument) && !context.check {
            renew(command, &systemctl, context)?;
        }
    }
    let Some(name) = args.opt_str("name") else {
        return Ok(Outcome::unchanged().with("name", data::Value::Null).with("status", Map::new()));
    };
    manage(name, &wanted, &systemctl, context)
}

/// How a unit is to be; what is `None` stays as it is.
pub(super) struct Wanted<'a> {
    /// `started`, `stopped`, `restarted` or `reloaded`.
    pub(super) state: Option<&'a str>,
    /// Whether it starts at boot.
    pub(super) enabled: Option<bool>,
    /// Whether it is masked.
    pub(super) masked: Option<bool>,
    /// `system`, `user` or `global`.
    pub(super) scope: &'a str,
}

/// Brings a unit into the wanted state.
pub(super) fn manage(
    name: &str,
    wanted: &Wanted<'_>,
    systemctl: &Systemctl,
    context: &mut Context,
) -> Result<Outcome, Failure> {
    if let Some(special) = ["*", "?", "["].into_iter().find(|special| name.contains(special)) {
        let words = "This module does not currently support using glob patterns";
        return Err(Failure::new(format!("{words}, found '{special}' in service name: {name}")));
    }
    let mut unit = Unit::look(name, systemctl, context)?;
    if unit.is_script && !unit.is_systemd {
        context.warn(format!(
            "The service ({name}) is actually an init script but the system is managed by systemd"
        ));
    }
    if let Some(masked) = wanted.masked {
        unit.mask(masked, context)?;
    }
    if let Some(enabled) = wanted.enabled {
        unit.enable(enabled, wanted.scope, context)?;
    }
    if let Some(state) = wanted.state {
        unit.bring_to(state, context)?;
    }
    Ok(unit.outcome)
}

fn renew(command: &str, systemctl: &Systemctl, context: &mut Context) -> Result<(), Failure> {
    let output = systemctl.run(&[command], context)?;
    let (code, errors) = (output.code, output.stderr_text());
    if output.ok() {
        Ok(())
    } else if is_offline(context) {
        let words = "but target is a chroot or systemd is offline. Continuing. Error was:";
        context.warn(format!("{command} failed, {words} {code} / {errors}"));
        Ok(())
    } else {
        Err(Failure::new(format!("failure {code} during {command}: {errors}")))
    }
}

/// A unit as it is, and what has been done to it.
struct Unit<'a> {
    name: &'a str,
    systemctl: &'a Systemctl,
    status: Map,
    is_systemd: bool,
    is_script: bool,
    outcome: Outcome,
}

impl<'a> Unit<'a> {
    fn look(name: &'a str, systemctl: &'a Systemctl, context: &mut Context) -> Result<Self, Failure> {
        let output = systemctl.run(&["show", name], context)?;
        let (mut status, is_systemd);
        if output.ok() && !was_ignored(&output) {
            status = parse_show(&output.stdout_text());
            let load = status.get_str("LoadState").unwrap_or("not-found");
            is_systemd = load != "not-found";
            if let (true, Some(error)) = (is_systemd && load != "masked", status.get_str("LoadError")) {
                return Err(Failure::new(format!("Error loading unit file '{name}': {error}")));
            }
        } else if output.code == 1 && output.stderr_text().contains("Failed to parse bus message") {
            // Old releases cannot show some template units; they are found by other ways.
            status = parse_show(&output.stdout_text());
            let base = name.split_inclusive('@').next().unwrap_or(name);
            let listed = systemctl.run(&["list-unit-files", &format!("{base}*")], context)?;
            is_systemd = listed.stdout_text().contains(base);
            let active = systemctl.run(&["is-active", name], context)?;
            status.insert("ActiveState", active.stdout_text().trim_end());
        } else {
            status = Map::new();
            is_systemd = is_known_offline(name, systemctl, context)?;
        }
        let outcome = Outcome::unchanged().with("name", name).with("status", status.clone());
        Ok(Self { name, systemctl, status, is_systemd, is_script: init_script::exists(name), outcome })
    }

    fn must_exist(&self) -> Result<(), Failure> {
        if self.is_systemd || self.is_script {
            return Ok(());
        }
        Err(Failure::new(format!("Could not find the requested service {}: host", self.name)))
    }

    fn mask(&mut self, masked: bool, context: &mut Context) -> Result<(), Failure> {
        let output = self.systemctl.run(&["is-enabled", self.name], context)?;
        if (output.stdout_text().trim() == "masked") == masked {
            return Ok(());
        }
        self.outcome.changed = true;
        if context.check {
            return Ok(());
        }
        let action = if masked { "mask" } else { "unmask" };
        let output = self.systemctl.run(&[action, self.name], context)?;
        if output.ok() {
            return Ok(());
        }
        self.must_exist()?;
        let reason = output.stderr_text();
        Err(Failure::new(format!("Failed to {action} the service ({}): {}", self.name, reason.trim())))
    }

    fn enable(&mut self, wanted: bool, scope: &str, context: &mut Context) -> Result<(), Failure> {
        self.must_exist()?;
        let output = self.systemctl.run(&["is-enabled", self.name, "-l"], context)?;
        let told = output.stdout_text();
        let enabled = match output.code {
            // These three succeed, but a unit that is only so is not enabled for good.
            0 => !matches!(told.trim_end(), "enabled-runtime" | "indirect" | "alias"),
            1 if scope == "system" && self.is_script && !told.trim().ends_with("disabled") => {
                init_script::is_enabled(self.name)
            }
            _ => false,
        };
        let mut now = enabled;
        if enabled != wanted {
            self.outcome.changed = true;
            if !context.check {
                let action = if wanted { "enable" } else { "disable" };
                let output = self.systemctl.run(&[action, self.name], context)?;
                if !output.ok() {
                    let reason = output.stdout_text() + &output.stderr_text();
                    return Err(Failure::new(format!("Unable to {action} service {}: {reason}", self.name)));
                }
            }
            now = wanted;
        }
        self.outcome.fields.insert("enabled", now);
        Ok(())
    }

    fn bring_to(&mut self, state: &str, context: &mut Context) -> Result<(), Failure> {
        self.must_exist()?;
        let Some(active) = self.status.get_str("ActiveState") else {
            self.outcome.fields.insert("state", state);
            if is_offline(context) {
                let words = "This can lead to false positives or prevent the init system tools from working.";
                context.warn(format!("Target is a chroot or systemd is offline. {words}"));
                return Ok(());
            }
            return Err(Failure::new("Service is in unknown state").with("status", self.status.clone()));
        };
        let (action, becomes) = next_action(state, active);
        self.outcome.fields.insert("state", becomes);
        let Some(action) = action else { return Ok(()) };
        self.outcome.changed = true;
        if context.check {
            return Ok(());
        }
        let output = self.systemctl.run(&[action, self.name], context)?;
        if output.ok() {
            return Ok(());
        }
        Err(Failure::new(format!("Unable to {action} service {}: {}", self.name, output.stderr_text())))
    }
}

/// What to ask systemd for, and the state that the result shows.
fn next_action<'a>(wanted: &'a str, active: &str) -> (Option<&'static str>, &'a str) {
    let running = matches!(active, "active" | "activating");
    match wanted {
        "started" => ((!running).then_some("start"), wanted),
        "stopped" => ((running || active == "deactivating").then_some("stop"), wanted),
        _ if !running => (Some("start"), "started"),
        "restarted" => (Some("restart"), "started"),
        _ => (Some("reload"), "started"),
    }
}

/// Whether a unit is known to a systemd that does not run.
fn is_known_offline(name: &str, systemctl: &Systemctl, context: &mut Context) -> Result<bool, Failure> {
    const STATES: [&str; 11] = [
        "enabled",
        "enabled-runtime",
        "linked",
        "linked-runtime",
        "masked",
        "masked-runtime",
        "static",
        "indirect",
        "disabled",
        "generated",
        "transient",
    ];
    let enabled = systemctl.run(&["is-enabled", name], context)?;
    if STATES.contains(&enabled.stdout_text().trim()) {
        return Ok(true);
    }
    if systemctl.run(&["list-unit-files", name], context)?.ok() {
        return Ok(true);
    }
    let plain = systemctl.run(&[], context)?;
    if plain.ok() || !Path::new("/run/systemd/system").exists() && is_offline(context) {
        return Ok(false);
    }
    Err(Failure::new(plain.stderr_text().trim()).with("rc", plain.code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_is_asked_for() {
        for (wanted, active, action, becomes) in [
            ("started", "active", None, "started"),
            ("started", "activating", None, "started"),
            ("started", "inactive", Some("start"), "started"),
            ("started", "failed", Some("start"), "started"),
            ("stopped", "inactive", None, "stopped"),
            ("stopped", "deactivating", Some("stop"), "stopped"),
            ("stopped", "active", Some("stop"), "stopped"),
            ("restarted", "active", Some("restart"), "started"),
            ("restarted", "inactive", Some("start"), "started"),
            ("reloaded", "active", Some("reload"), "started"),
            ("reloaded", "failed", Some("start"), "started"),
        ] {
            assert_eq!(next_action(wanted, active), (action, becomes), "{wanted} {active}");
        }
    }
}
