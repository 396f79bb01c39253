//! Package lists for check mode. On a fresh host apt knows no package until the lists are fetched, and check mode may not change the host's; so
//! it fetches them into the agent's own folder, and every apt program of the same check looks there.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::{Context, Failure};

/// How long private lists serve before they are fetched again.
const SERVES: Duration = Duration::from_secs(600);

fn folder(context: &Context) -> PathBuf {
    context.tmpdir.join("apt-check")
}

/// Before an apt task: check mode looks at private lists if there are some, a real run removes them.
pub(super) fn look_or_remove(context: &mut Context) {
    let folder = folder(context);
    if !context.check {
        // What cannot be removed now is removed by the next run; nothing reads it in between.
        let _ = fs::remove_dir_all(&folder);
    } else if are_new(&folder) {
        look_at(&folder, context);
    }
}

/// Makes place for private lists and lets apt fetch into it. `false` if new ones are there already.
///
/// # Errors
/// If the folder cannot be made.
pub(super) fn prepare(context: &mut Context) -> Result<bool, Failure> {
    let folder = folder(context);
    if are_new(&folder) {
        return Ok(false);
    }
    let failed =
        |error: std::io::Error| Failure::new(format!("could not make {}: {error}", folder.display()));
    DirBuilder::new().recursive(true).mode(0o700).create(folder.join("lists/partial")).map_err(failed)?;
    let path = folder.display();
    let config = format!(
        "Dir::State::Lists \"{path}/lists\";\nDir::Cache::pkgcache \"\";\nDir::Cache::srcpkgcache \"\";\nAPT::Sandbox::User \"root\";\n"
    );
    fs::write(folder.join("apt.conf"), config).map_err(failed)?;
    look_at(&folder, context);
    Ok(true)
}

/// Marks freshly fetched lists as complete.
///
/// # Errors
/// If the mark cannot be written.
pub(super) fn complete(context: &Context) -> Result<(), Failure> {
    let stamp = folder(context).join("complete");
    fs::write(&stamp, [])
        .map_err(|error| Failure::new(format!("could not write {}: {error}", stamp.display())))
}

fn are_new(folder: &Path) -> bool {
    let fetched = fs::metadata(folder.join("complete")).and_then(|found| found.modified());
    fetched.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age < SERVES))
}

fn look_at(folder: &Path, context: &mut Context) {
    context.environment.push(("APT_CONFIG".into(), folder.join("apt.conf").display().to_string()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(check: bool) -> (tempfile::TempDir, Context) {
        let dir = tempfile::tempdir().unwrap();
        let tmpdir = dir.path().to_owned();
        (dir, Context { check, tmpdir, ..Context::local() })
    }

    #[test]
    fn a_check_fetches_once_and_looks_there_again() {
        let (_dir, mut first) = context(true);
        assert!(prepare(&mut first).unwrap());
        assert!(first.variable("APT_CONFIG").unwrap().ends_with("/apt-check/apt.conf"));
        complete(&first).unwrap();
        let mut second = Context { check: true, tmpdir: first.tmpdir.clone(), ..Context::local() };
        look_or_remove(&mut second);
        assert_eq!(second.environment, first.environment);
        assert!(!prepare(&mut second).unwrap());
    }

    #[test]
    fn lists_that_came_only_half_are_not_looked_at() {
        let (_dir, mut context) = context(true);
        prepare(&mut context).unwrap();
        context.environment.clear();
        look_or_remove(&mut context);
        assert!(context.environment.is_empty());
    }

    #[test]
    fn a_real_run_removes_them() {
        let (_dir, mut context) = context(true);
        prepare(&mut context).unwrap();
        context.check = false;
        look_or_remove(&mut context);
        assert!(!context.tmpdir.join("apt-check").exists());
    }
}
