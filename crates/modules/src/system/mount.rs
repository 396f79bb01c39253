//! `ansible.posix.mount`: mounted file systems and their lines in fstab.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use data::Value;

use super::fstab::{self, Entry};
use crate::process::{self, Command};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome, RequiredIf, Rules, atomic_write};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "mount",
    collection: "ansible.posix",
    summary: "Control active and configured mount points",
    args: &[
        Arg::path("path").required().aliases(&["name"]).help("The mount point."),
        Arg::str("state")
            .required()
            .choices(&["absent", "absent_from_fstab", "mounted", "present", "unmounted", "remounted", "ephemeral"])
            .help("`mounted`: in fstab and mounted; `present`: in fstab; `absent`: neither, and the folder removed; `ephemeral`: mounted only."),
        Arg::path("src").help("What is mounted: a device, a share, a folder."),
        Arg::str("fstype").help("The kind of file system."),
        Arg::str("opts").help("Options; not given: `defaults`."),
        Arg::bool("opts_no_log").default_bool(false).help("Accepted for playbooks that set it; options are not returned then."),
        Arg::str("dump").default_str("0").help("The fifth field of fstab."),
        Arg::str("passno").default_str("0").help("The sixth field of fstab."),
        Arg::str("fstab").help("The file; not given: `/etc/fstab`."),
        Arg::bool("boot").default_bool(true).help("Whether it is mounted at boot."),
        Arg::bool("backup").default_bool(false).help("Keep a copy of the file before it is changed."),
    ],
    rules: Rules {
        required_if: &[
            RequiredIf::all("state", "mounted", &["src", "fstype"]),
            RequiredIf::all("state", "present", &["src", "fstype"]),
            RequiredIf::all("state", "ephemeral", &["src", "fstype"]),
        ],
        ..Rules::NONE
    },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let mut task = Task::new(args, context)?;
    let changed = match args.str("state")? {
        "present" => task.put_line(context)?,
        "absent_from_fstab" => task.drop_line(context)?,
        "absent" => task.drop_line(context)? && task.clear(context)?,
        "unmounted" => task.is_mounted() && task.unmount(context)?,
        "remounted" => task.remount(context)?,
        "ephemeral" => task.mount_only(context)?,
        _ => task.mount_and_keep(context)?,
    };
    Ok(task.describe(changed, args))
}

/// One mount point and what is asked of it.
struct Task {
    entry: Entry,
    fstab: PathBuf,
    own_fstab: bool,
    boot: bool,
    wants_backup: bool,
    backup: String,
}

impl Task {
    fn new(args: &Args, context: &mut Context) -> Result<Self, Failure> {
        let boot = args.bool("boot");
        let mut options = args.opt_str("opts").unwrap_or("defaults").to_owned();
        if boot && options.split(',').any(|option| option == "noauto") {
            context.warn("Ignore the 'boot' due to 'opts' contains 'noauto'.");
        } else if !boot {
            options += ",noauto";
        }
        let text = |name: &str| args.opt_str(name).unwrap_or_default().to_owned();
        Ok(Self {
            entry: Entry {
                source: text("src"),
                point: text("path"),
                kind: text("fstype"),
                options,
                dump: text("dump"),
                pass: text("passno"),
            },
            fstab: PathBuf::from(args.opt_str("fstab").unwrap_or("/etc/fstab")),
            own_fstab: args.has("fstab"),
            boot,
            wants_backup: args.bool("backup"),
            backup: String::new(),
        })
    }

    fn point(&self) -> &Path {
        Path::new(&self.entry.point)
    }

