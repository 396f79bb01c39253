//! `copy`, the target's part: a file with a content that was sent along, or a copy of what is on the host already.
//!
//! The content comes as `content_blob`, its SHA-256: where the file has it already, nothing needs to be sent. `template` and others that
//! make files end here too.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use data::Value;
use sha2::{Digest, Sha256};

use super::copy_tree::copy_tree;
use super::edit::validation;
use crate::atomic_write::{AtomicFile, backup};
use crate::file_attributes::{self, Changes, FileAttributes};
use crate::mode::FileMode;
use crate::paths::missing_folders;
use crate::{
    Arg, Args, Blob, Context, Diff, Failure, ModuleSpec, Outcome, digest_of_file, hex, sha1_of_file,
};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "copy",
    summary: "Copy files to remote locations",
    args: &[
        Arg::path("src")
            .help("A file or folder on the host itself, with `remote_src`; on the controller otherwise."),
        Arg::str("content").no_log().help("The content itself."),
        Arg::str("content_blob").help("SHA-256 of content that the controller sends."),
        Arg::str("_original_basename")
            .help("The file's name where `dest` is a folder; set by the controller."),
        Arg::bool("_sums_follow").help(
            "The controller knows the sums of large content and puts them into the result; set by the controller.",
        ),
        Arg::str("_source").help("What diffs and results call the source; set by the controller."),
        Arg::path("dest").required().help("Where it goes."),
        Arg::bool("backup").default_bool(false).help("Keep a copy of the old file."),
        Arg::bool("force").default_bool(true).help("Replace a file that is there."),
        Arg::str("validate").help("A command that must accept the new file, named `%s` in it."),
        Arg::raw("directory_mode").help("Permissions of folders made on the way."),
        Arg::bool("remote_src").default_bool(false).help("`src` is on the host itself."),
        Arg::bool("local_follow").help("Copy what links point to instead of the links."),
        Arg::str("checksum").help("SHA-1 that the content must have."),
        Arg::bool("follow").default_bool(false).help("Where `dest` is a link, change what it points to."),
        Arg::bool("decrypt").default_bool(true).help("Decrypt vaulted sources; done by the controller."),
    ],
    shared: file_attributes::ARGS,
    run: |args, context| run(args, context).map(without_empty_source),
    ..ModuleSpec::DEFAULTS
};

/// Text that was sent along has no source that could be named.
fn without_empty_source(mut outcome: Outcome) -> Outcome {
    if outcome.fields.get("src").is_some_and(data::Value::is_null) {
        outcome.fields.remove("src");
    }
    outcome
}

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let source = Source::from_args(args, context)?;
    let mut dest = args.path("dest")?;
    let folder_wanted = args.str("dest")?.ends_with('/');
    if let Source::Host(path) = &source
        && path.is_dir()
    {
        return copy_folder(args, path, &dest, context);
    }
    let mut made = false;
    if folder_wanted {
        // The name may lead into folders of its own: that of a file of a tree.
        let (folder, file) = (dest.clone(), dest.join(source.name(args)));
        dest = file;
        let missing = missing_folders(dest.parent().unwrap_or(&folder));
        if !missing.is_empty() && context.check {
            if matches!(source, Source::Sent(_)) {
                return Copy { args, source, dest }.carry_out(true, context);
            }
            let shown = args.str("dest")?.trim_end_matches('/');
            let msg = format!("dest directory {shown} would be created");
            return Ok(Outcome::changed().msg(msg).with("src", source.shown(args)));
        }
        made = make_folders(&missing, args, context)?;
    } else if dest.is_dir() {
        let name = source.name(args);
        if name.as_os_str().is_empty() {
            return Err(
                Failure::new("can not use content with a dir as dest").with("diff", Vec::<Value>::new())
            );
        }
        dest = dest.join(name);
    }
    if args.bool("follow") && dest.is_symlink() {
        dest = fs::canonicalize(&dest).unwrap_or(dest);
    }
    if dest.exists() && !args.bool("force") {
        if matches!(source, Source::Sent(_)) {
            // Ansible's controller looked and did not ask the module.
            return Ok(Outcome::new(made)
                .with("src", source.shown(args))
                .with("dest", dest.display().to_string()));
        }
        let outcome = Outcome::new(made).msg("file already exists").with("src", source.shown(args));
        return Ok(outcome.with("dest", dest.display().to_string()));
    }
    Copy { args, source, dest }.carry_out(made, context)
}

