//! The program of the host and the options that the arguments mean to it.

use std::fs;
use std::time::{Duration, Instant};

use super::complaint;
use super::failed;
use crate::process::{self, Command, Output};
use crate::{Args, Context, Failure};

/// Which program it is; they share a command line but not every option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavor {
    /// yum 3 of CentOS 7.
    Yum3,
    /// dnf up to 4, under this name or as `yum`.
    Dnf4,
    /// dnf 5.
    Dnf5,
}

/// The package manager of the host.
#[derive(Debug)]
pub(super) struct Manager {
    program: String,
    pub(super) flavor: Flavor,
    options: Vec<String>,
    lock_timeout: Duration,
}

impl Manager {
    /// The program that `use_backend` names, else the first that is there.
    pub(super) fn find(args: &Args, context: &mut Context) -> Result<Self, Failure> {
        let candidates: &[&str] = match args.str("use_backend")? {
            "dnf5" => &["dnf5"],
            "dnf" | "dnf4" | "yum4" => &["dnf-3", "dnf"],
            _ => &["dnf", "dnf5", "dnf-3", "yum"],
        };
        let found = candidates.iter().find_map(|name| process::find_program(name, context));
        let found = found.ok_or_else(|| {
            failed(format!(
                "no package manager for RPM packages was found: looked for {}",
                candidates.join(", ")
            ))
        })?;
        let target = fs::canonicalize(&found).unwrap_or_else(|_| found.clone());
        let flavor = match target.file_name().and_then(|name| name.to_str()) {
            Some("dnf5") => Flavor::Dnf5,
            Some("yum") => Flavor::Yum3,
            _ => Flavor::Dnf4,
        };
        let seconds = args.int("lock_timeout").and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0);
        Ok(Self {
            program: found.to_string_lossy().into_owned(),
            flavor,
            options: options(args, flavor),
            lock_timeout: Duration::from_secs(seconds),
        })
    }

    /// Runs a subcommand. Waits as long as it may for another program to let go of the lock, and goes on without repositories to enable
    /// that do not exist, as Ansible does.
    pub(super) fn run(&self, words: &[&str], context: &mut Context) -> Result<Output, Failure> {
        let end = Instant::now() + self.lock_timeout;
        let mut options = self.options.clone();
        loop {
            let command = Command::new(&self.program).args(&options).args(words).plain_language();
            let output = command.run(context)?;
            if output.ok() {
                return Ok(output);
            }
            let said = complaint::said(&output);
            if let Some(unknown) = complaint::unknown_repository(&said) {
                let before = options.len();
                options.retain(|option| *option != format!("--enablerepo={unknown}"));
                if options.len() < before {
                    continue;
                }
            }
            if !complaint::is_locked(&said) || Instant::now() >= end {
                return Ok(output);
            }
            context.go_on()?;
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// As [`Self::run`] for a question; its answer goes to standard output alone.
    pub(super) fn ask(&self, words: &[&str], context: &mut Context) -> Result<String, Failure> {
        let quiet: Vec<&str> = std::iter::once("-q").chain(words.iter().copied()).collect();
        let output = self.run(&quiet, context)?;
        if output.ok() {
            Ok(output.stdout_text())
        } else if complaint::has_no_repository(&complaint::said(&output)) {
            Ok(String::new())
        } else {
            Err(complaint::explain(&output))
        }
    }

    /// Fetches the package lists.
    pub(super) fn fetch_lists(&self, context: &mut Context) -> Result<(), Failure> {
        let output = self.run(&["makecache"], context)?;
        if output.ok() { Ok(()) } else { Err(complaint::explain(&output)) }
    }
}

/// What the arguments are on the command line, before the subcommand.
fn options(args: &Args, flavor: Flavor) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut add = |text: String| all.push(text);
    for (name, option) in [("conf_file", "--config"), ("releasever", "--releasever")] {
        if let Some(value) = args.opt_str(name) {
            add(format!("{option}={value}"));
        }
    }
    if let Some(root) = args.opt_str("installroot").filter(|root| *root != "/") {
        add(format!("--installroot={root}"));
        if flavor == Flavor::Dnf5 {
            add("--use-host-config".to_owned());
        }
    }
    // In this order: what is enabled is enabled even if all was disabled.
    for (name, option) in [
        ("disable_plugin", "--disableplugin"),
        ("enable_plugin", "--enableplugin"),
        ("disablerepo", "--disablerepo"),
        ("enablerepo", "--enablerepo"),
        ("exclude", "--exclude"),
    ] {
        for value in super::split_commas(&args.strings(name)).iter().filter(|value| !value.is_empty()) {
            add(format!("{option}={value}"));
        }
    }
    if let Some(value) = args.opt_str("disable_excludes") {
        add(format!("--disableexcludes={value}"));
    }
    // Ansible's module asks for signatures whatever the configuration says, except where a repository has its own word on it.
    if args.bool("disable_gpg_check") {
        add("--nogpgcheck".to_owned());
    } else {
        add("--setopt=gpgcheck=1".to_owned());
        add("--setopt=localpkg_gpgcheck=1".to_owned());
    }
    let setting = |name: &str, on: bool| format!("--setopt={name}={}", i32::from(on));
    add(setting("sslverify", args.bool("sslverify")));
    add(setting("exit_on_lock", true));
    if args.bool("skip_broken") {
        add("--skip-broken".to_owned());
    }
    if args.bool("cacheonly") {
        add("--cacheonly".to_owned());
    } else if args.bool("update_cache") && flavor != Flavor::Yum3 {
        add("--refresh".to_owned());
    }
    if flavor == Flavor::Yum3 {
        return all;
    }
    add(setting("clean_requirements_on_remove", args.bool("autoremove")));
    add(setting("install_weak_deps", args.bool("install_weak_deps")));
    if let Some(best) = args.opt_bool("best").or_else(|| args.opt_bool("nobest").map(|nobest| !nobest)) {
        add(setting("best", best));
    }
    if flavor == Flavor::Dnf5 {
        // dnf 5 knows this setting no more and refuses what it does not know.
        all.retain(|option| !option.starts_with("--setopt=exit_on_lock"));
        if args.bool("skip_broken") {
            all.push("--skip-unavailable".to_owned());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use data::{Map, Value};

    use super::super::SPEC;
    use super::*;

    fn options_of(more: &[(&'static str, Value)], flavor: Flavor) -> String {
        let mut args = Map::from([("name", "x")]);
        for (name, value) in more {
            args.insert(*name, value.clone());
        }
        options(&SPEC.parse(&args, &|_| None).unwrap(), flavor).join(" ")
    }

    #[test]
    fn repositories_are_disabled_before_others_are_enabled() {
        let given = [
            ("enablerepo", Value::from("epel,extras")),
            ("disablerepo", "*".into()),
            ("nobest", true.into()),
        ];
        let options = options_of(&given, Flavor::Dnf4);
        assert!(options.contains("--disablerepo=* --enablerepo=epel --enablerepo=extras"), "{options}");
        assert!(options.contains("--setopt=best=0"), "{options}");
    }

    #[test]
    fn an_old_yum_gets_no_option_it_does_not_know() {
        let options = options_of(&[("update_cache", true.into()), ("best", true.into())], Flavor::Yum3);
        assert_eq!(
            options,
            "--setopt=gpgcheck=1 --setopt=localpkg_gpgcheck=1 --setopt=sslverify=1 --setopt=exit_on_lock=1"
        );
    }
}