    fn read_fstab(&self) -> Result<String, Failure> {
        match fs::read_to_string(&self.fstab) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Failure::io("Failed to open", &self.fstab, &error))
            }
            text => Ok(text.unwrap_or_default()),
        }
    }

    fn write_fstab(&mut self, text: &str, context: &Context) -> Result<(), Failure> {
        if context.check {
            return Ok(());
        }
        if self.wants_backup && self.fstab.exists() {
            self.backup = atomic_write::backup(&self.fstab, context)?;
        }
        atomic_write::write(&self.fstab, text.as_bytes(), true)
    }

    fn put_line(&mut self, context: &Context) -> Result<bool, Failure> {
        let before = self.read_fstab()?;
        let after = fstab::with_entry(&before, &self.entry);
        if after == before {
            return Ok(false);
        }
        self.write_fstab(&after, context).map(|()| true)
    }

    fn drop_line(&mut self, context: &Context) -> Result<bool, Failure> {
        let before = self.read_fstab()?;
        let after = fstab::without(&before, &self.entry);
        if after == before {
            return Ok(false);
        }
        self.write_fstab(&after, context).map(|()| true)
    }

    fn is_mounted(&self) -> bool {
        fstab::mounted(&self.entry.point).is_some()
    }

    fn unmount(&self, context: &mut Context) -> Result<bool, Failure> {
        if context.check {
            return Ok(true);
        }
        let program = process::require_program("umount", context)?;
        let output = Command::new(program).arg(self.point()).plain_language().run(context)?;
        self.done("unmounting", &output).map(|()| true)
    }

    /// Unmounts it and removes the folder.
    fn clear(&self, context: &mut Context) -> Result<bool, Failure> {
        if context.check {
            return Ok(true);
        }
        if self.is_mounted() {
            self.unmount(context)?;
        }
        if self.point().exists() {
            let fail = |error: io::Error| Failure::new(format!("Error rmdir {}: {error}", self.entry.point));
            fs::remove_dir(self.point()).map_err(fail)?;
        }
        Ok(true)
    }

    fn mount(&self, with_all: bool, context: &mut Context) -> Result<(), Failure> {
        let program = process::require_program("mount", context)?;
        let mut command = Command::new(program);
        if with_all {
            command =
                command.args(["-t", &self.entry.kind, "-o", &self.entry.options]).arg(&self.entry.source);
        } else if self.own_fstab {
            command = command.arg("-T").arg(&self.fstab);
        }
        let output = command.arg(self.point()).plain_language().run(context)?;
        self.done("mounting", &output)
    }

    fn remount(&self, context: &mut Context) -> Result<bool, Failure> {
        if context.check {
            return Ok(true);
        }
        let program = process::require_program("mount", context)?;
        let mut command = Command::new(program);
        if self.own_fstab {
            command = command.arg("-T").arg(&self.fstab);
        }
        let output = command.args(["-o", "remount"]).arg(self.point()).plain_language().run(context)?;
        if output.ok() {
            return Ok(true);
        }
        // Some kinds of file systems cannot be remounted in place.
        self.unmount(context)?;
        self.mount(false, context).map(|()| true)
    }

    /// In fstab and mounted; if mounting fails, fstab and folders are as before.
    fn mount_and_keep(&mut self, context: &mut Context) -> Result<bool, Failure> {
        let before = self.read_fstab()?;
        let made = if context.check { Vec::new() } else { make_folders(self.point())? };
        let changed = self.put_line(context)?;
        let mounted = self.is_mounted();
        let result = match (mounted, changed) {
            _ if context.check => Ok(()),
            (true, true) => self.remount(context).map(drop),
            (true, false) => Ok(()),
            (false, _) => self.mount(false, context),
        };
        if let Err(failure) = result {
            if changed {
                let _ = atomic_write::write(&self.fstab, before.as_bytes(), true);
            }
            for folder in made.iter().rev() {
                let _ = fs::remove_dir(folder);
            }
            return Err(failure);
        }
        Ok(changed || !mounted)
    }

    /// Mounted without a line in fstab.
    fn mount_only(&mut self, context: &mut Context) -> Result<bool, Failure> {
        match fstab::mounted(&self.entry.point) {
            Some(source) if fstab::same_source(&source, &self.entry) => self.remount(context),
            Some(_) => Err(Failure::new(
                "Ephemeral mount point is already mounted with a different source than the specified one. Failing in order to prevent an \
                 unwanted unmount or override operation. Try replacing this command with a \"state: unmounted\" followed by a \
                 \"state: ephemeral\", or use a different destination path.",
            )),
            None if context.check => Ok(true),
            None => {
                make_folders(self.point())?;
                self.mount(true, context).map(|()| true)
            }
        }
    }

    fn done(&self, what: &str, output: &process::Output) -> Result<(), Failure> {
        if output.ok() {
            return Ok(());
        }
        let words = output.stdout_text() + &output.stderr_text();
        Err(Failure::new(format!("Error {what} {}: {}", self.entry.point, words.trim())))
    }

    fn describe(self, changed: bool, args: &Args) -> Outcome {
        let entry = self.entry;
        let mut outcome = Outcome::new(changed);
        for (name, value) in [
            ("name", Value::from(entry.point)),
            ("opts", if args.bool("opts_no_log") { Value::Null } else { entry.options.into() }),
            ("dump", entry.dump.into()),
            ("passno", entry.pass.into()),
            ("fstab", self.fstab.display().to_string().into()),
            ("boot", if self.boot { "yes" } else { "no" }.into()),
            ("backup_file", self.backup.into()),
        ] {
            outcome = outcome.with(name, value);
        }
        for (name, value) in [("src", entry.source), ("fstype", entry.kind)] {
            if args.has(name) {
                outcome = outcome.with(name, value);
            }
        }
        outcome
    }
}

/// Makes a folder with its parents; gives those that were not there, outermost first.
fn make_folders(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let missing: Vec<PathBuf> =
        path.ancestors().take_while(|folder| !folder.exists()).map(Path::to_owned).collect();
    fs::create_dir_all(path)
        .map_err(|error| Failure::new(format!("Error making dir {}: {error}", path.display())))?;
    Ok(missing.into_iter().rev().collect())
}
