//! Vaulted files in an editor: the plain text lies in a folder of its own that only the user can enter, as long as the editor is open.

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use data::Diagnostic;
use data::vault::Secrets;

use super::vault::{Key, read, unsealed, write};
use crate::diagnostics::report_all;
use crate::flags::FlagError;
use crate::settings::Settings;

/// Writes a new vaulted file.
///
/// # Errors
/// It is there already, or the editor cannot be started.
pub(super) fn create(path: &Path, key: &Key, settings: &Settings) -> Result<(), FlagError> {
    if path.is_file() {
        let error = Diagnostic::error(format!("`{}` exists already", path.display()));
        return Err(FlagError::error(error.help("change it with `taskbox vault edit`")));
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        report_all(&[Diagnostic::warning(format!("`{}` does not exist, creating it", folder.display()))]);
        data::fs::create_folder(folder).map_err(|error| FlagError::from_error(&error))?;
    }
    let content = edited(path, b"", settings)?;
    write(path, key.seal(&content).as_bytes())
}

/// Changes a vaulted file; the password and the label stay.
///
/// # Errors
/// It cannot be opened, or the editor cannot be started.
pub(super) fn edit(path: &Path, secrets: &Secrets, settings: &Settings) -> Result<(), FlagError> {
    let opened = unsealed(path, &read(path)?, secrets)?;
    let content = edited(path, &opened.content, settings)?;
    if content == opened.content {
        return Ok(());
    }
    write(path, Key::of(&opened, secrets, settings).seal(&content).as_bytes())
}

/// What an editor made of `content`.
fn edited(path: &Path, content: &[u8], settings: &Settings) -> Result<Vec<u8>, FlagError> {
    let failed = |error: std::io::Error| {
        FlagError::error(Diagnostic::error(format!("the text cannot be given to an editor: {error}")))
    };
    let folder = tempfile::Builder::new()
        .prefix("taskbox-vault-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir()
        .map_err(failed)?;
    // The ending tells the editor what kind of text it is.
    let ending = path.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
    let file = folder.path().join(format!("text{ending}"));
    let mut open =
        std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&file).map_err(failed)?;
    open.write_all(content).map_err(failed)?;
    drop(open);
    let ended = edit_and_read(&file, settings);
    overwrite(&file);
    ended
}

fn edit_and_read(file: &Path, settings: &Settings) -> Result<Vec<u8>, FlagError> {
    let editor = settings.text("EDITOR").unwrap_or_else(|| "vi".to_owned());
    let words = modules::words::split(&editor).unwrap_or_default();
    let (program, args) =
        words.split_first().map_or(("vi", [].as_slice()), |(first, rest)| (first.as_str(), rest));
    let status = Command::new(program).args(args).arg(file).status();
    status.map_err(|error| {
        let found = Diagnostic::error(format!("the editor `{editor}` cannot be started: {error}"));
        FlagError::error(found.help("name another one in `EDITOR`"))
    })?;
    read(file)
}

/// Leaves no plain text on the disk, as far as a file system allows.
fn overwrite(file: &Path) {
    let Ok(length) = std::fs::metadata(file).map(|found| found.len()) else { return };
    let Ok(mut open) = std::fs::OpenOptions::new().write(true).open(file) else { return };
    let zeros = vec![0; usize::try_from(length).unwrap_or(0).min(1 << 24)];
    // What cannot be overwritten is deleted together with its folder all the same.
    let _ = open.write_all(&zeros).and_then(|()| open.sync_all());
}
