//! What all modules that change the text of a file share: the content as lines, the check by a program, the backup, and the write.

use std::fs;
use std::path::Path;

use crate::atomic_write::{AtomicFile, backup};
use crate::file_attributes::{Changes, FileAttributes};
use crate::process::{Command, Output};
use crate::{Args, Context, Diff, Failure, words};

/// Bytes as text for regular expressions: UTF-8 where they are, else one character a byte, so that they can be written back unharmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    /// The text.
    pub(super) text: String,
    one_byte: bool,
}

impl Content {
    /// Reads bytes.
    pub(super) fn new(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self { text: text.to_string(), one_byte: false },
            Err(_) => Self { text: widen(bytes), one_byte: true },
        }
    }

    /// A user's text in this content's form.
    pub(super) fn like(&self, text: &str) -> String {
        if self.one_byte { widen(text.as_bytes()) } else { text.to_string() }
    }

    /// Text in this content's form as bytes.
    pub(super) fn bytes(&self, text: &str) -> Vec<u8> {
        if self.one_byte { text.chars().map(|c| c as u8).collect() } else { text.as_bytes().to_vec() }
    }
}

fn widen(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// Lines with their ends, parted at newlines only.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.split_inclusive('\n').map(str::to_string).collect()
}

/// The bytes of a file, `None` if it is not there.
///
/// # Errors
/// If it is there and cannot be read; `Path ... is a directory !` for a folder.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    if path.is_dir() {
        return Err(Failure::new(format!("Path {} is a directory !", path.display())).with("rc", 256));
    }
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io("could not read", path, &error)),
    }
}

/// Writes a new content in one step: backup, check, replace. Gives the backup's name if one was made.
///
/// # Errors
/// If the program of `validate` refuses the content, or writing fails; the old content is then untouched.
pub(super) fn write(
    path: &Path,
    bytes: &[u8],
    args: &Args,
    context: &mut Context,
) -> Result<Option<String>, Failure> {
    let saved = if args.bool("backup") && path.exists() { Some(backup(path, context)?) } else { None };
    let mut file = AtomicFile::begin(path)?;
    file.fill(bytes)?;
    if let Some(command) = args.opt_str("validate") {
        validate(command, file.named()?, context)?;
    }
    file.replace(args.bool("unsafe_writes"))?;
    Ok(saved)
}

/// Runs the program of `validate` on a file.
///
/// # Errors
/// If it does not end with 0.
pub(super) fn validate(command: &str, file: &Path, context: &mut Context) -> Result<(), Failure> {
    let output = validation(command, file, context)?;
    if output.ok() {
        return Ok(());
    }
    let said = output.stderr_text();
    Err(Failure::new(format!("failed to validate: rc:{} error:{said}", output.code)))
}

/// What a command that checks a file says; `%s` in it is the file.
pub(super) fn validation(command: &str, file: &Path, context: &mut Context) -> Result<Output, Failure> {
    if !command.contains("%s") {
        return Err(Failure::new(format!("validate must contain %s: {command}")));
    }
    let given = words::split(&command.replace("%s", &file.to_string_lossy()))?;
    let Some((program, arguments)) = given.split_first() else {
        return Err(Failure::new(format!("validate must contain a command: {command}")));
    };
    Command::new(program).args(arguments).run(context)
}

/// Sets owner, mode and the like after an edit; the message and the diff say so. Gives whether anything changed.
pub(super) fn set_attributes(
    path: &Path,
    args: &Args,
    changed: bool,
    msg: &mut String,
    context: &mut Context,
) -> Result<(bool, Changes), Failure> {
    let mut changes = Changes::default();
    let attributes = FileAttributes::from_args(args)?.apply(path, context, &mut changes)?;
    if attributes {
        if changed {
            msg.push_str(" and ");
        }
        msg.push_str("ownership, perms or SE linux context changed");
    }
    Ok((changed || attributes, changes))
}

/// The two diffs that editing modules return: of the content and of the attributes.
pub(super) fn diffs(path: &Path, before: &[u8], after: &[u8], changes: Changes) -> [Diff; 2] {
    let name = |what: &str| format!("{} ({what})", path.display());
    let content = content_diff(path, before, after);
    let attributes = if changes == Changes::default() {
        Diff::default()
    } else {
        Diff::properties(changes.before, changes.after)
    };
    [content, attributes.headers(name("file attributes"), name("file attributes"))]
}

/// The diff of the content alone.
pub(super) fn content_diff(path: &Path, before: &[u8], after: &[u8]) -> Diff {
    let name = format!("{} (content)", path.display());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Diff::text(text(before), text(after)).headers(name.clone(), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_come_back_unharmed() {
        for bytes in [&b"caf\xc3\xa9\n"[..], &b"caf\xe9\n\xff\x00"[..]] {
            let content = Content::new(bytes);
            assert_eq!(content.bytes(&content.text), bytes);
        }
        let latin = Content::new(b"\xe9");
        assert_eq!(latin.bytes(&latin.like("é")), "é".as_bytes());
    }

    #[test]
    fn a_content_that_is_refused_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        let args = Args::default().with("validate", "grep -q good %s");
        let mut context = Context::local();
        let failure = write(&path, b"bad", &args, &mut context).unwrap_err();
        assert!(failure.msg.starts_with("failed to validate: rc:1"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        write(&path, b"good", &args, &mut context).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"good");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
