//! Home folders: made from the skeleton where useradd did not.

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::Path;

use crate::accounts::User;
use crate::{Args, Context, Failure};

use super::change;

/// useradd makes the last folder of a home only; its parents are made here.
pub(super) fn make_parents(args: &Args) -> Result<(), Failure> {
    let home = args.opt_str("home").filter(|_| change::lacks_parent(args));
    let Some(parent) = home.and_then(|home| Path::new(home).parent()) else { return Ok(()) };
    fs::create_dir_all(parent).map_err(|error| Failure::io("could not make", parent, &error))
}

/// Makes the home folder if it is not there; tells whether it was not.
pub(super) fn make(user: &User, args: &Args, context: &Context) -> Result<bool, Failure> {
    let home = Path::new(args.opt_str("home").unwrap_or(&user.home));
    if home.exists() || home.as_os_str().is_empty() {
        return Ok(false);
    }
    if context.check {
        return Ok(true);
    }
    let skeleton = Path::new(args.opt_str("skeleton").unwrap_or("/etc/skel"));
    let fail = |error: std::io::Error| Failure::io("could not make", home, &error);
    fs::create_dir_all(home).map_err(fail)?;
    if skeleton.is_dir() {
        copy(skeleton, home).map_err(fail)?;
    }
    let mode = mode_of_homes(&fs::read_to_string("/etc/login.defs").unwrap_or_default());
    fs::set_permissions(home, fs::Permissions::from_mode(mode)).map_err(fail)?;
    for entry in walkdir::WalkDir::new(home) {
        let entry = entry.map_err(|error| fail(error.into()))?;
        lchown(entry.path(), Some(user.uid), Some(user.gid)).map_err(fail)?;
    }
    Ok(true)
}

/// Copies what is in a folder; links stay links.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            fs::create_dir(&target)?;
            fs::set_permissions(&target, entry.metadata()?.permissions())?;
            copy(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// HOME_MODE of login.defs, or what its UMASK leaves, or 0755.
fn mode_of_homes(login_defs: &str) -> u32 {
    let setting = |name: &str| {
        let line = login_defs
            .lines()
            .map(str::split_whitespace)
            .find_map(|mut words| (words.next() == Some(name)).then(|| words.next()).flatten());
        line.and_then(|digits| u32::from_str_radix(digits, 8).ok())
    };
    setting("HOME_MODE").or_else(|| setting("UMASK").map(|umask| 0o777 & !umask)).unwrap_or(0o755)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_comes_from_login_defs() {
        assert_eq!(mode_of_homes("UMASK\t022\n# HOME_MODE 0700\n"), 0o755);
        assert_eq!(mode_of_homes("UMASK 027\nHOME_MODE 0700\n"), 0o700);
        assert_eq!(mode_of_homes("UMASK 077\n"), 0o700);
        assert_eq!(mode_of_homes(""), 0o755);
    }

    #[test]
    fn a_skeleton_is_copied_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("skel"), folder.path().join("home"));
        fs::create_dir_all(from.join("d")).unwrap();
        fs::create_dir(&to).unwrap();
        fs::write(from.join("d/f"), "x").unwrap();
        symlink("d/f", from.join("l")).unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("d/f")).unwrap(), "x");
        assert_eq!(fs::read_link(to.join("l")).unwrap(), Path::new("d/f"));
    }
}
