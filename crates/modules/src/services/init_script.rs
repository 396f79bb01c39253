//! Services that are scripts in `/etc/init.d`.

use std::path::{Path, PathBuf};

use crate::process::{self, Command, Output};
use crate::{Context, Failure};

/// The script of a service.
pub(super) fn path(name: &str) -> PathBuf {
    Path::new("/etc/init.d").join(name)
}

/// Whether a service has a script.
pub(super) fn exists(name: &str) -> bool {
    path(name).exists()
}

/// Whether a run level starts the service: a link `S..NAME` in one of `/etc/rc?.d`.
pub(super) fn is_enabled(name: &str) -> bool {
    is_enabled_in(Path::new("/etc"), name)
}

fn is_enabled_in(etc: &Path, name: &str) -> bool {
    let is_start = |link: &str| {
        let number = link.strip_prefix('S').and_then(|rest| rest.strip_suffix(name));
        number.is_some_and(|number| number.chars().count() == 2)
    };
    "0123456S".chars().any(|level| {
        let entries = std::fs::read_dir(etc.join(format!("rc{level}.d"))).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| is_start(&entry.file_name().to_string_lossy()))
    })
}

/// Runs the service's script with an action.
pub(super) fn act(
    name: &str,
    action: &str,
    extra: Option<&str>,
    context: &mut Context,
) -> Result<Output, Failure> {
    let extra = extra.unwrap_or_default();
    let command = match process::find_program("service", context) {
        Some(program) => Command::new(program).args([name, action]),
        None => Command::new(path(name)).arg(action),
    };
    command.args(extra.split_whitespace()).plain_language().run(context)
}

/// Whether the script's `status` says that the service runs: by its exit code, or by its words where the code says nothing.
pub(super) fn is_running(name: &str, context: &mut Context) -> Result<bool, Failure> {
    let output = act(name, "status", None, context)?;
    Ok(runs_by(&output))
}

fn runs_by(output: &Output) -> bool {
    let words = (output.stdout_text() + &output.stderr_text()).to_lowercase();
    let denied =
        ["stopped", "not running", "dead", "inactive", "unused"].iter().any(|word| words.contains(word));
    output.ok() && !denied
}

/// Makes run levels start the service, or not.
pub(super) fn set_enabled(name: &str, enabled: bool, context: &mut Context) -> Result<Output, Failure> {
    if let Some(program) = process::find_program("update-rc.d", context) {
        let defaults = Command::new(&program).args([name, "defaults"]).run(context)?;
        if !defaults.ok() {
            return Ok(defaults);
        }
        return Command::new(program).args([name, if enabled { "enable" } else { "disable" }]).run(context);
    }
    let program = process::require_program("chkconfig", context)?;
    Command::new(program).args([name, if enabled { "on" } else { "off" }]).run(context)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_start_link_enables() {
        let etc = tempfile::tempdir().unwrap();
        fs::create_dir(etc.path().join("rc2.d")).unwrap();
        fs::write(etc.path().join("rc2.d/S01cron"), "").unwrap();
        fs::write(etc.path().join("rc2.d/K01ssh"), "").unwrap();
        assert!(is_enabled_in(etc.path(), "cron"));
        assert!(!is_enabled_in(etc.path(), "ssh"));
        assert!(!is_enabled_in(etc.path(), "1cron"));
    }

    #[test]
    fn words_and_codes_tell_whether_it_runs() {
        let output = |code, text: &str| Output { code, stdout: text.as_bytes().to_vec(), stderr: Vec::new() };
        assert!(runs_by(&output(0, "cron is running.")));
        assert!(!runs_by(&output(0, "cron is not running")));
        assert!(!runs_by(&output(3, "")));
    }
}
