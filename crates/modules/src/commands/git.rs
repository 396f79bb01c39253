//! `git`: a repository checked out at a version, through the host's own git.

use std::path::{Path, PathBuf};

use data::Value;

use super::git_repository::Repository;
use crate::process::{Command, require_program};
use crate::{Arg, ArgType, Args, Context, Default, Diff, Failure, ModuleSpec, Outcome, Rules};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "git",
    summary: "Deploy software (or files) from git checkouts",
    args: &[
        Arg::path("dest").help("Where the repository goes; needed unless `clone` is false."),
        Arg::str("repo").required().aliases(&["name"]).help("The address of the repository."),
        Arg::str("version").default_str("HEAD").help("The branch, tag or commit to check out."),
        Arg::str("remote").default_str("origin").help("The name of the remote."),
        Arg::str("refspec").help("More to fetch."),
        Arg::str("reference").help("A repository on the host to take objects from."),
        Arg::bool("force").default_bool(false).help("Throw local changes away."),
        Arg::int("depth").help("How many commits of the past to fetch."),
        Arg::bool("clone").default_bool(true).help("Whether a repository that is not there is fetched."),
        Arg::bool("update").default_bool(true).help("Whether one that is there is updated."),
        Arg::bool("verify_commit").default_bool(false).help("Check the signature of the commit or tag."),
        Arg::list("gpg_allowlist", ArgType::Str)
            .default(Default::List(&[]))
            .aliases(&["gpg_whitelist"])
            .help("Fingerprints of keys that may have signed."),
        Arg::bool("accept_hostkey").default_bool(false).help("Believe any host key."),
        Arg::bool("accept_newhostkey").default_bool(false).help("Believe host keys that are not known yet."),
        Arg::path("key_file").help("A private key for SSH."),
        Arg::str("ssh_opts").help("Options for SSH."),
        Arg::path("executable").help("The git to use."),
        Arg::bool("bare").default_bool(false).help("Keep a repository without files."),
        Arg::bool("recursive").default_bool(true).help("Fetch submodules too."),
        Arg::bool("single_branch").default_bool(false).help("Fetch one branch only."),
        Arg::bool("track_submodules").default_bool(false).help("Take the newest commits of submodules."),
        Arg::raw("umask").help("The umask for what is checked out, octal."),
        Arg::path("archive").help("A file to write an archive of the version to."),
        Arg::str("archive_prefix").help("A folder name in front of all in the archive."),
        Arg::path("separate_git_dir").help("Where the repository itself goes, apart from the files."),
    ],
    rules: Rules {
        mutually_exclusive: &[&["separate_git_dir", "bare"], &["accept_hostkey", "accept_newhostkey"]],
        required_by: &[("archive_prefix", &["archive"])],
        ..Rules::NONE
    },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let mut task = Task::new(args, context)?;
    let there = task.relocate(context)?;
    let before = match there {
        None => None,
        Some(()) => Some(task.repository.revision("HEAD", context)?),
    };
    let outcome = match before {
        None if context.check || !args.bool("clone") => return task.report_remote(context),
        None => {
            task.clone_repository(context)?;
            task.finish(None, context)?
        }
        Some(before) if !args.bool("update") => task.leave(before, context)?,
        Some(before) => match task.update(&before, context)? {
            Some(predicted) => predicted,
            None => task.finish(Some(before), context)?,
        },
    };
    task.archive(outcome, context)
}

/// One run of the module.
struct Task<'a> {
    args: &'a Args,
    repository: Repository,
    /// The address, paths with their scheme: some features need it.
    repo: String,
    version: String,
    remote: String,
    separate: Option<PathBuf>,
    outcome: Outcome,
    had_changes: bool,
    remote_changed: bool,
}

impl<'a> Task<'a> {
    fn new(args: &'a Args, context: &mut Context) -> Result<Self, Failure> {
        let dest = args.opt_path("dest").map(|dest| std::path::absolute(&dest).unwrap_or(dest));
        if dest.is_none() && args.bool("clone") {
            return Err(Failure::new("the destination directory must be specified unless clone=no"));
        }
        let git = match args.opt_path("executable") {
            Some(path) => path,
            None => require_program("git", context)?,
        };
        let written = args.str("repo")?;
        let home = context.variable("HOME").unwrap_or_default();
        let expanded =
            written.strip_prefix("~/").map_or_else(|| written.to_owned(), |rest| format!("{home}/{rest}"));
        let repo = if expanded.starts_with('/') { format!("file://{expanded}") } else { expanded };
        let separate =
            args.opt_path("separate_git_dir").map(|path| std::fs::canonicalize(&path).unwrap_or(path));
        let umask = umask(args)?;
        let ssh = ssh_command(args, context)?;
        Ok(Self {
            args,
            repository: Repository::new(git, dest, args.bool("bare"), umask, ssh)?,
            repo,
            version: args.str("version")?.to_owned(),
            remote: args.str("remote")?.to_owned(),
            separate,
            outcome: Outcome::unchanged(),
            had_changes: false,
            remote_changed: false,
        })
    }

