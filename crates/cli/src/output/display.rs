//! The settings of Ansible's default output.

use crate::settings::Settings;

/// What is shown, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Display {
    /// Hosts where a task is ok.
    pub(crate) ok_hosts: bool,
    /// Hosts that skip a task.
    pub(crate) skipped_hosts: bool,
    /// Failures go to standard error.
    pub(crate) failed_on_stderr: bool,
    /// A line when a task begins on a host.
    pub(crate) host_starts: bool,
    /// `[CHECK MODE]` in headlines.
    pub(crate) check_markers: bool,
    /// The file and line of a task that failed.
    pub(crate) path_on_failure: bool,
    /// A task's arguments in its headline.
    pub(crate) args: bool,
    /// What `set_stats` gathered.
    pub(crate) custom_stats: bool,
    /// Warnings of what is deprecated.
    pub(crate) deprecations: bool,
    /// Results over several lines; `None` leaves it to the result.
    pub(crate) pretty: Option<bool>,
    /// What only those who look for faults of the engine want to know.
    pub(crate) debug: bool,
    /// Lines around a difference.
    pub(crate) diff_context: usize,
}

impl Default for Display {
    /// Ansible's defaults.
    fn default() -> Self {
        Self {
            ok_hosts: true,
            skipped_hosts: true,
            failed_on_stderr: false,
            host_starts: false,
            check_markers: false,
            path_on_failure: false,
            args: false,
            custom_stats: false,
            deprecations: true,
            pretty: None,
            debug: false,
            diff_context: 3,
        }
    }
}

impl Display {
    /// As the settings say.
    pub(crate) fn of(settings: &Settings) -> Self {
        let context = settings.number("DIFF_CONTEXT").and_then(|lines| usize::try_from(lines).ok());
        Self {
            ok_hosts: settings.flag("display_ok_hosts"),
            skipped_hosts: settings.flag("DISPLAY_SKIPPED_HOSTS"),
            failed_on_stderr: settings.flag("display_failed_stderr"),
            host_starts: settings.flag("show_per_host_start"),
            check_markers: settings.flag("check_mode_markers"),
            path_on_failure: settings.flag("show_task_path_on_failure"),
            args: settings.flag("DISPLAY_ARGS_TO_STDOUT"),
            custom_stats: settings.flag("SHOW_CUSTOM_STATS"),
            deprecations: settings.flag("DEPRECATION_WARNINGS"),
            pretty: settings.flag_if_set("pretty_results"),
            debug: settings.flag("DEFAULT_DEBUG"),
            diff_context: context.unwrap_or(3),
        }
    }

    /// Whether every task has its headline, whatever its results are.
    pub(crate) fn all_headlines(&self) -> bool {
        self.ok_hosts && self.skipped_hosts
    }
}
