//! `cron`: jobs and variables in a user's crontab or a file of `/etc/cron.d`.

use std::fs;
use std::path::{Path, PathBuf};

use data::Value;

use super::crontab::Crontab;
use crate::process::{self, Command};
use crate::{Arg, Args, Context, Diff, Failure, ModuleSpec, Outcome, Rules, accounts, atomic_write};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "cron",
    summary: "Manage cron.d and crontab entries",
    args: &[
        Arg::str("name").required().help("The job's name, kept in a comment above it, or the variable's."),
        Arg::str("user").help("Whose crontab, or as whom a job of a `cron_file` runs."),
        Arg::str("job").aliases(&["value"]).help("The command, or the variable's value."),
        Arg::path("cron_file")
            .help("A file of `/etc/cron.d`, or an absolute path, in place of a user's crontab."),
        Arg::str("state")
            .default_str("present")
            .choices(&["present", "absent"])
            .help("Whether the job or variable is to be there."),
        Arg::bool("backup").default_bool(false).help("Keep a copy of the crontab before it is changed."),
        Arg::str("minute").default_str("*").help("Minutes."),
        Arg::str("hour").default_str("*").help("Hours."),
        Arg::str("day").default_str("*").aliases(&["dom"]).help("Days of the month."),
        Arg::str("month").default_str("*").help("Months."),
        Arg::str("weekday").default_str("*").aliases(&["dow"]).help("Days of the week."),
        Arg::str("special_time")
            .choices(&["reboot", "yearly", "annually", "monthly", "weekly", "daily", "hourly"])
            .help("A word in place of times."),
        Arg::bool("disabled").default_bool(false).help("Keep the job as a comment."),
        Arg::bool("env").default_bool(false).help("Manage a variable instead of a job."),
        Arg::str("insertafter").help("The variable after which a new one is put."),
        Arg::str("insertbefore").help("The variable before which a new one is put."),
    ],
    rules: Rules { mutually_exclusive: &[&["insertafter", "insertbefore"]], ..Rules::NONE },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    check_arguments(args, context)?;
    let place = Place::of(args, context)?;
    let before = place.read(context)?;
    let mut table = Crontab::parse(&before);
    let changed = change(&mut table, args)?;
    let after = table.text();
    let gone = place.file.is_some() && changed && table.is_empty();
    let mut outcome = Outcome::new(changed);
    if changed {
        if args.bool("backup") && !context.check {
            outcome = outcome.with("backup_file", keep_copy(&before, context)?);
        }
        if !context.check {
            if gone { place.remove()? } else { place.write(&after, context)? }
        }
    }
    let header = place.header();
    if gone {
        // Ansible tells of the file here, not of what was in it.
        let outcome = outcome.with("cron_file", args.opt_str("cron_file")).with("state", "absent");
        return Ok(outcome.with_diff(Diff::text(before, String::new()).headers(header, "/dev/null")));
    }
    let list = |names: Vec<&str>| names.into_iter().map(Value::from).collect::<Value>();
    outcome = outcome.with("jobs", list(table.job_names())).with("envs", list(table.variable_names()));
    if let Some(file) = args.opt_str("cron_file") {
        outcome = outcome.with("cron_file", file);
    }
    if !changed {
        return Ok(outcome);
    }
    Ok(outcome.with_diff(Diff::text(before, after).headers(header.clone(), header)))
}

fn check_arguments(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let fail = |words: &str| Err(Failure::new(words));
    let times = ["minute", "hour", "day", "month", "weekday"];
    if args.has("special_time") && times.iter().any(|time| args.opt_str(time) != Some("*")) {
        return fail("You cannot combine special_time with any of the time or day/date parameters.");
    }
    if args.opt_str("cron_file") == Some("/etc/crontab") {
        return fail("Will not manage /etc/crontab via cron_file, see documentation.");
    }
    if args.bool("env") && args.str("name")?.contains(' ') {
        return fail("Invalid name for environment variable");
    }
    if args.str("state")? == "absent" {
        return Ok(());
    }
    let Some(job) = args.opt_str("job") else {
        return fail("You must specify 'job' to install a new cron job or variable");
    };
    if args.has("cron_file") && !args.has("user") {
        return fail("To use cron_file=... parameter you must specify user=... as well");
    }
    if (args.has("insertafter") || args.has("insertbefore")) && !args.bool("env") {
        return fail("Insertafter and insertbefore parameters are valid only with env=yes");
    }
    if !args.bool("env") && job.trim_matches(['\r', '\n']).contains(['\r', '\n']) {
        context.warn("Job should not contain line breaks");
    }
    Ok(())
}

/// Makes the change; tells whether there was one.
fn change(table: &mut Crontab, args: &Args) -> Result<bool, Failure> {
    let (name, present) = (args.str("name")?, args.str("state")? == "present");
    if args.bool("env") {
        let line = format!("{name}=\"{}\"", args.opt_str("job").unwrap_or_default());
        if !present {
            return Ok(table.remove_variable(name));
        }
        let (after, before) = (args.opt_str("insertafter"), args.opt_str("insertbefore"));
        let set = table.set_variable(name, &line, after, before);
        return set.map_err(|missing| Failure::new(format!("Variable named '{missing}' not found.")));
    }
    Ok(if present { table.set_job(name, &job_line(args)) } else { table.remove_job(name) })
}

fn job_line(args: &Args) -> String {
    let text = |name: &str| args.opt_str(name).unwrap_or_default();
    let mut words = match args.opt_str("special_time") {
        Some(word) => vec![format!("@{word}")],
        None => {
            ["minute", "hour", "day", "month", "weekday"].iter().map(|time| text(time).to_owned()).collect()
        }
    };
    if args.has("cron_file") {
        words.push(text("user").to_owned());
    }
    words.push(text("job").trim_matches(['\r', '\n']).to_owned());
    let comment = if args.bool("disabled") { "#" } else { "" };
    format!("{comment}{}", words.join(" "))
}

