//! The programs of firewalld: `firewall-cmd` asks the daemon, `firewall-offline-cmd` edits its files where no daemon runs.

use crate::process::{Command, Output, find_program, require_program};
use crate::{Context, Failure};

/// Which of the two settings of the daemon is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// What holds now.
    Running,
    /// What holds after the next start.
    Permanent,
}

/// The way to firewalld on this host.
pub(super) struct FirewallCmd {
    program: std::path::PathBuf,
    /// Whether no daemon runs.
    pub(super) offline: bool,
}

impl FirewallCmd {
    /// Finds the programs and asks whether the daemon runs.
    ///
    /// # Errors
    /// firewalld is not installed.
    pub(super) fn open(context: &mut Context) -> Result<Self, Failure> {
        let online = require_program("firewall-cmd", context)?;
        let runs = Command::new(&online).arg("--state").plain_language().run(context)?;
        if runs.ok() {
            return Ok(Self { program: online, offline: false });
        }
        match find_program("firewall-offline-cmd", context) {
            Some(program) => Ok(Self { program, offline: true }),
            None => Err(Failure::new("firewalld service must be running, or try with offline=true")),
        }
    }

    /// Runs it with these options, for a zone if one is named.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn run(
        &self,
        layer: Layer,
        zone: Option<&str>,
        options: &[String],
        context: &mut Context,
    ) -> Result<Output, Failure> {
        let mut command = Command::new(&self.program).plain_language();
        if layer == Layer::Permanent && !self.offline {
            command = command.arg("--permanent");
        }
        command = command.args(zone.map(|zone| format!("--zone={zone}")));
        command.args(options).run(context)
    }

    /// As [`Self::run`], for what must succeed; gives what was printed.
    ///
    /// # Errors
    /// It does not, in Ansible's words.
    pub(super) fn must(
        &self,
        layer: Layer,
        zone: Option<&str>,
        options: &[String],
        context: &mut Context,
    ) -> Result<String, Failure> {
        let output = self.run(layer, zone, options, context)?;
        if output.ok() {
            return Ok(output.stdout_text().trim().to_owned());
        }
        Err(complaint(&output))
    }

    /// Asks a question that is answered by the exit code: 0 is yes, 1 is no, all else is a complaint.
    ///
    /// # Errors
    /// As [`Self::must`].
    pub(super) fn asks(
        &self,
        layer: Layer,
        zone: Option<&str>,
        options: &[String],
        context: &mut Context,
    ) -> Result<bool, Failure> {
        let output = self.run(layer, zone, options, context)?;
        match output.code {
            0 => Ok(true),
            1 => Ok(false),
            _ => Err(complaint(&output)),
        }
    }

    /// The zone that is meant where none is named.
    ///
    /// # Errors
    /// As [`Self::must`].
    pub(super) fn default_zone(&self, context: &mut Context) -> Result<String, Failure> {
        self.must(Layer::Running, None, &["--get-default-zone".to_owned()], context)
    }
}

fn complaint(output: &Output) -> Failure {
    let (error, printed) = (output.stderr_text(), output.stdout_text());
    let said = if error.trim().is_empty() { printed } else { error };
    let said = said.trim().trim_start_matches("Error: ");
    let mut text = format!("ERROR: Exception caught: {said}");
    if said.contains("INVALID_SERVICE") {
        text.push_str(" Services are defined by port/tcp relationship and named as they are in /etc/services (on most systems)");
    }
    Failure::new(text).with("rc", output.code)
}
