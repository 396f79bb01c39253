//! Installs package files that lie on the host, with what they depend on.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use super::command::{self, AptGet};
use super::install::release_and_recommends;
use crate::network::download_to;
use crate::packages::debian_version;
use crate::packages::dpkg::Database;
use crate::process::Command;
use crate::{Args, Context, Failure, Outcome};

/// Downloads a package.
fn fetch(url: &str, folder: &Path, context: &mut Context) -> Result<PathBuf, Failure> {
    let name = url.rsplit('/').next().and_then(|name| name.split(['?', '#']).next()).unwrap_or_default();
    let path = folder.join(if name.ends_with(".deb") { name } else { "package.deb" });
    download_to(url, &path, context)
        .map_err(|failure| failure.context(format!("Failed to download {url}")))?;
    Ok(path)
}

/// Installs the files of `deb` (separated by commas) that are not installed in that version.
pub(super) fn install(
    deb: &str,
    args: &Args,
    apt: &AptGet,
    context: &mut Context,
) -> Result<Outcome, Failure> {
    if args.str("state")? != "present" {
        return Err(Failure::new("deb only supports state=present"));
    }
    let database = Database::read()?;
    let mut files = Vec::new();
    // Kept until apt is done with what is in it.
    let folder = tempfile::tempdir_in(&context.tmpdir)
        .map_err(|error| Failure::io("could not write in", &context.tmpdir, &error))?;
    for file in deb.split(',').map(str::trim) {
        let path = if file.contains("://") {
            fetch(file, folder.path(), context)?
        } else {
            std::path::absolute(file).map_err(|error| Failure::io("could not find", file, &error))?
        };
        if !is_installed(&path, &database, context)? {
            files.push(path.to_string_lossy().into_owned());
        }
    }
    if files.is_empty() {
        return Ok(Outcome::unchanged().with("stdout", "").with("stderr", ""));
    }
    let mut words = AptGet::permissions(args);
    if args.bool("fail_on_autoremove") {
        words.push("--no-remove");
    }
    words.push("install");
    words.extend(release_and_recommends(args));
    words.extend(files.iter().map(String::as_str));
    let (output, shown) = apt.change(&words, context)?;
    command::outcome(&output, &shown, command::did_something(&output))
}

/// Whether the package in the file is installed in the file's version.
fn is_installed(file: &Path, database: &Database, context: &mut Context) -> Result<bool, Failure> {
    let command = Command::new("dpkg-deb")
        .args(["--show", "--showformat=${Package}:${Architecture}\t${Version}"])
        .arg(file);
    let output = command.plain_language().run(context)?;
    if !output.ok() {
        let reason = output.stderr_text();
        return Err(
            Failure::new(format!("Unable to install package: {}", reason.trim())).with("stderr", reason)
        );
    }
    let shown = output.stdout_text();
    let (name, version) = shown.split_once('\t').unwrap_or((&shown, ""));
    // A package for all architectures is listed under its bare name.
    let name = name.strip_suffix(":all").unwrap_or(name);
    let same = |found: &str| debian_version::compare(found, version) == Ordering::Equal;
    Ok(database.installed(name).is_some_and(|package| same(&package.version)))
}