/// Where the content comes from.
enum Source {
    /// A path on this host.
    Host(PathBuf),
    /// Bytes given as text.
    Text(Vec<u8>),
    /// Bytes that the controller has sent, or would send.
    Sent(String),
}

impl Source {
    fn from_args(args: &Args, context: &Context) -> Result<Self, Failure> {
        if let Some(sha256) = args.opt_str("content_blob") {
            return Ok(Self::Sent(sha256.to_string()));
        }
        if let Some(text) = args.get("content") {
            return Ok(Self::Text(data::python::str(text).into_bytes()));
        }
        let Some(path) = args.opt_path("src") else {
            return Err(Failure::new("src (or content) is required"));
        };
        context.go_on()?;
        match File::open(&path) {
            _ if !path.exists() => Err(Failure::new(format!("Source {} not found", path.display()))),
            Err(_) => Err(Failure::new(format!("Source {} not readable", path.display()))),
            Ok(_) if !path.is_dir() && !path.is_file() => {
                Err(Failure::new(format!("Cannot copy invalid source '{}': not a file", path.display())))
            }
            Ok(_) => Ok(Self::Host(path)),
        }
    }

    /// The file's name where `dest` is a folder.
    fn name(&self, args: &Args) -> PathBuf {
        let original = args.opt_str("_original_basename").map(PathBuf::from);
        let own = || match self {
            Self::Host(path) => path.file_name().map(PathBuf::from),
            Self::Text(_) | Self::Sent(_) => {
                args.opt_path("src").and_then(|path| path.file_name().map(PathBuf::from))
            }
        };
        original.or_else(own).unwrap_or_default()
    }

    fn shown(&self, args: &Args) -> Value {
        args.opt_str("_source").or_else(|| args.opt_str("src")).map(str::to_string).into()
    }

    /// Whether a file has this content, and nothing needs to be read or sent.
    fn is_content_of(&self, dest: &Path) -> bool {
        match self {
            Self::Sent(sha256) => digest_of_file::<Sha256>(dest).is_ok_and(|found| found == *sha256),
            Self::Text(bytes) => {
                fs::metadata(dest).is_ok_and(|about| about.len() == bytes.len() as u64)
                    && digest_of_file::<Sha256>(dest)
                        .is_ok_and(|found| found == hex::encode(&Sha256::digest(bytes)))
            }
            Self::Host(path) => match (fs::metadata(path), fs::metadata(dest)) {
                (Ok(one), Ok(other)) if one.len() == other.len() => sha1_of_file(path)
                    .ok()
                    .is_some_and(|sum| sha1_of_file(dest).is_ok_and(|found| found == sum)),
                _ => false,
            },
        }
    }

    fn open(&self, context: &Context) -> Result<Box<dyn Read>, Failure> {
        match self {
            Self::Text(bytes) => Ok(Box::new(std::io::Cursor::new(bytes.clone()))),
            Self::Host(path) => {
                let file = File::open(path).map_err(|error| Failure::io("could not read", path, &error))?;
                Ok(Box::new(file))
            }
            Self::Sent(sha256) => {
                let blob: Blob = context.blobs.get(sha256).ok_or_else(|| Failure::need(sha256))?;
                blob.open().map_err(|error| Failure::new(format!("could not read the content sent: {error}")))
            }
        }
    }
}

struct Copy<'a> {
    args: &'a Args,
    source: Source,
    dest: PathBuf,
}