    /// Tells whether a repository is there, after moving it to `separate_git_dir` if it is elsewhere.
    fn relocate(&mut self, context: &Context) -> Result<Option<()>, Failure> {
        let Some(path) = self.repository.git_folder()? else { return Ok(None) };
        if let Some(separate) = self.separate.clone().filter(|separate| path.exists() && *separate != path) {
            self.outcome.changed = true;
            if !context.check {
                self.repository.move_git_folder(&path, &separate)?;
                self.outcome.fields.insert("git_dir_before", path.display().to_string());
                self.outcome.fields.insert("git_dir_now", separate.display().to_string());
                return Ok(separate.join("config").exists().then_some(()));
            }
        }
        Ok(path.join("config").exists().then_some(()))
    }

    fn result(&self, changed: bool, before: Option<&str>, after: &str) -> Outcome {
        let mut outcome = self.outcome.clone();
        outcome.changed |= changed;
        outcome.with("before", before.map_or(Value::Null, Value::from)).with("after", after)
    }

    /// Nothing is there and nothing shall be fetched: only what the remote has is told.
    fn report_remote(&self, context: &mut Context) -> Result<Outcome, Failure> {
        let after = self.repository.remote_head(&self.repo, &self.version, &self.remote, true, context)?;
        let diff = Diff { prepared: Some(format!(">> Newly checked out {after}")), ..Diff::default() };
        Ok(self.result(true, None, &after).with_diff(diff))
    }

    fn clone_repository(&self, context: &mut Context) -> Result<(), Failure> {
        let (repository, args) = (&self.repository, self.args);
        let dest = repository.folder()?.to_path_buf();
        if let Some(parent) = dest.parent() {
            std::fs::create_dir_all(parent).map_err(|error| Failure::io("could not make", parent, &error))?;
        }
        let mut words: Vec<String> = vec!["clone".to_owned()];
        if args.bool("bare") {
            words.push("--bare".to_owned());
        } else {
            words.extend(["--origin".to_owned(), self.remote.clone()]);
        }
        let named = repository.is_remote_branch(&self.repo, &self.version, context)?
            || repository.is_remote_tag(&self.repo, &self.version, context)?;
        let depth = args.int("depth").filter(|depth| *depth > 0);
        if let Some(depth) = depth {
            let any = self.version == "HEAD" || args.has("refspec");
            if any || named {
                words.extend(["--depth".to_owned(), depth.to_string()]);
            }
            if named && !any {
                words.extend(["--branch".to_owned(), self.version.clone()]);
            }
            if !any && !named {
                context.warn("Ignoring depth argument. Shallow clones are only available for HEAD, branches, tags or in combination with refspec.");
            }
        }
        if let Some(reference) = args.opt_str("reference") {
            words.extend(["--reference".to_owned(), reference.to_owned()]);
        }
        if args.bool("single_branch") {
            words.push("--single-branch".to_owned());
            if named {
                words.extend(["--branch".to_owned(), self.version.clone()]);
            }
        }
        if let Some(separate) = &self.separate {
            words.push(format!("--separate-git-dir={}", separate.display()));
        }
        words.extend(["--".to_owned(), self.repo.clone(), dest.display().to_string()]);
        repository.run_ok_in(dest.parent().unwrap_or(Path::new("/")), &words, context)?;
        if args.bool("bare") && self.remote != "origin" {
            repository.run_ok(&["remote", "add", &self.remote, &self.repo], context)?;
        }
        if let Some(refspec) = args.opt_str("refspec") {
            let depth = depth.map(|depth| depth.to_string());
            let mut words = vec!["fetch"];
            words.extend(depth.iter().flat_map(|depth| ["--depth", depth.as_str()]));
            words.extend([self.remote.as_str(), refspec]);
            repository.run_ok(&words, context)?;
        }
        if args.bool("verify_commit") {
            repository.verify(&self.version, &args.strings("gpg_allowlist"), context)?;
        }
        Ok(())
    }

    fn leave(&self, before: String, context: &Context) -> Result<Outcome, Failure> {
        let outcome = self.result(false, Some(&before), &before);
        let archived = self.args.has("archive") && context.check;
        Ok(Outcome { changed: outcome.changed || archived, ..outcome })
    }

