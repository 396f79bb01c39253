//! Runs `apt-get` with the options that every run has, in a language that can be read back.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::policy_rc_d::PolicyRcD;
use crate::process::{self, Command, Output};
use crate::{Args, Context, Diff, Failure, Outcome};

/// What apt-get prints when there was nothing to do.
const NOTHING_DONE: &str = "\n0 upgraded, 0 newly installed, 0 to remove";

/// `apt-get` and what this task always tells it.
pub(super) struct AptGet {
    program: PathBuf,
    options: Vec<String>,
    policy_rc_d: Option<i64>,
    lock_timeout: Duration,
}

impl AptGet {
    /// Finds apt-get.
    pub(super) fn new(args: &Args, context: &Context) -> Result<Self, Failure> {
        let program = process::require_program("apt-get", context)?;
        let seconds = args.int("lock_timeout").unwrap_or(60);
        let dpkg =
            args.opt_str("dpkg_options").unwrap_or_default().split(',').filter(|option| !option.is_empty());
        let mut options: Vec<String> =
            dpkg.flat_map(|option| ["-o".to_owned(), format!("Dpkg::Options::=--{option}")]).collect();
        options.extend(["-o".to_owned(), format!("DPkg::Lock::Timeout={seconds}")]);
        let lock_timeout = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        Ok(Self { program, options, policy_rc_d: args.int("policy_rc_d"), lock_timeout })
    }

    /// Options that turn `force` and the `allow_*` arguments into apt-get's words.
    pub(super) fn permissions(args: &Args) -> Vec<&'static str> {
        let force = args.bool("force");
        let mut words = Vec::new();
        for (argument, word) in [
            ("allow_unauthenticated", "--allow-unauthenticated"),
            ("allow_downgrade", "--allow-downgrades"),
            ("allow_change_held_packages", "--allow-change-held-packages"),
            ("force", "--allow-remove-essential"),
        ] {
            if force || args.bool(argument) {
                words.push(word);
            }
        }
        words
    }

    /// An apt program with the environment that keeps it from asking questions.
    pub(super) fn plain(program: impl AsRef<std::ffi::OsStr>) -> Command {
        Command::new(program)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("DEBIAN_PRIORITY", "critical")
            .env("LANG", "C.UTF-8")
            .env("LC_ALL", "C.UTF-8")
            .env("LC_MESSAGES", "C.UTF-8")
            .env("LC_CTYPE", "C.UTF-8")
            .env("LANGUAGE", "C.UTF-8")
    }

    /// Runs `apt-get -y OPTIONS ARGS`, simulated in check mode, while services are kept from starting if that was asked for.
    pub(super) fn change(&self, args: &[&str], context: &mut Context) -> Result<(Output, String), Failure> {
        let mut command = Self::plain(&self.program).arg("-y").args(&self.options);
        if context.check {
            command = command.arg("--simulate");
        }
        command = command.args(args);
        let policy = if context.check { None } else { self.policy_rc_d };
        let guard = PolicyRcD::put(policy)?;
        let output = self.run_unlocked(&command, context);
        guard.take_back()?;
        Ok((output?, command.display()))
    }

    /// Runs `apt-get ARGS` as it is.
    pub(super) fn run(&self, args: &[&str], context: &mut Context) -> Result<Output, Failure> {
        self.run_unlocked(&Self::plain(&self.program).args(args), context)
    }

    /// Old releases of apt do not wait for a lock themselves, and no release waits for the lock of the lists.
    fn run_unlocked(&self, command: &Command, context: &mut Context) -> Result<Output, Failure> {
        let start = Instant::now();
        loop {
            let output = command.run(context)?;
            let locked = !output.ok() && output.stderr_text().contains("Could not get lock");
            if !locked || start.elapsed() >= self.lock_timeout {
                return Ok(output);
            }
            context.go_on()?;
            thread::sleep(Duration::from_secs(1));
        }
    }
}

/// The outcome of a run, or its failure in Ansible's words.
pub(super) fn outcome(output: &Output, command: &str, changed: bool) -> Result<Outcome, Failure> {
    let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
    if !output.ok() {
        return Err(Failure::new(format!("'{command}' failed: {stderr}"))
            .with("stdout", stdout)
            .with("stderr", stderr)
            .with("rc", output.code));
    }
    let diff = Diff { prepared: Some(prepared_diff(&stdout)), ..Diff::default() };
    Ok(Outcome::new(changed).with_diff(diff).with("stdout", stdout).with("stderr", stderr))
}

/// Whether apt-get found something to do.
pub(super) fn did_something(output: &Output) -> bool {
    !output.stdout_text().contains(NOTHING_DONE)
}

/// The lines from where apt-get says what it will do to its summary.
fn prepared_diff(stdout: &str) -> String {
    let lines: Vec<&str> = stdout.lines().collect();
    let start = lines.iter().position(|line| *line == "Reading state information...").map_or(0, |at| at + 1);
    let summary = |line: &&str| {
        line.split(' ').next().is_some_and(|word| word.parse::<u32>().is_ok()) && line.contains(" upgraded")
    };
    let end = lines.iter().position(summary).map_or(lines.len(), |at| at + 1);
    lines.get(start..end).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from apt-get 2.6.
    #[test]
    fn the_diff_is_what_apt_get_announces() {
        let out = "Reading package lists...\nBuilding dependency tree...\nReading state information...\n\
                   The following NEW packages will be installed:\n  tree\n0 upgraded, 1 newly installed, 0 to remove and 3 not upgraded.\n\
                   Inst tree (2.1.0-1 Debian:12/stable [amd64])\n";
        let diff = prepared_diff(out);
        assert!(diff.starts_with("The following NEW packages"));
        assert!(diff.ends_with("3 not upgraded."));
    }

    #[test]
    fn a_failed_run_says_which_command_and_why() {
        let output =
            Output { code: 100, stdout: Vec::new(), stderr: b"E: Unable to locate package x\n".to_vec() };
        let failure = outcome(&output, "apt-get install x", true).unwrap_err();
        assert_eq!(failure.msg, "'apt-get install x' failed: E: Unable to locate package x\n");
        assert_eq!(failure.fields.get("rc"), Some(&data::Value::from(100)));
    }
}
