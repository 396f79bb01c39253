//! A git repository on the host: what is asked of it and what is done to it, one git command each.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::{Command, Output};
use crate::{Context, Diff, Failure};

/// A working folder (or a bare repository) and how git is called for it.
pub(super) struct Repository {
    git: PathBuf,
    folder: Option<PathBuf>,
    bare: bool,
    umask: Option<u32>,
    ssh: String,
}

impl Repository {
    pub(super) fn new(
        git: PathBuf,
        folder: Option<PathBuf>,
        bare: bool,
        umask: Option<u32>,
        ssh: String,
    ) -> Result<Self, Failure> {
        Ok(Self { git, folder, bare, umask, ssh })
    }

    /// The working folder.
    pub(super) fn folder(&self) -> Result<&Path, Failure> {
        self.folder
            .as_deref()
            .ok_or_else(|| Failure::new("the destination directory must be specified unless clone=no"))
    }

    fn command<S: AsRef<std::ffi::OsStr>>(&self, words: &[S]) -> Command {
        let mut command = Command::new(&self.git).plain_language().env("GIT_SSH_COMMAND", &self.ssh);
        // Nobody is there to answer.
        command = command.env("GIT_TERMINAL_PROMPT", "0");
        if let Some(mask) = self.umask {
            command = command.umask(mask);
        }
        command.args(words)
    }

    /// Runs git in the working folder if it is there.
    fn run(&self, words: &[&str], context: &mut Context) -> Result<Output, Failure> {
        let command = self.command(words);
        match self.folder.as_deref().filter(|folder| folder.is_dir()) {
            Some(folder) => command.folder(folder).run(context),
            None => command.run(context),
        }
    }

    /// As [`Self::run`]; any other end than a good one is a failure.
    pub(super) fn run_ok(&self, words: &[&str], context: &mut Context) -> Result<Output, Failure> {
        self.command(words).folder(self.folder()?).run_ok(context)
    }

    /// As [`Self::run_ok`] in another folder.
    pub(super) fn run_ok_in(
        &self,
        folder: &Path,
        words: &[String],
        context: &mut Context,
    ) -> Result<Output, Failure> {
        self.command(words).folder(folder).run_ok(context)
    }

    fn expect(&self, words: &[&str], problem: &str, context: &mut Context) -> Result<Output, Failure> {
        let output = self.run(words, context)?;
        if output.ok() {
            return Ok(output);
        }
        Err(Failure::new(problem)
            .with("rc", output.code)
            .with("stdout", output.stdout_text())
            .with("stderr", output.stderr_text())
            .with("cmd", self.command(words).display()))
    }

