//! Owner, group, mode, SELinux label and `chattr` flags: the arguments that every module that makes files shares, and how they are set.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown};
use std::path::{Path, PathBuf};

use data::{Map, Value};

use crate::mode::{FileMode, octal};
use crate::process::{Command, find_program};
use crate::{Arg, Args, Context, Failure, accounts};

/// Ansible's common file arguments (`add_file_common_args`).
pub const ARGS: &[Arg] = &[
    Arg::raw("mode").help("Permissions: octal text such as `0644`, or symbols such as `u=rw,g=r,o=`."),
    Arg::str("owner").help("Name or id of the user that shall own it."),
    Arg::str("group").help("Name or id of the group that shall own it."),
    Arg::str("seuser").help("User part of the SELinux label; `_default` takes the policy's."),
    Arg::str("serole").help("Role part of the SELinux label; `_default` takes the policy's."),
    Arg::str("setype").help("Type part of the SELinux label; `_default` takes the policy's."),
    Arg::str("selevel").help("Level part of the SELinux label; `_default` takes the policy's."),
    Arg::str("attributes").aliases(&["attr"]).help("Flags as `chattr` knows them, such as `+i`."),
    Arg::bool("unsafe_writes")
        .default_bool(false)
        .help("Write in place where a file cannot be replaced in one step, such as a mounted one."),
];

/// What the arguments ask of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileAttributes {
    /// Permissions.
    pub mode: Option<FileMode>,
    /// Owner, by name or id.
    pub owner: Option<String>,
    /// Group, by name or id.
    pub group: Option<String>,
    /// The four parts of the SELinux label.
    pub label: [Option<String>; 4],
    /// `chattr` flags.
    pub flags: Option<String>,
}

/// Properties before and after, as the `file` module's diff shows them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Before.
    pub before: Map,
    /// After.
    pub after: Map,
}

impl Changes {
    fn note(&mut self, name: &str, before: impl Into<Value>, after: impl Into<Value>) {
        self.before.insert(name, before);
        self.after.insert(name, after);
    }
}

impl FileAttributes {
    /// Reads the common file arguments.
    ///
    /// # Errors
    /// If the mode is none.
    pub fn from_args(args: &Args) -> Result<Self, Failure> {
        let text = |name: &str| args.opt_str(name).map(str::to_string);
        let mode = args.get("mode").filter(|mode| mode.as_str() != Some("preserve"));
        Ok(Self {
            mode: mode.map(FileMode::parse).transpose().map_err(|failure| match shown_path(args) {
                Some(path) => failure.with("path", path),
                None => failure,
            })?,
            owner: text("owner"),
            group: text("group"),
            label: [text("seuser"), text("serole"), text("setype"), text("selevel")],
            flags: text("attributes"),
        })
    }

    /// Whether anything is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The same without a mode: for what takes owner and group but keeps its own permissions.
    #[must_use]
    pub fn without_mode(mut self) -> Self {
        self.mode = None;
        self
    }

    /// Sets what differs; tells whether something did. In check mode it only looks, and a file that is not there yet would change.
    ///
    /// # Errors
    /// For unknown users and groups, and when the system refuses.
    pub fn apply(&self, path: &Path, context: &mut Context, changes: &mut Changes) -> Result<bool, Failure> {
        if context.check && !path.exists() && fs::symlink_metadata(path).is_err() {
            return Ok(!self.is_empty());
        }
        let mut changed = self.apply_label(path, context, changes)?;
        changed |= self.apply_owner(path, context, changes)?;
        changed |= self.apply_group(path, context, changes)?;
        changed |= self.apply_mode(path, context, changes)?;
        changed |= self.apply_flags(path, context, changes)?;
        Ok(changed)
    }

    fn apply_owner(&self, path: &Path, context: &Context, changes: &mut Changes) -> Result<bool, Failure> {
        let Some(owner) = &self.owner else { return Ok(false) };
        let wanted = match owner.parse::<u32>() {
            Ok(uid) => uid,
            Err(_) => accounts::user(owner).map(|user| user.uid).ok_or_else(|| {
                Failure::new(format!("chown failed: failed to look up user {owner}"))
                    .with("path", shown(path))
            })?,
        };
        let current = look(path)?.uid();
        if current == wanted {
            return Ok(false);
        }
        changes.note("owner", current, wanted);
        if !context.check {
            lchown(path, Some(wanted), None)
                .map_err(|error| Failure::new(format!("chown failed: {error}")).with("path", shown(path)))?;
        }
        Ok(true)
    }

    fn apply_group(&self, path: &Path, context: &Context, changes: &mut Changes) -> Result<bool, Failure> {
        let Some(group) = &self.group else { return Ok(false) };
        let wanted = match group.parse::<u32>() {
            Ok(gid) => gid,
            Err(_) => accounts::group(group).map(|group| group.gid).ok_or_else(|| {
                Failure::new(format!("chgrp failed: failed to look up group {group}"))
                    .with("path", shown(path))
            })?,
        };
        let current = look(path)?.gid();
        if current == wanted {
            return Ok(false);
        }
        changes.note("group", current, wanted);
        if !context.check {
            lchown(path, None, Some(wanted))
                .map_err(|error| Failure::new(format!("chgrp failed: {error}")).with("path", shown(path)))?;
        }
        Ok(true)
    }