impl Copy<'_> {
    fn carry_out(self, made: bool, context: &mut Context) -> Result<Outcome, Failure> {
        let differs =
            !self.dest.is_file() || self.dest.is_symlink() || !self.source.is_content_of(&self.dest);
        let mut outcome = Outcome::new(made || differs);
        let (mut saved, mut written) = (None, None);
        if differs {
            let sent = matches!(self.source, Source::Sent(_));
            if context.diff && !matches!(self.source, Source::Host(_)) {
                outcome.fields.insert("diff", vec![self.diff(context)?]);
            }
            if context.check && sent {
                return self.would_copy(outcome);
            }
            let done = self.check_folder().and_then(|()| self.change(context));
            let (new_backup, path) = done.map_err(|failure| self.explained(failure, &outcome, context))?;
            if context.check {
                return self.would_copy(outcome);
            }
            (saved, written) = (new_backup, Some(path));
        }
        outcome = outcome.with("dest", self.dest.display().to_string());
        let on_host = matches!(self.source, Source::Host(_));
        let (sha1, md5) = self.sums(differs || on_host)?;
        outcome = outcome.with("checksum", sha1);
        if differs || on_host {
            outcome = outcome.with("src", self.source.shown(self.args)).with("md5sum", md5);
            if let (Some(path), Some(Value::Null)) = (written, outcome.fields.get("src")) {
                // What was sent lay here until it took its place; Ansible names its temporary copy too.
                outcome.fields.insert("src", path.display().to_string());
            }
        }
        if let Some(name) = saved {
            outcome = outcome.with("backup_file", name);
        }
        let mut changes = Changes::default();
        let attributes = self
            .attributes()?
            .apply(&self.dest, context, &mut changes)
            .map_err(|failure| self.explained(failure, &outcome, context))?;
        if !differs && !on_host {
            // Ansible's controller asks the `file` module here, whose result has this name and this diff too.
            let path = self.dest.display().to_string();
            changes.before.insert("path", path.as_str());
            changes.after.insert("path", path.as_str());
            outcome = outcome.with("path", path).with_diff(Diff::properties(changes.before, changes.after));
        }
        outcome.changed |= attributes;
        Ok(outcome)
    }

    /// SHA-1 and MD5 of the file; null where the controller puts them in, or nobody is told: a large file takes its time.
    fn sums(&self, both: bool) -> Result<(Value, Value), Failure> {
        if self.args.bool("_sums_follow") {
            return Ok((Value::Null, Value::Null));
        }
        if both {
            return checksums(&self.dest).map(|(sha1, md5)| (sha1.into(), md5.into()));
        }
        let sha1 =
            sha1_of_file(&self.dest).map_err(|error| Failure::io("could not read", &self.dest, &error))?;
        Ok((sha1.into(), Value::Null))
    }

    /// Keeps the old file if that is asked for, and writes the new one; gives the copy's name and where the new one lay before. In check
    /// mode nothing is done.
    fn change(&self, context: &mut Context) -> Result<(Option<String>, PathBuf), Failure> {
        if context.check {
            return Ok((None, PathBuf::new()));
        }
        let wanted = self.args.bool("backup") && self.dest.exists();
        let saved = if wanted { Some(backup(&self.dest, context)?) } else { None };
        Ok((saved, self.write(context)?))
    }

    /// A failure tells what was to be written, as Ansible's does.
    fn explained(&self, failure: Failure, outcome: &Outcome, context: &Context) -> Failure {
        if matches!(self.source, Source::Host(_))
            || failure.need.is_some()
            || failure.fields.contains_key("checksum")
        {
            return failure;
        }
        let mut content = Vec::new();
        let read = self.source.open(context).ok().and_then(|mut from| from.read_to_end(&mut content).ok());
        let mut failure = match read {
            Some(_) => failure.with("checksum", hex::encode(&sha1::Sha1::digest(&content))),
            None => failure,
        };
        if let Some(diff) = outcome.fields.get("diff") {
            failure = failure.with("diff", diff.clone());
        }
        failure
    }

    /// What check mode can tell: all of a file that is on the host, nothing of one that was not sent.
    fn would_copy(&self, outcome: Outcome) -> Result<Outcome, Failure> {
        let Source::Host(path) = &self.source else { return Ok(outcome) };
        let (sha1, md5) = checksums(path)?;
        let outcome =
            outcome.with("dest", self.dest.display().to_string()).with("src", self.source.shown(self.args));
        Ok(outcome.with("checksum", sha1).with("md5sum", md5))
    }

    /// `mode: preserve` takes the mode of the source, where the source is here.
    fn attributes(&self) -> Result<FileAttributes, Failure> {
        let mut attributes = FileAttributes::from_args(self.args)?;
        if let (Some("preserve"), Source::Host(path)) = (self.args.opt_str("mode"), &self.source) {
            use std::os::unix::fs::MetadataExt;
            let about = fs::metadata(path).map_err(|error| Failure::io("could not look at", path, &error))?;
            attributes.mode = Some(FileMode::Bits(about.mode() & 0o7777));
        }
        Ok(attributes)
    }

    fn check_folder(&self) -> Result<(), Failure> {
        let folder = self.dest.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        if folder.is_dir() {
            Ok(())
        } else {
            Err(Failure::new(format!("Destination directory {} does not exist", folder.display())))
        }
    }

    fn diff(&self, context: &Context) -> Result<Value, Failure> {
        let mut after = Vec::new();
        self.source
            .open(context)?
            .read_to_end(&mut after)
            .map_err(|error| Failure::new(format!("could not read the content: {error}")))?;
        let before = fs::read(&self.dest).unwrap_or_default();
        let mut diff = Diff::content(&before, &after);
        let dest = self.dest.display().to_string();
        if self.dest.exists() {
            diff.before_header = Some(dest.clone());
        }
        let named = self.args.opt_str("_source").or_else(|| self.args.opt_str("src")).map(str::to_string);
        diff.after_header = Some(if self.args.has("content") { dest } else { named.unwrap_or(dest) });
        Ok(diff.to_value())
    }

    fn write(&self, context: &mut Context) -> Result<PathBuf, Failure> {
        // A link is replaced by a file, unless it was followed before.
        if self.dest.is_symlink() {
            fs::remove_file(&self.dest)
                .map_err(|error| Failure::io("could not remove", &self.dest, &error))?;
        }
        let mut file = AtomicFile::begin(&self.dest)?;
        let moved = match &self.source {
            Source::Sent(sha256) => context.blobs.move_to(sha256, &self.dest, |from| file.adopt(from))?,
            _ => false,
        };
        if !moved {
            file.fill(self.source.open(context)?)?;
        }
        self.check_sum(file.path())?;
        if let Some(command) = self.args.opt_str("validate") {
            self.attributes()?.apply(file.path(), context, &mut Changes::default())?;
            let output = validation(command, file.named()?, context)?;
            if !output.ok() {
                return Err(Failure::new("failed to validate")
                    .with("exit_status", output.code)
                    .with("stdout", output.stdout_text())
                    .with("stderr", output.stderr_text()));
            }
        }
        let path = file.name().to_path_buf();
        file.replace(self.args.bool("unsafe_writes"))?;
        Ok(path)
    }

    fn check_sum(&self, file: &Path) -> Result<(), Failure> {
        let Some(expected) = self.args.opt_str("checksum") else { return Ok(()) };
        let found = sha1_of_file(file).map_err(|error| Failure::io("could not read", file, &error))?;
        if found == expected {
            return Ok(());
        }
        Err(Failure::new("Copied file does not match the expected checksum. Transfer failed.")
            .with("checksum", found)
            .with("expected_checksum", expected))
    }
}