/// Where a crontab is.
struct Place {
    file: Option<PathBuf>,
    user: Option<String>,
}

impl Place {
    fn of(args: &Args, context: &mut Context) -> Result<Self, Failure> {
        let file = args.opt_str("cron_file").map(|file| Path::new("/etc/cron.d").join(file));
        let name =
            file.as_ref().and_then(|file| file.file_name()).map(|name| name.to_string_lossy().into_owned());
        if let Some(name) =
            name.filter(|name| !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
        {
            let words =
                "should consist solely of upper- and lower-case letters, digits, underscores, and hyphens";
            context.warn(format!("Filename portion of cron_file (\"{name}\") {words}"));
        }
        if file.is_none() {
            process::require_program("crontab", context)?;
        }
        Ok(Self { file, user: args.opt_str("user").map(str::to_owned) })
    }

    fn header(&self) -> String {
        match (&self.file, &self.user) {
            (Some(file), _) => file.display().to_string(),
            (None, Some(user)) => format!("crontab for user \"{user}\""),
            (None, None) => "crontab".to_owned(),
        }
    }

    /// `crontab`, with the user named if it is another than this process's.
    fn command(&self) -> Command {
        let own = accounts::current_user().map(|user| user.name);
        match self.user.as_ref().filter(|user| own.as_ref() != Some(*user)) {
            Some(user) => Command::new("crontab").args(["-u", user]),
            None => Command::new("crontab"),
        }
    }

    fn read(&self, context: &mut Context) -> Result<String, Failure> {
        if let Some(file) = &self.file {
            return Ok(fs::read_to_string(file).unwrap_or_default());
        }
        let output = self.command().arg("-l").plain_language().run(context)?;
        // One means that there are no jobs.
        if !matches!(output.code, 0 | 1) {
            return Err(Failure::new("Unable to read crontab").with("stderr", output.stderr_text()));
        }
        Ok(without_header(&output.stdout_text()))
    }

    fn write(&self, text: &str, context: &mut Context) -> Result<(), Failure> {
        if let Some(file) = &self.file {
            return atomic_write::write(file, text.as_bytes(), false);
        }
        let output = self.command().arg("-").input(text.as_bytes()).plain_language().run(context)?;
        if output.ok() {
            return Ok(());
        }
        Err(Failure::new("Failed to install new cronfile")
            .with("stderr", output.stderr_text())
            .with("rc", output.code))
    }

    fn remove(&self) -> Result<(), Failure> {
        match &self.file {
            Some(file) if file.exists() => {
                fs::remove_file(file).map_err(|error| Failure::io("could not remove", file, &error))
            }
            _ => Ok(()),
        }
    }
}

/// Some crontab programs print their own header, which must not be put in again.
fn without_header(text: &str) -> String {
    let is_header = |line: &str| {
        line.starts_with("# DO NOT EDIT THIS FILE - edit the master and reinstall.")
            || (line.starts_with("# (/tmp/") && line.contains("installed on"))
            || (line.starts_with("# (") && line.contains("version"))
    };
    let lines = text.lines().enumerate().filter(|(index, line)| *index > 2 || !is_header(line));
    lines.map(|(_, line)| format!("{line}\n")).collect()
}

fn keep_copy(text: &str, context: &Context) -> Result<String, Failure> {
    let path = context.tmpdir.join(format!("crontab.{}", std::process::id()));
    atomic_write::write(&path, text.as_bytes(), false)?;
    Ok(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use data::Map;

    use super::*;
    use crate::{RunRequest, run_local};

    fn call(file: &Path, more: &[(&'static str, &str)]) -> Map {
        let mut args = Map::from([("cron_file", file.to_str().unwrap()), ("name", "job"), ("user", "root")]);
        for (name, value) in more {
            args.insert(*name, *value);
        }
        run_local(&RunRequest::new("cron", args))
    }

    #[test]
    fn a_job_is_put_in_once_changed_and_taken_out() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jobs");
        let changed = |result: &Map| result.get("changed") == Some(&Value::from(true));
        assert!(changed(&call(&file, &[("job", "/bin/true"), ("minute", "5")])));
        assert_eq!(fs::read_to_string(&file).unwrap(), "#Ansible: job\n5 * * * * root /bin/true\n");
        assert!(!changed(&call(&file, &[("job", "/bin/true"), ("minute", "5")])));
        assert!(changed(&call(
            &file,
            &[("job", "/bin/true"), ("special_time", "daily"), ("disabled", "yes")]
        )));
        assert_eq!(fs::read_to_string(&file).unwrap(), "#Ansible: job\n#@daily root /bin/true\n");
        assert!(changed(&call(&file, &[("state", "absent")])));
        assert!(!file.exists());
        assert!(!changed(&call(&file, &[("state", "absent")])));
    }

    #[test]
    fn times_that_contradict_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let result =
            call(&folder.path().join("x"), &[("job", "a"), ("special_time", "daily"), ("hour", "1")]);
        assert!(result.get_str("msg").unwrap().starts_with("You cannot combine special_time"));
    }

    /// Recorded from Vixie cron 3.0.
    #[test]
    fn the_programs_own_header_is_dropped() {
        let text = "# DO NOT EDIT THIS FILE - edit the master and reinstall.\n# (/tmp/x installed on Mon)\n# (Cron version V5.0)\n0 * * * * x\n";
        assert_eq!(without_header(text), "0 * * * * x\n");
    }
}