    /// Where git keeps its own files; the file `.git` may name another place. `None` without a working folder.
    pub(super) fn git_folder(&self) -> Result<Option<PathBuf>, Failure> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let path = if self.bare { folder.clone() } else { folder.join(".git") };
        if !path.is_file() {
            return Ok(Some(path));
        }
        let wrong = |details: String| {
            let said = "Current repo does not have a valid reference to a separate Git dir or it refers to the invalid path";
            Failure::new(said).with("details", details)
        };
        let text = fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
        let named = text.trim_end().strip_prefix("gitdir: ");
        let named =
            named.ok_or_else(|| wrong(".git file has invalid git dir reference format".to_owned()))?;
        let place = folder.join(named);
        if place.is_dir() {
            Ok(Some(place))
        } else {
            Err(wrong(format!("{} is not a directory", place.display())))
        }
    }

    /// Moves git's own files away and leaves the file `.git` that names the new place.
    pub(super) fn move_git_folder(&self, from: &Path, to: &Path) -> Result<(), Failure> {
        if to.exists() {
            return Err(Failure::new(format!("Separate-git-dir path {} already exists.", to.display())));
        }
        let failed = |error: std::io::Error| Failure::io("Unable to move git dir to", to, &error);
        fs::rename(from, to).map_err(failed)?;
        let named = format!("gitdir: {}", to.display());
        if let Err(error) = fs::write(self.folder()?.join(".git"), named) {
            // As it was, rather than half moved.
            fs::rename(to, from).map_err(failed)?;
            return Err(failed(error));
        }
        Ok(())
    }

    /// The commit that a name stands for.
    pub(super) fn revision(&self, name: &str, context: &mut Context) -> Result<String, Failure> {
        Ok(self.run(&["rev-parse", name], context)?.stdout_text().trim_end_matches('\n').to_owned())
    }

    /// Whether files that git knows were changed.
    pub(super) fn has_changes(&self, context: &mut Context) -> Result<bool, Failure> {
        if self.bare {
            return Ok(false);
        }
        let output = self.run(&["status", "--porcelain"], context)?;
        Ok(output.stdout_text().lines().any(|line| !line.starts_with("??")))
    }

    pub(super) fn is_remote_branch(
        &self,
        remote: &str,
        version: &str,
        context: &mut Context,
    ) -> Result<bool, Failure> {
        let name = format!("refs/heads/{version}");
        let output = self.listed(&["ls-remote", "--heads", remote, &name], context)?;
        Ok(output.contains(version))
    }

    pub(super) fn is_remote_tag(
        &self,
        remote: &str,
        version: &str,
        context: &mut Context,
    ) -> Result<bool, Failure> {
        let name = format!("refs/tags/{version}");
        let output = self.listed(&["ls-remote", "--tags", remote, &name], context)?;
        Ok(output.contains(version))
    }

    fn listed(&self, words: &[&str], context: &mut Context) -> Result<String, Failure> {
        let command = self.command(words);
        let command = match self.folder.as_deref().filter(|folder| folder.is_dir()) {
            Some(folder) => command.folder(folder),
            None => command,
        };
        Ok(command.run_ok(context)?.stdout_text())
    }

    /// The commit that the remote has for a version; what is neither branch nor tag there is a commit by itself.
    pub(super) fn remote_head(
        &self,
        place: &str,
        version: &str,
        remote: &str,
        cloning: bool,
        context: &mut Context,
    ) -> Result<String, Failure> {
        let mut tag = false;
        let output = if version == "HEAD" && cloning {
            self.listed(&["ls-remote", place, "HEAD"], context)?
        } else if version == "HEAD" {
            let name = format!("refs/heads/{}", self.head_branch(remote, context)?);
            self.listed(&["ls-remote", "--heads", place, &name], context)?
        } else if self.is_remote_branch(place, version, context)? {
            self.listed(&["ls-remote", "--heads", place, &format!("refs/heads/{version}")], context)?
        } else if self.is_remote_tag(place, version, context)? {
            tag = true;
            self.listed(&["ls-remote", "--tags", place, &format!("refs/tags/{version}*")], context)?
        } else {
            return Ok(version.to_owned());
        };
        // An annotated tag is an object of its own; the line with `^{}` names the commit.
        let line = if tag {
            let ends = |end: String| output.lines().find(|line| line.ends_with(&end));
            ends(format!("{version}^{{}}")).or_else(|| ends(version.to_owned()))
        } else {
            output.lines().next()
        };
        line.and_then(|line| line.split_whitespace().next()).map(str::to_owned).ok_or_else(|| {
            Failure::new(format!("Could not determine remote revision for {version}"))
                .with("stdout", output.as_str())
        })
    }

    fn branches(&self, context: &mut Context) -> Result<Vec<String>, Failure> {
        let output =
            self.expect(&["branch", "--no-color", "-a"], "Could not determine branch data", context)?;
        Ok(output
            .stdout_text()
            .lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect())
    }

    /// The branch that HEAD stands for; when it is detached, the remote's.
    pub(super) fn head_branch(&self, remote: &str, context: &mut Context) -> Result<String, Failure> {
        let folder = self.git_folder()?.unwrap_or_default();
        let detached = self.branches(context)?.iter().any(|branch| {
            branch.starts_with("* ")
                && ["no branch", "detached from", "detached at"].iter().any(|words| branch.contains(words))
        });
        let file = if detached {
            folder.join("refs/remotes").join(remote).join("HEAD")
        } else {
            folder.join("HEAD")
        };
        let text = fs::read_to_string(&file).map_err(|error| Failure::io("Unable to read", &file, &error))?;
        let text = text.lines().next().unwrap_or_default().replacen(&format!("refs/remotes/{remote}"), "", 1);
        let name = text.split(' ').next_back().unwrap_or_default();
        Ok(name.splitn(3, '/').last().unwrap_or_default().to_owned())
    }

    /// Whether the remote's address is another one; two paths to one place are the same.
    pub(super) fn has_other_url(
        &self,
        remote: &str,
        repo: &str,
        context: &mut Context,
    ) -> Result<bool, Failure> {
        let output = self.run(&["ls-remote", "--get-url", remote], context)?;
        if !output.ok() {
            return Ok(false);
        }
        let there = output.stdout_text().trim_end_matches('\n').to_owned();
        let same = |one: &str, other: &str| {
            let real = |path: &str| fs::canonicalize(path.strip_prefix("file://").unwrap_or(path)).ok();
            one == other || real(one).is_some_and(|one| Some(one) == real(other))
        };
        Ok(!same(&there, repo))
    }

    pub(super) fn set_url(&self, remote: &str, repo: &str, context: &mut Context) -> Result<(), Failure> {
        let problem = format!("Failed to set a new url {repo} for {remote}");
        self.expect(&["remote", "set-url", remote, repo], &problem, context).map(drop)
    }

    #[allow(clippy::too_many_arguments, reason = "these are the arguments of the fetch itself")]
    pub(super) fn fetch(
        &self,
        repo: &str,
        remote: &str,
        version: &str,
        refspec: Option<&str>,
        depth: Option<i64>,
        force: bool,
        context: &mut Context,
    ) -> Result<(), Failure> {
        let mut refs: Vec<String> = Vec::new();
        let mut words = vec!["fetch".to_owned()];
        if let Some(depth) = depth {
            refs = self.shallow_refs(repo, remote, version, refspec, context)?;
            if !refs.is_empty() {
                words.extend(["--depth".to_owned(), depth.to_string()]);
            }
        }
        if refs.is_empty() {
            if self.bare {
                refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"].map(str::to_owned).to_vec();
            } else {
                words.push("--tags".to_owned());
            }
            refs.extend(refspec.map(str::to_owned));
        }
        if force {
            words.push("--force".to_owned());
        }
        words.push(remote.to_owned());
        words.extend(refs);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = self.run(&words, context)?;
        if output.ok() {
            return Ok(());
        }
        let said = format!(
            "Failed to download remote objects and refs: {} {}",
            output.stdout_text(),
            output.stderr_text()
        );
        Err(Failure::new(said).with("cmd", self.command(&words).display()))
    }

    /// The least that a shallow fetch must bring so that the version can be checked out; nothing if it is a commit.
    fn shallow_refs(
        &self,
        repo: &str,
        remote: &str,
        version: &str,
        refspec: Option<&str>,
        context: &mut Context,
    ) -> Result<Vec<String>, Failure> {
        let current = self.head_branch(remote, context)?;
        if let Some(refspec) = refspec {
            return Ok(vec![refspec.to_owned()]);
        }
        if version == "HEAD" {
            return Ok(vec![current]);
        }
        if self.is_remote_branch(repo, version, context)? {
            let mut refs = Vec::new();
            if current != version {
                refs.push(format!("+refs/heads/{version}:refs/heads/{version}"));
            }
            refs.push(format!("+refs/heads/{version}:refs/remotes/{remote}/{version}"));
            return Ok(refs);
        }
        if self.is_remote_tag(repo, version, context)? {
            return Ok(vec![format!("+refs/tags/{version}:refs/tags/{version}")]);
        }
        Ok(Vec::new())
    }

    /// Checks a version out as the remote has it.
    pub(super) fn switch(
        &self,
        remote: &str,
        version: &str,
        depth: Option<i64>,
        context: &mut Context,
    ) -> Result<(), Failure> {
        if version == "HEAD" {
            let branch = self.head_branch(remote, context)?;
            let problem = format!("Failed to checkout branch {branch}");
            self.expect(&["checkout", "--force", &branch], &problem, context)?;
            let upstream = format!("{remote}/{branch}");
            return self.expect(&["reset", "--hard", &upstream, "--"], &problem, context).map(drop);
        }
        let problem = format!("Failed to checkout {version}");
        if !self.is_remote_branch(remote, version, context)? {
            return self.expect(&["checkout", "--force", version], &problem, context).map(drop);
        }
        let is_local = |branches: &[String]| {
            branches.iter().any(|branch| branch.strip_prefix("* ").unwrap_or(branch) == version)
        };
        let mut local = is_local(&self.branches(context)?);
        if let Some(depth) = depth.filter(|_| !local) {
            let depth = format!("--depth={depth}");
            let (head, there) = (
                format!("+refs/heads/{version}:refs/heads/{version}"),
                format!("+refs/heads/{version}:refs/remotes/{remote}/{version}"),
            );
            let problem = format!("Failed to fetch branch from remote: {version}");
            self.expect(&["fetch", &depth, remote, &head, &there], &problem, context)?;
            local = is_local(&self.branches(context)?);
        }
        let upstream = format!("{remote}/{version}");
        if !local {
            return self
                .expect(&["checkout", "--track", "-b", version, &upstream], &problem, context)
                .map(drop);
        }
        self.expect(
            &["checkout", "--force", version],
            &format!("Failed to checkout branch {version}"),
            context,
        )?;
        self.expect(&["reset", "--hard", &upstream], &problem, context).map(drop)
    }

    /// Whether submodules are missing or not at the commit that is asked for.
    pub(super) fn submodules_differ(
        &self,
        remote: &str,
        track: bool,
        context: &mut Context,
    ) -> Result<bool, Failure> {
        let folder = self.folder()?;
        let Ok(list) = fs::read_to_string(folder.join(".gitmodules")) else { return Ok(false) };
        let paths = list.lines().map(str::trim).filter(|line| line.starts_with("path"));
        let mut paths = paths.filter_map(|line| line.split_once('=')).map(|(_, path)| path.trim());
        if paths.any(|path| !folder.join(path).join(".git").exists()) {
            return Ok(true);
        }
        let git = self.git.display().to_string();
        let before = self.submodule_versions("HEAD", context)?;
        self.run_ok(&["submodule", "foreach", &git, "fetch"], context).map_err(|failure| Failure {
            msg: format!("Failed to fetch submodules: {}", failure.msg),
            ..failure
        })?;
        if track {
            return Ok(before != self.submodule_versions(&format!("{remote}/master"), context)?);
        }
        let status = self.run_ok(&["submodule", "status"], context)?;
        Ok(status.stdout_text().lines().any(|line| !line.starts_with(' ')))
    }

    fn submodule_versions(&self, version: &str, context: &mut Context) -> Result<String, Failure> {
        let git = self.git.display().to_string();
        let words = ["submodule", "foreach", &git, "rev-parse", version];
        Ok(self.expect(&words, "Unable to determine hashes of submodules", context)?.stdout_text())
    }

    pub(super) fn update_submodules(
        &self,
        track: bool,
        force: bool,
        context: &mut Context,
    ) -> Result<(), Failure> {
        self.run_ok(&["submodule", "sync"], context)?;
        let mut words = vec!["submodule", "update", "--init", "--recursive"];
        if track {
            words.push("--remote");
        }
        if force {
            words.push("--force");
        }
        let output = self.run(&words, context)?;
        if output.ok() {
            return Ok(());
        }
        let said = format!("{}{}", output.stdout_text(), output.stderr_text());
        Err(Failure::new(format!("Failed to init/update submodules: {said}")))
    }

    /// Checks the signature of a tag or commit, and that one of these keys made it.
    pub(super) fn verify(
        &self,
        version: &str,
        allowed: &[&str],
        context: &mut Context,
    ) -> Result<(), Failure> {
        let words = ["for-each-ref", "refs/tags/", "--format", "%(objecttype):%(refname:short)"];
        let tags = self.expect(&words, "Could not determine tag data", context)?.stdout_text();
        let annotated = tags.lines().any(|line| line.strip_prefix("tag:") == Some(version));
        let mut words = vec![if annotated { "verify-tag" } else { "verify-commit" }, version];
        if !allowed.is_empty() {
            words.push("--raw");
        }
        let problem = format!("Failed to verify GPG signature of commit/tag \"{version}\"");
        let output = self.expect(&words, &problem, context)?;
        if allowed.is_empty() {
            return Ok(());
        }
        let said = output.stderr_text();
        let signer = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).find_map(|words| {
            // With a subkey, the last word is the key that it belongs to.
            (words.get(1) == Some(&"VALIDSIG"))
                .then(|| words.get(11).or(words.get(2)).copied().map(str::to_owned))?
        });
        let signer = signer.unwrap_or_default();
        if allowed.contains(&signer.as_str()) {
            return Ok(());
        }
        let said = format!("The gpg_allowlist does not include the public key \"{signer}\" for this commit");
        Err(Failure::new(said).with("rc", output.code).with("stderr", output.stderr_text()))
    }

    /// The difference between two commits, as git draws it.
    pub(super) fn diff(&self, before: &str, after: &str, context: &mut Context) -> Result<Diff, Failure> {
        let output = self.run(&["diff", before, after], context)?;
        let prepared = match (output.ok(), output.stdout_text()) {
            (true, text) if text.is_empty() => {
                format!(">> No visual differences between {before} and {after}")
            }
            (true, text) => text,
            (false, _) => {
                let said = output.stderr_text();
                format!(">> Failed to get proper diff between {before} and {after}:\n>> {said}")
            }
        };
        Ok(Diff { prepared: Some(prepared), ..Diff::default() })
    }

    /// The bytes of an archive of a version.
    pub(super) fn archive(
        &self,
        format: &str,
        prefix: Option<&str>,
        version: &str,
        context: &mut Context,
    ) -> Result<Vec<u8>, Failure> {
        let mut words = vec!["archive", "--format", format];
        if let Some(prefix) = prefix {
            words.extend(["--prefix", prefix]);
        }
        words.push(version);
        Ok(self.expect(&words, "Failed to perform archive operation", context)?.stdout)
    }
}