/// SHA-1 and MD5, as Ansible's results have them.
fn checksums(path: &Path) -> Result<(String, String), Failure> {
    let read = || -> std::io::Result<_> {
        let (mut sha1, mut md5) = (sha1::Sha1::new(), md5::Md5::new());
        let (mut file, mut buffer) = (File::open(path)?, vec![0; 64 * 1024]);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok((hex::encode(&sha1.finalize()), hex::encode(&md5.finalize()))),
                count => {
                    sha1.update(&buffer[..count]);
                    md5.update(&buffer[..count]);
                }
            }
        }
    };
    read().map_err(|error| Failure::io("could not read", path, &error))
}

/// Makes folders with `directory_mode` and the file's owner; tells whether there were any.
fn make_folders(missing: &[PathBuf], args: &Args, context: &mut Context) -> Result<bool, Failure> {
    let mut attributes = FileAttributes::from_args(args)?.without_mode();
    attributes.mode = args.get("directory_mode").map(FileMode::parse).transpose()?;
    for folder in missing {
        fs::create_dir(folder).map_err(|error| Failure::io("could not make", folder, &error))?;
        attributes.apply(folder, context, &mut Changes::default())?;
    }
    Ok(!missing.is_empty())
}

/// A folder of the host: into `dest` under its own name, or only what is in it if `src` ends with a slash.
fn copy_folder(args: &Args, source: &Path, dest: &Path, context: &mut Context) -> Result<Outcome, Failure> {
    if dest.exists() && !dest.is_dir() {
        return Err(Failure::new(format!(
            "cannot copy the folder {} over the file {}",
            source.display(),
            dest.display()
        )));
    }
    let target = if args.str("src")?.ends_with('/') {
        dest.to_path_buf()
    } else {
        dest.join(source.file_name().unwrap_or_default())
    };
    // The mode is for `dest` only; what is in the folder keeps its own.
    let shown = if dest.is_dir() { target.as_path() } else { dest };
    let shown = shown.display().to_string();
    let mut changed = copy_tree(source, &target, args, context)?;
    let mut attributes = FileAttributes::from_args(args)?;
    if args.opt_str("mode") == Some("preserve") {
        attributes.mode = None;
    }
    changed |= attributes.apply(dest, context, &mut Changes::default())?;
    Ok(Outcome::new(changed)
        .with("dest", shown)
        .with("src", args.opt_str("src").map(str::to_string))
        .with("checksum", Value::Null)
        .with("md5sum", Value::Null))
}