    /// Brings what the remote has; in check mode only tells what would change.
    fn update(&mut self, before: &str, context: &mut Context) -> Result<Option<Outcome>, Failure> {
        let repository = &self.repository;
        let dest = repository.folder()?.display().to_string();
        self.had_changes = repository.has_changes(context)?;
        if self.had_changes {
            let said = format!("Local modifications exist in the destination: {dest}");
            if !self.args.bool("force") {
                return Err(Failure::new(format!("{said} (force=no).")).with("before", before));
            }
            if !context.check {
                repository.run_ok(&["reset", "--hard", "HEAD"], context)?;
                self.outcome.changed = true;
                self.outcome.fields.insert("msg", said);
            }
        }
        self.remote_changed = repository.has_other_url(&self.remote, &self.repo, context)?;
        self.outcome.fields.insert("remote_url_changed", self.remote_changed);
        if context.check {
            let after = repository.remote_head(&self.remote, &self.version, &self.remote, false, context)?;
            let changed = before != after || self.remote_changed;
            let mut outcome = self.result(changed, Some(before), &after);
            if before != after {
                outcome = outcome.with_diff(repository.diff(before, &after, context)?);
            }
            return Ok(Some(outcome));
        }
        if self.remote_changed {
            repository.set_url(&self.remote, &self.repo, context)?;
        }
        let refspec = self.args.opt_str("refspec");
        let depth = self.args.int("depth").filter(|depth| *depth > 0);
        let force = self.args.bool("force");
        repository.fetch(&self.repo, &self.remote, &self.version, refspec, depth, force, context)?;
        Ok(None)
    }

    /// Checks the version out, with its submodules, and tells what changed.
    fn finish(&mut self, before: Option<String>, context: &mut Context) -> Result<Outcome, Failure> {
        let (repository, args) = (&self.repository, self.args);
        let mut submodules = false;
        if !args.bool("bare") {
            let depth = args.int("depth").filter(|depth| *depth > 0);
            repository.switch(&self.remote, &self.version, depth, context)?;
            if args.bool("verify_commit") {
                repository.verify(&self.version, &args.strings("gpg_allowlist"), context)?;
            }
            if args.bool("recursive") {
                let track = args.bool("track_submodules");
                submodules = repository.submodules_differ(&self.remote, track, context)?;
                if submodules {
                    self.outcome.fields.insert("submodules_changed", true);
                    repository.update_submodules(track, args.bool("force"), context)?;
                }
            }
        }
        let after = repository.revision("HEAD", context)?;
        let moved = before.as_deref() != Some(&after);
        let changed = moved || self.had_changes || submodules || self.remote_changed;
        let mut outcome = self.result(changed, before.as_deref(), &after);
        match &before {
            None => {
                let said = format!(">> Newly checked out {after}");
                outcome = outcome.with_diff(Diff { prepared: Some(said), ..Diff::default() });
            }
            Some(before) if moved && context.diff => {
                outcome = outcome.with_diff(repository.diff(before, &after, context)?);
            }
            Some(_) => {}
        }
        Ok(outcome)
    }

    /// Writes the archive, unless the one that is there says the same.
    fn archive(&self, mut outcome: Outcome, context: &mut Context) -> Result<Outcome, Failure> {
        let Some(archive) = self.args.opt_path("archive") else { return Ok(outcome) };
        let format = match archive.extension().map(|end| end.to_string_lossy().into_owned()).as_deref() {
            Some("zip") => "zip",
            Some("gz") => "tar.gz",
            Some("tar") => "tar",
            Some("tgz") => "tgz",
            _ => {
                return Err(Failure::new(format!(
                    "Unable to get file extension from archive file name : {}",
                    archive.display()
                ))
                .with(
                    "details",
                    "Please specify archive as filename with extension. File extension can be one of ['tar', 'tar.gz', 'zip', 'tgz']",
                ));
            }
        };
        if context.check {
            outcome.changed = true;
            return Ok(outcome);
        }
        let prefix = self.args.opt_str("archive_prefix");
        let bytes = self.repository.archive(format, prefix, &self.version, context)?;
        let same = std::fs::read(&archive).is_ok_and(|there| there == bytes);
        if !same {
            crate::atomic_write::write(&archive, &bytes, false)?;
        }
        // As Ansible's module: an archive that is right already makes the whole task unchanged.
        outcome.changed = !same;
        Ok(outcome)
    }
}

fn umask(args: &Args) -> Result<Option<u32>, Failure> {
    match args.get("umask") {
        None => Ok(None),
        Some(Value::Str(text)) => u32::from_str_radix(text, 8).map(Some).map_err(|error| {
            Failure::new("umask must be an octal integer").with("details", error.to_string())
        }),
        Some(_) => Err(Failure::new("umask must be defined as a quoted octal integer")),
    }
}

