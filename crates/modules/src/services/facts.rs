//! `service_facts`: the state of all services as facts.

use std::path::Path;

use data::{Map, Value};

use super::systemctl::Systemctl;
use crate::facts::managers;
use crate::process::{self, Command};
use crate::{Args, Context, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "service_facts",
    summary: "Return service state information as fact data",
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(_: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let mut services = init_scripts(context)?;
    if managers::booted_by_systemd() {
        let systemctl = Systemctl::new(Vec::new(), context)?;
        let list =
            |what: &[&str], context: &mut Context| systemctl.run(what, context).map(|out| out.stdout_text());
        let units = list(&["list-units", "--no-pager", "--type", "service", "--all", "--plain"], context)?;
        let files = list(&["list-unit-files", "--no-pager", "--type", "service", "--all"], context)?;
        let mut found = loaded(&units);
        let unloaded = add_files(&mut found, &files);
        // One question about all of them; templates have no state.
        let asked: Vec<&str> =
            unloaded.iter().map(String::as_str).filter(|name| !name.contains("@.")).collect();
        if !asked.is_empty() {
            let mut what = vec!["show", "--property=ActiveState"];
            what.extend(&asked);
            add_states(&mut found, &asked, &list(&what, context)?);
        }
        services.extend_from(&found);
    }
    if services.is_empty() {
        let words =
            "Failed to find any services. This can be due to privileges or some other configuration issue.";
        return Ok(Outcome { skipped: true, ..Outcome::unchanged().msg(words) });
    }
    Ok(Outcome::unchanged().with_facts(Map::from([("services", services)])))
}

fn service(name: &str, state: &str, status: &str, source: &str) -> Map {
    Map::from([("name", name), ("state", state), ("status", status), ("source", source)])
}

/// Loaded units with their state.
fn loaded(units: &str) -> Map {
    let mut services = Map::new();
    for words in units.lines().filter(|line| line.contains(".service")).map(words) {
        let [name, _, active, sub, ..] = words.as_slice() else { continue };
        let columns = &words[..words.len() - 1];
        let bad = ["not-found", "masked", "failed"].into_iter().find(|bad| columns.contains(bad));
        let state = if *sub == "running" { "running" } else { "stopped" };
        services.insert(*name, service(name, state, bad.unwrap_or(active), "systemd"));
    }
    services
}

/// Adds what unit files say about enabling; returns the names that are not loaded.
fn add_files(services: &mut Map, files: &str) -> Vec<String> {
    let mut unloaded = Vec::new();
    for words in files.lines().filter(|line| line.contains(".service")).map(words) {
        let [name, status, ..] = words.as_slice() else { continue };
        match services.get(&**name).and_then(Value::as_map).cloned() {
            None => {
                unloaded.push((*name).to_owned());
                services.insert(*name, service(name, "unknown", status, "systemd"));
            }
            Some(known) if matches!(known.get_str("status"), Some("not-found" | "masked" | "failed")) => {}
            Some(mut known) => {
                known.insert("status", *status);
                services.insert(*name, known);
            }
        }
    }
    unloaded
}

/// Adds the answers of `systemctl show`, one paragraph a name.
fn add_states(services: &mut Map, names: &[&str], shown: &str) {
    let states = shown.lines().filter_map(|line| line.strip_prefix("ActiveState="));
    for (name, state) in names.iter().zip(states) {
        if let Some(mut known) = services.get(&**name).and_then(Value::as_map).cloned() {
            known.insert("state", state);
            services.insert(*name, known);
        }
    }
}

/// The words of a line without the mark of failed units.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().filter(|word| *word != "●" && *word != "*").collect()
}

fn init_scripts(context: &mut Context) -> Result<Map, Failure> {
    let program = process::find_program("service", context);
    if program.is_none() || !Path::new("/etc/init.d").is_dir() {
        return Ok(Map::new());
    }
    let output = Command::new("service").arg("--status-all").plain_language().run(context)?;
    Ok(of_status_all(&(output.stdout_text() + &output.stderr_text())))
}

/// Lines such as ` [ + ]  cron`.
fn of_status_all(text: &str) -> Map {
    let mut services = Map::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["[", sign, "]", name] = words.as_slice() else { continue };
        let state = if *sign == "+" { "running" } else { "stopped" };
        if *sign != "?" {
            services.insert(*name, Map::from([("name", *name), ("state", state), ("source", "sysv")]));
        }
    }
    services
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from systemd 252.
    #[test]
    fn recorded_units_and_files_are_joined() {
        let units = "  UNIT            LOAD      ACTIVE   SUB     DESCRIPTION\n  cron.service    loaded    active   running Cron\n\
                     ● bad.service     loaded    failed   failed  Bad\n  gone.service    not-found inactive dead    gone.service\n\
                     \n3 loaded units listed.\n";
        let files = "UNIT FILE       STATE   PRESET\ncron.service    enabled enabled\nold.service     disabled enabled\n\
                     getty@.service  enabled enabled\n";
        let mut services = loaded(units);
        let unloaded = add_files(&mut services, files);
        assert_eq!(unloaded, ["old.service", "getty@.service"]);
        add_states(&mut services, &["old.service"], "ActiveState=inactive\n");
        let told = |name: &str| {
            let service = services.get(name).unwrap();
            let text = |key: &str| service.get(key).and_then(Value::as_str).unwrap().to_owned();
            (text("state"), text("status"))
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(told("cron.service"), pair("running", "enabled"));
        assert_eq!(told("bad.service"), pair("stopped", "failed"));
        assert_eq!(told("gone.service"), pair("stopped", "not-found"));
        assert_eq!(told("old.service"), pair("inactive", "disabled"));
        assert_eq!(told("getty@.service"), pair("unknown", "enabled"));
    }
}