    /// A link has no permissions of its own on Linux.
    fn apply_mode(&self, path: &Path, context: &Context, changes: &mut Changes) -> Result<bool, Failure> {
        let Some(mode) = &self.mode else { return Ok(false) };
        let found = look(path)?;
        let current = found.mode() & 0o7777;
        let wanted = mode.bits(current, found.is_dir(), umask());
        if current == wanted || found.is_symlink() {
            return Ok(false);
        }
        changes.note("mode", octal(current), octal(wanted));
        if !context.check {
            fs::set_permissions(path, fs::Permissions::from_mode(wanted)).map_err(|error| {
                Failure::new("chmod failed").with("path", shown(path)).with("details", error.to_string())
            })?;
        }
        Ok(true)
    }

    fn apply_label(
        &self,
        path: &Path,
        context: &mut Context,
        changes: &mut Changes,
    ) -> Result<bool, Failure> {
        if self.label.iter().all(Option::is_none) || !selinux_enabled() {
            return Ok(false);
        }
        let Some(current) = label_of(path) else { return Ok(false) };
        let policy = self.label.iter().flatten().any(|part| part == "_default");
        let default = if policy { policy_label(path, context) } else { None };
        let mut wanted = split_label(&current);
        for (at, part) in self.label.iter().enumerate() {
            let part = match part.as_deref() {
                Some("_default") => default.as_ref().and_then(|label| label.get(at).cloned()),
                other => other.map(str::to_string),
            };
            if let (Some(place), Some(part)) = (wanted.get_mut(at), part) {
                *place = part;
            }
        }
        let wanted = wanted.join(":");
        if wanted == current {
            return Ok(false);
        }
        let list = |label: &str| split_label(label).into_iter().map(Value::from).collect::<Value>();
        changes.note("secontext", list(&current), list(&wanted));
        if !context.check {
            set_label(path, &wanted).map_err(|error| {
                Failure::new(format!("invalid selinux context: {error}")).with("path", shown(path))
            })?;
        }
        Ok(true)
    }

    fn apply_flags(
        &self,
        path: &Path,
        context: &mut Context,
        changes: &mut Changes,
    ) -> Result<bool, Failure> {
        let Some(flags) = &self.flags else { return Ok(false) };
        let (operator, flags) = match flags.chars().next() {
            Some(sign @ ('+' | '-' | '=')) => (sign, &flags[1..]),
            _ => ('=', flags.as_str()),
        };
        let current = attribute_flags(path, context).unwrap_or_default();
        let has = |flag: char| current.contains(flag);
        let done = match operator {
            '+' => flags.chars().all(has),
            '-' => !flags.chars().any(has),
            _ => current == flags,
        };
        if flags.is_empty() || done {
            return Ok(false);
        }
        let Some(chattr) = find_program("chattr", context) else { return Ok(false) };
        changes.note("attributes", current.as_str(), format!("{operator}{flags}"));
        if !context.check {
            let output = Command::new(chattr).arg(format!("{operator}{flags}")).arg(path).run(context)?;
            if !output.ok() || !output.stderr.is_empty() {
                let said = format!(
                    "Error while setting attributes: {}{}",
                    output.stdout_text(),
                    output.stderr_text()
                );
                return Err(Failure::new("chattr failed").with("path", shown(path)).with("details", said));
            }
        }
        Ok(true)
    }
}

/// The file that the arguments are about.
fn shown_path(args: &Args) -> Option<&str> {
    args.opt_str("path").or_else(|| args.opt_str("dest"))
}

/// Owner, group, mode, kind and size of the file a result names, as Ansible adds them to every result with a `path` or `dest`.
pub(crate) fn add_path_info(result: &mut Map) {
    let Some(path) = result.get_str("path").or_else(|| result.get_str("dest")).map(PathBuf::from) else {
        return;
    };
    let (Ok(found), Ok(target)) = (fs::symlink_metadata(&path), fs::metadata(&path)) else { return };
    let state = if found.is_symlink() {
        "link"
    } else if target.is_dir() {
        "directory"
    } else if target.nlink() > 1 {
        "hard"
    } else {
        "file"
    };
    result.insert("uid", found.uid());
    result.insert("gid", found.gid());
    result.insert("owner", accounts::user_name(found.uid()));
    result.insert("group", accounts::group_name(found.gid()));
    result.insert("mode", octal(found.mode()));
    result.insert("state", state);
    if selinux_enabled()
        && let Some(label) = label_of(&path)
    {
        result.insert("secontext", label);
    }
    result.insert("size", found.len());
}