/// How git calls SSH: the options of the task after those of the environment, and never with questions.
fn ssh_command(args: &Args, context: &mut Context) -> Result<String, Failure> {
    let mut options = context.variable("GIT_SSH_OPTS").unwrap_or_default();
    if let Some(more) = args.opt_str("ssh_opts") {
        options = format!("{options} {more}");
    }
    let mut add = |option: &str| {
        if !options.contains(option) {
            options.push_str(&format!(" {option}"));
        }
    };
    if args.bool("accept_hostkey") {
        add("-o StrictHostKeyChecking=no");
    }
    if args.bool("accept_newhostkey") {
        let words = ["-o", "StrictHostKeyChecking=accept-new", "-V"];
        if Command::new(require_program("ssh", context)?).args(words).run(context)?.ok() {
            add("-o StrictHostKeyChecking=accept-new");
        } else {
            context.warn(
                "Your ssh client does not support accept_newhostkey option, therefore it cannot be used.",
            );
        }
    }
    add("-o BatchMode=yes");
    if let Some(key) = args.opt_str("key_file") {
        add(&format!("-i {key}"));
        add("-o IdentitiesOnly=yes");
    }
    let program = context.variable("GIT_SSH").or_else(|| context.variable("GIT_SSH_COMMAND"));
    Ok(format!("{}{}", program.unwrap_or_else(|| "ssh".to_owned()), format_args!(" {}", options.trim())))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use data::Map;

    use super::*;
    use crate::{RunRequest, run_local};

    fn git(folder: &Path, words: &[&str]) -> String {
        let output = std::process::Command::new("git")
            .current_dir(folder)
            .args([
                "-c",
                "user.name=t",
                "-c",
                "user.email=t@example.org",
                "-c",
                "init.defaultBranch=main",
                "-c",
                "protocol.file.allow=always",
            ])
            .args(words)
            .output()
            .unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn commit(repo: &Path, text: &str) -> String {
        fs::write(repo.join("f"), text).unwrap();
        git(repo, &["add", "f"]);
        git(repo, &["commit", "-qm", text]);
        git(repo, &["rev-parse", "HEAD"])
    }

    fn call(repo: &Path, dest: &Path, check: bool, more: &[(&'static str, Value)]) -> Map {
        let mut args = Map::from([("repo", repo.to_str().unwrap()), ("dest", dest.to_str().unwrap())]);
        for (name, value) in more {
            args.insert(*name, value.clone());
        }
        run_local(&RunRequest { check, diff: true, ..RunRequest::new("git", args) })
    }

    #[test]
    fn a_repository_is_cloned_updated_and_left_alone() {
        if std::process::Command::new("git").arg("--version").output().is_err() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let (repo, dest) = (folder.path().join("repo"), folder.path().join("a/dest"));
        fs::create_dir(&repo).unwrap();
        git(&repo, &["init", "-q"]);
        let one = commit(&repo, "one");
        git(&repo, &["tag", "v1"]);
        let changed = |result: &Map| {
            assert_eq!(result.get("failed"), None, "{result:?}");
            result.get("changed") == Some(&Value::from(true))
        };
        let checked = call(&repo, &dest, true, &[]);
        assert!(changed(&checked) && !dest.exists());
        assert_eq!(checked.get_str("after"), Some(one.as_str()));
        let first = call(&repo, &dest, false, &[]);
        assert!(changed(&first) && first.get("before") == Some(&Value::Null));
        assert!(!changed(&call(&repo, &dest, false, &[])));
        let two = commit(&repo, "two");
        let checked = call(&repo, &dest, true, &[]);
        assert!(changed(&checked) && fs::read_to_string(dest.join("f")).unwrap() == "one");
        let second = call(&repo, &dest, false, &[]);
        assert!(changed(&second));
        assert_eq!(
            (second.get_str("before"), second.get_str("after")),
            (Some(one.as_str()), Some(two.as_str()))
        );
        let tagged = call(&repo, &dest, false, &[("version", "v1".into())]);
        assert_eq!(tagged.get_str("after"), Some(one.as_str()));
        fs::write(dest.join("f"), "mine").unwrap();
        let refused = call(&repo, &dest, false, &[]);
        assert!(refused.get_str("msg").unwrap().starts_with("Local modifications exist"), "{refused:?}");
        assert!(changed(&call(&repo, &dest, false, &[("force", true.into())])));
        assert_eq!(fs::read_to_string(dest.join("f")).unwrap(), "two");
    }

    #[test]
    fn what_cannot_be_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let failed = call(&folder.path().join("none"), &folder.path().join("d"), false, &[]);
        assert_eq!(failed.get("failed"), Some(&Value::from(true)));
        let wrong = call(folder.path(), &folder.path().join("d"), false, &[("umask", "9".into())]);
        assert_eq!(wrong.get_str("msg"), Some("umask must be an octal integer"));
    }
}
