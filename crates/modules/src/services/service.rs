//! `service`: services under whatever manages them here: systemd, else init scripts.

use super::init_script;
use super::systemctl::Systemctl;
use super::systemd::{self, Wanted};
use crate::facts::managers;
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome, Rules};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "service",
    aliases: &["sysvinit"],
    summary: "Manage services",
    args: &[
        Arg::str("name").required().help("The service."),
        Arg::str("state")
            .choices(&["reloaded", "restarted", "started", "stopped"])
            .help("`started` and `stopped` act only if needed; `restarted` and `reloaded` act always."),
        Arg::bool("enabled").help("Whether the service starts at boot."),
        Arg::int("sleep").help("Seconds between stop and start of a restart; init scripts only."),
        Arg::str("pattern")
            .help("Text to look for among processes where a script knows no `status`; init scripts only."),
        Arg::str("runlevel").default_str("default").help("For OpenRC only; accepted and not used here."),
        Arg::str("arguments")
            .default_str("")
            .aliases(&["args"])
            .help("Words to add to the script's action; init scripts only."),
        Arg::str("use")
            .default_str("auto")
            .help("Which manager to use: `auto`, `systemd`, `sysvinit` or `service`."),
    ],
    rules: Rules { required_one_of: &[&["state", "enabled"]], ..Rules::NONE },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let name = args.str("name")?;
    let (state, enabled) = (args.opt_str("state"), args.opt_bool("enabled"));
    let systemd = match args.str("use")? {
        "auto" => managers::booted_by_systemd() || !init_script::exists(name),
        "systemd" | "ansible.builtin.systemd" | "ansible.builtin.systemd_service" => true,
        "sysvinit" | "service" | "ansible.builtin.sysvinit" | "ansible.builtin.service" => false,
        other => {
            return Err(Failure::new(format!(
                "`use: {other}` is not supported; use `auto`, `systemd` or `sysvinit`"
            )));
        }
    };
    if systemd {
        for unused in ["pattern", "sleep"].into_iter().filter(|unused| args.has(unused)) {
            context.warn(format!("Ignoring \"{unused}\" as it is not used in \"systemd\""));
        }
        let systemctl = Systemctl::new(Vec::new(), context)?;
        return systemd::manage(
            name,
            &Wanted { state, enabled, masked: None, scope: "system" },
            &systemctl,
            context,
        );
    }
    if !init_script::exists(name) {
        return Err(Failure::new(format!("Could not find the requested service {name}: host")));
    }
    let mut outcome = Outcome::unchanged().with("name", name);
    if let Some(enabled) = enabled {
        if init_script::is_enabled(name) != enabled {
            outcome.changed = true;
            if !context.check {
                let output = init_script::set_enabled(name, enabled, context)?;
                let action = if enabled { "enable" } else { "disable" };
                fail_unless(output.ok(), action, name, &output)?;
            }
        }
        outcome.fields.insert("enabled", enabled);
    }
    if let Some(state) = state {
        outcome.changed |= bring_to(state, name, args, context)?;
        let becomes = if state == "stopped" { "stopped" } else { "started" };
        outcome.fields.insert("state", becomes);
    }
    Ok(outcome)
}

/// Whether something had to be done.
fn bring_to(state: &str, name: &str, args: &Args, context: &mut Context) -> Result<bool, Failure> {
    let running = match args.opt_str("pattern") {
        Some(pattern) => any_process_has(pattern),
        None => init_script::is_running(name, context)?,
    };
    let actions: &[&str] = match (state, running) {
        ("started", true) | ("stopped", false) => return Ok(false),
        ("stopped", true) => &["stop"],
        ("started", false) | (_, false) => &["start"],
        ("restarted", true) if args.has("sleep") => &["stop", "start"],
        ("restarted", true) => &["restart"],
        (_, true) => &["reload"],
    };
    if context.check {
        return Ok(true);
    }
    for (index, action) in actions.iter().enumerate() {
        if index > 0 {
            let seconds = u64::try_from(args.int("sleep").unwrap_or(0)).unwrap_or(0);
            std::thread::sleep(std::time::Duration::from_secs(seconds));
        }
        let output = init_script::act(name, action, args.opt_str("arguments"), context)?;
        fail_unless(output.ok(), action, name, &output)?;
    }
    Ok(true)
}

fn any_process_has(pattern: &str) -> bool {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let own = std::process::id().to_string();
    let numbers = processes.filter(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()) && name != *own
    });
    numbers.into_iter().any(|entry| {
        let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).replace('\0', " ").contains(pattern)
    })
}

fn fail_unless(ok: bool, action: &str, name: &str, output: &crate::process::Output) -> Result<(), Failure> {
    if ok {
        return Ok(());
    }
    let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
    Err(Failure::new(format!("Unable to {action} service {name}: {stdout}{stderr}"))
        .with("rc", output.code)
        .with("stdout", stdout)
        .with("stderr", stderr))
}
