//! `rpm_key`: keys that packages are signed with, in RPM's database. `gpg` reads them, as in Ansible's module.

use std::path::{Path, PathBuf};

use super::remote_file;
use crate::process::{self, Command};
use crate::{Arg, ArgType, Args, Context, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "rpm_key",
    summary: "Adds or removes a gpg key from the rpm db",
    args: &[
        Arg::str("key").required().help("A file on the host, an address, or the id of an imported key."),
        Arg::str("state")
            .default_str("present")
            .choices(&["absent", "present"])
            .help("Whether the key is to be there."),
        Arg::list("fingerprint", ArgType::Str)
            .help("Fingerprints that the key must have before it is imported."),
        Arg::bool("validate_certs")
            .default_bool(true)
            .help("Refuse certificates that nobody trusts when an address is fetched."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    process::require_program("rpm", context)?;
    let gpg = process::find_program("gpg", context);
    let gpg = Gpg(gpg.map_or_else(|| process::require_program("gpg2", context), Ok)?);
    let key = args.str("key")?;
    if key.contains("://") {
        let file = remote_file::fetch(key, ".asc", args.bool("validate_certs"), context)?;
        let outcome = ensure(&file.display().to_string(), Some(&file), &gpg, args, context);
        // A temporary file that cannot be removed does no harm.
        let _ = std::fs::remove_file(&file);
        return outcome;
    }
    let path = (!is_id(key) && Path::new(key).is_file()).then(|| PathBuf::from(key));
    if path.is_none() && !is_id(key) {
        return Err(Failure::new(format!("Not a valid key {key}")));
    }
    ensure(key, path.as_deref(), &gpg, args, context)
}

fn ensure(
    key: &str,
    file: Option<&Path>,
    gpg: &Gpg,
    args: &Args,
    context: &mut Context,
) -> Result<Outcome, Failure> {
    let id = match file {
        Some(file) => gpg.id(file, context)?,
        None => key.trim().to_uppercase().trim_start_matches("0X").to_owned(),
    };
    let imported = gpg.is_imported(&id, context)?;
    if args.str("state")? == "absent" {
        if imported && !context.check {
            let tail = &id[id.len().saturating_sub(8)..];
            let package = format!("gpg-pubkey-{}", tail.to_lowercase());
            Command::new("rpm")
                .args(["--erase", "--allmatches", &package])
                .plain_language()
                .run_ok(context)?;
        }
        return Ok(Outcome::new(imported));
    }
    if imported {
        return Ok(Outcome::unchanged());
    }
    let file = file.ok_or_else(|| Failure::new("When importing a key, a valid file must be given"))?;
    let plain = |text: &str| text.replace(' ', "").to_uppercase();
    let wanted: Vec<String> = args.strings("fingerprint").into_iter().map(plain).collect();
    if !wanted.is_empty() {
        let found = gpg.fingerprints(file, context)?;
        if !wanted.iter().all(|print| found.contains(print)) {
            // As Python shows a set.
            let set = |prints: &[String]| format!("{{'{}'}}", prints.join("', '"));
            let (wanted, found) = (set(&wanted), set(&found));
            return Err(Failure::new(format!(
                "The specified fingerprint, '{wanted}', does not match any key fingerprints in '{found}'"
            )));
        }
    }
    if !context.check {
        Command::new("rpm").arg("--import").arg(file).plain_language().run_ok(context)?;
    }
    Ok(Outcome::changed())
}

/// Whether a text begins as the id of a key does: eight hexadecimal digits.
fn is_id(text: &str) -> bool {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    digits.len() >= 8 && digits.bytes().take(8).all(|c| c.is_ascii_hexdigit())
}

/// The program that reads keys.
struct Gpg(PathBuf);

impl Gpg {
    fn command(&self) -> Command {
        let words = ["--no-tty", "--batch", "--with-colons", "--fixed-list-mode"];
        Command::new(&self.0).args(words).plain_language()
    }

    fn id(&self, file: &Path, context: &mut Context) -> Result<String, Failure> {
        let output = self.command().arg(file).run_ok(context)?;
        let text = output.stdout_text();
        let id = text.lines().find(|line| line.starts_with("pub:")).and_then(|line| line.split(':').nth(4));
        id.map(str::to_uppercase).ok_or_else(|| Failure::new("Unexpected gpg output"))
    }

    fn fingerprints(&self, file: &Path, context: &mut Context) -> Result<Vec<String>, Failure> {
        let words = ["--import", "--import-options", "show-only", "--dry-run"];
        let output = self.command().args(words).arg(file).run_ok(context)?;
        let text = output.stdout_text();
        let lines = text.lines().filter(|line| line.starts_with("fpr:"));
        let found: Vec<String> = lines.filter_map(|line| line.split(':').nth(9)).map(str::to_owned).collect();
        if found.is_empty() { Err(Failure::new("Unexpected gpg output")) } else { Ok(found) }
    }

    fn is_imported(&self, id: &str, context: &mut Context) -> Result<bool, Failure> {
        let query = ["-q", "gpg-pubkey", "--queryformat", "%{description}\\n"];
        let keys = Command::new("rpm").args(query).plain_language().run(context)?;
        if !keys.ok() {
            return Ok(false);
        }
        let output = self.command().arg("-").input(keys.stdout).run_ok(context)?;
        let text = output.stdout_text();
        Ok(text.lines().filter_map(|line| line.split(':').nth(4)).any(|found| found.contains(id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_from_files() {
        assert!(is_id("0xDEADB33F") && is_id("deadb33f01234567"));
        assert!(!is_id("/etc/pki/key") && !is_id("dead"));
    }
}
