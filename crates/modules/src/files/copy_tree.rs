//! A folder of the host copied to another place of the host: what is missing or different, nothing else.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use walkdir::WalkDir;

use crate::atomic_write::AtomicFile;
use crate::file_attributes::{Changes, FileAttributes};
use crate::mode::FileMode;
use crate::{Args, Context, Failure, sha1_of_file};

/// Copies; tells whether anything was (or would be) changed.
pub(super) fn copy_tree(
    source: &Path,
    dest: &Path,
    args: &Args,
    context: &mut Context,
) -> Result<bool, Failure> {
    // Ansible copies links as links only if `local_follow` says no.
    let follow = args.opt_bool("local_follow").unwrap_or(false);
    let attributes = FileAttributes::from_args(args)?.without_mode();
    let mut changed = false;
    for entry in WalkDir::new(source).follow_links(follow).sort_by_file_name() {
        context.go_on()?;
        let entry =
            entry.map_err(|error| Failure::new(format!("could not read {}: {error}", source.display())))?;
        let relative = entry.path().strip_prefix(source).unwrap_or(entry.path());
        let target = if relative.as_os_str().is_empty() { dest.to_path_buf() } else { dest.join(relative) };
        let kind = entry.file_type();
        if kind.is_dir() {
            changed |= copy_folder(entry.path(), &target, &attributes, context)?;
        } else if kind.is_symlink() {
            changed |= copy_link(entry.path(), &target, context)?;
        } else if kind.is_file() {
            changed |= copy_file(entry.path(), &target, &attributes, context)?;
        } else {
            return Err(Failure::new(format!(
                "{} is neither a file nor a folder nor a link",
                entry.path().display()
            )));
        }
    }
    Ok(changed)
}

fn copy_folder(
    from: &Path,
    to: &Path,
    attributes: &FileAttributes,
    context: &mut Context,
) -> Result<bool, Failure> {
    let missing = !to.is_dir();
    if missing && !context.check {
        fs::create_dir_all(to).map_err(|error| Failure::io("could not make", to, &error))?;
        keep_mode(from, to)?;
    }
    let owner = attributes.clone().without_mode();
    Ok(owner.apply(to, context, &mut Changes::default())? | missing)
}

fn copy_link(from: &Path, to: &Path, context: &Context) -> Result<bool, Failure> {
    let target = fs::read_link(from).map_err(|error| Failure::io("could not read the link", from, &error))?;
    if fs::read_link(to).is_ok_and(|found| found == target) {
        return Ok(false);
    }
    if !context.check {
        if fs::symlink_metadata(to).is_ok() {
            fs::remove_file(to).map_err(|error| Failure::io("could not remove", to, &error))?;
        }
        symlink(&target, to).map_err(|error| Failure::io("could not make the link", to, &error))?;
    }
    Ok(true)
}

fn copy_file(
    from: &Path,
    to: &Path,
    attributes: &FileAttributes,
    context: &mut Context,
) -> Result<bool, Failure> {
    let differs = match (fs::metadata(from), fs::metadata(to)) {
        (Ok(one), Ok(other)) => one.len() != other.len() || sha1_of_file(from).ok() != sha1_of_file(to).ok(),
        _ => true,
    };
    if differs && !context.check {
        let content = fs::File::open(from).map_err(|error| Failure::io("could not read", from, &error))?;
        let mut file = AtomicFile::begin(to)?;
        file.fill(content)?;
        file.replace(false)?;
        keep_mode(from, to)?;
    }
    Ok(attributes.apply(to, context, &mut Changes::default())? | differs)
}

fn keep_mode(from: &Path, to: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt;
    let about = fs::metadata(from).map_err(|error| Failure::io("could not look at", from, &error))?;
    let like =
        FileAttributes { mode: Some(FileMode::Bits(about.mode() & 0o7777)), ..FileAttributes::default() };
    like.apply(to, &mut Context::local(), &mut Changes::default())?;
    Ok(())
}
