//! The SSH key of a user, by `ssh-keygen`.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};

use crate::accounts::User;
use crate::process::{self, Command};
use crate::{Args, Context, Failure, Outcome};

/// Makes the key if it is not there, or if `force`, and adds the fields about it.
pub(super) fn make(
    user: &User,
    args: &Args,
    outcome: &mut Outcome,
    context: &mut Context,
) -> Result<(), Failure> {
    let kind = args.opt_str("ssh_key_type").unwrap_or("rsa");
    let file = args.opt_path("ssh_key_file").unwrap_or_else(|| PathBuf::from(format!(".ssh/id_{kind}")));
    let file = Path::new(&user.home).join(file);
    let public = PathBuf::from(format!("{}.pub", file.display()));
    if file.exists() && !args.bool("force") {
        let words = "no force, so skipping ssh-keygen generation";
        context.warn(format!("Found existing ssh key private file \"{}\", {words}", file.display()));
    } else {
        outcome.changed = true;
        if !context.check {
            generate(user, &file, &public, kind, args, context)?;
        }
    }
    if file.exists() {
        let program = process::require_program("ssh-keygen", context)?;
        let print = Command::new(program).arg("-l").arg("-f").arg(&file).run(context)?;
        let text = if print.ok() { print.stdout_text() } else { print.stderr_text() };
        outcome.fields.insert("ssh_fingerprint", text.trim());
        let key = fs::read_to_string(&public).ok();
        outcome.fields.insert("ssh_public_key", key.as_deref().map(str::trim));
    }
    outcome.fields.insert("ssh_key_file", file.display().to_string());
    Ok(())
}

fn generate(
    user: &User,
    file: &Path,
    public: &Path,
    kind: &str,
    args: &Args,
    context: &mut Context,
) -> Result<(), Failure> {
    if !Path::new(&user.home).is_dir() {
        return Err(Failure::new(format!("User {} home directory does not exist", user.name))
            .with("name", user.name.as_str()));
    }
    if let Some(folder) = file.parent().filter(|folder| !folder.exists()) {
        let made = fs::DirBuilder::new().mode(0o700).create(folder);
        made.and_then(|()| chown(folder, Some(user.uid), Some(user.gid)))
            .map_err(|error| Failure::io("Failed to create", folder, &error))?;
    }
    for old in [file, public] {
        if old.exists() {
            context.warn(format!("Overwriting existing ssh key file \"{}\"", old.display()));
            fs::remove_file(old).map_err(|error| Failure::io("could not remove", old, &error))?;
        }
    }
    let comment = args.opt_str("ssh_key_comment").map(str::to_owned).unwrap_or_else(|| {
        format!("ansible-generated on {}", rustix::system::uname().nodename().to_string_lossy())
    });
    let mut command = Command::new(process::require_program("ssh-keygen", context)?).args(["-q", "-t", kind]);
    if let Some(bits) = args.int("ssh_key_bits").filter(|bits| *bits > 0) {
        command = command.arg("-b").arg(bits.to_string());
    }
    command = command.args(["-C", &comment, "-N", ""]).arg("-f").arg(file);
    command.run_ok(context).map_err(|failure| failure.with("name", user.name.as_str()))?;
    if let Some(passphrase) = args.opt_str("ssh_key_passphrase") {
        protect(file, passphrase, context)?;
    }
    for made in [file, public] {
        chown(made, Some(user.uid), Some(user.gid))
            .map_err(|error| Failure::io("chown failed:", made, &error))?;
    }
    Ok(())
}

/// Puts a passphrase on a key. It goes through ssh-keygen's own prompt program, because a command line shows to every user.
fn protect(file: &Path, passphrase: &str, context: &mut Context) -> Result<(), Failure> {
    let ask = context.tmpdir.join(format!("ask-{}", std::process::id()));
    let script = "#!/bin/sh\nprintf '%s\\n' \"$SSH_KEY_PASSPHRASE\"\n";
    let written = fs::write(&ask, script)
        .and_then(|()| fs::set_permissions(&ask, std::os::unix::fs::PermissionsExt::from_mode(0o700)));
    written.map_err(|error| Failure::io("could not write", &ask, &error))?;
    let program = process::require_program("ssh-keygen", context)?;
    let command = Command::new(program).args(["-q", "-p", "-P", ""]).arg("-f").arg(file);
    let command = command.env("SSH_ASKPASS", &ask).env("SSH_ASKPASS_REQUIRE", "force").env("DISPLAY", ":0");
    let done = command.env("SSH_KEY_PASSPHRASE", passphrase).run_ok(context);
    let _ = fs::remove_file(&ask);
    done.map(drop)
}