/// The `lsattr` flags of a file; `None` where the file system or the host has none.
pub(crate) fn attribute_flags(path: &Path, context: &mut Context) -> Option<String> {
    let lsattr = find_program("lsattr", context)?;
    let output =
        Command::new(lsattr).arg("-d").arg(path).run(context).ok().filter(crate::process::Output::ok)?;
    let text = output.stdout_text();
    text.split_whitespace().next().map(|flags| flags.replace('-', ""))
}

/// The umask of this process.
pub fn umask() -> u32 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    // Kernels before 4.7 do not show it; the common one is the better guess than changing it to ask.
    line.and_then(|digits| u32::from_str_radix(digits.trim(), 8).ok()).unwrap_or(0o022)
}

/// Whether the kernel enforces or permits with SELinux.
pub fn selinux_enabled() -> bool {
    Path::new("/sys/fs/selinux/enforce").exists()
}

/// The SELinux label of a file (not of what a link points to).
pub fn label_of(path: &Path) -> Option<String> {
    let mut buffer = vec![0; 4096];
    let length = rustix::fs::lgetxattr(path, "security.selinux", &mut buffer[..]).ok()?;
    let text = String::from_utf8_lossy(buffer.get(..length)?).into_owned();
    Some(text.trim_end_matches('\0').to_string())
}

/// Sets the SELinux label of a file.
pub(crate) fn set_label(path: &Path, label: &str) -> io::Result<()> {
    let flags = rustix::fs::XattrFlags::empty();
    Ok(rustix::fs::lsetxattr(path, "security.selinux", label.as_bytes(), flags)?)
}

fn split_label(label: &str) -> Vec<String> {
    label.splitn(4, ':').map(str::to_string).collect()
}

/// The label that the policy has for a path.
fn policy_label(path: &Path, context: &mut Context) -> Option<Vec<String>> {
    let program = find_program("matchpathcon", context)?;
    let output = Command::new(program).arg("-n").arg(path).run(context).ok()?;
    output.ok().then(|| split_label(output.stdout_text().trim()))
}

fn look(path: &Path) -> Result<fs::Metadata, Failure> {
    fs::symlink_metadata(path).map_err(|error| Failure::io("could not look at", path, &error))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Gives a new file the owner, permissions, SELinux label and access lists of another, as far as allowed.
pub(crate) fn copy_attributes(from: &Path, to: &Path) -> io::Result<()> {
    copy_owner(from, to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    copy_extended(from, to, "system.posix_acl_access");
    Ok(())
}

/// Gives a new file the owner and SELinux label of another, as far as allowed, and nothing that lets more people read it.
pub(crate) fn copy_owner(from: &Path, to: &Path) -> io::Result<()> {
    let like = fs::metadata(from)?;
    match chown(to, Some(like.uid()), Some(like.gid())) {
        // Who is not root may own it already, or may not keep the owner.
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
        _ => {}
    }
    copy_extended(from, to, "security.selinux");
    Ok(())
}

fn copy_extended(from: &Path, to: &Path, name: &str) {
    let mut value = vec![0; 64 * 1024];
    if let Ok(length) = rustix::fs::getxattr(from, name, &mut value[..]) {
        // A file system without labels or lists has nothing to keep.
        let _ = rustix::fs::setxattr(to, name, &value[..length], rustix::fs::XattrFlags::empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        (folder, path)
    }

    fn mode(text: &str) -> FileAttributes {
        FileAttributes {
            mode: Some(FileMode::parse(&Value::from(text)).unwrap()),
            ..FileAttributes::default()
        }
    }

    #[test]
    fn the_second_time_nothing_changes() {
        let (_folder, path) = file();
        let (mut context, mut changes) = (Context::local(), Changes::default());
        assert!(mode("0600").apply(&path, &mut context, &mut changes).unwrap());
        assert_eq!(changes.before.get_str("mode"), Some("0644"));
        assert_eq!(changes.after.get_str("mode"), Some("0600"));
        assert!(!mode("0600").apply(&path, &mut context, &mut Changes::default()).unwrap());
    }

    #[test]
    fn check_mode_looks_and_leaves() {
        let (_folder, path) = file();
        let mut context = Context { check: true, ..Context::local() };
        assert!(mode("0600").apply(&path, &mut context, &mut Changes::default()).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o644);
        let missing = path.with_file_name("missing");
        assert!(mode("0600").apply(&missing, &mut context, &mut Changes::default()).unwrap());
    }

    #[test]
    fn an_unknown_user_is_named() {
        let (_folder, path) = file();
        let wanted = FileAttributes { owner: Some("no-such-user".to_string()), ..FileAttributes::default() };
        let failure = wanted.apply(&path, &mut Context::local(), &mut Changes::default()).unwrap_err();
        assert_eq!(failure.msg, "chown failed: failed to look up user no-such-user");
    }

    #[test]
    fn results_that_name_a_file_tell_about_it() {
        let (_folder, path) = file();
        let mut result = Map::from([("dest", path.to_str().unwrap())]);
        add_path_info(&mut result);
        assert_eq!((result.get_str("mode"), result.get_str("state")), (Some("0644"), Some("file")));
        assert_eq!(result.get("size"), Some(&Value::from(1)));
    }
}
